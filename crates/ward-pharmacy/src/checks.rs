//! The loop's checker over the chart and the knowledge base of the house.

use std::sync::Arc;

use jiff::{SignedDuration, Timestamp, tz::TimeZone};
use serde_json::Value;
use ward_core::{FhirId, ResourceType};
use ward_rules::medication::{
    Issue, KnowledgeBase, check,
    timing::{Schedule, due},
};
use ward_store::{
    Reader,
    values::{self, read},
};

use crate::{
    checker::{CheckError, Checked, Checker, Found},
    context::{Source, context_of, dosing_of},
};

/// Most records of one kind that one check looks at.
/// LIMIT: a long stay has some hundreds of results in a month; past it the check says so.
const EACH_MAX: usize = 1_000;

/// How far back values are looked for, in days.
/// LIMIT: nothing older counts for a check but a height, and that is measured again.
const BACK_DAYS: i64 = 400;

/// What lends the knowledge base for one check: the one in use, or none.
pub type Lent = Arc<dyn Fn(&mut dyn FnMut(Option<&KnowledgeBase>)) + Send + Sync>;

/// Checks by what the chart says now and by the knowledge base that is in use now.
pub struct HouseChecker {
    pub knowledge: Lent,
    pub zone: TimeZone,
    /// When wards give what is ordered by a name such as BID.
    pub schedule: Schedule,
}

/// The kinds of record of a patient that a check looks at.
const KINDS: [(ResourceType, &str); 7] = [
    (ResourceType::ALLERGY_INTOLERANCE, ""),
    (ResourceType::CONDITION, ""),
    (ResourceType::OBSERVATION, "date"),
    (ResourceType::MEDICATION_REQUEST, "&status=active,on-hold,completed,stopped"),
    (ResourceType::MEDICATION_STATEMENT, "&status=active,intended,completed"),
    // Ward's own Lists are of reconciliation; "no known allergies" comes as a List too.
    (ResourceType::LIST, ""),
    (ResourceType::PROCEDURE, ""),
];

impl Checker for HouseChecker {
    fn check(
        &self,
        reader: &Reader<'_>,
        patient: &FhirId,
        proposed: &[Value],
        now: Timestamp,
    ) -> Result<Vec<Checked>, CheckError> {
        let (records, is_cut) = gather(reader, patient, proposed, now)?;
        let of = |(nth, order): (usize, &Value)| {
            // What is proposed together is looked at as if the rest were signed already.
            let others = proposed.iter().enumerate().filter(|(other, _)| *other != nth);
            let others: Vec<Value> = others.map(|(_, other)| as_signed(other)).collect();
            let known = records.iter().chain(&others).collect();
            let mut source = Source::new(known, vec![order], now);
            source.zone = self.zone.clone();
            let cx = context_of(&source);
            let mut checked = None;
            (self.knowledge)(&mut |base| {
                checked = base.map(|base| Checked {
                    found: check(base, &cx).iter().map(found).collect(),
                    knowledge_base: Some(base.label()),
                });
            });
            let mut checked = checked.unwrap_or_else(|| Checked {
                found: vec![Found::no_knowledge_base()],
                knowledge_base: None,
            });
            if is_cut {
                checked.found.push(Found {
                    rule: "check.too-many-records@1".to_owned(),
                    summary: format!("Not fully checked: more than {EACH_MAX} records of a kind."),
                    key: "check.too-many-records".to_owned(),
                    ..Found::no_knowledge_base()
                });
            }
            checked
        };
        Ok(proposed.iter().enumerate().map(of).collect())
    }

    fn due(
        &self,
        dosage: &Value,
        start: Timestamp,
        (from, to): (Timestamp, Timestamp),
        zone: &TimeZone,
    ) -> Option<Vec<Timestamp>> {
        let (dosing, gaps) = dosing_of(dosage, zone);
        if gaps.iter().any(|gap| gap.place.contains("timing")) {
            return None;
        }
        due(&dosing.timing, start, from, to, zone, &self.schedule).ok()
    }
}

fn as_signed(order: &Value) -> Value {
    let mut order = order.clone();
    values::put(&mut order, "status", Value::from("active"));
    order
}

/// A finding as it is kept with an order.
pub fn found(issue: &Issue) -> Found {
    let used = issue.used.iter().map(|it| match it.age_h {
        Some(age) => format!("{}: {} ({age} h old)", it.what, it.value),
        None => format!("{}: {}", it.what, it.value),
    });
    Found {
        kind: issue.kind.name().to_owned(),
        tier: issue.tier,
        rule: format!("{}@{} {}", issue.rule.id, issue.rule.version, issue.rule.knowledge_base),
        summary: issue.message.summary.clone(),
        mechanism: issue.message.mechanism.clone(),
        action: issue.message.action.clone(),
        source: issue.message.source.clone(),
        orders: issue.orders.clone(),
        used: used.collect(),
        illustrative: issue.illustrative,
        key: issue.key.clone(),
    }
}

/// Everything of a patient that a check looks at, and whether some of it was left out.
fn gather(
    reader: &Reader<'_>,
    patient: &FhirId,
    proposed: &[Value],
    now: Timestamp,
) -> Result<(Vec<Value>, bool), CheckError> {
    let (mut records, mut is_cut) = (Vec::new(), false);
    let key = values::key(ResourceType::PATIENT, patient);
    records.extend(read(reader, &key)?.map(|(patient, _)| patient));
    for (kind, more) in KINDS {
        let mut query = format!("patient=Patient/{patient}");
        if more == "date" {
            let from = now.checked_sub(SignedDuration::from_hours(24 * BACK_DAYS)).unwrap_or(now);
            // The newest first: where some are left out, it is those that count least.
            query.push_str(&format!("&date=ge{}&_sort=-date", from.strftime("%Y-%m-%d")));
        } else {
            query.push_str(more);
        }
        let found = values::search(reader, kind, &query, (EACH_MAX, None))?;
        is_cut |= found.next.is_some();
        for hit in &found.hits {
            let stored = reader.fetch(hit)?;
            records.extend(serde_json::from_slice::<Value>(&stored.body));
        }
    }
    let mut drugs: Vec<FhirId> = Vec::new();
    for it in records.iter().chain(proposed) {
        let reference = it.pointer("/medicationReference/reference").and_then(Value::as_str);
        drugs.extend(reference.and_then(|it| values::id_of(it, "Medication")));
    }
    drugs.sort();
    drugs.dedup();
    for id in drugs {
        let key = values::key(ResourceType::MEDICATION, &id);
        records.extend(read(reader, &key)?.map(|(drug, _)| drug));
    }
    Ok((records, is_cut))
}
