//! All lists of one patient that are on disk, read at once.
//!
//! They lie together, and most patients have few. Who asks several things of one patient opens the
//! tree once instead of once for each list; that a list is not there is known without a look.

use fjall::{Readable, UserKey, UserValue};

use super::{
    IndexError, IndexView,
    segment::{self, ListKey, SCOPE_BYTES, Segment},
};

/// Most segments that are read at once.
/// LIMIT: passing so many costs about as much as opening two lists.
const SEGMENTS_MAX: usize = 256;

pub(super) struct PatientLists {
    scope: [u8; SCOPE_BYTES],
    /// In the order of their keys.
    segments: Vec<(UserKey, UserValue)>,
}

impl PatientLists {
    /// `None` for a patient of whom there is too much.
    pub(super) fn read(
        view: &IndexView<'_>,
        scope: [u8; SCOPE_BYTES],
    ) -> Result<Option<PatientLists>, IndexError> {
        let mut segments = Vec::new();
        for entry in view.snapshot.range(&view.shared.entries, segment::of_patient(&scope)) {
            if segments.len() == SEGMENTS_MAX {
                return Ok(None);
            }
            segments.push(entry.into_inner()?);
        }
        Ok(Some(PatientLists { scope, segments }))
    }

    /// The segments of a list from a window on, as the tree gives them; `None` when the list is
    /// not this patient's.
    pub(super) fn segments<'p>(
        &'p self,
        list: &ListKey,
        from: u64,
    ) -> Option<impl Iterator<Item = Result<Segment, IndexError>> + use<'p>> {
        if list.scope() != Some(&self.scope) {
            return None;
        }
        let (first, last) = (list.segment(from, 0), list.segment(u64::MAX, u32::MAX));
        let passed = self.segments.partition_point(|(key, _)| key.as_ref() < first.as_slice());
        let rest = self.segments.get(passed..).unwrap_or_default();
        let n = rest.partition_point(|(key, _)| key.as_ref() <= last.as_slice());
        Some(rest.get(..n).unwrap_or_default().iter().map(|(key, value)| {
            let window = segment::window_of(key).ok_or(IndexError::Entry)?;
            Ok(Segment { window, value: value.clone() })
        }))
    }
}
