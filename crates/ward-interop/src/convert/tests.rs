//! What holds of every map and every message.

use std::collections::BTreeSet;

use jiff::Timestamp;
use ward_fhir::{definitions::schema, outcome::Severity};
use ward_hl7::{Message, ReadSettings, map::standard};

use super::{Converter, Identity, bundle, own};

#[test]
fn every_conversion_with_a_name_is_there_and_used() {
    let named: BTreeSet<String> = standard()
        .parts()
        .flat_map(|map| map.rows.iter())
        .filter_map(|row| row.by.as_deref().filter(|by| by.starts_with('!')))
        // Another field of the same segment, by its number.
        .filter(|by| !by.trim_start_matches('!').starts_with(|c: char| c.is_ascii_digit()))
        .map(ToOwned::to_owned)
        .collect();
    let known: BTreeSet<String> = own::NAMES.iter().map(|name| (*name).to_owned()).collect();
    let missing: Vec<_> = named.difference(&known).collect();
    assert!(missing.is_empty(), "{missing:?}");
}

/// Which elements an object has is kept in the bits of one number.
#[test]
fn no_type_has_more_elements_than_one_number_has_bits() {
    let largest = schema().types().iter().map(|def| def.elements().len()).max().unwrap();
    assert!((32..=128).contains(&largest), "{largest}");
}

/// A day of the simulated hospital: every message is understood, and makes valid resources only.
#[test]
fn a_simulated_day_makes_valid_resources() {
    let converter = Converter::standard();
    let midnight: Timestamp = "2026-01-01T00:00:00Z".parse().unwrap();
    let mut kinds = BTreeSet::new();
    for sent in ward_sim::Hospital::new(7).day(midnight, 60) {
        let (message, _) = Message::read(sent.text.as_bytes(), &ReadSettings::default());
        let message = message.unwrap();
        let converted = converter.to_fhir(&message, midnight);
        assert!(converted.problems.is_empty(), "{:?} {}", converted.problems, sent.text);
        for draft in converted.resources.iter().filter(|it| it.identity != Identity::Message) {
            let issues = ward_fhir::validate::validate(&draft.resource, None);
            let wrong: Vec<_> =
                issues.iter().filter(|issue| issue.severity <= Severity::Error).collect();
            let text = String::from_utf8(draft.resource.to_bytes()).unwrap();
            assert!(wrong.is_empty(), "{wrong:?} {text}");
            kinds.insert(draft.kind);
        }
        // The same message says the same.
        assert_eq!(bundle(&converted), bundle(&converter.to_fhir(&message, midnight)));
    }
    for kind in [
        "Patient",
        "Encounter",
        "Condition",
        "Observation",
        "DiagnosticReport",
        "MedicationRequest",
        "MedicationAdministration",
    ] {
        assert!(kinds.contains(kind), "no {kind} in {kinds:?}");
    }
}

fn converted(event: &str, segments: &str) -> super::Converted {
    let (code, event) = event.split_once('^').unwrap();
    let text = format!(
        "MSH|^~\\&|A|HOSP|B|HOSP|20260101080000||{code}^{event}|1|P|2.5.1\rEVN||20260101080000\r\
         PID|1||4711^^^HOSP^MR||Meyer^Anna\r{segments}"
    );
    let (message, _) = Message::read(text.as_bytes(), &ReadSettings::default());
    Converter::standard().to_fhir(&message.unwrap(), Timestamp::UNIX_EPOCH)
}

/// Whoever sends what no map knows is told so: nothing comes of it, not even a patient.
#[test]
fn what_no_map_knows_is_not_converted() {
    for event in ["ZZZ^Z01", "ADT^A42", "ADT^A45", "ADT^A50", "MFN^M02"] {
        let resources = converted(event, "MRG|815^^^HOSP^MR||9|||V9\r").resources;
        assert!(resources.is_empty(), "{event}");
    }
}

/// A merge of accounts is not a merge of patients.
#[test]
fn only_a_merge_of_patients_replaces_a_patient() {
    let kinds = |event: &str| -> Vec<&'static str> {
        let all = converted(event, "MRG|815^^^HOSP^MR||9\r").resources;
        let mut kinds: Vec<_> = all.iter().map(|it| it.kind).collect();
        kinds.retain(|kind| matches!(*kind, "Patient" | "Account"));
        kinds
    };
    assert_eq!(kinds("ADT^A40"), ["Patient", "Patient"]);
    assert_eq!(kinds("ADT^A41"), ["Patient", "Account"]);
    let merged = converted("ADT^A40", "MRG|815^^^HOSP^MR\r");
    let text = String::from_utf8(bundle(&merged).to_bytes()).unwrap();
    assert!(text.contains("replaced-by") && text.contains("replaces"), "{text}");
}

/// A second timing is a second instruction: nobody gets the dose of one at the times of the other.
#[test]
fn timings_of_one_order_are_not_mixed() {
    let text = "ORC|NW|77^HOSP\rRXE||1^Drug|5||mg\rTQ1|1||TID\rTQ1|2||QHS\rRXR|PO\r";
    let all = converted("RDE^O11", text).resources;
    let request = all.iter().find(|it| it.kind == "MedicationRequest").unwrap();
    let instructions = request.resource.get("dosageInstruction").unwrap().as_array().unwrap();
    assert_eq!(instructions.len(), 2);
    let code = |nth: usize| {
        let timing = instructions[nth].get("timing")?.get("code")?.get("coding")?;
        timing.as_array()?.first()?.get("code")?.as_str().map(str::to_owned)
    };
    assert_eq!((code(0).unwrap().as_str(), code(1).unwrap().as_str()), ("TID", "QHS"));
    assert!(instructions[0].get("doseAndRate").is_some());
}

/// What RXE-1 says of the time is said of the dose beside it: no instruction is without one.
#[test]
fn the_start_of_an_order_belongs_to_its_dose() {
    let text = "ORC|NW|77^HOSP\rRXE|^^^20260101063000+0000|1^Drug|6||mg\rTQ1|1||Q24H\rRXR|PO\r";
    let all = converted("RDE^O11", text).resources;
    let request = all.iter().find(|it| it.kind == "MedicationRequest").unwrap();
    let instructions = request.resource.get("dosageInstruction").unwrap().as_array().unwrap();
    assert_eq!(instructions.len(), 1);
    assert!(instructions[0].get("doseAndRate").is_some());
    let timing = instructions[0].get("timing").unwrap();
    assert!(timing.get("code").is_some() && timing.get("repeat").is_some());
}

/// Beds of the same name in two rooms are two places.
#[test]
fn a_bed_is_known_by_its_room() {
    let bed = |room: &str| {
        let text = format!("PV1|1|I|W1^{room}^A\r");
        let all = converted("ADT^A01", &text).resources;
        let is_bed =
            |it: &&super::Drafted| it.resource.get("name").and_then(|n| n.as_str()) == Some("A");
        all.iter().find(is_bed).unwrap().identity.clone()
    };
    assert_eq!(bed("101"), bed("101"));
    assert_ne!(bed("101"), bed("102"));
    assert!(matches!(bed("101"), Identity::Key(_)));
}
