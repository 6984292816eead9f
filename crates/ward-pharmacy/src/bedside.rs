//! At the bedside: scan, look, give; hold, refuse, correct; infusions; whether it has helped.

use std::collections::BTreeMap;

use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use ward_core::{AuditAction, AuditOutcome, Ctx, FhirId, Kind, ResourceType, Role};
use ward_policy::Action;
use ward_rules::medication_order::{
    Quantity, barcode,
    bedside::{self as rules, Bypass, Finding, Look, LotFitness, Scanned, Unit, Vital},
    dose,
    order::{Event, State},
    schedule::Given,
    stock::StockRefusal,
    supply::Move,
};
use ward_store::{
    Interaction,
    values::{self, put, read, text},
    workflow::own_read,
};

use crate::{
    emar,
    order::{
        Act, DOSES_MAX, DoseKept, MedsError, Needs, Pharmacy, SYSTEM, Second, fhir::actor, whole,
    },
    stock::{self, ProductKept},
    supply::{Leftover, ordered, quantity},
};

/// Most values of one vital sign looked at.
/// LIMIT: one every minute for as long as a rule looks back, usually an hour.
const VITALS_MAX: usize = 100;

/// After how many minutes somebody looks whether a dose that was needed has helped.
const FOLLOW_UP_MIN: i64 = 60;

/// Who may make a second check.
const SECOND: &[Role] = &[Role::Nurse, Role::Physician, Role::Pharmacist];

const GIVES: Needs = (Action::Create, ResourceType::MEDICATION_ADMINISTRATION);

/// What somebody scans and says before a dose is given.
#[derive(Clone, PartialEq, Default, Debug, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
pub struct Giving {
    /// When the dose is due; absent when it is given as needed.
    pub due: Option<Timestamp>,
    /// What the scanner read off the wristband.
    pub patient_scan: Option<String>,
    /// Why it was not scanned.
    pub patient_bypass: Option<Bypass>,
    /// What the scanner read off the drug.
    pub drug_scan: Option<String>,
    pub drug_bypass: Option<Bypass>,
    /// The lot, where the drug was not scanned or its code has none.
    pub lot: Option<String>,
    /// So much of the product; else what is one dose.
    pub quantity: Option<Quantity>,
    /// What of a package is left over and thrown away.
    pub waste: Option<Quantity>,
    /// When it was given; else now.
    pub at: Option<Timestamp>,
    /// Why it is given in spite of what a reason settles.
    pub reason: Option<String>,
    /// Why it is needed.
    pub needed_for: Option<String>,
    /// The first rate of an infusion; it runs from now on.
    pub rate: Option<Quantity>,
    /// Why it cannot wait for the pharmacist.
    pub urgent: Option<String>,
}

/// What becomes of a dose that is not given.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum NotGiven {
    Hold,
    Refuse,
    Miss,
}

/// What is done with an infusion.
#[derive(Clone, PartialEq, Debug, Deserialize)]
#[serde(tag = "act", rename_all = "kebab-case")]
pub enum InfusionAct {
    Rate { rate: Quantity, reason: Option<String> },
    Pause { reason: String },
    Finish,
}

/// What a look has found, before anything is given.
#[derive(Clone, PartialEq, Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Looked {
    pub findings: Vec<Finding>,
    /// Whether nothing stands in the way but, at most, a reason.
    pub may_give: bool,
    pub lot: Option<String>,
    pub product: Option<String>,
}

/// What was scanned, resolved.
struct Seen {
    lot: Option<(String, String)>,
    findings: Vec<Finding>,
    quantity: Quantity,
    bypassed: BTreeMap<String, String>,
}

impl Pharmacy {
    /// Looks without giving.
    ///
    /// - Audit: `read` of the MedicationRequest.
    pub async fn look(
        &self,
        cx: &Ctx,
        id: &FhirId,
        said: &Giving,
        second: Option<Second>,
    ) -> Result<Looked, MedsError> {
        let whole = whole(cx);
        let key = values::key(ResourceType::MEDICATION_REQUEST, id);
        let act = Interaction::on(AuditAction::Read, key).with_detail("bedside look".to_owned());
        let reader = self.chart().reader(&whole, act);
        let looked = (|| {
            let mut act = Act::looking(self, &whole, (id, &reader), second)?;
            self.may(cx, (Action::Read, ResourceType::MEDICATION_ADMINISTRATION), &act.patient)?;
            act.check()?;
            let seen = act.see(said)?;
            Ok(Looked {
                may_give: seen.findings.iter().all(|it| it.is_overridable),
                findings: seen.findings,
                lot: seen.lot.as_ref().map(|(_, lot)| lot.clone()),
                product: seen.lot.map(|(product, _)| product),
            })
        })();
        let outcome =
            if looked.is_ok() { AuditOutcome::Success } else { AuditOutcome::MinorFailure };
        reader.finish(outcome).await?;
        looked
    }

    /// Gives a dose, or begins an infusion.
    ///
    /// - Errors: [`MedsError::Bedside`] with everything that stands in the way.
    /// - Audit: `operation` on the MedicationRequest; a refused attempt is on record too.
    /// - Repeat: a dose that is recorded is not recorded again.
    pub async fn give(
        &self,
        cx: &Ctx,
        id: &FhirId,
        said: &Giving,
        second: Option<Second>,
    ) -> Result<crate::order::OrderKept, MedsError> {
        let done = self.act(cx, (id, "give"), GIVES, second, |act| {
            match &said.urgent {
                Some(why) if !why.trim().is_empty() => drop(act.step(Event::GiveUrgent)?),
                _ => drop(act.step(Event::Give)?),
            }
            act.check()?;
            act.give(said)
        });
        done.await.map(|((), kept)| kept)
    }

    /// A dose is not given, and why.
    pub async fn withhold(
        &self,
        cx: &Ctx,
        id: &FhirId,
        (due, what, reason): (Timestamp, NotGiven, &str),
    ) -> Result<crate::order::OrderKept, MedsError> {
        let done = self.act(cx, (id, "withhold"), GIVES, None, |act| {
            act.step(Event::Withhold)?;
            if reason.trim().is_empty() {
                return Err(MedsError::Request { place: "reason", why: "says why" });
            }
            act.is_due(due)?;
            let event = match what {
                NotGiven::Hold => dose::Event::Hold,
                NotGiven::Refuse => dose::Event::Refuse,
                NotGiven::Miss => dose::Event::Miss,
            };
            let state = act.dose_state(Some(due));
            let (state, _) = dose::step(state, event)?;
            let dose = DoseKept {
                due: Some(due),
                state,
                reason: Some(reason.trim().to_owned()),
                ..act.new_dose(act.now())
            };
            act.record(dose)
        });
        done.await.map(|((), kept)| kept)
    }

    /// What was recorded was wrong. The record stays, and says so; the dose is due again.
    pub async fn correct(
        &self,
        cx: &Ctx,
        id: &FhirId,
        dose: &str,
        reason: &str,
    ) -> Result<crate::order::OrderKept, MedsError> {
        let needs = (Action::Update, ResourceType::MEDICATION_ADMINISTRATION);
        let done = self.act(cx, (id, "correct"), needs, None, |act| {
            if reason.trim().is_empty() {
                return Err(MedsError::Request { place: "reason", why: "says why" });
            }
            let found = act.kept.doses.iter().position(|it| it.id == dose);
            let mut kept =
                found.and_then(|n| act.kept.doses.get(n).cloned()).ok_or(MedsError::NotFound)?;
            let (state, effects) = dose::step(kept.state, dose::Event::Correct)?;
            if effects.contains(&dose::Effect::PutBackOnWard)
                && let (Some(product), Some(lot)) = (&kept.product, &kept.lot)
            {
                act.kept.supply.take((product, lot), Move::TakeBack, kept.quantity)?;
            }
            kept.state = state;
            kept.reason = Some(reason.trim().to_owned());
            act.put_administration(&kept)?;
            if let Some(slot) = found.and_then(|n| act.kept.doses.get_mut(n)) {
                *slot = kept;
            }
            // An order that ended with this dose goes on.
            if act.kept.state == State::Completed {
                act.kept.state = State::Dispensed;
            }
            Ok(())
        });
        done.await.map(|((), kept)| kept)
    }

    /// Another rate, a pause, the end of an infusion. Each rate is a record of its own.
    pub async fn infuse(
        &self,
        cx: &Ctx,
        id: &FhirId,
        dose: &str,
        said: &InfusionAct,
        second: Option<Second>,
    ) -> Result<crate::order::OrderKept, MedsError> {
        let done = self.act(cx, (id, "infusion"), GIVES, second, |act| {
            act.step(Event::Give)?;
            let found = act.kept.doses.iter().position(|it| it.id == dose);
            let found = found.ok_or(MedsError::NotFound)?;
            let mut kept = act.kept.doses.get(found).cloned().ok_or(MedsError::NotFound)?;
            let now = act.now();
            let event = match said {
                InfusionAct::Rate { .. } => dose::Event::ChangeRate,
                InfusionAct::Pause { .. } => dose::Event::Pause,
                InfusionAct::Finish => dose::Event::Finish,
            };
            let (state, _) = dose::step(kept.state, event)?;
            match said {
                InfusionAct::Rate { rate, reason } => {
                    let titration = act.kept.request.titration.clone();
                    let titration = titration.ok_or(MedsError::Request {
                        place: "rate",
                        why: "is changed only within an order to titrate",
                    })?;
                    let ago = |since: Timestamp| now.duration_since(since).as_mins();
                    titration.allows(kept.rate.map(|(it, since)| (it, ago(since))), *rate)?;
                    if act.kept.chosen.as_ref().is_some_and(|it| it.is_high_alert) {
                        let why = "a high-alert infusion is changed before a second nurse";
                        kept.second = Some(act.second(SECOND, why)?);
                    }
                    // The old rate ends; the new one is the next record.
                    let ended = DoseKept { state: dose::State::Given, ..kept.clone() };
                    act.put_administration(&ended)?;
                    let next = DoseKept {
                        id: act.dose_id(),
                        state,
                        at: now,
                        quantity: Quantity::ZERO,
                        by: act.by(),
                        reason: reason.clone(),
                        rate: Some((*rate, now)),
                        ..kept.clone()
                    };
                    if let Some(slot) = act.kept.doses.get_mut(found) {
                        *slot = ended;
                    }
                    return act.record(next);
                }
                InfusionAct::Pause { reason } => kept.reason = Some(reason.clone()),
                InfusionAct::Finish => {}
            }
            kept.state = state;
            act.put_administration(&kept)?;
            if let Some(slot) = act.kept.doses.get_mut(found) {
                *slot = kept;
            }
            Ok(())
        });
        done.await.map(|((), kept)| kept)
    }

    /// Whether a dose that was needed has helped.
    pub async fn follow_up(
        &self,
        cx: &Ctx,
        id: &FhirId,
        dose: &str,
        effect: &str,
    ) -> Result<crate::order::OrderKept, MedsError> {
        let done = self.act(cx, (id, "follow-up"), GIVES, None, |act| {
            if effect.trim().is_empty() {
                return Err(MedsError::Request { place: "effect", why: "says what was found" });
            }
            let found = act.kept.doses.iter_mut().find(|it| it.id == dose);
            let found = found.ok_or(MedsError::NotFound)?;
            found.effect = Some(effect.trim().to_owned());
            let kept = found.clone();
            act.put_administration(&kept)?;
            let task = act.derived(&["medication-follow-up", dose]);
            let key = values::key(ResourceType::TASK, &task);
            if let Some((mut body, _)) = read(act.reader, &key)? {
                put(&mut body, "status", json!("completed"));
                put(&mut body, "lastModified", json!(act.now().to_string()));
                act.put(ResourceType::TASK, &task, &body)?;
            }
            Ok(())
        });
        done.await.map(|((), kept)| kept)
    }
}

impl Act<'_> {
    /// What was scanned, and everything that speaks against giving it.
    fn see(&self, said: &Giving) -> Result<Seen, MedsError> {
        let chosen = self.kept.chosen.clone();
        let chosen =
            chosen.ok_or(MedsError::State(ward_rules::medication_order::order::Refused {
                state: self.kept.state,
                event: Event::Give,
            }))?;
        let now = self.now();
        let at = said.at.unwrap_or(now);
        let mut bypassed = BTreeMap::new();
        let patient = match (&said.patient_scan, said.patient_bypass) {
            (Some(scan), _) => Scanned::Is(self.is_wristband(scan)?),
            (None, Some(why)) => {
                bypassed.insert("patient".to_owned(), why.as_str().to_owned());
                Scanned::Bypassed(why)
            }
            (None, None) => Scanned::Nothing,
        };
        let dose = said.quantity.unwrap_or(chosen.per_dose);
        let needed = dose.plus(said.waste.unwrap_or_default());
        let (drug, lot) = match (&said.drug_scan, said.drug_bypass) {
            (Some(scan), _) => {
                let (unit, lot) = self.unit_of(scan, said.lot.as_deref(), needed)?;
                (Scanned::Is(unit), lot)
            }
            (None, Some(why)) => {
                bypassed.insert("drug".to_owned(), why.as_str().to_owned());
                let lot = self.lot_by_hand(said.lot.as_deref(), needed);
                // What is not scanned is looked at all the same.
                match &lot {
                    Some((product, name)) => {
                        let fit = self.fitness(product, name)?;
                        let unit = Unit { is_of_order: true, is_on_ward: true, lot: fit };
                        match fit {
                            LotFitness::Fit => (Scanned::Bypassed(why), lot),
                            _ => (Scanned::Is(unit), lot),
                        }
                    }
                    None => {
                        let unit =
                            Unit { is_of_order: true, is_on_ward: false, lot: LotFitness::Fit };
                        (Scanned::Is(unit), None)
                    }
                }
            }
            (None, None) => (Scanned::Nothing, None),
        };
        let given: Vec<Given> = self
            .kept
            .doses
            .iter()
            .filter(|it| matches!(it.state, dose::State::Given | dose::State::Running))
            .map(|it| Given { at: it.at, quantity: it.quantity })
            .collect();
        let is_needed = self.kept.request.is_as_needed();
        let limits = is_needed.then(|| self.kept.request.as_needed.clone().unwrap_or_default());
        let due = if is_needed { None } else { said.due };
        if let Some(due) = due {
            self.is_due(due)?;
            dose::step(self.dose_state(Some(due)), dose::Event::Give)?;
        } else if !is_needed && !self.is_continuous() {
            let why = "says which dose it is";
            return Err(MedsError::Request { place: "due", why });
        }
        let vitals = self.vitals(now)?;
        let has_second =
            self.second.is_some_and(|it| it.actor != self.cx.actor.id && SECOND.contains(&it.role));
        let loud: Vec<_> = self.loud().collect();
        let findings = rules::look(&Look {
            now,
            today: self.today(),
            patient,
            drug,
            ordered: chosen.per_dose,
            dose,
            due,
            window: self.window()?,
            as_needed: limits.as_ref(),
            as_needed_for: said.needed_for.as_deref(),
            given: &given,
            vital_rules: &self.kept.request.vital_signs,
            vitals: &vitals,
            unsettled_allergy: loud.iter().any(|it| it.is_allergy()),
            unsettled: !loud.is_empty(),
            is_high_alert: chosen.is_high_alert,
            has_second,
            reason: said.reason.as_deref(),
            at,
        });
        Ok(Seen { lot, findings, quantity: dose, bypassed })
    }

    fn give(&mut self, said: &Giving) -> Result<(), MedsError> {
        let seen = self.see(said)?;
        if !rules::may_give(&seen.findings, said.reason.as_deref()) {
            return Err(MedsError::Bedside(seen.findings));
        }
        let (product, lot) = seen.lot.ok_or(StockRefusal::NoSuchLot)?;
        self.kept.supply.take((&product, &lot), Move::Administer, seen.quantity)?;
        if let Some(rate) = said.rate
            && let Some(titration) = &self.kept.request.titration
        {
            titration.allows(None, rate)?;
        }
        let event = if said.rate.is_some() { dose::Event::Start } else { dose::Event::Give };
        let (state, effects) = dose::step(dose::State::Due, event)?;
        let at = said.at.unwrap_or(self.now());
        let is_needed = self.kept.request.is_as_needed();
        let dose = DoseKept {
            due: said.due.filter(|_| !is_needed),
            state,
            quantity: seen.quantity,
            product: Some(product.clone()),
            lot: Some(lot.clone()),
            second: self.second.map(|it| it.actor.to_string()),
            reason: said.reason.clone().filter(|why| !why.trim().is_empty()),
            needed_for: said.needed_for.clone().filter(|_| is_needed),
            rate: said.rate.map(|rate| (rate, at)),
            bypassed: seen.bypassed,
            ..self.new_dose(at)
        };
        let dose_id = dose.id.clone();
        self.record(dose)?;
        self.put_issues()?;
        if let Some(waste) = said.waste.filter(|it| !it.is_zero()) {
            let reason = "the rest of a package".to_owned();
            let quantity = waste;
            let product = Some(product);
            self.waste(&Leftover { lot, product, quantity, reason, location: None })?;
        }
        if effects.contains(&dose::Effect::FollowUp) && is_needed {
            self.ask_whether_it_helped(&dose_id)?;
        }
        // What is given once is over when it is given.
        if self.is_once() && said.rate.is_none() && self.kept.state != State::Signed {
            self.step(Event::Complete)?;
            self.ask_for_return()?;
        }
        Ok(())
    }

    fn new_dose(&self, at: Timestamp) -> DoseKept {
        DoseKept {
            id: self.dose_id(),
            due: None,
            state: dose::State::Due,
            at,
            quantity: Quantity::ZERO,
            product: None,
            lot: None,
            by: self.by(),
            second: None,
            reason: None,
            needed_for: None,
            rate: None,
            effect: None,
            bypassed: BTreeMap::new(),
        }
    }

    fn dose_id(&self) -> String {
        let n = self.kept.doses.len().to_string();
        self.derived(&["medication-dose", self.id.as_str(), &n]).to_string()
    }

    fn dose_state(&self, due: Option<Timestamp>) -> dose::State {
        due.and_then(|due| self.kept.dose_of(due)).map_or(dose::State::Due, |it| it.state)
    }

    fn record(&mut self, dose: DoseKept) -> Result<(), MedsError> {
        if DOSES_MAX <= self.kept.doses.len() {
            let why = "has 1024 doses, which is the most: order it anew";
            return Err(MedsError::Request { place: "order", why });
        }
        self.put_administration(&dose)?;
        self.kept.doses.push(dose);
        Ok(())
    }

    /// - Source: FHIR R4, MedicationAdministration.
    fn put_administration(&mut self, dose: &DoseKept) -> Result<(), MedsError> {
        let Some(status) = dose.state.fhir() else { return Ok(()) };
        let id: FhirId = dose.id.parse().map_err(|_| MedsError::NotFound)?;
        let mut out = json!({
            "resourceType": "MedicationAdministration",
            "identifier": [{ "system": SYSTEM, "value": dose.id }],
            "status": status,
            "subject": { "reference": format!("Patient/{}", self.patient) },
            "performer": [{ "actor": actor(&dose.by) }],
            "request": { "reference": format!("MedicationRequest/{}", self.id) },
        });
        match (&dose.product, &dose.lot) {
            (Some(product), Some(lot)) => {
                let medication = self.medication_of(product, lot, None)?;
                put(&mut out, "medicationReference", medication);
            }
            _ => put(&mut out, "medicationCodeableConcept", ordered(&self.kept)),
        }
        if let Some(encounter) = self.kept.encounter() {
            put(&mut out, "context", json!({ "reference": format!("Encounter/{encounter}") }));
        }
        let at = dose.at.to_string();
        match dose.rate {
            Some(_) if dose.state == dose::State::Running => {
                put(&mut out, "effectivePeriod", json!({ "start": at }));
            }
            Some(_) => {
                let end = self.now().to_string();
                put(&mut out, "effectivePeriod", json!({ "start": at, "end": end }));
            }
            None => put(&mut out, "effectiveDateTime", json!(at)),
        }
        if let Some(second) = &dose.second {
            let verifier = json!({
                "function": { "coding": [{
                    "system": "http://terminology.hl7.org/CodeSystem/med-admin-perform-function",
                    "code": "verifier",
                }] },
                "actor": actor(second),
            });
            if let Some(all) = out.get_mut("performer").and_then(Value::as_array_mut) {
                all.push(verifier);
            }
        }
        let is_not_given = dose.state.is_not_given() || dose.state == dose::State::Paused;
        if let (true, Some(why)) = (is_not_given, &dose.reason) {
            put(&mut out, "statusReason", json!([{ "text": why }]));
        }
        if let Some(why) = &dose.needed_for {
            put(&mut out, "reasonCode", json!([{ "text": why }]));
        }
        put(&mut out, "dosage", self.dosage_of(dose));
        let mut notes: Vec<Value> = Vec::new();
        let mut note = |text: String| notes.push(json!({ "text": text }));
        if let (false, Some(why)) = (is_not_given, &dose.reason) {
            note(why.clone());
        }
        for (what, why) in &dose.bypassed {
            note(format!("{what} not scanned: {why}"));
        }
        if let Some(effect) = &dose.effect {
            note(format!("effect: {effect}"));
        }
        if !notes.is_empty() {
            put(&mut out, "note", Value::Array(notes));
        }
        self.put(ResourceType::MEDICATION_ADMINISTRATION, &id, &out)
    }

    fn dosage_of(&self, dose: &DoseKept) -> Value {
        let line = self.kept.request.dosage.first();
        let mut dosage = json!({});
        for name in ["text", "site", "route", "method"] {
            if let Some(value) = line.and_then(|it| it.get(name)) {
                put(&mut dosage, name, value.clone());
            }
        }
        if !dose.quantity.is_zero() {
            let ordered = line.and_then(|it| it.pointer("/doseAndRate/0/doseQuantity"));
            let chosen = self.kept.chosen.as_ref();
            let is_whole = chosen.is_some_and(|it| it.per_dose == dose.quantity);
            let unit = chosen.map_or("", |it| it.unit.as_str());
            // The dose as it was ordered, where it was given whole.
            let given = ordered.filter(|_| is_whole).cloned();
            put(&mut dosage, "dose", given.unwrap_or_else(|| quantity(dose.quantity, unit)));
        }
        if let (Some((rate, _)), Some(titration)) = (dose.rate, &self.kept.request.titration) {
            put(&mut dosage, "rateQuantity", quantity(rate, &titration.unit));
        } else if let Some((rate, _)) = dose.rate {
            put(&mut dosage, "rateQuantity", quantity(rate, "mL/h"));
        }
        dosage
    }

    /// Whether a wristband is the patient's: a number of theirs, or the id of their record.
    fn is_wristband(&self, scan: &str) -> Result<bool, MedsError> {
        let scan = scan.trim();
        let plain = match barcode::read(scan) {
            Ok(it) => it.text.unwrap_or_else(|| scan.to_owned()),
            Err(_) => scan.to_owned(),
        };
        let plain = plain.trim();
        if plain.is_empty() {
            return Ok(false);
        }
        let key = values::key(ResourceType::PATIENT, &self.patient);
        let Some((patient, _)) = read(self.reader, &key)? else { return Ok(false) };
        let own = [self.patient.to_string(), format!("Patient/{}", self.patient)];
        let numbers = patient.get("identifier").and_then(Value::as_array).into_iter().flatten();
        Ok(own.iter().any(|it| it == plain)
            || numbers.filter_map(|it| text(it, "value")).any(|it| it == plain || it == scan))
    }

    /// The unit dose of a scan: its product, its lot, and what is to be said of them.
    #[expect(clippy::type_complexity, reason = "a unit, and the product and lot it is of")]
    fn unit_of(
        &self,
        scan: &str,
        lot: Option<&str>,
        needed: Quantity,
    ) -> Result<(Unit, Option<(String, String)>), MedsError> {
        let other = Unit { is_of_order: false, is_on_ward: false, lot: LotFitness::Fit };
        let Ok(scan) = barcode::read(scan) else { return Ok((other, None)) };
        // The label of a batch of our own.
        if let Some(batch) = scan.text.as_deref()
            && let Some(found) = self.kept.supply.lots.iter().find(|it| it.lot == batch)
        {
            let fit = self.fitness(&found.product, batch)?;
            let is_on_ward = needed <= found.on_ward;
            let unit = Unit { is_of_order: true, is_on_ward, lot: fit };
            return Ok((unit, Some((found.product.clone(), batch.to_owned()))));
        }
        let products: std::collections::BTreeSet<&String> =
            self.kept.supply.lots.iter().map(|it| &it.product).collect();
        let chosen = self.kept.chosen.as_ref().map(|it| &it.product);
        for product in products.into_iter().chain(chosen) {
            let key = stock::key_of(product)?;
            let Some((kept, _)) = own_read::<ProductKept>(self.reader, &key)? else { continue };
            if !kept.is_scanned(&scan) {
                continue;
            }
            let name = scan.lot.as_deref().or(lot).map(str::to_owned);
            let of_product = self.kept.supply.lots.iter().filter(|it| it.product == *product);
            let found = match &name {
                Some(name) => of_product.clone().find(|it| it.lot == *name),
                None => of_product.clone().find(|it| needed <= it.on_ward),
            };
            let Some(found) = found else {
                let fit = match &name {
                    Some(name) => self.fitness(product, name)?,
                    None => LotFitness::Fit,
                };
                return Ok((Unit { is_of_order: true, is_on_ward: false, lot: fit }, None));
            };
            let mut fit = self.fitness(product, &found.lot)?;
            if scan.expires.is_some_and(|day| day < self.today()) {
                fit = LotFitness::Expired;
            }
            let is_on_ward = needed <= found.on_ward;
            let unit = Unit { is_of_order: true, is_on_ward, lot: fit };
            return Ok((unit, Some((product.clone(), found.lot.clone()))));
        }
        Ok((other, None))
    }

    /// A lot that is on the ward, where nothing can be scanned.
    fn lot_by_hand(&self, lot: Option<&str>, needed: Quantity) -> Option<(String, String)> {
        let lots = self.kept.supply.lots.iter().filter(|it| needed <= it.on_ward);
        let mut lots = lots.filter(|it| lot.is_none_or(|lot| it.lot == lot));
        lots.next().map(|it| (it.product.clone(), it.lot.clone()))
    }

    fn fitness(&self, product: &str, lot: &str) -> Result<LotFitness, MedsError> {
        if let Some(batch) = self.kept.batches.iter().find(|it| it.id == lot) {
            let is_past = batch.beyond_use <= self.now();
            // A part of it may be recalled since.
            for part in &batch.components {
                let (_, kept, _) = stock::product(self.reader, &part.product)?;
                match stock::fitness(&kept, &part.lot, self.today()) {
                    Some(StockRefusal::Recalled) => return Ok(LotFitness::Recalled),
                    Some(StockRefusal::Quarantined) => return Ok(LotFitness::Quarantined),
                    _ => {}
                }
            }
            return Ok(if is_past { LotFitness::BeyondUse } else { LotFitness::Fit });
        }
        let (_, kept, _) = stock::product(self.reader, product)?;
        Ok(match stock::fitness(&kept, lot, self.today()) {
            None | Some(StockRefusal::NoSuchLot) => LotFitness::Fit,
            Some(StockRefusal::Recalled) => LotFitness::Recalled,
            Some(StockRefusal::Quarantined) => LotFitness::Quarantined,
            Some(_) => LotFitness::Expired,
        })
    }

    /// The vital signs that this order asks for.
    fn vitals(&self, now: Timestamp) -> Result<Vec<Vital>, MedsError> {
        let mut vitals = Vec::new();
        for rule in &self.kept.request.vital_signs {
            let back = SignedDuration::from_mins(i64::from(rule.max_age_min).max(24 * 60));
            let since = now.checked_sub(back).unwrap_or(Timestamp::MIN);
            let since = since.strftime("%Y-%m-%dT%H:%M:%SZ");
            let code = &rule.code;
            if !code.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-') {
                return Err(MedsError::Request { place: "vitalSigns.code", why: "is no code" });
            }
            let query = format!("subject=Patient/{}&code={code}&date=ge{since}", self.patient);
            let kind = ResourceType::OBSERVATION;
            let found = values::search(self.reader, kind, &query, (VITALS_MAX, None))?;
            for hit in &found.hits {
                let stored = self.reader.fetch(hit)?;
                let Ok(it) = serde_json::from_slice::<Value>(&stored.body) else { continue };
                let value = it.pointer("/valueQuantity/value").and_then(Value::as_f64);
                let at = text(&it, "effectiveDateTime").and_then(|it| it.parse().ok());
                let is_final =
                    !matches!(text(&it, "status"), Some("entered-in-error" | "cancelled"));
                if let (Some(value), Some(at), true) = (value, at, is_final) {
                    vitals.push(Vital { code: code.clone(), value, at });
                }
            }
        }
        Ok(vitals)
    }

    fn window(&self) -> Result<ward_rules::medication_order::schedule::Window, MedsError> {
        let ward = emar::ward_of(self.reader, &self.patient)?;
        Ok(self.pharmacy.settings.window_of(ward.as_deref()))
    }

    /// Whether a time is one of the order's.
    fn is_due(&self, due: Timestamp) -> Result<(), MedsError> {
        let second = SignedDuration::from_secs(1);
        let until = due.checked_add(second).unwrap_or(Timestamp::MAX);
        let times = emar::times(self.pharmacy, &self.kept, (due, until));
        match times {
            Some(times) if times.contains(&due) => Ok(()),
            // Nobody can tell from the order when it is due: who gives it says so.
            None => Ok(()),
            Some(_) => Err(MedsError::Request { place: "due", why: "is no time of this order" }),
        }
    }

    /// Given once.
    fn is_once(&self) -> bool {
        let once =
            |it: &Value| it.pointer("/timing/repeat/count").and_then(Value::as_u64) == Some(1);
        !self.kept.request.is_as_needed() && self.kept.request.dosage.iter().all(once)
    }

    /// An infusion that runs, with no times of its own.
    fn is_continuous(&self) -> bool {
        self.kept.request.titration.is_some()
            || self.kept.request.dosage.iter().any(|it| {
                it.pointer("/doseAndRate/0/rateQuantity").is_some() && it.get("timing").is_none()
            })
    }

    fn ask_whether_it_helped(&mut self, dose: &str) -> Result<(), MedsError> {
        let id = self.derived(&["medication-follow-up", dose]);
        let now = self.now();
        let by = now.checked_add(SignedDuration::from_mins(FOLLOW_UP_MIN)).unwrap_or(now);
        let task = json!({
            "resourceType": "Task",
            "identifier": [{ "system": SYSTEM, "value": self.id.as_str() }],
            "status": "requested",
            "intent": "order",
            "code": { "coding": [{
                "system": SYSTEM, "code": "follow-up", "display": "See whether it has helped",
            }] },
            "focus": { "reference": format!("MedicationAdministration/{dose}") },
            "for": { "reference": format!("Patient/{}", self.patient) },
            "authoredOn": now.to_string(),
            "lastModified": now.to_string(),
            "restriction": { "period": { "end": by.to_string() } },
        });
        self.put(ResourceType::TASK, &id, &task)
    }
}

/// What a refusal is for those who answer it.
pub fn kind_of(error: &MedsError) -> Kind {
    match error {
        MedsError::NotFound => Kind::NotFound,
        MedsError::NotAllowed => Kind::Refused,
        MedsError::Request { .. } => Kind::Invalid,
        MedsError::State(_)
        | MedsError::Dose(_)
        | MedsError::Unsettled(_)
        | MedsError::NeedsSecond(_)
        | MedsError::OtherSecond
        | MedsError::Stock(_)
        | MedsError::Supply(_)
        | MedsError::Titration(_)
        | MedsError::Bedside(_)
        | MedsError::Undecided(_) => Kind::Conflict,
        _ => Kind::Busy,
    }
}
