//! Which character set a message is in, from MSH-18, from the bytes, and from the listener.

use super::{Charset, ROWS};
use crate::problem::ProblemKind;

/// What MSH-18 says.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Declared {
    Nothing,
    Set(Charset),
    /// Not in table 0211, but what is meant is not in doubt.
    Alias(Charset),
    /// In table 0211, and we cannot read it.
    Unsupported,
    Unknown,
}

/// What was chosen, and what has to be said about it.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct Choice {
    pub charset: Charset,
    pub problem: Option<ProblemKind>,
}

impl Declared {
    /// From the repetitions of MSH-18.
    ///
    /// - Shape: the first one is the default of the message; the others are switched to. The
    ///   Japanese sets are switched to by ISO 2022 from ASCII or ISO IR14, so that one decoder
    ///   reads them all.
    /// - Source: HL7 v2.8, 2.14.9.18 MSH-18; 2.14.9.20 MSH-20 ISO 2022-1994.
    pub fn read(field: &[u8], repetition: Option<u8>) -> Declared {
        let mut names = field.split(|b| Some(*b) == repetition).map(<[u8]>::trim_ascii);
        let first = Declared::named(names.next().unwrap_or_default());
        let base =
            matches!(first, Declared::Nothing | Declared::Set(Charset::Ascii | Charset::ShiftJis));
        let japanese = |name: &[u8]| Declared::named(name) == Declared::Set(Charset::Iso2022Jp);
        if base && names.any(japanese) { Declared::Set(Charset::Iso2022Jp) } else { first }
    }

    fn named(name: &[u8]) -> Declared {
        if name.is_empty() {
            return Declared::Nothing;
        }
        let Ok(name) = std::str::from_utf8(name) else { return Declared::Unknown };
        // Both orders of UTF-16 have one name; which it is, the bytes have shown by now.
        if let Some(row) = ROWS.iter().find(|row| row.name == name) {
            return Declared::Set(row.charset);
        }
        match name {
            "\"\"" => Declared::Nothing,
            "ISO IR6" => Declared::Set(Charset::Ascii),
            // Deprecated in 2.3.1: it never said which form of Unicode.
            "UNICODE" => Declared::Alias(Charset::Utf8),
            "ISO IR159" | "CNS 11643-1992" | "UNICODE UTF-32" => Declared::Unsupported,
            other => Declared::alias(other),
        }
    }

    fn alias(name: &str) -> Declared {
        // `ISO8859-1`, `ISO 8859/1` and the like.
        let simple: String = name
            .chars()
            .filter(char::is_ascii_alphanumeric)
            .map(|c| c.to_ascii_uppercase())
            .collect();
        let simple = simple.strip_prefix("UNICODE").unwrap_or(&simple);
        let simple = simple.strip_prefix("ISO").unwrap_or(simple);
        let same = |row: &&super::Row| {
            let known: String = row.name.chars().filter(char::is_ascii_alphanumeric).collect();
            known == simple
        };
        if let Some(row) = ROWS.iter().find(same) {
            return Declared::Alias(row.charset);
        }
        match simple {
            "UTF8" => Declared::Alias(Charset::Utf8),
            "UTF16" => Declared::Alias(Charset::Utf16Be),
            "USASCII" => Declared::Alias(Charset::Ascii),
            "WINDOWS1252" | "CP1252" | "LATIN1" => Declared::Alias(Charset::Iso8859Part1),
            "GB18030" | "GB2312" | "GBK" => Declared::Alias(Charset::Gb18030),
            "SHIFTJIS" | "SJIS" => Declared::Alias(Charset::ShiftJis),
            "2022JP" => Declared::Alias(Charset::Iso2022Jp),
            "EUCKR" => Declared::Alias(Charset::KsX1001),
            _ => Declared::Unknown,
        }
    }
}

/// Decides for ASCII-based `bytes`; UTF-16 is known before MSH-18 can be read.
///
/// - Errors: the set is declared and cannot be read here.
pub(crate) fn choose(
    declared: Declared,
    undeclared: Charset,
    bytes: &[u8],
) -> Result<Choice, ProblemKind> {
    let plain = |charset| Ok(Choice { charset, problem: None });
    let with = |charset, problem| Ok(Choice { charset, problem: Some(problem) });
    let charset = match declared {
        Declared::Unsupported if bytes.is_ascii() && !bytes.contains(&ESCAPE) => {
            return plain(Charset::Ascii);
        }
        Declared::Unsupported => return Err(ProblemKind::UnsupportedCharset),
        Declared::Alias(charset) if charset.is_ascii_based() => {
            return with(charset, ProblemKind::CharsetAlias);
        }
        Declared::Unknown => return with(unnamed(undeclared, bytes), ProblemKind::UnknownCharset),
        Declared::Nothing => undeclared,
        Declared::Set(charset) | Declared::Alias(charset) => charset,
    };
    match charset {
        Charset::Iso2022Jp if !bytes.is_ascii() => with(Charset::ShiftJis, ProblemKind::ShiftJis),
        // Plain bytes under a declaration of UTF-16, or eight bits where seven are declared.
        charset if charset == Charset::Ascii || !charset.is_ascii_based() => {
            match unnamed(charset, bytes) {
                Charset::Utf8 => with(Charset::Utf8, ProblemKind::UndeclaredCharset),
                other => plain(other),
            }
        }
        charset if charset.has_windows_page() && bytes.iter().any(|b| (0x80..0xa0).contains(b)) => {
            with(charset, ProblemKind::WindowsCodePage)
        }
        charset => plain(charset),
    }
}

/// The escape character of ISO 2022.
const ESCAPE: u8 = 0x1b;

/// Text that is valid UTF-8 by chance is rare enough to be believed; anything else is not guessed.
fn unnamed(charset: Charset, bytes: &[u8]) -> Charset {
    if charset != Charset::Ascii && charset.is_ascii_based() {
        charset
    } else if bytes.is_ascii() {
        Charset::Ascii
    } else if std::str::from_utf8(bytes).is_ok() {
        Charset::Utf8
    } else {
        Charset::Ascii
    }
}
