//! Which medical event a write is.

use ward_core::{EventPriority, MedicalEventType, ResourceType};
use ward_fhir::Json;

/// The event that a new version of a resource is, as far as it tells by itself.
pub(crate) fn event_of(
    kind: ResourceType,
    resource: &Json<'_>,
    is_first: bool,
) -> (MedicalEventType, EventPriority) {
    (kind_of(kind, resource, is_first), priority_of(kind, resource))
}

/// The event that a record's end is.
pub(crate) const EVENT_OF_DELETE: (MedicalEventType, EventPriority) =
    (MedicalEventType::RecordChanged, EventPriority::Low);

/// The event that a new version of an Encounter is, beside the version before it: a stay begins
/// once, ends once, and is moved when its place is another one.
pub(crate) fn of_stay(
    (said, priority): (MedicalEventType, EventPriority),
    before: &[u8],
    now: &[u8],
) -> (MedicalEventType, EventPriority) {
    use MedicalEventType as E;
    let (Ok(before), Ok(now)) = (Json::parse(before), Json::parse(now)) else {
        return (said, priority);
    };
    let was_in = is_stay(&before) && is_active(&before);
    let is_in = is_stay(&now) && is_active(&now);
    let (old, new) = (places(&before), places(&now));
    let kind = match said {
        E::PatientDischarge if !was_in && status(&before) == "finished" => E::RecordChanged,
        E::PatientAdmission | E::RecordChanged if was_in && is_in => {
            let has_moved = !old.is_empty() && !new.is_empty() && old != new;
            if has_moved { E::PatientTransfer } else { E::RecordChanged }
        }
        // A discharge that is taken back is no second admission.
        E::PatientAdmission if status(&before) == "finished" => E::RecordChanged,
        E::RecordChanged if is_in && status(&before) != "finished" => E::PatientAdmission,
        said => said,
    };
    let priority = if kind == E::RecordChanged { priority } else { EventPriority::Medium };
    (kind, priority)
}

fn status<'j>(resource: &'j Json<'_>) -> &'j str {
    resource.get("status").and_then(Json::as_str).unwrap_or_default()
}

/// A stay on leave goes on.
fn is_active(encounter: &Json<'_>) -> bool {
    matches!(status(encounter), "arrived" | "triaged" | "in-progress" | "onleave")
}

/// Where the patient is now.
fn places<'j>(encounter: &'j Json<'_>) -> Vec<&'j str> {
    let places = encounter.get("location").map(Json::items).unwrap_or_default();
    let now = places.iter().filter(|place| {
        matches!(place.get("status").and_then(Json::as_str), None | Some("active"))
    });
    let named = now.filter_map(|place| place.get("location")?.get("reference")?.as_str());
    named.collect()
}

fn kind_of(kind: ResourceType, resource: &Json<'_>, is_first: bool) -> MedicalEventType {
    use MedicalEventType as E;
    match kind {
        ResourceType::ENCOUNTER => match status(resource) {
            "arrived" | "triaged" | "in-progress" if is_stay(resource) => E::PatientAdmission,
            // What is told of only after its end is history.
            "finished" if is_stay(resource) && !is_first => E::PatientDischarge,
            _ => E::RecordChanged,
        },
        ResourceType::OBSERVATION if has_category(resource, &["laboratory"]) => E::LabResult,
        ResourceType::OBSERVATION if has_category(resource, &["vital-signs"]) => E::VitalSigns,
        ResourceType::MEDICATION_REQUEST => E::MedicationOrder,
        ResourceType::MEDICATION_ADMINISTRATION => E::MedicationAdministered,
        ResourceType::APPOINTMENT => E::Appointment,
        ResourceType::IMAGING_STUDY => E::ImagingStudy,
        // What a plan only proposes is no order.
        ResourceType::SERVICE_REQUEST
            if resource.get("intent").and_then(Json::as_str) != Some("proposal") =>
        {
            match () {
                () if has_category(resource, &LABORATORY) => E::LabOrder,
                () if has_category(resource, &IMAGING) => E::ImagingOrder,
                () => E::RecordChanged,
            }
        }
        _ => E::RecordChanged,
    }
}

/// Categories of orders: SNOMED CT, and HL7 table 0074 as interfaces send it.
const LABORATORY: [&str; 8] = ["108252007", "laboratory", "LAB", "CH", "HM", "MB", "CP", "BLB"];
const IMAGING: [&str; 8] = ["363679005", "imaging", "RAD", "RX", "CT", "MRI", "NMR", "RUS"];

/// Inpatient, acute, emergency, short stay, observation.
///
/// - Source: HL7 v3 ActCode, ActEncounterCode.
fn is_stay(encounter: &Json<'_>) -> bool {
    let class = encounter.get("class").and_then(|class| class.get("code")).and_then(Json::as_str);
    matches!(class, Some("IMP" | "ACUTE" | "NONAC" | "EMER" | "SS" | "OBSENC"))
}

fn has_category(resource: &Json<'_>, codes: &[&str]) -> bool {
    let categories = resource.get("category").map(Json::items).unwrap_or_default();
    categories.iter().any(|category| has_code(category, codes))
}

fn priority_of(kind: ResourceType, resource: &Json<'_>) -> EventPriority {
    // SPEC: v3 ObservationInterpretation: HH and LL are critical, AA critically abnormal.
    let critical = |it: &Json<'_>| has_code(it, &["HH", "LL", "AA"]);
    let interpretations = resource.get("interpretation").map(Json::items).unwrap_or_default();
    if kind == ResourceType::OBSERVATION && interpretations.iter().any(critical) {
        return EventPriority::Critical;
    }
    match resource.get("priority").and_then(Json::as_str) {
        Some("stat") => EventPriority::High,
        Some("asap" | "urgent") => EventPriority::High,
        _ if kind == ResourceType::ENCOUNTER => EventPriority::Medium,
        _ => EventPriority::Low,
    }
}

fn has_code(concept: &Json<'_>, codes: &[&str]) -> bool {
    let codings = concept.get("coding").map(Json::items).unwrap_or_default();
    codings.iter().any(|coding| {
        coding.get("code").and_then(Json::as_str).is_some_and(|code| codes.contains(&code))
    })
}
