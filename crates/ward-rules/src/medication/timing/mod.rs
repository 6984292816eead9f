//! When doses are due: FHIR's Timing, abbreviations, schedules of wards.

mod types;

pub use types::{Abbreviation, Bounds, PeriodUnit, Repeat, Timing, WhenEvent};
