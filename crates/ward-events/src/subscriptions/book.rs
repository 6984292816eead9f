//! The subscriptions that are not over, in memory.

use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use tokio::sync::{Notify, watch};
use ward_core::{FhirId, ResourceType};
use ward_fhir::subscription::{Status, Subscription};
use ward_store::{ConsumerName, Seq, subscriber::Subscriber};

/// Subscriptions at once.
/// LIMIT: each is asked of every event of its types.
pub(super) const SUBSCRIPTIONS_MAX: usize = 1_000;

/// One subscription that is not over.
pub(crate) struct Kept {
    pub(crate) id: FhirId,
    /// Its own events are those of later commits; also tells one writing of it from the next.
    pub(crate) since: Seq,
    pub(crate) by: Subscriber,
    pub(crate) read: Subscription,
    pub(crate) consumer: ConsumerName,
    /// Somebody may have something to tell.
    pub(crate) told: Arc<Notify>,
}

/// All of them.
pub(crate) struct Book {
    all: Mutex<BTreeMap<FhirId, Arc<Kept>>>,
    changes: watch::Sender<u64>,
}

impl Default for Book {
    fn default() -> Book {
        Book { all: Mutex::default(), changes: watch::channel(0).0 }
    }
}

impl Book {
    pub(super) fn all(&self) -> Vec<Arc<Kept>> {
        self.lock().values().cloned().collect()
    }

    pub(super) fn get(&self, id: &FhirId) -> Option<Arc<Kept>> {
        self.lock().get(id).cloned()
    }

    /// Enters a subscription, or takes one out. Whoever tells it goes on when only its status is
    /// another.
    pub(super) fn set(&self, id: &FhirId, kept: Option<Kept>) {
        let mut all = self.lock();
        let before = all.remove(id);
        if let Some(mut kept) = kept {
            if let Some(before) = before.as_ref().filter(|it| it.since == kept.since) {
                kept.told = Arc::clone(&before.told);
            }
            all.insert(id.clone(), Arc::new(kept));
        }
        drop(all);
        self.changes.send_modify(|n| *n = n.wrapping_add(1));
    }

    pub(super) fn changes(&self) -> watch::Receiver<u64> {
        self.changes.subscribe()
    }

    /// The types of record that anybody asks for, and Subscription itself.
    pub(super) fn kinds(&self) -> Vec<ResourceType> {
        let mut kinds = vec![ResourceType::SUBSCRIPTION];
        for kept in self.lock().values() {
            for kind in kept.read.wanted.kinds() {
                if !kinds.contains(&kind) {
                    kinds.push(kind);
                }
            }
        }
        kinds
    }

    pub(super) fn len(&self) -> usize {
        self.lock().len()
    }

    fn lock(&self) -> MutexGuard<'_, BTreeMap<FhirId, Arc<Kept>>> {
        self.all.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Kept {
    pub(super) fn is_off(&self) -> bool {
        self.read.status == Status::Off
    }
}
