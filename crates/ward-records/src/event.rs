//! Which medical event a write is.

use jiff::Timestamp;
use ward_core::{
    EventPriority, FhirId, MedicalEventType, Phi, RecordKey, ResourceType, ids::EventId,
};
use ward_fhir::Json;
use ward_store::NewEvent;

/// The event of one new version.
///
/// - Shape: `data` names the record and its version; a handler reads the record itself, so the
///   feed holds no second copy of it.
pub(crate) fn of(
    id: EventId,
    key: &RecordKey,
    version: u32,
    resource: Option<&Json<'_>>,
    patient: Option<FhirId>,
    time: Timestamp,
) -> NewEvent {
    let kind = resource.map_or(MedicalEventType::RecordChanged, |it| kind_of(key.kind, it));
    let priority = resource.map_or(EventPriority::Low, |it| priority_of(key.kind, it));
    let data = format!(r#"{{"record":"{key}","version":{version}}}"#);
    NewEvent {
        id,
        kind,
        priority,
        patient,
        time,
        source: Phi::new("fhir".to_owned()),
        data: Phi::new(data.into_bytes()),
    }
}

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
