//! Decimals with the precision they are written in.

/// A decimal and the half-open range that its digits stand for.
#[derive(Clone, Copy, PartialEq, Debug)]
pub struct Decimal {
    pub value: f64,
    pub low: f64,
    pub high: f64,
}

/// Reads a JSON number; `100` stands for `[99.5, 100.5)`, `1e2` for `[95, 105)`.
///
/// - Source: FHIR R4, Search, 3.1.1.4.6.
pub fn decimal(text: &str) -> Option<Decimal> {
    let plain = text.bytes().all(|b| matches!(b, b'0'..=b'9' | b'+' | b'-' | b'.' | b'e' | b'E'));
    if !plain || !text.bytes().any(|b| b.is_ascii_digit()) {
        return None;
    }
    let value: f64 = text.parse().ok().filter(|value: &f64| value.is_finite())?;
    let (mantissa, exponent) = match text.split_once(['e', 'E']) {
        Some((mantissa, exponent)) => (mantissa, exponent.parse::<i32>().ok()?),
        None => (text, 0),
    };
    let places = mantissa.split_once('.').map_or(0, |(_, digits)| digits.len());
    let scale = exponent.saturating_sub(i32::try_from(places).ok()?);
    // SPEC: R4 says that `1e2` stands for [95, 105), a digit finer than it is written.
    let finer = if 0 < exponent && places == 0 { 2 } else { 1 };
    // Half of the last digit's place, from text, so that 5e-3 is the nearest double to itself.
    let half: f64 = format!("5e{}", scale.checked_sub(finer)?).parse().ok()?;
    Some(Decimal { value, low: value - half, high: value + half })
}
