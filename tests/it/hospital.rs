//! What a ward does besides admitting: beds that are held, plans, vital signs, what is taken back,
//! and what others hear of it.

use std::{collections::BTreeSet, fs, time::Duration};

use serde_json::{Value, json};
use ward_tests::{Client, House, Peer, Server, wait_until};

const PATIENCE: Duration = Duration::from_secs(90);

fn ask(client: &mut Client, method: &str, path: &str, body: &Value) -> (u16, Value) {
    let bytes = if body.is_null() { Vec::new() } else { body.to_string().into_bytes() };
    let reply = client.send(method, path, &[], &bytes).unwrap();
    (reply.status, if reply.body.is_empty() { Value::Null } else { reply.json() })
}

fn ok(client: &mut Client, method: &str, path: &str, body: &Value) -> Value {
    let (status, answer) = ask(client, method, path, body);
    assert!((200..300).contains(&status), "{method} {path}: {status} {answer}");
    answer
}

fn put(client: &mut Client, kind: &str, id: &str, mut resource: Value) {
    resource["resourceType"] = json!(kind);
    resource["id"] = json!(id);
    ok(client, "PUT", &format!("/fhir/{kind}/{id}"), &resource);
}

fn beds(server: &Server, house: &House, n: usize) {
    let mut admin = Client::new(&server.address, Some(&house.token_for("administrator")));
    for n in 0..n {
        let bed = json!({ "name": format!("W1-{n}"), "offer": { "ward": "w1" } });
        ok(&mut admin, "PUT", &format!("/api/beds/bed-{n}"), &bed);
    }
}

fn board(client: &mut Client) -> Vec<String> {
    let board = ok(client, "GET", "/api/beds", &json!(null));
    let line = |bed: &Value| format!("{} {}", bed["name"], bed["state"]).replace('"', "");
    board["beds"].as_array().unwrap().iter().map(line).collect()
}

#[test]
fn a_bed_is_held_and_a_discharge_taken_back() {
    let house = House::new();
    let server = house.serve();
    let mut all = server.client();
    for n in 0..3 {
        put(&mut all, "Patient", &format!("p{n}"), json!({ "gender": "male" }));
    }
    beds(&server, &house, 2);
    let mut desk = Client::new(&server.address, Some(&house.token_for("registrar")));
    let hold = |patient: &str, minutes: u32| json!({ "patient": patient, "minutes": minutes });
    for (body, expected) in [
        (hold("Patient/p1", 0), 400),
        (hold("Patient/p1", 100_000), 400),
        (hold("Encounter/p1", 10), 400),
        (hold("Patient/nobody", 10), 404),
        (hold("Patient/p1", 30), 200),
        (hold("Patient/p2", 30), 409),
    ] {
        let (status, said) = ask(&mut desk, "POST", "/api/beds/bed-0/hold", &body);
        assert_eq!(status, expected, "{body} {said}");
    }
    let mut pharmacist = Client::new(&server.address, Some(&house.token_for("pharmacist")));
    assert_eq!(ask(&mut pharmacist, "POST", "/api/beds/bed-1/hold", &hold("Patient/p1", 9)).0, 403);
    assert_eq!(board(&mut desk), ["W1-0 held", "W1-1 free"]);
    // Somebody else gets the other bed, and who is expected gets this one.
    let one = ok(&mut desk, "POST", "/api/admissions", &json!({ "patient": "Patient/p0" }));
    assert_eq!(one["bedName"], "W1-1");
    let two = ok(&mut desk, "POST", "/api/admissions", &json!({ "patient": "Patient/p1" }));
    assert_eq!(two["bedName"], "W1-0");
    assert_eq!(board(&mut desk), ["W1-0 occupied", "W1-1 occupied"]);
    let path =
        format!("/api/encounters/{}", &one["encounter"].as_str().unwrap()["Encounter/".len()..]);
    assert_eq!(ask(&mut desk, "POST", &format!("{path}/cancel-discharge"), &json!({})).0, 409);
    ok(&mut desk, "POST", &format!("{path}/discharge"), &json!({}));
    assert_eq!(board(&mut desk), ["W1-0 occupied", "W1-1 dirty"]);
    let back = ok(&mut desk, "POST", &format!("{path}/cancel-discharge"), &json!({}));
    assert_eq!((&back["status"], back["period"].get("end")), (&json!("in-progress"), None));
    assert_eq!(board(&mut desk), ["W1-0 occupied", "W1-1 occupied"]);
    // Every admission is on the list, the newest first.
    let waits = ok(&mut desk, "POST", "/api/admissions", &json!({ "patient": "Patient/p2" }));
    let mut list = |state: &str| -> Vec<Value> {
        let found = ok(&mut desk, "GET", &format!("/api/admissions?state={state}"), &json!(null));
        found["admissions"].as_array().unwrap().iter().map(|it| it["id"].clone()).collect()
    };
    assert_eq!(list("open"), [waits["id"].clone()]);
    assert_eq!(list("all"), [waits["id"].clone(), two["id"].clone(), one["id"].clone()]);
    assert_eq!(list("over").len(), 2);
    house.must(&["audit", "verify"]);
}

#[test]
fn an_admission_and_its_plan_are_asked_for_as_fhir() {
    let house = House::new();
    let server = house.serve();
    let mut all = server.client();
    let old = json!({ "gender": "female", "birthDate": "1940-01-02" });
    put(&mut all, "Patient", "p0", old);
    put(&mut all, "Patient", "p1", json!({ "gender": "female", "birthDate": "1999-01-02" }));
    beds(&server, &house, 2);
    let mut desk = Client::new(&server.address, Some(&house.token_for("registrar")));
    let admit = |patient: &str, more: Vec<Value>| {
        let mut parameters =
            vec![json!({ "name": "patient", "valueReference": { "reference": patient } })];
        parameters.extend(more);
        json!({ "resourceType": "Parameters", "parameter": parameters })
    };
    let pneumonia = json!({ "name": "reason", "valueCodeableConcept": { "coding": [{
        "system": "http://hl7.org/fhir/sid/icd-10-cm", "code": "J18.9", "display": "Pneumonia" }] } });
    let in_bed = json!({ "name": "bed", "valueReference": { "reference": "Location/bed-1" } });
    let asked = admit("Patient/p0", vec![pneumonia, in_bed]);
    let answer = ok(&mut desk, "POST", "/fhir/Encounter/$admit", &asked);
    let of = |name: &str| -> Value {
        let all = answer["parameter"].as_array().unwrap();
        all.iter().find(|it| it["name"] == name).cloned().unwrap_or_else(|| panic!("{answer}"))
    };
    assert_eq!(of("bed")["valueReference"]["reference"], "Location/bed-1");
    assert_eq!(of("state")["valueCode"], "completed");
    let encounter = of("encounter")["valueReference"]["reference"].as_str().unwrap().to_owned();
    let plan = of("carePlan")["valueReference"]["reference"].as_str().unwrap().to_owned();
    assert_eq!(
        ok(&mut all, "GET", &format!("/fhir/{encounter}"), &json!(null))["status"],
        "in-progress"
    );
    // The plan has a group of drafts, and somebody of 86 years one more of them.
    let plan = ok(&mut all, "GET", &format!("/fhir/{plan}"), &json!(null));
    let group = plan["activity"][0]["reference"]["reference"].as_str().unwrap();
    let group = ok(&mut all, "GET", &format!("/fhir/{group}"), &json!(null));
    let orders = group["action"][0]["action"].as_array().unwrap();
    assert_eq!(orders.len(), 4, "{group}");
    let order = orders[0]["resource"]["reference"].as_str().unwrap();
    let order = ok(&mut all, "GET", &format!("/fhir/{order}"), &json!(null));
    assert_eq!((&order["status"], &order["intent"]), (&json!("draft"), &json!("proposal")));
    for (bad, place) in [
        (json!({ "name": "mood", "valueCode": "x" }), "Parameters.parameter[1]"),
        (json!({ "name": "ifNoBed", "valueCode": "x" }), "Parameters.parameter[1]"),
        (json!({ "name": "isolation", "valueString": "x" }), "Parameters.parameter[1]"),
    ] {
        let (status, said) =
            ask(&mut desk, "POST", "/fhir/Encounter/$admit", &admit("Patient/p1", vec![bad]));
        assert_eq!((status, &said["issue"][0]["expression"][0]), (400, &json!(place)), "{said}");
    }
    assert_eq!(
        ask(&mut desk, "POST", "/fhir/Encounter/$admit", &asked).0,
        409,
        "in a stay already"
    );
    // What a plan comes to, without anything being written.
    let plans = ok(&mut all, "GET", "/fhir/PlanDefinition?status=active&_count=50", &json!(null));
    assert_eq!(plans["entry"].as_array().unwrap().len(), 10);
    let n_before = ok(&mut all, "GET", "/fhir/ServiceRequest?_summary=count", &json!(null));
    let path = "/fhir/PlanDefinition/pneumonia/$apply";
    let young = ok(&mut all, "GET", &format!("{path}?subject=Patient/p1"), &json!(null));
    assert_eq!((&young["resourceType"], &young["status"]), (&json!("CarePlan"), &json!("draft")));
    let n_drafts = |plan: &Value| {
        let contained = plan["contained"].as_array().unwrap();
        contained.iter().filter(|it| it["resourceType"] == "ServiceRequest").count()
    };
    assert_eq!(n_drafts(&young), 3);
    let parameters = json!({ "resourceType": "Parameters", "parameter": [
        { "name": "subject", "valueString": "Patient/p0" },
        { "name": "encounter", "valueString": encounter },
    ] });
    let aged = ok(&mut all, "POST", path, &parameters);
    assert_eq!((n_drafts(&aged), &aged["encounter"]["reference"]), (4, &json!(encounter)));
    let n_after = ok(&mut all, "GET", "/fhir/ServiceRequest?_summary=count", &json!(null));
    assert_eq!(n_before["total"], n_after["total"]);
    for (path, expected) in [
        (format!("{path}?subject=Patient/nobody"), 404),
        ("/fhir/PlanDefinition/none/$apply?subject=Patient/p1".to_owned(), 404),
        (path.to_owned(), 400),
        (format!("{path}?subject=Patient/p1&encounter={encounter}"), 400),
        (format!("{path}?subject=Patient/p1&setting=x"), 400),
    ] {
        assert_eq!(ask(&mut all, "GET", &path, &json!(null)).0, expected, "{path}");
    }
    // Who may not see the patient's chart applies nothing to it, and a plan that is changed is
    // what is proposed from then on.
    let mut plan = ok(&mut all, "GET", "/fhir/PlanDefinition/pneumonia", &json!(null));
    plan["status"] = json!("retired");
    ok(&mut all, "PUT", "/fhir/PlanDefinition/pneumonia", &plan);
    let wish = json!({ "patient": "Patient/p1", "reasons": [{ "text": "pneumonia" }] });
    let without = ok(&mut desk, "POST", "/api/admissions", &wish);
    assert_eq!(without["carePlans"], json!([]), "{without}");
}

#[test]
fn vital_signs_are_entered_as_they_are_measured() {
    let house = House::new();
    let server = house.serve();
    let mut all = server.client();
    put(&mut all, "Patient", "p0", json!({ "gender": "male" }));
    let path = "/api/patients/p0/vital-signs";
    let round = json!({ "values": {
        "systolic": 128, "diastolic": 78, "heartRate": 28,
        "temperature": { "value": 101.3, "unit": "°F" }, "oxygenSaturation": 961,
    } });
    let (status, said) = ask(&mut all, "POST", path, &round);
    assert_eq!(status, 422, "{said}");
    let issues: Vec<_> = said["issue"]
        .as_array()
        .unwrap()
        .iter()
        .map(|it| format!("{} {}", it["expression"][0], it["code"]).replace('"', ""))
        .collect();
    assert_eq!(issues, ["heartRate business-rule", "oxygenSaturation value"]);
    let mut round = round;
    round["values"]["oxygenSaturation"] = json!(96);
    round["confirmed"] = json!(["heartRate"]);
    assert_eq!(ask(&mut all, "POST", path, &round).0, 201);
    let found = ok(
        &mut all,
        "GET",
        "/fhir/Observation?patient=p0&category=vital-signs&_count=50",
        &json!(null),
    );
    let values: BTreeSet<String> = found["entry"]
        .as_array()
        .unwrap()
        .iter()
        .map(|it| {
            let it = &it["resource"];
            format!("{} {}", it["code"]["coding"][0]["code"], it["valueQuantity"]["value"])
        })
        .collect();
    let expected = ["\"2708-6\" 96", "\"8310-5\" 38.5", "\"85354-9\" null", "\"8867-4\" 28"];
    assert_eq!(values, expected.map(str::to_owned).into());
    for role in ["registrar", "billing", "auditor"] {
        let mut other = Client::new(&server.address, Some(&house.token_for(role)));
        let (status, said) =
            ask(&mut other, "POST", path, &json!({ "values": { "heartRate": 70 } }));
        assert!(matches!(status, 403 | 404), "{role}: {status} {said}");
    }
}

/// A stay as an interface tells it.
fn adt(event: &str, id: &str, mrn: &str, place: &str, minute: u32) -> String {
    let time = format!("2026010108{minute:02}00");
    format!(
        "MSH|^~\\&|REG|HOSP|WARD|HOSP|{time}||ADT^{event}^ADT_A01|{id}|P|2.5.1\r\
         EVN||{time}\r\
         PID|1||{mrn}^^^HOSP^MR||Meyer{mrn}^Anna||19700102|F\r\
         PV1|1|I|{place}||||||||||||||||V{mrn}^^^HOSP^VN\r"
    )
}

#[test]
fn what_interfaces_take_back_is_taken_back_on_the_board() {
    let house = House::new();
    let server = house.serve();
    let mut client = server.client();
    let mut peer = Peer::connect(&server.mllp).unwrap();
    let mut send = |event: &str, id: &str, place: &str, minute: u32| {
        let ack = peer.send(&adt(event, id, "70", place, minute)).unwrap();
        assert_eq!(ack.code, "AA", "{event}");
    };
    let becomes = |client: &mut Client, expected: &[&str]| {
        let is = wait_until(PATIENCE, || {
            let mut board = board(client);
            board.sort();
            board == expected
        });
        assert!(is, "{:?}", board(client));
    };
    let status = |client: &mut Client| {
        let found = ok(client, "GET", "/fhir/Encounter?identifier=V70", &json!(null));
        found["entry"][0]["resource"]["status"].as_str().unwrap().to_owned()
    };
    send("A01", "1", "W1^101^A", 0);
    becomes(&mut client, &["W1-101-A occupied"]);
    send("A02", "2", "W1^102^A", 1);
    becomes(&mut client, &["W1-101-A dirty", "W1-102-A occupied"]);
    // The move was a mistake: the patient lies where it lay before, dirty or not.
    send("A12", "3", "W1^101^A", 2);
    becomes(&mut client, &["W1-101-A occupied", "W1-102-A dirty"]);
    send("A21", "4", "W1^101^A", 3);
    assert!(wait_until(PATIENCE, || status(&mut client) == "onleave"));
    becomes(&mut client, &["W1-101-A occupied", "W1-102-A dirty"]);
    send("A22", "5", "W1^101^A", 4);
    send("A03", "6", "W1^101^A", 5);
    becomes(&mut client, &["W1-101-A dirty", "W1-102-A dirty"]);
    assert_eq!(status(&mut client), "finished");
    send("A13", "7", "W1^101^A", 6);
    becomes(&mut client, &["W1-101-A occupied", "W1-102-A dirty"]);
    assert_eq!(status(&mut client), "in-progress");
    send("A11", "8", "W1^101^A", 7);
    becomes(&mut client, &["W1-101-A dirty", "W1-102-A dirty"]);
    assert_eq!(status(&mut client), "cancelled");
}

#[test]
fn what_happens_here_is_told_as_adt_once_and_in_order() {
    let house = House::new();
    let folder = tempfile::tempdir().unwrap();
    let out = folder.path().join("out");
    let channel = format!(
        "[from]\nchart = \"own\"\nfacility = \"HOSP\"\n[[to]]\nname = \"lab\"\nfolder = \"{}\"\n",
        out.display()
    );
    fs::write(folder.path().join("told.toml"), channel).unwrap();
    let channels = folder.path().to_str().unwrap().to_owned();
    let server = house.serve_with(&[("WARD_HL7_CHANNELS", channels.as_str())]);
    let mut client = server.client();
    let events = || -> Vec<String> {
        let mut files: Vec<_> = fs::read_dir(&out)
            .into_iter()
            .flatten()
            .map(|it| it.unwrap().path())
            .filter(|it| it.extension().is_some_and(|it| it == "hl7"))
            .collect();
        files.sort();
        let all = files.iter().map(|it| fs::read_to_string(it).unwrap());
        let of_stay = all.filter(|it| !it.contains("|First"));
        of_stay.map(|it| it.split('|').nth(8).unwrap_or_default()[4..7].to_owned()).collect()
    };
    // The channel is new: it begins with what comes after it has looked for the first time.
    let mut n = 0;
    assert!(wait_until(PATIENCE, || {
        n += 1;
        put(
            &mut client,
            "Patient",
            "first",
            json!({ "name": [{ "family": format!("First{n}") }] }),
        );
        fs::read_dir(&out).is_ok_and(|mut all| all.next().is_some())
    }));
    put(
        &mut client,
        "Patient",
        "p0",
        json!({
            "name": [{ "family": "Meyer" }],
            "identifier": [{ "system": "urn:oid:1.2.3.4", "value": "4711" }],
        }),
    );
    beds(&server, &house, 2);
    let one = ok(&mut client, "POST", "/api/admissions", &json!({ "patient": "Patient/p0" }));
    let path =
        format!("/api/encounters/{}", &one["encounter"].as_str().unwrap()["Encounter/".len()..]);
    ok(&mut client, "POST", &format!("{path}/transfer"), &json!({ "needs": { "bed": "bed-1" } }));
    for act in ["leave", "return", "discharge"] {
        ok(&mut client, "POST", &format!("{path}/{act}"), &json!({}));
    }
    let expected = ["A28", "A04", "A01", "A02", "A21", "A22", "A03"];
    assert!(wait_until(PATIENCE, || expected.len() <= events().len()), "{:?}", events());
    assert_eq!(events(), expected);
}
