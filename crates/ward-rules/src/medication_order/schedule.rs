//! When a dose is due, early, late or missed; and when one that is given as needed may be given.

use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};

use super::{Quantity, order::states};

/// How far from its time a dose may be given, for one ward.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", default, deny_unknown_fields)]
pub struct Window {
    pub early_min: u32,
    pub late_min: u32,
    /// From here on it counts as missed.
    pub missed_min: u32,
}

impl Default for Window {
    /// - Source: 42 CFR 482.23(c), the interpretive guidelines: hospitals set their windows; an hour
    ///   on each side is the usual one for drugs that are not time-critical.
    fn default() -> Window {
        Window { early_min: 60, late_min: 60, missed_min: 240 }
    }
}

states! {
    /// How a time stands to a dose's time.
    Timeliness {
        /// Before its window.
        Early = "early",
        Due = "due",
        /// After its window.
        Late = "late",
        Missed = "missed",
    }
}

impl Window {
    pub fn judge(&self, due: Timestamp, now: Timestamp) -> Timeliness {
        let apart = now.duration_since(due);
        let min = |n: u32| SignedDuration::from_mins(i64::from(n));
        match () {
            () if apart < -min(self.early_min) => Timeliness::Early,
            () if apart <= min(self.late_min) => Timeliness::Due,
            () if apart <= min(self.missed_min.max(self.late_min)) => Timeliness::Late,
            () => Timeliness::Missed,
        }
    }
}

/// What limits a drug that is given as needed.
#[derive(Clone, PartialEq, Eq, Default, Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default, deny_unknown_fields)]
pub struct AsNeeded {
    pub min_interval_min: Option<u32>,
    pub max_doses_24h: Option<u32>,
    pub max_quantity_24h: Option<Quantity>,
}

/// A dose that was given.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Given {
    pub at: Timestamp,
    pub quantity: Quantity,
}

/// It is too soon, or too much.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
pub enum TooMuch {
    #[error("the last dose was {ago_min} min ago; {interval_min} min have to pass")]
    TooSoon { ago_min: i64, interval_min: u32 },
    #[error("{max} doses were given in 24 hours, which is the most")]
    TooOften { max: u32 },
    #[error("with this dose it would be {would} in 24 hours; the most is {max}")]
    TooMuch { would: Quantity, max: Quantity },
}

impl AsNeeded {
    /// Why no further dose may be given now.
    ///
    /// - Shape: a day is the 24 hours before `now`, not a date.
    pub fn refusals(&self, given: &[Given], now: Timestamp, next: Quantity) -> Vec<TooMuch> {
        let mut why = Vec::new();
        let last = given.iter().map(|it| it.at).max();
        if let (Some(last), Some(interval_min)) = (last, self.min_interval_min) {
            let ago = now.duration_since(last);
            if ago < SignedDuration::from_mins(i64::from(interval_min)) {
                why.push(TooMuch::TooSoon { ago_min: ago.as_mins(), interval_min });
            }
        }
        let day = SignedDuration::from_hours(24);
        let in_day = || given.iter().filter(|it| now.duration_since(it.at) < day);
        if let Some(max) = self.max_doses_24h
            && usize::try_from(max).unwrap_or(usize::MAX) <= in_day().count()
        {
            why.push(TooMuch::TooOften { max });
        }
        if let Some(max) = self.max_quantity_24h {
            let would = in_day().map(|it| it.quantity).sum::<Quantity>().plus(next);
            if max < would {
                why.push(TooMuch::TooMuch { would, max });
            }
        }
        why
    }
}
