//! Which v2 event a change of a record is.

use ward_core::ResourceType;
use ward_fhir::Json;

use crate::to_v2::Event;

/// The event that a new version of a record is; `None` where v2 has no word for it.
///
/// - Shape: `before` is the version before it.
/// - Source: HL7 v2.5.1, chapters 3, 4, 7, 9, 10.
pub(super) fn event_of(
    kind: ResourceType,
    before: Option<&Json<'_>>,
    now: &Json<'_>,
) -> Option<Event> {
    let (code, event) = match kind {
        ResourceType::PATIENT => ("ADT", patient(before, now)),
        ResourceType::ENCOUNTER => ("ADT", stay(before, now)?),
        ResourceType::SERVICE_REQUEST => ("ORM", "O01"),
        ResourceType::DIAGNOSTIC_REPORT => ("ORU", "R01"),
        ResourceType::OBSERVATION => ("ORU", "R01"),
        ResourceType::MEDICATION_REQUEST => ("RDE", "O11"),
        ResourceType::MEDICATION_ADMINISTRATION => ("RAS", "O17"),
        ResourceType::APPOINTMENT => ("SIU", appointment(before, now)),
        _ => {
            return match kind.name() {
                "MedicationDispense" => Some(Event::new("RDS", "O13")),
                "Immunization" => Some(Event::new("VXU", "V04")),
                "DocumentReference" => Some(Event::new("MDM", "T02")),
                "ChargeItem" => Some(Event::new("DFT", "P03")),
                _ => None,
            };
        }
    };
    // A draft is nobody's order yet.
    if text(now, "status") == "draft" {
        return None;
    }
    Some(Event::new(code, event))
}

fn text<'j>(json: &'j Json<'_>, name: &str) -> &'j str {
    json.get(name).and_then(Json::as_str).unwrap_or_default()
}

fn patient(before: Option<&Json<'_>>, now: &Json<'_>) -> &'static str {
    let is_replaced = |json: &Json<'_>| {
        let links = json.get("link").map(Json::items).unwrap_or_default();
        links.iter().any(|link| text(link, "type") == "replaced-by")
    };
    match before {
        None => "A28",
        Some(before) if is_replaced(now) && !is_replaced(before) => "A40",
        Some(_) => "A31",
    }
}

/// A step of a stay, by the state before and the state now.
fn stay(before: Option<&Json<'_>>, now: &Json<'_>) -> Option<&'static str> {
    let was = before.map_or("", |before| text(before, "status"));
    let is = text(now, "status");
    let class = |json: &Json<'_>| {
        json.get("class").map(|class| text(class, "code").to_owned()).unwrap_or_default()
    };
    let is_inside = |class: &str| matches!(class, "IMP" | "ACUTE" | "NONAC" | "SS" | "OBSENC");
    let is_here = |status: &str| matches!(status, "arrived" | "triaged" | "in-progress");
    Some(match (was, is) {
        ("planned", "cancelled") => "A38",
        ("entered-in-error", "cancelled") | ("cancelled", "entered-in-error") => return None,
        (_, "cancelled" | "entered-in-error") => {
            if was.is_empty() {
                return None;
            } else {
                "A11"
            }
        }
        ("", "planned") => "A05",
        ("finished", is) if is_here(is) => "A13",
        ("onleave", is) if is_here(is) => "A22",
        (was, "onleave") if was != "onleave" => "A21",
        (was, "finished") if was != "finished" => "A03",
        (was, is) if is_here(is) && !is_here(was) => {
            // Who has come and has no place yet is registered; the admission is told with the place.
            let waits = is == "arrived" && place(now).is_empty();
            if is_inside(&class(now)) && !waits { "A01" } else { "A04" }
        }
        (was, is) if is_here(was) && is_here(is) => {
            let before = before?;
            if was == "arrived" && is == "in-progress" && is_inside(&class(now)) {
                return Some("A01");
            }
            match (is_inside(&class(before)), is_inside(&class(now))) {
                (false, true) => "A06",
                (true, false) => "A07",
                _ if place(before) != place(now) => "A02",
                _ => "A08",
            }
        }
        _ => "A08",
    })
}

/// Where the patient is: the references of places that are not left or only planned.
fn place(encounter: &Json<'_>) -> Vec<String> {
    let places = encounter.get("location").map(Json::items).unwrap_or_default();
    let is_current = |it: &&Json<'_>| matches!(text(it, "status"), "active" | "");
    let reference = |it: &Json<'_>| {
        it.get("location")
            .map(|location| text(location, "reference").to_owned())
            .unwrap_or_default()
    };
    places.iter().filter(is_current).map(reference).collect()
}

fn appointment(before: Option<&Json<'_>>, now: &Json<'_>) -> &'static str {
    match (before, text(now, "status")) {
        (_, "cancelled") => "S15",
        (_, "entered-in-error") => "S17",
        (_, "noshow") => "S26",
        (None, _) => "S12",
        (Some(before), _) if text(before, "start") != text(now, "start") => "S13",
        (Some(_), _) => "S14",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Kind, version before, version now, event.
    const CASES: &[(&str, &str, &str, &str)] = &[
        ("Patient", "", "{}", "ADT^A28"),
        ("Patient", "{}", r#"{"gender":"male"}"#, "ADT^A31"),
        ("Patient", "{}", r#"{"link":[{"type":"replaced-by"}]}"#, "ADT^A40"),
        ("Encounter", "", r#"{"status":"planned"}"#, "ADT^A05"),
        ("Encounter", "", r#"{"status":"in-progress","class":{"code":"IMP"}}"#, "ADT^A01"),
        ("Encounter", "", r#"{"status":"in-progress","class":{"code":"AMB"}}"#, "ADT^A04"),
        ("Encounter", "", r#"{"status":"arrived","class":{"code":"IMP"}}"#, "ADT^A04"),
        (
            "Encounter",
            r#"{"status":"arrived","class":{"code":"IMP"}}"#,
            r#"{"status":"in-progress","class":{"code":"IMP"}}"#,
            "ADT^A01",
        ),
        (
            "Encounter",
            r#"{"status":"planned","class":{"code":"IMP"}}"#,
            r#"{"status":"in-progress","class":{"code":"IMP"}}"#,
            "ADT^A01",
        ),
        (
            "Encounter",
            r#"{"status":"in-progress","class":{"code":"IMP"},"location":[{"location":{"reference":"Location/a"},"status":"active"}]}"#,
            r#"{"status":"in-progress","class":{"code":"IMP"},"location":[{"location":{"reference":"Location/b"},"status":"active"}]}"#,
            "ADT^A02",
        ),
        (
            "Encounter",
            r#"{"status":"in-progress","class":{"code":"EMER"}}"#,
            r#"{"status":"in-progress","class":{"code":"IMP"}}"#,
            "ADT^A06",
        ),
        (
            "Encounter",
            r#"{"status":"in-progress","class":{"code":"IMP"}}"#,
            r#"{"status":"in-progress","class":{"code":"IMP"},"priority":{}}"#,
            "ADT^A08",
        ),
        ("Encounter", r#"{"status":"in-progress"}"#, r#"{"status":"finished"}"#, "ADT^A03"),
        ("Encounter", r#"{"status":"finished"}"#, r#"{"status":"in-progress"}"#, "ADT^A13"),
        ("Encounter", r#"{"status":"in-progress"}"#, r#"{"status":"cancelled"}"#, "ADT^A11"),
        ("Encounter", r#"{"status":"planned"}"#, r#"{"status":"cancelled"}"#, "ADT^A38"),
        ("Encounter", r#"{"status":"in-progress"}"#, r#"{"status":"onleave"}"#, "ADT^A21"),
        ("Encounter", r#"{"status":"onleave"}"#, r#"{"status":"in-progress"}"#, "ADT^A22"),
        ("Encounter", r#"{"status":"finished"}"#, r#"{"status":"finished"}"#, "ADT^A08"),
        ("ServiceRequest", "", r#"{"status":"active"}"#, "ORM^O01"),
        ("ServiceRequest", "", r#"{"status":"draft"}"#, ""),
        ("DiagnosticReport", "", r#"{"status":"final"}"#, "ORU^R01"),
        ("Appointment", "", r#"{"status":"booked"}"#, "SIU^S12"),
        ("Appointment", "{}", r#"{"status":"booked","start":"2026"}"#, "SIU^S13"),
        ("Appointment", "{}", r#"{"status":"cancelled"}"#, "SIU^S15"),
        ("Slot", "", "{}", ""),
    ];

    #[test]
    fn changes_have_the_events_of_v2() {
        for (kind, before, now, expected) in CASES {
            let read = |text: &str| Json::parse(text.as_bytes()).unwrap().into_owned();
            let before = (!before.is_empty()).then(|| read(before));
            let found = event_of(kind.parse().unwrap(), before.as_ref(), &read(now));
            let found = found.map(|it| format!("{}^{}", it.code, it.event)).unwrap_or_default();
            assert_eq!(found, *expected, "{kind} {before:?} {now}");
        }
    }
}
