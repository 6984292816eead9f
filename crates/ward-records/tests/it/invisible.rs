//! Two charts that differ only in what a caller may not see answer alike.

use proptest::prelude::*;
use ward_core::{FhirId, RecordKey, ResourceType};
use ward_records::{HistoryParams, Prefer, SearchTarget};
use ward_store::HistoryOf;

use crate::house::House;

fn patient(id: &str, family: &str) -> (RecordKey, String) {
    let body = format!(
        r#"{{"resourceType":"Patient","id":"{id}","name":[{{"family":"{family}"}}],"generalPractitioner":[{{"reference":"Practitioner/p"}}]}}"#
    );
    (RecordKey::new(ResourceType::PATIENT, id.parse().unwrap()), body)
}

fn observation(id: &str, patient: &str, value: u32) -> (RecordKey, String) {
    let body = format!(
        r#"{{"resourceType":"Observation","id":"{id}","status":"final","code":{{"coding":[{{"system":"http://loinc.org","code":"8867-4"}}]}},"subject":{{"reference":"Patient/{patient}"}},"effectiveDateTime":"2026-01-0{}","valueQuantity":{{"value":{value},"unit":"/min","system":"http://unitsofmeasure.org","code":"/min"}}}}"#,
        1 + value % 9
    );
    (RecordKey::new(ResourceType::OBSERVATION, id.parse().unwrap()), body)
}

async fn put(house: &mut House, (key, body): (RecordKey, String)) {
    let cx = house.integration();
    house.records.update(&cx, &key, body.as_bytes(), None, Prefer::Minimal).await.unwrap();
}

/// What a nurse of patient `seen` is told; page links are opaque and only their presence counts.
async fn told(house: &mut House, queries: &[String]) -> Vec<String> {
    let mine: FhirId = "seen".parse().unwrap();
    let mut told = Vec::new();
    for query in queries {
        let cx = house.nurse(std::slice::from_ref(&mine));
        let target = SearchTarget::Type(ResourceType::OBSERVATION);
        let answer = house.records.search(&cx, &target, query, false).await;
        told.push(match answer {
            Err(error) => format!("{} {:?}", error.status(), error.outcome()),
            Ok(reply) => {
                let text = String::from_utf8(reply.body.unwrap()).unwrap();
                let mut parts = text.split("_cursor=");
                let mut plain = parts.next().unwrap().to_owned();
                for part in parts {
                    plain.push_str("_cursor=");
                    plain.push_str(part.split_once('"').unwrap().1);
                }
                plain
            }
        });
    }
    let cx = house.nurse(std::slice::from_ref(&mine));
    let of = HistoryOf::Type(ResourceType::OBSERVATION);
    let reply = house.records.history(&cx, of, HistoryParams::default()).await.unwrap();
    told.push(String::from_utf8(reply.body.unwrap()).unwrap());
    told
}

fn query() -> impl Strategy<Value = String> {
    let filter = prop_oneof![
        Just("code=8867-4".to_owned()),
        Just("patient=seen".to_owned()),
        Just("patient=hidden".to_owned()),
        Just("subject:Patient.family=Hidden".to_owned()),
        Just("subject:Patient.family=Seen".to_owned()),
        Just("subject:Patient._has:Observation:patient:value-quantity=gt50".to_owned()),
        (40u32..90).prop_map(|value| format!("value-quantity=gt{value}")),
        Just("date=ge2026-01-03".to_owned()),
        Just("_id=o1,h1".to_owned()),
    ];
    let tail = prop_oneof![
        Just(String::new()),
        Just("&_sort=-value-quantity".to_owned()),
        Just("&_sort=date".to_owned()),
        Just("&_total=accurate".to_owned()),
        Just("&_summary=count".to_owned()),
        Just("&_include=Observation:subject".to_owned()),
        Just("&_count=2&_total=accurate".to_owned()),
    ];
    (filter, tail).prop_map(|(filter, tail)| format!("{filter}{tail}"))
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(12))]

    #[test]
    fn what_is_hidden_changes_nothing(
        hidden in prop::collection::vec(40u32..90, 1..8),
        queries in prop::collection::vec(query(), 1..12),
    ) {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        let (with, without) = runtime.block_on(async {
            let mut answers = Vec::new();
            for is_hidden_there in [true, false] {
                let mut house = House::new();
                put(&mut house, patient("seen", "Seen")).await;
                for n in 1..5u32 {
                    put(&mut house, observation(&format!("o{n}"), "seen", 45 + 5 * n)).await;
                }
                // After what is seen, so that times and versions of that are the same in both.
                if is_hidden_there {
                    put(&mut house, patient("hidden", "Hidden")).await;
                    for (n, value) in hidden.iter().enumerate() {
                        put(&mut house, observation(&format!("h{n}"), "hidden", *value)).await;
                    }
                }
                answers.push(told(&mut house, &queries).await);
            }
            (answers.remove(0), answers.remove(0))
        });
        prop_assert_eq!(with, without);
    }
}
