//! Whether text fits a primitive data type.

use crate::time::{Dtm, Precision, Tm};

/// Whether `text` fits the type; a type that says nothing about its text fits all.
///
/// - Source: HL7 v2.8, 2.A: DT, DTM, NM, SI, TM.
pub(super) fn fits(kind: &str, text: &str) -> bool {
    match kind {
        "NM" => is_number(text),
        "SI" => (1..=4).contains(&text.len()) && text.bytes().all(|b| b.is_ascii_digit()),
        "DTM" | "TS" => text.parse::<Dtm>().is_ok(),
        "DT" => text
            .parse::<Dtm>()
            .is_ok_and(|at| at.precision() <= Precision::Day && at.offset().is_none()),
        "TM" => text.parse::<Tm>().is_ok(),
        _ => true,
    }
}

/// An optional sign, digits, and an optional decimal point among them.
fn is_number(text: &str) -> bool {
    let digits = text.strip_prefix(['+', '-']).unwrap_or(text);
    let (whole, fraction) = digits.split_once('.').unwrap_or((digits, ""));
    let mut all = whole.bytes().chain(fraction.bytes()).peekable();
    all.peek().is_some() && all.all(|b| b.is_ascii_digit())
}

#[cfg(test)]
mod tests {
    use super::fits;

    #[test]
    fn numbers_and_times() {
        for (kind, good, bad) in [
            (
                "NM",
                &["0", "-1.5", "+.5", "5.", "007"][..],
                &["", "-", ".", "1e5", "1,5", "<5", " 1"][..],
            ),
            ("SI", &["1", "9999"], &["-1", "10000", "1.0", ""]),
            ("DT", &["2024", "20240311"], &["2024031108", "20240230", "20240311+0100"]),
            ("DTM", &["2024", "20240311083000.1+0100"], &["20240311T08", "83000"]),
            ("TM", &["08", "083000.25-0500"], &["25", "8"]),
            ("ST", &["anything at all"], &[]),
        ] {
            assert!(good.iter().all(|text| fits(kind, text)), "{kind}");
            assert!(!bad.iter().any(|text| fits(kind, text)), "{kind}");
        }
    }
}
