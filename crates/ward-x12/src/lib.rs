//! X12 5010, as bytes and values: no socket, no storage, no clock.
//!
//! Reading keeps every byte, so that what was read is written as it came, and gives every problem
//! its place: byte, segment, element. What the implementation guides say beyond that is licensed
//! and not repeated here; the tables in `data/` hold what public companion guides state.

#![cfg_attr(test, allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "tests may"))]

pub mod ack;
pub mod claim;
mod dictionary;
pub mod eligibility;
mod envelope;
mod loops;
pub mod party;
mod problem;
mod read;
pub mod remittance;
pub mod review;
mod segment;
mod separators;
mod validate;
pub mod write;

pub use self::{
    envelope::{Group, Interchange, Transaction},
    problem::{Code, Place, Problem},
    read::{Document, read},
    segment::Segment,
    separators::Separators,
};

/// Largest file of interchanges, in bytes.
/// LIMIT: a day's claims of a large hospital.
pub const DOCUMENT_BYTES_MAX: usize = 32 * 1024 * 1024;
