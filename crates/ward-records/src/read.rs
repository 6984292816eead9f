//! read and vread.

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
