//! How much of a product: exact thousandths of its unit (tablet, vial, milliliter).

use std::{fmt, iter::Sum, str::FromStr};

use serde::{Deserialize, Deserializer, Serialize, Serializer, de};

/// An amount of a product, in thousandths of its unit.
///
/// - Shape: written as a decimal number with at most three places, `0.5` for half a tablet.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Default)]
pub struct Quantity(u64); // INVARIANT: at most `MAX`.

/// Text is no quantity.
#[derive(Clone, Copy, PartialEq, Eq, Debug, thiserror::Error)]
#[error("a quantity is a number from 0 to 1000000000 with at most three decimal places")]
pub struct NoQuantity;

impl Quantity {
    pub const ZERO: Quantity = Quantity(0);

    /// LIMIT: a thousand million units, in thousandths; no sum of two overflows.
    const MAX: u64 = 1_000_000_000_000;

    /// So many whole units.
    pub fn whole(n: u32) -> Quantity {
        Quantity(u64::from(n).saturating_mul(1_000).min(Self::MAX))
    }

    pub const fn is_zero(self) -> bool {
        self.0 == 0
    }

    pub fn checked_sub(self, less: Quantity) -> Option<Quantity> {
        self.0.checked_sub(less.0).map(Quantity)
    }

    /// Nothing past the largest quantity is counted.
    #[must_use]
    pub fn plus(self, more: Quantity) -> Quantity {
        Quantity(self.0.saturating_add(more.0).min(Self::MAX))
    }

    #[must_use]
    pub fn times(self, n: u32) -> Quantity {
        Quantity(self.0.saturating_mul(u64::from(n)).min(Self::MAX))
    }
}

impl Sum for Quantity {
    fn sum<I: Iterator<Item = Quantity>>(all: I) -> Quantity {
        all.fold(Quantity::ZERO, Quantity::plus)
    }
}

impl FromStr for Quantity {
    type Err = NoQuantity;

    fn from_str(text: &str) -> Result<Quantity, NoQuantity> {
        let (whole, places) = text.split_once('.').unwrap_or((text, "0"));
        let is_digits = |it: &str| !it.is_empty() && it.bytes().all(|b| b.is_ascii_digit());
        if !is_digits(whole) || !is_digits(places) || 3 < places.len() {
            return Err(NoQuantity);
        }
        let places: u64 = format!("{places:0<3}").parse().map_err(|_| NoQuantity)?;
        let whole: u64 = whole.parse().map_err(|_| NoQuantity)?;
        let all = whole.checked_mul(1_000).and_then(|it| it.checked_add(places));
        all.filter(|all| *all <= Self::MAX).map(Quantity).ok_or(NoQuantity)
    }
}

impl fmt::Display for Quantity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (whole, places) = (self.0 / 1_000, self.0 % 1_000);
        if places == 0 {
            return write!(f, "{whole}");
        }
        let places = format!("{places:03}");
        write!(f, "{whole}.{}", places.trim_end_matches('0'))
    }
}

impl fmt::Debug for Quantity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl Serialize for Quantity {
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        if self.0.is_multiple_of(1_000) {
            return to.serialize_u64(self.0 / 1_000);
        }
        to.serialize_f64(self.to_string().parse().unwrap_or_default())
    }
}

impl<'de> Deserialize<'de> for Quantity {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Quantity, D::Error> {
        struct Reads;
        impl de::Visitor<'_> for Reads {
            type Value = Quantity;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                write!(f, "{NoQuantity}")
            }

            fn visit_u64<E: de::Error>(self, n: u64) -> Result<Quantity, E> {
                n.to_string().parse().map_err(E::custom)
            }

            fn visit_f64<E: de::Error>(self, n: f64) -> Result<Quantity, E> {
                n.to_string().parse().map_err(E::custom)
            }

            fn visit_str<E: de::Error>(self, text: &str) -> Result<Quantity, E> {
                text.parse().map_err(E::custom)
            }
        }
        from.deserialize_any(Reads)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn decimals_are_exact_and_the_rest_is_refused() {
        for text in ["0", "1", "0.5", "12.125", "1000000000"] {
            assert_eq!(text.parse::<Quantity>().unwrap().to_string(), text);
        }
        assert_eq!("1.50".parse::<Quantity>().unwrap().to_string(), "1.5");
        for text in ["", ".", "1.", ".5", "-1", "1e3", "0.0001", "1000000000.001", "1,5", "NaN"] {
            assert_eq!(text.parse::<Quantity>(), Err(NoQuantity), "{text}");
        }
    }

    proptest! {
        #[test]
        fn what_is_written_is_read(n in 0..=Quantity::MAX) {
            prop_assert_eq!(Quantity(n).to_string().parse(), Ok(Quantity(n)));
        }

        #[test]
        fn no_text_panics(text in ".*") {
            let _read = text.parse::<Quantity>();
        }
    }
}
