//! Records of the chart as plain values, for services that read and write a few elements of them.

use crate::{
    Cursor, Filter, Found, Part, Query, ReadError, Reader, SearchError, SortBy, Write, WriteKind,
};
use jiff::Timestamp;
use serde_json::Value;
use ward_core::{FhirId, RecordKey, ResourceType, limits::JSON_DEPTH_MAX};
use ward_fhir::{
    Json,
    json::Object,
    search::{Handling, parse_search},
};

/// A resource, its version and that it is there.
pub fn read(reader: &Reader<'_>, key: &RecordKey) -> Result<Option<(Value, u32)>, ReadError> {
    let Some(stored) = reader.get(key)?.filter(|stored| !stored.deleted) else { return Ok(None) };
    let value = serde_json::from_slice(&stored.body);
    Ok(value.ok().map(|value| (value, stored.version)))
}

/// The next version of a resource; its first without a base.
///
/// - Errors: `None` when it is nested deeper than a record may be.
pub fn write(
    resource: &Value,
    key: &RecordKey,
    base: Option<u32>,
    now: Timestamp,
    address: &str,
) -> Option<Write> {
    let json = json_of(resource)?;
    Some(Write::of(json, key, WriteKind::Update { base }, now, address))
}

/// A value as the tree that records are made of. It is what writing the value and reading it back
/// would give, without the text between.
///
/// - Errors: `None` when it is nested deeper than a record may be.
pub fn json_of(value: &Value) -> Option<Json<'_>> {
    tree(value, 0)
}

fn tree(value: &Value, depth: usize) -> Option<Json<'_>> {
    if JSON_DEPTH_MAX <= depth && (value.is_array() || value.is_object()) {
        return None;
    }
    Some(match value {
        Value::Null => Json::Null,
        Value::Bool(value) => Json::Bool(*value),
        // A number is its text there.
        Value::Number(number) => Json::parse(number.to_string().as_bytes()).ok()?.into_owned(),
        Value::String(text) => Json::string(text.as_str()),
        Value::Array(items) => {
            Json::Array(items.iter().map(|it| tree(it, depth + 1)).collect::<Option<_>>()?)
        }
        Value::Object(members) => {
            let mut object = Object::new();
            for (name, value) in members {
                object.insert(name.as_str(), tree(value, depth + 1)?);
            }
            Json::Object(object)
        }
    })
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

/// The first pages of several searches within one patient's compartment, as of one commit.
pub fn search_each_in(
    reader: &Reader<'_>,
    patient: &FhirId,
    asked: &[(ResourceType, String)],
    count: usize,
) -> Result<Vec<Found>, SearchError> {
    let query = |(kind, text): &(ResourceType, String)| {
        // What is not understood finds nothing; without its conditions it would find everything.
        query_of(Some(patient), *kind, text, (count, None)).unwrap_or_else(|| Query {
            parts: Vec::new(),
            patient: Some(patient.clone()),
            sort: Vec::new(),
            count,
            after: None,
            total: false,
        })
    };
    reader.search_each(patient, &asked.iter().map(query).collect::<Vec<_>>())
}

fn search_within(
    reader: &Reader<'_>,
    patient: Option<&FhirId>,
    kind: ResourceType,
    query: &str,
    page: (usize, Option<Cursor>),
) -> Result<Found, SearchError> {
    match query_of(patient, kind, query, page) {
        Some(query) => reader.search(&query),
        None => Ok(Found { hits: Vec::new(), next: None, total: None }),
    }
}

/// `None` for what is not understood.
fn query_of(
    patient: Option<&FhirId>,
    kind: ResourceType,
    query: &str,
    (count, after): (usize, Option<Cursor>),
) -> Option<Query> {
    let request = parse_search(Some(kind), query, Handling::Strict).ok()?;
    let sort = request.sort.iter();
    let sort = sort.map(|by| SortBy { code: by.code.clone(), descending: by.descending }).collect();
    let part = request.parts.into_iter().next()?;
    let clauses = part.conditions.clauses.into_iter().map(Filter::Clause);
    let filter = Filter::All(clauses.collect());
    Some(Query {
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

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::json;

    use super::*;

    fn value() -> impl Strategy<Value = Value> {
        let leaf = prop_oneof![
            Just(Value::Null),
            any::<bool>().prop_map(Value::from),
            any::<i64>().prop_map(Value::from),
            any::<u64>().prop_map(Value::from),
            any::<f64>().prop_map(Value::from),
            ".*".prop_map(Value::from),
        ];
        leaf.prop_recursive(6, 40, 6, |inner| {
            prop_oneof![
                prop::collection::vec(inner.clone(), 0..6).prop_map(Value::Array),
                prop::collection::vec((".*", inner), 0..6)
                    .prop_map(|members| Value::Object(members.into_iter().collect())),
            ]
        })
    }

    proptest! {
        #[test]
        fn a_value_is_as_if_it_were_written_and_read(value in value()) {
            let bytes = serde_json::to_vec(&value).unwrap();
            prop_assert_eq!(json_of(&value), Json::parse(&bytes).ok());
        }
    }

    #[test]
    fn what_is_nested_too_deeply_is_refused_as_it_is_when_it_is_read() {
        let mut value = json!("x");
        for depth in 1..=2 * JSON_DEPTH_MAX {
            value = if depth % 2 == 0 { json!([value]) } else { json!({ "a": value }) };
            let bytes = serde_json::to_vec(&value).unwrap();
            let read = Json::parse(&bytes).ok();
            assert_eq!(read.is_some(), depth <= JSON_DEPTH_MAX);
            assert_eq!(json_of(&value), read, "{depth} levels");
        }
    }
}
