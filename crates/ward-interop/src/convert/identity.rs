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
    ("Location", &["name", "physicalType", "address"]),
    ("Organization", &["name"]),
    ("Practitioner", &["name"]),
    ("Procedure", &["code", "performedDateTime"]),
    ("RelatedPerson", &["name", "relationship"]),
    ("Specimen", &["type", "collection"]),
    ("Immunization", &["vaccineCode", "occurrenceDateTime"]),
    // An order is given, and dispensed, many times.
    (
        "MedicationAdministration",
        &["medicationCodeableConcept", "effectiveDateTime", "effectivePeriod", "request"],
    ),
    ("MedicationDispense", &["medicationCodeableConcept", "whenHandedOver"]),
    ("MedicationRequest", &["medicationCodeableConcept", "intent"]),
];

/// `scope`: what the resource belongs to in the message, such as the facility and the order, the
/// code and the number of an observation.
pub(super) fn identity(kind: &str, resource: &Json<'_>, scope: &[String]) -> Identity {
    if OF_MESSAGE.contains(&kind) {
        return Identity::Message;
    }
    let mut identifiers = telling(kind, resource);
    // A bed is called A in every room: without an authority its name says nothing by itself.
    if kind == "Location" {
        identifiers.retain(|(system, _)| !system.is_empty());
    }
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

/// Those identifiers that mean this very record: the numbers of an order are shared by all that
/// comes of it.
fn telling(kind: &str, resource: &Json<'_>) -> Vec<(String, String)> {
    let wanted = match kind {
        "DiagnosticReport" => "FILL",
        "ServiceRequest" | "MedicationRequest" => "PLAC",
        _ => return identifiers(resource),
    };
    let all = resource.get("identifier").map(Json::items).unwrap_or_default();
    let is_wanted = |it: &&Json<'_>| {
        let codings = it.get("type").and_then(|it| it.get("coding")).map(Json::items);
        let code = codings.unwrap_or_default().first().and_then(|it| it.get("code")?.as_str());
        code == Some(wanted)
    };
    let text = |it: &Json<'_>, name: &str| {
        it.get(name).and_then(Json::as_str).unwrap_or_default().to_owned()
    };
    let told: Vec<(String, String)> = all
        .iter()
        .filter(is_wanted)
        .map(|it| (text(it, "system"), text(it, "value")))
        .filter(|(_, value)| !value.is_empty())
        .collect();
    if told.is_empty() { identifiers(resource) } else { told }
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
