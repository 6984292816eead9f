//! Beds that are kept for somebody, and stays that go on after all.

use jiff::SignedDuration;
use serde_json::json;
use ward_clinical::{
    admission::admit,
    stay::{self, Act, BedAct, StayError},
};
use ward_rules::{
    bed::{BedRefusal, BedState},
    workflow::State,
};

use crate::rig::{Rig, id};

#[tokio::test]
async fn a_bed_is_kept_for_who_is_expected_and_no_longer() {
    let rig = Rig::new(2, 3).await;
    let act = |bed: &'static str, act: BedAct| {
        let rig = &rig;
        async move { stay::act_on_bed(&rig.engine, &rig.cx(), &id(bed), &act).await }
    };
    let hold = |patient: &str, s: i64| BedAct::Hold {
        patient: id(patient),
        until: rig.cx().now.checked_add(SignedDuration::from_secs(s)).unwrap(),
    };
    let held = act("bed-1", hold("p-1", 600)).await.unwrap();
    assert_eq!(held.bed.state(rig.cx().now), BedState::Held);
    let twice = act("bed-1", hold("p-2", 600)).await;
    assert!(matches!(twice, Err(StayError::Bed(BedRefusal::Taken))));
    assert!(matches!(act("bed-1", hold("nobody", 600)).await, Err(StayError::NotFound)));
    // Others get the other bed, and then none.
    let one = rig.admit(0, json!({})).await.unwrap();
    assert_eq!(one.data("bed"), Some("bed-0"));
    let no = rig.admit(2, json!({ "ifNoBed": "refuse" })).await.unwrap();
    assert_eq!(no.kept.state, State::Cancelled);
    // Who is expected comes, and the hold is the stay.
    let two = rig.admit(1, json!({})).await.unwrap();
    assert_eq!(two.data("bed"), Some("bed-1"));
    rig.check(3).await;
    let bed = rig.beds.get(&id("bed-1")).unwrap().bed;
    assert_eq!((bed.claims.len(), bed.state(rig.cx().now)), (1, BedState::Occupied));
    let none = act("bed-1", BedAct::Unhold { patient: id("p-1") }).await;
    assert!(matches!(none, Err(StayError::Bed(BedRefusal::NoHold))));
}

#[tokio::test]
async fn a_hold_ends_by_itself_and_by_hand() {
    let rig = Rig::new(1, 2).await;
    let until = rig.cx().now.checked_add(SignedDuration::from_secs(60)).unwrap();
    let hold = BedAct::Hold { patient: id("p-1"), until };
    stay::act_on_bed(&rig.engine, &rig.cx(), &id("bed-0"), &hold).await.unwrap();
    let waits = rig.admit(0, json!({})).await.unwrap();
    assert_eq!(waits.kept.state, State::Running);
    rig.pass(61);
    rig.engine.work().await.unwrap();
    let done = rig.engine.read(&rig.cx(), &waits.id).await.unwrap();
    assert_eq!(done.data("bed"), Some("bed-0"));
    rig.check(2).await;
    let other = Rig::new(1, 2).await;
    let until = other.cx().now.checked_add(SignedDuration::from_secs(60)).unwrap();
    for act in [BedAct::Hold { patient: id("p-1"), until }, BedAct::Unhold { patient: id("p-1") }] {
        stay::act_on_bed(&other.engine, &other.cx(), &id("bed-0"), &act).await.unwrap();
    }
    assert_eq!(other.admit(0, json!({})).await.unwrap().data("bed"), Some("bed-0"));
}

#[tokio::test]
async fn a_discharge_that_was_a_mistake_is_taken_back() {
    let rig = Rig::new(2, 3).await;
    let act = |encounter: &str, act: Act| {
        let (rig, encounter) = (&rig, id(encounter));
        async move { stay::act(&rig.engine, &rig.beds, &rig.cx(), &encounter, &act).await }
    };
    let one = rig.admit(0, json!({ "needs": { "bed": "bed-0" } })).await.unwrap();
    let one = one.data("encounter").unwrap().to_owned();
    assert!(matches!(act(&one, Act::CancelDischarge).await, Err(StayError::NotNow(_))));
    act(&one, Act::Discharge).await.unwrap();
    rig.pass(5);
    let back = act(&one, Act::CancelDischarge).await.unwrap();
    assert_eq!(back["status"], "in-progress");
    assert!(back["period"].get("end").is_none());
    assert_eq!(back["location"][1]["location"]["reference"], "Location/bed-0");
    rig.check(3).await;
    // Somebody else has the bed by now: another one it is, and then none.
    act(&one, Act::Discharge).await.unwrap();
    stay::act_on_bed(&rig.engine, &rig.cx(), &id("bed-0"), &BedAct::Clean).await.unwrap();
    rig.admit(1, json!({ "needs": { "bed": "bed-0" } })).await.unwrap();
    let back = act(&one, Act::CancelDischarge).await.unwrap();
    assert_eq!(back["location"][2]["location"]["reference"], "Location/bed-1");
    rig.check(3).await;
    // Who is in another stay does not go back into this one, and where there is no bed nobody does.
    act(&one, Act::Discharge).await.unwrap();
    let other = rig.admit(2, json!({ "needs": { "bed": "bed-1" }, "ifNoBed": "refuse" })).await;
    assert_eq!(other.unwrap().kept.state, State::Cancelled, "the bed is not clean");
    stay::act_on_bed(&rig.engine, &rig.cx(), &id("bed-1"), &BedAct::Clean).await.unwrap();
    stay::act_on_bed(&rig.engine, &rig.cx(), &id("bed-1"), &BedAct::Close).await.unwrap();
    let again = json!({ "patient": "Patient/p-0" });
    let request = serde_json::from_value(again).unwrap();
    admit(&rig.engine, &rig.cx(), &request, id("again")).await.unwrap();
    assert!(matches!(act(&one, Act::CancelDischarge).await, Err(StayError::OtherStay)));
    rig.check(3).await;
}
