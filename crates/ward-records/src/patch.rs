//! patch: JSON Patch and FHIRPath Patch.

use base64::Engine as _;
use jiff::Timestamp;
use ward_core::{AuditAction, Ctx, Kind, RecordKey};
use ward_fhir::{
    Json,
    outcome::{Issue, IssueCode},
};

use crate::{Prefer, Records, RecordsError, Reply, audit_event, prepare, write};

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
        audit_event::may_write(key.kind)?;
        let patch = prepare::parse(patch)?;
        for _ in 0..write::TRIES_MAX {
            let current = self.read(cx, key).await?;
            let seen = current.etag;
            if if_match.is_some() && if_match != seen {
                return Err(write::wrong_version());
            }
            let body = current.body.unwrap_or_default();
            let patched = patched(format, &patch, &body, key, cx.now)?;
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

/// The resource after a patch, checked.
fn patched(
    format: PatchFormat,
    patch: &Json<'_>,
    body: &[u8],
    key: &RecordKey,
    now: Timestamp,
) -> Result<Json<'static>, RecordsError> {
    let resource = prepare::parse(body)?;
    let patched = match format {
        PatchFormat::Json => ward_fhir::json_patch::apply(&resource, patch)
            .map_err(|error| refused(error.kind(), error.to_string()))?
            .into_owned(),
        PatchFormat::FhirPath => ward_fhir::fhirpath_patch::fhirpath_patch(&resource, patch, now)
            .map_err(|error| refused(error.kind(), error.to_string()))?,
    };
    if patched.get("id").and_then(Json::as_str) != Some(key.id.as_str()) {
        return Err(refused(Kind::Unprocessable, "a patch cannot change `id`".to_owned()));
    }
    prepare::check(&patched, key.kind)?;
    Ok(patched)
}

/// The patch that an entry of a bundle holds: JSON Patch in a Binary, or Parameters.
///
/// - Source: FHIR R4, 3.1.0.11 batch/transaction, patch.
pub(crate) fn sent_in_bundle(sent: &[u8]) -> Result<(PatchFormat, Vec<u8>), RecordsError> {
    format_and_bytes(&prepare::parse(sent)?)
}

fn format_and_bytes(sent: &Json<'_>) -> Result<(PatchFormat, Vec<u8>), RecordsError> {
    let text = |name: &str| sent.get(name).and_then(Json::as_str);
    match (text("resourceType"), text("contentType")) {
        (Some("Parameters"), _) => Ok((PatchFormat::FhirPath, sent.to_bytes())),
        (Some("Binary"), Some("application/json-patch+json")) => {
            let data = text("data").unwrap_or_default();
            let bytes = base64::engine::general_purpose::STANDARD.decode(data);
            let not_base64 = |_| RecordsError::new(Kind::Invalid, "`data` is not base64");
            Ok((PatchFormat::Json, bytes.map_err(not_base64)?))
        }
        _ => Err(RecordsError::new(
            Kind::Invalid,
            "a patch in a bundle is Parameters, or a Binary of `application/json-patch+json`",
        )),
    }
}

/// The resource after the patch of a bundle's entry.
pub(crate) fn entry_patched(
    sent: &Json<'_>,
    body: &[u8],
    key: &RecordKey,
    now: Timestamp,
) -> Result<Json<'static>, RecordsError> {
    let (format, bytes) = format_and_bytes(sent)?;
    patched(format, &prepare::parse(&bytes)?, body, key, now)
}

fn refused(kind: Kind, says: String) -> RecordsError {
    RecordsError::with_issues(kind, vec![Issue::error(IssueCode::Processing, says)])
}
