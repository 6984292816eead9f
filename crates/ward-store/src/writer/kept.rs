//! What was done before: answers kept for units that come again.

use rusqlite::{Connection, OptionalExtension, params};

use super::IDEMPOTENCY_LABEL;
use crate::{
    Seq,
    keys::{KeyRow, Keyring, Scope},
    message::{
        MessageId,
        control::{self, Newest},
        rows,
    },
    prepare::{self, PreparedUnit},
    truth::TruthError,
    unit::Receipt,
};

/// The kept answer, when this unit was done before.
pub(super) fn of(
    db: &Connection,
    newest: &Newest,
    keyring: &Keyring,
    unit: &PreparedUnit,
) -> Result<Option<Receipt>, TruthError> {
    if let Some(new) = &unit.message
        && let Some(id) = control::same(db, newest, &new.columns.trace)?
        && let Some((seq, answer)) = rows::answer_of(db, keyring, id)?
    {
        let (replayed, message) = (Some(answer), Some(MessageId(id)));
        return Ok(Some(Receipt { seq, replayed, message }));
    }
    match &unit.idempotency {
        Some((key, _)) => kept_answer(db, keyring, key, unit.now_us),
        None => Ok(None),
    }
}

/// What a unit with this idempotency key came to, when it was done less than a day ago.
pub(crate) fn kept_answer(
    db: &Connection,
    keyring: &Keyring,
    key: &[u8; 32],
    now_us: i64,
) -> Result<Option<Receipt>, TruthError> {
    let sql = "SELECT seq, sealed FROM idempotency WHERE key = ?1 AND expires > ?2";
    let kept: Option<(u64, Vec<u8>)> = db
        .prepare_cached(sql)?
        .query_row(params![key, now_us], |row| Ok((row.get(0)?, row.get(1)?)))
        .optional()?;
    let Some((seq, sealed)) = kept else { return Ok(None) };
    let answer = keyring
        .open_own(IDEMPOTENCY_LABEL, prepare::half_of(key), &sealed)
        .map_err(|_| TruthError::Row("kept answer does not open"))?;
    Ok(Some(Receipt { seq: Seq(seq), replayed: Some(answer), message: None }))
}

pub(super) fn insert_key(db: &Connection, scope: &Scope, row: &KeyRow) -> Result<(), TruthError> {
    // Two units that bring the same new patient carry the same key; the first one writes it.
    let sql = "INSERT OR IGNORE INTO scope_key (scope, tenant_version, wrapped, name) \
               VALUES (?1, ?2, ?3, ?4)";
    db.prepare_cached(sql)?.execute(params![scope.0, row.tenant_version, row.wrapped, row.name])?;
    Ok(())
}
