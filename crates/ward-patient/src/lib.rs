//! The registry: who is registered, who is registered twice, and joining and parting them.
//!
//! A second chart of one patient hides an allergy; a chart of two patients shows one that is not
//! theirs. So nobody is registered past a likely match without having seen it, nothing is joined
//! by itself, and what was joined can be parted.

#![cfg_attr(test, allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "tests may"))]

pub mod candidates;
pub mod joining;
mod person;
pub mod register;

pub use person::person_of;
