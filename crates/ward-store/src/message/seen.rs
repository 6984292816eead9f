//! Which tokens may be in runs, in memory: most messages are new, and need no look there.
//!
//! A Bloom filter. Tokens are keyed hashes, whose bits are as good as random.

use super::runs::Key;

/// Tokens of the first part; each part after it has room for twice as many.
/// LIMIT: 128 KB, for a house of few messages.
const FIRST_MAX: usize = if cfg!(test) { 8 } else { 64 * 1024 };

/// Parts after which nothing is noted any more, and everything may be there.
/// LIMIT: sixteen million messages, of two tokens each, in 67 MB; from then on each message is a
/// look into every run. A start reads as many from disk.
const PARTS_MAX: usize = if cfg!(test) { 4 } else { 9 };

/// Bits for each token, of which [`PROBES`] are set: of those that are not there, one in two
/// thousand may be in each part, and is looked for in every run.
const BITS: usize = 16;
const PROBES: u64 = 8;

/// - Shape: what was put is there; what was not is mostly not.
#[derive(Default)]
pub(super) struct Seen {
    parts: Vec<Part>,
    is_over: bool,
}

struct Part {
    words: Vec<u64>,
    n: usize,
    n_max: usize,
}

impl Seen {
    pub(super) fn put(&mut self, key: Key) {
        // A token that comes again and again takes no more room.
        if self.may_have(key) {
            return;
        }
        if self.parts.last().is_none_or(|part| part.n == part.n_max) {
            if self.parts.len() == PARTS_MAX {
                (self.parts, self.is_over) = (Vec::new(), true);
                return;
            }
            self.parts.push(Part::new(FIRST_MAX << self.parts.len()));
        }
        if let Some(part) = self.parts.last_mut() {
            part.put(key);
        }
    }

    pub(super) fn may_have(&self, key: Key) -> bool {
        self.is_over || self.parts.iter().any(|part| part.may_have(key))
    }

    /// Whether putting more changes nothing.
    pub(super) fn is_over(&self) -> bool {
        self.is_over
    }
}

impl Part {
    fn new(n_max: usize) -> Part {
        Part { words: vec![0; (n_max * BITS).div_ceil(64)], n: 0, n_max }
    }

    fn put(&mut self, key: Key) {
        self.n += 1;
        for (word, bit) in places(key, self.words.len()) {
            if let Some(word) = self.words.get_mut(word) {
                *word |= bit;
            }
        }
    }

    fn may_have(&self, key: Key) -> bool {
        places(key, self.words.len())
            .all(|(word, bit)| self.words.get(word).is_some_and(|it| it & bit != 0))
    }
}

/// The bits that stand for a token: the word and the bit in it.
///
/// - Source: Kirsch and Mitzenmacher, "Less Hashing, Same Performance", 2006.
fn places(key: Key, n_words: usize) -> impl Iterator<Item = (usize, u64)> {
    // Its leading bits are zero.
    let hash = key.wrapping_mul(0x9e37_79b9_7f4a_7c15);
    // Odd, so that the probes differ.
    let (first, step) = (hash, hash.rotate_left(32) | 1);
    let n_bits = u64::try_from(n_words).unwrap_or(u64::MAX).saturating_mul(64).max(1);
    (0..PROBES).map(move |nth| {
        let bit = first.wrapping_add(nth.wrapping_mul(step)) % n_bits;
        (usize::try_from(bit / 64).unwrap_or(usize::MAX), 1 << (bit % 64))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    /// As a keyed hash would be.
    fn token(n: u64) -> Key {
        let mut x = n.wrapping_add(0x9e37_79b9_7f4a_7c15);
        x = (x ^ (x >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        x = (x ^ (x >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        (x ^ (x >> 31)) >> 16
    }

    #[test]
    fn what_was_put_is_there_and_little_else() {
        let mut part = Part::new(64 * 1024);
        (0..64 * 1024).for_each(|n| part.put(token(n)));
        assert!((0..64 * 1024).all(|n| part.may_have(token(n))));
        let wrong = (1_000_000..1_100_000).filter(|n| part.may_have(token(*n))).count();
        assert!(wrong < 100, "{wrong} of 100,000");
    }

    #[test]
    fn what_is_too_much_may_all_be_there() {
        let mut seen = Seen::default();
        assert!(!seen.may_have(token(1)));
        let n_max = u64::try_from(FIRST_MAX * ((1 << PARTS_MAX) - 1)).unwrap();
        let mut n = 0;
        while !seen.is_over() {
            seen.put(token(n));
            assert!((0..=n).all(|it| seen.may_have(token(it))));
            n += 1;
        }
        assert!(n_max < n && n < 2 * n_max, "{n}");
        assert!((0..1_000).all(|it| seen.may_have(token(it))));
    }

    #[test]
    fn one_token_again_and_again_is_one() {
        let mut seen = Seen::default();
        (0..10_000).for_each(|_| seen.put(token(1)));
        assert!(!seen.is_over() && !seen.may_have(token(2)));
    }
}
