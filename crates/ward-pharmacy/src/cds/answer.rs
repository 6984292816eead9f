//! What speaks against orders: our own checks and those of others, for whoever asks.

use std::{cmp::Reverse, sync::Arc};

use jiff::{Timestamp, tz::TimeZone};
use serde_json::Value;
use ward_core::{FhirId, RecordKey, ResourceType};
use ward_rules::medication::{Issue, check};
use ward_store::{
    Reader,
    values::{self, id_of, text},
};

use super::{
    call::{Call, name_of},
    cards::{self, Card},
    feedback::{Shown, ShownCard},
    gather::{GatherError, Gathered, gather},
    remote::{Question, Remotes},
    services::Hook,
};
use crate::{
    context::{Source, context_of},
    knowledge::{House, InUse},
};

/// Everything that checks of this house need.
#[derive(Debug)]
pub struct Checks {
    pub house: Arc<House>,
    pub remotes: Remotes,
    /// The clock of the wards: a date without a time is a day there.
    pub zone: TimeZone,
    /// Cards that somebody may still say something of.
    pub shown: Shown,
}

/// What a check found, and by which knowledge base.
#[derive(Clone, Debug)]
pub struct Answer {
    /// The gravest first.
    pub issues: Vec<Issue>,
    pub knowledge: Arc<InUse>,
}

/// Who asks, about whom.
#[derive(Clone, Copy, Debug)]
pub struct Asked<'a> {
    pub hook: Hook,
    /// The same for one call, another for each.
    pub instance: &'a str,
    /// Opaque.
    pub user: &'a str,
    pub patient: &'a FhirId,
    pub encounter: Option<&'a FhirId>,
    /// MedicationRequests; where there are none, what is active is checked against itself.
    pub proposed: &'a [Value],
    pub now: Timestamp,
}

impl Checks {
    pub fn new(house: Arc<House>, remotes: Remotes, zone: TimeZone) -> Checks {
        Checks { house, remotes, zone, shown: Shown::default() }
    }

    /// Checks what was gathered, and asks the services of others beside it.
    pub async fn check(&self, asked: &Asked<'_>, gathered: &Gathered) -> Answer {
        let knowledge = self.house.current();
        let mut issues = own(&knowledge, asked, gathered, &self.zone);
        let drafts: Vec<Value> = asked.proposed.to_vec();
        let others = self.remotes.ask(Question {
            hook: asked.hook,
            instance: asked.instance,
            user: asked.user,
            patient: asked.patient.as_str(),
            encounter: asked.encounter.map(FhirId::as_str),
            drafts: &drafts,
            gathered,
        });
        issues.extend(others.await);
        // Stable: among equals our own come first.
        issues.sort_by_key(|it| Reverse(it.tier));
        Answer { issues, knowledge }
    }

    /// Answers a call of a service with cards.
    ///
    /// - Shape: cards of order-select and order-sign are about the orders that were chosen; the
    ///   others are what they are checked against.
    pub async fn answer(
        &self,
        call: &Call,
        gathered: &Gathered,
        (user, now, base): (&str, Timestamp, &str),
    ) -> Vec<Card> {
        let asked = Asked {
            hook: call.hook,
            instance: &call.instance,
            user,
            patient: &call.patient,
            encounter: call.encounter.as_ref(),
            proposed: &call.drafts,
            now,
        };
        if call.hook.has_orders() && call.selected.is_empty() {
            return Vec::new();
        }
        let Answer { mut issues, knowledge } = self.check(&asked, gathered).await;
        if call.hook.has_orders() {
            let is_chosen = |it: &Issue| {
                it.orders.is_empty() || it.orders.iter().any(|it| call.selected.contains(it))
            };
            issues.retain(is_chosen);
        }
        let cards = cards::cards(&issues, call, &knowledge, base);
        let kept = cards::kept(&cards, &issues, call);
        let kept = kept.into_iter().map(|(uuid, issue)| {
            let patient = call.patient.clone();
            (uuid, ShownCard { service: call.hook.service(), patient, issue })
        });
        self.shown.keep(kept.collect());
        cards
    }
}

/// Reads what a call needs, under the caller's rights.
pub fn gathered(reader: &Reader<'_>, call: &Call, now: Timestamp) -> Result<Gathered, GatherError> {
    let mut gathered = gather(reader, &call.patient, &call.prefetch, now)?;
    for (address, drug) in &call.drugs {
        gathered.take(address.as_deref(), drug.clone());
    }
    medications(reader, &call.drafts, &mut gathered)?;
    Ok(gathered)
}

/// Reads what is known of a patient, and the drugs that orders refer to.
pub fn gathered_of(
    reader: &Reader<'_>,
    patient: &FhirId,
    proposed: &[Value],
    now: Timestamp,
) -> Result<Gathered, GatherError> {
    let mut gathered = gather(reader, patient, &[], now)?;
    medications(reader, proposed, &mut gathered)?;
    Ok(gathered)
}

/// Drugs that orders name by reference.
fn medications(
    reader: &Reader<'_>,
    proposed: &[Value],
    gathered: &mut Gathered,
) -> Result<(), GatherError> {
    let mut ids: Vec<FhirId> = Vec::new();
    for it in gathered.records.iter().chain(proposed) {
        let reference = it.get("medicationReference").and_then(|it| text(it, "reference"));
        if let Some(id) = reference.and_then(|it| id_of(it, "Medication"))
            && !ids.contains(&id)
        {
            ids.push(id);
        }
    }
    for id in ids {
        let is_here = |it: &Value| {
            text(it, "resourceType") == Some("Medication") && text(it, "id") == Some(id.as_str())
        };
        if gathered.records.iter().any(is_here) {
            continue;
        }
        let key = RecordKey::new(ResourceType::MEDICATION, id.clone());
        if let Some((found, _)) = values::read(reader, &key)? {
            gathered.records.push(found);
        }
    }
    Ok(())
}

/// Our own checks.
fn own(knowledge: &InUse, asked: &Asked<'_>, gathered: &Gathered, zone: &TimeZone) -> Vec<Issue> {
    let resources: Vec<&Value> = gathered.resources().collect();
    let proposed: Vec<&Value> = match asked.proposed {
        [] => active(&resources),
        some => some.iter().collect(),
    };
    if proposed.is_empty() && !asked.hook.has_orders() && gathered.gaps.is_empty() {
        return Vec::new();
    }
    let mut source = Source::new(resources, proposed, asked.now);
    source.zone = zone.clone();
    source.addresses.extend(gathered.addresses.iter().map(|(url, it)| (url.clone(), it)));
    let mut cx = context_of(&source);
    cx.gaps.extend(gathered.gaps());
    check(&knowledge.base, &cx)
}

fn active<'v>(resources: &[&'v Value]) -> Vec<&'v Value> {
    let is_active = |it: &&&Value| {
        text(it, "resourceType") == Some("MedicationRequest")
            && text(it, "status") == Some("active")
    };
    resources.iter().filter(is_active).copied().collect()
}

/// The patient of some orders.
///
/// - Errors: what is wrong with which, by its place among them.
pub fn patient_of(orders: &[Value]) -> Result<FhirId, (usize, &'static str)> {
    let mut patient = None;
    for (n, it) in orders.iter().enumerate() {
        let subject = it.get("subject").and_then(|it| text(it, "reference"));
        let id = subject.and_then(|it| id_of(it, "Patient"));
        let id = id.ok_or((n, "`subject` refers to a Patient"))?;
        match &patient {
            None => patient = Some(id),
            Some(had) if *had == id => {}
            Some(_) => return Err((n, "it is of another patient than the one before it")),
        }
    }
    patient.ok_or((0, "there is no order to be checked"))
}

/// Gives orders without an id one, so that findings can name them.
pub fn named(mut orders: Vec<Value>) -> Vec<Value> {
    for (n, it) in orders.iter_mut().enumerate() {
        if text(it, "id").is_none() {
            values::put(it, "id", Value::String(format!("proposed-{}", n + 1)));
        }
    }
    debug_assert!(orders.iter().all(|it| !name_of(it).ends_with('/')), "each has an id");
    orders
}

#[cfg(test)]
#[path = "answer_tests.rs"]
mod tests;
