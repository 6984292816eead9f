//! All lists of one patient that are on disk, read at once.
//!
//! They lie together, and most patients have few. Who asks several things of one patient opens the
//! tree once instead of once for each list; that a list is not there is known without a look. An
//! order is checked when it is typed, signed and verified, so what was read is kept until the next
//! run goes to disk.

use std::sync::Arc;

use fjall::{Readable, UserValue};
use quick_cache::{Weighter, sync::Cache};

use super::{
    IndexError, IndexView,
    segment::{self, ListKey, SCOPE_BYTES, Segment},
};
use crate::Seq;

/// Most segments that are read at once.
/// LIMIT: passing so many costs about as much as opening two lists.
const SEGMENTS_MAX: usize = 256;

/// Bytes kept of patients.
/// LIMIT: a thousand short charts.
const KEPT_BYTES_MAX: u64 = 4 * 1024 * 1024;

/// Patients expected in that many bytes.
const PATIENTS_EXPECTED: usize = 1024;

/// Of whom something was read lately.
pub(super) struct Patients(Cache<[u8; SCOPE_BYTES], Arc<PatientLists>, Bytes>);

pub(super) struct PatientLists {
    scope: [u8; SCOPE_BYTES],
    /// The last run on disk, and the last commit, of the view that it was read by.
    flushed: Seq,
    seq: Seq,
    /// In the order of their keys; `None` for a patient of whom there is too much.
    segments: Option<Vec<Entry>>,
}

/// The key and the value of one segment.
type Entry = (Box<[u8]>, Box<[u8]>);

#[derive(Clone)]
struct Bytes;

impl Weighter<[u8; SCOPE_BYTES], Arc<PatientLists>> for Bytes {
    fn weight(&self, _: &[u8; SCOPE_BYTES], lists: &Arc<PatientLists>) -> u64 {
        let segments = lists.segments.iter().flatten();
        let n_bytes: usize = segments.map(|(key, value)| key.len() + value.len() + 64).sum();
        u64::try_from(128 + n_bytes).unwrap_or(u64::MAX)
    }
}

impl Default for Patients {
    fn default() -> Patients {
        Patients(Cache::with_weighter(PATIENTS_EXPECTED, KEPT_BYTES_MAX, Bytes))
    }
}

impl Patients {
    /// The lists as `view` sees them.
    pub(super) fn of(
        &self,
        view: &IndexView<'_>,
        scope: [u8; SCOPE_BYTES],
    ) -> Result<Arc<PatientLists>, IndexError> {
        // Between two runs nothing on disk says anything else. What a later view has read may
        // hold a run on its way, whose changes an earlier one must not see; a later one has them
        // in memory as well.
        let fits = |it: &Arc<PatientLists>| it.flushed == view.flushed && it.seq <= view.seq;
        if let Some(known) = self.0.get(&scope).filter(fits) {
            return Ok(known);
        }
        let lists = Arc::new(PatientLists::read(view, scope)?);
        self.0.insert(scope, Arc::clone(&lists));
        Ok(lists)
    }
}

impl PatientLists {
    fn read(view: &IndexView<'_>, scope: [u8; SCOPE_BYTES]) -> Result<PatientLists, IndexError> {
        let (flushed, seq) = (view.flushed, view.seq);
        let mut segments = Vec::new();
        for entry in view.snapshot.range(&view.shared.entries, segment::of_patient(&scope)) {
            if segments.len() == SEGMENTS_MAX {
                return Ok(PatientLists { scope, flushed, seq, segments: None });
            }
            let (key, value) = entry.into_inner()?;
            // Copied: what the tree gives holds on to the whole block.
            segments.push((Box::from(&*key), Box::from(&*value)));
        }
        Ok(PatientLists { scope, flushed, seq, segments: Some(segments) })
    }

    /// The segments of a list from a window on, as the tree gives them; `None` when only the tree
    /// knows.
    pub(super) fn segments<'p>(
        &'p self,
        list: &ListKey,
        from: u64,
    ) -> Option<impl Iterator<Item = Result<Segment, IndexError>> + use<'p>> {
        let segments = self.segments.as_ref()?;
        if list.scope() != Some(&self.scope) {
            return None;
        }
        let (first, last) = (list.segment(from, 0), list.segment(u64::MAX, u32::MAX));
        let passed = segments.partition_point(|(key, _)| **key < *first);
        let rest = segments.get(passed..).unwrap_or_default();
        let n = rest.partition_point(|(key, _)| **key <= *last);
        Some(rest.get(..n).unwrap_or_default().iter().map(|(key, value)| {
            let window = segment::window_of(key).ok_or(IndexError::Entry)?;
            Ok(Segment { window, value: UserValue::from(&**value) })
        }))
    }
}
