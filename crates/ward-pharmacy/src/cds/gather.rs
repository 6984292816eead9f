//! What a check looks at: from what was sent along, and from our own chart for the rest.

use std::collections::BTreeMap;

use jiff::{SignedDuration, Timestamp};
use serde_json::Value;
use ward_core::{FhirId, RecordKey, ResourceType};
use ward_rules::medication::context::Gap;
use ward_store::{
    Found, ReadError, Reader, SearchError,
    values::{self, id_of, text},
};

use super::services::PREFETCH;

/// Most records of one type that one check looks at.
/// LIMIT: a long stay has some hundreds of results in a month.
pub const EACH_MAX: usize = 1_000;

/// How far back values are looked for.
/// LIMIT: nothing older counts for a check but a height, and that is measured again.
const BACK_DAYS: i64 = 400;

/// Records of one patient, and what could not be had.
#[derive(Clone, Default, Debug)]
pub struct Gathered {
    pub patient: Option<Value>,
    /// Everything else, of any type.
    pub records: Vec<Value>,
    /// Drugs under the addresses that a Bundle gives them (`fullUrl`).
    pub addresses: BTreeMap<String, Value>,
    /// What a check would have looked at and nobody has, in words.
    pub gaps: Vec<GatherGap>,
}

#[derive(Clone, PartialEq, Eq, Debug)]
pub struct GatherGap {
    /// The key of the prefetch.
    pub place: String,
    pub what: String,
}

impl Gathered {
    /// Takes a record in, with its address where it is a drug that orders refer to.
    pub fn take(&mut self, address: Option<&str>, record: Value) {
        if let Some(address) = address
            && text(&record, "resourceType") == Some("Medication")
        {
            self.addresses.insert(address.to_owned(), record.clone());
        }
        self.records.push(record);
    }

    /// Everything, the patient first.
    pub fn resources(&self) -> impl Iterator<Item = &Value> {
        self.patient.iter().chain(&self.records)
    }

    /// What could not be had, as a check takes it.
    pub fn gaps(&self) -> impl Iterator<Item = Gap> {
        self.gaps.iter().map(|it| Gap { place: it.place.clone(), what: it.what.clone() })
    }
}

#[derive(Debug, thiserror::Error)]
pub enum GatherError {
    #[error(transparent)]
    Read(#[from] ReadError),
    #[error(transparent)]
    Search(#[from] SearchError),
    /// What was sent along is of another patient.
    #[error("prefetch.{0}: it is of another patient than `context.patientId`")]
    OtherPatient(String),
}

/// Gathers what was sent along, and reads the rest from the chart under the caller's rights.
///
/// - Shape: what was sent wins over the chart, key by key; where nothing was sent, all is read
///   from the chart. Where neither has the patient the result has none. Nothing is fetched from
///   anywhere else.
/// - Audit: the reader's own entry says whose records were shown.
pub fn gather(
    reader: &Reader<'_>,
    patient: &FhirId,
    sent: &[(String, Value)],
    now: Timestamp,
) -> Result<Gathered, GatherError> {
    let mut gathered = Gathered::default();
    let key = RecordKey::new(ResourceType::PATIENT, patient.clone());
    let own = values::read(reader, &key)?.map(|(value, _)| value);
    let is_ours = own.is_some();
    let given_of = |name: &str, kind: &str| {
        let given = sent.iter().find(|(key, _)| key == name).map(|(_, value)| value);
        given.and_then(|value| resources(value, kind))
    };
    let mut asked = Vec::new();
    for (name, kind, _) in PREFETCH {
        let is_asked = kind != "Patient" && given_of(name, kind).is_none();
        if is_asked && (is_ours || sent.is_empty()) {
            asked.extend(kind.parse().ok().map(|of| (of, query_of(patient, kind, now))));
        }
    }
    let first = values::search_each_in(reader, patient, &asked, EACH_MAX)?;
    let mut pages = asked.iter().zip(first);
    for (name, kind, _) in PREFETCH {
        let given = given_of(name, kind);
        if kind == "Patient" {
            gathered.patient = match given {
                Some(found) => found.into_iter().next().map(|(_, it)| it.clone()),
                None => own.clone(),
            };
            if let Some(it) = &gathered.patient
                && text(it, "id").is_some_and(|id| id != patient.as_str())
            {
                return Err(GatherError::OtherPatient(name.to_owned()));
            }
            continue;
        }
        match given {
            Some(found) => {
                for (address, it) in found {
                    if whose(it).is_some_and(|of| of != *patient) {
                        return Err(GatherError::OtherPatient(name.to_owned()));
                    }
                    gathered.take(address, it.clone());
                }
            }
            None if is_ours || sent.is_empty() => match pages.next() {
                Some(page) => read(reader, patient, name, page, &mut gathered)?,
                // What was not looked for is said, and not taken for what is not there.
                None => gathered.gaps.push(GatherGap {
                    place: name.to_owned(),
                    what: format!("no {kind} was looked for"),
                }),
            },
            None => gathered.gaps.push(GatherGap {
                place: format!("prefetch.{name}"),
                what: format!("no {kind} was sent, and the patient is not in this chart"),
            }),
        }
    }
    Ok(gathered)
}

/// What is looked for among the records of one type.
fn query_of(patient: &FhirId, kind: &str, now: Timestamp) -> String {
    let mut query = format!("patient=Patient/{patient}");
    match kind {
        "Observation" => {
            let from = now.checked_sub(SignedDuration::from_hours(24 * BACK_DAYS)).unwrap_or(now);
            // The newest first: where some are left out, it is those that count least.
            query.push_str(&format!("&date=ge{}&_sort=-date", from.strftime("%Y-%m-%d")));
        }
        // Lists of allergies: LOINC.
        "List" => query.push_str("&code=48765-2,52472-8"),
        // What ended not long ago may still act; the check decides by the dates.
        "MedicationRequest" => query.push_str("&status=active,on-hold,completed,stopped"),
        "MedicationStatement" => query.push_str("&status=active,intended,completed"),
        _ => {}
    }
    query
}

/// Records of one type from the chart, from their first page on.
fn read(
    reader: &Reader<'_>,
    patient: &FhirId,
    name: &str,
    ((kind, query), first): (&(ResourceType, String), Found),
    gathered: &mut Gathered,
) -> Result<(), GatherError> {
    let mut found = first;
    let mut n = 0;
    loop {
        for hit in &found.hits {
            let stored = reader.fetch(hit)?;
            if let Ok(value) = serde_json::from_slice(&stored.body) {
                gathered.records.push(value);
            }
        }
        n += found.hits.len();
        match found.next {
            Some(next) if n < EACH_MAX => {
                found = values::search_in(reader, patient, *kind, query, (EACH_MAX, Some(next)))?;
            }
            Some(_) => {
                gathered.gaps.push(GatherGap {
                    place: name.to_owned(),
                    what: format!("more than {EACH_MAX} records; the rest was not looked at"),
                });
                return Ok(());
            }
            None => return Ok(()),
        }
    }
}

/// Resources of a type in what was sent, with their addresses: one alone, or a Bundle of them and of
/// the drugs that were included. `None` when it is neither.
fn resources<'v>(value: &'v Value, kind: &str) -> Option<Vec<(Option<&'v str>, &'v Value)>> {
    match text(value, "resourceType")? {
        "Bundle" => {
            let entries = value.get("entry").and_then(Value::as_array).into_iter().flatten();
            let found = entries.filter_map(|it| Some((text(it, "fullUrl"), it.get("resource")?)));
            let is_wanted = |it: &&(Option<&str>, &Value)| {
                text(it.1, "resourceType").is_some_and(|it| it == kind || it == "Medication")
            };
            Some(found.filter(|it| is_wanted(&it)).collect())
        }
        it if it == kind => Some(vec![(None, value)]),
        // An OperationOutcome says that the sender could not have it.
        _ => None,
    }
}

/// The patient whom a record is of, where it names one.
fn whose(record: &Value) -> Option<FhirId> {
    let reference = ["patient", "subject"].iter().find_map(|name| record.get(*name))?;
    id_of(text(reference, "reference")?, "Patient")
}
