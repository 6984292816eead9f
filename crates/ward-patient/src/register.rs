//! Somebody comes who may be registered already.

use jiff::Timestamp;
use serde_json::{Value, json};
use ward_core::{AuditAction, AuditOutcome, CareScope, Ctx, FhirId, RecordKey, ResourceType, Role};
use ward_fhir::{
    Json,
    outcome::{Issue, IssueCode, Severity},
    validate::validate,
};
use ward_rules::likeness::Thresholds;
use ward_store::{
    Chart, CommitError, CommitUnit, Interaction, Reader, Write,
    values::{self, put, text},
};

use crate::candidates::{Candidate, LookError, candidates};

/// Most times a registration is tried again when others register at the same time.
/// LIMIT: past this the caller hears 409 and decides again.
const TRIES_MAX: usize = 8;

/// The system of the review queue's Tasks.
pub const REVIEW: (&str, &str) = ("urn:ward:registry", "review-identity");

/// What came of a registration.
#[derive(Debug)]
pub enum Registered {
    /// The Patient, new or made before by the same request.
    Patient(Value),
    /// Nobody was registered: these may be the one who comes, and were not seen.
    Unseen(Vec<Candidate>),
}

#[derive(Debug, thiserror::Error)]
pub enum RegisterError {
    #[error("the patient is not valid")]
    Invalid(Vec<Issue>),
    #[error("others keep registering the same person")]
    Contended,
    #[error(transparent)]
    Look(#[from] LookError),
    #[error(transparent)]
    Commit(#[from] CommitError),
}

/// Registers a patient under `id`, unless somebody who may be the same was not seen.
///
/// - Shape: `seen` are the ids of those whom the caller looked at and told apart; with any of them
///   a Task in the review queue goes into the same commit.
/// - Repeat: the same id is answered with what was made under it.
/// - Audit: `create` on the Patient, by who asks.
pub async fn register(
    (chart, base): (&Chart, &str),
    cx: &Ctx,
    id: &FhirId,
    (patient, seen): (&Value, &[String]),
    limits: Thresholds,
) -> Result<(Registered, Vec<Write>), RegisterError> {
    let key = RecordKey::new(ResourceType::PATIENT, id.clone());
    let mut patient = patient.clone();
    put(&mut patient, "id", json!(id.as_str()));
    check(&patient, cx.now)?;
    // Whether one may register was asked before; whom one may see does not hide a double.
    let cx = Ctx { role: Role::System, care: CareScope::Everyone, ..cx.clone() };
    for _ in 0..TRIES_MAX {
        let act = Interaction::on(AuditAction::Create, key.clone());
        let reader = chart.reader(&cx, act);
        let made = match values::read(&reader, &key) {
            Ok(Some((patient, _))) => Ok(Err(Registered::Patient(patient))),
            Ok(None) => writes(&reader, &key, (&patient, seen), limits, (cx.now, base)),
            Err(error) => Err(LookError::from(error).into()),
        };
        let unit = match made {
            Ok(Ok(unit)) => unit,
            Ok(Err(answer)) => {
                reader.finish(AuditOutcome::MinorFailure).await?;
                return Ok((answer, Vec::new()));
            }
            Err(error) => {
                reader.finish(AuditOutcome::MinorFailure).await?;
                return Err(error);
            }
        };
        let written = unit.writes.clone();
        match reader.commit(&cx, unit).await {
            Ok(_) => return Ok((Registered::Patient(patient), written)),
            Err(CommitError::Stale { .. } | CommitError::Exists { .. } | CommitError::Changed) => {}
            Err(error) => return Err(error.into()),
        }
    }
    Err(RegisterError::Contended)
}

fn check(patient: &Value, now: Timestamp) -> Result<(), RegisterError> {
    let invalid = |issues| Err(RegisterError::Invalid(issues));
    let wrong = |code, why: &str, place: &str| {
        invalid(vec![Issue::error(code, why.to_owned()).at(place.to_owned())])
    };
    let bytes = serde_json::to_vec(patient).unwrap_or_default();
    let Ok(json) = Json::parse(&bytes) else {
        return wrong(IssueCode::Structure, "not FHIR's JSON", "Patient");
    };
    let issues: Vec<Issue> = validate(&json, Some(ResourceType::PATIENT))
        .into_iter()
        .filter(|issue| issue.severity <= Severity::Error)
        .collect();
    if !issues.is_empty() {
        return invalid(issues);
    }
    if patient.get("name").and_then(Value::as_array).is_none_or(Vec::is_empty) {
        let why = "a patient has a name; who is not known gets one for the time being";
        return wrong(IssueCode::Required, why, "Patient.name");
    }
    // The day after is today somewhere.
    let tomorrow = now.as_second().saturating_add(86_400);
    let latest = Timestamp::from_second(tomorrow).unwrap_or(now).to_string();
    if text(patient, "birthDate").is_some_and(|date| latest.as_str() < date) {
        return wrong(IssueCode::Value, "is in the future", "Patient.birthDate");
    }
    Ok(())
}

type Made = Result<CommitUnit, Registered>;

fn writes(
    reader: &Reader<'_>,
    key: &RecordKey,
    (patient, seen): (&Value, &[String]),
    limits: Thresholds,
    (now, base): (Timestamp, &str),
) -> Result<Made, RegisterError> {
    let found = candidates(reader, patient, limits)?;
    if found.found.iter().any(|it| !seen.contains(&it.id)) {
        return Ok(Err(Registered::Unseen(found.found)));
    }
    let mut writes: Vec<Write> = values::write(patient, key, None, now, base).into_iter().collect();
    if !found.found.is_empty() {
        let task_id = format!("review-{}", key.id);
        if let Ok(id) = task_id.parse::<FhirId>() {
            let task_key = RecordKey::new(ResourceType::TASK, id);
            let task = review(key, &found.found, now);
            writes.extend(values::write(&task, &task_key, None, now, base));
        }
    }
    Ok(Ok(CommitUnit { writes, unless: found.absent, ..CommitUnit::default() }))
}

/// A Task for who looks after the registry: is it really somebody else?
fn review(key: &RecordKey, found: &[Candidate], now: Timestamp) -> Value {
    let inputs = found.iter().map(|it| {
        json!({
            "type": { "text": it.likeness.grade.as_str() },
            "valueReference": { "reference": format!("Patient/{}", it.id) },
        })
    });
    json!({
        "resourceType": "Task",
        "status": "requested",
        "intent": "order",
        "priority": "routine",
        "code": {
            "coding": [{ "system": REVIEW.0, "code": REVIEW.1 }],
            "text": "Registered although somebody alike was on record",
        },
        "focus": { "reference": key.to_string() },
        "for": { "reference": key.to_string() },
        "authoredOn": now.to_string(),
        "input": inputs.collect::<Vec<_>>(),
    })
}
