//! The population is the same everywhere, and hangs together.

#![allow(clippy::as_conversions, reason = "test arithmetic")]

use std::collections::{BTreeMap, BTreeSet};

use expect_test::expect;
use serde_json::Value;

use crate::{Depth, Hospital};

/// FNV-1a: enough to see that bytes are the same.
fn digest(bytes: &[u8]) -> String {
    let fold = |hash: u64, byte: &u8| (hash ^ u64::from(*byte)).wrapping_mul(0x0100_0000_01b3);
    format!("{:016x}", bytes.iter().fold(0xcbf2_9ce4_8422_2325, fold))
}

#[test]
fn bytes_are_the_same_everywhere() {
    let hospital = Hospital::new(1);
    let mut all = hospital.base_bundle();
    for n in 0..100 {
        all.extend(hospital.patient_bundle(n));
    }
    expect!["069d6bee1d63c4df"].assert_eq(&digest(&all));
    assert_ne!(Hospital::new(2).patient_bundle(0), hospital.patient_bundle(0));
}

#[test]
fn every_reference_resolves() {
    let hospital = Hospital::new(7);
    let base: Value = serde_json::from_slice(&hospital.base_bundle()).unwrap();
    let mut known = BTreeSet::new();
    for entry in base["entry"].as_array().unwrap() {
        let resource = &entry["resource"];
        let kind = resource["resourceType"].as_str().unwrap();
        for identifier in resource["identifier"].as_array().unwrap() {
            let (system, value) = (&identifier["system"], &identifier["value"]);
            let (system, value) = (system.as_str().unwrap(), value.as_str().unwrap());
            let is_new = known.insert(format!("{kind}?identifier={system}|{value}"));
            assert!(is_new, "{kind} {value} twice");
        }
    }
    check_links(&base, &known);
    for n in 0..300 {
        check_links(&serde_json::from_slice(&hospital.patient_bundle(n)).unwrap(), &known);
    }
}

fn check_links(bundle: &Value, known: &BTreeSet<String>) {
    let entries = bundle["entry"].as_array().unwrap();
    let urls: BTreeSet<&str> = entries.iter().map(|e| e["fullUrl"].as_str().unwrap()).collect();
    assert_eq!(urls.len(), entries.len(), "two entries with one fullUrl");
    let mut found = Vec::new();
    collect(bundle, &mut found);
    assert!(!found.is_empty());
    for reference in found {
        assert!(urls.contains(reference) || known.contains(reference), "{reference}");
    }
}

fn collect<'a>(value: &'a Value, found: &mut Vec<&'a str>) {
    match value {
        Value::Object(members) => {
            if let Some(Value::String(reference)) = members.get("reference") {
                found.push(reference);
            }
            members.values().for_each(|v| collect(v, found));
        }
        Value::Array(items) => items.iter().for_each(|v| collect(v, found)),
        _ => (),
    }
}

#[test]
fn counts() {
    let hospital = Hospital::new(1);
    let mut counts: BTreeMap<String, usize> = BTreeMap::new();
    let mut sizes = Vec::new();
    for n in 0..200 {
        let bundle: Value = serde_json::from_slice(&hospital.patient_bundle(n)).unwrap();
        let entries = bundle["entry"].as_array().unwrap();
        sizes.push(entries.len());
        for entry in entries {
            let kind = entry["resource"]["resourceType"].as_str().unwrap();
            *counts.entry(kind.to_owned()).or_default() += 1;
        }
    }
    sizes.sort_unstable();
    let mut report = format!("{} to {}, median {}\n", sizes[0], sizes[199], sizes[100]);
    for (kind, n) in counts {
        report.push_str(&format!("{kind} {n}\n"));
    }
    expect![[r#"
        25 to 88, median 38
        AllergyIntolerance 56
        CareTeam 200
        Condition 462
        Coverage 200
        DiagnosticReport 607
        Encounter 327
        Immunization 372
        MedicationAdministration 134
        MedicationRequest 386
        Observation 6270
        Patient 200
        Procedure 17
    "#]]
    .assert_eq(&report);
}

#[test]
fn small_is_smaller() {
    let full = Hospital::new(1);
    let small = full.clone().with_depth(Depth::Small);
    for n in 0..50 {
        assert!(small.patient_bundle(n).len() < full.patient_bundle(n).len());
    }
}

#[test]
fn sugar_goes_with_diabetes() {
    let hospital = Hospital::new(1);
    let mut means = [Vec::new(), Vec::new()];
    for n in 0..300 {
        let text = String::from_utf8(hospital.patient_bundle(n)).unwrap();
        let bundle: Value = serde_json::from_str(&text).unwrap();
        let has_diabetes = text.contains("\"44054006\"");
        for entry in bundle["entry"].as_array().unwrap() {
            let resource = &entry["resource"];
            if resource["code"]["coding"][0]["code"] == "2345-7" {
                let value = resource["valueQuantity"]["value"].as_f64().unwrap();
                means[usize::from(has_diabetes)].push(value);
            }
        }
    }
    let mean = |values: &[f64]| values.iter().sum::<f64>() / values.len() as f64;
    assert!(mean(&means[0]) + 40.0 < mean(&means[1]));
}
