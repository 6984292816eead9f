//! Two hundred at the door, and fifty beds.

use std::sync::Arc;

use serde_json::json;
use ward_rules::workflow::{State, StepState};

use crate::rig::Rig;

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn nobody_shares_a_bed_however_many_come_at_once() {
    let rig = Arc::new(Rig::new(50, 200).await);
    let mut tasks = Vec::new();
    for n in 0..200 {
        let rig = Arc::clone(&rig);
        let if_no_bed = if n % 2 == 0 { "wait" } else { "refuse" };
        tasks.push(tokio::spawn(async move {
            rig.admit(n, json!({ "ifNoBed": if_no_bed })).await.unwrap()
        }));
    }
    let (mut n_in, mut n_waiting, mut n_refused) = (0, 0, 0);
    for task in tasks {
        let instance = task.await.unwrap();
        match (instance.kept.state, instance.step("assign-room").unwrap().state) {
            (State::Completed, StepState::Done) => n_in += 1,
            (State::Running, StepState::Waiting) => n_waiting += 1,
            (State::Cancelled, StepState::Failed) => n_refused += 1,
            other => panic!("{other:?}"),
        }
    }
    assert_eq!(n_in + n_waiting + n_refused, 200);
    rig.check(200).await;
    // Who waits while a bed was about to be taken by somebody else is looked at again.
    rig.pass(61);
    rig.engine.work().await.unwrap();
    rig.check(200).await;
    let admitted = rig.search("Encounter", "status=in-progress").await.len();
    assert_eq!(admitted, 50, "{n_in} at once");
    assert_eq!(n_in, 50);
}
