//! How the chart finds the record that a resource of a message belongs to.

use ward_fhir::Json;

use super::{Drafted, Identity};

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
    ("Appointment", &["start", "serviceType"]),
    ("ChargeItem", &["code", "occurrenceDateTime", "occurrencePeriod", "enteredDate"]),
    ("Condition", &["code", "onsetDateTime"]),
    ("Coverage", &["subscriberId", "class", "order"]),
    ("Device", &["deviceName", "identifier"]),
    ("DiagnosticReport", &["code", "effectiveDateTime", "effectivePeriod"]),
    ("DocumentReference", &["type", "date", "context"]),
    ("Location", &["name", "physicalType", "address"]),
    ("Organization", &["name"]),
    ("Practitioner", &["name"]),
    ("Procedure", &["code", "performedDateTime"]),
    ("RelatedPerson", &["name", "relationship"]),
    ("ServiceRequest", &["code", "occurrenceDateTime", "occurrencePeriod", "authoredOn"]),
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

/// Types that no patient has: what is said of them is all that tells them apart.
const ASIDE: &[&str] = &["Device", "Location", "Organization", "Practitioner", "PractitionerRole"];

/// `scope`: what the resource belongs to in the message, such as the facility and the order, the
/// code and the number of an observation.
pub(super) fn identity(kind: &str, resource: &Json<'_>, scope: &[String], slot: &str) -> Identity {
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
    if kind == "Patient" {
        // Nobody can say who it is: never the same as in another message.
        key.push(slot.to_owned());
        return Identity::Key(key);
    }
    key.extend(scope.iter().cloned());
    let n_shared = key.len();
    if let Some((_, members)) = DISTINCT.iter().find(|(own, _)| *own == kind) {
        for member in *members {
            if let Some(value) = resource.get(member) {
                key.push(String::from_utf8_lossy(&value.to_bytes()).into_owned());
            }
        }
    }
    if key.len() == n_shared && ASIDE.contains(&kind) {
        key.push(String::from_utf8_lossy(&resource.to_bytes()).into_owned());
    }
    Identity::Key(key)
}

/// Says what a resource refers to in the places of this message's own names, so that the same
/// people and places are the same in the next message.
pub(super) fn settle(drafted: &mut [Drafted]) {
    let name = |draft: &Drafted| match &draft.identity {
        Identity::Identifiers(all) => {
            all.first().map(|(system, value)| format!("{system}|{value}"))
        }
        Identity::Key(key) if draft.kind != "PractitionerRole" => Some(key.join("|")),
        Identity::Key(_) | Identity::Message => None,
    };
    let names: Vec<(String, String)> =
        drafted.iter().filter_map(|draft| Some((draft.slot.clone(), name(draft)?))).collect();
    for draft in drafted.iter_mut().filter(|draft| ASIDE.contains(&draft.kind)) {
        let Identity::Key(key) = &mut draft.identity else { continue };
        for part in key.iter_mut().filter(|part| part.contains("urn:uuid:")) {
            for (slot, name) in names.iter().filter(|(slot, _)| *slot != draft.slot) {
                *part = part.replace(slot.as_str(), name);
            }
        }
    }
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
