//! `PlanDefinition/$apply`.

use hyper::StatusCode;
use serde_json::Value;
use ward_clinical::plan::{self, ApplyError, Subject};
use ward_core::{AuditAction, AuditOutcome, Kind, RecordKey, ResourceType};
use ward_fhir::outcome::{Issue, IssueCode};
use ward_records::RecordsError;
use ward_store::Interaction;

use super::access::{body_of, invalid};
use crate::{app::App, request::Asked, respond, respond::Answer};

/// Applies a plan of the chart, or one in the body, to a patient; nothing is written.
///
/// - Source: FHIR R4, PlanDefinition `$apply`.
pub(crate) async fn apply(app: &App, asked: &Asked) -> Answer {
    let body: Value = if asked.body.is_empty() { Value::Null } else { body_of(asked)? };
    let parameter = |name: &str| {
        let parameters = body.get("parameter").and_then(Value::as_array).into_iter().flatten();
        parameters.into_iter().find(|it| it.get("name").and_then(Value::as_str) == Some(name))
    };
    // R4 has them as strings; a Reference is meant so too.
    let said = |name: &str| -> Option<String> {
        let of_body = parameter(name).and_then(|it| {
            let text = it.get("valueString").or(it.get("valueUri"));
            let text = text.or_else(|| it.pointer("/valueReference/reference"));
            text?.as_str().map(str::to_owned)
        });
        of_body.or_else(|| of_query(&asked.query, name))
    };
    for name in
        ["organization", "userType", "userLanguage", "userTaskContext", "setting", "settingContext"]
    {
        if said(name).is_some() || parameter(name).is_some() {
            return Err(invalid(&format!("`{name}` is not understood here")));
        }
    }
    let subject = said("subject").ok_or_else(|| invalid("`subject` is `Patient/ID`"))?;
    let patient = read(app, asked, &subject, ResourceType::PATIENT, "subject").await?;
    let encounter = match said("encounter") {
        Some(it) => Some(read(app, asked, &it, ResourceType::ENCOUNTER, "encounter").await?),
        None => None,
    };
    if let Some(encounter) = &encounter
        && encounter
            .pointer("/subject/reference")
            .and_then(Value::as_str)
            .is_none_or(|it| it.rsplit('/').next() != patient.get("id").and_then(Value::as_str))
    {
        return Err(invalid("`encounter` is another patient's"));
    }
    let practitioner = said("practitioner");
    if practitioner.as_ref().is_some_and(|it| id(it, ResourceType::PRACTITIONER).is_none()) {
        return Err(invalid("`practitioner` is not `Practitioner/ID`"));
    }
    let plan = match asked.value("id") {
        Ok(id) => read(app, asked, id, ResourceType::PLAN_DEFINITION, "planDefinition").await?,
        Err(_) => {
            let given = parameter("planDefinition").and_then(|it| it.get("resource")).cloned();
            let is_plan = |it: &Value| {
                it.get("resourceType").and_then(Value::as_str) == Some("PlanDefinition")
            };
            given.filter(is_plan).ok_or_else(|| invalid("`planDefinition` is a PlanDefinition"))?
        }
    };
    let act = Interaction::of(AuditAction::Search, ResourceType::ACTIVITY_DEFINITION)
        .with_detail("$apply".to_owned());
    let reader = app.records.chart().reader(&asked.cx, act);
    let resolve = |canonical: &str| plan::resolve(&reader, canonical).map_err(drop);
    let whom = Subject {
        patient: &patient,
        encounter: encounter.as_ref(),
        practitioner: practitioner.as_deref(),
    };
    let applied = plan::apply(&plan, &whom, &resolve, asked.cx.now);
    let outcome = if applied.is_ok() { AuditOutcome::Success } else { AuditOutcome::MinorFailure };
    reader.finish(outcome).await?;
    let care_plan = applied.map_err(error_of)?.into_resource();
    Ok(respond::value(StatusCode::OK, &care_plan))
}

/// A record that the operation is asked with, as far as the caller may see it.
async fn read(
    app: &App,
    asked: &Asked,
    reference: &str,
    kind: ResourceType,
    place: &str,
) -> Result<Value, RecordsError> {
    let id = id(reference, kind)
        .ok_or_else(|| invalid(&format!("`{place}` is not `{}/ID`", kind.name())))?;
    let reply = app.records.read(&asked.cx, &RecordKey::new(kind, id)).await?;
    let value = reply.body.and_then(|body| serde_json::from_slice(&body).ok());
    value.ok_or_else(|| RecordsError::new(Kind::Bug, "a record cannot be read"))
}

fn id(reference: &str, kind: ResourceType) -> Option<ward_core::FhirId> {
    ward_store::values::id_of(reference, kind.name())
}

fn of_query(query: &str, name: &str) -> Option<String> {
    let pairs = query.split('&').filter_map(|pair| pair.split_once('='));
    let value = pairs.into_iter().find_map(|(key, value)| (key == name).then_some(value))?;
    // Ids and types have nothing to be escaped but the line between them.
    Some(value.replace("%2F", "/").replace("%2f", "/"))
}

fn error_of(error: ApplyError) -> RecordsError {
    let (kind, code) = match &error {
        ApplyError::Unread => (Kind::Unavailable, IssueCode::Exception),
        ApplyError::Many | ApplyError::Deep => (Kind::Unprocessable, IssueCode::TooCostly),
        ApplyError::Missing(_) => (Kind::Unprocessable, IssueCode::NotFound),
        ApplyError::Kind(_) | ApplyError::Language(_) => {
            (Kind::Unprocessable, IssueCode::NotSupported)
        }
        ApplyError::Expression { .. } | ApplyError::Path(_) => {
            (Kind::Unprocessable, IssueCode::Invalid)
        }
    };
    RecordsError::with_issues(kind, vec![Issue::error(code, error.to_string())])
}
