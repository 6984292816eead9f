//! From FHIR resources to what a check looks at.
//!
//! Nothing is dropped silently: what a resource says and a check cannot take becomes a
//! [`Gap`], with its place, and the check says so.

mod allergy;
mod condition;
mod dosage;
mod drug;
mod order;
mod patient;
mod read;
#[cfg(test)]
mod tests;
mod timing;
mod values;

use std::collections::BTreeMap;

use jiff::{Timestamp, tz::TimeZone};
use serde_json::Value;
use ward_rules::medication::{
    CheckContext,
    context::{Dosing, Gap},
};

use self::read::Reading;

/// Resources taken into one context. LIMIT: a chart of many years has some ten thousand values.
pub const RESOURCES_MAX: usize = 50_000;

/// What is checked, and beside what.
#[derive(Clone, Debug)]
pub struct Source<'a> {
    /// Patient, Condition, AllergyIntolerance, Observation, MedicationRequest, MedicationStatement,
    /// Medication, List of one patient; others are passed over.
    pub resources: Vec<&'a Value>,
    /// MedicationRequests that are to be checked; they need not be among `resources`.
    pub proposed: Vec<&'a Value>,
    /// For each address (`Medication/17`, `urn:uuid:...`) its resource, where they have some that
    /// their ids do not tell.
    pub addresses: BTreeMap<String, &'a Value>,
    pub now: Timestamp,
    /// The clock of the ward.
    pub zone: TimeZone,
}

impl<'a> Source<'a> {
    pub fn new(resources: Vec<&'a Value>, proposed: Vec<&'a Value>, now: Timestamp) -> Source<'a> {
        Source { resources, proposed, addresses: BTreeMap::new(), now, zone: TimeZone::UTC }
    }
}

/// What a check looks at, from resources read from the chart or sent by a client.
///
/// - Shape: orders that are in effect are active, those that ended in the last sixty days recent. An
///   order among the proposed ones is not active beside itself.
/// - Errors: none; what cannot be taken is in [`CheckContext::gaps`].
pub fn context_of(source: &Source<'_>) -> CheckContext {
    let mut reading = Reading::new(source);
    let mut cx = CheckContext::empty(source.now);
    cx.zone = source.zone.clone();
    if RESOURCES_MAX < source.resources.len() {
        reading.gap("Bundle", "more resources than are read at once; the rest was left out");
    }
    let resources: Vec<&Value> = source.resources.iter().copied().take(RESOURCES_MAX).collect();
    let of = |kind: &str| -> Vec<&Value> {
        resources.iter().copied().filter(|it| read::kind(it) == kind).collect()
    };
    patient::read(&mut reading, &mut cx, &of("Patient"));
    cx.conditions = condition::read(&mut reading, &mut cx.patient, &of("Condition"));
    values::read(&mut reading, &mut cx, &of("Observation"));
    cx.allergies = allergy::read(&mut reading, &of("AllergyIntolerance"), &of("List"));
    let proposed: Vec<String> = source.proposed.iter().map(|it| read::place(it)).collect();
    cx.proposed = source.proposed.iter().map(|it| order::read(&mut reading, it)).collect();
    for resource in of("MedicationRequest").into_iter().chain(of("MedicationStatement")) {
        if !proposed.contains(&read::place(resource)) {
            order::sort(&mut reading, &mut cx, resource);
        }
    }
    cx.gaps = reading.gaps;
    cx
}

/// The resources of a Bundle, or a single resource, sorted into what is proposed and what is there.
///
/// - Shape: proposed are MedicationRequests with status `draft`; where there is none, every one that
///   is active, each against the others.
/// - Errors: what is wrong with the bundle, in words; never what it says.
pub fn source_of_bundle(bundle: &Value, now: Timestamp) -> Result<Source<'_>, &'static str> {
    let (resources, addresses) = match read::kind(bundle) {
        "Bundle" => {
            let entries =
                bundle.get("entry").and_then(Value::as_array).ok_or("the Bundle has no entry")?;
            let mut addresses = BTreeMap::new();
            let mut resources = Vec::new();
            for entry in entries {
                let resource =
                    entry.get("resource").ok_or("an entry of the Bundle has no resource")?;
                if let Some(url) = entry.get("fullUrl").and_then(Value::as_str) {
                    addresses.insert(url.to_owned(), resource);
                }
                resources.push(resource);
            }
            (resources, addresses)
        }
        "MedicationRequest" => ([bundle].to_vec(), BTreeMap::new()),
        "" => return Err("there is no resourceType"),
        _ => return Err("a Bundle or a MedicationRequest is asked for"),
    };
    let n_patients = resources.iter().filter(|it| read::kind(it) == "Patient").count();
    if 1 < n_patients {
        return Err("the Bundle is of more than one patient");
    }
    let with_status = |status: &str| -> Vec<&Value> {
        resources
            .iter()
            .copied()
            .filter(|it| {
                read::kind(it) == "MedicationRequest" && read::text(it, "status") == status
            })
            .collect()
    };
    let drafts = with_status("draft");
    let proposed = if drafts.is_empty() { with_status("active") } else { drafts };
    if proposed.is_empty() {
        return Err("no MedicationRequest is a draft or active: there is nothing to check");
    }
    Ok(Source { resources, proposed, addresses, now, zone: TimeZone::UTC })
}

/// A Dosage by itself, with what could not be taken: for who asks when doses are due.
pub fn dosing_of(dosage: &Value, zone: &TimeZone) -> (Dosing, Vec<Gap>) {
    let source =
        Source { zone: zone.clone(), ..Source::new(Vec::new(), Vec::new(), Timestamp::UNIX_EPOCH) };
    let mut reading = Reading::new(&source);
    let dosing = dosage::read(&mut reading, "Dosage", dosage).dosing;
    (dosing, reading.gaps)
}
