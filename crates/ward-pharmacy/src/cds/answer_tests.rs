use std::sync::Arc;

use jiff::tz::TimeZone;
use serde_json::json;
use ward_rules::medication::issue::OverrideReason;

use super::{Asked, Checks};
use crate::{
    cds::{
        call::Call,
        cards::{Card, SUMMARY_CHARS_MAX},
        gather::{GatherGap, Gathered},
        remote::Remotes,
        services::Hook,
        tests::{NOW, read},
    },
    knowledge::House,
};

fn checks() -> Checks {
    Checks::new(Arc::new(House::starter().unwrap()), Remotes::default(), TimeZone::UTC)
}

fn gathered() -> Gathered {
    Gathered {
        patient: Some(json!({
            "resourceType": "Patient", "id": "1288992", "birthDate": "1950-01-01", "gender": "male",
        })),
        ..Gathered::default()
    }
}

#[tokio::test]
async fn an_interaction_becomes_a_card_in_the_form_of_the_standard() {
    let checks = checks();
    for hook in [Hook::OrderSelect, Hook::OrderSign] {
        let call = read(hook);
        let at = ("Practitioner/1", NOW, "http://ward/fhir");
        let cards = checks.answer(&call, &gathered(), at).await;
        let grave = cards.iter().find(|it| it.value["indicator"] == "critical").expect("ONC 2");
        let it = &grave.value;
        assert!(it["summary"].as_str().unwrap().chars().count() <= SUMMARY_CHARS_MAX);
        assert!(it["summary"].as_str().unwrap().to_lowercase().contains("atazanavir"), "{it}");
        assert!(it["source"]["label"].as_str().is_some_and(|it| !it.is_empty()));
        assert!(it["detail"].as_str().unwrap().contains("onc-high-02@"), "{it}");
        assert_eq!(it["selectionBehavior"], "any");
        let action = &it["suggestions"][0]["actions"][0];
        assert_eq!(action["type"], "delete");
        assert_eq!(action["resourceId"], json!(["MedicationRequest/smart-103"]));
        assert_eq!(it["overrideReasons"].as_array().unwrap().len(), OverrideReason::ALL.len());
        for reason in it["overrideReasons"].as_array().unwrap() {
            assert!(reason["code"].is_string() && reason["display"].is_string());
        }
        // The same call gives the same cards; another one others.
        let again = checks.answer(&call, &gathered(), at).await;
        assert_eq!(cards.len(), again.len());
        assert!(cards.iter().zip(&again).all(|(a, b)| a.value == b.value));
        let other = Call { instance: "another".to_owned(), ..call };
        let other = checks.answer(&other, &gathered(), at).await;
        assert!(other.iter().all(|it| it.uuid != grave.uuid));
    }
}

#[tokio::test]
async fn what_could_not_be_gathered_is_a_card() {
    let mut gathered = gathered();
    gathered.gaps.push(GatherGap {
        place: "prefetch.allergies".to_owned(),
        what: "no AllergyIntolerance was sent, and the patient is not in this chart".to_owned(),
    });
    let call = read(Hook::OrderSign);
    let cards = checks().answer(&call, &gathered, ("u", NOW, "http://ward/fhir")).await;
    let of = |it: &&Card| it.value["summary"].to_string().contains("prefetch.allergies");
    let card = cards.iter().find(of).expect("it is told");
    assert!(card.value["detail"].as_str().unwrap().contains("not be checked"), "{:?}", card.value);
}

/// A value of a day is as old as that day is on the clock of the wards.
#[tokio::test]
async fn a_day_is_a_day_of_the_house() {
    let mut gathered = gathered();
    gathered.take(
        None,
        json!({
            "resourceType": "Observation", "id": "k", "status": "final",
            "subject": { "reference": "Patient/1288992" },
            "code": { "coding": [{ "system": "http://loinc.org", "code": "2160-0" }] },
            "effectiveDateTime": "2026-01-14",
            "valueQuantity": {
                "value": 2.4, "unit": "mg/dL", "code": "mg/dL",
                "system": "http://unitsofmeasure.org",
            },
        }),
    );
    let order = json!({
        "resourceType": "MedicationRequest", "id": "new", "status": "draft", "intent": "order",
        "subject": { "reference": "Patient/1288992" },
        "medicationCodeableConcept": { "text": "Metformin 500 mg tablet" },
        "dosageInstruction": [{ "text": "500 mg PO twice a day" }],
    });
    let mut ages = Vec::new();
    for zone in ["UTC", "Pacific/Auckland"] {
        let zone = TimeZone::get(zone).unwrap();
        let checks = Checks { zone, ..checks() };
        let asked = Asked {
            hook: Hook::OrderSign,
            instance: "i",
            user: "u",
            patient: &"1288992".parse().unwrap(),
            encounter: None,
            proposed: std::slice::from_ref(&order),
            now: "2026-01-15T00:00:00Z".parse().unwrap(),
        };
        let issues = checks.check(&asked, &gathered).await.issues;
        ages.push(issues.iter().flat_map(|it| &it.used).find_map(|it| it.age_h));
    }
    let [Some(utc), Some(auckland)] = ages[..] else { panic!("{ages:?}") };
    assert_eq!(auckland - utc, 13);
}
