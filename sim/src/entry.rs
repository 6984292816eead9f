//! Small FHIR shapes, and bundles of entries that point at each other.

use jiff::{SignedDuration, Timestamp};

use crate::{
    node::{Node, list, obj},
    terms::{LOINC, SNOMED, UCUM},
};

/// The resources of one transaction, in order.
#[derive(Debug, Default)]
pub struct Entries(Vec<Node>);

impl Entries {
    /// Adds a resource that others reach by `urn:uuid:`.
    pub fn post(&mut self, uuid: &str, kind: &str, resource: Node) {
        self.push(uuid, obj! { "method": "POST", "url": kind }, resource);
    }

    /// Adds a resource that is made only if none has the identifier yet.
    pub fn post_once(&mut self, uuid: &str, kind: &str, identifier: &str, resource: Node) {
        let once = format!("identifier={identifier}");
        self.push(uuid, obj! { "method": "POST", "url": kind, "ifNoneExist": once }, resource);
    }

    /// The transaction as JSON.
    pub fn into_bundle(self) -> Vec<u8> {
        let bundle = obj! {
            "resourceType": "Bundle",
            "type": "transaction",
            "entry": Node::List(self.0),
        };
        let mut text = String::new();
        bundle.write(&mut text);
        text.into_bytes()
    }

    fn push(&mut self, uuid: &str, request: Node, resource: Node) {
        let url = format!("urn:uuid:{uuid}");
        self.0.push(obj! { "fullUrl": url, "resource": resource, "request": request });
    }
}

pub fn concept(system: &str, code: &str, display: &str) -> Node {
    obj! { "coding": list![coding(system, code, display)], "text": display }
}

pub fn coding(system: &str, code: &str, display: &str) -> Node {
    obj! { "system": system, "code": code, "display": display }
}

/// A code of HL7's own tables.
pub fn hl7(table: &str, code: &str) -> Node {
    let system = format!("http://terminology.hl7.org/CodeSystem/{table}");
    obj! { "coding": list![obj! { "system": system, "code": code }] }
}

pub fn snomed(code: &str, display: &str) -> Node {
    concept(SNOMED, code, display)
}

pub fn loinc(code: &str, display: &str) -> Node {
    concept(LOINC, code, display)
}

pub fn quantity(value: f64, digits: usize, unit: &str) -> Node {
    obj! { "value": Node::Number(format!("{value:.digits$}")), "unit": unit, "system": UCUM, "code": unit }
}

/// A reference to another entry of the bundle.
pub fn to(uuid: &str) -> Node {
    obj! { "reference": format!("urn:uuid:{uuid}") }
}

/// A conditional reference to something of the house.
pub fn by_identifier(kind: &str, identifier: &str) -> Node {
    obj! { "reference": format!("{kind}?identifier={identifier}") }
}

/// `time` and a number of minutes; unchanged past the end of time.
pub fn after(time: Timestamp, minutes: i64) -> Timestamp {
    time.checked_add(SignedDuration::from_mins(minutes)).unwrap_or(time)
}

pub fn period(start: Timestamp, end: Option<Timestamp>) -> Node {
    obj! { "start": start.to_string(), "end": end.map(|t| t.to_string()) }
}
