//! Stays: beds and who lies in them, admission, transfer, leave and discharge.
//!
//! Who lies where is known by claims on beds, each bed one record in truth: two stays can never
//! both get the last place in a bed, because only one of them can write its next version.

#![cfg_attr(test, allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "tests may"))]

pub mod admission;
pub mod beds;
pub mod figures;
pub mod follow;
pub mod plan;
mod records;
pub mod stay;
pub mod tasks;
pub mod vitals;
