//! Medication checks for others: CDS Hooks, `$check`, and how often rules are overridden.

use hyper::StatusCode;
use serde_json::{Value, json};
use ward_core::{AuditAction, AuditOutcome, FhirId, Kind, RecordKey, ResourceType, ids::uuid_v7};
use ward_fhir::outcome::{Issue, IssueCode};
use ward_pharmacy::cds::{
    answer::{self, Answer as Checked, Asked as Question, Checks},
    call::{self, Call},
    feedback,
    gather::{GatherError, Gathered},
    overrides::{self, ReportError},
    services::{Hook, PREFETCH, discovery},
    shown,
};
use ward_records::{Prefer, RecordsError};
use ward_store::{
    Interaction, Reader,
    values::{self, text},
};

use super::access::{body_of, invalid};
use crate::{app::App, request::Asked, respond, respond::Answer};

pub(crate) async fn services(app: &App, _: &Asked) -> Answer {
    checks(app)?;
    Ok(respond::value(StatusCode::OK, &discovery()))
}

/// Cards for a call of a service.
///
/// - Audit: a search, with the service, and the patients whose records were read.
pub(crate) async fn call(app: &App, asked: &Asked) -> Answer {
    let checks = checks(app)?;
    let hook = Hook::of_service(asked.value("id")?).ok_or_else(no_service)?;
    let body: Value = body_of(asked)?;
    let call = call::read(hook, &body).map_err(|error| {
        let issue = Issue::error(IssueCode::Value, error.says).at(error.place);
        RecordsError::with_issues(Kind::Invalid, vec![issue])
    })?;
    let of = RecordKey::new(ResourceType::PATIENT, call.patient.clone());
    let act = Interaction::on(AuditAction::Operation, of)
        .with_detail(format!("cds-services/{}", hook.service()));
    let read = |reader: &Reader<'_>| answer::gathered(reader, &call, asked.cx.now);
    let gathered = reading(app, asked, act, read).await?;
    // Nothing at all is known: the standard has a status for what a service could not get.
    let is_asked_for = |key: &str| PREFETCH.iter().any(|(it, ..)| *it == key) && key != "patient";
    if gathered.patient.is_none() && !call.prefetch.iter().any(|(key, _)| is_asked_for(key)) {
        return Err(no_patient(&call));
    }
    let user = asked.cx.actor.id.to_string();
    let at = (user.as_str(), asked.cx.now, app.records.base());
    let cards = checks.answer(&call, &gathered, at).await;
    let cards: Vec<Value> = cards.into_iter().map(|it| it.value).collect();
    Ok(respond::value(StatusCode::OK, &json!({ "cards": cards })))
}

fn no_patient(call: &Call) -> RecordsError {
    let says = format!(
        "nothing was prefetched, and Patient/{} is not in this chart or not for this caller",
        call.patient
    );
    RecordsError::new(Kind::Precondition, says)
}

/// What became of cards; each is kept as a DetectedIssue.
pub(crate) async fn feedback(app: &App, asked: &Asked) -> Answer {
    let checks = checks(app)?;
    let hook = Hook::of_service(asked.value("id")?).ok_or_else(no_service)?;
    let body: Value = body_of(asked)?;
    let outcomes = feedback::read(&body).map_err(|says| invalid(&says))?;
    let actor = json!({
        "identifier": { "system": "urn:ward:actor", "value": asked.cx.actor.id.to_string() },
    });
    let (mut kept, mut unknown) = (Vec::new(), Vec::new());
    for outcome in &outcomes {
        let Some(card) = checks.shown.get(hook.service(), &outcome.card) else {
            unknown.push(outcome.card.clone());
            continue;
        };
        let issue = feedback::record(&card, outcome, &actor, asked.cx.now);
        let bytes = issue.to_string().into_bytes();
        let kind = ResourceType::DETECTED_ISSUE;
        // The same feedback twice is one record.
        let once = format!("identifier={}|{}", feedback::CARD, outcome.card);
        let made =
            app.records.create(&asked.cx, kind, &bytes, Some(&once), Prefer::Minimal).await?;
        kept.extend(made.location);
    }
    if kept.is_empty() && !unknown.is_empty() {
        return Err(RecordsError::new(Kind::NotFound, "this service has shown no such card"));
    }
    Ok(respond::value(StatusCode::OK, &json!({ "kept": kept.len(), "unknown": unknown })))
}

/// `MedicationRequest/$check`: what speaks against orders that need not be in the chart.
pub(crate) async fn check(app: &App, asked: &Asked) -> Answer {
    let body: Value = body_of(asked)?;
    let act = Interaction::of(AuditAction::Operation, ResourceType::MEDICATION_REQUEST)
        .with_detail("$check".to_owned());
    if text(&body, "resourceType") == Some("Bundle") {
        return check_bundle(app, asked, &body, act).await;
    }
    let orders = answer::named(orders_of(body)?);
    let patient = answer::patient_of(&orders).map_err(|(n, says)| {
        let issue = Issue::error(IssueCode::Value, says).at(format!("resource[{n}].subject"));
        RecordsError::with_issues(Kind::Invalid, vec![issue])
    })?;
    checked(app, asked, act, &patient, &orders).await
}

/// `MedicationRequest/[id]/$check`: of an order in the chart.
pub(crate) async fn check_one(app: &App, asked: &Asked) -> Answer {
    let id: FhirId =
        asked.value("id")?.parse().map_err(|error| invalid(&format!("not an id: {error}")))?;
    let key = RecordKey::new(ResourceType::MEDICATION_REQUEST, id);
    let act = Interaction::on(AuditAction::Operation, key.clone()).with_detail("$check".to_owned());
    let read = |reader: &Reader<'_>| -> Result<_, GatherError> { Ok(values::read(reader, &key)?) };
    let found = reading(app, asked, act.clone(), read).await?;
    let Some((order, _)) = found else {
        return Err(RecordsError::new(Kind::NotFound, "no such resource"));
    };
    let orders = vec![order];
    let patient = answer::patient_of(&orders)
        .map_err(|(_, says)| RecordsError::new(Kind::Unprocessable, says))?;
    checked(app, asked, act, &patient, &orders).await
}

async fn checked(
    app: &App,
    asked: &Asked,
    act: Interaction,
    patient: &FhirId,
    orders: &[Value],
) -> Answer {
    let now = asked.cx.now;
    let read = |reader: &Reader<'_>| answer::gathered_of(reader, patient, orders, now);
    let gathered = reading(app, asked, act, read).await?;
    if gathered.patient.is_none() {
        let says = format!("Patient/{patient} is not in this chart or not for this caller");
        return Err(RecordsError::new(Kind::Unprocessable, says));
    }
    said(app, asked, patient, orders, &gathered).await
}

/// Everything that is looked at comes with the request; nothing is read from the chart.
async fn check_bundle(app: &App, asked: &Asked, body: &Value, act: Interaction) -> Answer {
    let source = ward_pharmacy::context::source_of_bundle(body, asked.cx.now).map_err(invalid)?;
    let orders = answer::named(source.proposed.iter().map(|it| (*it).clone()).collect());
    let patients = source.resources.iter().filter(|it| text(it, "resourceType") == Some("Patient"));
    let given: Vec<&Value> = patients.copied().collect();
    let patient = given.first().and_then(|it| text(it, "id")?.parse().ok());
    let patient = match patient {
        Some(patient) => patient,
        None => answer::patient_of(&orders)
            .map_err(|(_, says)| RecordsError::new(Kind::Invalid, says))?,
    };
    let is_patient = |it: &&Value| text(it, "resourceType") == Some("Patient");
    let records = source.resources.iter().filter(|it| !is_patient(it));
    let gathered = Gathered {
        patient: given.first().map(|it| (*it).clone()),
        records: records.map(|it| (*it).clone()).collect(),
        addresses: source.addresses.iter().map(|(url, it)| (url.clone(), (*it).clone())).collect(),
        gaps: Vec::new(),
    };
    app.records.chart().audit(&asked.cx, act, AuditOutcome::Success).await?;
    said(app, asked, &patient, &orders, &gathered).await
}

async fn said(
    app: &App,
    asked: &Asked,
    patient: &FhirId,
    orders: &[Value],
    gathered: &Gathered,
) -> Answer {
    let mut random = [0; 10];
    app.random.fill(&mut random).map_err(|_| RecordsError::new(Kind::Bug, "internal error"))?;
    let instance = uuid_v7(asked.cx.now, random).to_string();
    let user = asked.cx.actor.id.to_string();
    let question = Question {
        hook: Hook::OrderSign,
        instance: &instance,
        user: &user,
        patient,
        encounter: None,
        proposed: orders,
        now: asked.cx.now,
    };
    let Checked { issues, knowledge } = checks(app)?.check(&question, gathered).await;
    let label = knowledge.base.label();
    let base = (label.as_str(), knowledge.base.parts().notice.as_str());
    let answer = shown::checked(&issues, base, patient, asked.cx.now);
    Ok(respond::fhir(StatusCode::OK, answer.to_string().into_bytes()))
}

/// The orders in a body: one alone, or each `resource` of Parameters.
fn orders_of(body: Value) -> Result<Vec<Value>, RecordsError> {
    let wrong = |place: String, says: &str| {
        let issue = Issue::error(IssueCode::Value, says).at(place);
        RecordsError::with_issues(Kind::Invalid, vec![issue])
    };
    match text(&body, "resourceType") {
        Some("MedicationRequest") => Ok(vec![body]),
        Some("Parameters") => {
            let list = body.get("parameter").and_then(Value::as_array).into_iter().flatten();
            let mut orders = Vec::new();
            for (n, it) in list.enumerate() {
                let place = format!("Parameters.parameter[{n}]");
                let resource = match (text(it, "name"), it.get("resource")) {
                    (Some("resource"), Some(resource)) => resource,
                    (Some("resource"), None) => return Err(wrong(place, "`resource` is missing")),
                    _ => return Err(wrong(place, "the only parameter is `resource`")),
                };
                if text(resource, "resourceType") != Some("MedicationRequest") {
                    return Err(wrong(place, "a MedicationRequest is asked for"));
                }
                orders.push(resource.clone());
            }
            match orders.len() {
                0 => Err(wrong("Parameters".to_owned(), "no `resource` to be checked")),
                n if call::DRAFTS_MAX < n => {
                    Err(wrong("Parameters".to_owned(), "more orders than are checked at once"))
                }
                _ => Ok(orders),
            }
        }
        _ => Err(wrong(
            "resourceType".to_owned(),
            "a MedicationRequest, Parameters with some, or a Bundle with all that is looked at",
        )),
    }
}

/// How often each rule fired and was overridden.
pub(crate) async fn overrides(app: &App, asked: &Asked) -> Answer {
    let pairs = ward_fhir::search::decode_query(&asked.query)
        .map_err(|issue| RecordsError::with_issues(Kind::Invalid, vec![issue]))?;
    let mut since = None;
    for (name, value) in &pairs {
        match name.as_str() {
            "since" if value.parse::<jiff::civil::Date>().is_ok() => since = Some(value.as_str()),
            "since" => return Err(invalid("`since` is a day such as `2026-01-31`")),
            _ => return Err(invalid("the only parameter is `since`")),
        }
    }
    let act = Interaction::of(AuditAction::Search, ResourceType::DETECTED_ISSUE)
        .with_detail("meds/overrides".to_owned());
    let reader = app.records.chart().reader(&asked.cx, act);
    let found = overrides::report(&reader, since);
    let outcome = if found.is_ok() { AuditOutcome::Success } else { AuditOutcome::MinorFailure };
    reader.finish(outcome).await?;
    let report = found.map_err(|error| match error {
        ReportError::Read(error) => RecordsError::from(error),
        ReportError::Search(error) => error.into(),
    })?;
    let knowledge = checks(app)?.house.current();
    let value =
        json!({ "knowledgeBase": knowledge.base.label(), "since": since, "report": report });
    Ok(respond::value(StatusCode::OK, &value))
}

/// Which knowledge base checks go by.
pub(crate) async fn knowledge(app: &App, _: &Asked) -> Answer {
    let knowledge = checks(app)?.house.current();
    let parts = knowledge.base.parts();
    let value = json!({
        "version": knowledge.version,
        "knowledgeBase": knowledge.base.label(),
        "notice": parts.notice,
        "sources": knowledge.sources,
        "refused": knowledge.refused,
        "doubts": knowledge.doubts,
        "substances": parts.substances.len(),
        "products": parts.products.len(),
        "rules": parts.rules.len(),
        "services": checks(app)?.remotes.names().collect::<Vec<_>>(),
    });
    Ok(respond::value(StatusCode::OK, &value))
}

/// Reads under the caller's rights, with an audit entry before anything leaves.
async fn reading<T>(
    app: &App,
    asked: &Asked,
    act: Interaction,
    read: impl FnOnce(&Reader<'_>) -> Result<T, GatherError>,
) -> Result<T, RecordsError> {
    let reader = app.records.chart().reader(&asked.cx, act);
    let found = read(&reader);
    let outcome = if found.is_ok() { AuditOutcome::Success } else { AuditOutcome::MinorFailure };
    reader.finish(outcome).await?;
    found.map_err(|error| match error {
        GatherError::Read(error) => error.into(),
        GatherError::Search(error) => error.into(),
        GatherError::OtherPatient(_) => RecordsError::new(Kind::Invalid, error.to_string()),
    })
}

fn checks(app: &App) -> Result<&Checks, RecordsError> {
    let none = || RecordsError::new(Kind::Unavailable, "no knowledge base is loaded");
    app.checks.as_deref().ok_or_else(none)
}

fn no_service() -> RecordsError {
    RecordsError::new(Kind::NotFound, "no such service; GET /cds-services lists them")
}
