//! The one place that reads the clock.

use jiff::Timestamp;

/// The time now. Everything below takes it as a parameter.
#[expect(clippy::disallowed_methods, reason = "the edge reads the clock once per request")]
pub fn now() -> Timestamp {
    Timestamp::now()
}
