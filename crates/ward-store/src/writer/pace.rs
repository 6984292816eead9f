//! How long a batch waits for those who are about to hand something over.
//!
//! Who was just answered comes again in a moment, and what follows a commit is written in another.
//! On a disk whose flush takes longer than that moment, whoever is a little late waits for a whole
//! flush more, and half of the flushes carry half of the work. So a batch waits for as many as
//! there were lately, for a part of what a flush takes.
//!
//! - Source: PostgreSQL's `commit_delay` and `commit_siblings`, with figures that are measured.

use std::{
    sync::atomic::{AtomicUsize, Ordering},
    thread,
    time::{Duration, Instant},
};

/// Flushes that are over faster are not worth waiting for.
const FLUSH_MIN: Duration = Duration::from_millis(1);

/// Longest time a batch waits.
/// LIMIT: nobody notices; on a disk that needs more than 20 ms for a flush less is shared.
const WAIT_MAX: Duration = Duration::from_millis(5);

/// Of a flush, the part that a batch waits for.
const PART: u32 = 4;

/// Batches remembered.
const BATCHES: usize = 4;

#[derive(Default)]
pub(super) struct Pace {
    /// What a flush takes, smoothed.
    flush: Duration,
    /// Units that were on their way together with each of the last batches: those in it and those
    /// that waited at its end.
    together: [usize; BATCHES],
    next: usize,
}

impl Pace {
    /// Waits, if it is worth it, until `n_there` says that all are there: whoever hands a unit
    /// over looks at `wanted` and unparks this thread.
    pub(super) fn wait(&self, wanted: &AtomicUsize, n_there: impl Fn() -> usize) {
        let Some((n, longest)) = self.wanted() else { return };
        let started = Instant::now();
        wanted.store(n, Ordering::SeqCst);
        while n_there() < n {
            let left = longest.saturating_sub(started.elapsed());
            if left.is_zero() {
                break;
            }
            thread::park_timeout(left);
        }
        wanted.store(0, Ordering::SeqCst);
    }

    /// After a batch of `n` units whose flush took `flush`, when `n_waiting` came meanwhile.
    pub(super) fn committed(&mut self, flush: Duration, n: usize, n_waiting: usize) {
        // One in eight is taken over, so that a single hiccup makes nobody wait.
        self.flush = (self.flush * 7 + flush) / 8;
        if let Some(together) = self.together.get_mut(self.next) {
            *together = n.saturating_add(n_waiting);
        }
        self.next = (self.next + 1) % BATCHES;
    }

    /// How many units a batch waits for, and how long at most.
    fn wanted(&self) -> Option<(usize, Duration)> {
        let n = self.together.iter().copied().max().unwrap_or(0);
        let longest = (self.flush / PART).min(WAIT_MAX);
        (1 < n && FLUSH_MIN <= self.flush).then_some((n, longest))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ms(n: u64) -> Duration {
        Duration::from_millis(n)
    }

    fn after(batches: &[(u64, usize, usize)]) -> Option<(usize, Duration)> {
        let mut pace = Pace::default();
        for (flush_ms, n, n_waiting) in batches {
            pace.committed(ms(*flush_ms), *n, *n_waiting);
        }
        pace.wanted()
    }

    #[test]
    fn one_alone_waits_for_nobody() {
        assert_eq!(after(&[]), None);
        assert_eq!(after(&[(8, 1, 0); 40]), None);
    }

    #[test]
    fn where_others_came_meanwhile_they_are_waited_for() {
        let (n, longest) = after(&[(8, 1, 1); 40]).unwrap();
        assert_eq!(n, 2);
        assert!(ms(1) < longest && longest <= ms(2), "{longest:?}");
        // Half of eight in each.
        assert_eq!(after(&[(8, 4, 4); 40]).unwrap().0, 8);
        // They are not expected for ever.
        let mut batches = vec![(8, 4, 4); 40];
        batches.extend([(8, 1, 0); BATCHES]);
        assert_eq!(after(&batches), None);
    }

    #[test]
    fn a_fast_disk_is_not_waited_for_and_a_slow_one_not_long() {
        assert_eq!(after(&[(0, 4, 4); 40]), None);
        assert_eq!(after(&[(0, 4, 4), (5, 4, 4), (0, 4, 4)]), None, "one hiccup");
        assert_eq!(after(&[(900, 4, 4); 40]).unwrap(), (8, WAIT_MAX));
    }

    #[test]
    fn a_batch_goes_when_all_are_there_or_the_time_is_over() {
        let mut pace = Pace::default();
        (0..40).for_each(|_| pace.committed(ms(8), 1, 1));
        let wanted = AtomicUsize::new(0);
        let looks = std::cell::Cell::new(0);
        pace.wait(&wanted, || {
            looks.set(looks.get() + 1);
            assert_eq!(wanted.load(Ordering::SeqCst), 2, "others have to know");
            looks.get()
        });
        assert_eq!((looks.get(), wanted.load(Ordering::SeqCst)), (2, 0));
        pace.wait(&wanted, || 1);
        assert_eq!(wanted.load(Ordering::SeqCst), 0);
    }
}
