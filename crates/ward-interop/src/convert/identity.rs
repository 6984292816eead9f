//! How the chart finds the record that a resource of a message belongs to.

use ward_fhir::Json;

use super::Identity;

/// Types whose records live longer than a message and carry identifiers.
const IDENTIFIED: &[&str] = &[
    "Account",
    "AllergyIntolerance",
    "Appointment",
    "Condition",
    "Coverage",
    "Device",
    "DiagnosticReport",
    "DocumentReference",
    "Encounter",
    "Immunization",
    "Location",
    "MedicationAdministration",
    "MedicationDispense",
    "MedicationRequest",
    "Organization",
    "Patient",
    "Practitioner",
    "Procedure",
    "RelatedPerson",
    "ServiceRequest",
    "Specimen",
];

/// Types that are about the message itself.
const OF_MESSAGE: &[&str] = &["Bundle", "MessageHeader", "Parameters", "Provenance"];

/// What else tells resources of a type apart, as paths of members.
const DISTINCT: &[(&str, &[&str])] = &[
    ("AllergyIntolerance", &["code"]),
    ("Condition", &["code", "onsetDateTime"]),
    ("Coverage", &["subscriberId", "class", "order"]),
    ("Device", &["deviceName", "identifier"]),
    ("Location", &["name", "physicalType", "identifier"]),
    ("Organization", &["name"]),
    ("Practitioner", &["name"]),
    ("Procedure", &["code", "performedDateTime"]),
    ("RelatedPerson", &["name", "relationship"]),
    ("Specimen", &["type", "collection"]),
    ("Immunization", &["vaccineCode", "occurrenceDateTime"]),
];

/// `scope`: what the resource belongs to in the message, such as the facility and the order, the
/// code and the number of an observation.
pub(super) fn identity(kind: &str, resource: &Json<'_>, scope: &[String]) -> Identity {
    if OF_MESSAGE.contains(&kind) {
        return Identity::Message;
    }
    let identifiers = identifiers(resource);
    if IDENTIFIED.contains(&kind) && !identifiers.is_empty() {
        return Identity::Identifiers(identifiers);
    }
    let mut key = vec![kind.to_owned()];
    key.extend(scope.iter().cloned());
    if let Some((_, members)) = DISTINCT.iter().find(|(own, _)| *own == kind) {
        for member in *members {
            if let Some(value) = resource.get(member) {
                key.push(String::from_utf8_lossy(&value.to_bytes()).into_owned());
            }
        }
    }
    Identity::Key(key)
}

/// Systems and values, those that name their system first.
pub(super) fn identifiers(resource: &Json<'_>) -> Vec<(String, String)> {
    let mut found: Vec<(String, String)> = Vec::new();
    for name in ["identifier", "masterIdentifier"] {
        for item in resource.get(name).map(Json::items).into_iter().flatten() {
            let text = |name: &str| item.get(name).and_then(Json::as_str).unwrap_or_default();
            let pair = (text("system").to_owned(), text("value").to_owned());
            if !pair.1.is_empty() && !found.contains(&pair) {
                found.push(pair);
            }
        }
    }
    found.sort_by_key(|(system, _)| system.is_empty());
    found
}
