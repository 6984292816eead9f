//! Records of the chart as plain values, for services that read and write a few elements of them.

use crate::{
    Cursor, Filter, Found, Part, Query, ReadError, Reader, SearchError, SortBy, Write, WriteKind,
};
use jiff::Timestamp;
use serde_json::Value;
use ward_core::{FhirId, RecordKey, ResourceType};
use ward_fhir::{
    Json,
    search::{Handling, parse_search},
};

/// A resource, its version and that it is there.
pub fn read(reader: &Reader<'_>, key: &RecordKey) -> Result<Option<(Value, u32)>, ReadError> {
    let Some(stored) = reader.get(key)?.filter(|stored| !stored.deleted) else { return Ok(None) };
    let value = serde_json::from_slice(&stored.body);
    Ok(value.ok().map(|value| (value, stored.version)))
}

/// The next version of a resource; its first without a base.
pub fn write(
    resource: &Value,
    key: &RecordKey,
    base: Option<u32>,
    now: Timestamp,
    address: &str,
) -> Option<Write> {
    let bytes = serde_json::to_vec(resource).ok()?;
    let json = Json::parse(&bytes).ok()?;
    Some(Write::of(json, key, WriteKind::Update { base }, now, address))
}

/// One page of a search that this service asks by itself.
pub fn search(
    reader: &Reader<'_>,
    kind: ResourceType,
    query: &str,
    page: (usize, Option<Cursor>),
) -> Result<Found, SearchError> {
    search_within(reader, None, kind, query, page)
}

/// The same within one patient's compartment, which is read from that patient's own lists alone.
pub fn search_in(
    reader: &Reader<'_>,
    patient: &FhirId,
    kind: ResourceType,
    query: &str,
    page: (usize, Option<Cursor>),
) -> Result<Found, SearchError> {
    search_within(reader, Some(patient), kind, query, page)
}

fn search_within(
    reader: &Reader<'_>,
    patient: Option<&FhirId>,
    kind: ResourceType,
    query: &str,
    (count, after): (usize, Option<Cursor>),
) -> Result<Found, SearchError> {
    let request = parse_search(Some(kind), query, Handling::Strict).ok();
    let sort = request.iter().flat_map(|request| &request.sort);
    let sort = sort.map(|by| SortBy { code: by.code.clone(), descending: by.descending }).collect();
    // What is not understood finds nothing; without its conditions it would find everything.
    let Some(part) = request.and_then(|request| request.parts.into_iter().next()) else {
        return Ok(Found { hits: Vec::new(), next: None, total: None });
    };
    let clauses = part.conditions.clauses.into_iter().map(Filter::Clause);
    let filter = Filter::All(clauses.collect());
    reader.search(&Query {
        parts: vec![Part { kind, filter }],
        patient: patient.cloned(),
        sort,
        count,
        after,
        total: false,
    })
}

/// The key of a resource.
pub fn key(kind: ResourceType, id: &FhirId) -> RecordKey {
    RecordKey::new(kind, id.clone())
}

/// The id in a reference to a resource of `kind`, or an id alone.
pub fn id_of(reference: &str, kind: &str) -> Option<FhirId> {
    match reference.rsplit_once('/') {
        None => reference.parse().ok(),
        Some((of, id)) if of == kind || of.ends_with(&format!("/{kind}")) => id.parse().ok(),
        Some(_) => None,
    }
}

/// The text under a name.
pub fn text<'v>(value: &'v Value, name: &str) -> Option<&'v str> {
    value.get(name).and_then(Value::as_str)
}

/// Sets an element.
pub fn put(value: &mut Value, name: &str, to: Value) {
    if let Some(object) = value.as_object_mut() {
        object.insert(name.to_owned(), to);
    }
}
