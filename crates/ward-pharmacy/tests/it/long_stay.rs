//! A long stay and a large house: what is many is not what is left out.

use std::sync::Arc;

use jiff::tz::TimeZone;
use serde_json::{Value, json};
use ward_core::{AuditAction, RecordKey, ResourceType, Role};
use ward_fhir::Json;
use ward_pharmacy::{
    checker::{Checker, Found, Tier},
    checks::HouseChecker,
    emar::Waits,
};
use ward_rules::medication::{KnowledgeBase, knowledge::starter, timing::Schedule};
use ward_store::{CommitUnit, Interaction, Write, WriteKind};

use crate::rig::{BASE, Rig, fhir_id};

fn observation(code: &str, value: f64, unit: &str, at: &str) -> Value {
    json!({
        "resourceType": "Observation", "status": "final", "subject": { "reference": "Patient/old" },
        "code": { "coding": [{ "system": "http://loinc.org", "code": code }] },
        "effectiveDateTime": at,
        "valueQuantity": {
            "value": value, "unit": unit, "code": unit, "system": "http://unitsofmeasure.org",
        },
    })
}

async fn put_all(rig: &Rig, resources: &[Value]) {
    for (chunk, some) in resources.chunks(200).enumerate() {
        let mut unit = CommitUnit::default();
        for (n, resource) in some.iter().enumerate() {
            let id = fhir_id(&format!("o-{chunk}-{n}"));
            let key = RecordKey::new(ResourceType::OBSERVATION, id);
            let bytes = serde_json::to_vec(resource).unwrap();
            let json = Json::parse(&bytes).unwrap();
            unit.writes.push(Write::of(json, &key, WriteKind::Create, rig.now(), BASE));
        }
        let act = Interaction::of(AuditAction::Create, ResourceType::OBSERVATION);
        rig.chart.commit(&rig.cx(Role::System), act, unit).await.unwrap();
    }
}

/// A kidney that fails is seen among more values than one check looks at, wherever it was written.
#[tokio::test]
async fn the_newest_values_are_those_that_a_check_looks_at() {
    let checker = HouseChecker {
        knowledge: Arc::new(|lend: &mut dyn FnMut(Option<&KnowledgeBase>)| {
            lend(starter().as_ref().ok());
        }),
        zone: TimeZone::UTC,
        schedule: Schedule::default(),
    };
    for is_first in [true, false] {
        let rig = Rig::new().await;
        let patient = json!({
            "resourceType": "Patient", "gender": "male", "birthDate": "1950-03-01",
        });
        rig.put(ResourceType::PATIENT, "old", &patient).await;
        let (now, before) = (rig.now(), rig.now() - jiff::SignedDuration::from_hours(48));
        let mut all = vec![observation("8867-4", 80.0, "/min", &before.to_string()); 1_000];
        let creatinine = observation("2160-0", 6.0, "mg/dL", &now.to_string());
        all.insert(if is_first { 0 } else { all.len() }, creatinine);
        put_all(&rig, &all).await;
        let order = json!({
            "resourceType": "MedicationRequest", "status": "draft", "intent": "order",
            "subject": { "reference": "Patient/old" },
            "medicationCodeableConcept": { "text": "Metformin 500 mg tablet" },
            "dosageInstruction": [{ "text": "500 mg PO twice a day" }],
        });
        let cx = rig.cx(Role::Physician);
        let reader = rig.chart.reader(&cx, Interaction::new(AuditAction::Read));
        let checked = checker.check(&reader, &fhir_id("old"), &[order], now).unwrap();
        let found = &checked[0].found;
        let renal = found.iter().find(|it| it.kind == "renal" && it.tier == Tier::HardStop);
        assert!(renal.is_some(), "first {is_first}: {found:?}");
        let is_said = |it: &Found| it.summary.contains("more than 1000 records");
        assert!(found.iter().any(is_said), "{found:?}");
    }
}

/// Nobody's order is missing from a list because others wait too.
#[tokio::test]
async fn a_list_of_what_waits_is_whole() {
    let rig = Rig::new().await;
    for n in 0..101 {
        rig.sign(&format!("w-{n}"), "Ciprofloxacin", json!({})).await.unwrap();
    }
    let queue = rig.pharmacy.waiting(&rig.cx(Role::Pharmacist), Waits::Verify).await.unwrap();
    assert_eq!(queue.len(), 101);
}
