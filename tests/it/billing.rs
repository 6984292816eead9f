//! Who pays, over the wire: what is decided here, what a payer decides, and what happens when
//! nobody answers.

use std::time::Duration;

use serde_json::{Value, json};
use ward_tests::{Client, House, Server, wait_until};

pub(crate) const PATIENCE: Duration = Duration::from_secs(90);

pub(crate) const SIMULATED: (&str, &str) = ("WARD_BILLING_SIMULATED_PAYER", "true");

pub(crate) fn ok(client: &mut Client, method: &str, path: &str, body: &Value) -> Value {
    let body = if body.is_null() { String::new() } else { body.to_string() };
    let reply = client.send(method, path, &[], body.as_bytes()).unwrap();
    assert!(
        (200..300).contains(&reply.status),
        "{method} {path}: {} {}",
        reply.status,
        reply.json()
    );
    reply.json()
}

/// A patient who is insured under a number, and a bed.
pub(crate) fn insured(server: &Server, house: &House, id: &str, payer: &str, member: &str) {
    let mut client = server.client();
    let put = |client: &mut Client, kind: &str, resource: Value| {
        ok(client, "PUT", &format!("/fhir/{kind}/{id}"), &resource);
    };
    put(
        &mut client,
        "Patient",
        json!({
            "resourceType": "Patient", "id": id, "gender": "female", "birthDate": "1970-01-02",
            "name": [{ "family": "Meyer", "given": ["Anna"] }],
        }),
    );
    put(
        &mut client,
        "Coverage",
        json!({
            "resourceType": "Coverage", "id": id, "status": "active", "subscriberId": member,
            "beneficiary": { "reference": format!("Patient/{id}") },
            "payor": [{ "display": payer }],
        }),
    );
    let mut admin = Client::new(&server.address, Some(&house.token_for("administrator")));
    let bed = json!({ "name": format!("W-{id}"), "offer": { "ward": "w" } });
    ok(&mut admin, "PUT", &format!("/api/beds/bed-{id}"), &bed);
}

pub(crate) fn admit(client: &mut Client, id: &str) -> String {
    let wish = json!({ "patient": format!("Patient/{id}"), "reasons": [{
        "system": "http://hl7.org/fhir/sid/icd-10-cm", "code": "S72.001A", "text": "fall",
    }] });
    let admitted = ok(client, "POST", "/api/admissions", &wish);
    // Care never waits for a payer.
    assert!(admitted["bedName"].is_string(), "{admitted}");
    admitted["id"].as_str().unwrap().to_owned()
}

pub(crate) fn admission(client: &mut Client, id: &str) -> Value {
    ok(client, "GET", &format!("/api/admissions/{id}"), &Value::Null)
}

pub(crate) fn count(client: &mut Client, query: &str) -> u64 {
    let found = ok(client, "GET", &format!("/fhir/{query}&_summary=count"), &Value::Null);
    found["total"].as_u64().unwrap()
}

pub(crate) fn becomes(client: &mut Client, id: &str, authorization: &str) -> Value {
    let is = wait_until(PATIENCE, || admission(client, id)["authorization"] == authorization);
    let now = admission(client, id);
    assert!(is, "{now}");
    now
}

/// Waits until an admission is authorized so, and nothing of it is left to do.
pub(crate) fn ends(client: &mut Client, id: &str, authorization: &str) -> Value {
    becomes(client, id, authorization);
    let is = wait_until(PATIENCE, || admission(client, id)["state"] == "completed");
    let now = admission(client, id);
    assert!(is, "{now}");
    now
}

pub(crate) fn answer_to(client: &mut Client, patient: &str) -> Value {
    let found =
        ok(client, "GET", &format!("/fhir/ClaimResponse?patient=Patient/{patient}"), &Value::Null);
    assert_eq!(found["entry"].as_array().unwrap().len(), 1, "{found}");
    found["entry"][0]["resource"].clone()
}

#[test]
fn a_stay_is_authorized_by_who_decides_it() {
    let house = House::new();
    let server = house.serve_with(&[SIMULATED]);
    let mut client = server.client();
    for (id, payer, member) in [
        ("open", "Illustrative Open Insurance", "O-1"),
        ("later", "Illustrative Managed Insurance", "M-5"),
        ("denied", "Illustrative Managed Insurance", "M-9"),
        ("hand", "A payer of no table", "H-1"),
    ] {
        insured(&server, &house, id, payer, member);
    }
    let rules = admit(&mut client, "open");
    let later = admit(&mut client, "later");
    let denied = admit(&mut client, "denied");
    let hand = admit(&mut client, "hand");

    let now = ends(&mut client, &rules, "granted");
    assert_eq!(now["authorizationOrigin"], "local rules");
    assert_eq!(answer_to(&mut client, "open")["meta"]["tag"][0]["code"], "local-rules");
    let told = ok(
        &mut client,
        "GET",
        "/fhir/CoverageEligibilityResponse?patient=Patient/open",
        &Value::Null,
    );
    let item = &told["entry"][0]["resource"]["insurance"][0]["item"][0];
    assert_eq!((&item["excluded"], &item["authorizationRequired"]), (&json!(false), &json!(false)));

    // Pended, told, and granted without anybody doing anything.
    let now = ends(&mut client, &later, "granted");
    assert_eq!(
        (&now["authorizationOrigin"], &now["state"]),
        (&json!("simulated payer"), &json!("completed"))
    );
    assert!(now["authorizationReference"].as_str().unwrap().starts_with("SIM-"));
    let answer = answer_to(&mut client, "later");
    assert!(answer["disposition"].as_str().unwrap().starts_with("SIMULATED PAYER: granted"));
    // Admitted, pended, granted.
    assert_eq!(count(&mut client, "Communication?subject=Patient/later"), 3);

    // Denied: the stay goes on, somebody is told, and a task is on hold.
    let now = ends(&mut client, &denied, "denied");
    let step = now["steps"].as_array().unwrap().iter().find(|it| it["name"] == "authorize-stay");
    assert_eq!(step.unwrap()["state"], "failed");
    assert_eq!(now["state"], "completed");
    assert_eq!(count(&mut client, "Encounter?status=in-progress"), 4);
    assert_eq!(count(&mut client, "Task?code=authorization-denied&status=on-hold"), 1);
    let listed = ok(&mut client, "GET", "/api/tasks", &Value::Null).to_string();
    assert!(listed.contains("authorization-denied"), "{listed}");

    // Nobody's table knows this payer: a person asks, and says so.
    assert_eq!(admission(&mut client, &hand)["authorization"], "pended");
    // Billing asks it, and need not see the beds for that.
    let mut clerk = Client::new(&server.address, Some(&house.token_for("billing")));
    let open = ok(&mut clerk, "GET", "/api/tasks", &Value::Null);
    let codes: Vec<_> = open["tasks"].as_array().unwrap().iter().map(|it| &it["code"]).collect();
    assert!(codes.contains(&&json!("authorize-stay")), "{codes:?}");
    assert!(codes.contains(&&json!("authorization-denied")), "{codes:?}");
    let entered = json!({ "decision": "granted", "reference": "REF-1" });
    ok(&mut clerk, "POST", &format!("/api/admissions/{hand}/authorization"), &entered);
    let now = admission(&mut client, &hand);
    assert_eq!(
        (&now["authorizationOrigin"], &now["authorizationReference"]),
        (&json!("entered by hand"), &json!("REF-1"))
    );
    assert_eq!(answer_to(&mut client, "hand")["disposition"], "granted (entered by hand)");
    house.must(&["audit", "verify"]);
}

/// Killed at any moment between question and answer: one answer, told once.
#[test]
fn a_kill_between_question_and_answer_leaves_one_answer() {
    let house = House::new();
    let mut server = house.serve_with(&[SIMULATED]);
    insured(&server, &house, "later", "Illustrative Managed Insurance", "M-6");
    let id = admit(&mut server.client(), "later");
    for _ in 0..3 {
        server.kill();
        server = house.serve_with(&[SIMULATED]);
        assert!(server.is_up());
    }
    let mut client = server.client();
    ends(&mut client, &id, "granted");
    let answer = answer_to(&mut client, "later");
    // Pended once, granted once.
    assert_eq!(answer["meta"]["versionId"], "3", "{answer}");
    assert_eq!(count(&mut client, "Communication?subject=Patient/later"), 3);
    house.must(&["audit", "verify"]);
}
