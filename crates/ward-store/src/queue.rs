//! The command queue: work that somebody will do later, and do once.
//!
//! A command enters with the commit that wants it and leaves with the commit that did it. In
//! between it is leased for a time; a worker that dies loses the lease, not the command.

use jiff::Timestamp;
use rusqlite::{Connection, OptionalExtension, params};
use ward_core::Phi;
use ward_crypto::Random;

use crate::{
    error::{CommitError, ReadError},
    keys::Keyring,
    seal::SealError,
    truth::{TruthError, rows::limit},
};

/// Work to be done later.
#[derive(Clone, Debug)]
pub struct NewCommand {
    /// Who does it. Workers ask for one lane.
    pub lane: String,
    pub not_before: Option<Timestamp>,
    pub body: Phi<Vec<u8>>,
}

#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Debug)]
pub struct CommandId(pub u64);

/// A leased command.
#[derive(Clone, Debug)]
pub struct Command {
    pub id: CommandId,
    /// How often it was leased, this time included.
    pub attempts: u32,
    pub body: Phi<Vec<u8>>,
}

/// A command that only needs its number.
pub(crate) struct PreparedCommand {
    lane: [u8; 16],
    not_before_us: i64,
    sealed: Vec<u8>,
}

/// A row that was leased, still sealed.
pub(crate) struct Leased {
    id: u64,
    attempts: u32,
    sealed: Vec<u8>,
}

const LABEL: &str = "command";

const READY: u8 = 0;
const LEASED: u8 = 1;
const DEAD: u8 = 2;

/// Most commands leased at once.
/// LIMIT: a worker that dies holds no more than this until the lease ends.
pub(crate) const LEASE_MAX: usize = 256;

pub(crate) fn prepare(
    keyring: &Keyring,
    random: &dyn Random,
    command: NewCommand,
) -> Result<PreparedCommand, CommitError> {
    let lane = keyring.lane(&command.lane);
    let bound = u128::from_be_bytes(lane);
    let sealed = keyring.seal_own(LABEL, bound, command.body.reveal(), random)?;
    let not_before_us = command.not_before.map_or(0, Timestamp::as_microsecond);
    Ok(PreparedCommand { lane, not_before_us, sealed })
}

pub(crate) fn open(
    keyring: &Keyring,
    lane: &str,
    leased: Vec<Leased>,
) -> Result<Vec<Command>, ReadError> {
    let bound = u128::from_be_bytes(keyring.lane(lane));
    leased
        .into_iter()
        .map(|row| {
            let body = keyring
                .open_own(LABEL, bound, &row.sealed)
                .map_err(|source| ReadError::Seal(SealError::Open(source)))?;
            Ok(Command { id: CommandId(row.id), attempts: row.attempts, body: Phi::new(body) })
        })
        .collect()
}

pub(crate) fn insert(db: &Connection, command: &PreparedCommand) -> Result<(), TruthError> {
    let sql = "INSERT INTO command (lane, state, not_before, attempts, sealed) \
               VALUES (?1, ?2, ?3, 0, ?4)";
    db.prepare_cached(sql)?.execute(params![
        command.lane,
        READY,
        command.not_before_us,
        command.sealed
    ])?;
    Ok(())
}

pub(crate) fn exists(db: &Connection, id: CommandId) -> Result<bool, TruthError> {
    let mut query = db.prepare_cached("SELECT 1 FROM command WHERE id = ?1 AND state <> ?2")?;
    Ok(query.query_row(params![id.0, DEAD], |_| Ok(())).optional()?.is_some())
}

pub(crate) fn remove(db: &Connection, id: CommandId) -> Result<(), TruthError> {
    db.prepare_cached("DELETE FROM command WHERE id = ?1")?.execute([id.0])?;
    Ok(())
}

/// Leases what is ready, and what others held for too long.
pub(crate) fn lease(
    db: &Connection,
    lane: &[u8; 16],
    now_us: i64,
    until_us: i64,
    n: usize,
) -> Result<Vec<Leased>, TruthError> {
    let sql = "UPDATE command SET state = ?1, not_before = ?2, attempts = attempts + 1 \
               WHERE id IN (SELECT id FROM command WHERE lane = ?3 AND state IN (?4, ?1) \
               AND not_before <= ?5 ORDER BY id LIMIT ?6) RETURNING id, attempts, sealed";
    let mut query = db.prepare_cached(sql)?;
    let rows = query.query_map(
        params![LEASED, until_us, lane, READY, now_us, limit(n.min(LEASE_MAX))],
        |row| Ok(Leased { id: row.get(0)?, attempts: row.get(1)?, sealed: row.get(2)? }),
    )?;
    let mut leased = rows.collect::<Result<Vec<_>, _>>()?;
    leased.sort_by_key(|row| row.id);
    Ok(leased)
}

/// Gives back everything that is leased.
///
/// - Shape: for whoever has just locked the chart: those that held a lease were other processes,
///   and no other process lives.
pub(crate) fn release(db: &Connection) -> Result<(), TruthError> {
    let sql = "UPDATE command SET state = ?1, not_before = 0 WHERE state = ?2";
    db.prepare_cached(sql)?.execute([READY, LEASED])?;
    Ok(())
}

/// Whether something of a lane is ready, or was held for too long.
pub(crate) fn is_ready(db: &Connection, lane: &[u8; 16], now_us: i64) -> Result<bool, TruthError> {
    let sql = "SELECT 1 FROM command WHERE lane = ?1 AND state IN (?2, ?3) AND not_before <= ?4 \
               LIMIT 1";
    let mut query = db.prepare_cached(sql)?;
    let found = query.query_row(params![lane, READY, LEASED, now_us], |_| Ok(())).optional()?;
    Ok(found.is_some())
}

/// Gives a command back, to be done at `not_before_us`.
pub(crate) fn retry(db: &Connection, id: CommandId, not_before_us: i64) -> Result<(), TruthError> {
    let sql = "UPDATE command SET state = ?1, not_before = ?2 WHERE id = ?3";
    db.prepare_cached(sql)?.execute(params![READY, not_before_us, id.0])?;
    Ok(())
}

/// Puts a command aside for a person to look at.
pub(crate) fn bury(db: &Connection, id: CommandId) -> Result<(), TruthError> {
    let sql = "UPDATE command SET state = ?1 WHERE id = ?2";
    db.prepare_cached(sql)?.execute(params![DEAD, id.0])?;
    Ok(())
}

/// Commands waiting, leased and dead, over all lanes.
pub(crate) fn counts(db: &Connection) -> Result<[u64; 3], TruthError> {
    let mut counts = [0; 3];
    for (state, count) in [READY, LEASED, DEAD].into_iter().zip(&mut counts) {
        *count = db.query_row("SELECT count(*) FROM command WHERE state = ?1", [state], |row| {
            row.get(0)
        })?;
    }
    Ok(counts)
}
