//! Slowing down who guesses passwords.
//!
//! A failure is counted for the name together with where it came from, so that somebody who keeps
//! guessing a clinician's password does not lock the clinician out; a name that is guessed from
//! everywhere is slowed a little for all. What comes before a delay is over is answered without
//! looking at the password, and does not make the delay longer.

use std::{
    collections::HashMap,
    sync::{Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use jiff::{SignedDuration, Timestamp};
use tokio::sync::{Semaphore, SemaphorePermit};
use ward_core::RecordKey;
use ward_crypto::sha256;

/// Passwords checked at once.
/// LIMIT: each takes 19 MiB and a processor for tens of milliseconds.
const CHECKS_MAX: usize = 2;

/// How long a try waits for its turn.
/// LIMIT: a whole shift signing in at once is through before.
const PATIENCE: Duration = Duration::from_secs(5);

/// LIMIT: names and places tried lately; one with the fewest failures is forgotten first.
const KEPT_MAX: usize = 10_000;

/// LIMIT: waiting longer would lock a clinician out; shorter would let a machine guess.
const DELAY_S_MAX: i64 = 60;

/// Failures of one name from everywhere before all of its tries are slowed.
/// LIMIT: more than a forgetful day.
const FREE_OF_NAME: u32 = 30;

/// How long all tries of such a name are slowed after each failure, in seconds.
const NAME_DELAY_S: i64 = 2;

#[derive(Default)]
pub(super) struct Tries {
    failures: Mutex<HashMap<[u8; 32], Failures>>,
    checks: Checks,
}

struct Checks(Semaphore);

impl Default for Checks {
    fn default() -> Checks {
        Checks(Semaphore::new(CHECKS_MAX))
    }
}

#[derive(Clone, Copy)]
struct Failures {
    n: u32,
    last: Timestamp,
}

/// The try comes too soon, or too many wait.
#[derive(Debug)]
pub(super) struct NotNow;

impl Tries {
    /// Waits for a turn to check a password; the turn ends when the answer is dropped.
    pub(super) async fn begin(
        &self,
        name: &RecordKey,
        source: &str,
        now: Timestamp,
    ) -> Result<SemaphorePermit<'_>, NotNow> {
        if self.must_wait(name, source, now) {
            return Err(NotNow);
        }
        let turn = tokio::time::timeout(PATIENCE, self.checks.0.acquire()).await;
        let turn = turn.map_err(|_| NotNow)?.map_err(|_| NotNow)?;
        // Many tries of one name at once: those before may have failed meanwhile.
        if self.must_wait(name, source, now) {
            return Err(NotNow);
        }
        Ok(turn)
    }

    pub(super) fn failed(&self, name: &RecordKey, source: &str, now: Timestamp) {
        let mut failures = self.lock();
        for key in [of_source(name, source), of_name(name)] {
            if KEPT_MAX <= failures.len()
                && !failures.contains_key(&key)
                && let Some(least) =
                    failures.iter().min_by_key(|(_, it)| (it.n, it.last)).map(|(key, _)| *key)
            {
                failures.remove(&least);
            }
            let entry = failures.entry(key).or_insert(Failures { n: 0, last: now });
            entry.n = entry.n.saturating_add(1);
            entry.last = entry.last.max(now);
        }
    }

    /// Forgets the failures from this place, not those from others.
    pub(super) fn succeeded(&self, name: &RecordKey, source: &str) {
        self.lock().remove(&of_source(name, source));
    }

    /// Failures of a name from everywhere, since the server started.
    pub(super) fn count(&self, name: &RecordKey) -> u32 {
        self.lock().get(&of_name(name)).map_or(0, |failures| failures.n)
    }

    fn must_wait(&self, name: &RecordKey, source: &str, now: Timestamp) -> bool {
        let failures = self.lock();
        let within = |key: [u8; 32], delay_s: &dyn Fn(u32) -> i64| {
            failures.get(&key).is_some_and(|it| {
                now.duration_since(it.last) < SignedDuration::from_secs(delay_s(it.n))
            })
        };
        let doubling = |n: u32| 1i64.checked_shl(n).unwrap_or(DELAY_S_MAX).clamp(1, DELAY_S_MAX);
        let flat = |n: u32| if FREE_OF_NAME < n { NAME_DELAY_S } else { 0 };
        within(of_source(name, source), &doubling) || within(of_name(name), &flat)
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<[u8; 32], Failures>> {
        self.failures.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn of_source(name: &RecordKey, source: &str) -> [u8; 32] {
    sha256(format!("{}|{source}", name.id).as_bytes())
}

fn of_name(name: &RecordKey) -> [u8; 32] {
    sha256(name.id.as_str().as_bytes())
}

#[cfg(test)]
mod tests {
    use ward_core::ResourceType;

    use super::*;

    fn name(id: &str) -> RecordKey {
        RecordKey::new(ResourceType::SIGN_IN, id.parse().unwrap())
    }

    fn at(s: i64) -> Timestamp {
        Timestamp::from_second(1_000_000 + s).unwrap()
    }

    #[tokio::test]
    async fn each_failure_doubles_the_wait_and_impatience_does_not() {
        let tries = Tries::default();
        let ann = name("ann");
        assert!(tries.begin(&ann, "a", at(0)).await.is_ok());
        tries.failed(&ann, "a", at(0));
        assert!(tries.begin(&ann, "a", at(1)).await.is_err());
        assert!(tries.begin(&ann, "a", at(2)).await.is_ok(), "the early try did not count");
        tries.failed(&ann, "a", at(2));
        assert!(tries.begin(&ann, "a", at(5)).await.is_err());
        assert!(tries.begin(&ann, "a", at(6)).await.is_ok());
        for n in 0..20 {
            tries.failed(&ann, "a", at(10 + n));
        }
        assert!(tries.begin(&ann, "a", at(88)).await.is_err());
        assert!(tries.begin(&ann, "a", at(89)).await.is_ok(), "never longer than a minute");
    }

    #[tokio::test]
    async fn guessing_from_elsewhere_does_not_lock_a_person_out() {
        let tries = Tries::default();
        let ann = name("ann");
        for n in 0..100 {
            tries.failed(&ann, "evil", at(n));
        }
        assert!(tries.begin(&ann, "ward 3", at(100)).await.is_err(), "slowed");
        assert!(tries.begin(&ann, "ward 3", at(101)).await.is_ok(), "but not for long");
        assert!(tries.begin(&ann, "evil", at(101)).await.is_err());
    }

    #[test]
    fn the_table_stays_small_and_keeps_the_worst() {
        let tries = Tries::default();
        for n in 0..5 {
            tries.failed(&name("worst"), "evil", at(n));
        }
        for n in 0..KEPT_MAX {
            tries.failed(&name(&format!("n{n}")), "evil", at(100));
        }
        assert!(tries.lock().len() <= KEPT_MAX);
        assert!(tries.must_wait(&name("worst"), "evil", at(10)));
    }

    #[tokio::test(start_paused = true)]
    async fn few_passwords_are_checked_at_once() {
        let tries = Tries::default();
        let first = tries.begin(&name("a"), "x", at(0)).await.unwrap();
        let _second = tries.begin(&name("b"), "x", at(0)).await.unwrap();
        assert!(tries.begin(&name("c"), "x", at(0)).await.is_err());
        drop(first);
        assert!(tries.begin(&name("c"), "x", at(0)).await.is_ok());
    }
}
