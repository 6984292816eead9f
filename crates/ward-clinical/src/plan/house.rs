//! The plans of `data/plans.toml` as PlanDefinitions.

use std::sync::LazyLock;

use serde::Deserialize;
use serde_json::{Value, json};

use crate::records::put;

static PLANS: LazyLock<Vec<Value>> = LazyLock::new(|| {
    // A file that cannot be read has no plans; a test says so.
    let file = toml::from_str::<File>(include_str!("../../data/plans.toml"));
    file.map(|file| file.plan.iter().map(definition).collect()).unwrap_or_default()
});

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    plan: Vec<Plan>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Plan {
    name: String,
    title: String,
    icd10: Vec<String>,
    snomed: Vec<String>,
    words: Vec<String>,
    goals: Vec<String>,
    orders: Vec<Line>,
    care: Vec<Line>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Line {
    text: String,
    when: Option<String>,
}

pub(super) fn plans() -> &'static [Value] {
    &PLANS
}

/// - Source: FHIR R4, PlanDefinition: an order is an ActivityDefinition that is contained, care
///   without an order is an action by itself.
fn definition(plan: &Plan) -> Value {
    let code = |system: &str, code: &String| json!({ "system": system, "code": code });
    let icd = plan.icd10.iter().map(|it| code("http://hl7.org/fhir/sid/icd-10-cm", it));
    let snomed = plan.snomed.iter().map(|it| code("http://snomed.info/sct", it));
    let codings: Vec<Value> = icd.chain(snomed).collect();
    let by_code = std::iter::once(json!({ "coding": codings }));
    let by_word = plan.words.iter().map(|word| json!({ "text": word }));
    let contexts: Vec<Value> = by_code
        .chain(by_word)
        .map(|concept| {
            json!({
                "code": {
                    "system": "http://terminology.hl7.org/CodeSystem/usage-context-type",
                    "code": "focus",
                },
                "valueCodeableConcept": concept,
            })
        })
        .collect();
    let orders = plan.orders.iter().zip(1..);
    let contained: Vec<Value> = orders
        .clone()
        .map(|(line, n)| {
            json!({
                "resourceType": "ActivityDefinition",
                "id": format!("order-{n}"),
                "status": "active",
                "kind": "ServiceRequest",
                "intent": "proposal",
                "code": { "text": line.text },
            })
        })
        .collect();
    let orders: Vec<Value> = orders
        .map(|(line, n)| {
            let mut action = action(line, &format!("order-{n}"));
            put(&mut action, "definitionCanonical", json!(format!("#order-{n}")));
            action
        })
        .collect();
    let care: Vec<Value> =
        plan.care.iter().zip(1..).map(|(line, n)| action(line, &format!("care-{n}"))).collect();
    let goals: Vec<Value> =
        plan.goals.iter().map(|goal| json!({ "description": { "text": goal } })).collect();
    json!({
        "resourceType": "PlanDefinition",
        "id": plan.name,
        "contained": contained,
        "url": format!("urn:ward:plan:{}", plan.name),
        "version": "1",
        "name": pascal(&plan.name),
        "title": plan.title,
        "type": { "coding": [{
            "system": "http://terminology.hl7.org/CodeSystem/plan-definition-type",
            "code": "clinical-protocol",
        }] },
        "status": "active",
        "experimental": true,
        "publisher": "Ward",
        "description": "A start that a hospital reviews, line by line, before it is used for people. \
                        Whatever comes of it is a draft.",
        "useContext": contexts,
        "goal": goals,
        "action": [
            {
                "id": "orders", "title": "Orders", "groupingBehavior": "logical-group",
                "selectionBehavior": "any", "action": orders,
            },
            {
                "id": "care", "title": "Care", "groupingBehavior": "logical-group",
                "selectionBehavior": "any", "action": care,
            },
        ],
    })
}

fn action(line: &Line, id: &str) -> Value {
    let mut action = json!({ "id": id, "title": line.text });
    if let Some(when) = &line.when {
        let condition = json!([{
            "kind": "applicability",
            "expression": { "language": "text/fhirpath", "expression": when },
        }]);
        put(&mut action, "condition", condition);
    }
    action
}

/// `heart-failure` as `HeartFailure`, which is what FHIR wants of names.
fn pascal(name: &str) -> String {
    let part = |part: &str| {
        let mut chars = part.chars();
        let first = chars.next().map(|c| c.to_ascii_uppercase());
        first.into_iter().chain(chars).collect::<String>()
    };
    name.split('-').map(part).collect()
}
