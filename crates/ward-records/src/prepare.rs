//! From the bytes a caller sent to a resource that the chart may take.

use ward_core::{Kind, ResourceType, limits::RESOURCE_BYTES_MAX};
use ward_fhir::{
    Json,
    outcome::{Issue, IssueCode, Severity},
};

use crate::RecordsError;

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
