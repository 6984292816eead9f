//! What holds of every map and every message.

use std::collections::BTreeSet;

use jiff::Timestamp;
use ward_fhir::outcome::Severity;
use ward_hl7::{Message, ReadSettings, map::standard};

use super::{Converter, Identity, bundle, own};

#[test]
fn every_conversion_with_a_name_is_there_and_used() {
    let named: BTreeSet<String> = standard()
        .parts()
        .flat_map(|map| map.rows.iter())
        .filter_map(|row| row.by.as_deref().filter(|by| by.starts_with('!')))
        .map(ToOwned::to_owned)
        .collect();
    let known: BTreeSet<String> = own::NAMES.iter().map(|name| (*name).to_owned()).collect();
    let missing: Vec<_> = named.difference(&known).collect();
    assert!(missing.is_empty(), "{missing:?}");
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
