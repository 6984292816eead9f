//! Rows that were read lately, as they stand on disk: sealed.
//!
//! A version never changes, so its row is right for as long as it is kept. Which version is the
//! current one does change; the writer says so before it answers anybody.

use std::sync::{
    Arc,
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
    /// Moves on whenever what is current may have changed.
    epoch: AtomicU64,
    hits: AtomicU64,
    misses: AtomicU64,
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
            epoch: AtomicU64::new(0),
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
        let before = self.epoch.load(Ordering::SeqCst);
        let Some(row) = read()? else { return Ok(None) };
        let row = self.keep(row);
        self.current.insert(*kid, row.head.vid);
        // A writer that came between has either taken this out already, or is seen here.
        if self.epoch.load(Ordering::SeqCst) != before {
            self.current.remove(kid);
        }
        Ok(Some(row))
    }

    /// These records have a new version. Called after it is durable and before anybody is told.
    pub(super) fn changed(&self, kids: &[[u8; 16]]) {
        if kids.is_empty() {
            return;
        }
        self.epoch.fetch_add(1, Ordering::SeqCst);
        for kid in kids {
            self.current.remove(kid);
        }
    }

    /// Nobody knows what is current.
    pub(super) fn doubt(&self) {
        self.epoch.fetch_add(1, Ordering::SeqCst);
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
