//! Interchanges as files: what is read of them, what is wrong, and how they are answered.
#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::expect_used,
    clippy::string_slice,
    reason = "tests may"
)]

mod golden;
mod shared;
mod whole;
