//! People and places that most messages name: read once, and not opened again while they stay as
//! they are.

use std::{
    hash::Hash,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use rustc_hash::FxHashMap;
use ward_core::{RecordKey, ResourceType};
use ward_fhir::Json;
use ward_store::{Hit, ReadError, Reader};

use super::{
    apply::Trouble,
    place::{self, Place},
};

/// Records kept.
/// LIMIT: the beds and doctors of a large hospital; about 8 MB.
const KNOWN_MAX: usize = 4_096;

/// Types that no patient has, and that hardly change.
const KINDS: [ResourceType; 4] = [
    ResourceType::LOCATION,
    ResourceType::ORGANIZATION,
    ResourceType::PRACTITIONER,
    ResourceType::PRACTITIONER_ROLE,
];

/// What was read of them.
#[derive(Default)]
pub(super) struct Known {
    records: Mutex<FxHashMap<RecordKey, (u32, Arc<Json<'static>>)>>,
    /// A hit is one version, which never is another's.
    keys: Mutex<FxHashMap<Hit, RecordKey>>,
}

impl Known {
    /// The record with this key, as it stands.
    ///
    /// - Cost: one look for its version where it is known; else it is opened.
    pub(super) fn place(&self, reader: &Reader<'_>, key: RecordKey) -> Result<Place, Trouble> {
        if !KINDS.contains(&key.kind) {
            return place::by_key(reader, key);
        }
        // Asked anew for each message: whoever else writes it is seen.
        let version = reader.version_about_nobody(&key)?;
        if let Some(version) = version
            && let Some((known, record)) = lock(&self.records).get(&key)
            && *known == version
        {
            return Ok(Place { key, base: Some(version), existing: Some(Arc::clone(record)) });
        }
        let place = place::by_key(reader, key)?;
        if let (Some(version), Some(record)) = (version, &place.existing)
            && place.base == Some(version)
        {
            keep(&self.records, place.key.clone(), (version, Arc::clone(record)));
        }
        Ok(place)
    }

    /// Where the record that a search found is kept.
    pub(super) fn key(&self, reader: &Reader<'_>, hit: &Hit) -> Result<RecordKey, ReadError> {
        if !KINDS.contains(&hit.kind) {
            return reader.key(hit);
        }
        if let Some(key) = lock(&self.keys).get(hit) {
            return Ok(key.clone());
        }
        let key = reader.key(hit)?;
        keep(&self.keys, hit.clone(), key.clone());
        Ok(key)
    }
}

/// Keeps one more; when there are too many, all others are read again.
fn keep<K: Eq + Hash, V>(all: &Mutex<FxHashMap<K, V>>, key: K, value: V) {
    let mut all = lock(all);
    if KNOWN_MAX <= all.len() {
        all.clear();
    }
    all.insert(key, value);
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
