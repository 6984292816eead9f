//! Sealing that names its key: for backups and exports, which travel and may be offered to
//! whoever holds several keys.
//!
//! AES-GCM alone does not commit: one can craft bytes that open under two keys to two texts. Suite
//! 2 is suite 1 with a commitment to the key in front.

use aws_lc_rs::hmac;

use crate::{
    Aad, CryptoFailed, OpenError, Random, SealingKey, Secret32,
    seal::{FORMAT, HEADER, NONCE, Place, SUITE_COMMITTED},
};

/// Bytes around the plain text: format, suite, key version, nonce, commitment, tag.
pub const COMMITTED_OVERHEAD: usize = crate::seal::OVERHEAD + COMMITMENT;

const COMMITMENT: usize = 32;

/// A key that seals and opens, such that sealed bytes open under one key only.
pub struct CommittedKey {
    sealing: SealingKey,
    commit: hmac::Key,
}

impl CommittedKey {
    pub fn new(secret: &Secret32, version: u32) -> Result<CommittedKey, CryptoFailed> {
        let commit = secret.derive(&[b"ward committed", b"commit"])?;
        Ok(CommittedKey {
            sealing: SealingKey::new(&secret.derive(&[b"ward committed", b"seal"])?, version)?,
            commit: hmac::Key::new(hmac::HMAC_SHA256, commit.expose()),
        })
    }

    /// Appends the sealed form of `plain` to `out`.
    ///
    /// - Shape: format 1 | suite 1 | key version 4 | nonce 24 | commitment 32 | cipher text |
    ///   tag 16.
    pub fn seal_committed(
        &self,
        aad: &Aad<'_>,
        plain: &[u8],
        random: &dyn Random,
        out: &mut Vec<u8>,
    ) -> Result<(), CryptoFailed> {
        let mut nonce = [0; NONCE];
        random.fill(&mut nonce)?;
        let start = out.len();
        out.reserve(plain.len() + COMMITTED_OVERHEAD);
        out.extend_from_slice(&[FORMAT, SUITE_COMMITTED]);
        out.extend_from_slice(&self.sealing.version().to_be_bytes());
        out.extend_from_slice(&nonce);
        let head = out.get(start..).ok_or(CryptoFailed)?;
        let commitment = hmac::sign(&self.commit, head);
        out.extend_from_slice(commitment.as_ref());
        self.sealing.seal_body(&nonce, &Place::Committed(aad), plain, out)
    }

    /// Appends the plain form of `sealed` to `out`; on an error `out` is as it was.
    pub fn open_committed(
        &self,
        aad: &Aad<'_>,
        sealed: &[u8],
        out: &mut Vec<u8>,
    ) -> Result<(), OpenError> {
        let version = self.sealing.version();
        crate::seal::check_header(sealed, SUITE_COMMITTED, version)?;
        let (head, rest) = sealed.split_at_checked(HEADER + NONCE).ok_or(OpenError::Short)?;
        let (commitment, body) = rest.split_at_checked(COMMITMENT).ok_or(OpenError::Short)?;
        let nonce = head.last_chunk::<NONCE>().ok_or(OpenError::Short)?;
        hmac::verify(&self.commit, head, commitment).map_err(|_| OpenError::Tampered)?;
        self.sealing.open_body(nonce, &Place::Committed(aad), body, out)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::SeededRandom;

    fn aad() -> Aad<'static> {
        Aad {
            tenant: &[1; 16],
            scope: &[2; 16],
            kind: 3,
            id: &[4; 16],
            version: 5,
            codec: 6,
            label: "backup",
        }
    }

    fn key(byte: u8) -> CommittedKey {
        CommittedKey::new(&Secret32::new([byte; 32]), 1).unwrap()
    }

    fn open(key: &CommittedKey, aad: &Aad<'_>, sealed: &[u8]) -> Result<Vec<u8>, OpenError> {
        let mut out = b"kept".to_vec();
        let result = key.open_committed(aad, sealed, &mut out);
        assert_eq!(out[..4], *b"kept");
        result.map(|()| out[4..].to_vec())
    }

    #[test]
    fn only_the_key_that_is_named_opens() {
        let mut sealed = Vec::new();
        key(9).seal_committed(&aad(), b"plain", &SeededRandom::new(1), &mut sealed).unwrap();
        assert_eq!(sealed.len(), 5 + COMMITTED_OVERHEAD);
        assert_eq!(open(&key(9), &aad(), &sealed), Ok(b"plain".to_vec()));
        assert_eq!(open(&key(8), &aad(), &sealed), Err(OpenError::Tampered));
        let elsewhere = Aad { version: 6, ..aad() };
        assert_eq!(open(&key(9), &elsewhere, &sealed), Err(OpenError::Tampered));
        // A commitment that is right for another key does not make this key open.
        let mut other = Vec::new();
        key(8).seal_committed(&aad(), b"plain", &SeededRandom::new(1), &mut other).unwrap();
        let mut mixed = sealed.clone();
        mixed[..HEADER + NONCE + COMMITMENT].copy_from_slice(&other[..HEADER + NONCE + COMMITMENT]);
        assert_ne!(mixed, sealed);
        assert_eq!(open(&key(8), &aad(), &mixed), Err(OpenError::Tampered));
        assert_eq!(open(&key(9), &aad(), &mixed), Err(OpenError::Tampered));
        for at in 0..sealed.len() {
            let mut changed = sealed.clone();
            changed[at] ^= 1;
            assert!(open(&key(9), &aad(), &changed).is_err(), "byte {at}");
            assert!(open(&key(9), &aad(), &sealed[..at]).is_err(), "{at} bytes");
        }
    }

    #[test]
    fn the_suites_do_not_open_each_other() {
        let secret = Secret32::new([9; 32]);
        let plain = SealingKey::new(&secret, 1).unwrap();
        let mut sealed = Vec::new();
        plain.seal_into(&aad(), b"plain", &SeededRandom::new(1), &mut sealed).unwrap();
        assert_eq!(open(&key(9), &aad(), &sealed), Err(OpenError::Unknown));
        sealed.clear();
        key(9).seal_committed(&aad(), b"plain", &SeededRandom::new(1), &mut sealed).unwrap();
        assert_eq!(plain.open_into(&aad(), &sealed, &mut Vec::new()), Err(OpenError::Unknown));
    }

    proptest! {
        #[test]
        fn everything_round_trips_and_garbage_never_opens(
            plain in prop::collection::vec(any::<u8>(), 0..2000),
            garbage in prop::collection::vec(any::<u8>(), 0..200),
            seed: u64,
        ) {
            let mut sealed = Vec::new();
            let random = SeededRandom::new(seed);
            key(9).seal_committed(&aad(), &plain, &random, &mut sealed).unwrap();
            prop_assert_eq!(open(&key(9), &aad(), &sealed), Ok(plain));
            prop_assert!(open(&key(9), &aad(), &garbage).is_err());
        }
    }
}
