//! Which messages came under a control id: how the same message is known when it comes again.
//!
//! Tokens of control ids have no order, so a B-tree of them writes a page for each message. The
//! newest are kept in memory instead and go to the tree by the thousand, in its own order; what is
//! in memory stands in the messages themselves, and is read from there at a start. Of the others,
//! memory knows which are not there.

use std::{
    collections::BTreeSet,
    sync::{Mutex, MutexGuard, PoisonError},
};

use rusqlite::{Connection, OptionalExtension, params};
use rustc_hash::FxHashMap;
use smallvec::SmallVec;

use super::{
    rows::{Before, Trace},
    sealing::number_of_direction,
    seen::Seen,
};
use crate::truth::{TruthError, rows::sql_int};

/// Messages in memory before they go to the tree.
/// LIMIT: a few hundred kilobytes; a start reads as many rows, and the commit that takes them to the
/// tree takes some ten milliseconds: four times as many were a stop that senders felt.
pub(crate) const NEWEST_MAX: usize = if cfg!(test) { 8 } else { 4_096 };

/// The first half of a token: whom it finds is compared whole.
pub(super) type Half = [u8; 8];

/// The messages whose control ids are not in the tree.
///
/// - Shape: for the writer, exactly those; it reads them again after a commit that failed. Whoever
///   else asks may find one of a commit that fails yet, and looks it up.
#[derive(Default)]
pub(crate) struct Newest(Mutex<Found>);

#[derive(Default)]
struct Found {
    by_control: FxHashMap<Half, SmallVec<[u64; 1]>>,
    n: usize,
    /// Those of the tree, and maybe more.
    in_tree: Seen,
}

impl Found {
    fn put(&mut self, control: &[u8; 16], id: u64) {
        self.by_control.entry(half(control)).or_default().push(id);
        self.n += 1;
    }
}

impl Newest {
    /// Takes everything from the file at a start.
    ///
    /// - Cost: a tenth of a second for each million messages.
    pub(crate) fn open(&self, db: &Connection) -> Result<(), TruthError> {
        let mut in_tree = Seen::default();
        let mut query = db.prepare("SELECT control FROM message_control")?;
        let mut rows = query.query([])?;
        while let Some(row) = rows.next()?
            && !in_tree.is_over()
        {
            in_tree.put(row.get(0)?);
        }
        *self.lock() = Found { in_tree, ..Found::default() };
        self.load(db)
    }

    /// Takes those that are not in the tree from the file, whatever was known of them before.
    pub(crate) fn load(&self, db: &Connection) -> Result<(), TruthError> {
        let mut found = Found::default();
        let sql = "SELECT id, control FROM message \
                   WHERE id > (SELECT id FROM message_in_tree) ORDER BY id";
        let mut query = db.prepare(sql)?;
        let mut rows = query.query([])?;
        while let Some(row) = rows.next()? {
            found.put(&row.get::<_, [u8; 16]>(1)?, row.get(0)?);
        }
        let mut known = self.lock();
        found.in_tree = std::mem::take(&mut known.in_tree);
        // Of the commit that failed, what it took to the tree may be there.
        known.by_control.keys().for_each(|control| found.in_tree.put(*control));
        *known = found;
        Ok(())
    }

    pub(crate) fn put(&self, control: &[u8; 16], id: u64) {
        self.lock().put(control, id);
    }

    /// Whether it is time to take them to the tree.
    pub(crate) fn is_full(&self) -> bool {
        NEWEST_MAX <= self.lock().n
    }

    /// Writes all of them to the tree, but those up to `done`, which the batch at hand has written
    /// before and may have taken away since. Answers up to which message the tree goes then; once
    /// that is durable, [`Newest::forget`] them.
    pub(crate) fn to_tree(&self, db: &Connection, done: Option<u64>) -> Result<u64, TruthError> {
        let done = done.unwrap_or(0);
        let mut all: Vec<(Half, u64)> = {
            let found = self.lock();
            let of = |(control, ids): (&Half, &SmallVec<[u64; 1]>)| {
                let new = ids.iter().filter(|id| done < **id);
                new.map(|id| (*control, *id)).collect::<SmallVec<[_; 1]>>()
            };
            found.by_control.iter().flat_map(of).collect()
        };
        all.sort_unstable();
        let sql = "INSERT INTO message_control (control, id) VALUES (?1, ?2)";
        let mut insert = db.prepare_cached(sql)?;
        for (control, id) in &all {
            insert.execute(params![control, sql_int(*id)])?;
        }
        let last: u64 = db
            .prepare_cached("SELECT coalesce(max(id), 0) FROM message")?
            .query_row([], |row| row.get(0))?;
        db.prepare_cached("UPDATE message_in_tree SET id = max(id, ?1)")?
            .execute([sql_int(last)])?;
        Ok(last)
    }

    /// The tree has them.
    pub(crate) fn forget(&self, up_to: u64) {
        let mut found = self.lock();
        let Found { by_control, in_tree, .. } = &mut *found;
        by_control.retain(|control, ids| {
            let n_before = ids.len();
            ids.retain(|id| up_to < *id);
            if ids.len() < n_before {
                in_tree.put(*control);
            }
            !ids.is_empty()
        });
        found.n = found.by_control.values().map(SmallVec::len).sum();
    }

    /// The number of the last message there ever was.
    pub(crate) fn last_id(db: &Connection) -> Result<u64, TruthError> {
        let sql = "SELECT max((SELECT coalesce(max(id), 0) FROM message), \
                   (SELECT id FROM message_in_tree))";
        Ok(db.query_row(sql, [], |row| row.get(0))?)
    }

    /// Those under a control id that are not in the tree, and whether others may be there.
    fn of(&self, control: &Half) -> (SmallVec<[u64; 1]>, bool) {
        let found = self.lock();
        let newest = found.by_control.get(control).cloned().unwrap_or_default();
        (newest, found.in_tree.may_have(*control))
    }

    fn lock(&self) -> MutexGuard<'_, Found> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// What came before under the control id of `trace` from the same sender.
///
/// - Shape: exact for the writer. Whoever else asks may miss what is committed just now.
pub(crate) fn before(
    db: &Connection,
    newest: &Newest,
    trace: &Trace,
) -> Result<Before, TruthError> {
    let control = half(&trace.control);
    let (newest, may_be_in_tree) = newest.of(&control);
    let mut ids: BTreeSet<u64> = newest.into_iter().collect();
    if may_be_in_tree {
        let mut tree = db.prepare_cached("SELECT id FROM message_control WHERE control = ?1")?;
        let mut rows = tree.query([control])?;
        while let Some(row) = rows.next()? {
            ids.insert(row.get(0)?);
        }
    }
    let mut found = Before::Nothing;
    for id in ids {
        let sql = "SELECT digest FROM message WHERE id = ?1 AND control = ?2 AND sender = ?3 \
                   AND direction = ?4";
        let of =
            params![sql_int(id), trace.control, trace.sender, number_of_direction(trace.direction)];
        let digest: Option<[u8; 16]> =
            db.prepare_cached(sql)?.query_row(of, |row| row.get(0)).optional()?;
        match digest {
            Some(digest) if digest == trace.digest => return Ok(Before::Same(id)),
            Some(_) => found = Before::Other,
            None => {}
        }
    }
    Ok(found)
}

/// Takes a message out of the tree.
pub(crate) fn remove(db: &Connection, id: u64, control: &[u8; 16]) -> Result<(), TruthError> {
    let sql = "DELETE FROM message_control WHERE control = ?1 AND id = ?2";
    db.prepare_cached(sql)?.execute(params![half(control), sql_int(id)])?;
    Ok(())
}

fn half(control: &[u8; 16]) -> Half {
    control.first_chunk().copied().unwrap_or_default()
}
