//! What each comparison is worth.

use super::{Field, Level};

/// For each field: how often it is same and close in two registrations of one person, and in those
/// of two; the rest differs.
#[derive(Clone, PartialEq, Debug)]
pub struct Weights([(Field, Chance, Chance); 9]);

/// Of being same, and of being close.
type Chance = (f64, f64);

impl Default for Weights {
    /// - Source: orders of magnitude. Of two people, one in some hundreds has the same family
    ///   name and one in 30,000 the same birth date (80 years of 365 days); of one, a field is
    ///   mistyped or out of date in a few registrations of a hundred, a phone in four of ten.
    fn default() -> Weights {
        Weights([
            (Field::Number, (0.95, 0.0), (0.000_001, 0.0)),
            (Field::Family, (0.90, 0.07), (0.004, 0.01)),
            (Field::Given, (0.85, 0.10), (0.01, 0.02)),
            (Field::BirthDate, (0.94, 0.04), (0.000_04, 0.004)),
            (Field::Sex, (0.98, 0.0), (0.5, 0.0)),
            (Field::Phone, (0.60, 0.0), (0.000_1, 0.0)),
            (Field::Email, (0.60, 0.0), (0.000_01, 0.0)),
            (Field::Address, (0.55, 0.15), (0.000_5, 0.002)),
            (Field::PostalCode, (0.70, 0.0), (0.01, 0.0)),
        ])
    }
}

impl Weights {
    /// log2 of how much oftener this is seen in one person than in two.
    pub(super) fn bits(&self, field: Field, level: Level) -> f64 {
        let Some((_, one, two)) = self.0.iter().find(|(it, ..)| *it == field) else { return 0.0 };
        let of = |(same, close): Chance| match level {
            Level::Same => same,
            Level::Close if close == 0.0 => same,
            Level::Close => close,
            Level::Differs => 1.0 - same - close,
        };
        (of(*one) / of(*two)).log2()
    }
}
