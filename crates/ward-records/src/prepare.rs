//! From the bytes a caller sent to a write the chart takes.

use jiff::Timestamp;
use ward_core::{FhirId, Kind, RecordKey, ResourceType, limits::RESOURCE_BYTES_MAX};
use ward_fhir::{
    Json,
    json::Object,
    outcome::{Issue, IssueCode, Severity},
    search::extract_at,
};
use ward_store::{Write, WriteKind};

use crate::{RecordsError, event, instant};

/// Reads one resource, with every finding in its place.
pub(crate) fn parse(body: &[u8]) -> Result<Json<'_>, RecordsError> {
    if RESOURCE_BYTES_MAX < body.len() {
        return Err(RecordsError::new(
            Kind::TooLarge,
            format!("a resource has at most {RESOURCE_BYTES_MAX} bytes"),
        ));
    }
    Json::parse(body).map_err(|error| {
        RecordsError::with_issues(
            Kind::Invalid,
            vec![Issue::error(IssueCode::Structure, format!("not JSON: {error}"))],
        )
    })
}

/// The resource's own type.
pub(crate) fn type_of(resource: &Json<'_>) -> Result<ResourceType, RecordsError> {
    let named = resource.get("resourceType").and_then(Json::as_str);
    named.and_then(|name| name.parse().ok()).ok_or_else(|| {
        let issue = Issue::error(
            IssueCode::Structure,
            "`resourceType` must be the first thing said, and a type of FHIR R4",
        );
        RecordsError::with_issues(Kind::Invalid, vec![issue.at("resourceType")])
    })
}

/// Checks a resource against the base definitions; warnings pass.
pub(crate) fn check(resource: &Json<'_>, expected: ResourceType) -> Result<(), RecordsError> {
    let found = type_of(resource)?;
    if found != expected {
        return Err(RecordsError::with_issues(
            Kind::Invalid,
            vec![
                Issue::error(
                    IssueCode::Invalid,
                    format!("this is a place for {expected}, the resource is a {found}"),
                )
                .at("resourceType"),
            ],
        ));
    }
    let issues = ward_fhir::validate::validate(resource, Some(expected));
    if issues.iter().any(|issue| issue.severity <= Severity::Error) {
        return Err(RecordsError::with_issues(Kind::Unprocessable, issues));
    }
    Ok(())
}

/// Puts id and meta into the resource, and takes from it what the chart keeps beside it.
pub(crate) fn write(
    mut resource: Json<'_>,
    key: &RecordKey,
    kind: WriteKind,
    now: Timestamp,
    base: &str,
) -> Write {
    let version = kind.base().map_or(1, |base| base.saturating_add(1));
    stamp(&mut resource, &key.id, version, &instant(now));
    let extracted = extract_at(key.kind, &resource, base);
    Write {
        key: key.clone(),
        kind,
        version,
        body: resource.to_bytes(),
        terms: extracted.terms,
        patients: extracted.patients,
        restricted: extracted.restricted,
        event: Some(event::of(key.kind, &resource)),
    }
}

/// A write that ends a record.
pub(crate) fn delete(key: &RecordKey, base: u32) -> Write {
    Write {
        key: key.clone(),
        kind: WriteKind::Delete { base },
        version: base.saturating_add(1),
        body: Vec::new(),
        terms: Vec::new(),
        patients: Default::default(),
        restricted: false,
        event: Some(event::DELETED),
    }
}

fn stamp(resource: &mut Json<'_>, id: &FhirId, version: u32, last_updated: &str) {
    let Some(object) = resource.as_object_mut() else { return };
    object.insert_at(1, "id", Json::string(id.as_str().to_owned()));
    if object.get("meta").and_then(Json::as_object).is_none() {
        object.insert_at(2, "meta", Json::Object(Object::new()));
    }
    if let Some(meta) = object.get_mut("meta").and_then(Json::as_object_mut) {
        meta.insert_at(0, "versionId", Json::string(version.to_string()));
        meta.insert_at(1, "lastUpdated", Json::string(last_updated.to_owned()));
    }
}
