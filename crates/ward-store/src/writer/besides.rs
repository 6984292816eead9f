//! What the writer does besides a unit's own writes: commands leased, keys destroyed and wrapped
//! anew, messages taken away.

use rusqlite::params;

use super::{
    Done, Work,
    batch::{Outcome, Stop, UnitAt},
};
use crate::{
    keys::Scope,
    message, queue,
    truth::{TruthError, rows},
};

impl UnitAt<'_> {
    pub(super) fn work(
        &mut self,
        work: Work,
        now_us: i64,
        done: &mut Done,
        outcome: &mut Outcome,
    ) -> Result<(), Stop> {
        match work {
            Work::Lease { lane, until_us, n } => {
                done.leased = queue::lease(self.db, &lane, now_us, until_us, n)?;
            }
            Work::Retry { id, not_before_us } => queue::retry(self.db, id, not_before_us)?,
            Work::Bury { id } => queue::bury(self.db, id)?,
            Work::Destroy { scope, changes } => {
                let sql = "UPDATE scope_key SET wrapped = x'', destroyed_at = ?1 \
                           WHERE scope = ?2 AND destroyed_at IS NULL";
                let n = self.db.prepare_cached(sql)?.execute(params![now_us, scope.0])?;
                done.n_keys = u64::try_from(n).unwrap_or(0);
                outcome.changes = changes;
                outcome.after.destroyed = Some(scope);
            }
            Work::Rotate { tenant, wrapped } => {
                done.n_keys = self.rotate(&tenant, &wrapped)?;
                outcome.after.rotated = Some(tenant);
            }
            Work::Prune { before_us, n } => {
                done.n_keys = message::rows::prune(self.db, self.tally, before_us, n)?;
            }
            Work::Flush | Work::Checkpoint => {}
        }
        Ok(())
    }

    /// - Cost: one unwrap, one wrap and one row for each patient; the writer does nothing else.
    fn rotate(&self, tenant: &ward_crypto::TenantKey, wrapped: &[u8]) -> Result<u64, TruthError> {
        let mut n = 0;
        let mut after = Vec::new();
        loop {
            let sql = "SELECT scope FROM scope_key WHERE scope > ?1 ORDER BY scope LIMIT 1000";
            let scopes = self
                .db
                .prepare_cached(sql)?
                .query_map([&after], |row| row.get::<_, [u8; 16]>(0))?
                .collect::<Result<Vec<_>, _>>()?;
            let Some(last) = scopes.last() else { break };
            after = last.to_vec();
            for scope in scopes.into_iter().map(Scope) {
                let Some(row) = rows::key_row(self.db, &scope)?.filter(|row| !row.destroyed) else {
                    continue;
                };
                let rewrapped = self
                    .keyring
                    .rewrap(&scope, &row, tenant, self.random)
                    .map_err(|_| TruthError::Row("a key cannot be wrapped anew"))?;
                let sql = "UPDATE scope_key SET tenant_version = ?1, wrapped = ?2 \
                           WHERE scope = ?3";
                self.db.prepare_cached(sql)?.execute(params![
                    tenant.version(),
                    rewrapped,
                    scope.0
                ])?;
                n += 1;
            }
        }
        let sql = "UPDATE tenant SET version = ?1, wrapped = ?2";
        self.db.execute(sql, params![tenant.version(), wrapped])?;
        Ok(n)
    }
}
