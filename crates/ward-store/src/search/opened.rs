//! Terms that searches opened lately, kept open.
//!
//! Opening a candidate's terms is nearly all that a search by name costs. A version never changes,
//! so what was opened once stays right. It is given only to who may see the row now, and a
//! destroyed patient's is thrown away with the key.

use std::sync::Arc;

use quick_cache::{Weighter, sync::Cache};

use crate::RowHead;

/// Bytes of opened terms kept.
/// LIMIT: the terms of about 30,000 patients.
const OPENED_BYTES_MAX: u64 = 16 * 1024 * 1024;

/// Rows expected in that many bytes.
const OPENED_EXPECTED: usize = 32 * 1024;

/// A row without its body, with its terms packed but in the clear.
pub(crate) struct OpenedRow {
    pub(crate) head: RowHead,
    pub(crate) terms: Box<[u8]>,
}

/// The rows opened lately, by version number.
pub(crate) struct OpenedRows {
    rows: Cache<u64, Arc<OpenedRow>, OpenedBytes>,
}

#[derive(Clone)]
struct OpenedBytes;

impl Weighter<u64, Arc<OpenedRow>> for OpenedBytes {
    fn weight(&self, _: &u64, row: &Arc<OpenedRow>) -> u64 {
        let n_bytes = row.terms.len() + size_of::<OpenedRow>() + 64;
        u64::try_from(n_bytes).unwrap_or(u64::MAX)
    }
}

impl Default for OpenedRows {
    fn default() -> OpenedRows {
        OpenedRows { rows: Cache::with_weighter(OPENED_EXPECTED, OPENED_BYTES_MAX, OpenedBytes) }
    }
}

impl OpenedRows {
    pub(super) fn get(&self, vid: u64) -> Option<Arc<OpenedRow>> {
        self.rows.get(&vid)
    }

    pub(super) fn keep(&self, row: &Arc<OpenedRow>) {
        self.rows.insert(row.head.vid, Arc::clone(row));
    }

    /// Forgets everything: a key was destroyed.
    pub(crate) fn clear(&self) {
        self.rows.clear();
    }
}
