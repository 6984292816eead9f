//! Records of the chart as this service reads and writes them.

use jiff::Timestamp;
use serde_json::{Value, json};
use ward_core::{FhirId, RecordKey, ResourceType};
use ward_fhir::{
    Json,
    search::{Handling, parse_search},
};
use ward_store::{
    Cursor, Filter, Found, Part, Query, ReadError, Reader, SearchError, Write, WriteKind,
};

/// A resource, its version and that it is there.
pub(crate) fn read(
    reader: &Reader<'_>,
    key: &RecordKey,
) -> Result<Option<(Value, u32)>, ReadError> {
    let Some(stored) = reader.get(key)?.filter(|stored| !stored.deleted) else { return Ok(None) };
    let value = serde_json::from_slice(&stored.body);
    Ok(value.ok().map(|value| (value, stored.version)))
}

/// The next version of a resource; its first without a base.
pub(crate) fn write(
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
pub(crate) fn search(
    reader: &Reader<'_>,
    kind: ResourceType,
    query: &str,
    (count, after): (usize, Option<Cursor>),
) -> Result<Found, SearchError> {
    let request = parse_search(Some(kind), query, Handling::Strict);
    // What is not understood finds nothing; without its conditions it would find everything.
    let Some(part) = request.ok().and_then(|request| request.parts.into_iter().next()) else {
        return Ok(Found { hits: Vec::new(), next: None, total: None });
    };
    let clauses = part.conditions.clauses.into_iter().map(Filter::Clause);
    let filter = Filter::All(clauses.collect());
    reader.search(&Query {
        parts: vec![Part { kind, filter }],
        patient: None,
        sort: Vec::new(),
        count,
        after,
        total: false,
    })
}

pub(crate) fn key(kind: ResourceType, id: &FhirId) -> RecordKey {
    RecordKey::new(kind, id.clone())
}

/// The id in a reference to a resource of `kind`, or an id alone.
pub(crate) fn id_of(reference: &str, kind: &str) -> Option<FhirId> {
    match reference.rsplit_once('/') {
        None => reference.parse().ok(),
        Some((of, id)) if of == kind || of.ends_with(&format!("/{kind}")) => id.parse().ok(),
        Some(_) => None,
    }
}

pub(crate) fn text<'v>(value: &'v Value, name: &str) -> Option<&'v str> {
    value.get(name).and_then(Value::as_str)
}

pub(crate) fn put(value: &mut Value, name: &str, to: Value) {
    if let Some(object) = value.as_object_mut() {
        object.insert(name.to_owned(), to);
    }
}

/// Writes an end into the stay's period, and into that of every place it is still in.
pub(crate) fn end(encounter: &mut Value, now: &str) {
    stop(encounter, now);
    leave(encounter, now);
}

/// Ends every place that the stay is still in.
pub(crate) fn leave(encounter: &mut Value, now: &str) {
    for place in encounter.get_mut("location").and_then(Value::as_array_mut).into_iter().flatten() {
        if text(place, "status") != Some("completed") {
            stop(place, now);
            put(place, "status", json!("completed"));
        }
    }
}

fn stop(value: &mut Value, now: &str) {
    if value.get("period").is_none() {
        put(value, "period", json!({}));
    }
    if let Some(period) = value.get_mut("period")
        && period.get("end").is_none()
    {
        put(period, "end", json!(now));
    }
}
