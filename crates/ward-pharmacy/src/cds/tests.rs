use std::collections::BTreeMap;

use jiff::Timestamp;
use serde_json::{Value, json};
use ward_rules::medication::{
    Issue, IssueKind, Tier,
    issue::{Message, OverrideReason, RuleRef},
};

use super::{
    call::{self, Call},
    cards::{CARDS_MAX, SUMMARY_CHARS_MAX, cards},
    feedback::{self, Shown, ShownCard},
    overrides::{self, RuleRate},
    services::{Hook, discovery},
    shown,
};
use crate::knowledge::House;

pub(super) const NOW: Timestamp = Timestamp::UNIX_EPOCH;

fn order(id: &str, rxcui: &str, text: &str) -> Value {
    json!({
        "resourceType": "MedicationRequest",
        "id": id,
        "status": "draft",
        "intent": "order",
        "subject": { "reference": "Patient/1288992" },
        "medicationCodeableConcept": {
            "coding": [{
                "system": "http://www.nlm.nih.gov/research/umls/rxnorm",
                "code": rxcui,
                "display": text,
            }],
            "text": text,
        },
    })
}

/// As the examples of the hooks have it: a diet and a drug, of which the drug is ours to judge.
fn body(hook: Hook) -> Value {
    let mut context = json!({
        "userId": "PractitionerRole/123",
        "patientId": "1288992",
        "encounterId": "89284",
    });
    if hook.has_orders() {
        context["draftOrders"] = json!({
            "resourceType": "Bundle",
            "entry": [
                { "resource": {
                    "resourceType": "NutritionOrder",
                    "id": "pureeddiet-simple",
                    "status": "draft",
                    "patient": { "reference": "Patient/1288992" },
                } },
                { "resource": order("smart-103", "343047", "atazanavir 300 MG Oral Capsule") },
                { "resource": order("smart-104", "7646", "omeprazole 20 MG Oral Capsule") },
            ],
        });
    }
    if hook == Hook::OrderSelect {
        context["selections"] =
            json!(["NutritionOrder/pureeddiet-simple", "MedicationRequest/smart-103"]);
    }
    json!({
        "hook": hook.name(),
        "hookInstance": "d1577c69-dfbe-44ad-ba6d-3e05e953b2ea",
        "context": context,
        "prefetch": { "patient": { "resourceType": "Patient", "id": "1288992" }, "none": null },
    })
}

pub(super) fn read(hook: Hook) -> Call {
    call::read(hook, &body(hook)).unwrap()
}

#[test]
fn the_services_are_in_the_form_of_the_standard() {
    let page = discovery();
    let services = page["services"].as_array().unwrap();
    assert_eq!(services.len(), 4);
    for it in services {
        for name in ["hook", "id", "description"] {
            assert!(it[name].as_str().is_some_and(|it| !it.is_empty()), "{name}");
        }
        let hook = Hook::named(it["hook"].as_str().unwrap()).unwrap();
        assert_eq!(Hook::of_service(it["id"].as_str().unwrap()), Some(hook));
        assert_eq!(it["prefetch"]["patient"], "Patient/{{context.patientId}}");
    }
}

#[test]
fn calls_are_read_and_what_is_wrong_is_told_with_its_place() {
    let call = read(Hook::OrderSelect);
    assert_eq!(call.drafts.len(), 2);
    assert_eq!(call.selected, ["MedicationRequest/smart-103"]);
    assert_eq!(call.prefetch.len(), 1, "null is as if it were not there");
    assert_eq!(read(Hook::OrderSign).selected.len(), 2);
    assert!(read(Hook::PatientView).drafts.is_empty());
    for (hook, pointer, value, place) in [
        (Hook::OrderSign, "/hook", json!("order-select"), "hook"),
        (Hook::OrderSign, "/hookInstance", json!(""), "hookInstance"),
        (Hook::OrderSign, "/context", json!([]), "context"),
        (Hook::OrderSign, "/context/userId", json!(null), "context.userId"),
        (Hook::OrderSign, "/context/patientId", json!("a b"), "context.patientId"),
        (Hook::OrderSign, "/context/draftOrders", json!({}), "context.draftOrders"),
        (
            Hook::OrderSign,
            "/context/draftOrders/entry",
            json!([{}]),
            "context.draftOrders.entry[0].resource",
        ),
        (
            Hook::OrderSign,
            "/context/draftOrders/entry/1/resource/subject/reference",
            json!("Patient/another"),
            "context.draftOrders.entry[1].resource",
        ),
        (Hook::OrderSelect, "/context/selections", json!("x"), "context.selections"),
        (Hook::OrderSelect, "/context/selections", json!([1]), "context.selections[0]"),
        (Hook::EncounterStart, "/context/encounterId", json!(null), "context.encounterId"),
    ] {
        let mut wrong = body(hook);
        *wrong.pointer_mut(pointer).unwrap() = value;
        assert_eq!(call::read(hook, &wrong).unwrap_err().place, place);
    }
}

fn issue(tier: Tier, summary: &str, key: &str) -> Issue {
    Issue {
        kind: IssueKind::Interaction,
        tier,
        why: None,
        rule: RuleRef { id: "r".to_owned(), version: 3, knowledge_base: "kb 1".to_owned() },
        orders: vec!["MedicationRequest/smart-103".to_owned()],
        others: Vec::new(),
        substances: Vec::new(),
        message: Message { summary: summary.to_owned(), ..Message::default() },
        used: Vec::new(),
        illustrative: false,
        key: key.to_owned(),
    }
}

#[test]
fn cards_are_short_and_hold_no_markup_of_others() {
    let call = read(Hook::OrderSign);
    let knowledge = House::starter().unwrap().current();
    let long = format!("<b>[x](http://evil)</b> {}", "ü".repeat(300));
    let all = [
        issue(Tier::Interruptive, &long, "a"),
        issue(Tier::Passive, "b", "b"),
        issue(Tier::Log, "c", "c"),
    ];
    let made = cards(&all, &call, &knowledge, "http://ward/fhir");
    assert_eq!(made.len(), 2, "what is only logged has no card");
    assert_eq!(made[0].value["summary"].as_str().unwrap().chars().count(), SUMMARY_CHARS_MAX);
    assert!(!made[0].value["detail"].as_str().unwrap().contains("<b>[x]("));
    assert!(made[1].value.get("overrideReasons").is_none());
    let many: Vec<Issue> =
        (0..CARDS_MAX + 9).map(|n| issue(Tier::Passive, "x", &format!("k{n}"))).collect();
    let made = cards(&many, &call, &knowledge, "http://ward/fhir");
    assert_eq!(made.len(), CARDS_MAX);
    assert!(made.last().unwrap().value["summary"].as_str().unwrap().starts_with("10 more"));
}

#[test]
fn feedback_is_read_kept_and_counted() {
    let body = json!({ "feedback": [
        {
            "card": "c1", "outcome": "overridden",
            "overrideReason": {
                "reason": { "code": "will-monitor", "system": "urn:ward:override-reason" },
                "userComment": "INR tomorrow",
            },
            "outcomeTimestamp": "2026-11-28T10:00:00Z",
        },
        { "card": "c2", "outcome": "accepted", "acceptedSuggestions": [{ "id": "s" }] },
        {
            "card": "c3", "outcome": "overridden",
            "overrideReason": { "reason": { "code": "their-own", "system": "urn:theirs" } },
        },
    ]});
    let outcomes = feedback::read(&body).unwrap();
    assert_eq!(outcomes[0].reason, Some(OverrideReason::WillMonitor));
    let shown_cards = Shown::default();
    let card = |key: &str| ShownCard {
        service: "medication-order-sign",
        patient: "1288992".parse().unwrap(),
        issue: issue(Tier::Interruptive, "x", key),
    };
    shown_cards.keep(BTreeMap::from(["c1", "c2", "c3"].map(|it| (it.to_owned(), card(it)))));
    assert!(shown_cards.get("medication-order-select", "c1").is_none(), "of another service");
    let mut rates: BTreeMap<String, RuleRate> = BTreeMap::new();
    for outcome in &outcomes {
        let card = shown_cards.get("medication-order-sign", &outcome.card).unwrap();
        let record = feedback::record(&card, outcome, &json!({ "display": "x" }), NOW);
        assert_eq!(record["status"], "final");
        assert_eq!(record["identifier"][0], json!({ "system": shown::RULE, "value": "r@3" }));
        overrides::count(&record, &mut rates);
        if outcome.card == "c1" {
            assert_eq!(record["mitigation"][0]["action"]["text"], "INR tomorrow");
            assert_eq!(record["mitigation"][0]["date"], "2026-11-28T10:00:00Z");
        }
    }
    // As the orders of the house keep it.
    overrides::count(
        &json!({ "identifier": [{ "system": shown::RULE, "value": "r@4 ward-starter 1" }] }),
        &mut rates,
    );
    assert_eq!(rates["r@4"].knowledge_bases, ["ward-starter 1"]);
    let rate = &rates["r@3"];
    assert_eq!((rate.fired, rate.overridden), (3, 2));
    assert_eq!(rate.reasons["will-monitor"], 1);
    assert_eq!(rate.reasons["not-coded"], 1);
    assert_eq!(rate.knowledge_bases, ["kb 1"]);
    for wrong in [
        json!({}),
        json!({ "feedback": [{ "outcome": "accepted" }] }),
        json!({ "feedback": [{ "card": "c", "outcome": "ignored" }] }),
        json!({ "feedback": [{ "card": "c", "outcome": "accepted", "outcomeTimestamp": "now" }] }),
    ] {
        assert!(feedback::read(&wrong).is_err(), "{wrong}");
    }
}

#[test]
fn cards_that_nobody_answers_are_forgotten_the_oldest_first() {
    let shown_cards = Shown::default();
    let card = ShownCard {
        service: "s",
        patient: "p".parse().unwrap(),
        issue: issue(Tier::Passive, "x", "k"),
    };
    for n in 0..=feedback::CARDS_MAX {
        shown_cards.keep(BTreeMap::from([(format!("c{n}"), card.clone())]));
    }
    assert!(shown_cards.get("s", "c0").is_none());
    assert!(shown_cards.get("s", "c1").is_some());
}

#[test]
fn findings_are_detected_issues_with_rule_and_knowledge_base() {
    let patient = "p".parse().unwrap();
    let mut unchecked = issue(Tier::Interruptive, "u", "u");
    unchecked.kind = IssueKind::NotCheckable;
    let all = [issue(Tier::HardStop, "x", "a"), unchecked];
    let answer = shown::checked(&all, ("kb 1", "not for care"), &patient, NOW);
    let named = |name: &str| {
        let all = answer["parameter"].as_array().unwrap().iter();
        all.filter(|it| it["name"] == name).cloned().collect::<Vec<_>>()
    };
    assert_eq!(named("allChecked")[0]["valueBoolean"], false);
    assert_eq!(named("knowledgeBase")[0]["valueString"], "kb 1");
    let issues = named("issue");
    assert_eq!(issues.len(), 2);
    let it = &issues[0]["resource"];
    assert_eq!((&it["resourceType"], &it["severity"]), (&json!("DetectedIssue"), &json!("high")));
    assert_eq!(it["code"]["coding"][0]["code"], "DRG");
    assert_eq!(it["identifier"][1]["value"], "kb 1");
    assert_eq!(it["implicated"][0]["reference"], "MedicationRequest/smart-103");
}
