//! What the audit log is rendered as is valid FHIR.

use ward_core::{RecordKey, ResourceType};
use ward_fhir::{Json, validate::validate};
use ward_records::{HistoryParams, Prefer, SearchTarget};
use ward_store::HistoryOf;

use crate::house::House;

#[tokio::test]
async fn every_entry_is_a_valid_audit_event() {
    let mut house = House::new();
    let key = RecordKey::new(ResourceType::PATIENT, "a".parse().unwrap());
    let body = br#"{"resourceType":"Patient","id":"a"}"#;
    for _ in 0..2 {
        let cx = house.integration();
        house.records.update(&cx, &key, body, None, Prefer::Minimal).await.unwrap();
    }
    let cx = house.integration();
    house.records.read(&cx, &key).await.unwrap();
    house.records.vread(&cx, &key, 9).await.unwrap_err();
    let of = HistoryOf::Instance(key.clone());
    house.records.history(&cx, of, HistoryParams::default()).await.unwrap();
    let target = SearchTarget::Type(ResourceType::PATIENT);
    house.records.search(&cx, &target, "name=x", false).await.unwrap();
    house.records.patients_in_care(&cx, &key.id).await.unwrap();
    house.records.delete(&cx, &key, None).await.unwrap();

    let cx = house.auditor();
    let target = SearchTarget::Type(ResourceType::AUDIT_EVENT);
    let reply = house.records.search(&cx, &target, "_count=100", false).await.unwrap();
    let body = reply.body.unwrap();
    let bundle = Json::parse(&body).unwrap();
    let entries = bundle.get("entry").unwrap().items();
    assert!(8 <= entries.len(), "{}", entries.len());
    for entry in entries {
        let event = entry.get("resource").unwrap();
        let issues = validate(event, Some(ResourceType::AUDIT_EVENT));
        assert!(issues.is_empty(), "{issues:?} in {}", String::from_utf8_lossy(&event.to_bytes()));
    }
    // Reading the log is on the log.
    let reply = house.records.search(&cx, &target, "_count=1", false).await.unwrap();
    assert!(String::from_utf8(reply.body.unwrap()).unwrap().contains("Audit Log Used"));
}
