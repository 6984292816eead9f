//! Rows that were read lately, as they stand on disk: sealed.
//!
//! A version never changes, so its row is right for as long as it is kept. Which version is the
//! current one does change; the writer says so before it answers anybody, and leaves what it wrote:
//! what was just written is what is read next.

use std::sync::{
    Arc, PoisonError, RwLock,
    atomic::{AtomicU64, Ordering},
};

use quick_cache::{Weighter, sync::Cache};

use super::{Row, TruthError};

/// Bytes of rows kept.
/// LIMIT: the charts of the patients that a hospital of some hundred beds has open.
const ROW_BYTES_MAX: u64 = 24 * 1024 * 1024;

/// Rows expected in that many bytes.
const ROWS_EXPECTED: usize = 32 * 1024;

/// Records whose current version is remembered.
/// LIMIT: about 4 MB.
const CURRENT_MAX: usize = 64 * 1024;

pub(super) struct RowCache {
    rows: Cache<u64, Arc<Row>, RowBytes>,
    current: Cache<[u8; 16], u64>,
    /// Moves on whenever what is current may have changed. Held while `current` is written.
    epoch: RwLock<u64>,
    hits: AtomicU64,
    misses: AtomicU64,
}

/// What one unit wrote.
#[derive(Default)]
pub(crate) struct Written {
    /// Blind ids of records that were there before.
    pub(crate) rewritten: Vec<[u8; 16]>,
    /// The rows, of a unit that is small enough to be worth keeping.
    pub(crate) rows: Vec<Row>,
}

impl Written {
    /// Most versions of a unit whose rows are kept.
    /// LIMIT: what people and devices write is read again at once; a load of hundreds is not, and
    /// would put out what is.
    pub(crate) const ROWS_MAX: usize = 64;

    fn is_nothing(&self) -> bool {
        self.rewritten.is_empty() && self.rows.is_empty()
    }
}

/// How the cache does.
pub(crate) struct CacheFigures {
    pub(crate) bytes: u64,
    pub(crate) hits: u64,
    pub(crate) misses: u64,
}

#[derive(Clone)]
struct RowBytes;

impl Weighter<u64, Arc<Row>> for RowBytes {
    fn weight(&self, _: &u64, row: &Arc<Row>) -> u64 {
        let n_bytes = row.terms.len() + row.body.len() + 160;
        u64::try_from(n_bytes).unwrap_or(u64::MAX)
    }
}

impl Default for RowCache {
    fn default() -> RowCache {
        RowCache {
            rows: Cache::with_weighter(ROWS_EXPECTED, ROW_BYTES_MAX, RowBytes),
            current: Cache::new(CURRENT_MAX),
            epoch: RwLock::new(0),
            hits: AtomicU64::new(0),
            misses: AtomicU64::new(0),
        }
    }
}

impl RowCache {
    /// The row of a version.
    pub(super) fn row(
        &self,
        vid: u64,
        read: impl FnOnce() -> Result<Option<Row>, TruthError>,
    ) -> Result<Option<Arc<Row>>, TruthError> {
        if let Some(row) = self.rows.get(&vid) {
            self.hits.fetch_add(1, Ordering::Relaxed);
            return Ok(Some(row));
        }
        self.misses.fetch_add(1, Ordering::Relaxed);
        Ok(read()?.map(|row| self.keep(row)))
    }

    /// The row of a record's current version.
    pub(super) fn current(
        &self,
        kid: &[u8; 16],
        read: impl FnOnce() -> Result<Option<Row>, TruthError>,
    ) -> Result<Option<Arc<Row>>, TruthError> {
        if let Some(vid) = self.current.get(kid)
            && let Some(row) = self.rows.get(&vid)
        {
            self.hits.fetch_add(1, Ordering::Relaxed);
            return Ok(Some(row));
        }
        self.misses.fetch_add(1, Ordering::Relaxed);
        let before = *self.epoch.read().unwrap_or_else(PoisonError::into_inner);
        let Some(row) = read()? else { return Ok(None) };
        let row = self.keep(row);
        let epoch = self.epoch.read().unwrap_or_else(PoisonError::into_inner);
        // When a writer came between, nobody knows whether this was read before it or after.
        if *epoch == before {
            self.current.insert(*kid, row.head.vid);
        }
        drop(epoch);
        Ok(Some(row))
    }

    /// What one batch wrote, in its order. Called after it is durable and before anybody is told.
    pub(super) fn written(&self, units: impl Iterator<Item = Written>) {
        let mut units = units.filter(|it| !it.is_nothing()).peekable();
        if units.peek().is_none() {
            return;
        }
        let mut epoch = self.epoch.write().unwrap_or_else(PoisonError::into_inner);
        *epoch = epoch.wrapping_add(1);
        for unit in units {
            for kid in &unit.rewritten {
                self.current.remove(kid);
            }
            for row in unit.rows {
                let (kid, vid) = (row.head.kid, row.head.vid);
                self.keep(row);
                self.current.insert(kid, vid);
            }
        }
    }

    /// Nobody knows what is current.
    pub(super) fn doubt(&self) {
        let mut epoch = self.epoch.write().unwrap_or_else(PoisonError::into_inner);
        *epoch = epoch.wrapping_add(1);
        self.current.clear();
    }

    pub(super) fn figures(&self) -> CacheFigures {
        CacheFigures {
            bytes: self.rows.weight(),
            hits: self.hits.load(Ordering::Relaxed),
            misses: self.misses.load(Ordering::Relaxed),
        }
    }

    fn keep(&self, row: Row) -> Arc<Row> {
        let row = Arc::new(row);
        self.rows.insert(row.head.vid, Arc::clone(&row));
        row
    }
}

#[cfg(test)]
mod tests {
    use ward_core::ResourceType;

    use super::*;
    use crate::{RowHead, Seq, record::Method};

    fn row(kid: u8, vid: u64) -> Row {
        let head = RowHead {
            vid,
            rid: 1,
            kid: [kid; 16],
            version: 1,
            seq: Seq(vid),
            kind: ResourceType::PATIENT,
            patients: Default::default(),
            deleted: false,
            restricted: false,
            updated_us: 0,
        };
        Row { head, method: Method::Create, terms: Vec::new(), body: Vec::new() }
    }

    fn vid(cache: &RowCache, kid: u8, on_disk: u64) -> u64 {
        let found = cache.current(&[kid; 16], || Ok(Some(row(kid, on_disk))));
        found.unwrap().unwrap().head.vid
    }

    fn written(cache: &RowCache, kid: u8, rows: Vec<Row>) {
        cache.written([Written { rewritten: vec![[kid; 16]], rows }].into_iter());
    }

    #[test]
    fn what_was_written_is_there_and_what_it_replaced_is_not() {
        let cache = RowCache::default();
        assert_eq!(vid(&cache, 1, 1), 1);
        written(&cache, 1, vec![row(1, 2)]);
        assert_eq!(vid(&cache, 1, 99), 2, "without a look at the disk");
        written(&cache, 1, Vec::new());
        assert_eq!(vid(&cache, 1, 3), 3, "of a large unit it is read again");
        written(&cache, 1, vec![row(1, 4), row(1, 5)]);
        assert_eq!(vid(&cache, 1, 99), 5, "the last of a batch");
        cache.doubt();
        assert_eq!(vid(&cache, 1, 6), 6);
    }

    #[test]
    fn what_was_read_before_a_write_is_not_taken_for_current_after_it() {
        let cache = RowCache::default();
        let read = cache.current(&[1; 16], || {
            written(&cache, 1, vec![row(1, 2)]);
            Ok(Some(row(1, 1)))
        });
        assert_eq!(read.unwrap().unwrap().head.vid, 1);
        assert_eq!(vid(&cache, 1, 99), 2);
    }
}
