//! Bytes to text and back. Nothing is ever replaced: what does not fit is an error with its place.

use std::borrow::Cow;

use encoding_rs::{DecoderResult, EncoderResult, Encoding};

use super::Charset;

/// Bytes are not text in this character set.
#[derive(Clone, Copy, PartialEq, Eq, Debug, thiserror::Error)]
#[error("byte {at} is not text in the character set")]
pub struct Undecodable {
    pub at: usize,
}

/// A character does not exist in this character set.
#[derive(Clone, Copy, PartialEq, Eq, Debug, thiserror::Error)]
#[error("the character at byte {at} does not exist in the character set")]
pub struct Unmappable {
    /// Offset in the text.
    pub at: usize,
}

impl Charset {
    /// Reads `bytes`. Borrows where the bytes are UTF-8 already.
    ///
    /// - Errors: the first byte that cannot be read. A byte order mark is not taken off.
    pub fn decode<'a>(self, bytes: &'a [u8]) -> Result<Cow<'a, str>, Undecodable> {
        if let Some(encoding) = self.encoding() {
            return match encoding.decode_without_bom_handling_and_without_replacement(bytes) {
                Some(text) => Ok(text),
                None => Err(Undecodable { at: first_bad(encoding, bytes) }),
            };
        }
        match self {
            Charset::Utf16Be => utf16(bytes, u16::from_be_bytes),
            Charset::Utf16Le => utf16(bytes, u16::from_le_bytes),
            Charset::Ascii if !bytes.is_ascii() => {
                Err(Undecodable { at: bytes.iter().position(|b| !b.is_ascii()).unwrap_or(0) })
            }
            _ => match std::str::from_utf8(bytes) {
                Ok(text) => Ok(Cow::Borrowed(text)),
                Err(e) => Err(Undecodable { at: e.valid_up_to() }),
            },
        }
    }

    /// Writes `text`.
    ///
    /// - Errors: the first character that the set does not have. The Windows characters that a
    ///   sender may have put into 8859/1 are not written.
    pub fn encode<'a>(self, text: &'a str) -> Result<Cow<'a, [u8]>, Unmappable> {
        if self.has_windows_page() {
            let outside = text.char_indices().find(|(_, c)| !self.has_itself(*c));
            if let Some((at, _)) = outside {
                return Err(Unmappable { at });
            }
        }
        self.encode_as_read(text)
    }

    /// Writes `text` with everything that [`Charset::decode`] can give.
    pub(crate) fn encode_as_read<'a>(self, text: &'a str) -> Result<Cow<'a, [u8]>, Unmappable> {
        if let Some(encoding) = self.encoding() {
            return encode_with(encoding, text);
        }
        match self {
            Charset::Utf16Be => {
                Ok(Cow::Owned(text.encode_utf16().flat_map(u16::to_be_bytes).collect()))
            }
            Charset::Utf16Le => {
                Ok(Cow::Owned(text.encode_utf16().flat_map(u16::to_le_bytes).collect()))
            }
            Charset::Ascii => match text.bytes().position(|b| !b.is_ascii()) {
                Some(at) => Err(Unmappable { at }),
                None => Ok(Cow::Borrowed(text.as_bytes())),
            },
            _ => Ok(Cow::Borrowed(text.as_bytes())),
        }
    }

    /// Whether the ISO set, not the Windows page beside it, has this character.
    fn has_itself(self, c: char) -> bool {
        let turkish = matches!(c, 'Ğ' | 'ğ' | 'İ' | 'ı' | 'Ş' | 'ş');
        u32::from(c) < 0x80
            || (0xa0..=0xff).contains(&u32::from(c))
            || (turkish && self == Charset::Iso8859Part9)
    }
}

fn encode_with<'a>(
    encoding: &'static Encoding,
    text: &'a str,
) -> Result<Cow<'a, [u8]>, Unmappable> {
    if text.is_ascii() && encoding.is_ascii_compatible() {
        return Ok(Cow::Borrowed(text.as_bytes()));
    }
    let mut encoder = encoding.new_encoder();
    let most = encoder.max_buffer_length_from_utf8_without_replacement(text.len());
    let mut out = Vec::with_capacity(most.unwrap_or(text.len()));
    let (result, read) = encoder.encode_from_utf8_to_vec_without_replacement(text, &mut out, true);
    match result {
        EncoderResult::InputEmpty => match unlike(encoding, text, &out) {
            Some(at) => Err(Unmappable { at }),
            None => Ok(Cow::Owned(out)),
        },
        EncoderResult::Unmappable(c) => Err(Unmappable { at: read.saturating_sub(c.len_utf8()) }),
        // The buffer is as large as the encoder says it may ever need.
        EncoderResult::OutputFull => Err(Unmappable { at: read }),
    }
}

/// The first character that would be read back as another one.
///
/// The encoders of the web write a look-alike for some characters instead of refusing them: in
/// Shift-JIS the yen sign becomes a backslash, which is an escape character here.
fn unlike(encoding: &'static Encoding, text: &str, bytes: &[u8]) -> Option<usize> {
    let again = encoding.decode_without_bom_handling_and_without_replacement(bytes);
    let again = again.unwrap_or_default();
    if again == text {
        return None;
    }
    let same = text.chars().zip(again.chars()).take_while(|(a, b)| a == b);
    Some(same.map(|(c, _)| c.len_utf8()).sum())
}

fn first_bad(encoding: &'static Encoding, bytes: &[u8]) -> usize {
    let mut decoder = encoding.new_decoder_without_bom_handling();
    let most = decoder.max_utf8_buffer_length_without_replacement(bytes.len());
    let mut out = String::with_capacity(most.unwrap_or(bytes.len()));
    match decoder.decode_to_string_without_replacement(bytes, &mut out, true) {
        (DecoderResult::Malformed(length, after), read) => {
            read.saturating_sub(usize::from(length) + usize::from(after))
        }
        (_, read) => read,
    }
}

fn utf16<'a>(bytes: &[u8], unit: fn([u8; 2]) -> u16) -> Result<Cow<'a, str>, Undecodable> {
    let (units, rest) = bytes.as_chunks::<2>();
    let mut text = String::with_capacity(units.len());
    let mut at = 0;
    for decoded in char::decode_utf16(units.iter().map(|pair| unit(*pair))) {
        match decoded {
            Ok(c) => {
                text.push(c);
                at += 2 * c.len_utf16();
            }
            Err(_) => return Err(Undecodable { at }),
        }
    }
    if rest.is_empty() { Ok(Cow::Owned(text)) } else { Err(Undecodable { at }) }
}
