//! The registry: registering, finding who is registered already, joining and parting.

use hyper::StatusCode;
use serde::Deserialize;
use serde_json::{Value, json};
use ward_core::{AuditAction, AuditOutcome, FhirId, Kind, RecordKey, ResourceType};
use ward_fhir::outcome::{Issue, IssueCode};
use ward_patient::{
    candidates::{Candidate, LookError, candidates},
    joining::{self, Joined, JoiningError},
    register::{self, RegisterError, Registered},
};
use ward_records::RecordsError;
use ward_rules::likeness::Grade;
use ward_store::{Interaction, Write, join::JoinError};

use super::{
    access::{body_of, invalid},
    stays::new_id,
};
use crate::{app::App, request::Asked, respond, respond::Answer};

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Registration {
    patient: Value,
    /// Those looked at and told apart.
    #[serde(default)]
    seen: Vec<String>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Join {
    into: String,
    reason: String,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Part {
    reason: String,
}

/// Most matches that one answer of `$match` has, unless fewer are asked for.
/// LIMIT: who looks through more will not find who is meant.
const MATCHES_MAX: usize = 20;

/// The extension that says how sure a match is.
///
/// - Source: FHIR R4, Patient `$match`.
const GRADE: &str = "http://hl7.org/fhir/StructureDefinition/match-grade";

pub(crate) async fn register(app: &App, asked: &Asked) -> Answer {
    let Registration { patient, seen } = body_of(asked)?;
    let chart = app.records.chart();
    let id = new_id(app, asked, chart, "patient")?;
    let at = (chart, app.records.base());
    let made = register::register(at, &asked.cx, &id, (&patient, &seen), app.registry);
    let (registered, written) = made.await.map_err(register_error)?;
    heard(app, &written);
    match registered {
        Registered::Patient(patient) => Ok(respond::value(StatusCode::CREATED, &patient)),
        Registered::Unseen(found) => {
            let mut shown = Vec::with_capacity(found.len());
            for candidate in &found {
                shown.push(shown_to(app, asked, candidate).await?);
            }
            let why = "somebody alike is registered: look at each of them first";
            let issue = json!({ "severity": "error", "code": "duplicate", "diagnostics": why });
            let answer = json!({
                "resourceType": "OperationOutcome",
                "issue": [issue],
                "candidates": shown,
            });
            Ok(respond::value(StatusCode::CONFLICT, &answer))
        }
    }
}

/// What the caller may know of somebody who is alike: that there is one, always.
async fn shown_to(app: &App, asked: &Asked, it: &Candidate) -> Result<Value, RecordsError> {
    let mut shown = json!({
        "id": it.id,
        "grade": it.likeness.grade.as_str(),
        "probability": it.likeness.probability,
    });
    let Ok(id) = it.id.parse() else { return Ok(shown) };
    let key = RecordKey::new(ResourceType::PATIENT, id);
    let is_visible = match app.records.read(&asked.cx, &key).await {
        Ok(_) => true,
        Err(error) if matches!(error.kind, Kind::NotFound | Kind::Gone | Kind::Refused) => false,
        Err(error) => return Err(error),
    };
    if let (true, Some(object)) = (is_visible, shown.as_object_mut()) {
        for name in ["name", "birthDate", "gender", "address", "telecom", "identifier"] {
            let value = it.patient.get(name).cloned();
            object.extend(value.map(|value| (name.to_owned(), value)));
        }
        object.insert("evidence".to_owned(), json!(it.likeness.evidence));
    }
    Ok(shown)
}

/// Those who may be the patient in the body, the most probable first.
///
/// - Source: FHIR R4, Patient `$match`.
pub(crate) async fn find_matches(app: &App, asked: &Asked) -> Answer {
    let body: Value = body_of(asked)?;
    let parameter = |name: &str| {
        let parameters = body.get("parameter").and_then(Value::as_array).into_iter().flatten();
        let is_it = |it: &&Value| it.get("name").and_then(Value::as_str) == Some(name);
        parameters.into_iter().find(is_it)
    };
    let patient = parameter("resource").and_then(|it| it.get("resource"));
    let is_patient = |it: &&Value| it.get("resourceType") == Some(&json!("Patient"));
    let patient = patient
        .filter(is_patient)
        .ok_or_else(|| invalid("`resource` is the Patient to be found"))?;
    let is_sure = parameter("onlyCertainMatches").and_then(|it| it.get("valueBoolean"));
    let least = if is_sure == Some(&json!(true)) { Grade::Certain } else { Grade::Possible };
    let count = parameter("count").and_then(|it| it.get("valueInteger")).and_then(Value::as_u64);
    let count = count.and_then(|count| usize::try_from(count).ok()).unwrap_or(MATCHES_MAX);
    let act = Interaction::of(AuditAction::Search, ResourceType::PATIENT)
        .with_detail("$match".to_owned());
    let reader = app.records.chart().reader(&asked.cx, act);
    let found = candidates(&reader, patient, app.registry);
    let outcome = if found.is_ok() { AuditOutcome::Success } else { AuditOutcome::MinorFailure };
    reader.finish(outcome).await?;
    let found = found.map_err(look_error)?.found;
    let entries: Vec<Value> = found
        .into_iter()
        .filter(|it| least <= it.likeness.grade)
        .take(count.min(MATCHES_MAX))
        .map(|it| {
            let grade = it.likeness.grade.as_str();
            json!({
                "fullUrl": format!("{}/Patient/{}", app.records.base(), it.id),
                "resource": it.patient,
                "search": {
                    "extension": [{ "url": GRADE, "valueCode": grade }],
                    "mode": "match",
                    "score": it.likeness.probability,
                },
            })
        })
        .collect();
    let mut bundle =
        json!({ "resourceType": "Bundle", "type": "searchset", "total": entries.len() });
    if let (false, Some(object)) = (entries.is_empty(), bundle.as_object_mut()) {
        object.insert("entry".to_owned(), json!(entries));
    }
    Ok(respond::value(StatusCode::OK, &bundle))
}

pub(crate) async fn join(app: &App, asked: &Asked) -> Answer {
    let Join { into, reason } = body_of(asked)?;
    let reason = why(&reason)?;
    let into: FhirId = into
        .strip_prefix("Patient/")
        .unwrap_or(&into)
        .parse()
        .map_err(|_| invalid("`into` is the id of a Patient"))?;
    let at = (app.records.chart(), app.records.base());
    let done = joining::join(at, &asked.cx, (&id(asked)?, &into), reason).await;
    answer(app, done)
}

pub(crate) async fn part(app: &App, asked: &Asked) -> Answer {
    let Part { reason } = body_of(asked)?;
    let reason = why(&reason)?;
    let at = (app.records.chart(), app.records.base());
    let done = joining::part(at, &asked.cx, &id(asked)?, reason).await;
    answer(app, done)
}

fn answer(app: &App, done: Result<(Joined, Vec<Write>), JoiningError>) -> Answer {
    let (joined, written) = done.map_err(joining_error)?;
    heard(app, &written);
    let left: Vec<String> = joined.left.iter().map(ToString::to_string).collect();
    Ok(respond::value(StatusCode::OK, &json!({ "moved": joined.n_moved, "left": left })))
}

/// Whoever remembers something of these records looks again.
fn heard(app: &App, written: &[Write]) {
    match &app.stays {
        Some(stays) => stays.engine.heard(written),
        None => app.records.heard(written),
    }
}

fn why(reason: &str) -> Result<&str, RecordsError> {
    match reason.trim() {
        "" => Err(invalid("`reason` says why")),
        reason => Ok(reason),
    }
}

fn id(asked: &Asked) -> Result<FhirId, RecordsError> {
    asked.value("id")?.parse().map_err(|error| invalid(&format!("not an id: {error}")))
}

fn register_error(error: RegisterError) -> RecordsError {
    match error {
        RegisterError::Invalid(issues) => RecordsError::with_issues(Kind::Invalid, issues),
        RegisterError::Contended => contended(),
        RegisterError::Look(error) => look_error(error),
        RegisterError::Commit(error) => error.into(),
    }
}

fn look_error(error: LookError) -> RecordsError {
    match error {
        LookError::Read(error) => error.into(),
        LookError::Search(error) => error.into(),
    }
}

fn joining_error(error: JoiningError) -> RecordsError {
    let issue = |why: String| Issue::error(IssueCode::BusinessRule, why);
    match error {
        JoiningError::NotFound => RecordsError::new(Kind::NotFound, error.to_string()),
        JoiningError::Same
        | JoiningError::Replaced
        | JoiningError::TwoStays
        | JoiningError::NotJoined
        | JoiningError::Join(JoinError::TooMany) => {
            RecordsError::with_issues(Kind::Conflict, vec![issue(error.to_string())])
        }
        JoiningError::Contended => contended(),
        JoiningError::Commit(error) => error.into(),
        JoiningError::Read(error) | JoiningError::Join(JoinError::Read(error)) => error.into(),
        JoiningError::Join(JoinError::Search(error)) => error.into(),
        JoiningError::Join(JoinError::Json | JoinError::Own(_)) => {
            RecordsError::new(Kind::Bug, "a record of the patient is damaged")
        }
    }
}

fn contended() -> RecordsError {
    RecordsError::new(Kind::Busy, "others write the same records; ask again")
}
