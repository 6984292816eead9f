//! Which population lists grew lately: how the writer knows that nothing new can match.

use rustc_hash::FxHashMap;

use crate::{Seq, postings::Posting};

/// Lists remembered in each of two generations.
/// LIMIT: about 10 MB when full; covers the last twenty thousand records written.
const LISTS_MAX: usize = 256 * 1024;

/// For each list, the last commit that put a record into it.
pub(super) struct Recent {
    young: FxHashMap<[u8; 8], Seq>,
    old: FxHashMap<[u8; 8], Seq>,
    /// Commits up to here may be forgotten.
    forgotten: Seq,
    /// The last commit noted before `young` was empty.
    young_after: Seq,
}

impl Recent {
    pub(super) fn new(last: Seq) -> Recent {
        Recent {
            young: FxHashMap::default(),
            old: FxHashMap::default(),
            forgotten: last,
            young_after: last,
        }
    }

    pub(super) fn note(&mut self, seq: Seq, lists: &[Posting]) {
        for posting in lists {
            if let Posting::Population(token) = posting {
                self.young.insert(*token, seq);
            }
        }
        if LISTS_MAX < self.young.len() {
            self.old = std::mem::take(&mut self.young);
            self.forgotten = self.young_after;
            self.young_after = seq;
        }
    }

    /// Whether any of the lists may have grown after commit `seen`.
    pub(super) fn grew(&self, lists: &[Posting], seen: Seq) -> bool {
        if seen < self.forgotten {
            return true;
        }
        lists.iter().any(|posting| match posting {
            Posting::Population(token) => {
                let last = self.young.get(token).or_else(|| self.old.get(token));
                last.is_some_and(|last| seen < *last)
            }
            Posting::Patient(..) => true,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn list(n: u64) -> Posting {
        Posting::Population(n.to_be_bytes())
    }

    #[test]
    fn only_later_growth_counts() {
        let mut recent = Recent::new(Seq(4));
        recent.note(Seq(5), &[list(1)]);
        assert!(recent.grew(&[list(2), list(1)], Seq(4)));
        assert!(!recent.grew(&[list(1)], Seq(5)));
        assert!(!recent.grew(&[list(2)], Seq(4)));
        assert!(recent.grew(&[list(2)], Seq(3)), "before the first commit nothing is known");
    }

    #[test]
    fn what_is_forgotten_counts_as_grown() {
        let mut recent = Recent::new(Seq(0));
        let n = u64::try_from(LISTS_MAX).unwrap();
        for seq in 1..=3 * n {
            recent.note(Seq(seq), &[list(seq)]);
        }
        assert!(recent.grew(&[list(u64::MAX)], Seq(1)));
        assert!(!recent.grew(&[list(u64::MAX)], Seq(3 * n - 1)));
        assert!(recent.grew(&[list(3 * n)], Seq(3 * n - 1)));
        assert!(recent.young.len() + recent.old.len() <= 2 * LISTS_MAX + 2);
    }
}
