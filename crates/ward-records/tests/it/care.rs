//! Whom a practitioner cares for, and for how long that is remembered.

use ward_core::{AuditAction, FhirId, RecordKey, ResourceType};
use ward_records::Prefer;

use crate::house::House;

async fn put(house: &mut House, kind: ResourceType, id: &str, rest: &str) {
    let cx = house.integration();
    let body = format!(r#"{{"resourceType":"{kind}","id":"{id}",{rest}}}"#);
    let key = RecordKey::new(kind, id.parse().unwrap());
    house.records.update(&cx, &key, body.as_bytes(), None, Prefer::Minimal).await.unwrap();
}

async fn encounter(house: &mut House, id: &str, patient: &str, status: &str) {
    let rest = format!(
        r#""status":"{status}","class":{{"code":"IMP"}},"subject":{{"reference":"Patient/{patient}"}},"participant":[{{"individual":{{"reference":"Practitioner/dr"}}}}]"#
    );
    put(house, ResourceType::ENCOUNTER, id, &rest).await;
}

async fn in_care(house: &mut House) -> Vec<String> {
    let cx = house.integration();
    let id: FhirId = "dr".parse().unwrap();
    let patients = house.records.patients_in_care(&cx, &id).await.unwrap();
    patients.iter().map(ToString::to_string).collect()
}

#[tokio::test]
async fn relations_are_seen_as_soon_as_they_are_written() {
    let mut house = House::new();
    assert!(in_care(&mut house).await.is_empty());
    encounter(&mut house, "e1", "a", "in-progress").await;
    assert_eq!(in_care(&mut house).await, ["a"]);
    let general = r#""generalPractitioner":[{"reference":"Practitioner/dr"}]"#;
    put(&mut house, ResourceType::PATIENT, "b", general).await;
    let team = r#""status":"active","subject":{"reference":"Patient/c"},"participant":[{"member":{"reference":"http://ward/fhir/Practitioner/dr"}}]"#;
    put(&mut house, ResourceType::CARE_TEAM, "t", team).await;
    assert_eq!(in_care(&mut house).await, ["a", "b", "c"]);
    encounter(&mut house, "e1", "a", "finished").await;
    assert_eq!(in_care(&mut house).await, ["b", "c"]);
    put(&mut house, ResourceType::PATIENT, "b", r#""gender":"male""#).await;
    assert_eq!(in_care(&mut house).await, ["c"]);
    let cx = house.integration();
    let key = RecordKey::new(ResourceType::CARE_TEAM, "t".parse().unwrap());
    house.records.delete(&cx, &key, None).await.unwrap();
    assert!(in_care(&mut house).await.is_empty());
}

#[tokio::test]
async fn the_chart_is_asked_once_a_minute() {
    let mut house = House::new();
    encounter(&mut house, "e1", "a", "in-progress").await;
    let before = looks(&mut house).await;
    for _ in 0..5 {
        assert_eq!(in_care(&mut house).await, ["a"]);
    }
    assert_eq!(looks(&mut house).await - before, 1);
    house.at(120);
    assert_eq!(in_care(&mut house).await, ["a"]);
    assert_eq!(looks(&mut house).await - before, 2);
}

/// Audited looks into the relations of care.
async fn looks(house: &mut House) -> usize {
    let cx = house.auditor();
    let filter = ward_store::AuditFilter { limit: 1_000, ..ward_store::AuditFilter::default() };
    let page = house.records.chart().audit_entries(&cx, &filter).await.unwrap();
    let is_look = |entry: &&ward_store::AuditEntry| entry.action == AuditAction::Operation;
    page.entries.iter().filter(is_look).count()
}
