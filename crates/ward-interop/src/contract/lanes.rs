//! Lanes: messages about the same patient go one after the other, in the order they came.

use std::sync::{Arc, Mutex, PoisonError};

use rustc_hash::FxHashMap;
use tokio::sync::OwnedMutexGuard;

/// Lanes known before those that are empty are forgotten.
/// LIMIT: a few hundred kilobytes.
const LANES_KEPT: usize = 4_096;

/// A lane's number: what names a patient, hashed. Two patients on one lane only wait for each
/// other.
pub type Lane = u64;

/// The lanes of one chart.
#[derive(Default)]
pub struct Lanes(Mutex<FxHashMap<Lane, Arc<tokio::sync::Mutex<()>>>>);

/// The lanes held; given up when dropped.
#[must_use]
pub struct Held(#[expect(dead_code, reason = "held, not read")] Vec<OwnedMutexGuard<()>>);

impl Lanes {
    /// Waits until every one of `lanes` is free, in the order in which callers came.
    ///
    /// - Shape: always taken in ascending order, so that two messages about the same two patients,
    ///   such as merges, never wait for each other.
    pub async fn enter(&self, mut lanes: Vec<Lane>) -> Held {
        lanes.sort_unstable();
        lanes.dedup();
        let mut held = Vec::with_capacity(lanes.len());
        for lane in lanes {
            let lane = self.lane(lane);
            held.push(lane.lock_owned().await);
        }
        Held(held)
    }

    fn lane(&self, lane: Lane) -> Arc<tokio::sync::Mutex<()>> {
        let mut lanes = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if LANES_KEPT <= lanes.len() {
            lanes.retain(|_, lane| 1 < Arc::strong_count(lane));
        }
        Arc::clone(lanes.entry(lane).or_default())
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    #[tokio::test]
    async fn a_lane_is_one_at_a_time_and_others_go_on() {
        let lanes = Lanes::default();
        let first = lanes.enter(vec![2, 1, 1]).await;
        let soon = Duration::from_millis(1);
        assert!(tokio::time::timeout(soon, lanes.enter(vec![1])).await.is_err());
        let _other = lanes.enter(vec![3]).await;
        drop(first);
        let _second = lanes.enter(vec![1, 2]).await;
    }

    #[tokio::test]
    async fn lanes_crossed_do_not_wait_for_each_other() {
        let lanes = Arc::new(Lanes::default());
        let mut tasks = Vec::new();
        for n in 0..100 {
            let lanes = Arc::clone(&lanes);
            let both = if n % 2 == 0 { vec![1, 2] } else { vec![2, 1] };
            tasks.push(tokio::spawn(async move {
                let _held = lanes.enter(both).await;
                tokio::task::yield_now().await;
            }));
        }
        for task in tasks {
            task.await.unwrap();
        }
        for n in 0..3 * 4_096 {
            let _held = lanes.enter(vec![n]).await;
        }
        assert!(lanes.0.lock().unwrap().len() <= LANES_KEPT);
    }
}
