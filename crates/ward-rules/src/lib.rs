//! Pure decisions: states of encounters and beds, where a patient is put, what a workflow does
//! next, whether an order is safe. Nothing here knows a clock, a chart or a wire.

#![cfg_attr(test, allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "tests may"))]

pub mod bed;
pub mod encounter;
pub mod likeness;
pub mod medication;
pub mod medication_order;
pub mod placement;
pub mod workflow;
