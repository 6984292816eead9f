//! Sealing: authenticated encryption bound to where a record stands.
//!
//! Suite 1 is XAES-256-GCM: a 192-bit random nonce, of which one half derives a fresh AES-256-GCM
//! key for this record alone. No counter, so that a restored or forked copy repeats nothing.

use aws_lc_rs::{
    aead::{self, AES_256_GCM, LessSafeKey, Nonce, UnboundKey},
    cipher::{AES_256, EncryptingKey, UnboundCipherKey},
};
use zeroize::{Zeroize, Zeroizing};

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

pub(crate) const FORMAT: u8 = 1;
const SUITE_XAES_256_GCM: u8 = 1;
pub(crate) const SUITE_COMMITTED: u8 = 2;
pub(crate) const HEADER: usize = 6;
pub(crate) const NONCE: usize = 24;
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

impl OpenError {
    /// What is stored does not open: the data is damaged or a defect mixed up keys. Neither is
    /// the caller's doing.
    pub fn kind(&self) -> ward_core::Kind {
        ward_core::Kind::Bug
    }
}

/// A key that seals and opens.
pub struct SealingKey {
    version: u32,
    /// The block cipher itself, its round keys expanded once.
    block: EncryptingKey,
    /// The first CMAC subkey.
    subkey: Zeroizing<[u8; 16]>,
}

impl SealingKey {
    pub fn new(secret: &Secret32, version: u32) -> Result<SealingKey, CryptoFailed> {
        let block = EncryptingKey::ecb(UnboundCipherKey::new(&AES_256, secret.expose())?)?;
        let mut subkey = Zeroizing::new([0; 16]);
        block.encrypt(subkey.as_mut_slice())?;
        double(&mut subkey);
        Ok(SealingKey { version, block, subkey })
    }

    pub fn version(&self) -> u32 {
        self.version
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
        self.seal_body(&nonce, &Place::Plain(aad), plain, out)
    }

    /// Appends the plain form of `sealed` to `out`; on an error `out` is as it was.
    pub fn open_into(
        &self,
        aad: &Aad<'_>,
        sealed: &[u8],
        out: &mut Vec<u8>,
    ) -> Result<(), OpenError> {
        check_header(sealed, SUITE_XAES_256_GCM, self.version)?;
        let (head, body) = sealed.split_at_checked(HEADER + NONCE).ok_or(OpenError::Short)?;
        let nonce = head.last_chunk::<NONCE>().ok_or(OpenError::Short)?;
        self.open_body(nonce, &Place::Plain(aad), body, out)
    }

    /// Appends cipher text and tag.
    pub(crate) fn seal_body(
        &self,
        nonce: &[u8; NONCE],
        place: &Place<'_>,
        plain: &[u8],
        out: &mut Vec<u8>,
    ) -> Result<(), CryptoFailed> {
        let start = out.len();
        out.extend_from_slice(plain);
        let (key, nonce) = self.message_key(nonce)?;
        let body = out.get_mut(start..).ok_or(CryptoFailed)?;
        let tag = key.seal_in_place_separate_tag(nonce, aead::Aad::from(place.encode()), body)?;
        out.extend_from_slice(tag.as_ref());
        Ok(())
    }

    /// Opens cipher text and tag.
    pub(crate) fn open_body(
        &self,
        nonce: &[u8; NONCE],
        place: &Place<'_>,
        body: &[u8],
        out: &mut Vec<u8>,
    ) -> Result<(), OpenError> {
        let (key, nonce) = self.message_key(nonce).map_err(|CryptoFailed| OpenError::Tampered)?;
        let start = out.len();
        out.extend_from_slice(body);
        let plain = out.get_mut(start..).ok_or(OpenError::Short)?;
        match key.open_in_place(nonce, aead::Aad::from(place.encode()), plain) {
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
    ///
    /// Each half of the key is the CMAC of one full block, written out here: the cipher under
    /// the block and the subkey. A CMAC context for each costs more than the rest of a small seal.
    fn message_key(&self, nonce: &[u8; NONCE]) -> Result<(LessSafeKey, Nonce), CryptoFailed> {
        let (first, second) = nonce.split_first_chunk::<12>().ok_or(CryptoFailed)?;
        let mut key = [0; 32];
        for (n, half) in [1, 2].into_iter().zip(key.chunks_mut(16)) {
            let block = [0, n, b'X', 0].into_iter().chain(*first);
            for ((to, from), subkey) in half.iter_mut().zip(block).zip(self.subkey.iter()) {
                *to = from ^ subkey;
            }
        }
        self.block.encrypt(&mut key)?;
        let message_key = LessSafeKey::new(UnboundKey::new(&AES_256_GCM, &key)?);
        key.zeroize();
        Ok((message_key, Nonce::try_assume_unique_for_key(second)?))
    }
}

/// Doubles in the field of CMAC, in constant time.
///
/// - Source: NIST SP 800-38B, section 6.1.
fn double(block: &mut [u8; 16]) {
    let doubled = u128::from_be_bytes(*block);
    let carry = doubled >> 127;
    *block = ((doubled << 1) ^ (carry * 0x87)).to_be_bytes();
}

/// What the first bytes of a sealed record say. They are checked again when it is opened.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct SealedHead {
    pub suite: Suite,
    pub key_version: u32,
}

/// How a record is sealed.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Suite {
    Xaes256Gcm,
    /// The same, with a commitment to the key.
    Xaes256GcmCommitted,
}

impl SealedHead {
    /// Reads the head of a sealed record without opening it.
    pub fn read(sealed: &[u8]) -> Result<SealedHead, OpenError> {
        let (suite, version) = match sealed.first_chunk::<HEADER>() {
            Some([FORMAT, SUITE_XAES_256_GCM, version @ ..]) => (Suite::Xaes256Gcm, version),
            Some([FORMAT, SUITE_COMMITTED, version @ ..]) => (Suite::Xaes256GcmCommitted, version),
            Some(_) => return Err(OpenError::Unknown),
            None => return Err(OpenError::Short),
        };
        Ok(SealedHead { suite, key_version: u32::from_be_bytes(*version) })
    }
}

/// The key version a sealed record names, without opening it.
pub fn key_version(sealed: &[u8]) -> Result<u32, OpenError> {
    SealedHead::read(sealed).map(|head| head.key_version)
}

pub(crate) fn check_header(sealed: &[u8], suite: u8, version: u32) -> Result<(), OpenError> {
    let [format, found, named @ ..] = sealed.first_chunk::<HEADER>().ok_or(OpenError::Short)?;
    if *format != FORMAT || *found != suite {
        return Err(OpenError::Unknown);
    }
    match u32::from_be_bytes(*named) {
        named if named == version => Ok(()),
        named => Err(OpenError::KeyVersion(named)),
    }
}

/// Where a record stands, and in which suite.
pub(crate) enum Place<'a> {
    Plain(&'a Aad<'a>),
    Committed(&'a Aad<'a>),
}

impl Place<'_> {
    /// Every field is of fixed length but the last, so no two places encode alike.
    fn encode(&self) -> Vec<u8> {
        let (magic, aad) = match self {
            Place::Plain(aad) => (b"ward1", aad),
            Place::Committed(aad) => (b"ward2", aad),
        };
        let mut out = Vec::with_capacity(64 + aad.label.len());
        out.extend_from_slice(magic);
        out.extend_from_slice(aad.tenant);
        out.extend_from_slice(aad.scope);
        out.extend_from_slice(&aad.kind.to_be_bytes());
        out.extend_from_slice(aad.id);
        out.extend_from_slice(&aad.version.to_be_bytes());
        out.push(aad.codec);
        out.extend_from_slice(aad.label.as_bytes());
        out
    }
}

#[cfg(test)]
#[path = "seal_tests.rs"]
mod tests;
