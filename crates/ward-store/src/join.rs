//! A patient who was registered twice: what the chart holds of one goes to the other, and back.
//!
//! Every reference that is turned is written down, so that what turns out to be two people after
//! all can be parted as it was joined.
//!
//! - Source: HL7 v2.8, 3.6.2.1 merging two patients; FHIR R4, Patient.link `replaced-by`.

use jiff::Timestamp;
use rustc_hash::FxHashSet;
use serde::{Deserialize, Serialize};
use ward_core::{FhirId, RecordKey, ResourceType, limits::BUNDLE_ENTRIES_MAX};
use ward_fhir::Json;

use crate::{
    Cursor, Filter, Part, Query, ReadError, Reader, SearchError, Write, WriteKind,
    workflow::own_write,
};

/// Records looked at once.
const STEP: usize = 500;

/// Most records that one joining moves.
/// LIMIT: they are one commit.
pub const MOVED_MAX: usize = BUNDLE_ENTRIES_MAX / 2;

/// One joining, under the id of the patient who went.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct JoinKept {
    /// Logical id of the Patient who stays.
    pub into: String,
    pub at: Timestamp,
    /// What `active` of the Patient who went was before.
    pub was_active: Option<bool>,
    pub moved: Vec<Moved>,
    /// When they were parted again.
    pub undone: Option<Timestamp>,
}

/// A record that was turned to the other patient.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Moved {
    pub kind: String,
    pub id: String,
    /// Each reference that was turned.
    pub turned: Vec<Turned>,
}

#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Turned {
    /// Names and numbers from the record inwards, such as `/performer/0/actor`.
    pub path: String,
    /// What the reference was before.
    pub was: String,
}

/// What joining two patients writes.
#[derive(Debug, Default)]
pub struct Joining {
    pub writes: Vec<Write>,
    pub moved: Vec<Moved>,
}

/// What parting them writes.
#[derive(Debug, Default)]
pub struct Parting {
    pub writes: Vec<Write>,
    /// Records that somebody changed since so that the reference is no longer where it was.
    pub left: Vec<RecordKey>,
}

#[derive(Debug, thiserror::Error)]
pub enum JoinError {
    #[error("a record of the patient cannot be read as JSON")]
    Json,
    #[error("more than {MOVED_MAX} records: this is not done in one commit")]
    TooMany,
    #[error("the record of the joining cannot be written")]
    Own(#[from] serde_json::Error),
    #[error(transparent)]
    Read(#[from] ReadError),
    #[error(transparent)]
    Search(#[from] SearchError),
}

/// Writes that make every record about `from` a record about `to`, without those `written` anew
/// by whoever asks.
///
/// - Errors: more records than one commit takes.
/// - Cost: reads and seals each of them anew, under the key of `to`.
pub fn join(
    reader: &Reader<'_>,
    (from, to): (&FhirId, &FhirId),
    written: &FxHashSet<RecordKey>,
    (now, base): (Timestamp, &str),
) -> Result<Joining, JoinError> {
    let (old, new) = (format!("Patient/{from}"), format!("Patient/{to}"));
    let mut joining = Joining::default();
    let mut after: Option<Cursor> = None;
    loop {
        let part = |kind| Part { kind, filter: Filter::All(Vec::new()) };
        let found = reader.search(&Query {
            parts: ResourceType::fhir()
                .filter(|kind| *kind != ResourceType::PATIENT)
                .map(part)
                .collect(),
            patient: Some(from.clone()),
            sort: Vec::new(),
            count: STEP,
            after,
            total: false,
        })?;
        for hit in &found.hits {
            let stored = reader.fetch(hit)?;
            if written.contains(&stored.key) {
                continue;
            }
            let json = Json::parse(&stored.body).map_err(|_| JoinError::Json)?;
            let mut json = json.into_owned();
            let mut turned = Vec::new();
            turn(&mut json, (&old, &new), &mut String::new(), &mut turned);
            if turned.is_empty() {
                continue;
            }
            let kind = WriteKind::Update { base: Some(stored.version) };
            joining.writes.push(Write::of(json, &stored.key, kind, now, base));
            joining.moved.push(Moved {
                kind: stored.key.kind.name().to_owned(),
                id: stored.key.id.to_string(),
                turned,
            });
            if MOVED_MAX < joining.writes.len() {
                return Err(JoinError::TooMany);
            }
        }
        after = found.next;
        if after.is_none() {
            return Ok(joining);
        }
    }
}

/// Writes that turn back what a joining turned, and nothing else: what was written since stays
/// with whom it was written of.
pub fn part(
    reader: &Reader<'_>,
    kept: &JoinKept,
    (now, base): (Timestamp, &str),
) -> Result<Parting, JoinError> {
    let new = format!("Patient/{}", kept.into);
    let mut parting = Parting::default();
    for moved in &kept.moved {
        let (Ok(kind), Ok(id)) = (moved.kind.parse(), moved.id.parse()) else { continue };
        let key = RecordKey::new(kind, id);
        let Some(stored) = reader.get(&key)?.filter(|stored| !stored.deleted) else { continue };
        let json = Json::parse(&stored.body).map_err(|_| JoinError::Json)?;
        let mut json = json.into_owned();
        let n_back = moved.turned.iter().filter(|it| turn_back(&mut json, it, &new)).count();
        if n_back < moved.turned.len() {
            parting.left.push(key.clone());
        }
        if 0 < n_back {
            let kind = WriteKind::Update { base: Some(stored.version) };
            parting.writes.push(Write::of(json, &key, kind, now, base));
        }
    }
    Ok(parting)
}

/// The record of a joining.
pub fn key(from: &FhirId) -> RecordKey {
    RecordKey::new(ResourceType::JOIN, from.clone())
}

/// A write of the record of a joining.
pub fn kept_write(
    from: &FhirId,
    base: Option<u32>,
    kept: &JoinKept,
) -> Result<Write, serde_json::Error> {
    own_write(key(from), base, Some(from), kept)
}

/// Turns references to `old` into references to `new`.
fn turn(
    json: &mut Json<'static>,
    (old, new): (&str, &str),
    path: &mut String,
    turned: &mut Vec<Turned>,
) {
    let mut within = |name: &str, value: &mut Json<'static>, turned: &mut Vec<Turned>| {
        let len = path.len();
        path.push('/');
        path.push_str(name);
        turn(value, (old, new), path, turned);
        path.truncate(len);
    };
    match json {
        Json::Array(items) => {
            for (n, item) in items.iter_mut().enumerate() {
                within(&n.to_string(), item, turned);
            }
        }
        Json::Object(object) => {
            for (name, value) in object.iter_mut() {
                let name = name.to_owned();
                within(&name, value, turned);
            }
            let is_old = |reference: &&str| {
                *reference == old
                    || reference.strip_suffix(old).is_some_and(|before| before.ends_with('/'))
            };
            let reference = object.get("reference").and_then(Json::as_str).filter(is_old);
            if let Some(was) = reference.map(str::to_owned) {
                object.insert("reference", Json::string(new.to_owned()));
                turned.push(Turned { path: path.clone(), was });
            }
        }
        _ => {}
    }
}

/// Turns one reference back, if it is still where it was and still says `new`.
fn turn_back(json: &mut Json<'static>, turned: &Turned, new: &str) -> bool {
    let mut at = json;
    for name in turned.path.split('/').skip(1) {
        let next = match at {
            Json::Object(object) => object.get_mut(name),
            Json::Array(items) => name.parse::<usize>().ok().and_then(|n| items.get_mut(n)),
            _ => None,
        };
        let Some(next) = next else { return false };
        at = next;
    }
    let Some(object) = at.as_object_mut() else { return false };
    if object.get("reference").and_then(Json::as_str) != Some(new) {
        return false;
    }
    object.insert("reference", Json::string(turned.was.clone()));
    true
}
