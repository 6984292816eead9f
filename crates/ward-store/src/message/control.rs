//! What came before: how the same message is known when it comes again, and how those under a
//! control id are found.
//!
//! A message is known by two tokens, of its sender and bytes and of its control id. Tokens have no
//! order; the newest are kept in memory and go to disk by the thousand, see [`super::runs`]. What is
//! in memory stands in the messages themselves, and is read from there at a start. Of the others,
//! memory knows which are not there.

use std::sync::{Mutex, MutexGuard, PoisonError};

use rusqlite::{Connection, OptionalExtension, params};
use rustc_hash::FxHashMap;
use smallvec::SmallVec;

use super::{
    rows::Trace,
    runs::{self, Key, key},
    sealing::number_of_direction,
    seen::Seen,
};
use crate::truth::{TruthError, rows::sql_int};

/// Messages in memory before they go to disk.
/// LIMIT: half a megabyte; a start reads as many rows, and the commit that takes them to disk writes
/// a hundred kilobytes, and a few hundred more for runs that are merged.
pub(crate) const NEWEST_MAX: usize = if cfg!(test) { 8 } else { 4_096 };

/// The messages whose tokens are in no run.
///
/// - Shape: for the writer, exactly those; it reads them again after a commit that failed. Whoever
///   else asks may find one of a commit that fails yet, and looks it up.
#[derive(Default)]
pub(crate) struct Newest(Mutex<Found>);

#[derive(Default)]
struct Found {
    by_token: FxHashMap<Key, SmallVec<[u64; 1]>>,
    n: usize,
    /// The tokens of runs, and maybe more.
    in_runs: Seen,
}

impl Found {
    fn put(&mut self, trace: [&[u8; 16]; 2], id: u64) {
        for token in trace {
            self.by_token.entry(key(token)).or_default().push(id);
        }
        self.n += 1;
    }
}

impl Newest {
    /// Takes everything from the file at a start.
    ///
    /// - Cost: reads all runs once, 24 bytes for each message.
    pub(crate) fn open(&self, db: &Connection) -> Result<(), TruthError> {
        let mut in_runs = Seen::default();
        runs::keys(db, |key| {
            in_runs.put(key);
            !in_runs.is_over()
        })?;
        *self.lock() = Found { in_runs, ..Found::default() };
        self.load(db)
    }

    /// Takes those that are in no run from the file, whatever was known of them before.
    pub(crate) fn load(&self, db: &Connection) -> Result<(), TruthError> {
        let mut found = Found::default();
        let sql = "SELECT id, digest, control FROM message \
                   WHERE id > (SELECT id FROM message_in_runs) ORDER BY id";
        let mut query = db.prepare(sql)?;
        let mut rows = query.query([])?;
        while let Some(row) = rows.next()? {
            found.put([&row.get(1)?, &row.get(2)?], row.get(0)?);
        }
        let mut known = self.lock();
        found.in_runs = std::mem::take(&mut known.in_runs);
        // Of the commit that failed, what it took to runs may be there.
        known.by_token.keys().for_each(|key| found.in_runs.put(*key));
        *known = found;
        Ok(())
    }

    pub(crate) fn put(&self, trace: &Trace, id: u64) {
        self.lock().put([&trace.digest, &trace.control], id);
    }

    /// Whether it is time to take them to disk.
    pub(crate) fn is_full(&self) -> bool {
        NEWEST_MAX <= self.lock().n
    }

    /// Writes all of them as a run. Answers up to which message runs go then; once that is durable,
    /// [`Newest::forget`] them.
    pub(crate) fn to_run(&self, db: &Connection) -> Result<u64, TruthError> {
        let mut all: Vec<(Key, u64)> = {
            let found = self.lock();
            let of = |(key, ids): (&Key, &SmallVec<[u64; 1]>)| {
                ids.iter().map(|id| (*key, *id)).collect::<SmallVec<[_; 1]>>()
            };
            found.by_token.iter().flat_map(of).collect()
        };
        all.sort_unstable_by_key(|(_, id)| *id);
        runs::write(db, &all)?;
        let last = all.last().map_or(0, |(_, id)| *id);
        db.prepare_cached("UPDATE message_in_runs SET id = max(id, ?1)")?
            .execute([sql_int(last)])?;
        Ok(last)
    }

    /// Runs have them.
    pub(crate) fn forget(&self, up_to: u64) {
        let mut found = self.lock();
        let Found { by_token, in_runs, n } = &mut *found;
        *n = 0;
        by_token.retain(|key, ids| {
            let n_before = ids.len();
            ids.retain(|id| up_to < *id);
            if ids.len() < n_before {
                in_runs.put(*key);
            }
            *n += ids.len();
            !ids.is_empty()
        });
        // Each message has two.
        *n /= 2;
    }

    /// The number of the last message there ever was.
    pub(crate) fn last_id(db: &Connection) -> Result<u64, TruthError> {
        let sql = "SELECT max((SELECT coalesce(max(id), 0) FROM message), \
                   (SELECT id FROM message_in_runs))";
        Ok(db.query_row(sql, [], |row| row.get(0))?)
    }

    /// The numbers of messages that may have the token, oldest first.
    pub(super) fn find(
        &self,
        db: &Connection,
        token: &[u8; 16],
    ) -> Result<SmallVec<[u64; 1]>, TruthError> {
        let key = key(token);
        let (newest, may_be_in_runs) = {
            let found = self.lock();
            (found.by_token.get(&key).cloned(), found.in_runs.may_have(key))
        };
        let mut ids = if may_be_in_runs { runs::find(db, key)? } else { SmallVec::new() };
        ids.extend(newest.into_iter().flatten());
        ids.sort_unstable();
        ids.dedup();
        Ok(ids)
    }

    fn lock(&self) -> MutexGuard<'_, Found> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Takes all messages of a file to runs.
pub(crate) fn bring_to_runs(db: &Connection) -> Result<(), TruthError> {
    let sql = "SELECT id, digest, control FROM message ORDER BY id";
    let mut query = db.prepare(sql)?;
    let mut rows = query.query([])?;
    let mut entries = Vec::new();
    while let Some(row) = rows.next()? {
        let id = row.get(0)?;
        entries.push((key(&row.get(1)?), id));
        entries.push((key(&row.get(2)?), id));
        if 2 * NEWEST_MAX <= entries.len() {
            runs::write(db, &entries)?;
            entries.clear();
        }
    }
    runs::write(db, &entries)?;
    runs::settle(db)
}

/// The very same message from the same sender, if it came before.
///
/// - Shape: exact for the writer. Whoever else asks may miss what is committed just now.
pub(crate) fn same(
    db: &Connection,
    newest: &Newest,
    trace: &Trace,
) -> Result<Option<u64>, TruthError> {
    for id in newest.find(db, &trace.digest)? {
        if digest_of(db, id, trace)? == Some(trace.digest) {
            return Ok(Some(id));
        }
    }
    Ok(None)
}

/// Whether another message came before under the control id of `trace` from the same sender.
///
/// - Shape: as with [`same`].
pub(crate) fn is_reused(
    db: &Connection,
    newest: &Newest,
    trace: &Trace,
) -> Result<bool, TruthError> {
    for id in newest.find(db, &trace.control)? {
        if digest_of(db, id, trace)?.is_some_and(|digest| digest != trace.digest) {
            return Ok(true);
        }
    }
    Ok(false)
}

/// The digest of a message, if it is under the control id of `trace` from the same sender.
fn digest_of(db: &Connection, id: u64, trace: &Trace) -> Result<Option<[u8; 16]>, TruthError> {
    let sql = "SELECT digest FROM message WHERE id = ?1 AND control = ?2 AND sender = ?3 \
               AND direction = ?4";
    let of =
        params![sql_int(id), trace.control, trace.sender, number_of_direction(trace.direction)];
    Ok(db.prepare_cached(sql)?.query_row(of, |row| row.get(0)).optional()?)
}

/// The numbers of messages that may have a control id: those of runs, and all newer ones.
pub(crate) fn under(db: &Connection, control: &[u8; 16]) -> Result<Vec<u64>, TruthError> {
    let sql = "SELECT id FROM message WHERE id > (SELECT id FROM message_in_runs) \
               AND control = ?1";
    let mut query = db.prepare_cached(sql)?;
    let mut rows = query.query([control])?;
    let mut ids = Vec::new();
    while let Some(row) = rows.next()? {
        ids.push(row.get(0)?);
    }
    // After those: what goes to a run meanwhile is seen twice rather than never.
    ids.extend(runs::find(db, key(control))?);
    Ok(ids)
}
