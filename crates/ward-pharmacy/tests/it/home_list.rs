//! Reconciliation of somebody who takes very many drugs.

use serde_json::json;
use ward_core::{ResourceType, Role};
use ward_rules::medication_order::reconcile::Occasion;

use crate::rig::Rig;

/// What is not on the list is not decided, so that the list is whole however long it is.
#[tokio::test]
async fn a_list_of_what_is_taken_at_home_is_whole() {
    let rig = Rig::new().await;
    for n in 0..203 {
        let statement = json!({
            "resourceType": "MedicationStatement", "status": "active",
            "subject": { "reference": "Patient/p-0" },
            "medicationCodeableConcept": { "text": format!("Drug {n}") },
        });
        rig.put(ResourceType::MEDICATION_STATEMENT, &format!("s-{n}"), &statement).await;
    }
    let patient = "p-0".parse().unwrap();
    let cx = rig.cx(Role::Physician);
    let list = rig.pharmacy.to_reconcile(&cx, &patient, Occasion::Admission).await.unwrap();
    let mut names: Vec<&str> = list.iter().map(|it| it.of.as_str()).collect();
    names.sort_unstable();
    names.dedup();
    assert_eq!(names.len(), 203);
    let said = |n: usize| {
        let decisions: Vec<_> = list
            .iter()
            .take(n)
            .map(|it| json!({ "of": it.of, "choice": "stop", "reason": "too many" }))
            .collect();
        let said = json!({ "patient": "p-0", "occasion": "admission", "decisions": decisions });
        serde_json::from_value(said).unwrap()
    };
    // The last one is missing, and so nothing is kept.
    assert!(rig.pharmacy.reconcile(&cx, &said(202)).await.is_err());
    rig.pharmacy.reconcile(&cx, &said(203)).await.unwrap();
    let left = rig.pharmacy.to_reconcile(&cx, &patient, Occasion::Admission).await.unwrap();
    assert!(left.is_empty());
}
