//! What one request is called: in its answer, in the log and in the audit log.

use hyper::{HeaderMap, header::HeaderName, header::HeaderValue};
use jiff::Timestamp;
use ward_core::ids::TraceId;
use ward_crypto::Random;

use crate::auth::trace_id;

pub(crate) const X_REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");

/// LIMIT: a UUID with a prefix; it is written into every line about the request.
const BYTES_MAX: usize = 64;

/// The caller's name for the request if it has a sane one, else one of our own.
#[derive(Clone, Debug)]
pub(crate) struct RequestId {
    text: String, // INVARIANT: 1 to 64 of `A-Z a-z 0-9 . _ -`.
    /// The same where it is a UUID; one of our own where it is something else.
    pub(crate) trace: TraceId,
}

impl RequestId {
    pub(crate) fn of(headers: &HeaderMap, now: Timestamp, random: &dyn Random) -> RequestId {
        let given = headers.get(X_REQUEST_ID).and_then(|value| value.to_str().ok());
        match given.filter(|text| is_sane(text)) {
            Some(text) => {
                let trace = text.parse().unwrap_or_else(|_| trace_id(now, random));
                RequestId { text: text.to_owned(), trace }
            }
            None => {
                let trace = trace_id(now, random);
                RequestId { text: trace.to_string(), trace }
            }
        }
    }

    pub(crate) fn as_str(&self) -> &str {
        &self.text
    }

    pub(crate) fn put(&self, headers: &mut HeaderMap) {
        if let Ok(value) = HeaderValue::from_str(&self.text) {
            headers.insert(X_REQUEST_ID, value);
        }
    }
}

fn is_sane(text: &str) -> bool {
    let allowed = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'_' | b'-');
    (1..=BYTES_MAX).contains(&text.len()) && text.bytes().all(allowed)
}

#[cfg(test)]
mod tests {
    use ward_crypto::SeededRandom;

    use super::*;

    fn id_of(given: &[u8]) -> RequestId {
        let mut headers = HeaderMap::new();
        headers.insert(X_REQUEST_ID, HeaderValue::from_bytes(given).unwrap());
        RequestId::of(&headers, Timestamp::UNIX_EPOCH, &SeededRandom::new(1))
    }

    #[test]
    fn a_sane_name_is_kept() {
        let uuid = "0199e8b4-6c8a-7000-8000-0123456789ab";
        assert_eq!(id_of(uuid.as_bytes()).as_str(), uuid);
        assert_eq!(id_of(uuid.as_bytes()).trace.to_string(), uuid);
        let longest = "x".repeat(64);
        for given in ["a", "lab-7_3.2", &longest] {
            let id = id_of(given.as_bytes());
            assert_eq!(id.as_str(), given);
            assert_ne!(id.trace.to_string(), given);
        }
    }

    #[test]
    fn anything_else_is_replaced() {
        let too_long = "x".repeat(65);
        for given in
            [&b""[..], b"a b", b"a\"b", b"{}", b"a/b", "\u{e4}".as_bytes(), too_long.as_bytes()]
        {
            let id = id_of(given);
            assert_eq!(id.as_str(), id.trace.to_string());
        }
    }
}
