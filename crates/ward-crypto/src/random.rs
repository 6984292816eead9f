//! Randomness as a value that is passed in, so that tests can choose it.

use std::sync::{Mutex, PoisonError};

use zeroize::Zeroize;

use crate::CryptoFailed;

/// A source of random bytes.
pub trait Random: Send + Sync {
    /// Fills `out`, or fails; it never gives weak bytes.
    fn fill(&self, out: &mut [u8]) -> Result<(), CryptoFailed>;
}

/// Bytes taken from the operating system in larger pieces.
///
/// - Cost: a call to the system costs about 0.4 microseconds however short it is, so 1 KiB is kept.
#[derive(Default)]
pub struct OsRandom {
    kept: Mutex<Kept>,
}

struct Kept {
    bytes: [u8; KEPT],
    used: usize, // INVARIANT: bytes before `used` have been given out and wiped.
}

const KEPT: usize = 1024;

impl Default for Kept {
    fn default() -> Kept {
        Kept { bytes: [0; KEPT], used: KEPT }
    }
}

impl Random for OsRandom {
    fn fill(&self, out: &mut [u8]) -> Result<(), CryptoFailed> {
        if KEPT < out.len() {
            return Ok(aws_lc_rs::rand::fill(out)?);
        }
        let mut kept = self.kept.lock().unwrap_or_else(PoisonError::into_inner);
        if KEPT - kept.used < out.len() {
            aws_lc_rs::rand::fill(&mut kept.bytes)?;
            kept.used = 0;
        }
        let from = kept.used;
        if let Some(bytes) = kept.bytes.get_mut(from..from + out.len()) {
            out.copy_from_slice(bytes);
            bytes.zeroize();
        }
        kept.used += out.len();
        Ok(())
    }
}

/// The same bytes for the same seed. For tests and simulations; never for data.
pub struct SeededRandom {
    state: Mutex<([u8; 32], u64)>,
}

impl SeededRandom {
    pub fn new(seed: u64) -> SeededRandom {
        SeededRandom { state: Mutex::new((crate::sha256(&seed.to_be_bytes()), 0)) }
    }
}

impl Random for SeededRandom {
    fn fill(&self, out: &mut [u8]) -> Result<(), CryptoFailed> {
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        for chunk in out.chunks_mut(32) {
            let mut block = [0; 40];
            for (to, from) in block.iter_mut().zip(state.0.iter().chain(&state.1.to_be_bytes())) {
                *to = *from;
            }
            state.1 += 1;
            for (to, from) in chunk.iter_mut().zip(crate::sha256(&block)) {
                *to = from;
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn no_piece_is_given_out_twice() {
        for source in [&OsRandom::default() as &dyn Random, &SeededRandom::new(1)] {
            let mut seen = BTreeSet::new();
            for _ in 0..500 {
                let mut piece = [0; 24];
                source.fill(&mut piece).unwrap();
                assert!(seen.insert(piece));
            }
            let mut long = vec![0; 5000];
            source.fill(&mut long).unwrap();
            assert!(long.iter().any(|b| *b != 0));
        }
    }

    #[test]
    fn a_seed_decides_everything() {
        let take = |seed| {
            let mut out = [0; 50];
            SeededRandom::new(seed).fill(&mut out).unwrap();
            out
        };
        assert_eq!(take(3), take(3));
        assert_ne!(take(3), take(4));
    }
}
