//! Where in the chart a resource of a message belongs.

use ward_core::{FhirId, RecordKey, ResourceType};
use ward_fhir::{
    Json,
    search::{Clause, ClauseOp, SystemMatch, Test, param},
};
use ward_hl7::{Location, ProblemKind};
use ward_store::{Absent, Chart, Filter, Part, Query, Reader};

use super::apply::Trouble;

/// Longest chain of merges that is followed.
/// LIMIT: nobody merges the same person more often; a circle ends here.
const LINKS_MAX: usize = 16;

/// A record that a message speaks of.
pub(super) struct Place {
    pub(super) key: RecordKey,
    /// The version that is there, deleted or not.
    pub(super) base: Option<u32>,
    /// What it says; `None` when there is none, or it was deleted.
    pub(super) existing: Option<Json<'static>>,
}

impl Place {
    pub(super) fn new(key: RecordKey) -> Place {
        Place { key, base: None, existing: None }
    }
}

/// The record with this key, as it stands.
pub(super) fn by_key(reader: &Reader<'_>, key: RecordKey) -> Result<Place, Trouble> {
    let Some(stored) = reader.get(&key)? else { return Ok(Place::new(key)) };
    let existing = match stored.deleted {
        true => None,
        false => Json::parse(&stored.body).ok().map(Json::into_owned),
    };
    Ok(Place { key, base: Some(stored.version), existing })
}

/// The one record that has one of these identifiers; the first that is known decides.
///
/// - Errors: two records that are not merged have the same identifier.
pub(super) fn by_identifiers(
    chart: &Chart,
    reader: &Reader<'_>,
    kind: ResourceType,
    identifiers: &[(String, String)],
    unless: &mut Vec<Absent>,
) -> Result<Option<Place>, Trouble> {
    let seen = chart.seq();
    let mut absent = Vec::new();
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
            let place = by_key(reader, reader.key(hit)?)?;
            let place = follow(reader, place)?;
            if places.iter().all(|other: &Place| other.key != place.key) {
                places.push(place);
            }
        }
        match places.len() {
            0 => absent.push(Absent { kind, clauses: vec![clause], seen }),
            1 => return Ok(places.pop()),
            _ => return Err(Trouble::content(ProblemKind::AmbiguousRecord, Location::MESSAGE)),
        }
    }
    unless.extend(absent);
    Ok(None)
}

/// A patient who was merged into another is that other.
fn follow(reader: &Reader<'_>, place: Place) -> Result<Place, Trouble> {
    let mut place = place;
    for _ in 0..LINKS_MAX {
        let Some(next) = place.existing.as_ref().and_then(replaced_by) else { return Ok(place) };
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
