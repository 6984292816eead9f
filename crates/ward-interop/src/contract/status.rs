//! What an event does to a record's state, and what an older message may still say.
//!
//! - Source: HL7 v2.8, chapter 3 trigger events; FHIR R4, Encounter.status.

use jiff::Timestamp;
use ward_core::{EventPriority, MedicalEventType, ResourceType};
use ward_fhir::{Json, json::Object};

use crate::convert::{Converted, Drafted, Wanted};

/// Where a record carries the time of the last event that a message told of it.
const EVENT_TIME: &str = "urn:ward:hl7v2:event-time";

/// How a draft goes into a record that is there.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum How {
    /// What it says replaces what is there.
    Replace,
    /// Only what is not there yet is taken.
    Fill,
}

/// Puts the state after the event into `told`, and says how it goes into what is there.
pub(super) fn settle(
    converted: &Converted,
    draft: &Drafted,
    existing: Option<&Json<'_>>,
    told: &mut Json<'static>,
    when: Option<Timestamp>,
) -> How {
    let late = match (existing.and_then(event_time), when) {
        (Some(there), Some(when)) => when < there,
        _ => false,
    };
    if let Some(transition) = draft.transition {
        let old = existing.and_then(|it| it.get("status")).and_then(Json::as_str);
        let status = match old {
            None => transition.fresh,
            Some(old) => after(old, transition.wanted),
        };
        if let Some(object) = told.as_object_mut() {
            object.insert("status", Json::string(status.to_owned()));
        }
    }
    if keeps_time(draft)
        && !late
        && let Some(when) = when
    {
        set_event_time(told, when);
    }
    let goes_back = existing.is_some_and(|existing| goes_back(draft.kind, existing, told));
    match late || goes_back || !is_of_message(converted, draft) {
        true => How::Fill,
        false => How::Replace,
    }
}

/// The status of an Encounter after an event.
///
/// What has ended stays so until the discharge is taken back: an event that comes late, or twice,
/// never opens a stay again.
pub(super) fn after(old: &str, wanted: Wanted) -> &'static str {
    let is_open = matches!(old, "planned" | "arrived" | "triaged" | "in-progress" | "onleave");
    let kept = match old {
        "planned" => "planned",
        "arrived" => "arrived",
        "triaged" => "triaged",
        "in-progress" => "in-progress",
        "onleave" => "onleave",
        "finished" => "finished",
        "cancelled" => "cancelled",
        "entered-in-error" => "entered-in-error",
        _ => "unknown",
    };
    match (wanted, kept) {
        (Wanted::Admit, "cancelled" | "unknown") => "in-progress",
        (Wanted::Admit, _) if is_open => "in-progress",
        (Wanted::Register, "planned" | "unknown" | "cancelled") => "in-progress",
        (Wanted::Plan, "unknown" | "cancelled") => "planned",
        (Wanted::Move, "planned" | "arrived" | "triaged" | "unknown") => "in-progress",
        (Wanted::Discharge, "unknown") => "finished",
        (Wanted::Discharge, _) if is_open => "finished",
        (Wanted::Cancel, "unknown") => "cancelled",
        (Wanted::Cancel, _) if is_open => "cancelled",
        (Wanted::CancelDischarge, "finished" | "unknown") => "in-progress",
        (Wanted::Leave, "in-progress" | "arrived") => "onleave",
        (Wanted::Return, "onleave") => "in-progress",
        (_, kept) => kept,
    }
}

/// Whether the message is the word of whoever keeps this record, and not a copy that an order or a
/// result carries along.
fn is_of_message(converted: &Converted, draft: &Drafted) -> bool {
    let code = converted.event.as_ref().map_or("", |event| event.code.as_str());
    match draft.kind {
        "Patient" | "Encounter" | "RelatedPerson" | "Coverage" | "Account" => {
            matches!(code, "ADT" | "BAR" | "DFT")
        }
        // A result, a dispense or an administration names the order; it is not the order's word.
        "ServiceRequest" | "MedicationRequest" => {
            !matches!(code, "ORU" | "OUL" | "RAS" | "RDS" | "VXU" | "MDM")
        }
        "Practitioner" | "PractitionerRole" | "Organization" | "Location" => code == "MFN",
        _ => true,
    }
}

/// Whether a result that is final would become preliminary again.
fn goes_back(kind: &str, existing: &Json<'_>, told: &Json<'_>) -> bool {
    let status = |json: &Json<'_>| json.get("status").and_then(Json::as_str).map(rank);
    matches!(kind, "Observation" | "DiagnosticReport") && status(told) < status(existing)
}

/// - Source: FHIR R4, observation-status and diagnostic-report-status.
fn rank(status: &str) -> u8 {
    match status {
        "registered" | "partial" | "unknown" => 0,
        "preliminary" => 1,
        "final" => 2,
        // Corrections follow each other in any order.
        _ => 3,
    }
}

fn keeps_time(draft: &Drafted) -> bool {
    matches!(draft.kind, "Patient" | "Encounter")
}

fn event_time(record: &Json<'_>) -> Option<Timestamp> {
    let extensions = record.get("meta")?.get("extension")?.items();
    let ours = |it: &&Json<'_>| it.get("url").and_then(Json::as_str) == Some(EVENT_TIME);
    extensions.iter().find(ours)?.get("valueInstant")?.as_str()?.parse().ok()
}

/// Puts the time where [`super::merge`] carries it over.
fn set_event_time(told: &mut Json<'static>, when: Timestamp) {
    let Some(object) = told.as_object_mut() else { return };
    let mut extension = Object::new();
    extension.insert("url", Json::string(EVENT_TIME));
    let instant = when.strftime("%Y-%m-%dT%H:%M:%S.%3fZ").to_string();
    extension.insert("valueInstant", Json::string(instant));
    let extensions = Json::Array(vec![Json::Object(extension)]);
    match object.get_mut("meta").and_then(Json::as_object_mut) {
        Some(meta) => meta.insert("extension", extensions),
        None => {
            let mut meta = Object::new();
            meta.insert("extension", extensions);
            object.insert("meta", Json::Object(meta));
        }
    }
}

/// What the write is on the feed, where the message knows better than the resource.
pub(super) fn event_of(
    converted: &Converted,
    kind: ResourceType,
) -> Option<(MedicalEventType, EventPriority)> {
    use MedicalEventType as E;
    let what = converted.event.as_ref().map(|event| event.what)?;
    match kind {
        ResourceType::ENCOUNTER => Some(match what {
            E::PatientAdmission | E::PatientDischarge | E::PatientTransfer => {
                (what, EventPriority::Medium)
            }
            _ => (E::RecordChanged, EventPriority::Low),
        }),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_stay_goes_its_way() {
        let day = [
            (Wanted::Plan, "planned"),
            (Wanted::Admit, "in-progress"),
            (Wanted::Keep, "in-progress"),
            (Wanted::Move, "in-progress"),
            (Wanted::Leave, "onleave"),
            (Wanted::Return, "in-progress"),
            (Wanted::Discharge, "finished"),
            // Late or twice.
            (Wanted::Move, "finished"),
            (Wanted::Admit, "finished"),
            (Wanted::Discharge, "finished"),
            (Wanted::Cancel, "finished"),
            (Wanted::CancelDischarge, "in-progress"),
            (Wanted::CancelMove, "in-progress"),
            (Wanted::Cancel, "cancelled"),
            (Wanted::Discharge, "cancelled"),
            (Wanted::Admit, "in-progress"),
        ];
        let mut status = "planned";
        for (wanted, expected) in day {
            status = after(status, wanted);
            assert_eq!(status, expected, "{wanted:?}");
        }
        assert_eq!(after("entered-in-error", Wanted::Admit), "entered-in-error");
        assert_eq!(after("no such status", Wanted::Keep), "unknown");
    }

    #[test]
    fn the_time_of_an_event_reads_back() {
        let when: Timestamp = "2026-01-02T03:04:05Z".parse().unwrap();
        let mut told = Json::parse(br#"{"resourceType":"Patient"}"#).unwrap().into_owned();
        assert_eq!(event_time(&told), None);
        set_event_time(&mut told, when);
        assert_eq!(event_time(&told), Some(when));
    }

    #[test]
    fn a_final_result_does_not_become_preliminary() {
        let status = |status: &str| {
            Json::parse(format!(r#"{{"status":"{status}"}}"#).as_bytes()).unwrap().into_owned()
        };
        let back =
            |there: &str, told: &str| goes_back("Observation", &status(there), &status(told));
        assert!(back("final", "preliminary") && back("corrected", "final"));
        assert!(!back("preliminary", "final") && !back("final", "corrected"));
        assert!(!back("corrected", "cancelled") && !back("final", "final"));
    }
}
