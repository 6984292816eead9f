//! Rest-hooks: every match once, in order, whoever is killed; rights; receivers that fail.

use std::{collections::BTreeMap, time::Duration};

use serde_json::{Value, json};
use ward_tests::{Client, House, skip, wait_until};

use super::rig::{
    Listener, NEAR, PATIENCE, bodies, part, patient, put, read, result, stands, subscribe, topic,
};

const NO_PYTHON: &str = "subscriptions: no public clients; `cargo xtask setup` installs them";

/// The numbers that came, first come first, each with what it was of.
fn told(listener: &Listener) -> Vec<(u64, String)> {
    let mut first: Vec<(u64, String)> = Vec::new();
    let mut by_number: BTreeMap<u64, String> = BTreeMap::new();
    let mut by_id: BTreeMap<String, Vec<(u64, String)>> = BTreeMap::new();
    for bundle in bodies(listener) {
        let (kind, id, events) = read(&bundle);
        if kind != "event-notification" {
            continue;
        }
        // What is sent again is the same, under the same id.
        assert_eq!(by_id.entry(id).or_insert_with(|| events.clone()), &events);
        for (number, of) in events {
            match by_number.get(&number) {
                Some(before) => assert_eq!(*before, of, "event {number}"),
                None => {
                    by_number.insert(number, of.clone());
                    first.push((number, of));
                }
            }
        }
    }
    first
}

#[test]
fn every_match_once_and_in_order_whoever_is_killed() {
    let Some(mut listener) = Listener::start("receiver.py") else { return skip(NO_PYTHON) };
    let house = House::new();
    let mut server = house.serve_with(&NEAR);
    put(&mut server.client(), &patient("p1"));
    let wanted = topic("record-change", &["Observation?code=718-7"], "id-only", &listener.url());
    let id = subscribe(&house, &server, "fhirclient", &wanted);
    stands(&mut server.client(), &id, "active");
    let mut expected = Vec::new();
    for phase in 0..4 {
        let mut client = server.client();
        for n in 0..12 {
            let name = format!("o-{phase}-{n}");
            put(&mut client, &result(&name, "p1", "718-7"));
            put(&mut client, &result(&format!("x-{phase}-{n}"), "p1", "other"));
            expected.push(name);
        }
        match phase {
            0 | 3 => {
                // In the middle of what it was about to tell.
                server.end("-KILL", Duration::from_secs(60));
                server = house.serve_with(&NEAR);
            }
            1 => listener.kill(),
            _ => listener.again(),
        }
    }
    let is_all = wait_until(PATIENCE, || told(&listener).len() == expected.len());
    let came = told(&listener);
    let expected: Vec<(u64, String)> = (1..).zip(expected).collect();
    assert!(is_all, "{} of {}", came.len(), expected.len());
    assert_eq!(came, expected);
    stands(&mut server.client(), &id, "active");
    // What was told can be asked for again, by numbers.
    let mut client = server.client();
    let path = format!("/fhir/Subscription/{id}/$events?eventsSinceNumber=3&eventsUntilNumber=5");
    let (kind, _, events) = read(&client.get(&path).json());
    assert_eq!((kind.as_str(), events.as_slice()), ("query-event", &expected[2..5]));
    let status = client.get(&format!("/fhir/Subscription/{id}/$status")).json();
    let n = part(&status, "events-since-subscription-start").unwrap();
    assert_eq!(n["valueString"], expected.len().to_string());
    assert_eq!(part(&status, "status").unwrap()["valueCode"], "active");
    // Each delivery is on record, with its patients.
    let mut auditor = Client::new(&server.address, Some(&house.token_for("auditor")));
    let log = auditor.get("/fhir/Patient/p1/AuditEvent?_count=50").body;
    assert!(String::from_utf8_lossy(&log).contains("events "), "{}", String::from_utf8_lossy(&log));
    assert!(server.end("-TERM", Duration::from_secs(60)));
    house.must(&["audit", "verify"]);
}

#[test]
fn a_handshake_and_whole_resources_with_the_receivers_header() {
    let Some(listener) = Listener::start("receiver.py") else { return skip(NO_PYTHON) };
    let house = House::new();
    let server = house.serve_with(&NEAR);
    let mut client = server.client();
    let wanted = topic("admission", &[], "full-resource", &listener.url());
    let id = subscribe(&house, &server, "fhirpy", &wanted);
    stands(&mut client, &id, "active");
    put(&mut client, &patient("p1"));
    let stay = |status: &str| {
        json!({
            "resourceType": "Encounter", "id": "e1", "status": status, "class": { "code": "IMP" },
            "subject": { "reference": "Patient/p1" },
        })
    };
    // Planned, begun, written again, ended: one admission.
    for status in ["planned", "in-progress", "in-progress", "finished"] {
        put(&mut client, &stay(status));
    }
    assert!(wait_until(PATIENCE, || told(&listener).len() == 1));
    let lines = listener.lines();
    assert_eq!(lines[0]["headers"]["authorization"], "Bearer of-the-receiver");
    let all = bodies(&listener);
    assert_eq!(read(&all[0]).0, "handshake");
    let event = &all[1]["entry"][1];
    assert_eq!(event["resource"]["status"], "in-progress");
    assert_eq!(event["request"]["method"], "PUT");
    assert!(event["fullUrl"].as_str().unwrap().ends_with("/fhir/Encounter/e1"));
    // Off is off, and asked for again it goes on from where it is.
    let mut off = client.get(&format!("/fhir/Subscription/{id}")).json();
    off["status"] = json!("off");
    put(&mut client, &off);
    put(
        &mut client,
        &json!({ "resourceType": "Encounter", "id": "e2", "status": "in-progress",
        "class": { "code": "IMP" }, "subject": { "reference": "Patient/p1" } }),
    );
    off["status"] = json!("requested");
    put(&mut client, &off);
    stands(&mut client, &id, "active");
    put(
        &mut client,
        &json!({ "resourceType": "Encounter", "id": "e3", "status": "in-progress",
        "class": { "code": "IMP" }, "subject": { "reference": "Patient/p1" } }),
    );
    assert!(wait_until(PATIENCE, || told(&listener).len() == 2));
    assert_eq!(told(&listener)[1], (2, "e3".to_owned()));
}

#[test]
fn r4s_own_criteria_send_the_record_itself() {
    let Some(listener) = Listener::start("receiver.py") else { return skip(NO_PYTHON) };
    let house = House::new();
    let server = house.serve_with(&NEAR);
    let mut client = server.client();
    put(&mut client, &patient("p1"));
    let plain = |payload: Option<&str>| {
        let mut it = json!({
            "resourceType": "Subscription", "status": "requested", "reason": "a test",
            "criteria": "Observation?code=718-7&patient=p1",
            "channel": { "type": "rest-hook", "endpoint": listener.url() },
        });
        if let Some(payload) = payload {
            it["channel"]["payload"] = json!(payload);
        }
        it
    };
    for payload in [None, Some("application/fhir+json")] {
        let id = subscribe(&house, &server, "fhirclient", &plain(payload));
        stands(&mut client, &id, "active");
    }
    put(&mut client, &result("o1", "p1", "718-7"));
    put(&mut client, &result("o2", "p1", "other"));
    assert!(wait_until(PATIENCE, || listener.lines().len() == 2));
    let mut lines = listener.lines();
    lines.sort_by_key(|line| line["method"].to_string());
    assert_eq!((&lines[0]["method"], &lines[0]["text"]), (&json!("POST"), &json!("")));
    assert_eq!(
        (&lines[1]["method"], &lines[1]["path"]),
        (&json!("PUT"), &json!("/hook/Observation/o1"))
    );
    assert!(lines[1]["text"].as_str().unwrap().contains("\"value\":1.5"));
}

#[test]
fn a_receiver_that_fails_or_hangs_is_told_when_it_is_back() {
    let Some(listener) = Listener::start("receiver.py") else { return skip(NO_PYTHON) };
    let house = House::new();
    let server = house.serve_with(&NEAR);
    let mut client = server.client();
    put(&mut client, &patient("p1"));
    let mut wanted = topic("result", &[], "id-only", &listener.url());
    wanted["channel"]["extension"] = json!([{
        "url": format!("{}/backport-timeout", super::rig::BACKPORT), "valueUnsignedInt": 1,
    }]);
    let id = subscribe(&house, &server, "fhirpy", &wanted);
    stands(&mut client, &id, "active");
    listener.mode("hang");
    put(&mut client, &result("o1", "p1", "718-7"));
    let now = stands(&mut client, &id, "error");
    assert_eq!(now["error"], "no answer in time");
    listener.mode("fail");
    put(&mut client, &result("o2", "p1", "718-7"));
    let is_said = wait_until(PATIENCE, || {
        client.get(&format!("/fhir/Subscription/{id}")).json()["error"] == "answered 503"
    });
    assert!(is_said);
    listener.mode("ok");
    let now = stands(&mut client, &id, "active");
    assert_eq!(now["error"], Value::Null);
    assert!(wait_until(PATIENCE, || told(&listener).len() == 2));
    let names: Vec<String> = told(&listener).into_iter().map(|(_, of)| of).collect();
    assert_eq!(names, ["o1", "o2"]);
}

#[test]
fn rights_are_those_of_when_it_is_told() {
    let Some(listener) = Listener::start("receiver.py") else { return skip(NO_PYTHON) };
    let house = House::new();
    let server = house.serve_with(&NEAR);
    let mut client = server.client();
    put(&mut client, &patient("p1"));
    let wanted = topic("result", &[], "full-resource", &listener.url());
    // Who may not search a type may not subscribe to it, nor write a Subscription at all.
    for role in ["billing", "nurse", "auditor"] {
        let mut other = Client::new(&server.address, Some(&house.token_for(role)));
        assert_eq!(other.post("/fhir/Subscription", &wanted).status, 403, "{role}");
    }
    let id = subscribe(&house, &server, "fhirpy", &wanted);
    stands(&mut client, &id, "active");
    put(&mut client, &result("o1", "p1", "718-7"));
    assert!(wait_until(PATIENCE, || told(&listener).len() == 1));
    // The token that it was made with ends: nothing more is told, and it says why.
    let mut admin = Client::new(&server.address, Some(&house.token_for("administrator")));
    let tokens = admin.get("/api/tokens").json();
    let made_with =
        tokens["tokens"].as_array().unwrap().iter().find(|it| it["role"] == "integration");
    let token = made_with.unwrap()["id"].as_str().unwrap();
    let spare = house.token_for("integration");
    let ended = admin.send("DELETE", &format!("/api/tokens/{token}"), &[], b"").unwrap();
    assert_eq!(ended.status, 200);
    let mut other = Client::new(&server.address, Some(&spare));
    put(&mut other, &result("o2", "p1", "718-7"));
    let now = stands(&mut other, &id, "off");
    assert_eq!(now["error"], "whoever subscribed may not be told any more");
    assert_eq!(told(&listener).len(), 1);
}

#[test]
fn what_cannot_be_is_refused_in_its_place() {
    let house = House::new();
    let server = house.serve();
    let mut client = server.client();
    let good = topic("result", &[], "id-only", "https://receiver.test/hook");
    let refused = |client: &mut Client, change: &dyn Fn(&mut Value)| {
        let mut wrong = good.clone();
        change(&mut wrong);
        let reply = client.post("/fhir/Subscription", &wrong);
        assert_eq!(reply.status, 422, "{}", String::from_utf8_lossy(&reply.body));
        reply.json()["issue"][0]["expression"][0].as_str().unwrap().to_owned()
    };
    let place = refused(&mut client, &|it| it["channel"]["endpoint"] = json!("http://a.test/x"));
    assert_eq!(place, "Subscription.channel.endpoint");
    let place = refused(&mut client, &|it| it["criteria"] = json!("urn:ward:topic:none"));
    assert_eq!(place, "Subscription.criteria");
    assert_eq!(refused(&mut client, &|it| it["status"] = json!("active")), "Subscription.status");
    let place = refused(&mut client, &|it| it["channel"]["type"] = json!("email"));
    assert_eq!(place, "Subscription.channel.type");
    // The same inside a transaction.
    let mut wrong = good.clone();
    wrong["criteria"] = json!("Observation?nonsense=1");
    // What other records say is not asked: it changes without an event of this one.
    for (criteria, says) in [
        ("Observation?patient.name=meyer", "a record is asked alone, without a chain"),
        ("Patient?_has:Observation:patient:code=718-7", "a record is asked alone, without `_has`"),
    ] {
        let mut asks = good.clone();
        asks["criteria"] = json!(criteria);
        let reply = client.post("/fhir/Subscription", &asks);
        let outcome = reply.json();
        assert_eq!((reply.status, &outcome["resourceType"]), (422, &json!("OperationOutcome")));
        let issue = &outcome["issue"][0];
        assert_eq!(
            (&issue["severity"], &issue["code"]),
            (&json!("error"), &json!("not-supported"))
        );
        assert_eq!(issue["expression"], json!(["Subscription.criteria"]));
        assert!(issue["diagnostics"].as_str().unwrap().starts_with(says), "{issue}");
    }
    let bundle = json!({ "resourceType": "Bundle", "type": "transaction", "entry": [{
        "resource": wrong, "request": { "method": "POST", "url": "Subscription" } }] });
    assert_eq!(client.post("/fhir", &bundle).status, 422);
    // A receiver that only this machine reaches is not told unless the operator says so.
    let mut near = good.clone();
    near["channel"]["endpoint"] = json!("https://127.0.0.1:9/hook");
    let made = client.post("/fhir/Subscription", &near).json();
    let now = stands(&mut client, made["id"].as_str().unwrap(), "error");
    assert_eq!(now["error"], "the address is not allowed here");
    // The topics are there to be read.
    let topics = client.get("/fhir/SubscriptionTopic").json();
    assert!(
        topics["entry"]
            .as_array()
            .unwrap()
            .iter()
            .any(|it| { it["resource"]["url"] == "urn:ward:topic:admission" })
    );
}
