//! When the audit log is signed.

use rusqlite::{Connection, params};
use ward_crypto::checkpoint::Checkpoint;

use super::{State, WriterParts};
use crate::{audit, truth::TruthError};

/// Signs the log as it will be after this batch, when enough was written, enough time went by, or
/// somebody asked.
pub(super) fn sign_if_due(
    db: &Connection,
    parts: &WriterParts,
    state: &mut State,
    now_us: i64,
    wanted: bool,
) -> Result<Option<String>, TruthError> {
    let len = state.frontier.len();
    let n_new = len.saturating_sub(state.checked_len);
    let waited_us = now_us.saturating_sub(state.checked_us);
    let limits = &parts.limits;
    let due = limits.checkpoint_entries <= n_new
        || limits.checkpoint_s.saturating_mul(1_000_000) <= waited_us
        || wanted;
    if n_new == 0 || !due {
        return Ok(None);
    }
    let text = parts.signer.sign(&Checkpoint {
        origin: audit::origin(parts.keyring.tenant()),
        len,
        root: state.frontier.root(),
        time_ms: now_us.div_euclid(1000),
    });
    db.prepare_cached("INSERT OR REPLACE INTO checkpoint (n, time, text) VALUES (?1, ?2, ?3)")?
        .execute(params![len, now_us, text])?;
    state.checked_len = len;
    state.checked_us = now_us;
    Ok(Some(text))
}
