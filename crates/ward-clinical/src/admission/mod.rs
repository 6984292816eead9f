//! Admission: one durable workflow from the patient to the notification.
//!
//! The steps and their order are those of the design this house was asked for. Each commits by
//! itself with its place in the workflow; what fails has what came before it taken back.

mod patient;
mod payer;
mod plan;
mod request;
mod room;
mod tell;
mod visit;

use std::sync::Arc;

use ward_core::{AuditAction, AuditOutcome, CareScope, Ctx, FhirId, ResourceType, Role};
use ward_rules::{
    encounter::{Change, Status, after},
    workflow::{Definition, StepDefinition},
};
use ward_store::{
    Interaction,
    workflow::{At, Engine, EngineError, Instance, Outcome, Trouble, Work, Workflow},
};

pub use self::{
    payer::Decision,
    request::{AdmissionRequest, AdmissionResult, IfNoBed, Reason, RequestError, StepShown},
};
use crate::{
    beds::Beds,
    records::{self, text},
    stay::StayError,
};

/// Admission, version 1.
pub static ADMISSION: Definition = Definition {
    name: "admission",
    version: 1,
    title: "Admission",
    steps: &[
        step("validate-patient", "Validate the patient", true, true),
        step("create-encounter", "Create the encounter", true, true),
        step("assign-room", "Assign a bed", true, true),
        // What cannot be proposed is planned by hand.
        step("create-care-plan", "Propose a care plan", true, false),
        // A payer who is slow or says no never holds up care.
        step("authorize-stay", "Authorize the stay", false, false),
        step("notify", "Notify those who care for the patient", true, false),
    ],
};

const fn step(
    name: &'static str,
    title: &'static str,
    holds_up: bool,
    must_succeed: bool,
) -> StepDefinition {
    StepDefinition { name, title, holds_up, must_succeed }
}

/// The steps of an admission.
pub struct Admission {
    beds: Beds,
}

impl Admission {
    pub fn new(beds: Beds) -> Arc<Admission> {
        Arc::new(Admission { beds })
    }
}

impl Workflow for Admission {
    fn definition(&self) -> &'static Definition {
        &ADMISSION
    }

    fn run(&self, at: &At<'_>, step: &str) -> Result<Work, Trouble> {
        let request = AdmissionRequest::of(at.instance);
        if at.instance.data("over").is_some() {
            return Ok(Work::ended(Outcome::Skipped(room::OVER.to_owned())));
        }
        match step {
            "validate-patient" => patient::validate(at),
            "create-encounter" => visit::create(at, &request),
            "assign-room" => room::assign(at, &request, &self.beds),
            "create-care-plan" => plan::propose(at, &request),
            "authorize-stay" => payer::ask(at, &request),
            _ => tell::admitted(at),
        }
    }

    fn undo(&self, at: &At<'_>, step: &str) -> Result<Work, Trouble> {
        match step {
            "create-encounter" => visit::cancel(at),
            "assign-room" => room::give_back(at),
            "create-care-plan" => plan::revoke(at),
            "authorize-stay" => payer::withdraw(at),
            "notify" => tell::cancelled(at),
            _ => Ok(Work::default()),
        }
    }
}

/// Admits a patient, as far as it goes without waiting for somebody.
///
/// - Shape: the same `key` is the same admission.
/// - Errors: the request cannot be meant so, or is another than the one under this key.
/// - Repeat: safe with a key.
pub async fn admit(
    engine: &Engine,
    cx: &Ctx,
    request: &AdmissionRequest,
    id: FhirId,
) -> Result<Instance, AdmitError> {
    let patient = request.check()?;
    let input = serde_json::to_value(request).map_err(EngineError::from)?;
    engine.start(cx, ADMISSION.name, (id.clone(), &patient), input).await?;
    Ok(engine.advance(&id).await?)
}

/// Takes an admission back, with everything that it did.
///
/// - Errors: the stay is over, and nothing of it can be taken back.
/// - Repeat: safe.
pub async fn cancel(
    engine: &Engine,
    cx: &Ctx,
    id: &FhirId,
    why: &str,
) -> Result<Instance, StayError> {
    let instance = engine.read(cx, id).await?;
    if let Some(encounter) = instance.data_id("encounter") {
        let cx = Ctx { role: Role::System, care: CareScope::Everyone, ..cx.clone() };
        let key = records::key(ResourceType::ENCOUNTER, &encounter);
        let act = Interaction::on(AuditAction::Read, key.clone());
        let reader = engine.chart().reader(&cx, act);
        let found = records::read(&reader, &key);
        reader.finish(AuditOutcome::Success).await?;
        let status = found?.and_then(|(it, _)| text(&it, "status").and_then(Status::from_code));
        // Asked before anything is undone: half of an admission is not taken back.
        if let Some(status) = status.filter(|status| *status != Status::Cancelled) {
            after(status, Change::CancelAdmission)?;
        }
    }
    Ok(engine.cancel(cx, id, why).await?)
}

/// The beds' waiting list, oldest first: admissions that have everything but a bed.
pub async fn waiting(engine: &Engine, cx: &Ctx) -> Result<Vec<FhirId>, EngineError> {
    let act = Interaction::of(AuditAction::Search, ResourceType::TASK);
    // Who waits is for everybody who may see stays; the Tasks that say so are not.
    let cx = Ctx { role: Role::System, care: CareScope::Everyone, ..cx.clone() };
    let reader = engine.chart().reader(&cx, act);
    let found = room::waiting(&reader);
    reader.finish(AuditOutcome::Success).await?;
    found.map_err(EngineError::from)
}

/// Which admissions are listed.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Which {
    All,
    /// Those that somebody or something has still to do with.
    Open,
    Over,
}

/// Most admissions that are listed at once.
/// LIMIT: the newest; who looks for an older one looks at its patient.
pub const LISTED_MAX: usize = 200;

/// Admissions, the newest first.
///
/// - Audit: one `search` entry, by who asks.
pub async fn list(engine: &Engine, cx: &Ctx, which: Which) -> Result<Vec<Instance>, EngineError> {
    let act = Interaction::of(AuditAction::Search, ResourceType::TASK)
        .with_detail("admissions".to_owned());
    let cx = Ctx { role: Role::System, care: CareScope::Everyone, ..cx.clone() };
    let reader = engine.chart().reader(&cx, act);
    let found = room::listed(&reader, which);
    reader.finish(AuditOutcome::Success).await?;
    let mut all = Vec::new();
    for id in found? {
        match engine.read(&cx, &id).await {
            Ok(instance) => all.push(instance),
            Err(EngineError::NotFound) => {}
            Err(error) => return Err(error),
        }
    }
    Ok(all)
}

/// Has those who wait for a bed look again, oldest first.
///
/// - Repeat: safe; whoever is not woken looks again by itself within a minute.
pub async fn wake(engine: &Engine, cx: &Ctx) -> Result<(), EngineError> {
    for id in waiting(engine, cx).await? {
        match engine.signal(cx, &id, "assign-room", Vec::new()).await {
            // Somebody else had it look again.
            Ok(_) | Err(EngineError::Over | EngineError::NotFound) => {}
            Err(error) => return Err(error),
        }
    }
    Ok(())
}

/// An admission cannot begin.
#[derive(Debug, thiserror::Error)]
pub enum AdmitError {
    #[error(transparent)]
    Request(#[from] RequestError),
    #[error(transparent)]
    Engine(#[from] EngineError),
}
