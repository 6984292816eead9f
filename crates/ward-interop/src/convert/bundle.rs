//! A conversion as a Bundle.

use ward_fhir::{Json, json::Object};

use super::{Converted, Drafted, Identity};

/// A collection with every resource under its `urn:uuid`.
///
/// - Shape: Bundle of type `collection`; the same message gives the same bytes.
pub fn bundle(converted: &Converted) -> Json<'static> {
    let entries: Vec<Json<'static>> = converted.resources.iter().map(entry).collect();
    let mut bundle = Object::from_iter([
        ("resourceType", Json::string("Bundle")),
        ("type", Json::string("collection")),
    ]);
    if !entries.is_empty() {
        bundle.insert("entry", Json::Array(entries));
    }
    Json::Object(bundle)
}

fn entry(drafted: &Drafted) -> Json<'static> {
    Json::Object(Object::from_iter([
        ("fullUrl", Json::string(drafted.slot.clone())),
        ("resource", drafted.resource.clone()),
    ]))
}

impl Converted {
    /// Without what is only about the message: MessageHeader, Provenance.
    pub fn clinical(&self) -> impl Iterator<Item = &Drafted> {
        self.resources.iter().filter(|drafted| drafted.identity != Identity::Message)
    }
}
