//! Percent-decoding of a query string.

use ward_core::limits::QUERY_BYTES_MAX;

use crate::outcome::{Issue, IssueCode};

/// Most parameters of one query.
/// LIMIT: far past any search form; keeps the work per request bounded.
const PAIRS_MAX: usize = 500;

/// Names and values of a query string, or of a form body, decoded.
///
/// - Errors: a broken escape, bytes that are not UTF-8, or too long a query. Nothing is guessed.
pub fn decode_query(query: &str) -> Result<Vec<(String, String)>, Issue> {
    if QUERY_BYTES_MAX < query.len() {
        let text = format!("The query is longer than {QUERY_BYTES_MAX} bytes.");
        return Err(Issue::error(IssueCode::TooLong, text));
    }
    let mut pairs = Vec::new();
    for pair in query.split('&').filter(|pair| !pair.is_empty()) {
        if pairs.len() == PAIRS_MAX {
            let text = format!("The query has more than {PAIRS_MAX} parameters.");
            return Err(Issue::error(IssueCode::TooLong, text));
        }
        let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
        match (decode(name), decode(value)) {
            (Some(name), Some(value)) => pairs.push((name, value)),
            _ => {
                let text = "The query has a broken percent escape or is not UTF-8.";
                return Err(Issue::error(IssueCode::Invalid, text));
            }
        }
    }
    Ok(pairs)
}

fn decode(text: &str) -> Option<String> {
    let mut out = Vec::with_capacity(text.len());
    let mut bytes = text.bytes();
    while let Some(byte) = bytes.next() {
        match byte {
            b'%' => {
                let high = char::from(bytes.next()?).to_digit(16)?;
                let low = char::from(bytes.next()?).to_digit(16)?;
                out.push(u8::try_from(high * 16 + low).ok()?);
            }
            b'+' => out.push(b' '),
            other => out.push(other),
        }
    }
    String::from_utf8(out).ok()
}
