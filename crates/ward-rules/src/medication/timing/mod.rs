//! When doses are due: FHIR's Timing, abbreviations, schedules of wards.

mod due;
mod pace;
mod schedule;
mod types;

pub use due::{DUE_MAX, DueError, due};
pub use pace::{Pace, pace};
pub use schedule::Schedule;
pub use types::{Abbreviation, Bounds, PeriodUnit, Repeat, Timing, WhenEvent};
