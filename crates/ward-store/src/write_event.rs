//! Which medical event a write is.

use ward_core::{EventPriority, MedicalEventType, ResourceType};
use ward_fhir::Json;

/// The event that a new version of a resource is.
pub(crate) fn event_of(
    kind: ResourceType,
    resource: &Json<'_>,
) -> (MedicalEventType, EventPriority) {
    (kind_of(kind, resource), priority_of(kind, resource))
}

/// The event that a record's end is.
pub(crate) const EVENT_OF_DELETE: (MedicalEventType, EventPriority) =
    (MedicalEventType::RecordChanged, EventPriority::Low);

fn kind_of(kind: ResourceType, resource: &Json<'_>) -> MedicalEventType {
    use MedicalEventType as E;
    let status = resource.get("status").and_then(Json::as_str).unwrap_or_default();
    match kind {
        ResourceType::ENCOUNTER => match status {
            "arrived" | "in-progress" if is_stay(resource) => E::PatientAdmission,
            "finished" if is_stay(resource) => E::PatientDischarge,
            _ => E::RecordChanged,
        },
        ResourceType::OBSERVATION if has_category(resource, "laboratory") => E::LabResult,
        ResourceType::OBSERVATION if has_category(resource, "vital-signs") => E::VitalSigns,
        ResourceType::MEDICATION_REQUEST => E::MedicationOrder,
        ResourceType::MEDICATION_ADMINISTRATION => E::MedicationAdministered,
        ResourceType::APPOINTMENT => E::Appointment,
        ResourceType::IMAGING_STUDY => E::ImagingStudy,
        _ => E::RecordChanged,
    }
}

/// Inpatient, acute, emergency, short stay, observation.
///
/// - Source: HL7 v3 ActCode, ActEncounterCode.
fn is_stay(encounter: &Json<'_>) -> bool {
    let class = encounter.get("class").and_then(|class| class.get("code")).and_then(Json::as_str);
    matches!(class, Some("IMP" | "ACUTE" | "NONAC" | "EMER" | "SS" | "OBSENC"))
}

fn has_category(resource: &Json<'_>, code: &str) -> bool {
    let categories = resource.get("category").map(Json::items).unwrap_or_default();
    categories.iter().any(|category| has_code(category, &[code]))
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
