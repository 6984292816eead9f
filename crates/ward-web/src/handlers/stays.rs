//! Stays and beds: admission, transfer, leave, discharge, and who lies where.

use hyper::StatusCode;
use jiff::SignedDuration;
use serde::Deserialize;
use serde_json::{Value, json};
use ward_clinical::{
    admission::{self, AdmissionRequest, AdmissionResult, AdmitError, Decision, Which},
    stay::{self, Act, BedAct, StayError},
};
use ward_core::{FhirId, Kind};
use ward_fhir::outcome::{Issue, IssueCode};
use ward_records::RecordsError;
use ward_rules::{
    payer::Origin,
    placement::{Needs, Offer},
    workflow::State,
};
use ward_store::{
    Chart,
    workflow::{EngineError, Instance, Trouble},
};

use super::access::{body_of, invalid};
use crate::{
    app::{App, Stays},
    request::Asked,
    respond,
    respond::Answer,
};

/// Longest key that makes a repetition the same request.
/// LIMIT: keys are UUIDs and the like.
pub(crate) const KEY_MAX: usize = 256;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Cancel {
    reason: String,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Authorization {
    decision: String,
    reference: Option<String>,
}

#[derive(Deserialize, Default)]
#[serde(deny_unknown_fields)]
struct Transfer {
    #[serde(default)]
    needs: Needs,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Hold {
    patient: String,
    #[serde(default = "an_hour")]
    minutes: u32,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Unhold {
    patient: String,
}

/// Longest hold of a bed, in minutes.
/// LIMIT: two days; who is expected later is planned and not waited for.
const HOLD_MIN_MAX: u32 = 2 * 24 * 60;

fn an_hour() -> u32 {
    60
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct BedSet {
    name: String,
    #[serde(default)]
    offer: Offer,
    #[serde(default = "one")]
    capacity: u16,
}

fn one() -> u16 {
    1
}

/// Admits; answers when it waits for somebody, or is over.
pub(crate) async fn admit(app: &App, asked: &Asked) -> Answer {
    let stays = stays(app)?;
    let instance = begin(app, asked, &body_of(asked)?).await?;
    Ok(respond::value(StatusCode::CREATED, &shown(stays, &instance)))
}

/// An admission as far as it goes without waiting.
///
/// - Errors: it was taken back, and why.
pub(crate) async fn begin(
    app: &App,
    asked: &Asked,
    request: &AdmissionRequest,
) -> Result<Instance, RecordsError> {
    let stays = stays(app)?;
    let id = new_id(app, asked, stays.engine.chart(), "admission")?;
    let instance = admission::admit(&stays.engine, &asked.cx, request, id).await;
    let instance = instance.map_err(|error| match error {
        AdmitError::Engine(error) => engine_error(error),
        AdmitError::Request(error) => {
            let issue = Issue::error(IssueCode::Value, error.why).at(error.place);
            RecordsError::with_issues(Kind::Invalid, vec![issue])
        }
    })?;
    if instance.kept.state == State::Cancelled {
        let why = instance.kept.why.unwrap_or_default();
        return Err(RecordsError::new(Kind::Conflict, format!("not admitted: {why}")));
    }
    Ok(instance)
}

/// An id for something new; the same caller's same `Idempotency-Key` has the same one.
pub(crate) fn new_id(
    app: &App,
    asked: &Asked,
    chart: &Chart,
    what: &str,
) -> Result<FhirId, RecordsError> {
    match asked.header("idempotency-key") {
        None => {
            let mut random = [0; 10];
            let filled = app.random.fill(&mut random);
            filled.map_err(|_| RecordsError::new(Kind::Unavailable, "no randomness"))?;
            Ok(FhirId::at(asked.cx.now, random))
        }
        Some(key) if key.is_empty() || KEY_MAX < key.len() => {
            Err(invalid("`Idempotency-Key` has 1 to 256 bytes"))
        }
        Some(key) => {
            let by = asked.cx.actor.id.to_string();
            Ok(chart.derived_id(&[what, "key", &by, key]))
        }
    }
}

pub(crate) async fn read(app: &App, asked: &Asked) -> Answer {
    let stays = stays(app)?;
    let instance = stays.engine.read(&asked.cx, &id(asked)?).await.map_err(engine_error)?;
    Ok(respond::value(StatusCode::OK, &shown(stays, &instance)))
}

/// Admissions, newest first; `state` says which.
pub(crate) async fn list(app: &App, asked: &Asked) -> Answer {
    let stays = stays(app)?;
    let mut which = Which::All;
    for pair in asked.query.split('&').filter(|pair| !pair.is_empty()) {
        which = match pair {
            "state=all" => Which::All,
            "state=open" => Which::Open,
            "state=over" => Which::Over,
            _ => return Err(invalid("only `state` is asked for: `all`, `open` or `over`")),
        };
    }
    let found = admission::list(&stays.engine, &asked.cx, which).await.map_err(engine_error)?;
    let shown: Vec<Value> = found.iter().map(|instance| shown(stays, instance)).collect();
    Ok(respond::value(StatusCode::OK, &json!({ "admissions": shown })))
}

pub(crate) async fn waiting(app: &App, asked: &Asked) -> Answer {
    let stays = stays(app)?;
    let ids = admission::waiting(&stays.engine, &asked.cx).await.map_err(engine_error)?;
    let mut waiting = Vec::with_capacity(ids.len());
    for id in ids {
        match stays.engine.read(&asked.cx, &id).await {
            Ok(instance) => waiting.push(shown(stays, &instance)),
            Err(EngineError::NotFound) => {}
            Err(error) => return Err(engine_error(error)),
        }
    }
    Ok(respond::value(StatusCode::OK, &json!({ "waiting": waiting })))
}

pub(crate) async fn cancel(app: &App, asked: &Asked) -> Answer {
    let stays = stays(app)?;
    let Cancel { reason } = body_of(asked)?;
    if reason.trim().is_empty() {
        return Err(invalid("`reason` says why"));
    }
    let (engine, cx) = (&stays.engine, &asked.cx);
    let instance = admission::cancel(engine, cx, &id(asked)?, reason.trim()).await;
    let instance = instance.map_err(stay_error)?;
    wake(stays, asked);
    Ok(respond::value(StatusCode::OK, &shown(stays, &instance)))
}

/// What the payer said, entered by who spoke with them.
pub(crate) async fn authorize(app: &App, asked: &Asked) -> Answer {
    let stays = stays(app)?;
    let Authorization { decision, reference } = body_of(asked)?;
    let decision = Decision::from_word(&decision);
    let decision = decision.ok_or_else(|| invalid("`decision` is `granted` or `denied`"))?;
    let data = vec![
        ("decision", Some(decision.as_str().to_owned())),
        ("decisionReference", reference),
        ("decisionOrigin", Some(Origin::Hand.code().to_owned())),
    ];
    let signal = stays.engine.signal(&asked.cx, &id(asked)?, "authorize-stay", data).await;
    let instance = signal.map_err(engine_error)?;
    Ok(respond::value(StatusCode::OK, &shown(stays, &instance)))
}

pub(crate) async fn transfer(app: &App, asked: &Asked) -> Answer {
    let Transfer { needs } =
        if asked.body.is_empty() { Transfer::default() } else { body_of(asked)? };
    act(app, asked, Act::Move(needs)).await
}

pub(crate) async fn leave(app: &App, asked: &Asked) -> Answer {
    act(app, asked, Act::Leave).await
}

pub(crate) async fn come_back(app: &App, asked: &Asked) -> Answer {
    act(app, asked, Act::Return).await
}

pub(crate) async fn discharge(app: &App, asked: &Asked) -> Answer {
    act(app, asked, Act::Discharge).await
}

/// The discharge was entered in error.
pub(crate) async fn cancel_discharge(app: &App, asked: &Asked) -> Answer {
    act(app, asked, Act::CancelDischarge).await
}

async fn act(app: &App, asked: &Asked, act: Act) -> Answer {
    let stays = stays(app)?;
    let done = stay::act(&stays.engine, &stays.beds, &asked.cx, &id(asked)?, &act).await;
    let encounter = done.map_err(stay_error)?;
    wake(stays, asked);
    Ok(respond::value(StatusCode::OK, &encounter))
}

/// Every bed with who lies in it.
pub(crate) async fn board(app: &App, asked: &Asked) -> Answer {
    let stays = stays(app)?;
    let act =
        ward_store::Interaction::of(ward_core::AuditAction::Search, ward_core::ResourceType::BED);
    let outcome = ward_core::AuditOutcome::Success;
    app.records.chart().audit(&asked.cx, act, outcome).await?;
    Ok(respond::value(StatusCode::OK, &json!({ "beds": stays.beds.board(asked.cx.now) })))
}

pub(crate) async fn set_bed(app: &App, asked: &Asked) -> Answer {
    let BedSet { name, offer, capacity } = body_of(asked)?;
    if name.trim().is_empty() {
        return Err(invalid("`name` is what people call it"));
    }
    if capacity == 0 {
        return Err(invalid("`capacity` is 1 or more"));
    }
    bed(app, asked, BedAct::Set { name, offer, capacity }).await
}

pub(crate) async fn clean_bed(app: &App, asked: &Asked) -> Answer {
    bed(app, asked, BedAct::Clean).await
}

pub(crate) async fn close_bed(app: &App, asked: &Asked) -> Answer {
    bed(app, asked, BedAct::Close).await
}

pub(crate) async fn reopen_bed(app: &App, asked: &Asked) -> Answer {
    bed(app, asked, BedAct::Reopen).await
}

/// Keeps a bed for a patient who is expected.
pub(crate) async fn hold_bed(app: &App, asked: &Asked) -> Answer {
    let Hold { patient, minutes } = body_of(asked)?;
    if minutes == 0 || HOLD_MIN_MAX < minutes {
        return Err(invalid("`minutes` is 1 to 2880"));
    }
    let span = SignedDuration::from_mins(i64::from(minutes));
    let until = asked.cx.now.checked_add(span).map_err(|_| invalid("`minutes` is too long"))?;
    bed(app, asked, BedAct::Hold { patient: patient_id(&patient)?, until }).await
}

pub(crate) async fn unhold_bed(app: &App, asked: &Asked) -> Answer {
    let Unhold { patient } = body_of(asked)?;
    bed(app, asked, BedAct::Unhold { patient: patient_id(&patient)? }).await
}

fn patient_id(reference: &str) -> Result<FhirId, RecordsError> {
    let id = ward_store::values::id_of(reference, "Patient");
    id.ok_or_else(|| invalid("`patient` is not `Patient/ID`"))
}

async fn bed(app: &App, asked: &Asked, act: BedAct) -> Answer {
    let stays = stays(app)?;
    let kept = stay::act_on_bed(&stays.engine, &asked.cx, &id(asked)?, &act).await;
    let kept = kept.map_err(stay_error)?;
    wake(stays, asked);
    Ok(respond::value(StatusCode::OK, &json!(kept)))
}

/// A bed may be free now: those who wait for one look again, beside this answer.
fn wake(stays: &Stays, asked: &Asked) {
    let (engine, cx) = (stays.engine.clone(), asked.cx.clone());
    tokio::spawn(async move {
        if let Err(error) = admission::wake(&engine, &cx).await {
            tracing::warn!(%error, "who waits for a bed looks again later");
        }
    });
}

pub(crate) fn shown(stays: &Stays, instance: &Instance) -> Value {
    let result = AdmissionResult::of(instance);
    let bed = instance.data_id("bed").and_then(|id| stays.beds.get(&id));
    let mut value = json!(result);
    if let Some(object) = value.as_object_mut() {
        object.insert("bedName".to_owned(), json!(bed.map(|kept| kept.name)));
    }
    value
}

pub(crate) fn stays(app: &App) -> Result<&Stays, RecordsError> {
    let none = || RecordsError::new(Kind::Unavailable, "stays are not managed here");
    app.stays.as_ref().ok_or_else(none)
}

fn id(asked: &Asked) -> Result<FhirId, RecordsError> {
    asked.value("id")?.parse().map_err(|error| invalid(&format!("not an id: {error}")))
}

fn engine_error(error: EngineError) -> RecordsError {
    match error {
        EngineError::NotFound => RecordsError::new(Kind::NotFound, "there is no such admission"),
        EngineError::OtherInput => {
            RecordsError::new(Kind::Conflict, "another request had this `Idempotency-Key`")
        }
        EngineError::Over => RecordsError::new(Kind::Conflict, "nobody waits for this"),
        EngineError::Commit(error) => error.into(),
        EngineError::Read(error) | EngineError::Trouble(Trouble::Read(error)) => error.into(),
        EngineError::Contended
        | EngineError::Interrupted
        | EngineError::Json(_)
        | EngineError::Trouble(_) => {
            RecordsError::new(Kind::Busy, "others write the same records; ask again")
        }
    }
}

fn stay_error(error: StayError) -> RecordsError {
    match error {
        StayError::NotFound => RecordsError::new(Kind::NotFound, "there is no such stay or bed"),
        StayError::NotNow(_) | StayError::NoBed(_) | StayError::Bed(_) | StayError::OtherStay => {
            RecordsError::new(Kind::Conflict, error.to_string())
        }
        StayError::Engine(error) => engine_error(error),
        StayError::Commit(error) => error.into(),
        StayError::Read(error) => error.into(),
        StayError::Contended | StayError::Json(_) => {
            RecordsError::new(Kind::Busy, "others write the same records; ask again")
        }
    }
}
