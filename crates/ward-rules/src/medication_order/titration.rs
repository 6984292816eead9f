//! An infusion whose rate is changed within bounds.

use serde::{Deserialize, Serialize};

use super::Quantity;

/// What the order allows whoever titrates.
///
/// - Units: those of the order, such as mcg/kg/min.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Titration {
    pub start: Quantity,
    pub lowest: Quantity,
    pub highest: Quantity,
    /// Largest change at once.
    pub step: Quantity,
    pub unit: String,
    /// Minutes between two changes.
    #[serde(default)]
    pub every_min: u32,
    /// What it is titrated to, in words: MAP at least 65 mmHg.
    pub target: String,
}

/// A rate that the order does not allow.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
pub enum OutOfBounds {
    #[error("{0} is below the lowest rate of the order, {1}")]
    TooLow(Quantity, Quantity),
    #[error("{0} is above the highest rate of the order, {1}")]
    TooHigh(Quantity, Quantity),
    #[error("a change by {0} is more than a step of the order, {1}")]
    StepTooLarge(Quantity, Quantity),
    #[error("the rate was changed {ago_min} min ago; {every_min} min have to pass")]
    TooSoon { ago_min: i64, every_min: u32 },
    #[error("an infusion begins with {0}")]
    OtherStart(Quantity),
    #[error(
        "an order to titrate has a lowest, a first and a highest rate, in that order, and a step"
    )]
    Order,
}

impl Titration {
    pub fn check(&self) -> Result<(), OutOfBounds> {
        let in_order = self.lowest <= self.start && self.start <= self.highest;
        if in_order && !self.step.is_zero() { Ok(()) } else { Err(OutOfBounds::Order) }
    }

    /// Whether a rate may follow another.
    ///
    /// - Shape: going down is never refused for coming too soon or by too much: what has to be
    ///   taken back is taken back at once.
    pub fn allows(
        &self,
        before: Option<(Quantity, i64)>,
        next: Quantity,
    ) -> Result<(), OutOfBounds> {
        let Some((now, ago_min)) = before else {
            return if next == self.start {
                Ok(())
            } else {
                Err(OutOfBounds::OtherStart(self.start))
            };
        };
        if next < self.lowest {
            return Err(OutOfBounds::TooLow(next, self.lowest));
        }
        if self.highest < next {
            return Err(OutOfBounds::TooHigh(next, self.highest));
        }
        let Some(up) = next.checked_sub(now).filter(|up| !up.is_zero()) else { return Ok(()) };
        if self.step < up {
            return Err(OutOfBounds::StepTooLarge(up, self.step));
        }
        if ago_min < i64::from(self.every_min) {
            return Err(OutOfBounds::TooSoon { ago_min, every_min: self.every_min });
        }
        Ok(())
    }
}
