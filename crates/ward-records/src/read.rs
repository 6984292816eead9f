//! read and vread.

use jiff::Timestamp;
use ward_core::{AuditAction, AuditOutcome, Ctx, Kind, RecordKey, ResourceType};
use ward_store::{Interaction, ReadError, Stored};

use crate::{Records, RecordsError, Reply};

impl Records {
    /// The current version.
    ///
    /// - Errors: 404 when absent or not for this caller, 410 when deleted.
    /// - Audit: `read`, durable before the answer.
    /// - Source: FHIR R4, 3.1.0.2 read.
    pub async fn read(&self, cx: &Ctx, key: &RecordKey) -> Result<Reply, RecordsError> {
        if key.kind == ResourceType::AUDIT_EVENT {
            return self.read_audit(cx, &key.id).await;
        }
        let reader = self.chart.reader(cx, Interaction::on(AuditAction::Read, key.clone()));
        let found = reader.get(key);
        let (outcome, answer) = answer_of(found);
        reader.finish(outcome).await?;
        answer
    }

    /// The current version, unless the caller has it already.
    ///
    /// - Shape: 304 without a body when `if_none_match` is its version or, without that, when it
    ///   did not change after `if_modified_since`, which counts in whole seconds.
    /// - Source: FHIR R4, 3.1.0.1.5 conditional read; RFC 9110, 13.1.2 and 13.1.3.
    pub async fn read_unless(
        &self,
        cx: &Ctx,
        key: &RecordKey,
        if_none_match: Option<u32>,
        if_modified_since: Option<Timestamp>,
    ) -> Result<Reply, RecordsError> {
        let found = self.read(cx, key).await?;
        let is_known = match (if_none_match, if_modified_since, found.last_modified) {
            (Some(version), _, _) => found.etag == Some(version),
            (None, Some(since), Some(changed)) => changed.as_second() <= since.as_second(),
            (None, ..) => false,
        };
        Ok(if is_known { Reply { status: 304, body: None, ..found } } else { found })
    }

    /// One version.
    ///
    /// - Source: FHIR R4, 3.1.0.3 vread.
    pub async fn vread(
        &self,
        cx: &Ctx,
        key: &RecordKey,
        version: u32,
    ) -> Result<Reply, RecordsError> {
        if key.kind == ResourceType::AUDIT_EVENT && version == 1 {
            return self.read_audit(cx, &key.id).await;
        }
        let reader = self.chart.reader(cx, Interaction::on(AuditAction::Vread, key.clone()));
        let found = reader.version(key, version);
        let (outcome, answer) = answer_of(found);
        reader.finish(outcome).await?;
        answer
    }
}

fn answer_of(
    found: Result<Option<Stored>, ReadError>,
) -> (AuditOutcome, Result<Reply, RecordsError>) {
    match found {
        Ok(Some(stored)) if stored.deleted => (
            AuditOutcome::MinorFailure,
            Err(RecordsError::new(Kind::Gone, "the resource was deleted")),
        ),
        Ok(Some(stored)) => (AuditOutcome::Success, Ok(Reply::stored(200, stored))),
        Ok(None) => (AuditOutcome::MinorFailure, Err(RecordsError::not_found())),
        Err(error) => (AuditOutcome::SeriousFailure, Err(error.into())),
    }
}
