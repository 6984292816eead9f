//! What speaks against an order, asked of the command line without a chart.

use std::{fs, process::Command};

use ward_tests::{House, ward};

const BUNDLE: &str = r#"{"resourceType": "Bundle", "type": "collection", "entry": [
    {"resource": {"resourceType": "Patient", "id": "p", "gender": "male", "birthDate": "1970-01-01"}},
    {"resource": {"resourceType": "MedicationRequest", "id": "old", "status": "active",
        "intent": "order", "medicationCodeableConcept": {"text": "phenelzine"},
        "dosageInstruction": [{"text": "15 mg PO TID"}]}},
    {"resource": {"resourceType": "MedicationRequest", "id": "new", "status": "draft",
        "intent": "order", "medicationCodeableConcept": {"text": "sertraline"},
        "dosageInstruction": [{"text": "50 mg PO daily"}]}}]}"#;

#[test]
fn a_bundle_is_checked_without_a_chart() {
    let house = House::new();
    let file = house.data().join("bundle.json");
    fs::write(&file, BUNDLE).unwrap();
    let output = Command::new(ward())
        .args(["meds", "check", "--at", "2026-11-28T12:00:00Z"])
        .arg(&file)
        .output()
        .unwrap();
    let printed = String::from_utf8(output.stdout).unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    for part in ["\"MedicationRequest/new\"", "onc-high-04", "hard-stop", "allergy-not-assessed"] {
        assert!(printed.contains(part), "{part}: {printed}");
    }
}

#[test]
fn what_is_no_bundle_is_refused_with_its_place() {
    let house = House::new();
    let file = house.data().join("bundle.json");
    for (text, says) in [
        ("{\"resourceType\": \"Bundle\"", "bundle.json:1:25: this is no JSON"),
        ("{\"resourceType\": \"Patient\"}", "a Bundle or a MedicationRequest is asked for"),
    ] {
        fs::write(&file, text).unwrap();
        let output = Command::new(ward()).args(["meds", "check"]).arg(&file).output().unwrap();
        assert!(!output.status.success());
        let why = String::from_utf8_lossy(&output.stderr).into_owned();
        assert!(why.contains(says), "{why}");
    }
}
