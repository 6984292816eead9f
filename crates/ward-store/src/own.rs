//! Ward's own records, all of a kind: accounts and tokens, for whoever looks after them.

use rusqlite::params;
use ward_core::ResourceType;
use ward_policy::Action;

use crate::{
    error::ReadError,
    reader::Reader,
    record::Stored,
    truth::{
        is_public,
        rows::{limit, sql_int},
    },
};

/// Records asked for at once.
const STEP: usize = 256;

impl Reader<'_> {
    /// The current version of every one of Ward's own records of a kind, in the order in which
    /// they were made; none for a kind that is served as FHIR.
    ///
    /// - Cost: proportional to all versions of the kind. It asks truth, so that it is answered
    ///   while the index is made anew.
    pub fn own(&self, kind: ResourceType) -> Result<Vec<Stored>, ReadError> {
        let mut found = Vec::new();
        if is_public(kind) {
            return Ok(found);
        }
        let mut after = 0;
        loop {
            let firsts = self.firsts(kind, after)?;
            let Some((last, _)) = firsts.last() else { return Ok(found) };
            after = *last;
            for (_, kid) in &firsts {
                let row = self.truth().current(kid)?;
                let row = row.filter(|row| self.permits(Action::Search, row) && !row.head.deleted);
                found.extend(row.map(|row| self.show(&row)).transpose()?);
            }
        }
    }

    /// Numbers and blinded ids of the records of a kind whose number is above `after`.
    fn firsts(&self, kind: ResourceType, after: u64) -> Result<Vec<(u64, [u8; 16])>, ReadError> {
        let sql = "SELECT vid, kid FROM version WHERE kind = ?1 AND vid > ?2 AND rid = vid \
                   ORDER BY vid LIMIT ?3";
        let read = self.truth().read(|db| {
            let mut query = db.prepare_cached(sql)?;
            let rows = query
                .query_map(params![kind.number(), sql_int(after), limit(STEP)], |row| {
                    Ok((row.get(0)?, row.get(1)?))
                })?;
            Ok(rows.collect::<Result<_, _>>()?)
        });
        Ok(read?)
    }
}
