//! Interactions against a real chart in a temporary folder.

#![allow(
    clippy::string_slice,
    clippy::indexing_slicing,
    clippy::unwrap_used,
    clippy::panic,
    reason = "tests may"
)]

mod audit_event;
mod capability;
mod care;
mod graphs;
mod house;
mod invisible;
mod scripts;
mod synthea;
