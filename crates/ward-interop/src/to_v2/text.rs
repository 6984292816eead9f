//! Primitive values of FHIR as text of v2.

use ward_fhir::{Json, definitions::Primitive};

/// The text of a value; `None` where v2 cannot say it.
///
/// - Shape: times keep their precision and their offset.
/// - Source: HL7 v2.8, 2.A.21 DT, 2.A.22 DTM, 2.A.75 TM.
pub(super) fn text(kind: Primitive, json: &Json<'_>) -> Option<String> {
    match json {
        Json::Bool(true) => Some("Y".to_owned()),
        Json::Bool(false) => Some("N".to_owned()),
        Json::Number(number) => Some(number.as_str().to_owned()),
        Json::String(text) => match kind {
            Primitive::Date | Primitive::DateTime | Primitive::Instant => time(text),
            Primitive::Time => Some(text.chars().filter(|c| *c != ':').collect()),
            _ if text.trim().is_empty() => None,
            _ => Some(text.to_string()),
        },
        _ => None,
    }
}

/// `2023-05-01T10:25:31.5-04:00` as `20230501102531.5-0400`.
pub(super) fn time(text: &str) -> Option<String> {
    let (date, clock) = text.split_once('T').map_or((text, None), |(d, c)| (d, Some(c)));
    let mut out: String = date.chars().filter(|c| *c != '-').collect();
    if let Some(clock) = clock {
        let (clock, offset) = match clock.find(['+', '-', 'Z']) {
            Some(at) => clock.split_at_checked(at)?,
            None => (clock, ""),
        };
        let (clock, fraction) = clock.split_once('.').unwrap_or((clock, ""));
        out.extend(clock.chars().filter(|c| *c != ':'));
        // DTM has four digits after the point.
        let fraction = fraction.get(..fraction.len().min(4)).unwrap_or_default();
        if fraction.bytes().any(|b| b != b'0') {
            out.push('.');
            out.push_str(fraction);
        }
        match offset {
            "" => {}
            "Z" => out.push_str("+0000"),
            offset => out.extend(offset.chars().filter(|c| *c != ':')),
        }
    }
    out.bytes().all(|b| b.is_ascii_digit() || b"+-.".contains(&b)).then_some(out)
}
