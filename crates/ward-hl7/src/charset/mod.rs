//! The character set of a message: MSH-18.

mod choose;
mod codec;
#[cfg(test)]
mod tests;

use encoding_rs::Encoding;

pub(crate) use choose::{Declared, choose};
pub use codec::{Undecodable, Unmappable};

/// A character set that messages can be read and written in.
///
/// - Source: HL7 table 0211, Alternate character sets.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Debug)]
pub enum Charset {
    Ascii,
    Utf8,
    Utf16Be,
    Utf16Le,
    Iso8859Part1,
    Iso8859Part2,
    Iso8859Part3,
    Iso8859Part4,
    Iso8859Part5,
    Iso8859Part6,
    Iso8859Part7,
    Iso8859Part8,
    Iso8859Part9,
    Iso8859Part15,
    Gb18030,
    Big5,
    KsX1001,
    /// ISO IR87 and its companions, switched by the escape sequences of ISO 2022.
    Iso2022Jp,
    ShiftJis,
}

/// Everything about a character set that is a fact of its own.
struct Row {
    charset: Charset,
    /// The name of table 0211.
    name: &'static str,
    /// `None` where we read it ourselves.
    encoding: Option<&'static Encoding>,
}

static ROWS: [Row; 19] = [
    row(Charset::Ascii, "ASCII", None),
    row(Charset::Utf8, "UNICODE UTF-8", None),
    row(Charset::Utf16Be, "UNICODE UTF-16", None),
    row(Charset::Utf16Le, "UNICODE UTF-16", None),
    row(Charset::Iso8859Part1, "8859/1", Some(encoding_rs::WINDOWS_1252)),
    row(Charset::Iso8859Part2, "8859/2", Some(encoding_rs::ISO_8859_2)),
    row(Charset::Iso8859Part3, "8859/3", Some(encoding_rs::ISO_8859_3)),
    row(Charset::Iso8859Part4, "8859/4", Some(encoding_rs::ISO_8859_4)),
    row(Charset::Iso8859Part5, "8859/5", Some(encoding_rs::ISO_8859_5)),
    row(Charset::Iso8859Part6, "8859/6", Some(encoding_rs::ISO_8859_6)),
    row(Charset::Iso8859Part7, "8859/7", Some(encoding_rs::ISO_8859_7)),
    row(Charset::Iso8859Part8, "8859/8", Some(encoding_rs::ISO_8859_8)),
    row(Charset::Iso8859Part9, "8859/9", Some(encoding_rs::WINDOWS_1254)),
    row(Charset::Iso8859Part15, "8859/15", Some(encoding_rs::ISO_8859_15)),
    row(Charset::Gb18030, "GB 18030-2000", Some(encoding_rs::GB18030)),
    row(Charset::Big5, "BIG-5", Some(encoding_rs::BIG5)),
    row(Charset::KsX1001, "KS X 1001", Some(encoding_rs::EUC_KR)),
    row(Charset::Iso2022Jp, "ISO IR87", Some(encoding_rs::ISO_2022_JP)),
    row(Charset::ShiftJis, "ISO IR14", Some(encoding_rs::SHIFT_JIS)),
];

const fn row(charset: Charset, name: &'static str, encoding: Option<&'static Encoding>) -> Row {
    Row { charset, name, encoding }
}

impl Charset {
    pub fn all() -> impl Iterator<Item = Charset> {
        ROWS.iter().map(|row| row.charset)
    }

    /// The character set of that name in table 0211.
    pub fn from_name(name: &str) -> Option<Charset> {
        Charset::all().find(|charset| charset.name() == name)
    }

    /// The character set of that name in MIME, such as `utf-8`.
    ///
    /// - Source: WHATWG Encoding, 4.2 Names and labels.
    pub fn from_mime(label: &str) -> Option<Charset> {
        let encoding = Encoding::for_label(label.as_bytes())?;
        if encoding == encoding_rs::UTF_8 {
            return Some(Charset::Utf8);
        }
        ROWS.iter().find(|row| row.encoding == Some(encoding)).map(|row| row.charset)
    }

    /// The name of table 0211, for MSH-18.
    ///
    /// - Shape: both orders of UTF-16 have one name. Shift-JIS has none of its own; it reads what
    ///   ISO IR14 allows.
    pub fn name(self) -> &'static str {
        ROWS.iter().find(|row| row.charset == self).map_or("ASCII", |row| row.name)
    }

    /// The name in MIME; `None` for the sets that are no single one there.
    ///
    /// - Source: IANA, Character sets.
    pub fn mime(self) -> Option<&'static str> {
        Some(match self {
            Charset::Ascii => "us-ascii",
            Charset::Utf8 => "utf-8",
            Charset::Utf16Be => "utf-16be",
            Charset::Utf16Le => "utf-16le",
            Charset::Iso8859Part1 => "iso-8859-1",
            Charset::Iso8859Part9 => "iso-8859-9",
            Charset::Iso2022Jp => "iso-2022-jp",
            other => other.encoding()?.name(),
        })
    }

    fn encoding(self) -> Option<&'static Encoding> {
        ROWS.iter().find(|row| row.charset == self).and_then(|row| row.encoding)
    }

    /// Whether bytes below 80 always are the ASCII characters, so that MSH can be read as bytes.
    pub const fn is_ascii_based(self) -> bool {
        !matches!(self, Charset::Utf16Be | Charset::Utf16Le)
    }

    /// Whether this is an ISO set whose bytes 80 to 9F are read as the Windows code page.
    ///
    /// The ISO sets have control characters there that no clinical text uses; senders that put
    /// bytes there mean the Windows page. Both readings are one to one, so nothing is lost.
    pub(crate) const fn has_windows_page(self) -> bool {
        matches!(self, Charset::Iso8859Part1 | Charset::Iso8859Part9)
    }
}
