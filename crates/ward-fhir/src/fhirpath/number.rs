//! Exact decimals, as FHIRPath asks: 0.1 + 0.2 is 0.3.

/// Decimal places that are kept.
const PLACES: u32 = 12;
const ONE: i128 = 10_i128.pow(PLACES);

/// A number with twelve decimal places.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub struct Number(i128);

impl Number {
    pub fn from_integer(n: i64) -> Number {
        Number(i128::from(n) * ONE)
    }

    /// - Shape: digits, a point, digits, perhaps an exponent; places past the twelfth are dropped.
    pub fn parse(text: &str) -> Option<Number> {
        let (mantissa, exponent) = match text.split_once(['e', 'E']) {
            Some((mantissa, exponent)) => (mantissa, exponent.parse::<i32>().ok()?),
            None => (text, 0),
        };
        let (negative, digits) = match mantissa.strip_prefix('-') {
            Some(rest) => (true, rest),
            None => (false, mantissa),
        };
        let (whole, fraction) = digits.split_once('.').unwrap_or((digits, ""));
        let mut value: i128 = 0;
        for digit in whole.chars().chain(fraction.chars()) {
            let digit = i128::from(digit.to_digit(10)?);
            value = value.checked_mul(10)?.checked_add(digit)?;
        }
        let places = i32::try_from(fraction.len()).ok()?;
        let shift = i32::try_from(PLACES).ok()?.checked_add(exponent)?.checked_sub(places)?;
        let power = 10_i128.checked_pow(shift.unsigned_abs());
        let value = match (shift < 0, power) {
            (true, power) => power.map_or(0, |power| value / power),
            (false, Some(power)) => value.checked_mul(power)?,
            (false, None) if value == 0 => 0,
            (false, None) => return None,
        };
        Some(Number(if negative { -value } else { value }))
    }

    pub fn plus(self, other: Number) -> Option<Number> {
        self.0.checked_add(other.0).map(Number)
    }

    pub fn minus(self, other: Number) -> Option<Number> {
        self.0.checked_sub(other.0).map(Number)
    }

    pub fn times(self, other: Number) -> Option<Number> {
        // Whole parts first, so that large whole numbers do not overflow on the way.
        let (whole, part) = (other.0 / ONE, other.0 % ONE);
        let low = self.0.checked_mul(part)? / ONE;
        self.0.checked_mul(whole)?.checked_add(low).map(Number)
    }

    /// `None` when dividing by zero.
    pub fn over(self, other: Number) -> Option<Number> {
        self.0.checked_mul(ONE)?.checked_div(other.0).map(Number)
    }

    /// The whole part of the quotient.
    pub fn whole_div(self, other: Number) -> Option<Number> {
        self.0.checked_div(other.0)?.checked_mul(ONE).map(Number)
    }

    pub fn modulo(self, other: Number) -> Option<Number> {
        self.0.checked_rem(other.0).map(Number)
    }

    pub fn negated(self) -> Number {
        Number(self.0.saturating_neg())
    }

    pub fn abs(self) -> Number {
        Number(self.0.saturating_abs())
    }

    /// The whole part, toward zero.
    pub fn to_integer(self) -> Option<i64> {
        i64::try_from(self.0 / ONE).ok()
    }

    pub fn is_whole(self) -> bool {
        self.0 % ONE == 0
    }

    pub fn floor(self) -> Number {
        Number(self.0.div_euclid(ONE) * ONE)
    }

    /// Rounds half away from zero to `places`.
    pub fn round(self, places: u32) -> Number {
        if PLACES <= places {
            return self;
        }
        let unit = 10_i128.pow(PLACES - places);
        let half = if self.0 < 0 { -unit / 2 } else { unit / 2 };
        Number(self.0.saturating_add(half) / unit * unit)
    }
}

impl std::fmt::Display for Number {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let sign = if self.0 < 0 { "-" } else { "" };
        let (whole, part) = (
            self.0.unsigned_abs() / ONE.unsigned_abs(),
            self.0.unsigned_abs() % ONE.unsigned_abs(),
        );
        let digits = format!("{part:012}");
        match digits.trim_end_matches('0') {
            "" => write!(f, "{sign}{whole}"),
            digits => write!(f, "{sign}{whole}.{digits}"),
        }
    }
}
