//! Starts the real binary and talks to it over its wires.
//!
//! The harness knows nothing of Ward's crates: what a stranger can do, it does.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::string_slice,
    clippy::print_stdout,
    reason = "a harness of tests: a failure is a failed test"
)]

mod http;
mod mllp;
mod server;
mod shared;
mod wait;

pub use http::{Client, Reply};
pub use mllp::{Ack, Peer, frame};
pub use server::{House, Server, python, ward};
pub use shared::{clients, shared_data, skip};
pub use wait::{pause, wait_until};
