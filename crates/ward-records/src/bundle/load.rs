//! A transaction that is loaded once, however often it is sent.

use ward_core::{Ctx, RecordKey};
use ward_store::{Write, WriteKind};

use crate::{Records, RecordsError, Reply};

impl Records {
    /// Does a transaction unless `mark` says that it was done; the mark is made in its commit.
    ///
    /// - Errors: as [`Records::bundle`]; nothing is written and no mark made unless `Ok`.
    /// - Repeat: safe. `None` means that it was done before.
    pub async fn load(
        &self,
        cx: &Ctx,
        body: &[u8],
        mark: &RecordKey,
    ) -> Result<Option<Reply>, RecordsError> {
        if self.is_loaded(mark)? {
            return Ok(None);
        }
        match self.bundle_marked(cx, body, Some(mark)).await {
            Ok(reply) => Ok(Some(reply)),
            // Somebody else may have loaded the same in the meantime.
            Err(_) if self.is_loaded(mark)? => Ok(None),
            Err(error) => Err(error),
        }
    }

    fn is_loaded(&self, mark: &RecordKey) -> Result<bool, RecordsError> {
        Ok(matches!(self.chart.current(mark)?, Some((_, false))))
    }
}

pub(super) fn mark_of(key: &RecordKey) -> Write {
    Write {
        key: key.clone(),
        kind: WriteKind::Create,
        version: 1,
        body: b"{}".to_vec(),
        terms: Vec::new(),
        patients: Default::default(),
        restricted: false,
        event: None,
    }
}
