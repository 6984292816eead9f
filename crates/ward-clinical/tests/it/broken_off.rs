//! Broken off before and after every commit, and repeated: an admission ends as if it had not been.

use std::sync::{
    Arc,
    atomic::{AtomicUsize, Ordering},
};

use serde_json::{Value, json};
use ward_clinical::admission::ADMISSION;
use ward_rules::workflow::State;
use ward_store::workflow::{EngineError, Interrupt, Moment};

use crate::rig::Rig;

/// Somebody for whom every step has something to do but the payer's.
fn sick() -> Value {
    json!({ "reasons": [{ "text": "Pneumonia" }] })
}

/// Stops once, the first time that it comes by.
struct Once {
    step: &'static str,
    moment: Moment,
    n: AtomicUsize,
}

impl Interrupt for Once {
    fn stops(&self, step: &str, moment: Moment) -> bool {
        step == self.step && moment == self.moment && self.n.fetch_add(1, Ordering::Relaxed) == 0
    }
}

#[tokio::test]
async fn an_admission_that_is_broken_off_goes_on_after_the_kill() {
    let mut rig = Rig::new(1, 14).await;
    let mut n = 0;
    for step in ADMISSION.steps {
        for moment in [Moment::BeforeCommit, Moment::AfterCommit] {
            let seed = 100 + u64::try_from(n).unwrap();
            let once = Arc::new(Once { step: step.name, moment, n: AtomicUsize::new(0) });
            rig = rig.killed(seed, Some(once)).await;
            rig.bed(&format!("bed-of-{n}"), Default::default()).await;
            let broken = rig.admit(n, sick()).await;
            assert!(matches!(broken, Err(EngineError::Interrupted)), "{} {moment:?}", step.name);
            rig.check(14).await;
            rig = rig.killed(seed + 1000, None).await;
            rig.check(14).await;
            // Who was waiting for the answer asks again, or the queue looks after it.
            if n % 2 == 0 {
                rig.admit(n, sick()).await.unwrap();
            }
            rig.pass(6);
            rig.engine.work().await.unwrap();
            let id = format!("admission-{n}").parse().unwrap();
            let done = rig.engine.read(&rig.cx(), &id).await.unwrap();
            assert_eq!(done.kept.state, State::Completed, "{} {moment:?}", step.name);
            rig.check(14).await;
            assert_eq!(rig.search("Encounter", "").await.len(), n + 1);
            assert_eq!(rig.search("Communication", "").await.len(), n + 1);
            n += 1;
        }
    }
    // Nothing is left to do.
    rig.pass(100_000);
    assert_eq!(rig.engine.work().await.unwrap().n_advanced, 0);
}

#[tokio::test]
async fn an_admission_that_is_taken_back_and_broken_off_is_taken_back_whole() {
    let mut rig = Rig::new(14, 14).await;
    let mut n = 0;
    for step in ADMISSION.steps {
        for moment in [Moment::BeforeCommit, Moment::AfterCommit] {
            rig.admit(n, sick()).await.unwrap();
            let once = Arc::new(Once { step: step.name, moment, n: AtomicUsize::new(0) });
            rig = rig.killed(200 + u64::try_from(n).unwrap(), Some(once)).await;
            let id = format!("admission-{n}").parse().unwrap();
            let broken = rig.engine.cancel(&rig.cx(), &id, "entered in error").await;
            // Nothing was asked of a payer: there is nothing to take back.
            let expected = step.name != "authorize-stay";
            assert_eq!(matches!(broken, Err(EngineError::Interrupted)), expected, "{}", step.name);
            rig.check(14).await;
            rig = rig.killed(300 + u64::try_from(n).unwrap(), None).await;
            rig.pass(6);
            rig.engine.work().await.unwrap();
            let done = rig.engine.read(&rig.cx(), &id).await.unwrap();
            assert_eq!(done.kept.state, State::Cancelled, "{} {moment:?}", step.name);
            rig.check(14).await;
            n += 1;
        }
    }
    assert_eq!(rig.search("Encounter", "status=cancelled").await.len(), n);
    assert_eq!(rig.search("CarePlan", "status=revoked").await.len(), n);
    assert_eq!(rig.search("ServiceRequest", "status=draft").await.len(), 0);
}
