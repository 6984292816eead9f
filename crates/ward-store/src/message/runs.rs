//! Which messages stand behind a token, on disk: runs of entries that are written once, and merged
//! so that there are few.
//!
//! Tokens have no order, so a B-tree of them writes a page for each. A run has the entries of some
//! thousand messages, cut into parts by the leading bits of their tokens; each part is a row that
//! fits on a page. Sixteen runs become one of the next tier, whose parts are cut by four bits more:
//! a few parts with each new run, so that no commit waits for a whole merge.
//!
//! - Shape of an entry: leading bytes of the token 6 | number of the message 6.

use rusqlite::{Connection, OptionalExtension, params};
use smallvec::SmallVec;

use crate::truth::{TruthError, rows::sql_int};

#[cfg(test)]
#[path = "run_tests.rs"]
pub(super) mod tests;

/// The leading 48 bits of a token: whom they find is compared whole.
pub(super) type Key = u64;

const KEY_BITS: u32 = 48;

/// The leading bits of a token that name a part of a run of the first tier.
const PART_BITS: u32 = if cfg!(test) { 1 } else { 5 };

/// The bits that each tier adds; as many runs as they count become one.
const FAN_BITS: u32 = if cfg!(test) { 1 } else { 4 };
const FAN: usize = 1 << FAN_BITS;

/// The highest tier, whose runs are not merged.
/// LIMIT: a run of it has 260 million messages.
const TIER_MAX: u32 = 4;

/// Parts merged in each tier with each new run.
/// LIMIT: as many have to be, on the average; each is 50 kilobytes read and written.
const PARTS_PER_RUN: u32 = 2;

/// Parts cleared with each new run, of one whose messages were taken away.
const PARTS_CLEARED: u32 = 64;

/// Bytes of a part from which on it is thinned.
/// LIMIT: twenty times what tokens come to; only one that comes again and again makes more.
const PART_BYTES_MAX: usize = if cfg!(test) { 1_200 } else { 64 * 1024 };

/// Entries of such a token that stay, the newest.
/// LIMIT: a device that gives every message the same control id is found by its newest thousand
/// in each run; how the same message is known when it comes again does not depend on them.
const SAME_TOKEN_MAX: usize = if cfg!(test) { 64 } else { 1024 };

/// Bits of a row's number that name the part.
const SHIFT: u32 = 24;

pub(super) fn key(token: &[u8; 16]) -> Key {
    let [a, b, c, d, e, f, ..] = *token;
    Key::from_be_bytes([0, 0, a, b, c, d, e, f])
}

/// Writes a run with all entries of new messages.
pub(super) fn write(db: &Connection, entries: &[(Key, u64)]) -> Result<(), TruthError> {
    if entries.is_empty() {
        return Ok(());
    }
    let last = entries.iter().map(|(_, id)| *id).max().unwrap_or(0);
    let run = begin(db, 0, 0, last)?;
    put_parts(db, run, 0, (0, PART_BITS), entries)?;
    for tier in 0..TIER_MAX {
        merge(db, tier, PARTS_PER_RUN)?;
    }
    clear_old(db)
}

/// The numbers of messages that may have the token, and maybe others.
///
/// - Cost: one row of each run.
pub(super) fn find(db: &Connection, key: Key) -> Result<SmallVec<[u64; 1]>, TruthError> {
    let mut found = SmallVec::new();
    let mut part = db.prepare_cached("SELECT entries FROM message_part WHERE at = ?1")?;
    let mut runs = db.prepare_cached("SELECT run, tier FROM message_run")?;
    let mut runs = runs.query([])?;
    while let Some(run) = runs.next()? {
        let at = place(run.get(0)?, key >> (KEY_BITS - bits_of(run.get(1)?)));
        let mut rows = part.query([sql_int(at)])?;
        while let Some(row) = rows.next()? {
            each(row.get_ref(0)?.as_blob().map_err(rusqlite::Error::from)?, |of, id| {
                if of == key {
                    found.push(id);
                }
            })?;
        }
    }
    Ok(found)
}

/// Reads the token of every entry.
pub(super) fn keys(db: &Connection, mut see: impl FnMut(Key) -> bool) -> Result<(), TruthError> {
    let mut query = db.prepare("SELECT entries FROM message_part")?;
    let mut rows = query.query([])?;
    let mut goes_on = true;
    while let Some(row) = rows.next()?
        && goes_on
    {
        each(row.get_ref(0)?.as_blob().map_err(rusqlite::Error::from)?, |key, _| {
            goes_on &= see(key);
        })?;
    }
    Ok(())
}

/// Merges until there is nothing to merge.
pub(super) fn settle(db: &Connection) -> Result<(), TruthError> {
    for tier in 0..TIER_MAX {
        while merge(db, tier, u32::MAX)? {}
    }
    Ok(())
}

/// Merges a few parts of runs of a tier. Answers whether there was anything to do.
fn merge(db: &Connection, tier: u32, n_parts: u32) -> Result<bool, TruthError> {
    let parts = 1u32 << bits_of(tier);
    let sql = "SELECT run, unmerged FROM message_run WHERE tier = ?1 AND unmerged > 0";
    let begun: Option<(u64, u32)> = db
        .prepare_cached(sql)?
        .query_row([tier + 1], |row| Ok((row.get(0)?, row.get(1)?)))
        .optional()?;
    let (target, mut unmerged) = match begun {
        Some(begun) => begun,
        None => match begin_merge(db, tier, parts)? {
            Some(target) => (target, parts),
            None => return Ok(false),
        },
    };
    let sources: Vec<u64> = db
        .prepare_cached("SELECT run FROM message_run WHERE source_of = ?1 ORDER BY run")?
        .query_map([sql_int(target)], |row| row.get(0))?
        .collect::<Result<_, _>>()?;
    let gone = Gone::new(db)?;
    for _ in 0..n_parts.min(unmerged) {
        let part = u64::from(parts - unmerged);
        let mut entries = Vec::new();
        for source in &sources {
            take(db, place(*source, part), &mut entries)?;
        }
        gone.retain(&mut entries)?;
        put_parts(db, target, part << FAN_BITS, (bits_of(tier), FAN_BITS), &entries)?;
        unmerged -= 1;
    }
    db.prepare_cached("UPDATE message_run SET unmerged = ?2 WHERE run = ?1")?
        .execute(params![sql_int(target), unmerged])?;
    if unmerged == 0 {
        db.prepare_cached("DELETE FROM message_run WHERE source_of = ?1")?
            .execute([sql_int(target)])?;
    }
    Ok(true)
}

/// Begins to merge the oldest runs of a tier, if there are enough of them.
fn begin_merge(db: &Connection, tier: u32, parts: u32) -> Result<Option<u64>, TruthError> {
    let sql = "SELECT run, last FROM message_run WHERE tier = ?1 AND unmerged = 0 ORDER BY run";
    let ready: Vec<(u64, u64)> = db
        .prepare_cached(sql)?
        .query_map([tier], |row| Ok((row.get(0)?, row.get(1)?)))?
        .collect::<Result<_, _>>()?;
    let Some(sources) = ready.get(..FAN) else { return Ok(None) };
    let last = sources.iter().map(|(_, last)| *last).max().unwrap_or(0);
    let target = begin(db, tier + 1, parts, last)?;
    for (source, _) in sources {
        db.prepare_cached("UPDATE message_run SET source_of = ?2 WHERE run = ?1")?
            .execute(params![sql_int(*source), sql_int(target)])?;
    }
    Ok(Some(target))
}

fn begin(db: &Connection, tier: u32, unmerged: u32, last: u64) -> Result<u64, TruthError> {
    let sql = "INSERT INTO message_run (tier, unmerged, last) VALUES (?1, ?2, ?3)";
    db.prepare_cached(sql)?.execute(params![tier, unmerged, sql_int(last)])?;
    u64::try_from(db.last_insert_rowid()).map_err(|_| TruthError::Row("a run without a number"))
}

/// Clears a few parts of a run whose time is over.
fn clear_old(db: &Connection) -> Result<(), TruthError> {
    let gone = Gone::new(db)?;
    let sql = "SELECT run, tier, cleared FROM message_run WHERE last <= ?1 AND unmerged = 0 \
               AND source_of IS NULL AND cleared < ?2 << (?3 * tier) LIMIT 1";
    let found: Option<(u64, u32, u32)> = db
        .prepare_cached(sql)?
        .query_row(params![sql_int(gone.up_to), 1u32 << PART_BITS, FAN_BITS], |row| {
            Ok((row.get(0)?, row.get(1)?, row.get(2)?))
        })
        .optional()?;
    let Some((run, tier, from)) = found else { return Ok(()) };
    let to = from.saturating_add(PARTS_CLEARED).min(1 << bits_of(tier));
    for part in from..to {
        let at = place(run, u64::from(part));
        let mut entries = Vec::new();
        take(db, at, &mut entries)?;
        gone.retain(&mut entries)?;
        if !entries.is_empty() {
            let bytes: Vec<u8> = entries.iter().flat_map(|(key, id)| entry(*key, *id)).collect();
            db.prepare_cached(INSERT_PART)?.execute(params![sql_int(at), bytes])?;
        }
    }
    db.prepare_cached("UPDATE message_run SET cleared = ?2 WHERE run = ?1")?
        .execute(params![sql_int(run), to])?;
    if to == 1 << bits_of(tier) {
        let sql = "DELETE FROM message_run WHERE run = ?1 AND NOT EXISTS \
                   (SELECT 1 FROM message_part WHERE at >= ?2 AND at < ?3)";
        db.prepare_cached(sql)?.execute([
            sql_int(run),
            sql_int(place(run, 0)),
            sql_int(place(run + 1, 0)),
        ])?;
    }
    Ok(())
}

/// Takes a part out.
fn take(db: &Connection, at: u64, entries: &mut Vec<(Key, u64)>) -> Result<(), TruthError> {
    let sql = "DELETE FROM message_part WHERE at = ?1 RETURNING entries";
    let mut take = db.prepare_cached(sql)?;
    let mut rows = take.query([sql_int(at)])?;
    while let Some(row) = rows.next()? {
        let part = row.get_ref(0)?.as_blob().map_err(rusqlite::Error::from)?;
        each(part, |key, id| entries.push((key, id)))?;
    }
    Ok(())
}

/// Messages that were taken away, which nobody looks for.
struct Gone<'a> {
    db: &'a Connection,
    /// The newest of them; of those before it some may be there, because somebody has to do
    /// something about them.
    up_to: u64,
}

impl Gone<'_> {
    fn new(db: &Connection) -> Result<Gone<'_>, TruthError> {
        let sql = "SELECT pruned FROM message_in_runs";
        let up_to = db.prepare_cached(sql)?.query_row([], |row| row.get(0))?;
        Ok(Gone { db, up_to })
    }

    fn retain(&self, entries: &mut Vec<(Key, u64)>) -> Result<(), TruthError> {
        let mut look = self.db.prepare_cached("SELECT 1 FROM message WHERE id = ?1")?;
        let mut failed = Ok(());
        entries.retain(|(_, id)| {
            self.up_to < *id
                || look.exists([sql_int(*id)]).unwrap_or_else(|error| {
                    failed = Err(error.into());
                    true
                })
        });
        failed
    }
}

const INSERT_PART: &str = "INSERT INTO message_part (at, entries) VALUES (?1, ?2)";

/// Writes parts of a run from `first` on: the entries cut by the `n_bits` after the first `before`.
fn put_parts(
    db: &Connection,
    run: u64,
    first: u64,
    (before, n_bits): (u32, u32),
    entries: &[(Key, u64)],
) -> Result<(), TruthError> {
    let n_parts = 1usize << n_bits;
    let room = (entries.len() / n_parts + 32) * ENTRY_BYTES;
    let mut parts: Vec<Vec<u8>> = Vec::new();
    parts.resize_with(n_parts, || Vec::with_capacity(room));
    for (key, id) in entries {
        let part = key >> (KEY_BITS - before - n_bits) & ((1 << n_bits) - 1);
        let part = usize::try_from(part).ok().and_then(|part| parts.get_mut(part));
        if let Some(part) = part {
            part.extend_from_slice(&entry(*key, *id));
        }
    }
    let mut insert = db.prepare_cached(INSERT_PART)?;
    for (at, part) in (place(run, first)..).zip(&mut parts) {
        if PART_BYTES_MAX < part.len() {
            *part = thinned(part)?;
        }
        if !part.is_empty() {
            insert.execute(params![sql_int(at), *part])?;
        }
    }
    Ok(())
}

/// The same without the older entries of a token that has more than half of them.
fn thinned(part: &[u8]) -> Result<Vec<u8>, TruthError> {
    // Boyer and Moore's vote: a token with more than half of the entries is left.
    let (mut often, mut votes) = (0, 0usize);
    each(part, |key, _| {
        if votes == 0 {
            often = key;
        }
        votes = if key == often { votes + 1 } else { votes - 1 };
    })?;
    let mut n_over = 0usize;
    each(part, |key, _| n_over += usize::from(key == often))?;
    n_over = n_over.saturating_sub(SAME_TOKEN_MAX);
    let mut out = Vec::new();
    each(part, |key, id| {
        if key == often && 0 < n_over {
            // Oldest first, as runs are.
            n_over -= 1;
        } else {
            out.extend_from_slice(&entry(key, id));
        }
    })?;
    Ok(out)
}

const ENTRY_BYTES: usize = 12;

fn entry(key: Key, id: u64) -> [u8; ENTRY_BYTES] {
    let ([_, _, a, b, c, d, e, f], [_, _, g, h, i, j, k, l]) =
        (key.to_be_bytes(), id.to_be_bytes());
    [a, b, c, d, e, f, g, h, i, j, k, l]
}

fn each(entries: &[u8], mut see: impl FnMut(Key, u64)) -> Result<(), TruthError> {
    let (entries, rest) = entries.as_chunks::<ENTRY_BYTES>();
    if !rest.is_empty() {
        return Err(TruthError::Row("a part of a run is damaged"));
    }
    for [a, b, c, d, e, f, g, h, i, j, k, l] in entries {
        let key = Key::from_be_bytes([0, 0, *a, *b, *c, *d, *e, *f]);
        see(key, u64::from_be_bytes([0, 0, *g, *h, *i, *j, *k, *l]));
    }
    Ok(())
}

fn place(run: u64, part: u64) -> u64 {
    run << SHIFT | part
}

fn bits_of(tier: u32) -> u32 {
    PART_BITS + FAN_BITS * tier.min(TIER_MAX)
}
