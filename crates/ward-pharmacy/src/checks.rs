//! The loop's checker over the chart and the knowledge base of the house.

use std::sync::Arc;

use jiff::{Timestamp, tz::TimeZone};
use serde_json::Value;
use ward_core::FhirId;
use ward_rules::medication::{
    Issue, KnowledgeBase, check,
    timing::{Schedule, due},
};
use ward_store::{Reader, values};

use crate::{
    cds::answer::gathered_of,
    checker::{CheckError, Checked, Checker, Found},
    context::{Source, context_of, dosing_of},
};

/// What lends the knowledge base for one check: the one in use, or none.
pub type Lent = Arc<dyn Fn(&mut dyn FnMut(Option<&KnowledgeBase>)) + Send + Sync>;

/// Checks by what the chart says now and by the knowledge base that is in use now.
pub struct HouseChecker {
    pub knowledge: Lent,
    pub zone: TimeZone,
    /// When wards give what is ordered by a name such as BID.
    pub schedule: Schedule,
}

impl Checker for HouseChecker {
    fn check(
        &self,
        reader: &Reader<'_>,
        patient: &FhirId,
        proposed: &[Value],
        now: Timestamp,
    ) -> Result<Vec<Checked>, CheckError> {
        let gathered = gathered_of(reader, patient, proposed, now)?;
        let of = |(nth, order): (usize, &Value)| {
            // What is proposed together is looked at as if the rest were signed already.
            let others = proposed.iter().enumerate().filter(|(other, _)| *other != nth);
            let others: Vec<Value> = others.map(|(_, other)| as_signed(other)).collect();
            let known = gathered.resources().chain(&others).collect();
            let mut source = Source::new(known, vec![order], now);
            source.zone = self.zone.clone();
            let mut cx = context_of(&source);
            // What was left out is a finding.
            cx.gaps.extend(gathered.gaps());
            let mut checked = None;
            (self.knowledge)(&mut |base| {
                checked = base.map(|base| Checked {
                    found: check(base, &cx).iter().map(found).collect(),
                    knowledge_base: Some(base.label()),
                });
            });
            checked.unwrap_or_else(|| Checked {
                found: vec![Found::no_knowledge_base()],
                knowledge_base: None,
            })
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
        service: None,
    }
}
