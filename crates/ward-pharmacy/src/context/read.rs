//! Members of resources, and what could not be read of them.

use std::collections::BTreeMap;

use jiff::{Timestamp, civil::Date, tz::TimeZone};
use serde_json::Value;
use ward_rules::medication::context::{Coded, Gap, Quantity};

use super::Source;

/// Gaps kept. LIMIT: nobody reads more of them; the last says that there were more.
const GAPS_MAX: usize = 200;

/// Reads resources of one source and keeps what could not be taken.
pub(super) struct Reading<'a> {
    addresses: BTreeMap<String, &'a Value>,
    pub now: Timestamp,
    pub zone: TimeZone,
    pub gaps: Vec<Gap>,
}

impl<'a> Reading<'a> {
    pub fn new(source: &Source<'a>) -> Reading<'a> {
        let mut addresses: BTreeMap<String, &'a Value> = BTreeMap::new();
        for resource in source.resources.iter().chain(&source.proposed) {
            addresses.insert(place(resource), resource);
        }
        addresses.extend(source.addresses.iter().map(|(url, it)| (url.clone(), *it)));
        Reading { addresses, now: source.now, zone: source.zone.clone(), gaps: Vec::new() }
    }

    pub fn gap(&mut self, place: impl Into<String>, what: impl Into<String>) {
        let gap = match self.gaps.len() {
            n if n < GAPS_MAX => Gap { place: place.into(), what: what.into() },
            GAPS_MAX => {
                Gap { place: "Bundle".to_owned(), what: "more could not be read".to_owned() }
            }
            _ => return,
        };
        self.gaps.push(gap);
    }

    /// The resource that a reference means: contained, by address, or by type and id.
    pub fn resolve<'v>(&self, reference: &str, within: &'v Value) -> Option<&'v Value>
    where
        'a: 'v,
    {
        if let Some(id) = reference.strip_prefix('#') {
            return list(within, "contained").find(|it| text(it, "id") == id);
        }
        if let Some(found) = self.addresses.get(reference) {
            return Some(found);
        }
        // An absolute or a versioned reference ends in type and id.
        let plain = reference.split("/_history/").next().unwrap_or(reference);
        let mut parts = plain.rsplit('/');
        let (id, kind) = (parts.next()?, parts.next()?);
        self.addresses.get(&format!("{kind}/{id}")).copied()
    }

    /// A dateTime; a gap where it is none.
    pub fn time(&mut self, place: &str, within: &Value, member: &str) -> Option<Timestamp> {
        let written = within.get(member)?;
        let read = written.as_str().and_then(|it| timestamp(it, &self.zone));
        if read.is_none() {
            self.gap(format!("{place}.{member}"), "it is no date or time");
        }
        read
    }

    /// A number; a gap where it is none.
    pub fn number(&mut self, place: &str, within: &Value, member: &str) -> Option<f64> {
        let written = within.get(member)?;
        let read = written.as_f64().filter(|it| it.is_finite());
        if read.is_none() {
            self.gap(format!("{place}.{member}"), "it is no number");
        }
        read
    }

    /// A Quantity with its value; a gap where it has none.
    pub fn quantity(&mut self, place: &str, within: &Value, member: &str) -> Option<Quantity> {
        let written = within.get(member)?;
        let place = format!("{place}.{member}");
        if let Some(comparator) = written.get("comparator") {
            let is_bound = comparator.as_str().is_some_and(|it| !it.is_empty());
            if is_bound {
                self.gap(format!("{place}.comparator"), "a bound is no amount");
                return None;
            }
        }
        let Some(value) = self.number(&place, written, "value") else {
            if written.get("value").is_none() {
                self.gap(place, "there is no value");
            }
            return None;
        };
        Some(Quantity::new(value, unit_of(written)))
    }
}

/// The code of UCUM where there is one, else what people read.
pub(super) fn unit_of(quantity: &Value) -> &str {
    let code = text(quantity, "code");
    if code.is_empty() { text(quantity, "unit") } else { code }
}

pub(super) fn kind(resource: &Value) -> &str {
    text(resource, "resourceType")
}

/// `MedicationRequest/17`.
pub(super) fn place(resource: &Value) -> String {
    format!("{}/{}", kind(resource), text(resource, "id"))
}

/// The text of a member; empty where there is none.
pub(super) fn text<'v>(within: &'v Value, member: &str) -> &'v str {
    within.get(member).and_then(Value::as_str).unwrap_or_default()
}

pub(super) fn list<'v>(within: &'v Value, member: &str) -> impl Iterator<Item = &'v Value> {
    within.get(member).and_then(Value::as_array).into_iter().flatten()
}

/// The codes of a CodeableConcept.
pub(super) fn codes(concept: &Value) -> Vec<Coded> {
    list(concept, "coding")
        .map(|it| Coded {
            system: text(it, "system").to_owned(),
            code: text(it, "code").to_owned(),
        })
        .filter(|it| !it.code.is_empty())
        .collect()
}

/// What people read of a CodeableConcept: its text, else the first display.
pub(super) fn words(concept: &Value) -> String {
    let own = text(concept, "text");
    if !own.is_empty() {
        return own.to_owned();
    }
    list(concept, "coding")
        .map(|it| text(it, "display"))
        .find(|it| !it.is_empty())
        .unwrap_or_default()
        .to_owned()
}

pub(super) fn has_code(concept: &Value, wanted: &[&str]) -> bool {
    list(concept, "coding").any(|it| wanted.contains(&text(it, "code")))
}

/// A date as far as it is known, at its beginning.
pub(super) fn date(written: &str) -> Option<Date> {
    let whole = match written.len() {
        4 => format!("{written}-01-01"),
        7 => format!("{written}-01"),
        _ => written.get(..10)?.to_owned(),
    };
    whole.parse().ok()
}

/// - Shape: a date alone is its beginning on the clock of the ward.
pub(super) fn timestamp(written: &str, zone: &TimeZone) -> Option<Timestamp> {
    if 10 < written.len() {
        return written.parse().ok();
    }
    zone.to_timestamp(date(written)?.at(0, 0, 0, 0)).ok()
}
