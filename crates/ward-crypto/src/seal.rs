//! Sealing: authenticated encryption bound to where a record stands.
//!
//! Suite 1 is XAES-256-GCM: a 192-bit random nonce, of which one half derives a fresh AES-256-GCM
//! key for this record alone. No counter, so that a restored or forked copy repeats nothing.

use aws_lc_rs::{
    aead::{self, AES_256_GCM, LessSafeKey, Nonce, UnboundKey},
    cmac,
};

use crate::{CryptoFailed, Random, Secret32};

/// What a sealed record is bound to: a byte moved to another place does not open.
#[derive(Clone, Copy, Debug)]
pub struct Aad<'a> {
    pub tenant: &'a [u8; 16],
    /// Pseudonym of the patient or shelf whose key seals it.
    pub scope: &'a [u8; 16],
    pub kind: u16,
    /// Blind id of the record.
    pub id: &'a [u8; 16],
    pub version: u32,
    /// How the plain bytes were compressed.
    pub codec: u8,
    /// Which part of the record this is, such as `body`.
    pub label: &'static str,
}

/// Bytes around the plain text: format, suite, key version, nonce, tag.
pub const OVERHEAD: usize = HEADER + NONCE + TAG;

const FORMAT: u8 = 1;
const SUITE_XAES_256_GCM: u8 = 1;
const HEADER: usize = 6;
const NONCE: usize = 24;
const TAG: usize = 16;

#[derive(Clone, Copy, PartialEq, Eq, Debug, thiserror::Error)]
pub enum OpenError {
    #[error("sealed bytes are shorter than their header")]
    Short,
    #[error("sealed in a format or suite that this release does not know")]
    Unknown,
    #[error("sealed under key version {0}, which is not this one")]
    KeyVersion(u32),
    #[error("sealed bytes were changed, moved, or sealed under another key")]
    Tampered,
}

/// A key that seals and opens.
pub struct SealingKey {
    version: u32,
    derive: cmac::Key,
}

impl SealingKey {
    pub fn new(secret: &Secret32, version: u32) -> Result<SealingKey, CryptoFailed> {
        Ok(SealingKey { version, derive: cmac::Key::new(cmac::AES_256, secret.expose())? })
    }

    /// Appends the sealed form of `plain` to `out`.
    ///
    /// - Shape: format 1 | suite 1 | key version 4 | nonce 24 | cipher text | tag 16.
    /// - Source: C2SP XAES-256-GCM.
    pub fn seal_into(
        &self,
        aad: &Aad<'_>,
        plain: &[u8],
        random: &dyn Random,
        out: &mut Vec<u8>,
    ) -> Result<(), CryptoFailed> {
        let mut nonce = [0; NONCE];
        random.fill(&mut nonce)?;
        out.reserve(plain.len() + OVERHEAD);
        out.extend_from_slice(&[FORMAT, SUITE_XAES_256_GCM]);
        out.extend_from_slice(&self.version.to_be_bytes());
        out.extend_from_slice(&nonce);
        let start = out.len();
        out.extend_from_slice(plain);
        let (key, nonce) = self.message_key(&nonce)?;
        let body = out.get_mut(start..).ok_or(CryptoFailed)?;
        let tag = key.seal_in_place_separate_tag(nonce, aead::Aad::from(encode(aad)), body)?;
        out.extend_from_slice(tag.as_ref());
        Ok(())
    }

    /// Appends the plain form of `sealed` to `out`.
    pub fn open_into(
        &self,
        aad: &Aad<'_>,
        sealed: &[u8],
        out: &mut Vec<u8>,
    ) -> Result<(), OpenError> {
        let (header, rest) = sealed.split_first_chunk::<HEADER>().ok_or(OpenError::Short)?;
        let [format, suite, version @ ..] = header;
        if *format != FORMAT || *suite != SUITE_XAES_256_GCM {
            return Err(OpenError::Unknown);
        }
        let version = u32::from_be_bytes(*version);
        if version != self.version {
            return Err(OpenError::KeyVersion(version));
        }
        let (nonce, body) = rest.split_first_chunk::<NONCE>().ok_or(OpenError::Short)?;
        let (key, nonce) = self.message_key(nonce).map_err(|CryptoFailed| OpenError::Tampered)?;
        let start = out.len();
        out.extend_from_slice(body);
        let plain = out.get_mut(start..).ok_or(OpenError::Short)?;
        match key.open_in_place(nonce, aead::Aad::from(encode(aad)), plain) {
            Ok(plain) => {
                let end = start + plain.len();
                out.truncate(end);
                Ok(())
            }
            Err(_) => {
                out.truncate(start);
                Err(OpenError::Tampered)
            }
        }
    }

    /// The key and nonce of one message.
    fn message_key(&self, nonce: &[u8; NONCE]) -> Result<(LessSafeKey, Nonce), CryptoFailed> {
        let (first, second) = nonce.split_first_chunk::<12>().ok_or(CryptoFailed)?;
        let mut key = [0; 32];
        for (n, half) in [1, 2].into_iter().zip(key.chunks_mut(16)) {
            let mut block = [0; 16];
            let head = [0, n, b'X', 0];
            for (to, from) in block.iter_mut().zip(head.iter().chain(first)) {
                *to = *from;
            }
            // One full block of CMAC is the derivation that the specification asks for.
            let derived = cmac::sign(&self.derive, &block)?;
            half.copy_from_slice(derived.as_ref());
        }
        let message_key = LessSafeKey::new(UnboundKey::new(&AES_256_GCM, &key)?);
        zeroize::Zeroize::zeroize(&mut key);
        Ok((message_key, Nonce::try_assume_unique_for_key(second)?))
    }
}

/// The key version a sealed record names, without opening it.
pub fn key_version(sealed: &[u8]) -> Result<u32, OpenError> {
    match sealed.first_chunk::<HEADER>() {
        Some([FORMAT, SUITE_XAES_256_GCM, version @ ..]) => Ok(u32::from_be_bytes(*version)),
        Some(_) => Err(OpenError::Unknown),
        None => Err(OpenError::Short),
    }
}

/// Every field is of fixed length but the last, so no two places encode alike.
fn encode(aad: &Aad<'_>) -> Vec<u8> {
    let mut out = Vec::with_capacity(64 + aad.label.len());
    out.extend_from_slice(b"ward1");
    out.extend_from_slice(aad.tenant);
    out.extend_from_slice(aad.scope);
    out.extend_from_slice(&aad.kind.to_be_bytes());
    out.extend_from_slice(aad.id);
    out.extend_from_slice(&aad.version.to_be_bytes());
    out.push(aad.codec);
    out.extend_from_slice(aad.label.as_bytes());
    out
}

#[cfg(test)]
#[path = "seal_tests.rs"]
mod tests;
