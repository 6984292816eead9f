//! Where in the chart a resource of a message belongs.

use std::sync::Arc;

use ward_core::{FhirId, RecordKey, ResourceType};
use ward_fhir::{
    Json,
    search::{Clause, ClauseOp, SystemMatch, Test, param},
};
use ward_hl7::{Location, ProblemKind};
use ward_store::{Absent, Filter, Part, Query, Reader};

use super::{Receiver, apply::Trouble, join};

/// Longest chain of merges that is followed.
/// LIMIT: nobody merges the same person more often; a circle ends here.
const LINKS_MAX: usize = 16;

/// A record that a message speaks of.
pub(super) struct Place {
    pub(super) key: RecordKey,
    /// The version that is there, deleted or not.
    pub(super) base: Option<u32>,
    /// What it says; `None` when there is none, or it was deleted.
    pub(super) existing: Option<Arc<Json<'static>>>,
}

/// What is looked for.
#[derive(Clone, Copy)]
pub(super) struct Whom<'a> {
    pub(super) kind: ResourceType,
    /// A patient who is merged away is meant, and not the one who stays.
    pub(super) is_replaced: bool,
    /// Only what is about this patient, or about nobody.
    pub(super) whose: Option<&'a FhirId>,
}

impl Place {
    /// Whether the record is about another patient.
    pub(super) fn is_of_other(&self, reader: &Reader<'_>, whose: &FhirId) -> bool {
        let subject = self.existing.as_deref().and_then(subject_of);
        let of = subject.and_then(|reference| reference.rsplit_once("Patient/"));
        let Some(id) = of.and_then(|(_, id)| id.parse::<FhirId>().ok()) else { return false };
        if id == *whose {
            return false;
        }
        // Somebody who was merged into this patient is this patient.
        let place = by_key(reader, RecordKey::new(ResourceType::PATIENT, id));
        let now = place.and_then(|place| follow(reader, place));
        !now.is_ok_and(|now| now.key.id == *whose)
    }

    pub(super) fn new(key: RecordKey) -> Place {
        Place { key, base: None, existing: None }
    }
}

/// The record with this key, as it stands.
pub(super) fn by_key(reader: &Reader<'_>, key: RecordKey) -> Result<Place, Trouble> {
    let Some(stored) = reader.get(&key)? else { return Ok(Place::new(key)) };
    let existing = match stored.deleted {
        true => None,
        false => Json::parse(&stored.body).ok().map(|json| Arc::new(json.into_owned())),
    };
    Ok(Place { key, base: Some(stored.version), existing })
}

/// The one record that has one of these identifiers; the first that is known decides, but for
/// patients, where all that are known have to mean the same one.
///
/// - Errors: two records that are not merged have the same identifier, or two patients one each.
pub(super) fn by_identifiers(
    receiver: &Receiver,
    reader: &Reader<'_>,
    whom: Whom<'_>,
    identifiers: &[(String, String)],
    unless: &mut Vec<Absent>,
) -> Result<Option<Place>, Trouble> {
    let Whom { kind, is_replaced, whose } = whom;
    let known_places = receiver.known();
    let seen = receiver.chart().seq();
    let mut absent = Vec::new();
    let mut known: Option<Place> = None;
    for (system, value) in identifiers {
        let Some(clause) = clause(kind, system, value) else { continue };
        let query = Query {
            parts: vec![Part { kind, filter: Filter::Clause(clause.clone()) }],
            patient: None,
            sort: Vec::new(),
            count: LINKS_MAX,
            after: None,
            total: false,
        };
        let found = reader.search(&query)?;
        let mut places = Vec::new();
        for hit in &found.hits {
            let place = known_places.place(reader, known_places.key(reader, hit)?)?;
            // The one that is merged away is meant itself.
            let place = if is_replaced { place } else { follow(reader, place)? };
            if whose.is_some_and(|whose| place.is_of_other(reader, whose)) {
                continue;
            }
            if places.iter().all(|other: &Place| other.key != place.key) {
                places.push(place);
            }
        }
        // Who was merged before is meant, and not who has taken the number over since.
        if is_replaced && 1 < places.len() {
            places.retain(|place| place.existing.as_deref().is_some_and(join::is_replaced));
        }
        let ambiguous = || Trouble::content(ProblemKind::AmbiguousRecord, Location::MESSAGE);
        match (places.len(), places.pop(), &known) {
            (0, ..) => absent.push(Absent { kind, clauses: vec![clause], seen }),
            (1, place, None) if kind == ResourceType::PATIENT => known = place,
            (1, place, None) => return Ok(place),
            (1, Some(place), Some(known)) if place.key == known.key => {}
            _ => return Err(ambiguous()),
        }
    }
    unless.extend(absent);
    Ok(known)
}

/// The reference to whom a resource is about.
pub(super) fn subject_of<'j>(resource: &'j Json<'_>) -> Option<&'j str> {
    let names = ["subject", "patient", "beneficiary"];
    let found = names.into_iter().find_map(|name| resource.get(name))?;
    let reference = found.items().first().unwrap_or(found).get("reference")?;
    reference.as_str()
}

/// A patient who was merged into another is that other.
fn follow(reader: &Reader<'_>, place: Place) -> Result<Place, Trouble> {
    let mut place = place;
    for _ in 0..LINKS_MAX {
        let Some(next) = place.existing.as_deref().and_then(replaced_by) else { return Ok(place) };
        let next = by_key(reader, RecordKey::new(ResourceType::PATIENT, next))?;
        if next.existing.is_none() {
            return Ok(place);
        }
        place = next;
    }
    Ok(place)
}

/// The patient that replaces this one.
///
/// - Source: FHIR R4, Patient.link, `replaced-by`.
fn replaced_by(patient: &Json<'_>) -> Option<FhirId> {
    let links = patient.get("link").map(Json::items).unwrap_or_default();
    let link =
        links.iter().find(|link| link.get("type").and_then(Json::as_str) == Some("replaced-by"))?;
    let reference = link.get("other")?.get("reference")?.as_str()?;
    reference.rsplit_once("Patient/")?.1.parse().ok()
}

/// `identifier=system|value`.
fn clause(kind: ResourceType, system: &str, value: &str) -> Option<Clause> {
    let param = param(kind, "identifier")?.id;
    let system = match system {
        "" => SystemMatch::None,
        system => SystemMatch::Is(system.into()),
    };
    let test = Test::Token { system, code: Some(value.into()) };
    Some(Clause { param, op: ClauseOp::Any, any: vec![test] })
}
