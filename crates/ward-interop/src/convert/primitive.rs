//! Text of v2 to primitive values of FHIR.

use jiff::tz::{Offset, TimeZone};
use ward_fhir::{
    Json,
    definitions::Primitive,
    validate::format::{fits, is_integer},
};
use ward_hl7::time::{Dtm, Precision, Tm};

/// The value, or nothing where the text is none of that type.
pub(super) fn primitive(kind: Primitive, text: &str, zone: &TimeZone) -> Option<Json<'static>> {
    let string = |text: String| fits(kind, &text).then(|| Json::string(text));
    match kind {
        Primitive::Boolean => match text {
            "Y" | "y" | "T" | "1" | "true" | "Yes" | "YES" => Some(Json::Bool(true)),
            "N" | "n" | "F" | "0" | "false" | "No" | "NO" => Some(Json::Bool(false)),
            _ => None,
        },
        Primitive::Integer | Primitive::PositiveInt | Primitive::UnsignedInt => {
            let text = text.strip_prefix('+').unwrap_or(text);
            let text = text.split_once('.').map_or(text, |(whole, rest)| {
                if rest.bytes().all(|b| b == b'0') { whole } else { text }
            });
            is_integer(kind, text).then(|| number(text)).flatten()
        }
        Primitive::Decimal => decimal(text),
        Primitive::Date => string(date(&text.parse().ok()?)),
        Primitive::DateTime => string(date_time(&text.parse().ok()?, zone)?),
        Primitive::Instant => string(instant(&text.parse().ok()?, zone)?),
        Primitive::Time => string(time(&text.parse().ok()?)),
        Primitive::Xhtml => None,
        _ => string(text.to_owned()),
    }
}

fn number(text: &str) -> Option<Json<'static>> {
    let json = Json::parse(text.as_bytes()).ok()?;
    json.as_number()?;
    Some(json.into_owned())
}

/// NM to a decimal with the digits it was written with: `+01.50` is `1.50`.
pub(super) fn decimal(text: &str) -> Option<Json<'static>> {
    let text = text.trim();
    let (sign, rest) = match text.strip_prefix('-') {
        Some(rest) => ("-", rest),
        None => ("", text.strip_prefix('+').unwrap_or(text)),
    };
    let (whole, fraction) = rest.split_once('.').unwrap_or((rest, ""));
    let digits = |text: &str| text.bytes().all(|b| b.is_ascii_digit());
    if !digits(whole) || !digits(fraction) || (whole.is_empty() && fraction.is_empty()) {
        return None;
    }
    let whole = whole.trim_start_matches('0');
    let whole = if whole.is_empty() { "0" } else { whole };
    let point = if fraction.is_empty() { "" } else { "." };
    number(&format!("{sign}{whole}{point}{fraction}"))
}

/// The day and no more: what FHIR calls a date.
fn date(dtm: &Dtm) -> String {
    let at = dtm.start();
    match dtm.precision() {
        Precision::Year => format!("{:04}", at.year()),
        Precision::Month => format!("{:04}-{:02}", at.year(), at.month()),
        _ => format!("{:04}-{:02}-{:02}", at.year(), at.month(), at.day()),
    }
}

/// With the precision it was written with, as far as FHIR can say it.
///
/// - Source: FHIR R4, dateTime: hours come with minutes and an offset; seconds may be zero-filled.
fn date_time(dtm: &Dtm, zone: &TimeZone) -> Option<String> {
    if dtm.precision() <= Precision::Day {
        return Some(date(dtm));
    }
    let at = dtm.start();
    let offset = offset(dtm, zone)?;
    let clock = format!("T{:02}:{:02}:{:02}", at.hour(), at.minute(), at.second());
    Some(format!("{}{clock}{}{offset}", date(dtm), fraction(dtm)))
}

/// A time to the second: coarser ones are not a moment.
fn instant(dtm: &Dtm, zone: &TimeZone) -> Option<String> {
    (Precision::Minute <= dtm.precision()).then(|| date_time(dtm, zone)).flatten()
}

fn fraction(dtm: &Dtm) -> String {
    let Precision::Fraction(n) = dtm.precision() else { return String::new() };
    let digits = format!("{:09}", dtm.start().subsec_nanosecond());
    format!(".{}", digits.get(..usize::from(n)).unwrap_or(&digits))
}

fn offset(dtm: &Dtm, zone: &TimeZone) -> Option<String> {
    let offset = match dtm.offset() {
        Some(offset) => offset,
        None => zone
            .to_ambiguous_timestamp(dtm.start())
            .compatible()
            .ok()
            .map(|at| zone.to_offset(at))?,
    };
    Some(offset_text(offset))
}

fn offset_text(offset: Offset) -> String {
    let seconds = offset.seconds();
    let sign = if seconds < 0 { '-' } else { '+' };
    let minutes = seconds.abs() / 60;
    format!("{sign}{:02}:{:02}", minutes / 60, minutes % 60)
}

fn time(tm: &Tm) -> String {
    let at = tm.start;
    format!("{:02}:{:02}:{:02}", at.hour(), at.minute(), at.second())
}
