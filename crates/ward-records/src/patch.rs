//! patch: JSON Patch and FHIRPath Patch.

use ward_core::{AuditAction, Ctx, Kind, RecordKey};
use ward_fhir::{
    Json,
    outcome::{Issue, IssueCode},
};

use crate::{Prefer, Records, RecordsError, Reply, prepare, write};

/// How a patch is written.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum PatchFormat {
    /// RFC 6902, `application/json-patch+json`.
    Json,
    /// A Parameters resource.
    FhirPath,
}

impl Records {
    /// Changes parts of a resource.
    ///
    /// - Errors: as read and update; a patch that does not fit is 422 and changes nothing.
    /// - Audit: `read` of what is changed, then `patch` in the commit.
    /// - Source: FHIR R4, 3.1.0.5 patch.
    pub async fn patch(
        &self,
        cx: &Ctx,
        key: &RecordKey,
        format: PatchFormat,
        patch: &[u8],
        if_match: Option<u32>,
        prefer: Prefer,
    ) -> Result<Reply, RecordsError> {
        let patch = prepare::parse(patch)?;
        for _ in 0..write::TRIES_MAX {
            let current = self.read(cx, key).await?;
            let seen = current.etag;
            if if_match.is_some() && if_match != seen {
                return Err(write::wrong_version());
            }
            let body = current.body.unwrap_or_default();
            let resource = prepare::parse(&body)?;
            let patched = match format {
                PatchFormat::Json => ward_fhir::json_patch::apply(&resource, &patch)
                    .map_err(|error| refused(error.kind(), error.to_string()))?,
                PatchFormat::FhirPath => {
                    ward_fhir::fhirpath_patch::fhirpath_patch(&resource, &patch, cx.now)
                        .map_err(|error| refused(error.kind(), error.to_string()))?
                }
            };
            if patched.get("id").and_then(Json::as_str) != Some(key.id.as_str()) {
                return Err(refused(Kind::Unprocessable, "a patch cannot change `id`".to_owned()));
            }
            prepare::check(&patched, key.kind)?;
            let action = AuditAction::Patch;
            match self.replace(cx, action, key, patched, seen, prefer).await {
                // Somebody wrote in between, and the caller did not insist on a version.
                Err(error) if error.kind == Kind::Precondition && if_match.is_none() => {}
                other => return other,
            }
        }
        Err(write::contended())
    }
}

fn refused(kind: Kind, says: String) -> RecordsError {
    RecordsError::with_issues(kind, vec![Issue::error(IssueCode::Processing, says)])
}
