//! Compares what truth says of a few records with what the index holds of them.
//!
//! The index engine is never trusted with the only copy; this is how doubt arises before a user
//! meets it. Any difference makes the chart rebuild the index by itself.

use ward_fhir::search::unpack;

use crate::{postings, query::SearchError, seal, search::View};

/// What a sample found.
#[derive(Clone, Copy, PartialEq, Eq, Default, Debug)]
pub struct Sampled {
    pub n_checked: u64,
    /// Records that the index has in another version, has though they are deleted, or has not.
    pub n_wrong_places: u64,
    /// Lists in which a record should stand and does not.
    pub n_missing_postings: u64,
}

impl Sampled {
    /// Whether the index says what truth says, as far as was looked.
    pub fn agrees(&self) -> bool {
        self.n_wrong_places == 0 && self.n_missing_postings == 0
    }
}

/// Checks the records numbered `rids` as of the commit that the index stands at.
///
/// - Cost: one row of truth, one place and about twenty lists per record.
pub(crate) fn sample(
    view: &View<'_>,
    rids: impl IntoIterator<Item = u64>,
) -> Result<Sampled, SearchError> {
    let mut sampled = Sampled::default();
    let mut plain = Vec::new();
    for rid in rids {
        let truth = view.truth.row_at(rid, view.index.seq)?.filter(|(row, _)| !row.deleted);
        let place = view.index.place(rid)?;
        sampled.n_checked += 1;
        let (row, sealed_terms) = match (truth, place) {
            (None, None) => continue,
            (Some(truth), Some(vid)) if truth.0.vid == vid => truth,
            _ => {
                sampled.n_wrong_places += 1;
                continue;
            }
        };
        plain.clear();
        seal::open_terms(view.keyring, &row, &sealed_terms, &mut plain)?;
        let terms = unpack(&plain)?;
        for posting in postings::derive(view.keyring, row.kind, &row.patients, &terms)? {
            if !view.index.contains(&posting, rid)? {
                sampled.n_missing_postings += 1;
            }
        }
    }
    Ok(sampled)
}
