//! The first look at a message, as bytes: delimiters and MSH-18, before its character set is known.

use crate::{
    charset::Charset,
    location::Location,
    problem::ProblemKind,
    separators::{Separators, Written},
};

/// What the first bytes say.
pub(crate) struct Envelope<'a> {
    /// Bytes before MSH.
    pub lead: usize,
    pub has_mark: bool,
    pub has_space: bool,
    pub separators: Separators,
    pub written: Written,
    /// The fields of MSH from MSH-3 on.
    fields: &'a [u8],
}

/// Why there is no envelope.
pub(crate) type Refused = (ProblemKind, Location);

const UTF_8_MARK: &[u8] = b"\xef\xbb\xbf";

impl<'a> Envelope<'a> {
    /// Reads MSH-1, MSH-2, and where the other fields of MSH are.
    pub fn of(bytes: &'a [u8]) -> Result<Envelope<'a>, Refused> {
        let unmarked = bytes.strip_prefix(UTF_8_MARK).unwrap_or(bytes);
        let message = unmarked.trim_ascii_start();
        let fail = |kind, field| Err((kind, Location::header(field)));
        let Some([field, rest @ ..]) = message.strip_prefix(b"MSH") else {
            return Err((ProblemKind::NoHeader, Location::MESSAGE));
        };
        let end = memchr::memchr2(b'\r', b'\n', rest).unwrap_or(rest.len());
        let header = rest.get(..end).unwrap_or_default();
        if !field.is_ascii_punctuation() {
            return fail(ProblemKind::DelimiterCharacter, 1);
        }
        let encoding_ends = memchr::memchr(*field, header).unwrap_or(header.len());
        let (encoding, fields) = header.split_at_checked(encoding_ends).unwrap_or_default();
        match Separators::new(*field, encoding) {
            Err(kind) => fail(kind, 2),
            Ok((separators, written)) => Ok(Envelope {
                lead: bytes.len() - message.len(),
                has_mark: unmarked.len() < bytes.len(),
                has_space: message.len() < unmarked.len(),
                separators,
                written,
                fields,
            }),
        }
    }

    /// Field `n` of MSH, from 3, as bytes; empty where MSH does not reach it.
    pub fn field(&self, n: usize) -> &'a [u8] {
        let field = self.separators.field();
        // The slice begins with the delimiter before MSH-3.
        let nth = n.checked_sub(2);
        nth.and_then(|nth| self.fields.split(|b| *b == field).nth(nth)).unwrap_or_default()
    }
}

/// Text of two bytes a character, which shows in the first bytes.
pub(crate) struct Wide {
    pub charset: Charset,
    /// Length of the byte order mark.
    pub lead: usize,
}

impl Wide {
    pub fn of(bytes: &[u8]) -> Option<Wide> {
        let (charset, lead) = match bytes {
            [0xfe, 0xff, ..] => (Charset::Utf16Be, 2),
            [0xff, 0xfe, ..] => (Charset::Utf16Le, 2),
            [0, b'M', 0, b'S', 0, b'H', ..] => (Charset::Utf16Be, 0),
            [b'M', 0, b'S', 0, b'H', 0, ..] => (Charset::Utf16Le, 0),
            _ => return None,
        };
        Some(Wide { charset, lead })
    }
}
