//! Orders that others write: one that an interface or a client tells of waits for the pharmacist
//! like one that was signed here.
//!
//! The record stays theirs: Ward changes its status and nothing else. What an order here goes by is
//! one version of it; until a newer one was looked at nobody goes on with the order.

use serde_json::{Value, json};
use ward_core::{AuditAction, AuditOutcome, Ctx, FhirId, RecordKey, ResourceType};
use ward_policy::Action;
use ward_rules::medication_order::order::{Effect, Event, State};
use ward_store::{
    CommitError, CommitUnit, Interaction, ReadError, Reader, Stored,
    values::{self, text},
    workflow::own_read,
};

use super::{
    commit::{Act, Pharmacy, whole},
    error::MedsError,
    flow::{MEDICATION, SYSTEM},
    kept::{OrderKept, Told},
    read_told::{self, is_over, placers},
};
use crate::settings::Take;

/// What somebody else wrote of an order came to this.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Taken {
    /// It is none for here, or was taken already.
    Nothing,
    /// It waits for the pharmacist now.
    Entered,
    /// It is another one now, or over.
    Changed,
    /// It cannot be taken as it is: a Task says so.
    Asked,
}

const NEEDS: (Action, ResourceType) = (Action::Update, ResourceType::MEDICATION_REQUEST);

impl Pharmacy {
    /// Takes in what somebody else wrote of an order.
    ///
    /// - Audit: `operation` on the MedicationRequest where something comes of it.
    /// - Repeat: safe; one version is taken once.
    pub async fn take(&self, cx: &Ctx, id: &FhirId) -> Result<Taken, MedsError> {
        let whole = whole(cx);
        let key = values::key(ResourceType::MEDICATION_REQUEST, id);
        let act =
            Interaction::on(AuditAction::Read, key.clone()).with_detail("order told".to_owned());
        let reader = self.chart().reader(&whole, act);
        let looked = self.looked_at(&reader, &key);
        let outcome = match looked {
            Ok(_) => AuditOutcome::Success,
            Err(_) => AuditOutcome::MinorFailure,
        };
        reader.finish(outcome).await?;
        let is_new = match looked? {
            Looked::Nothing => return Ok(Taken::Nothing),
            Looked::New => true,
            Looked::Known => false,
        };
        let done = match is_new {
            true => self.enter(cx, &key).await.map(|()| Taken::Entered),
            false => self.follow(cx, id).await.map(|()| Taken::Changed),
        };
        match done {
            // What can be mended by asking again is asked again; the rest is for a person.
            Err(MedsError::Request { why, .. }) => self.ask_about(cx, &key, why).await,
            Err(MedsError::State(_)) => {
                self.ask_about(cx, &key, "it goes on where it was ordered, and is over here").await
            }
            done => done,
        }
    }

    fn looked_at(&self, reader: &Reader<'_>, key: &RecordKey) -> Result<Looked, MedsError> {
        let Some(stored) = reader.get(key)? else { return Ok(Looked::Nothing) };
        let instance = self.engine.load(reader, &key.id)?;
        if let Some(kept) = instance.as_ref().and_then(OrderKept::of) {
            let is_seen = kept.told.is_none_or(|told| stored.version <= told.version);
            return Ok(if is_seen { Looked::Nothing } else { Looked::Known });
        }
        if stored.deleted || instance.is_some() {
            return Ok(Looked::Nothing);
        }
        let Ok(order) = serde_json::from_slice::<Value>(&stored.body) else {
            return Ok(Looked::Nothing);
        };
        let is_wanted = self.is_for_here(reader, &order)? && !self.is_there(reader, key, &order)?;
        Ok(if is_wanted { Looked::New } else { Looked::Nothing })
    }

    /// Whether an order of somebody else is one that this pharmacy verifies.
    fn is_for_here(&self, reader: &Reader<'_>, order: &Value) -> Result<bool, MedsError> {
        if self.settings.orders_of_others == Take::None || !read_told::is_order(order) {
            return Ok(false);
        }
        let Some(patient) = read_told::patient(order) else { return Ok(false) };
        let is_placed = !placers(order).is_empty();
        if is_placed || self.settings.orders_of_others == Take::Placed {
            return Ok(is_placed);
        }
        if read_told::is_inpatient(order) || read_told::is_in_stay(reader, order)? {
            return Ok(true);
        }
        // Without a number, a category and a stay, where the patient is says whose order it is.
        let stay = own_read::<Value>(reader, &values::key(ResourceType::STAY, &patient))?;
        let is_open = |(stay, _): (Value, u32)| stay.get("isOpen").and_then(Value::as_bool);
        Ok(stay.and_then(is_open) == Some(true))
    }

    /// Whether the same order waits or goes on here already, under another record.
    fn is_there(
        &self,
        reader: &Reader<'_>,
        key: &RecordKey,
        order: &Value,
    ) -> Result<bool, MedsError> {
        let Some(patient) = read_told::patient(order) else { return Ok(false) };
        let goes_on = |id: &FhirId| -> Result<bool, ReadError> {
            let instance = self.engine.load(reader, id)?;
            let of = instance.filter(|it| it.patient().as_ref() == Some(&patient));
            Ok(of.and_then(|it| OrderKept::of(&it)).is_some_and(|kept| !kept.state.is_over()))
        };
        for (system, value) in placers(order) {
            // What went out from here comes back under the number that it has here.
            if let Ok(own) = value.parse::<FhirId>()
                && own != key.id
                && goes_on(&own)?
            {
                return Ok(true);
            }
            let query = read_told::with_identifier(&system, &value);
            let kind = ResourceType::MEDICATION_REQUEST;
            let mut after = None;
            loop {
                let found = values::search_in(reader, &patient, kind, &query, (100, after))?;
                for hit in &found.hits {
                    let other = reader.key(hit)?;
                    if other != *key && goes_on(&other.id)? {
                        return Ok(true);
                    }
                }
                after = found.next;
                if after.is_none() {
                    break;
                }
            }
        }
        Ok(false)
    }

    async fn enter(&self, cx: &Ctx, key: &RecordKey) -> Result<(), MedsError> {
        let of = |reader: &Reader<'_>| {
            let (order, version) = current(reader, key)?;
            let patient = read_told::patient(&order).ok_or(MedsError::NotFound)?;
            let instance =
                self.engine.fresh(cx, MEDICATION.name, (key.id.clone(), &patient), json!({}))?;
            let request = read_told::request(reader, &order)?;
            request.check()?;
            let mut kept = OrderKept::new(request, cx);
            kept.ordered_by = read_told::orderer(reader, &order)?;
            kept.told = Some(Told { version });
            Ok((instance, kept, true))
        };
        let make = |act: &mut Act<'_>| {
            let (order, _) = current(act.reader, key)?;
            if is_over(&order) || text(&order, "status") != Some("active") {
                // It ended while it was looked at; its next version says so.
                return Err(MedsError::NotFound);
            }
            act.step(Event::Check)?;
            act.check()?;
            act.step(Event::Sign)?;
            act.kept.signed_at = Some(read_told::authored(&order).unwrap_or(act.now()));
            if act.kept.request.start.is_none() {
                act.kept.request.start = act.kept.signed_at;
            }
            act.put_issues()
        };
        match self.run(cx, (&key.id, "take"), NEEDS, None, of, make).await {
            Err(MedsError::NotFound) => Ok(()),
            done => done.map(|_| ()),
        }
    }

    async fn follow(&self, cx: &Ctx, id: &FhirId) -> Result<(), MedsError> {
        let key = values::key(ResourceType::MEDICATION_REQUEST, id);
        let done = self.act(cx, (id, "take"), NEEDS, None, |act| act.follow(&key));
        done.await.map(|_| ())
    }

    /// A Task for the pharmacy; once for each version of the record.
    async fn ask_about(&self, cx: &Ctx, key: &RecordKey, why: &str) -> Result<Taken, MedsError> {
        let whole = whole(cx);
        let act = Interaction::on(AuditAction::Operation, key.clone())
            .with_detail("medication not taken".to_owned());
        let reader = self.chart().reader(&whole, act);
        let found = reader.get(key)?;
        let order: Option<Value> =
            found.as_ref().and_then(|it| serde_json::from_slice(&it.body).ok());
        let (Some(stored), Some(order)) = (found, order) else {
            reader.finish(AuditOutcome::Success).await?;
            return Ok(Taken::Nothing);
        };
        let version = stored.version.to_string();
        let id = self.chart().derived_id(&["medication-not-taken", key.id.as_str(), &version]);
        let of = values::key(ResourceType::TASK, &id);
        if self.chart().current(&of)?.is_some() {
            reader.finish(AuditOutcome::Success).await?;
            return Ok(Taken::Asked);
        }
        let task = json!({
            "resourceType": "Task",
            "status": "requested",
            "intent": "order",
            "priority": "urgent",
            "identifier": [{ "system": SYSTEM, "value": key.id.as_str() }],
            "code": {
                "coding": [{ "system": SYSTEM, "code": "not-taken", "display": "Order not taken" }],
                "text": format!("This order does not wait in the pharmacist's queue: {why}."),
            },
            "focus": { "reference": key.to_string() },
            "for": order.get("subject"),
            "authoredOn": cx.now.to_string(),
            "lastModified": cx.now.to_string(),
        });
        let mut unit = CommitUnit::default();
        unit.writes.extend(values::write(&task, &of, None, cx.now, self.engine.base()));
        let heard = unit.writes.clone();
        match reader.commit(&whole, unit).await {
            Ok(_) => self.engine.heard(&heard),
            Err(CommitError::Exists { .. } | CommitError::Stale { .. }) => {}
            Err(error) => return Err(error.into()),
        }
        Ok(Taken::Asked)
    }

    /// Whether the record of an order was deleted by who keeps it.
    pub(crate) fn is_withdrawn(&self, id: &FhirId, kept: &OrderKept) -> Result<bool, ReadError> {
        if kept.told.is_none() {
            return Ok(false);
        }
        let key = values::key(ResourceType::MEDICATION_REQUEST, id);
        Ok(self.chart().current(&key)?.is_none_or(|(_, is_deleted)| is_deleted))
    }

    /// Whether what an order goes by is what its record says now.
    pub(super) fn is_as_told(&self, id: &FhirId, kept: &OrderKept) -> Result<bool, MedsError> {
        let Some(told) = &kept.told else { return Ok(true) };
        let key = values::key(ResourceType::MEDICATION_REQUEST, id);
        let current = self.chart().current(&key)?;
        Ok(kept.state.is_over() || current == Some((told.version, false)))
    }
}

enum Looked {
    Nothing,
    New,
    Known,
}

impl Act<'_> {
    /// The order as its record says now.
    fn follow(&mut self, key: &RecordKey) -> Result<(), MedsError> {
        let stored = self.reader.get(key)?.ok_or(MedsError::NotFound)?;
        self.kept.told = Some(Told { version: stored.version });
        let order = value_of(&stored);
        let Some(order) = order else { return self.end(None, "deleted") };
        let status = text(&order, "status").unwrap_or("unknown");
        if is_over(&order) {
            return self.end(Some(&order), status);
        }
        if read_told::patient(&order).as_ref() != Some(&self.patient) {
            return self.end(None, "another patient's now");
        }
        if status != "active" {
            if self.kept.state.is_active() {
                self.step(Event::Hold)?;
                self.kept.why = Some(format!("{status} where it was ordered"));
            }
            return Ok(());
        }
        let next = read_told::request(self.reader, &order)?;
        next.check()?;
        let start = next.start.or(self.kept.request.start);
        let next = super::kept::OrderRequest { start, ..next };
        let is_same = next == self.kept.request;
        if is_same && self.kept.state.is_active() {
            return Ok(());
        }
        if next.medication != self.kept.request.medication {
            // What is on the ward is of the drug before.
            self.ask_for_return()?;
        }
        // Whatever was verified was another order: this one is looked at anew.
        match self.kept.state {
            State::Draft | State::Checked => {
                self.kept.request = next;
                self.step(Event::Check)?;
                self.step(Event::Sign)?;
            }
            State::Signed => self.kept.request = next,
            State::OnHold => {
                self.kept.request = next;
                self.step(Event::Resume)?;
            }
            _ => {
                self.step(Event::Hold)?;
                self.step(Event::Resume)?;
                self.kept.request = next;
            }
        }
        self.kept.chosen = None;
        (self.kept.verified_by, self.kept.verified_at, self.kept.why) = (None, None, None);
        self.kept.ordered_by = read_told::orderer(self.reader, &order)?;
        self.check()?;
        self.put_issues()
    }

    /// It is over where it was ordered.
    fn end(&mut self, order: Option<&Value>, status: &str) -> Result<(), MedsError> {
        let event = match self.kept.state {
            State::Draft | State::Checked => Event::Cancel,
            State::Stopped | State::Completed | State::Cancelled => return Ok(()),
            _ => Event::Stop,
        };
        let effects = self.step(event)?;
        let told = order.and_then(|it| it.pointer("/statusReason/text")?.as_str());
        self.kept.why = Some(match told {
            Some(why) => format!("{status} where it was ordered: {why}"),
            None => format!("{status} where it was ordered"),
        });
        if effects.contains(&Effect::AskForReturn) {
            self.ask_for_return()?;
        }
        Ok(())
    }

    /// The status of a record that somebody else keeps; the rest of it stays as they wrote it.
    pub(super) fn put_status(&mut self, told: Told) -> Result<(), MedsError> {
        let key = values::key(ResourceType::MEDICATION_REQUEST, self.id);
        let Some(stored) = self.reader.get(&key)? else { return Ok(()) };
        if stored.version != told.version {
            return Err(MedsError::Contended);
        }
        let Some(mut order) = value_of(&stored) else { return Ok(()) };
        let wanted = self.kept.state.fhir();
        let is_settled = is_over(&order) && self.kept.state.is_over();
        if text(&order, "status") == Some(wanted) || is_settled {
            return Ok(());
        }
        // That somebody else is told to look again does not take the order back.
        let status = if wanted == "draft" { "on-hold" } else { wanted };
        if text(&order, "status") == Some(status) {
            return Ok(());
        }
        values::put(&mut order, "status", json!(status));
        if let Some(why) = &self.kept.why {
            values::put(&mut order, "statusReason", json!({ "text": why }));
        }
        let (now, address) = (self.now(), self.pharmacy.engine().base());
        self.writes.extend(values::write(&order, &key, Some(stored.version), now, address));
        self.kept.told = Some(Told { version: stored.version.saturating_add(1) });
        Ok(())
    }
}

fn value_of(stored: &Stored) -> Option<Value> {
    if stored.deleted { None } else { serde_json::from_slice(&stored.body).ok() }
}

fn current(reader: &Reader<'_>, key: &RecordKey) -> Result<(Value, u32), MedsError> {
    values::read(reader, key)?.ok_or(MedsError::NotFound)
}
