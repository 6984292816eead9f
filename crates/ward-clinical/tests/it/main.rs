//! Admissions over a real chart: many at once, broken off everywhere, and taken back.

#![allow(clippy::unwrap_used, clippy::indexing_slicing, clippy::panic, reason = "these are tests")]

mod broken_off;
mod crowd;
mod holds;
mod many;
mod rig;
mod story;
