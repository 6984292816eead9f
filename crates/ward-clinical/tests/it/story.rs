//! One stay from its beginning to its end.

use serde_json::json;
use ward_clinical::stay::{self, Act, BedAct, StayError};
use ward_core::ResourceType;
use ward_rules::{
    placement::{Needs, Offer},
    workflow::{State, StepState},
};
use ward_store::workflow::Instance;

use crate::rig::{Rig, id};

fn state(instance: &Instance, step: &str) -> StepState {
    instance.step(step).unwrap().state
}

#[tokio::test]
async fn a_patient_is_admitted_moved_and_discharged() {
    let rig = Rig::new(2, 1).await;
    let cover = json!({
        "resourceType": "Coverage", "status": "active", "order": 1,
        "beneficiary": { "reference": "Patient/p-0" },
        "payor": [{ "display": "a payer" }],
    });
    rig.put(rig.record(ResourceType::COVERAGE, "c-0", &cover)).await;
    let reasons = json!({ "reasons": [{ "text": "Pneumonia", "code": "J18.9",
        "system": "http://hl7.org/fhir/sid/icd-10-cm" }], "attending": "Practitioner/d-1" });
    let admitted = rig.admit(0, reasons).await.unwrap();
    assert_eq!(admitted.kept.state, State::Running, "the payer is asked");
    assert_eq!(state(&admitted, "authorize-stay"), StepState::Waiting);
    assert_eq!(state(&admitted, "notify"), StepState::Done, "and nobody waits for that");
    rig.check(1).await;
    let encounter = admitted.data_id("encounter").unwrap();
    let found = rig.search("Encounter", "status=in-progress&subject=Patient/p-0").await;
    assert_eq!(found.len(), 1);
    assert_eq!(found[0]["location"][0]["location"]["reference"], "Location/bed-0");
    assert!(
        ward_fhir::validate::validate(
            &ward_fhir::Json::parse(&serde_json::to_vec(&found[0]).unwrap()).unwrap(),
            Some(ResourceType::ENCOUNTER)
        )
        .iter()
        .all(|issue| ward_fhir::outcome::Severity::Error < issue.severity)
    );
    let tasks = rig.search("Task", "code=urn:ward:workflow|admission").await;
    assert_eq!(tasks[0]["status"], "on-hold");
    // Somebody spoke with the payer.
    let data = vec![
        ("decision", Some("granted".to_owned())),
        ("decisionReference", Some("A7".to_owned())),
    ];
    let done = rig.engine.signal(&rig.cx(), &admitted.id, "authorize-stay", data).await.unwrap();
    assert_eq!(done.kept.state, State::Completed);
    assert_eq!(done.data("authorization"), Some("granted"));
    let answer = rig.search("ClaimResponse", "").await;
    assert_eq!(answer[0]["preAuthRef"], "A7");
    // Again is the same, and another request under the same key is none.
    let again = rig.admit(0, json!({ "needs": { "ward": "w9" } })).await;
    assert!(again.is_err());

    let act = |act: Act| {
        let (rig, encounter) = (&rig, encounter.clone());
        async move { stay::act(&rig.engine, &rig.beds, &rig.cx(), &encounter, &act).await }
    };
    let moved = act(Act::Move(Needs::default())).await.unwrap();
    assert_eq!(moved["location"][1]["location"]["reference"], "Location/bed-1");
    assert_eq!(moved["location"][0]["status"], "completed");
    let nowhere = act(Act::Move(Needs::default())).await;
    assert!(matches!(nowhere, Err(StayError::NoBed(_))), "the old bed is not clean");
    rig.check(1).await;
    act(Act::Leave).await.unwrap();
    assert!(matches!(act(Act::Leave).await, Err(StayError::NotNow(_))));
    rig.check(1).await;
    act(Act::Return).await.unwrap();
    let gone = act(Act::Discharge).await.unwrap();
    assert_eq!(gone["status"], "finished");
    rig.check(1).await;
    // What is over cannot be taken back, and nothing of it is.
    let late = ward_clinical::admission::cancel(&rig.engine, &rig.cx(), &admitted.id, "late").await;
    assert!(matches!(late, Err(StayError::NotNow(_))));
    assert_eq!(rig.search("Claim", "status=active").await.len(), 1);
    assert_eq!(rig.search("Communication", "").await.len(), 1);
    // Both beds have to be cleaned before the next patient.
    let bed = |act: BedAct| {
        let rig = &rig;
        async move { stay::act_on_bed(&rig.engine, &rig.cx(), &id("bed-1"), &act).await }
    };
    assert!(bed(BedAct::Clean).await.unwrap().bed.is_open(rig.cx().now));
    bed(BedAct::Close).await.unwrap();
    assert!(!bed(BedAct::Clean).await.unwrap().bed.is_open(rig.cx().now));
}

#[tokio::test]
async fn who_cannot_be_admitted_is_not_and_nothing_is_left() {
    let rig = Rig::new(1, 1).await;
    rig.put(rig.patient("p-1", json!({ "deceasedBoolean": true }))).await;
    rig.put(rig.patient("p-2", json!({ "active": false }))).await;
    let merged =
        json!({ "link": [{ "type": "replaced-by", "other": { "reference": "Patient/p-0" } }] });
    rig.put(rig.patient("p-3", merged)).await;
    for n in [1, 2, 9] {
        let no = rig.admit(n, json!({})).await.unwrap();
        assert_eq!(no.kept.state, State::Cancelled, "{n}");
        assert!(no.kept.why.is_some());
    }
    assert_eq!(rig.search("Encounter", "").await.len(), 0);
    // Who was merged is admitted as who stays, and then is there already.
    assert_eq!(rig.admit(3, json!({})).await.unwrap().kept.state, State::Completed);
    let twice = rig.admit(0, json!({})).await.unwrap();
    assert_eq!(twice.kept.why.as_deref(), Some("the patient is in a stay already"));
    rig.check(4).await;
}

#[tokio::test]
async fn who_waits_gets_the_bed_that_is_freed() {
    let rig = Rig::new(1, 3).await;
    let first = rig.admit(0, json!({})).await.unwrap();
    let waits = rig.admit(1, json!({})).await.unwrap();
    assert_eq!(state(&waits, "assign-room"), StepState::Waiting);
    let refused = rig.admit(2, json!({ "ifNoBed": "refuse" })).await.unwrap();
    assert_eq!(refused.kept.state, State::Cancelled);
    assert_eq!(refused.kept.why.as_deref(), Some("no bed: 1 fit and are not free"));
    rig.check(3).await;
    let encounter = first.data_id("encounter").unwrap();
    stay::act(&rig.engine, &rig.beds, &rig.cx(), &encounter, &Act::Discharge).await.unwrap();
    stay::act_on_bed(&rig.engine, &rig.cx(), &id("bed-0"), &BedAct::Clean).await.unwrap();
    let waiting = ward_clinical::admission::waiting(&rig.engine, &rig.cx()).await.unwrap();
    assert_eq!(waiting, std::slice::from_ref(&waits.id));
    rig.pass(61);
    rig.engine.work().await.unwrap();
    let done = rig.engine.read(&rig.cx(), &waits.id).await.unwrap();
    assert_eq!((done.kept.state, done.data("bed")), (State::Completed, Some("bed-0")));
    rig.check(3).await;
    // Taken back: the bed is somebody else's again.
    let back = rig.engine.cancel(&rig.cx(), &waits.id, "entered in error").await.unwrap();
    assert_eq!(back.kept.state, State::Cancelled);
    rig.check(3).await;
    assert_eq!(rig.search("Encounter", "status=cancelled").await.len(), 2);
}

#[tokio::test]
async fn who_waits_and_is_put_in_a_bed_by_hand_has_one_bed() {
    let rig = Rig::new(1, 2).await;
    rig.admit(0, json!({})).await.unwrap();
    let waits = rig.admit(1, json!({})).await.unwrap();
    for bed in ["late-1", "late-2"] {
        rig.bed(bed, Offer::default()).await;
    }
    let encounter = waits.data_id("encounter").unwrap();
    let to = Act::Move(Needs { bed: Some("late-1".to_owned()), ..Needs::default() });
    stay::act(&rig.engine, &rig.beds, &rig.cx(), &encounter, &to).await.unwrap();
    rig.pass(61);
    rig.engine.work().await.unwrap();
    let done = rig.engine.read(&rig.cx(), &waits.id).await.unwrap();
    assert_eq!((done.kept.state, done.data("bed")), (State::Completed, Some("late-1")));
    assert_eq!(rig.search("Encounter", "status=in-progress").await.len(), 2);
    rig.check(2).await;
}

#[tokio::test]
async fn who_leaves_before_there_is_a_bed_leaves_nothing_to_do() {
    let rig = Rig::new(1, 2).await;
    rig.admit(0, json!({})).await.unwrap();
    let waits = rig.admit(1, json!({})).await.unwrap();
    let encounter = waits.data_id("encounter").unwrap();
    stay::act(&rig.engine, &rig.beds, &rig.cx(), &encounter, &Act::Discharge).await.unwrap();
    rig.pass(61);
    rig.engine.work().await.unwrap();
    let done = rig.engine.read(&rig.cx(), &waits.id).await.unwrap();
    assert_eq!(done.kept.state, State::Completed);
    assert_eq!(state(&done, "assign-room"), StepState::Skipped);
    assert_eq!(rig.search("CarePlan", "").await.len(), 0, "nothing is proposed for who is gone");
    assert_eq!(rig.search("Communication", "").await.len(), 1, "of the other");
    rig.check(2).await;
}

#[tokio::test]
async fn a_patient_is_put_where_the_needs_are_met() {
    let rig = Rig::new(0, 2).await;
    let offer = |monitoring: bool| Offer {
        ward: "w1".to_owned(),
        has_monitoring: monitoring,
        ..Offer::default()
    };
    rig.bed("plain", offer(false)).await;
    rig.bed("watched", offer(true)).await;
    let one = rig.admit(0, json!({ "needs": { "monitoring": true } })).await.unwrap();
    assert_eq!(one.data("bed"), Some("watched"));
    let no = rig.admit(1, json!({ "needs": { "isolation": true }, "ifNoBed": "refuse" })).await;
    let why = no.unwrap().kept.why.unwrap();
    assert_eq!(why, "no bed: 2: the bed has no isolation");
}
