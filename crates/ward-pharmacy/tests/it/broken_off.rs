//! Broken off before and after every commit, and done again: nothing is lost, nothing is twice.

use std::sync::{
    Arc,
    atomic::{AtomicUsize, Ordering},
};

use serde_json::json;
use ward_core::Role;
use ward_pharmacy::{
    bedside::{Giving, NotGiven},
    order::{MedsError, OrderKept},
    supply::Leftover,
};
use ward_rules::medication_order::{Quantity, order::Event};
use ward_store::workflow::{EngineError, Interrupt, Moment};

use crate::rig::{Rig, fhir_id, scan};

/// Stops once, the first time that it comes by.
struct Once {
    word: &'static str,
    moment: Moment,
    n: AtomicUsize,
}

impl Interrupt for Once {
    fn stops(&self, word: &str, moment: Moment) -> bool {
        word == self.word && moment == self.moment && self.n.fetch_add(1, Ordering::Relaxed) == 0
    }
}

const STEPS: [&str; 8] =
    ["order", "verify", "dispense", "give", "waste", "return", "withhold", "stop"];

async fn step(rig: &Rig, word: &str) -> Result<OrderKept, MedsError> {
    let (nurse, id) = (rig.cx(Role::Nurse), fhir_id("a"));
    let left = || Leftover {
        lot: "L1".to_owned(),
        product: None,
        quantity: Quantity::whole(1),
        reason: "dropped".to_owned(),
        location: None,
    };
    match word {
        "order" => rig.sign("a", "Amoxicillin", json!({})).await,
        "verify" => rig.verify("a", "amox").await,
        "dispense" => rig.dispense("a", 4, json!({})).await,
        "give" => {
            let giving = Giving {
                due: rig.read("a").await.request.start,
                patient_scan: Some("MRN-0".to_owned()),
                drug_scan: scan("amox", "L1"),
                ..Giving::default()
            };
            rig.give("a", giving, None).await
        }
        "waste" => rig.pharmacy.waste(&nurse, &id, &left(), None).await,
        "return" => rig.pharmacy.take_back(&nurse, &id, &left(), None).await,
        "withhold" => {
            let start = rig.read("a").await.request.start.unwrap();
            let next = start.checked_add(jiff::SignedDuration::from_hours(8)).unwrap();
            rig.pharmacy.withhold(&nurse, &id, (next, NotGiven::Hold, "nil by mouth")).await
        }
        _ => {
            let cx = rig.cx(Role::Physician);
            rig.pharmacy.change(&cx, &id, (Event::Stop, "enough"), &[], None).await
        }
    }
}

#[tokio::test]
async fn every_step_survives_a_kill_before_and_after_its_commit() {
    for (n, broken) in STEPS.iter().enumerate() {
        for moment in [Moment::BeforeCommit, Moment::AfterCommit] {
            let mut rig = Rig::new().await;
            for word in &STEPS[..n] {
                step(&rig, word).await.unwrap();
            }
            let before = if n == 0 { None } else { Some(rig.read("a").await) };
            let once = Once { word: broken, moment, n: AtomicUsize::new(0) };
            rig = rig.killed(50, Some(Arc::new(once)));
            let error = step(&rig, broken).await.unwrap_err();
            let is_broken = matches!(error, MedsError::Engine(EngineError::Interrupted));
            assert!(is_broken, "{broken} {moment:?}: {error:?}");
            rig = rig.killed(60, None);
            rig.check(&["a"]).await;
            let was_done = moment == Moment::AfterCommit;
            if !was_done && let Some(before) = &before {
                assert_eq!(rig.read("a").await, *before, "{broken}");
            }
            // Who heard no answer looks, and does it where it was not done.
            if !was_done {
                step(&rig, broken).await.unwrap();
            } else if matches!(*broken, "give" | "withhold" | "stop" | "verify") {
                // What is done once is not done twice even by who does not look.
                assert!(step(&rig, broken).await.is_err(), "{broken}");
            } else if *broken == "order" {
                step(&rig, broken).await.unwrap();
            }
            rig.check(&["a"]).await;
            for word in &STEPS[n + 1..] {
                step(&rig, word).await.unwrap();
            }
            rig.check(&["a"]).await;
            let kept = rig.read("a").await;
            let lot = &kept.supply.lots[0];
            let all = [lot.dispensed, lot.administered, lot.wasted, lot.returned, lot.on_ward];
            assert_eq!(all.map(|it| it.to_string()), ["4", "1", "1", "1", "1"], "{broken}");
            assert_eq!(kept.doses.len(), 2);
        }
    }
}

/// Random acts on three orders of two patients, with kills among them.
#[tokio::test]
async fn quantity_is_conserved_under_random_acts_and_kills() {
    let mut rig = Rig::new().await;
    let orders = ["a", "b", "c"];
    for (id, patient) in orders.iter().zip(["p-0", "p-0", "p-1"]) {
        let needed = json!({
            "patient": patient, "dosage": [{ "text": "as needed", "asNeededBoolean": true }],
        });
        rig.sign(id, "Amoxicillin", needed).await.unwrap();
        rig.verify(id, "amox").await.unwrap();
    }
    let mut random = 0x2545_f491_4f6c_dd1d_u64;
    let mut next = |n: u64| {
        random ^= random << 13;
        random ^= random >> 7;
        random ^= random << 17;
        usize::try_from(random % n).unwrap()
    };
    let (mut n_done, mut n_killed) = (0, 0);
    for turn in 0..160_u64 {
        rig.pass(60);
        let id = orders[next(3)];
        let mrn = if id == "c" { "MRN-1" } else { "MRN-0" };
        let n = u32::try_from(next(4)).unwrap();
        let words = ["dispense", "give", "waste", "return", "correct"];
        let word = words[next(5)];
        if next(8) == 0 {
            let moment = [Moment::BeforeCommit, Moment::AfterCommit][next(2)];
            rig = rig.killed(1000 + turn, Some(Arc::new(Once { word, moment, n: AtomicUsize::new(0) })));
            n_killed += 1;
        }
        let nurse = rig.cx(Role::Nurse);
        let lot = ["L1", "L2"][next(2)];
        let left = Leftover {
            lot: lot.to_owned(),
            product: None,
            quantity: Quantity::whole(n),
            reason: "left over".to_owned(),
            location: None,
        };
        let done = match word {
            "dispense" => rig.dispense(id, n * 7, json!({})).await.is_ok(),
            "give" => {
                let giving = Giving {
                    patient_scan: Some(mrn.to_owned()),
                    drug_scan: scan("amox", lot),
                    needed_for: Some("pain".to_owned()),
                    ..Giving::default()
                };
                rig.give(id, giving, None).await.is_ok()
            }
            "waste" => rig.pharmacy.waste(&nurse, &fhir_id(id), &left, None).await.is_ok(),
            "return" => rig.pharmacy.take_back(&nurse, &fhir_id(id), &left, None).await.is_ok(),
            _ => {
                let kept = rig.read(id).await;
                let dose = kept.doses.get(next(10)).map_or("none", |it| it.id.as_str()).to_owned();
                rig.pharmacy.correct(&nurse, &fhir_id(id), &dose, "wrong").await.is_ok()
            }
        };
        n_done += usize::from(done);
        if turn % 10 == 0 {
            rig.check(&orders).await;
        }
    }
    rig.check(&orders).await;
    assert!(40 < n_done && 5 < n_killed, "{n_done} {n_killed}");
}
