//! Ways of writing a dose that are misread at the bedside.

use serde::Serialize;

/// What is wrong with how something is written.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Debug, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Writing {
    /// `1.0 mg` becomes 10 mg.
    TrailingZero,
    /// `.5 mg` becomes 5 mg.
    NakedDecimal,
    /// `10U` becomes 100.
    U,
    /// `IU` becomes IV or 10.
    Iu,
    /// `µg` becomes mg.
    MicroSign,
    /// `cc` becomes 00 or u.
    Cc,
    /// `QD`, `QOD` become each other.
    Qd,
    /// `MS`, `MSO4`, `MgSO4` become each other.
    Ms,
    /// `SC`, `SQ` become SL or 5 every.
    Sc,
    /// `HS` becomes half strength.
    Hs,
    /// `OD` is the right eye, or once a day.
    Od,
    /// `100000` units: nobody counts the zeros.
    NoSeparators,
    /// `10mg`: the m becomes a zero.
    NoSpace,
}

impl Writing {
    /// What to write instead.
    pub const fn advice(self) -> &'static str {
        match self {
            Writing::TrailingZero => "leave out the zero after the point: 1 mg, not 1.0 mg",
            Writing::NakedDecimal => "write a zero before the point: 0.5 mg, not .5 mg",
            Writing::U => "write units, not U",
            Writing::Iu => "write units, not IU",
            Writing::MicroSign => "write mcg, not the micro sign",
            Writing::Cc => "write mL, not cc",
            Writing::Qd => "write daily or every other day, not QD or QOD",
            Writing::Ms => "write morphine sulfate or magnesium sulfate in full",
            Writing::Sc => "write subcut, not SC or SQ",
            Writing::Hs => "write at bedtime, not HS",
            Writing::Od => "write daily or right eye, not OD",
            Writing::NoSeparators => "write large numbers with separators or as words",
            Writing::NoSpace => "put a space between number and unit",
        }
    }
}

/// What is wrong with how `text` is written; each once, in the order of [`Writing`].
///
/// - Source: known confusions, in our own words.
pub fn lint(text: &str) -> Vec<Writing> {
    let mut found = Vec::new();
    let words: Vec<&str> =
        text.split(|c: char| c.is_whitespace() || matches!(c, ',' | ';' | '(' | ')')).collect();
    for (at, word) in words.iter().enumerate() {
        let end = word
            .char_indices()
            .find(|(_, c)| !c.is_ascii_digit() && *c != '.')
            .map_or(word.len(), |(at, _)| at);
        let (number, unit) = word.split_at_checked(end).unwrap_or((word, ""));
        let next = words.get(at + 1).copied().unwrap_or_default();
        let is_number = number.bytes().any(|b| b.is_ascii_digit());
        let of = if unit.is_empty() { next } else { unit };
        let of = of.trim_end_matches('.');
        if is_number {
            if let Some((whole, part)) = number.split_once('.') {
                if whole.is_empty() && !part.is_empty() {
                    found.push(Writing::NakedDecimal);
                }
                if !part.is_empty() && part.bytes().all(|b| b == b'0') {
                    found.push(Writing::TrailingZero);
                }
            }
            if 5 <= number.len() && number.bytes().all(|b| b.is_ascii_digit()) {
                found.push(Writing::NoSeparators);
            }
            if of.eq_ignore_ascii_case("u") {
                found.push(Writing::U);
            }
            if of.eq_ignore_ascii_case("iu") {
                found.push(Writing::Iu);
            }
            if of.eq_ignore_ascii_case("cc") {
                found.push(Writing::Cc);
            }
            if of.starts_with(['µ', 'μ']) {
                found.push(Writing::MicroSign);
            }
            if unit.starts_with(['m', 'M', 'u', 'U']) {
                found.push(Writing::NoSpace);
            }
        }
        let bare = word.trim_matches('.').to_ascii_uppercase().replace('.', "");
        match bare.as_str() {
            "QD" | "QOD" => found.push(Writing::Qd),
            "MS" | "MSO4" | "MGSO4" => found.push(Writing::Ms),
            "SC" | "SQ" => found.push(Writing::Sc),
            "HS" | "QHS" => found.push(Writing::Hs),
            "OD" => found.push(Writing::Od),
            _ => {}
        }
    }
    found.sort();
    found.dedup();
    found
}

#[cfg(test)]
mod tests {
    use super::{Writing, lint};

    #[test]
    fn what_is_misread_is_found() {
        assert_eq!(lint("warfarin 1.0 mg PO daily"), [Writing::TrailingZero]);
        assert_eq!(lint("digoxin .125 mg PO daily"), [Writing::NakedDecimal]);
        assert_eq!(lint("insulin 10U subcut"), [Writing::U, Writing::NoSpace]);
        assert_eq!(lint("insulin 10 u subcut"), [Writing::U]);
        assert_eq!(lint("heparin 5000 IU SC"), [Writing::Iu, Writing::Sc]);
        assert_eq!(lint("levothyroxine 50 µg PO QD"), [Writing::MicroSign, Writing::Qd]);
        assert_eq!(lint("MgSO4 2 g IV"), [Writing::Ms]);
        assert_eq!(lint("penicillin G 1000000 units IM"), [Writing::NoSeparators]);
        assert_eq!(lint("5 cc PO at bedtime"), [Writing::Cc]);
    }

    #[test]
    fn what_is_right_is_left_alone() {
        for right in ["0.5 mg PO daily", "10 mg", "1.25 mg twice daily", "2 g IV q8h", "10.5 mL"] {
            assert_eq!(lint(right), [], "{right}");
        }
    }
}
