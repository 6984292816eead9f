//! From a resource to a write that the chart takes.

use jiff::Timestamp;
use ward_core::{FhirId, RecordKey};
use ward_fhir::{Json, json::Object, search::extract_at};

use crate::{
    unit::{Write, WriteKind},
    write_event::{EVENT_OF_DELETE, event_of},
};

impl Write {
    /// Puts id and meta into a resource, and takes from it what the chart keeps beside it.
    ///
    /// - Shape: `base` is the server's own address, so that links with it are links to its records.
    pub fn of(
        mut resource: Json<'_>,
        key: &RecordKey,
        kind: WriteKind,
        now: Timestamp,
        base: &str,
    ) -> Write {
        let version = kind.base().map_or(1, |base| base.saturating_add(1));
        stamp(&mut resource, &key.id, version, &instant(now));
        let extracted = extract_at(key.kind, &resource, base);
        Write {
            key: key.clone(),
            kind,
            version,
            body: resource.to_bytes(),
            terms: extracted.terms,
            patients: extracted.patients,
            restricted: extracted.restricted,
            event: Some(event_of(key.kind, &resource, kind.base().is_none())),
        }
    }

    /// A write that ends a record.
    pub fn end(key: &RecordKey, base: u32) -> Write {
        Write {
            key: key.clone(),
            kind: WriteKind::Delete { base },
            version: base.saturating_add(1),
            body: Vec::new(),
            terms: Vec::new(),
            patients: Default::default(),
            restricted: false,
            event: Some(EVENT_OF_DELETE),
        }
    }
}

fn stamp(resource: &mut Json<'_>, id: &FhirId, version: u32, last_updated: &str) {
    let Some(object) = resource.as_object_mut() else { return };
    object.insert_at(1, "id", Json::string(id.as_str().to_owned()));
    if object.get("meta").and_then(Json::as_object).is_none() {
        object.insert_at(2, "meta", Json::Object(Object::new()));
    }
    if let Some(meta) = object.get_mut("meta").and_then(Json::as_object_mut) {
        meta.insert_at(0, "versionId", Json::string(version.to_string()));
        meta.insert_at(1, "lastUpdated", Json::string(last_updated.to_owned()));
    }
}

/// Time as FHIR writes an instant, to the millisecond.
fn instant(time: Timestamp) -> String {
    time.strftime("%Y-%m-%dT%H:%M:%S.%3fZ").to_string()
}
