//! The closed loop over a real chart: the story, what is refused, and what a kill leaves.

#![allow(clippy::unwrap_used, clippy::indexing_slicing, clippy::panic, reason = "tests may")]

mod broken_off;
mod home_list;
mod long_stay;
mod rig;
mod story;
