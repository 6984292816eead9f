//! An order as a durable workflow: who has to do what next, and what happens when nobody does.

use jiff::{SignedDuration, Timestamp};
use serde_json::json;
use ward_core::{FhirId, ResourceType};
use ward_rules::{
    medication_order::order::{self, Event, State},
    workflow::{self, Definition, StepDefinition, StepState},
};
use ward_store::{
    Write, values,
    workflow::{At, Kept, Outcome, StepKept, Trouble, Work, Workflow, own_read, own_write},
};

use super::{
    commit::{Sheet, sheet_key},
    kept::OrderKept,
};

/// An order, version 1.
pub static MEDICATION: Definition = Definition {
    name: "medication",
    version: 1,
    title: "Medication order",
    steps: &[
        step("check", "Check the order"),
        step("sign", "Sign the order"),
        step("verify", "Verify the order"),
        step("prepare", "Prepare"),
        step("dispense", "Dispense"),
        step("administer", "Administer"),
    ],
};

/// The code system of its Tasks.
pub const SYSTEM: &str = "urn:ward:medication";

/// How long a signed order may wait for the pharmacist before its Task says that it is overdue, in
/// minutes: at once, soon, and otherwise.
const VERIFY_MIN: [i64; 3] = [10, 30, 120];

/// How long anything else rests before somebody looks at it again.
const REST_H: i64 = 24;

const fn step(name: &'static str, title: &'static str) -> StepDefinition {
    StepDefinition { name, title, holds_up: true, must_succeed: true }
}

/// What looks after orders whose time has come.
pub struct Flow;

impl Workflow for Flow {
    fn definition(&self) -> &'static Definition {
        &MEDICATION
    }

    fn system(&self) -> &'static str {
        SYSTEM
    }

    fn run(&self, at: &At<'_>, step: &str) -> Result<Work, Trouble> {
        let Some(kept) = OrderKept::of(at.instance) else {
            return Ok(Work::ended(Outcome::Failed("the order cannot be read".to_owned())));
        };
        let now = at.cx.now;
        match step {
            "verify" => {
                let why = "overdue: nobody in the pharmacy has looked at it".to_owned();
                let until = later(now, SignedDuration::from_mins(patience(&kept)));
                Ok(Work::ended(Outcome::Waiting { why, until }))
            }
            "administer" if kept.request.end.is_some_and(|end| end <= now) => ended(at, kept),
            _ => {
                let why = at.instance.step(step).and_then(|it| it.why.clone()).unwrap_or_default();
                let until = later(now, SignedDuration::from_hours(REST_H));
                Ok(Work::ended(Outcome::Waiting { why, until }))
            }
        }
    }

    /// What was ordered is not undone but stopped, by people and by an act of theirs.
    fn undo(&self, _at: &At<'_>, _step: &str) -> Result<Work, Trouble> {
        Ok(Work::default())
    }
}

/// The end of an order has come by itself.
fn ended(at: &At<'_>, mut kept: OrderKept) -> Result<Work, Trouble> {
    let Ok((state, _)) = order::step(kept.state, Event::Complete) else {
        let until = later(at.cx.now, SignedDuration::from_hours(REST_H));
        let why = format!("its end has come while it is {}", kept.state.as_str());
        return Ok(Work::ended(Outcome::Waiting { why, until }));
    };
    kept.state = state;
    let mut work = Work::default();
    let key = values::key(ResourceType::MEDICATION_REQUEST, &at.instance.id);
    if let Some((mut request, version)) = values::read(at.reader, &key)? {
        values::put(&mut request, "status", json!(state.fhir()));
        if let Some(told) = &mut kept.told {
            // Changed where it was ordered: what that is comes first.
            if told.version != version {
                return Err(Trouble::Again);
            }
            told.version = version.saturating_add(1);
        }
        work.writes.extend(values::write(&request, &key, Some(version), at.cx.now, at.base));
    }
    if !kept.supply.on_ward().is_zero() {
        let id = at.chart.derived_id(&["medication-return", at.instance.id.as_str()]);
        let task = return_task(&at.instance.id, &at.instance.kept.patient, at.cx.now);
        let key = values::key(ResourceType::TASK, &id);
        let base = at.chart.current(&key)?.map(|(version, _)| version);
        work.writes.extend(values::write(&task, &key, base, at.cx.now, at.base));
    }
    if let Ok(patient) = at.instance.kept.patient.parse::<FhirId>() {
        work.writes.extend(over(at, &patient, state)?);
    }
    match serde_json::to_string(&kept) {
        Ok(text) => Ok(work.with("order", text)),
        Err(_) => Ok(Work::ended(Outcome::Failed("the order cannot be written".to_owned()))),
    }
}

/// The sheet of the patient, on which the order is over.
fn over(at: &At<'_>, patient: &FhirId, state: State) -> Result<Option<Write>, Trouble> {
    let key = sheet_key(patient);
    let Some((mut sheet, version)) = own_read::<Sheet>(at.reader, &key)? else { return Ok(None) };
    for it in sheet.orders.iter_mut().filter(|it| it.id == at.instance.id.as_str()) {
        (it.state, it.over) = (state, Some(at.cx.now));
    }
    Ok(own_write(key, Some(version), Some(patient), &sheet).ok())
}

/// Somebody has to bring back or throw away what is on the ward of an order that is over.
pub(crate) fn return_task(order: &FhirId, patient: &str, now: Timestamp) -> serde_json::Value {
    json!({
        "resourceType": "Task",
        "status": "requested",
        "intent": "order",
        "identifier": [{ "system": SYSTEM, "value": order.as_str() }],
        "code": { "coding": [{ "system": SYSTEM, "code": "return", "display": "Return what is left" }] },
        "focus": { "reference": format!("MedicationRequest/{order}") },
        "for": { "reference": format!("Patient/{patient}") },
        "authoredOn": now.to_string(),
        "lastModified": now.to_string(),
    })
}

/// Writes into an instance where its order stands.
pub(crate) fn settle(kept: &mut Kept, order: &OrderKept, now: Timestamp) {
    let made = order.chosen.as_ref().is_some_and(|it| it.is_compounded);
    let at = match order.state {
        State::Draft => 0,
        State::Checked => 1,
        State::Signed => 2,
        State::Verified if made => 3,
        State::Verified | State::Prepared => 4,
        State::Dispensed => 5,
        State::OnHold => {
            let open = kept.steps.iter_mut().find(|it| it.state == StepState::Waiting);
            if let Some(step) = open {
                step.why = Some("the order is on hold".to_owned());
                step.until = Some(later(now, SignedDuration::from_hours(REST_H)));
            }
            return;
        }
        State::Stopped | State::Completed | State::Cancelled => {
            let is_done = order.state == State::Completed;
            for step in kept.steps.iter_mut().filter(|it| !it.state.is_settled()) {
                step.state = if is_done { StepState::Done } else { StepState::Skipped };
                step.at = Some(now);
                step.why = Some(format!("the order is {}", order.state.as_str()));
                step.until = None;
            }
            kept.state = match order.state {
                State::Completed => workflow::State::Completed,
                _ => workflow::State::Cancelled,
            };
            kept.why = order.why.clone();
            return;
        }
    };
    for (n, step) in kept.steps.iter_mut().enumerate() {
        let is_skipped = step.name == "prepare" && !made;
        match n.cmp(&at) {
            std::cmp::Ordering::Less if step.state == StepState::Done => {}
            std::cmp::Ordering::Less => {
                let state = if is_skipped { StepState::Skipped } else { StepState::Done };
                *step = StepKept { state, at: Some(now), why: None, until: None, ..step.clone() };
            }
            std::cmp::Ordering::Equal => {
                let (why, until) = waits(order, &step.name, now);
                let state = StepState::Waiting;
                let (why, until) = (Some(why), Some(until));
                *step = StepKept { state, at: Some(now), why, until, ..step.clone() };
            }
            std::cmp::Ordering::Greater => {
                let state = StepState::Pending;
                *step = StepKept { state, at: None, why: None, until: None, ..step.clone() };
            }
        }
    }
}

/// What a step waits for, and when it is looked at again.
fn waits(order: &OrderKept, step: &str, now: Timestamp) -> (String, Timestamp) {
    let rest = later(now, SignedDuration::from_hours(REST_H));
    match step {
        "check" => ("waits for its check".to_owned(), rest),
        "sign" => ("waits for a signature".to_owned(), rest),
        "verify" => {
            let until = later(now, SignedDuration::from_mins(patience(order)));
            ("waits for the pharmacist".to_owned(), until)
        }
        "prepare" => ("waits to be prepared".to_owned(), rest),
        "dispense" => ("waits to be dispensed".to_owned(), rest),
        _ => ("doses are given as they are due".to_owned(), order.request.end.unwrap_or(rest)),
    }
}

fn patience(order: &OrderKept) -> i64 {
    let [at_once, soon, otherwise] = VERIFY_MIN;
    match order.request.priority.as_deref() {
        Some("stat") => at_once,
        Some("asap" | "urgent") => soon,
        _ => otherwise,
    }
}

fn later(now: Timestamp, by: SignedDuration) -> Timestamp {
    now.checked_add(by).unwrap_or(Timestamp::MAX)
}
