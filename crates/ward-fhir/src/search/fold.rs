//! Text as string search compares it.

use unicode_normalization::{UnicodeNormalization, char::is_combining_mark};

/// Without case, accents and doubled white space.
///
/// - Shape: NFKD, combining marks dropped, lower case, runs of white space as one space, trimmed.
/// - Source: FHIR R4, Search, 3.1.1.4.8.
pub fn fold(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    if text.is_ascii() {
        for byte in text.bytes() {
            push(&mut out, char::from(byte.to_ascii_lowercase()));
        }
    } else {
        for c in text.nfkd().filter(|c| !is_combining_mark(*c)) {
            for lower in c.to_lowercase().filter(|c| !is_combining_mark(*c)) {
                push(&mut out, if lower == 'ß' { 's' } else { lower });
                if lower == 'ß' {
                    out.push('s');
                }
            }
        }
    }
    if out.ends_with(' ') {
        out.pop();
    }
    out
}

fn push(out: &mut String, c: char) {
    if !c.is_whitespace() {
        out.push(c);
    } else if !out.is_empty() && !out.ends_with(' ') {
        out.push(' ');
    }
}

/// The first `n` characters, or all of a shorter text.
pub(super) fn head(text: &str, n: usize) -> &str {
    let end = text.char_indices().nth(n).map_or(text.len(), |(at, _)| at);
    text.get(..end).unwrap_or(text)
}
