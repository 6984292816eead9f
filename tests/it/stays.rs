//! Stays over HTTP: who may do what, and what a kill in the middle of two hundred admissions
//! leaves.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    thread,
    time::Duration,
};

use serde_json::{Value, json};
use ward_tests::{Client, House, Peer, Server, wait_until};

const PATIENCE: Duration = Duration::from_secs(90);

fn ok(client: &mut Client, method: &str, path: &str, body: &Value) -> Value {
    let body = body.to_string();
    let reply = client.send(method, path, &[], body.as_bytes()).unwrap();
    assert!(
        (200..300).contains(&reply.status),
        "{method} {path}: {} {}",
        reply.status,
        reply.json()
    );
    reply.json()
}

fn status(client: &mut Client, method: &str, path: &str, body: &Value) -> u16 {
    client.send(method, path, &[], body.to_string().as_bytes()).unwrap().status
}

fn beds(server: &Server, house: &House, n: usize) {
    let mut admin = Client::new(&server.address, Some(&house.token_for("administrator")));
    for n in 0..n {
        let bed = json!({ "name": format!("W1-{n}"), "offer": { "ward": "w1" } });
        ok(&mut admin, "PUT", &format!("/api/beds/bed-{n}"), &bed);
    }
}

fn patients(client: &mut Client, n: usize) {
    let entries: Vec<Value> = (0..n)
        .map(|n| {
            let patient = json!({ "resourceType": "Patient", "id": format!("p{n}"), "gender": "male" });
            json!({ "resource": patient, "request": { "method": "PUT", "url": format!("Patient/p{n}") } })
        })
        .collect();
    let bundle = json!({ "resourceType": "Bundle", "type": "transaction", "entry": entries });
    ok(client, "POST", "/fhir", &bundle);
}

#[test]
fn a_stay_from_admission_to_discharge() {
    let house = House::new();
    let server = house.serve();
    patients(&mut server.client(), 3);
    beds(&server, &house, 2);
    let as_role = |role: &str| Client::new(&server.address, Some(&house.token_for(role)));
    let mut desk = as_role("registrar");
    let wish = json!({ "patient": "Patient/p0", "reasons": [{ "text": "fall" }] });
    for role in ["pharmacist", "billing", "auditor", "administrator"] {
        assert_eq!(status(&mut as_role(role), "POST", "/api/admissions", &wish), 403, "{role}");
    }
    assert_eq!(status(&mut desk, "PUT", "/api/beds/b", &json!({ "name": "x" })), 403);
    let admitted = ok(&mut desk, "POST", "/api/admissions", &wish);
    assert_eq!((&admitted["state"], &admitted["bedName"]), (&json!("completed"), &json!("W1-0")));
    let steps: Vec<_> =
        admitted["steps"].as_array().unwrap().iter().map(|it| &it["state"]).collect();
    assert_eq!(steps, ["done", "done", "done", "done", "skipped", "done"]);
    // What is proposed for a fall is a draft, and so is every order in it.
    let mut all = server.client();
    let plan = ok(
        &mut all,
        "GET",
        &format!("/fhir/{}", admitted["carePlans"][0].as_str().unwrap()),
        &json!(null),
    );
    assert_eq!((&plan["status"], &plan["title"]), (&json!("draft"), &json!("Risk of falling")));
    let drafts =
        ok(&mut all, "GET", "/fhir/ServiceRequest?status=draft&subject=Patient/p0", &json!(null));
    assert!(!drafts["entry"].as_array().unwrap().is_empty());
    // A second bed for the same patient is not to be had.
    let twice = desk.send("POST", "/api/admissions", &[], wish.to_string().as_bytes()).unwrap();
    assert_eq!(twice.status, 409);
    assert!(twice.json()["issue"][0].to_string().contains("in a stay already"));
    for bad in [
        json!({ "patient": "Patient/p0 p1" }),
        json!({ "patient": "Patient/p1", "class": "X" }),
        json!({ "patient": "Patient/p1", "reasons": [{ "text": "" }] }),
        json!({ "patient": "Patient/p1", "unknown": 1 }),
    ] {
        assert_eq!(status(&mut desk, "POST", "/api/admissions", &bad), 400, "{bad}");
    }
    let unknown = json!({ "patient": "Patient/nobody" });
    assert_eq!(status(&mut desk, "POST", "/api/admissions", &unknown), 409);
    let encounter = admitted["encounter"].as_str().unwrap().trim_start_matches("Encounter/");
    let at = |act: &str| format!("/api/encounters/{encounter}/{act}");
    let mut nurse = as_role("nurse");
    let moved = ok(&mut nurse, "POST", &at("transfer"), &json!({ "needs": { "bed": "bed-1" } }));
    assert_eq!(moved["location"][1]["location"]["reference"], "Location/bed-1");
    let board = ok(&mut nurse, "GET", "/api/beds", &json!(null));
    let states: Vec<_> = board["beds"].as_array().unwrap().iter().map(|it| &it["state"]).collect();
    assert_eq!(states, ["dirty", "occupied"]);
    // Somebody waits for the bed, and gets it when it is clean.
    let waits = ok(&mut desk, "POST", "/api/admissions", &json!({ "patient": "Patient/p1" }));
    assert_eq!((&waits["state"], &waits["bed"]), (&json!("running"), &json!(null)));
    let list = ok(&mut desk, "GET", "/api/admissions/waiting", &json!(null));
    assert_eq!(list["waiting"][0]["id"], waits["id"]);
    ok(&mut nurse, "POST", "/api/beds/bed-0/clean", &json!({}));
    let path = format!("/api/admissions/{}", waits["id"].as_str().unwrap());
    let bed = |client: &mut Client| ok(client, "GET", &path, &json!(null))["bedName"].clone();
    assert!(wait_until(PATIENCE, || bed(&mut desk) == "W1-0"));
    ok(&mut nurse, "POST", &at("leave"), &json!({}));
    assert_eq!(status(&mut nurse, "POST", &at("leave"), &json!({})), 409);
    ok(&mut nurse, "POST", &at("return"), &json!({}));
    let gone = ok(&mut nurse, "POST", &at("discharge"), &json!({}));
    assert_eq!(gone["status"], "finished");
    // The same key is the same admission.
    let wish = json!({ "patient": "Patient/p2", "ifNoBed": "wait" }).to_string();
    let key = [("idempotency-key", "k1")];
    let one = desk.send("POST", "/api/admissions", &key, wish.as_bytes()).unwrap().json();
    let two = desk.send("POST", "/api/admissions", &key, wish.as_bytes()).unwrap().json();
    assert_eq!(one["id"], two["id"]);
    let other = wish.replace("p2", "p0");
    assert_eq!(desk.send("POST", "/api/admissions", &key, other.as_bytes()).unwrap().status, 409);
    let back = ok(&mut desk, "POST", &format!("{path}/cancel"), &json!({ "reason": "by mistake" }));
    assert_eq!(back["state"], "cancelled");
    // Counted from the feed, and nothing of a patient in it. What was taken back is no discharge.
    let counted = [
        "patient_admissions_total 3",
        "patient_discharges_total 1",
        "active_patients 1",
        "critical_alerts_total 0",
    ];
    let mut administrator = Client::new(&server.address, Some(&house.token_for("administrator")));
    let mut figures = String::new();
    let is = wait_until(PATIENCE, || {
        let page = administrator.send("GET", "/metrics", &[], b"").unwrap();
        figures = String::from_utf8(page.body).unwrap();
        counted.iter().all(|line| figures.lines().any(|it| it == *line))
    });
    assert!(is, "{figures}");
    // What was done is on record, with who did it and why it was done.
    let trail = ok(&mut all, "GET", "/fhir/Task?code=admission&status=cancelled", &json!(null));
    assert!(!trail["entry"].as_array().unwrap().is_empty());
    house.must(&["audit", "verify"]);
}

/// A stay as an interface tells it: event, number of the message, patient, place, minute.
fn adt(event: &str, id: &str, mrn: &str, place: &str, minute: u32) -> String {
    let time = format!("2026010108{minute:02}00");
    format!(
        "MSH|^~\\&|REG|HOSP|WARD|HOSP|{time}||ADT^{event}^ADT_A01|{id}|P|2.5.1\r\
         EVN||{time}\r\
         PID|1||{mrn}^^^HOSP^MR||Meyer{mrn}^Anna||19700102|F\r\
         PV1|1|I|{place}||||||||||||||||V{mrn}^^^HOSP^VN\r"
    )
}

fn send_to(server: &Server, event: &str, id: &str, mrn: &str, place: &str, minute: u32) {
    let mut peer = Peer::connect(&server.mllp).unwrap();
    assert_eq!(peer.send(&adt(event, id, mrn, place, minute)).unwrap().code, "AA", "{id}");
}

#[test]
fn what_interfaces_tell_is_on_the_board() {
    let house = House::new();
    let mut server = house.serve();
    let mut client = server.client();
    let mut peer = Peer::connect(&server.mllp).unwrap();
    let mut send = |event: &str, id: &str, mrn: &str, place: &str, minute: u32| {
        assert_eq!(peer.send(&adt(event, id, mrn, place, minute)).unwrap().code, "AA", "{id}");
    };
    let board = |client: &mut Client| -> Vec<String> {
        let board = ok(client, "GET", "/api/beds", &json!(null));
        let line = |bed: &Value| format!("{} {}", bed["name"], bed["state"]).replace('"', "");
        board["beds"].as_array().unwrap().iter().map(line).collect()
    };
    let becomes = |client: &mut Client, expected: &[&str]| {
        let is = wait_until(PATIENCE, || {
            let mut board = board(client);
            board.sort();
            board == expected
        });
        assert!(is, "{:?}", board(client));
    };
    send("A01", "1", "70", "W1^101^A", 0);
    becomes(&mut client, &["W1-101-A occupied"]);
    send("A02", "2", "70", "W1^102^A", 1);
    becomes(&mut client, &["W1-101-A dirty", "W1-102-A occupied"]);
    // An admission here does not get what is taken or dirty.
    patients(&mut client, 1);
    let waits = ok(&mut client, "POST", "/api/admissions", &json!({ "patient": "Patient/p0" }));
    assert_eq!(waits["bed"], json!(null));
    // Two in one place cannot be: somebody has to look, and the first keeps it.
    send("A01", "3", "71", "W1^102^A", 2);
    let asked = |client: &mut Client| {
        ok(client, "GET", "/fhir/Task?code=bed-taken&_summary=count", &json!(null))["total"].clone()
    };
    assert!(wait_until(PATIENCE, || asked(&mut client) == 1));
    send("A03", "4", "70", "W1^102^A", 3);
    becomes(&mut client, &["W1-101-A dirty", "W1-102-A dirty"]);
    // Who is told to lie in a bed that is not clean lies there; and it is so after a kill.
    send("A02", "5", "71", "W1^101^A", 4);
    becomes(&mut client, &["W1-101-A occupied", "W1-102-A dirty"]);
    server.kill();
    let server = house.serve();
    let mut client = server.client();
    becomes(&mut client, &["W1-101-A occupied", "W1-102-A dirty"]);
    // A merge takes the stay along: who stays lies there, and who is gone is free of it.
    let merge = "MSH|^~\\&|REG|HOSP|WARD|HOSP|20260101081000||ADT^A40^ADT_A39|6|P|2.5.1\r\
                 EVN||20260101081000\rPID|1||72^^^HOSP^MR||Meyer72^Anna||19700102|F\r\
                 MRG|71^^^HOSP^MR\r";
    let mut peer = Peer::connect(&server.mllp).unwrap();
    assert_eq!(peer.send(merge).unwrap().code, "AA");
    let of = |client: &mut Client, mrn: &str| {
        let found = ok(client, "GET", &format!("/fhir/Patient?identifier={mrn}"), &json!(null));
        let of_mrn = found["entry"].as_array().unwrap().iter().map(|it| &it["resource"]);
        let stays =
            of_mrn.clone().find(|it| it["active"] != false).unwrap_or_else(|| panic!("{found}"));
        stays["id"].as_str().unwrap().to_owned()
    };
    let stays = of(&mut client, "72");
    let in_bed = |client: &mut Client| -> Vec<Value> {
        let board = ok(client, "GET", "/api/beds", &json!(null));
        let beds = board["beds"].as_array().unwrap().iter();
        beds.flat_map(|bed| bed["claims"].as_array().unwrap().clone()).collect()
    };
    assert!(wait_until(PATIENCE, || in_bed(&mut client)[0]["patient"] == stays.as_str()));
    // A stay that is deleted leaves no claim behind.
    send_to(&server, "A01", "7", "73", "W1^103^A", 11);
    becomes(&mut client, &["W1-101-A occupied", "W1-102-A dirty", "W1-103-A occupied"]);
    let found = ok(&mut client, "GET", "/fhir/Encounter?identifier=V73", &json!(null));
    let id = found["entry"][0]["resource"]["id"].as_str().unwrap();
    assert!(matches!(
        status(&mut client, "DELETE", &format!("/fhir/Encounter/{id}"), &json!(null)),
        200 | 204
    ));
    becomes(&mut client, &["W1-101-A occupied", "W1-102-A dirty", "W1-103-A dirty"]);
    // The bed that is cleaned goes to who waits for it.
    let bed = ok(&mut client, "GET", "/api/beds", &json!(null));
    let beds = bed["beds"].as_array().unwrap();
    let dirty = beds.iter().find(|it| it["name"] == "W1-102-A").unwrap()["id"].as_str().unwrap();
    ok(&mut client, "POST", &format!("/api/beds/{dirty}/clean"), &json!({}));
    becomes(&mut client, &["W1-101-A occupied", "W1-102-A occupied", "W1-103-A dirty"]);
    let path = format!("/api/admissions/{}", waits["id"].as_str().unwrap());
    assert_eq!(ok(&mut client, "GET", &path, &json!(null))["bedName"], "W1-102-A");
}

#[test]
fn admissions_survive_kills() {
    const N_PATIENTS: usize = 200;
    const N_BEDS: usize = 50;
    let kills: u64 = std::env::var("WARD_KILLS").ok().and_then(|k| k.parse().ok()).unwrap_or(4);
    let house = House::new();
    let mut server = house.serve();
    patients(&mut server.client(), N_PATIENTS);
    beds(&server, &house, N_BEDS);
    let mut seed = 0x5DEE_CE66_u64;
    for round in 0..=kills {
        let answered = Arc::new(AtomicU64::new(0));
        let threads: Vec<_> = (0..8)
            .map(|thread| {
                let (mut client, answered) = (server.client(), Arc::clone(&answered));
                thread::spawn(move || {
                    for n in (thread..N_PATIENTS).step_by(8) {
                        let wish = json!({ "patient": format!("Patient/p{n}") }).to_string();
                        let key = [("idempotency-key", format!("k{n}"))];
                        let key = [(key[0].0, key[0].1.as_str())];
                        let Ok(reply) =
                            client.send("POST", "/api/admissions", &key, wish.as_bytes())
                        else {
                            return;
                        };
                        assert!(
                            matches!(reply.status, 201 | 503),
                            "{} {}",
                            reply.status,
                            reply.json()
                        );
                        answered.fetch_add(1, Ordering::Relaxed);
                    }
                })
            })
            .collect();
        if round < kills {
            seed = seed
                .wrapping_mul(6_364_136_223_846_793_005)
                .wrapping_add(1_442_695_040_888_963_407);
            let until = 1 + (seed >> 33) % 120;
            while answered.load(Ordering::Relaxed) < until
                && !threads.iter().all(|t| t.is_finished())
            {
                thread::yield_now();
            }
            server.kill();
        }
        threads.into_iter().for_each(|it| it.join().unwrap());
        if round < kills {
            server = house.serve();
        }
    }
    let mut client = server.client();
    let count = |client: &mut Client, query: &str| {
        ok(client, "GET", &format!("/fhir/{query}&_summary=count"), &json!(null))["total"]
            .as_u64()
            .unwrap()
    };
    let in_beds = |client: &mut Client| count(client, "Encounter?status=in-progress");
    assert!(wait_until(PATIENCE, || in_beds(&mut client) == 50), "{}", in_beds(&mut client));
    assert_eq!(count(&mut client, "Encounter?status=arrived"), 150);
    assert_eq!(count(&mut client, "Task?code=assign-room&status=on-hold"), 150);
    let told = ok(&mut client, "GET", "/fhir/Communication?_count=1000", &json!(null));
    let told: Vec<String> = told["entry"]
        .as_array()
        .unwrap()
        .iter()
        .map(|it| it["resource"]["subject"]["reference"].to_string())
        .collect();
    assert_eq!((told.len(), told.iter().collect::<BTreeSet<_>>().len()), (50, 50));
    let board = ok(&mut client, "GET", "/api/beds", &json!(null));
    let mut of_bed = BTreeMap::new();
    for bed in board["beds"].as_array().unwrap() {
        let claims = bed["claims"].as_array().unwrap();
        assert_eq!((claims.len(), &bed["state"]), (1, &json!("occupied")));
        let of = of_bed.insert(claims[0]["encounter"].to_string(), bed["id"].clone());
        assert!(of.is_none(), "one stay in two beds");
    }
    assert_eq!(of_bed.len(), N_BEDS);
    house.must(&["audit", "verify"]);
}
