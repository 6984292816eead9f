use ward_core::ResourceType;
use ward_fhir::{outcome::Severity, validate::validate};

use super::*;
use crate::plan::house_plans;

fn now() -> Timestamp {
    "2026-05-31T10:00:00Z".parse().unwrap()
}

fn born(date: &str) -> Value {
    json!({ "resourceType": "Patient", "id": "p1", "gender": "female", "birthDate": date })
}

fn applied(plan: &Value, patient: &Value) -> Result<Applied, ApplyError> {
    let encounter = json!({ "resourceType": "Encounter", "id": "e1", "status": "in-progress" });
    let subject =
        Subject { patient, encounter: Some(&encounter), practitioner: Some("Practitioner/d1") };
    let resolve = |canonical: &str| {
        Ok((canonical == "http://x/ActivityDefinition/gas").then(|| {
            json!({
                "resourceType": "ActivityDefinition", "status": "active", "version": "2",
                "url": canonical, "kind": "ServiceRequest", "code": { "text": "Blood gas" },
            })
        }))
    };
    apply(plan, &subject, &resolve, now())
}

fn order(n: usize, more: Value) -> Value {
    let mut action = json!({ "title": format!("action {n}"), "definitionCanonical": "#a" });
    for (name, value) in more.as_object().unwrap() {
        put(&mut action, name, value.clone());
    }
    action
}

fn when(expression: &str) -> Value {
    json!([{ "kind": "applicability",
        "expression": { "language": "text/fhirpath", "expression": expression } }])
}

fn plan(actions: Value) -> Value {
    json!({
        "resourceType": "PlanDefinition", "status": "active", "url": "urn:test", "version": "7",
        "title": "A plan", "action": actions,
        "contained": [{ "resourceType": "ActivityDefinition", "id": "a", "status": "active",
            "kind": "ServiceRequest", "code": { "text": "something" }, "priority": "urgent" }],
    })
}

/// Title and intent of each order, as the RequestGroup has them.
fn orders(applied: &Applied) -> Vec<String> {
    fn walk(action: &Value, applied: &Applied, out: &mut Vec<String>) {
        if let Some(id) = action.pointer("/resource/reference").and_then(Value::as_str) {
            let found = applied.requests.iter().find(|(own, _)| format!("#{own}") == id);
            let request = &found.unwrap().1;
            assert_eq!(request["status"], "draft");
            out.push(format!("{}: {}", text(action, "title").unwrap_or("-"), request["intent"]));
        }
        items(action, "action").for_each(|it| walk(it, applied, out));
    }
    let mut out = Vec::new();
    let group = applied.request_group.iter().flat_map(|group| items(group, "action"));
    group.for_each(|it| walk(it, applied, &mut out));
    out
}

#[test]
fn every_plan_of_the_house_comes_to_a_valid_care_plan() {
    for plan in house_plans() {
        for birth in ["1940-01-02", "1995-06", "2026-05-31"] {
            let patient = born(birth);
            let made = applied(plan, &patient).unwrap();
            assert!(!orders(&made).is_empty());
            let whole = made.into_resource();
            let bytes = serde_json::to_vec(&whole).unwrap();
            let json = Json::parse(&bytes).unwrap();
            let issues = validate(&json, Some(ResourceType::CARE_PLAN));
            let wrong: Vec<_> = issues.iter().filter(|it| it.severity <= Severity::Error).collect();
            assert!(wrong.is_empty(), "{wrong:?} {whole}");
        }
    }
}

#[test]
fn conditions_ask_the_patient_and_what_nobody_knows_stays_open() {
    let plan = house_plans().iter().find(|it| it["id"] == "pneumonia").unwrap();
    let n_orders = |patient: &Value| orders(&applied(plan, patient).unwrap()).len();
    assert_eq!(n_orders(&born("1961-05-31")), 4, "65 today");
    assert_eq!(n_orders(&born("1961-06-01")), 3);
    let nobody = json!({ "resourceType": "Patient", "id": "p1" });
    let made = applied(plan, &nobody).unwrap();
    assert_eq!(orders(&made).len(), 4);
    let group = made.request_group.unwrap();
    assert!(group["action"][0]["action"][3]["condition"][0]["expression"].is_object());
    assert!(group["action"][0]["action"][0].get("condition").is_none());
}

#[test]
fn what_is_chosen_from_is_marked_as_options() {
    let group = |behavior: &str, actions: Value| {
        plan(json!([{ "title": "group", "selectionBehavior": behavior, "action": actions }]))
    };
    let of = |plan: &Value| orders(&applied(plan, &born("1990-01-01")).unwrap());
    let never = json!({ "condition": when("false") });
    let two = json!([order(1, json!({})), order(2, json!({}))]);
    let one_left = json!([order(1, json!({})), order(2, never)]);
    assert_eq!(
        of(&group("any", two.clone())),
        ["action 1: \"proposal\"", "action 2: \"proposal\""]
    );
    for behavior in ["exactly-one", "at-most-one"] {
        let options = ["action 1: \"option\"", "action 2: \"option\""];
        assert_eq!(of(&group(behavior, two.clone())), options);
        assert_eq!(of(&group(behavior, one_left.clone())), ["action 1: \"proposal\""]);
    }
    assert_eq!(of(&group("all-or-none", two)).len(), 2);
    let none = applied(&group("all-or-none", one_left), &born("1990-01-01")).unwrap();
    assert_eq!((none.request_group, none.requests.len()), (None, 0));
}

#[test]
fn definitions_are_resolved_and_values_worked_out() {
    let dynamic = json!([
        { "path": "occurrenceDateTime",
          "expression": { "language": "text/fhirpath", "expression": "today() + 2 days" } },
        { "path": "note[0].text",
          "expression": { "language": "text/fhirpath",
            "expression": "'for ' + %patient.gender + ' in ' + %encounter.status" } },
        { "path": "status",
          "expression": { "language": "text/fhirpath", "expression": "'active'" } },
    ]);
    let actions = json!([
        order(1, json!({ "definitionCanonical": "http://x/ActivityDefinition/gas", "dynamicValue": dynamic })),
        { "title": "turn every two hours" },
    ]);
    let made = applied(&plan(actions), &born("1990-01-01")).unwrap();
    let request = &made.requests[0].1;
    assert_eq!(request["code"]["text"], "Blood gas");
    assert_eq!(request["occurrenceDateTime"], "2026-06-02");
    assert_eq!(request["note"][0]["text"], "for female in in-progress");
    assert_eq!(request["status"], "draft", "whatever the plan says");
    assert_eq!(request["instantiatesCanonical"][0], "http://x/ActivityDefinition/gas|2");
    assert_eq!(request["requester"]["reference"], "Practitioner/d1");
    assert_eq!(made.care_plan["instantiatesCanonical"][0], "urn:test|7");
    assert_eq!(made.care_plan["activity"][1]["detail"]["description"], "turn every two hours");
    assert_eq!(made.care_plan["encounter"]["reference"], "Encounter/e1");
}

#[test]
fn a_plan_that_is_not_understood_says_where() {
    let wrong = |actions: Value| applied(&plan(actions), &born("1990-01-01")).unwrap_err();
    let cql = json!([{ "kind": "applicability",
        "expression": { "language": "text/cql", "expression": "true" } }]);
    let cases = [
        (
            json!([order(1, json!({ "condition": when("1 +") }))]),
            "PlanDefinition.action[0].condition[0]",
        ),
        (
            json!([{ "action": [order(1, json!({ "condition": cql }))] }]),
            "PlanDefinition.action[0].action[0].condition[0]",
        ),
        (json!([order(1, json!({ "definitionCanonical": "#b" }))]), "#b"),
        (
            json!([order(
                1,
                json!({ "dynamicValue": [{ "path": "a.where(b)",
            "expression": { "language": "text/fhirpath", "expression": "1" } }] })
            )]),
            "PlanDefinition.action[0].dynamicValue[0]",
        ),
    ];
    for (actions, place) in cases {
        let error = wrong(actions).to_string();
        assert!(error.contains(place), "{error}");
    }
    // Nested without end.
    let mut deep = order(1, json!({}));
    for _ in 0..30 {
        deep = json!({ "action": [deep] });
    }
    assert_eq!(wrong(json!([deep])), ApplyError::Deep);
}
