//! From truth's log to the index: after a crash the tail, after doubt everything.

use ward_fhir::search::PackError;

use crate::{
    RowHead, Seq,
    index::{Index, IndexChange, IndexError},
    keys::{KeyError, Keyring},
    prepare,
    seal::SealError,
    truth::{Row, Truth, TruthError},
};

/// Rows applied in one step, so that whoever waits for the index is not kept long.
/// LIMIT: about twenty milliseconds of work; one larger commit is one step all the same.
const STEP_ROWS: u64 = 1_000;

#[derive(Debug, thiserror::Error)]
pub enum ReplayError {
    #[error("reading truth")]
    Truth(#[from] TruthError),
    #[error("writing the index")]
    Index(#[from] IndexError),
    #[error("opening a row")]
    Seal(#[from] SealError),
    #[error("reading terms")]
    Terms(#[from] PackError),
}

/// Applies the next commits after `from`. Answers the last one applied; `None` when there are
/// none left.
pub(crate) fn step(
    truth: &Truth,
    keyring: &Keyring,
    index: &Index,
    from: Seq,
) -> Result<Option<Seq>, ReplayError> {
    let commits = truth.commits_after(from, 1_000)?;
    let Some(first) = commits.first() else { return Ok(None) };
    let first_vid = first.first_vid;
    let mut last = *first;
    let mut n_rows = 0;
    for commit in &commits {
        if n_rows != 0 && STEP_ROWS < n_rows + commit.n_versions {
            break;
        }
        n_rows += commit.n_versions;
        last = *commit;
    }
    let rows = truth.rows_from(first_vid, usize::try_from(n_rows).unwrap_or(usize::MAX))?;
    let mut changes = Vec::with_capacity(rows.len());
    for row in rows {
        changes.push(change_of(truth, keyring, row)?);
    }
    index.apply(last.seq, &changes)?;
    Ok(Some(last.seq))
}

/// What a stored version did to the index.
fn change_of(truth: &Truth, keyring: &Keyring, row: Row) -> Result<IndexChange, ReplayError> {
    let destroyed = row.head.patients.iter().any(|scope| keyring.is_destroyed(scope));
    if destroyed {
        // Its lists are as unreadable as its terms; without a place it is in no answer.
        let RowHead { rid, vid, .. } = row.head;
        return Ok(IndexChange { rid, vid, deleted: true, add: Vec::new(), remove: Vec::new() });
    }
    let mut add = lists(prepare::postings_of(keyring, &row))?;
    let mut remove = Vec::new();
    if let Some(before) = row.head.version.checked_sub(1).filter(|version| 0 < *version)
        && let Some(base) = truth.version(&row.head.kid, before)?
    {
        remove = lists(prepare::postings_of(keyring, &base))?;
    }
    prepare::subtract_common(&mut add, &mut remove);
    let RowHead { rid, vid, deleted, .. } = row.head;
    Ok(IndexChange { rid, vid, deleted, add, remove })
}

/// A base that was about a destroyed patient leaves lists that nobody can read.
fn lists<T: Default>(result: Result<T, SealError>) -> Result<T, SealError> {
    match result {
        Err(SealError::Key(KeyError::Destroyed)) => Ok(T::default()),
        other => other,
    }
}
