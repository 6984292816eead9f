use proptest::prelude::*;

use super::{Piece, escape, flaw, pieces, plain};
use crate::{charset::Charset, problem::ProblemKind, separators::Separators};

fn few() -> Separators {
    Separators::new(b'|', b"^~").unwrap().0
}

#[test]
fn what_needs_no_escape_is_borrowed() {
    let text = "12 Sample Street";
    let written = escape(text, &Separators::RECOMMENDED).unwrap();
    assert!(matches!(written, std::borrow::Cow::Borrowed(_)));
    assert_eq!(escape("a&b\\c", &few()).unwrap(), "a&b\\c");
    assert!(escape("a^b", &few()).is_err());
}

#[test]
fn two_quotes_are_text_only_in_hexadecimal() {
    let written = escape("\"\"", &Separators::RECOMMENDED).unwrap();
    assert_eq!(written, r"\X2222\");
    assert_eq!(plain(&written, &Separators::RECOMMENDED, Charset::Utf8), "\"\"");
    assert_eq!(escape("\"\"\"", &Separators::RECOMMENDED).unwrap(), "\"\"\"");
}

#[test]
fn flaws_are_named() {
    let flaw_of = |raw| flaw(raw, &Separators::RECOMMENDED, Charset::Utf8);
    assert_eq!(flaw_of(r"a\F\b\.br\\X41\\Zx\"), None);
    assert_eq!(flaw_of(r"a\Q\b"), Some(ProblemKind::EscapeUnknown));
    assert_eq!(flaw_of(r"a\.zz\b"), Some(ProblemKind::EscapeUnknown));
    assert_eq!(flaw_of(r"a\b"), Some(ProblemKind::EscapeOpen));
    assert_eq!(flaw_of(r"a\XFF\b"), Some(ProblemKind::EscapeUndecodable));
    assert_eq!(flaw_of(r"a\M2428443021\b"), Some(ProblemKind::EscapeUnknown));
}

#[test]
fn hexadecimal_is_in_the_set_of_the_message() {
    let text = |charset| plain(r"\XB5\g", &Separators::RECOMMENDED, charset).into_owned();
    assert_eq!(text(Charset::Iso8859Part1), "µg");
    assert_eq!(text(Charset::Utf8), r"\XB5\g");
}

proptest! {
    #[test]
    fn written_text_is_read_again(text in "[ -~\u{0}-\u{1f}\u{7f}é検]{0,40}") {
        for separators in [Separators::RECOMMENDED, Separators::WITH_TRUNCATION] {
            let written = escape(&text, &separators).unwrap();
            prop_assert!(!written.contains(['|', '^', '~', '&', '\r', '\n']));
            prop_assert_eq!(plain(&written, &separators, Charset::Utf8), text.as_str());
            prop_assert_eq!(flaw(&written, &separators, Charset::Utf8), None);
        }
    }

    #[test]
    fn every_value_gets_an_answer(raw in r"[\\FSTREPHNXCMZ.brspsk0-9A-Fa-fé]{0,40}") {
        for charset in Charset::all() {
            let _ = plain(&raw, &Separators::RECOMMENDED, charset);
        }
        let whole: usize = pieces(&raw, &Separators::RECOMMENDED)
            .map(|piece| match piece {
                Piece::Text(it) | Piece::Unknown(it) | Piece::Open(it) | Piece::Local(it) => it.len(),
                Piece::Hex(digits) | Piece::SingleByte(digits) | Piece::MultiByte(digits) => {
                    digits.len() + 3
                }
                Piece::Delimiter(_) | Piece::HighlightOn | Piece::HighlightOff => 3,
                Piece::Format(_) => 0,
            })
            .sum();
        prop_assert!(whole <= raw.len());
    }
}
