//! The registry over a real chart.

#![allow(clippy::unwrap_used, clippy::indexing_slicing, clippy::panic, reason = "these are tests")]

mod joining;
mod register;
mod rig;
