//! Keys, sealing, blind tokens and proofs: the only crate that knows a cryptography library.
//!
//! It seals bytes and does not know what they mean.

#![cfg_attr(test, allow(clippy::string_slice, clippy::as_conversions, reason = "tests may"))]

pub mod checkpoint;
pub mod committed;
pub mod hierarchy;
pub mod jwt;
pub mod merkle;
pub mod password;
pub mod random;
pub mod root;
pub mod seal;
pub mod secret;
pub mod tls;
pub mod token;

pub use committed::CommittedKey;
pub use hierarchy::{DataKey, TenantKey};
pub use jwt::JwtKey;
pub use random::{OsRandom, Random, SeededRandom};
pub use root::{RootKey, RootKeyError, RootKeyFile, RootKeyVariable};
pub use seal::{Aad, OpenError, SealingKey};
pub use secret::Secret32;
pub use token::TokenKey;

/// The cryptography library refused to work: no entropy, or a defect. Nothing was produced.
#[derive(Clone, Copy, PartialEq, Eq, Debug, thiserror::Error)]
#[error("the cryptography library failed")]
pub struct CryptoFailed;

impl CryptoFailed {
    pub fn kind(&self) -> ward_core::Kind {
        ward_core::Kind::Bug
    }
}

impl From<aws_lc_rs::error::Unspecified> for CryptoFailed {
    fn from(_: aws_lc_rs::error::Unspecified) -> CryptoFailed {
        CryptoFailed
    }
}

/// SHA-256 of some bytes.
pub fn sha256(bytes: &[u8]) -> [u8; 32] {
    let digest = aws_lc_rs::digest::digest(&aws_lc_rs::digest::SHA256, bytes);
    let mut out = [0; 32];
    for (to, from) in out.iter_mut().zip(digest.as_ref()) {
        *to = *from;
    }
    out
}

/// SHA-1 of some bytes: for the handshake of a websocket, where it proves nothing.
///
/// - Source: RFC 6455, 4.2.2.
pub fn sha1_of_handshake(bytes: &[u8]) -> [u8; 20] {
    let digest = aws_lc_rs::digest::digest(&aws_lc_rs::digest::SHA1_FOR_LEGACY_USE_ONLY, bytes);
    let mut out = [0; 20];
    for (to, from) in out.iter_mut().zip(digest.as_ref()) {
        *to = *from;
    }
    out
}

/// HMAC with SHA-256.
///
/// - Source: RFC 2104.
pub fn hmac_sha256(key: &[u8], message: &[u8]) -> [u8; 32] {
    let key = aws_lc_rs::hmac::Key::new(aws_lc_rs::hmac::HMAC_SHA256, key);
    let mut out = [0; 32];
    for (to, from) in out.iter_mut().zip(aws_lc_rs::hmac::sign(&key, message).as_ref()) {
        *to = *from;
    }
    out
}
