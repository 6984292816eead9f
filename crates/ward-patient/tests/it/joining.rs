//! What is joined can be parted: every record is back where it was.

use proptest::{collection::vec, prelude::*};
use serde_json::{Value, json};
use tokio::runtime::Runtime;
use ward_patient::joining::{JoiningError, join, part};

use crate::rig::{BASE, Rig, cx, person};

/// A record about one of two patients, that names others too.
fn record(n: usize, kind: u8, about: u8, also: u8) -> Value {
    let of = |who: u8| match who {
        0 => json!({ "reference": "Patient/one" }),
        1 => json!({ "reference": "Patient/two" }),
        _ => json!({ "reference": "http://localhost/fhir/Patient/one" }),
    };
    let code = json!({ "text": format!("record {n}") });
    let id = format!("r{n}");
    match kind {
        0 => json!({ "resourceType": "Observation", "id": id, "status": "final", "code": code,
            "subject": of(about), "performer": [of(also), of(about)] }),
        1 => json!({ "resourceType": "AllergyIntolerance", "id": id, "code": code,
            "patient": of(about), "recorder": { "display": "somebody" } }),
        2 => json!({ "resourceType": "Encounter", "id": id, "status": "finished",
            "class": { "code": "IMP" }, "subject": of(about) }),
        _ => json!({ "resourceType": "Task", "id": id, "status": "requested", "intent": "order",
            "for": of(about), "focus": of(also),
            "input": [{ "type": code, "valueReference": of(also) }] }),
    }
}

async fn all(rig: &Rig, n: usize) -> Vec<Value> {
    let mut all = Vec::new();
    for it in 0..n {
        all.push(rig.get(&format!("Observation/r{it}")).await);
        all.push(rig.get(&format!("AllergyIntolerance/r{it}")).await);
        all.push(rig.get(&format!("Encounter/r{it}")).await);
        all.push(rig.get(&format!("Task/r{it}")).await);
    }
    all.push(rig.get("Patient/one").await);
    all.push(rig.get("Patient/two").await);
    all.into_iter().flatten().collect()
}

async fn two(rig: &Rig, records: &[(u8, u8, u8)]) {
    let patients = ["one", "two"].map(|id| {
        let mut who = person("Meyer", "Anna", "1970-01-02", "female");
        who["id"] = json!(id);
        if id == "one" && records.len().is_multiple_of(2) {
            who["active"] = json!(true);
        }
        who
    });
    let records =
        records.iter().enumerate().map(|(n, (kind, about, also))| record(n, *kind, *about, *also));
    let all: Vec<Value> = patients.into_iter().chain(records).collect();
    rig.put(&all).await;
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]

    #[test]
    fn every_record_is_back_where_it_was(
        records in vec((0_u8..4, 0_u8..3, 0_u8..3), 0..20), n_times in 1_usize..3,
    ) {
        Runtime::new().unwrap().block_on(async {
            let rig = Rig::new();
            two(&rig, &records).await;
            let before = all(&rig, records.len()).await;
            let (one, two) = ("one".parse().unwrap(), "two".parse().unwrap());
            for _ in 0..n_times {
                let at = (&rig.chart, BASE);
                let (joined, _) = join(at, &cx(), (&one, &two), "twice").await.unwrap();
                let after = all(&rig, records.len()).await;
                let said = serde_json::to_string(&after[..after.len() - 2]).unwrap();
                prop_assert!(!said.contains("Patient/one"), "{said}");
                let (parted, _) = part(at, &cx(), &one, "two people").await.unwrap();
                prop_assert_eq!(parted.n_moved, joined.n_moved);
                prop_assert!(parted.left.is_empty());
                prop_assert_eq!(&all(&rig, records.len()).await, &before);
            }
            Ok(())
        })?;
    }
}

#[tokio::test]
async fn what_was_written_since_stays() {
    let rig = Rig::new();
    two(&rig, &[(0, 0, 1), (1, 0, 0), (1, 1, 0)]).await;
    let (one, two) = ("one".parse().unwrap(), "two".parse().unwrap());
    let at = (&rig.chart, BASE);
    join(at, &cx(), (&one, &two), "twice").await.unwrap();
    // The first is corrected, the second is given to a third patient, one more comes.
    let mut first = rig.get("Observation/r0").await.unwrap();
    first["status"] = json!("corrected");
    let mut second = rig.get("AllergyIntolerance/r1").await.unwrap();
    second["patient"] = json!({ "reference": "Patient/three" });
    let third = json!({ "resourceType": "Patient", "id": "three", "name": [{ "text": "C" }] });
    rig.put(&[third, first, second, record(9, 1, 1, 0)]).await;
    let (parted, _) = part(at, &cx(), &one, "two people").await.unwrap();
    assert_eq!(
        parted.left.iter().map(ToString::to_string).collect::<Vec<_>>(),
        ["AllergyIntolerance/r1"]
    );
    let first = rig.get("Observation/r0").await.unwrap();
    assert_eq!(first["status"], "corrected");
    assert_eq!(first["subject"]["reference"], "Patient/one");
    assert_eq!(first["performer"][0]["reference"], "Patient/two");
    let of = |it: Option<Value>| it.unwrap()["patient"]["reference"].clone();
    assert_eq!(of(rig.get("AllergyIntolerance/r1").await), "Patient/three");
    assert_eq!(of(rig.get("AllergyIntolerance/r2").await), "Patient/two");
    assert_eq!(of(rig.get("AllergyIntolerance/r9").await), "Patient/two");
}

#[tokio::test]
async fn what_cannot_be_joined_is_left_as_it_is() {
    let rig = Rig::new();
    two(&rig, &[]).await;
    let id = |text: &str| text.parse().unwrap();
    let at = (&rig.chart, BASE);
    let tried = join(at, &cx(), (&id("one"), &id("one")), "x").await;
    assert!(matches!(tried, Err(JoiningError::Same)), "{tried:?}");
    let tried = join(at, &cx(), (&id("one"), &id("nobody")), "x").await;
    assert!(matches!(tried, Err(JoiningError::NotFound)), "{tried:?}");
    let tried = part(at, &cx(), &id("one"), "x").await;
    assert!(matches!(tried, Err(JoiningError::NotJoined)), "{tried:?}");
    join(at, &cx(), (&id("one"), &id("two")), "x").await.unwrap();
    for pair in [("one", "two"), ("two", "one")] {
        let tried = join(at, &cx(), (&id(pair.0), &id(pair.1)), "x").await;
        assert!(matches!(tried, Err(JoiningError::Replaced)), "{tried:?}");
    }
    part(at, &cx(), &id("one"), "x").await.unwrap();
    let tried = part(at, &cx(), &id("one"), "x").await;
    assert!(matches!(tried, Err(JoiningError::NotJoined)), "{tried:?}");
}
