//! CDS Hooks from outside: our services, and services of others beside our checks.

use std::{
    fs,
    io::{ErrorKind, Read, Write},
    net::TcpListener,
    thread,
};

use serde_json::{Value, json};
use ward_tests::{Client, House};

use crate::knowledge::{order, put};

fn sign(patient: &str, drafts: &[Value]) -> Value {
    let entries: Vec<Value> = drafts.iter().map(|it| json!({ "resource": it })).collect();
    json!({
        "hook": "order-sign",
        "hookInstance": "d1577c69-dfbe-44ad-ba6d-3e05e953b2ea",
        "context": {
            "userId": "Practitioner/1",
            "patientId": patient,
            "draftOrders": { "resourceType": "Bundle", "entry": entries },
        },
    })
}

#[test]
fn services_answer_with_cards_and_hear_what_became_of_them() {
    let house = House::new();
    let server = house.serve();
    let mut nobody = Client::new(&server.address, None);
    let services = nobody.get("/cds-services");
    assert_eq!(services.status, 200);
    assert_eq!(services.json()["services"].as_array().unwrap().len(), 4);
    let path = "/cds-services/medication-order-sign";
    let draft = order("d1", "p0", "343047", "atazanavir", "draft");
    let call = sign("p0", std::slice::from_ref(&draft));
    assert_eq!(nobody.post(path, &call).status, 401);

    let mut client = server.client();
    put(&mut client, &json!({ "resourceType": "Patient", "id": "p0", "gender": "male" }));
    put(&mut client, &order("ome", "p0", "7646", "omeprazole", "active"));
    // What was not prefetched is read from the chart; a server that a call names is never asked.
    let trap = TcpListener::bind("127.0.0.1:0").unwrap();
    trap.set_nonblocking(true).unwrap();
    let mut named = call.clone();
    named["fhirServer"] = json!(format!("http://{}", trap.local_addr().unwrap()));
    named["fhirAuthorization"] = json!({ "access_token": "t", "token_type": "Bearer" });
    let reply = client.post(path, &named);
    assert_eq!(reply.status, 200, "{}", reply.json());
    let answer = reply.json();
    let cards = answer["cards"].as_array().unwrap();
    let card = cards.iter().find(|it| it["indicator"] == "critical").expect("ONC 2");
    assert!(card["detail"].as_str().unwrap().contains("onc-high-02@"), "{card}");
    assert_eq!(card["suggestions"][0]["actions"][0]["resourceId"], json!(["MedicationRequest/d1"]));
    assert!(matches!(trap.accept(), Err(error) if error.kind() == ErrorKind::WouldBlock));
    // What is prefetched wins: without the other drug there is nothing against it.
    let mut sent = call.clone();
    let none = json!({ "resourceType": "Bundle", "type": "searchset", "total": 0 });
    sent["prefetch"] = json!({ "medications": none, "statements": none });
    let answer = client.post(path, &sent).json();
    let has_grave = |it: &Value| it["cards"].to_string().contains("onc-high-02");
    assert!(!has_grave(&answer), "{answer}");
    // Of somebody else.
    sent["prefetch"] = json!({ "medications": order("x", "p1", "7646", "omeprazole", "active") });
    assert_eq!(client.post(path, &sent).status, 400);
    // What is active now, and the start of a stay.
    put(&mut client, &order("ata", "p0", "343047", "atazanavir", "active"));
    for hook in ["patient-view", "encounter-start"] {
        let call = json!({
            "hook": hook,
            "hookInstance": "1",
            "context": { "userId": "Practitioner/1", "patientId": "p0", "encounterId": "e" },
        });
        let answer = client.post(&format!("/cds-services/medication-{hook}"), &call).json();
        assert!(has_grave(&answer), "{hook}: {answer}");
    }

    // Calls that are none.
    let mut wrong = call.clone();
    wrong["hook"] = json!("order-select");
    let reply = client.post(path, &wrong);
    assert_eq!((reply.status, &reply.json()["issue"][0]["expression"]), (400, &json!(["hook"])));
    assert_eq!(client.post("/cds-services/none", &call).status, 404);
    assert_eq!(client.post(path, &sign("nobody", &[draft])).status, 412);

    // What became of the card.
    let path = format!("{path}/feedback");
    let outcome = json!({ "feedback": [{
        "card": card["uuid"],
        "outcome": "overridden",
        "overrideReason": {
            "reason": { "code": "will-monitor", "system": "urn:ward:override-reason" },
            "userComment": "levels tomorrow",
        },
        "outcomeTimestamp": "2026-11-28T10:00:00Z",
    }] });
    for _ in 0..2 {
        let reply = client.post(&path, &outcome);
        assert_eq!(reply.status, 200, "{}", reply.json());
    }
    let unknown = json!({ "feedback": [{ "card": "none", "outcome": "accepted" }] });
    assert_eq!(client.post(&path, &unknown).status, 404);
    let kept = client.get("/fhir/DetectedIssue?patient=Patient/p0").json();
    assert_eq!(kept["total"], 1, "the same twice is one record");
    let issue = &kept["entry"][0]["resource"];
    assert_eq!(issue["mitigation"][0]["action"]["coding"][0]["code"], "will-monitor");
    let report = client.get("/api/meds/overrides?since=2020-01-01").json();
    let rule = &report["report"]["rules"][0];
    assert!(rule["rule"].as_str().unwrap().starts_with("onc-high-02@"), "{report}");
    assert_eq!((&rule["fired"], &rule["overridden"]), (&json!(1), &json!(1)));
    assert_eq!(rule["overridePercent"], json!(100.0));
    assert_eq!(client.get("/api/meds/overrides?since=soon").status, 400);
}

/// A service that does `what` with each connection; it ends with the test's process.
fn service(what: fn(std::net::TcpStream)) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap().to_string();
    thread::spawn(move || {
        for stream in listener.incoming().flatten() {
            thread::spawn(move || what(stream));
        }
    });
    address
}

fn answer(mut stream: std::net::TcpStream, body: &str) {
    let mut bytes = [0; 65_536];
    let _read = stream.read(&mut bytes);
    let head = "HTTP/1.1 200 OK\r\ncontent-type: application/json\r\nconnection: close\r\n";
    let _sent = write!(stream, "{head}content-length: {}\r\n\r\n{body}", body.len());
}

#[test]
fn a_service_that_fails_is_told_and_the_others_are_heard() {
    let house = House::new();
    let folder = tempfile::tempdir().unwrap();
    let closed = {
        let free = TcpListener::bind("127.0.0.1:0").unwrap();
        free.local_addr().unwrap().to_string()
    };
    let services = [
        (
            "licensed",
            service(|it| {
                answer(
                    it,
                    r#"{"cards":[{"summary":"Known to the vendor","indicator":"warning",
                        "source":{"label":"Vendor 7.1","topic":{"code":"ddi"}}}]}"#,
                );
            }),
        ),
        ("garbage", service(|it| answer(it, "<html>no</html>"))),
        (
            "hangs",
            service(|mut it| {
                // Reads for ever and says nothing.
                let mut bytes = [0; 1024];
                while it.read(&mut bytes).is_ok_and(|n| 0 < n) {}
            }),
        ),
        ("down", closed),
    ];
    for (name, address) in services {
        let text = format!(
            "url = \"http://{address}/cds-services/x\"\nhooks = [\"order-sign\"]\n\
             time_limit_ms = 700\n"
        );
        fs::write(folder.path().join(format!("{name}.toml")), text).unwrap();
    }
    let settings = [("WARD_MEDICATION_SERVICES", folder.path().to_str().unwrap())];
    let server = house.serve_with(&settings);
    let mut client = server.client();
    put(&mut client, &json!({ "resourceType": "Patient", "id": "p0", "gender": "male" }));
    let wish = order("d1", "p0", "11289", "warfarin", "draft");
    let reply = client.post("/fhir/MedicationRequest/$check", &wish).json().to_string();
    for says in [
        "Known to the vendor",
        "Not checked by garbage: its answer is not JSON.",
        "Not checked by hangs: it did not answer in time.",
        "Not checked by down: it cannot be reached.",
        "remote.licensed.ddi@1",
    ] {
        assert!(reply.contains(says), "{says}: {reply}");
    }
    let cards = client.post("/cds-services/medication-order-sign", &sign("p0", &[wish])).json();
    assert!(cards.to_string().contains("Not checked by hangs"), "{cards}");
    // A service that is set up wrong: the server does not begin.
    drop(server);
    let wrong = "url = \"http://kb.example/x\"\nhooks = [\"order-sign\"]\n";
    fs::write(folder.path().join("wrong.toml"), wrong).unwrap();
    let ended = std::process::Command::new(ward_tests::ward())
        .args(["serve", "--http", "127.0.0.1:0", "--mllp", "127.0.0.1:0", "--data"])
        .arg(house.data())
        .env("WARD_MEDICATION_SERVICES", folder.path())
        .output()
        .unwrap();
    assert!(!ended.status.success());
    let why = String::from_utf8_lossy(&ended.stderr).into_owned();
    assert!(why.contains("wrong.toml: patient data would go over a network"), "{why}");
}
