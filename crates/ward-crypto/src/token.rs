//! Blind tokens: what the index sees of a value.

use aws_lc_rs::hmac;
use ward_core::ResourceType;

use crate::Secret32;

/// A keyed pseudorandom function.
///
/// - Source: HMAC-SHA256, truncated; a truncated token may collide, and is re-checked by its user.
pub struct TokenKey(hmac::Key);

impl TokenKey {
    pub fn new(secret: &Secret32) -> TokenKey {
        TokenKey(hmac::Key::new(hmac::HMAC_SHA256, secret.expose()))
    }

    /// Eight bytes for one message. The caller makes messages of different meaning different.
    pub fn token8_raw(&self, message: &[u8]) -> [u8; 8] {
        self.token(message)
    }

    /// Sixteen bytes for one message.
    pub fn token16_raw(&self, message: &[u8]) -> [u8; 16] {
        self.token(message)
    }

    /// Sixteen bytes for a use and a text, kept apart by their lengths.
    pub fn token16(&self, label: &'static str, text: &[u8]) -> [u8; 16] {
        let mut message = Vec::with_capacity(label.len() + text.len() + 1);
        message.extend_from_slice(label.as_bytes());
        message.push(0);
        message.extend_from_slice(text);
        self.token(&message)
    }

    /// The opaque id a record is stored under.
    ///
    /// An id that is a canonical UUIDv7 keeps its time in front, so that the rows of ids assigned
    /// here are appended in order; everything else of it, and all of any other id, is hidden.
    pub fn blind_id(&self, kind: ResourceType, id: &str) -> [u8; 16] {
        let mut message = Vec::with_capacity(8 + id.len());
        message.extend_from_slice(b"id\0");
        message.extend_from_slice(&kind.number().to_be_bytes());
        message.extend_from_slice(id.as_bytes());
        let mut blind: [u8; 16] = self.token(&message);
        if let Some(time) = time_of_uuid_v7(id) {
            for (to, from) in blind.iter_mut().zip(time) {
                *to = from;
            }
        }
        blind
    }

    fn token<const N: usize>(&self, message: &[u8]) -> [u8; N] {
        const { assert!(N <= 32) }
        let tag = hmac::sign(&self.0, message);
        let mut out = [0; N];
        for (to, from) in out.iter_mut().zip(tag.as_ref()) {
            *to = *from;
        }
        out
    }
}

/// The first six bytes of a UUIDv7 in its canonical lower-case form.
fn time_of_uuid_v7(id: &str) -> Option<[u8; 6]> {
    let bytes = id.as_bytes();
    let fits = bytes.len() == 36
        && bytes.iter().enumerate().all(|(at, b)| match at {
            8 | 13 | 18 | 23 => *b == b'-',
            14 => *b == b'7',
            _ => matches!(b, b'0'..=b'9' | b'a'..=b'f'),
        });
    if !fits {
        return None;
    }
    let mut digits = bytes.iter().filter(|b| **b != b'-').map(|b| char::from(*b).to_digit(16));
    let mut time = [0; 6];
    for to in &mut time {
        let (high, low) = (digits.next()??, digits.next()??);
        *to = u8::try_from(high << 4 | low).ok()?;
    }
    Some(time)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_known_answer() {
        // RFC 4231, test case 1. Its key of 20 bytes and ours with zeros behind are one key,
        // because HMAC fills keys up with zeros.
        let mut secret = [0; 32];
        secret[..20].fill(0x0b);
        let key = TokenKey::new(&Secret32::new(secret));
        let known = [
            0xb0, 0x34, 0x4c, 0x61, 0xd8, 0xdb, 0x38, 0x53, 0x5c, 0xa8, 0xaf, 0xce, 0xaf, 0x0b,
            0xf1, 0x2b,
        ];
        assert_eq!(key.token16_raw(b"Hi There"), known);
        assert_eq!(key.token16_raw(b"x")[..8], key.token8_raw(b"x"));
    }

    #[test]
    fn only_a_uuid_v7_keeps_its_time() {
        let key = TokenKey::new(&Secret32::new([7; 32]));
        let id = "018cc251-f400-7000-8000-000000000001";
        let blind = key.blind_id(ResourceType::PATIENT, id);
        assert_eq!(blind[..6], [0x01, 0x8c, 0xc2, 0x51, 0xf4, 0x00]);
        let other_kind = key.blind_id(ResourceType::OBSERVATION, id);
        assert_eq!(other_kind[..6], blind[..6]);
        assert_ne!(other_kind[6..], blind[6..]);
        for plain in ["018cc251-f400-4000-8000-000000000001", "smith", &id.to_uppercase()] {
            let blind = key.blind_id(ResourceType::PATIENT, plain);
            assert_ne!(blind[..2], [0x01, 0x8c], "{plain}");
        }
    }
}
