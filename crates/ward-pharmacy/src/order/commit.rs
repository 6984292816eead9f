//! One act of a person on one order, in one commit with everything that it changes.

use std::sync::{Arc, Mutex, PoisonError};

use jiff::{Timestamp, tz::TimeZone};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use ward_core::{
    AuditAction, AuditOutcome, CareScope, Ctx, FhirId, RecordKey, ResourceType, Role, ids::ActorId,
};
use ward_policy::{Action, facts};
use ward_rules::medication_order::order::{self, Event, State};
use ward_store::{
    Chart, CommitError, CommitUnit, Interaction, NewCommand, Reader, Write,
    values::{self, read},
    workflow::{Engine, Instance, own_read, own_write},
};

use super::{
    error::MedsError,
    fhir,
    flow::{self, MEDICATION},
    kept::{OrderKept, OrderRequest},
};
use crate::{cds::remote::Remotes, checker::Checker, settings::Settings};

/// Most times an act is tried again when others write the same records.
/// LIMIT: past this the caller hears that it is busy, and decides again.
pub(crate) const TRIES_MAX: usize = 32;

/// Most orders on one sheet.
/// LIMIT: four times the most that a patient in intensive care gets.
pub const SHEET_MAX: usize = 256;

/// Most keys of acts kept with one order or product.
/// LIMIT: who has had no answer asks again within minutes; nobody does more with one order by then.
pub(crate) const ONCE_MAX: usize = 64;

/// How long an order that is over stays on the sheet, in hours.
const SHEET_H: i32 = 48;

/// Everything that orders and the stock are looked after by. Clones are the same.
#[derive(Clone)]
pub struct Pharmacy {
    pub(crate) engine: Engine,
    pub(crate) checker: Arc<dyn Checker>,
    pub(crate) settings: Arc<Settings>,
    /// Services of others, which are asked when an order is signed.
    pub(crate) remotes: Remotes,
    /// What an act is known by, so that it is done once.
    once: Option<String>,
}

/// Somebody else who has looked, and says so by their own sign-in.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Second {
    pub actor: ActorId,
    pub role: Role,
}

/// What a patient gets, under the Patient's id.
///
/// Every act on an order of the patient is its next version as well: of two acts that have not
/// seen each other, only one is committed, and the other is checked anew.
#[derive(Clone, PartialEq, Eq, Default, Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Sheet {
    pub orders: Vec<OnSheet>,
}

#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct OnSheet {
    pub id: String,
    pub state: State,
    /// Since when it is over.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub over: Option<Timestamp>,
}

/// One act, while it is made.
pub(crate) struct Act<'a> {
    pub(crate) pharmacy: &'a Pharmacy,
    /// Ward itself, in the name of who acts.
    pub(crate) cx: &'a Ctx,
    pub(crate) second: Option<Second>,
    pub(crate) reader: &'a Reader<'a>,
    pub(crate) id: &'a FhirId,
    pub(crate) patient: FhirId,
    pub(crate) kept: OrderKept,
    pub(crate) writes: Vec<Write>,
    pub(crate) queue: Vec<NewCommand>,
    instance: Instance,
    is_new: bool,
}

/// What an act needs of the policy: an action on a kind of record of the patient.
pub(crate) type Needs = (Action, ResourceType);

impl Pharmacy {
    pub fn new(engine: Engine, checker: Arc<dyn Checker>, settings: Settings) -> Pharmacy {
        let remotes = Remotes::default();
        Pharmacy { engine, checker, settings: Arc::new(settings), remotes, once: None }
    }

    /// The same, with services of others that are asked when an order is signed.
    #[must_use]
    pub fn with_services(self, remotes: Remotes) -> Pharmacy {
        Pharmacy { remotes, ..self }
    }

    /// The same, for one act: asked for again under the same key by the same person, it is not done
    /// again, and what it came to is the answer.
    #[must_use]
    pub fn once(&self, cx: &Ctx, key: Option<&str>) -> Pharmacy {
        let by = cx.actor.id.to_string();
        let of = |key: &str| self.chart().derived_id(&["medication-act", &by, key]).to_string();
        Pharmacy { once: key.map(of), ..self.clone() }
    }

    /// Whether an act was done already; else it is written down with what it does.
    pub(crate) fn is_done(&self, done: &mut Vec<String>) -> bool {
        let Some(key) = &self.once else { return false };
        if done.contains(key) {
            return true;
        }
        if ONCE_MAX <= done.len() {
            done.remove(0);
        }
        done.push(key.clone());
        false
    }

    pub fn engine(&self) -> &Engine {
        &self.engine
    }

    pub fn settings(&self) -> &Settings {
        &self.settings
    }

    pub(crate) fn chart(&self) -> &Chart {
        self.engine.chart()
    }

    pub(crate) fn zone(&self) -> &TimeZone {
        &self.settings.zone
    }

    /// Whether the policy lets who asks do this to a record of the patient.
    pub(crate) fn may(&self, cx: &Ctx, needs: Needs, patient: &FhirId) -> Result<(), MedsError> {
        let (action, kind) = needs;
        let grant = self.chart().policy().grant(cx, action, kind);
        let is_permitted = grant.permits(facts(cx, std::slice::from_ref(patient), false));
        if is_permitted { Ok(()) } else { Err(MedsError::NotAllowed) }
    }

    /// Begins an order; what `make` does to it is in the same commit.
    pub(crate) async fn begin(
        &self,
        cx: &Ctx,
        (id, request): (&FhirId, &OrderRequest),
        second: Option<Second>,
        make: impl Fn(&mut Act<'_>) -> Result<(), MedsError>,
    ) -> Result<OrderKept, MedsError> {
        let patient = request.check()?;
        let needs = (Action::Create, ResourceType::MEDICATION_REQUEST);
        let of = |_: &Reader<'_>| {
            let of = (id.clone(), &patient);
            let instance = self.engine.fresh(cx, MEDICATION.name, of, json!({}))?;
            Ok((instance, OrderKept::new(request.clone(), cx), true))
        };
        self.run(cx, (id, "order"), needs, second, of, make).await
    }

    /// Does something with an order that is there.
    pub(crate) async fn act<T: Default>(
        &self,
        cx: &Ctx,
        (id, word): (&FhirId, &str),
        needs: Needs,
        second: Option<Second>,
        make: impl Fn(&mut Act<'_>) -> Result<T, MedsError>,
    ) -> Result<(T, OrderKept), MedsError> {
        let made = Mutex::new(None);
        let of = |reader: &Reader<'_>| {
            let instance = self.engine.load(reader, id)?.ok_or(MedsError::NotFound)?;
            let kept = OrderKept::of(&instance).ok_or(MedsError::NotFound)?;
            Ok((instance, kept, false))
        };
        let make = |act: &mut Act<'_>| {
            let out = make(act)?;
            *made.lock().unwrap_or_else(PoisonError::into_inner) = Some(out);
            Ok(())
        };
        let kept = self.run(cx, (id, word), needs, second, of, make).await?;
        let made = made.into_inner().unwrap_or_else(PoisonError::into_inner);
        // What was done before is not done again, and is answered as it stands.
        Ok((made.unwrap_or_default(), kept))
    }

    pub(super) async fn run(
        &self,
        cx: &Ctx,
        (id, word): (&FhirId, &str),
        needs: Needs,
        second: Option<Second>,
        of: impl Fn(&Reader<'_>) -> Result<(Instance, OrderKept, bool), MedsError>,
        make: impl Fn(&mut Act<'_>) -> Result<(), MedsError>,
    ) -> Result<OrderKept, MedsError> {
        let whole = whole(cx);
        let key = values::key(ResourceType::MEDICATION_REQUEST, id);
        for _ in 0..TRIES_MAX {
            let act = Interaction::on(AuditAction::Operation, key.clone())
                .with_detail(format!("medication {word}"));
            let reader = self.chart().reader(&whole, act);
            let made = of(&reader).and_then(|(instance, mut kept, is_new)| {
                let patient = instance.patient().ok_or(MedsError::NotFound)?;
                self.may(cx, needs, &patient)?;
                if self.is_done(&mut kept.once) {
                    return Ok((kept, None));
                }
                // What its sender has changed is looked at before anybody goes on with it.
                if word != "take" && !self.is_as_told(id, &kept)? {
                    return Err(MedsError::Contended);
                }
                let mut act = Act {
                    pharmacy: self,
                    cx: &whole,
                    second,
                    reader: &reader,
                    id,
                    patient,
                    kept,
                    writes: Vec::new(),
                    queue: Vec::new(),
                    instance,
                    is_new,
                };
                make(&mut act)?;
                act.unit(word).map(|(kept, unit)| (kept, Some(unit)))
            });
            let (kept, unit) = match made {
                Ok((kept, Some(unit))) => (kept, unit),
                Ok((kept, None)) => {
                    reader.finish(AuditOutcome::Success).await?;
                    return Ok(kept);
                }
                Err(error) => {
                    reader.finish(AuditOutcome::MinorFailure).await?;
                    return Err(error);
                }
            };
            self.settings.stop_at(word, ward_store::workflow::Moment::BeforeCommit)?;
            let heard = unit.writes.clone();
            match reader.commit(&whole, unit).await {
                Ok(_) => {
                    self.engine.heard(&heard);
                    self.settings.stop_at(word, ward_store::workflow::Moment::AfterCommit)?;
                    return Ok(kept);
                }
                Err(
                    CommitError::Stale { .. } | CommitError::Exists { .. } | CommitError::Changed,
                ) => {}
                Err(error) => return Err(error.into()),
            }
        }
        Err(MedsError::Contended)
    }

    /// One order, as it stands.
    ///
    /// - Audit: `read` of the MedicationRequest.
    pub async fn read(&self, cx: &Ctx, id: &FhirId) -> Result<(OrderKept, Instance), MedsError> {
        let whole = whole(cx);
        let key = values::key(ResourceType::MEDICATION_REQUEST, id);
        let reader = self.chart().reader(&whole, Interaction::on(AuditAction::Read, key));
        let found = (|| {
            let instance = self.engine.load(&reader, id)?.ok_or(MedsError::NotFound)?;
            let patient = instance.patient().ok_or(MedsError::NotFound)?;
            self.may(cx, (Action::Read, ResourceType::MEDICATION_REQUEST), &patient)
                .map_err(|_| MedsError::NotFound)?;
            let kept = OrderKept::of(&instance).ok_or(MedsError::NotFound)?;
            Ok((kept, instance))
        })();
        let outcome = match found {
            Ok(_) => AuditOutcome::Success,
            Err(_) => AuditOutcome::MinorFailure,
        };
        reader.finish(outcome).await?;
        found
    }
}

impl<'a> Act<'a> {
    /// An act that is only thought through and never committed.
    pub(crate) fn looking(
        pharmacy: &'a Pharmacy,
        cx: &'a Ctx,
        (id, reader): (&'a FhirId, &'a Reader<'a>),
        second: Option<Second>,
    ) -> Result<Act<'a>, MedsError> {
        let instance = pharmacy.engine.load(reader, id)?.ok_or(MedsError::NotFound)?;
        let kept = OrderKept::of(&instance).ok_or(MedsError::NotFound)?;
        let patient = instance.patient().ok_or(MedsError::NotFound)?;
        let (writes, queue) = (Vec::new(), Vec::new());
        Ok(Act {
            pharmacy,
            cx,
            second,
            reader,
            id,
            patient,
            kept,
            writes,
            queue,
            instance,
            is_new: false,
        })
    }
}

impl Act<'_> {
    pub(crate) fn now(&self) -> Timestamp {
        self.cx.now
    }

    /// Whether the order begins with this act.
    pub(crate) fn is_new(&self) -> bool {
        self.is_new
    }

    pub(crate) fn by(&self) -> String {
        self.cx.actor.id.to_string()
    }

    pub(crate) fn derived(&self, parts: &[&str]) -> FhirId {
        self.pharmacy.chart().derived_id(parts)
    }

    /// The order takes an event.
    pub(crate) fn step(&mut self, event: Event) -> Result<&'static [order::Effect], MedsError> {
        let (state, effects) = order::step(self.kept.state, event)?;
        self.kept.state = state;
        Ok(effects)
    }

    /// The second person, who has to be another one and in one of these roles.
    pub(crate) fn second(&self, roles: &[Role], why: &'static str) -> Result<String, MedsError> {
        second_of(self.cx, self.second, roles, why)
    }

    /// Writes a resource, as its next version.
    pub(crate) fn put(
        &mut self,
        kind: ResourceType,
        id: &FhirId,
        resource: &Value,
    ) -> Result<(), MedsError> {
        let key = values::key(kind, id);
        // Of an order that was not there before, nothing was.
        let base = match self.is_new {
            true => None,
            false => self.pharmacy.chart().current(&key)?.map(|(version, _)| version),
        };
        self.put_next(&key, base, resource)
    }

    fn put_next(
        &mut self,
        key: &RecordKey,
        base: Option<u32>,
        resource: &Value,
    ) -> Result<(), MedsError> {
        let address = self.pharmacy.engine.base();
        self.writes.push(write(resource, key, base, self.now(), address)?);
        Ok(())
    }

    /// Everything that the act changes.
    fn unit(mut self, word: &str) -> Result<(OrderKept, CommitUnit), MedsError> {
        let now = self.now();
        self.put_request()?;
        let sheet = self.sheet()?;
        let mut kept = self.instance.kept.clone();
        let mut put = |name: &str, value: String| {
            kept.data.insert(name.to_owned(), Value::String(value));
        };
        put("order", serde_json::to_string(&self.kept)?);
        put("focus", format!("MedicationRequest/{}", self.id));
        put("priority", self.kept.request.priority.clone().unwrap_or_else(|| "routine".to_owned()));
        if let Some(encounter) = self.kept.encounter() {
            put("encounter", encounter.to_string());
        }
        flow::settle(&mut kept, &self.kept, now);
        let engine = &self.pharmacy.engine;
        let own = if self.is_new {
            self.instance.kept = kept;
            engine.first(&self.instance, now)?
        } else {
            let (after, writes) = engine.next(&self.instance, kept, now)?;
            self.instance = after;
            writes
        };
        // A worker comes to it once; from then on it is brought back by itself.
        let soonest = self.instance.kept.steps.iter().filter_map(|it| it.until).min();
        if let (true, Some(at)) = (self.is_new || word == "sign", soonest) {
            self.queue.push(engine.look_at(self.id, at));
        }
        self.writes.extend(own);
        self.writes.push(sheet);
        let version = self.instance.version;
        let of = (self.id, version, word);
        if let Some(provenance) = fhir::provenance(&self.writes, of, self.cx, self.second) {
            let parts = ["medication-provenance", self.id.as_str(), &version.to_string()];
            let key = values::key(ResourceType::PROVENANCE, &self.derived(&parts));
            // One for each version of the order, so it is always the first of its id.
            self.put_next(&key, None, &provenance)?;
        }
        let unit = CommitUnit { writes: self.writes, queue: self.queue, ..CommitUnit::default() };
        Ok((self.kept, unit))
    }

    /// The MedicationRequest, where it says something else than before.
    fn put_request(&mut self) -> Result<(), MedsError> {
        if let Some(told) = self.kept.told {
            return self.put_status(told);
        }
        let key = values::key(ResourceType::MEDICATION_REQUEST, self.id);
        let next = fhir::request(self.id, &self.patient, &self.kept);
        let current = if self.is_new { None } else { read(self.reader, &key)? };
        let is_same = current.as_ref().is_some_and(|(now, _)| {
            let mut now = now.clone();
            if let Some(object) = now.as_object_mut() {
                object.remove("id");
                object.remove("meta");
            }
            now == next
        });
        if !is_same {
            let base = current.map(|(_, version)| version);
            let address = self.pharmacy.engine.base();
            self.writes.push(write(&next, &key, base, self.now(), address)?);
        }
        Ok(())
    }

    fn sheet(&self) -> Result<Write, MedsError> {
        let key = sheet_key(&self.patient);
        let found = own_read::<Sheet>(self.reader, &key)?;
        let version = found.as_ref().map(|(_, version)| *version);
        let mut sheet = found.map(|(sheet, _)| sheet).unwrap_or_default();
        let is_old = |it: &OnSheet| {
            let over = it.over.map(|over| self.now().duration_since(over));
            over.is_some_and(|ago| i64::from(SHEET_H) <= ago.as_hours())
        };
        sheet.orders.retain(|it| !is_old(it) && it.id != self.id.as_str());
        if SHEET_MAX <= sheet.orders.len() {
            let why = "the patient has 256 orders, which is the most";
            return Err(MedsError::Request { place: "patient", why });
        }
        let state = self.kept.state;
        let over = state.is_over().then(|| self.now());
        sheet.orders.push(OnSheet { id: self.id.to_string(), state, over });
        Ok(own_write(key, version, Some(&self.patient), &sheet)?)
    }
}

impl OrderKept {
    pub(crate) fn new(request: OrderRequest, cx: &Ctx) -> OrderKept {
        OrderKept {
            state: State::Draft,
            request,
            ordered_by: cx.actor.id.to_string(),
            signed_at: None,
            verified_by: None,
            verified_at: None,
            why: None,
            chosen: None,
            batches: Vec::new(),
            dispenses: Vec::new(),
            supply: Default::default(),
            doses: Vec::new(),
            found: Vec::new(),
            checked_at: None,
            knowledge_base: None,
            overridden: Vec::new(),
            told: None,
            once: Vec::new(),
        }
    }

    pub(crate) fn encounter(&self) -> Option<FhirId> {
        self.request.encounter.as_ref().and_then(|it| values::id_of(it, "Encounter"))
    }
}

/// The next version of a resource. Only what came with the order can be nested too deeply.
fn write(
    resource: &Value,
    key: &RecordKey,
    base: Option<u32>,
    now: Timestamp,
    address: &str,
) -> Result<Write, MedsError> {
    let why = "is nested too deeply";
    let wrong = MedsError::Request { place: "dosage", why };
    values::write(resource, key, base, now, address).ok_or(wrong)
}

/// The second person, who has to be another one and in one of these roles.
pub(crate) fn second_of(
    cx: &Ctx,
    second: Option<Second>,
    roles: &[Role],
    why: &'static str,
) -> Result<String, MedsError> {
    let second = second.ok_or(MedsError::NeedsSecond(why))?;
    if second.actor == cx.actor.id || !roles.contains(&second.role) {
        return Err(MedsError::OtherSecond);
    }
    Ok(second.actor.to_string())
}

pub(crate) fn sheet_key(patient: &FhirId) -> RecordKey {
    RecordKey::new(ResourceType::MEDICATION_SHEET, patient.clone())
}

/// What one may do was asked before; what an order is made of is Ward's to write.
pub(crate) fn whole(cx: &Ctx) -> Ctx {
    Ctx { role: Role::System, care: CareScope::Everyone, ..cx.clone() }
}
