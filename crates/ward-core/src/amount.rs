//! Amounts of money as payers and claims write them.

use std::{fmt, iter::Sum, ops::Neg, str::FromStr};

/// An amount in hundredths of its currency.
///
/// - Shape: up to 15 digits before the point and 2 after it; FHIR and X12 both write `100` and
///   `100.00` for one amount.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default, Debug)]
pub struct Amount(i64); // INVARIANT: |n| <= `HUNDREDTHS_MAX`.

/// Text is no amount.
#[derive(Clone, Copy, PartialEq, Eq, Debug, thiserror::Error)]
#[error("an amount is digits, with up to two after a point")]
pub struct ParseAmountError;

/// LIMIT: no claim is as large; nine hundred of them are added without an overflow.
const HUNDREDTHS_MAX: i64 = 10_000_000_000_000_000;

impl Amount {
    pub const ZERO: Amount = Amount(0);

    pub const fn hundredths(self) -> i64 {
        self.0
    }

    /// `None` when it is larger than an amount may be.
    pub fn from_hundredths(n: i64) -> Option<Amount> {
        (n.unsigned_abs() <= HUNDREDTHS_MAX.unsigned_abs()).then_some(Amount(n))
    }

    #[must_use]
    pub fn plus(self, other: Amount) -> Amount {
        Amount(self.0.saturating_add(other.0).clamp(-HUNDREDTHS_MAX, HUNDREDTHS_MAX))
    }

    #[must_use]
    pub fn minus(self, other: Amount) -> Amount {
        self.plus(-other)
    }
}

impl Neg for Amount {
    type Output = Amount;

    fn neg(self) -> Amount {
        Amount(self.0.saturating_neg())
    }
}

impl Sum for Amount {
    fn sum<I: Iterator<Item = Amount>>(amounts: I) -> Amount {
        amounts.fold(Amount::ZERO, Amount::plus)
    }
}

impl FromStr for Amount {
    type Err = ParseAmountError;

    fn from_str(text: &str) -> Result<Amount, ParseAmountError> {
        let (digits, is_negative) = match text.strip_prefix('-') {
            Some(rest) => (rest, true),
            None => (text, false),
        };
        let (whole, part) = digits.split_once('.').unwrap_or((digits, ""));
        let is_number = |text: &str| text.bytes().all(|b| b.is_ascii_digit());
        // More places after the point only if they say nothing.
        let part = part.trim_end_matches('0');
        if (whole.is_empty() && part.is_empty())
            || !is_number(whole)
            || !is_number(part)
            || 2 < part.len()
        {
            return Err(ParseAmountError);
        }
        let whole: i64 =
            if whole.is_empty() { Ok(0) } else { whole.parse() }.map_err(|_| ParseAmountError)?;
        let part: i64 = match part.len() {
            0 => 0,
            1 => part.parse::<i64>().map_err(|_| ParseAmountError)?.saturating_mul(10),
            _ => part.parse().map_err(|_| ParseAmountError)?,
        };
        let n = whole.checked_mul(100).and_then(|n| n.checked_add(part)).ok_or(ParseAmountError)?;
        Amount::from_hundredths(if is_negative { -n } else { n }).ok_or(ParseAmountError)
    }
}

impl fmt::Display for Amount {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let n = self.0.unsigned_abs();
        let sign = if self.0 < 0 { "-" } else { "" };
        match n % 100 {
            0 => write!(f, "{sign}{}", n / 100),
            part => write!(f, "{sign}{}.{part:02}", n / 100),
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn amounts_are_read_as_they_are_written() {
        for (text, n) in
            [("100", 10_000), ("100.00", 10_000), ("0.5", 50), (".05", 5), ("-3.20", -320)]
        {
            assert_eq!(text.parse(), Ok(Amount(n)), "{text}");
        }
        for text in ["", ".", "-", "1.234", "1,00", "1e3", "+1", "99999999999999999999"] {
            assert_eq!(text.parse::<Amount>(), Err(ParseAmountError), "{text}");
        }
    }

    proptest! {
        #[test]
        fn what_is_shown_is_read_again(n in -HUNDREDTHS_MAX..HUNDREDTHS_MAX) {
            prop_assert_eq!(Amount(n).to_string().parse(), Ok(Amount(n)));
        }

        #[test]
        fn any_text_is_an_amount_or_not(text in "[-0-9.]{0,30}") {
            if let Ok(amount) = text.parse::<Amount>() {
                prop_assert!(amount.hundredths().abs() <= HUNDREDTHS_MAX);
            }
        }
    }
}
