//! Orders that other systems send wait for the pharmacist once, whatever happens in between.

use std::time::Duration;

use serde_json::{Value, json};
use ward_tests::{Client, House, Peer, Server, wait_until};

const PATIENCE: Duration = Duration::from_secs(60);

const HISTORY: &str = "AL1|1|DA|7980^Penicillin^RXNORM|SV|Anaphylaxis";

fn segments(lines: &[String]) -> String {
    lines.iter().map(|line| format!("{line}\r")).collect()
}

/// An encoded order: control is ORC-1, drug RXE-2.
fn rde(id: &str, control: &str, placer: &str, (drug, dose): (&str, u32)) -> String {
    let time = "20260301100000";
    segments(&[
        format!("MSH|^~\\&|NORTH|CITY|WARD|HOSP|{time}||RDE^O11^RDE_O11|{id}|P|2.5.1"),
        "PID|1||4711^^^HOSP^MR||Lindqvist^Maria||19620417|F".to_owned(),
        "PV1|1|I|W3^301^2||||||||||||||||V900^^^HOSP^VN".to_owned(),
        HISTORY.to_owned(),
        format!("ORC|{control}|{placer}^NORTH||||||||||D01^Berg^Anna^^^Dr"),
        format!("RXE|^^^{time}|{drug}|{dose}||mg^milligram^UCUM|||||1|{{tbl}}^tablet^UCUM"),
        "TQ1|1||Q8H".to_owned(),
        "RXR|PO^Oral^HL70162".to_owned(),
    ])
}

/// An order of the general kind.
fn orm(id: &str, control: &str, placer: &str, drug: &str) -> String {
    let time = "20260301110000";
    segments(&[
        format!("MSH|^~\\&|NORTH|CITY|WARD|HOSP|{time}||ORM^O01^ORM_O01|{id}|P|2.3.1"),
        "PID|1||4711^^^HOSP^MR||Lindqvist^Maria||19620417|F".to_owned(),
        "PV1|1|I|W3^301^2||||||||||||||||V900^^^HOSP^VN".to_owned(),
        format!("ORC|{control}|{placer}^NORTH||||||||||D01^Berg^Anna^^^Dr"),
        format!("RXO|{drug}|10||mg^milligram^UCUM"),
        "RXR|PO^Oral^HL70162".to_owned(),
    ])
}

fn tell(server: &Server, message: &str) {
    let ack = Peer::connect(&server.mllp).unwrap().send(message).unwrap();
    assert_eq!(ack.code, "AA", "{ack:?} {message}");
}

fn send(client: &mut Client, method: &str, path: &str, body: &Value) -> (u16, Value) {
    let headers = [("ward-purpose", "ETREAT")];
    let reply = client.send(method, path, &headers, body.to_string().as_bytes()).unwrap();
    (reply.status, reply.json())
}

fn queue(pharmacist: &mut Client) -> Vec<Value> {
    let (status, said) = send(pharmacist, "GET", "/api/meds/waiting/verify", &json!({}));
    assert_eq!(status, 200, "{said}");
    said["orders"].as_array().unwrap().clone()
}

fn names(orders: &[Value]) -> Vec<String> {
    let mut names: Vec<String> = orders
        .iter()
        .map(|it| it["request"]["medication"]["text"].as_str().unwrap().to_owned())
        .collect();
    names.sort();
    names
}

/// Waits until the queue holds these drugs and no others.
fn waits(pharmacist: &mut Client, expected: &[&str]) -> Vec<Value> {
    let mut last = Vec::new();
    let is_so = wait_until(PATIENCE, || {
        last = queue(pharmacist);
        names(&last) == expected
    });
    assert!(is_so, "expected {expected:?}: {:?}", names(&last));
    last
}

fn put(server: &Server, id: &str, resource: &Value) {
    let path = format!("/fhir/MedicationRequest/{id}");
    let mut resource = resource.clone();
    resource["id"] = json!(id);
    let reply = server.client().send("PUT", &path, &[], resource.to_string().as_bytes()).unwrap();
    assert!(matches!(reply.status, 200 | 201), "{}", reply.json());
}

fn request(patient: &str, drug: &str, more: &Value) -> Value {
    let mut order = json!({
        "resourceType": "MedicationRequest", "status": "active", "intent": "order",
        "subject": { "reference": format!("Patient/{patient}") },
        "medicationCodeableConcept": { "text": drug },
        "dosageInstruction": [{ "text": "10 mg PO daily" }],
    });
    for (name, value) in more.as_object().unwrap() {
        order[name] = value.clone();
    }
    order
}

fn stock(pharmacist: &mut Client) {
    let about = json!({ "name": "Amoxicillin 500 mg capsule", "unit": "capsule" });
    let (status, said) = send(pharmacist, "PUT", "/api/meds/products/amoxicillin", &about);
    assert_eq!(status, 200, "{said}");
    let receive = json!({
        "act": "receive", "lot": "L1", "expires": "2030-06-30", "location": "pharmacy",
        "quantity": 20,
    });
    let path = "/api/meds/products/amoxicillin/move";
    let (status, said) = send(pharmacist, "POST", path, &receive);
    assert_eq!(status, 200, "{said}");
}

#[test]
fn an_order_by_message_is_checked_waits_and_is_verified_before_anything_is_dispensed() {
    let house = House::new();
    let mut server = house.serve();
    let tokens: Vec<String> =
        ["pharmacist", "physician", "nurse"].map(|it| house.token_for(it)).into();
    let of = |server: &Server, n: usize| Client::new(&server.address, Some(&tokens[n]));
    stock(&mut of(&server, 0));
    // A penicillin for whom penicillin has nearly killed.
    let order = ("^Amoxicillin 500 mg capsule", 500);
    tell(&server, &rde("R1", "NW", "M500", order));
    let waiting = waits(&mut of(&server, 0), &["Amoxicillin 500 mg capsule"]);
    let id = waiting[0]["id"].as_str().unwrap().to_owned();
    assert_eq!(waiting[0]["isTold"], true);
    assert_eq!(waiting[0]["orderedBy"], "Dr Anna Berg");
    let found = waiting[0]["found"].as_array().unwrap();
    assert!(found.iter().any(|it| it["kind"] == "cross-allergy"), "{found:?}");
    let issues =
        server.client().get(&format!("/fhir/DetectedIssue?implicated=MedicationRequest/{id}"));
    assert_ne!(issues.json()["total"], 0, "each finding is a record");
    let path = |what: &str| format!("/api/meds/orders/{id}/{what}");
    let dispense = json!({ "location": "pharmacy", "quantity": 3, "lot": "L1" });
    let (status, said) = send(&mut of(&server, 0), "POST", &path("dispense"), &dispense);
    assert_eq!(status, 409, "nothing is dispensed before: {said}");
    let verify = json!({ "product": "amoxicillin", "perDose": 1 });
    let (status, said) = send(&mut of(&server, 0), "POST", &path("verify"), &verify);
    assert_eq!(status, 409, "what was found is answered for: {said}");
    // The same number again, the same order with a kill between, and an order of the general kind.
    tell(&server, &rde("R2", "NW", "M500", order));
    server.kill();
    server = house.serve();
    tell(&server, &rde("R3", "NW", "M500", order));
    tell(&server, &orm("R4", "NW", "M501", "^Lisinopril 10 mg tablet"));
    let both = ["Amoxicillin 500 mg capsule", "Lisinopril 10 mg tablet"];
    waits(&mut of(&server, 0), &both);
    // The pharmacist answers, with a physician beside.
    let overrides: Vec<Value> = said["found"]
        .as_array()
        .unwrap()
        .iter()
        .map(|it| json!({ "key": it["key"], "reason": "will-monitor" }))
        .collect();
    let verify = json!({
        "product": "amoxicillin", "perDose": 1, "overrides": overrides,
        "second": { "token": tokens[1] },
    });
    let (status, said) = send(&mut of(&server, 0), "POST", &path("verify"), &verify);
    assert_eq!(status, 200, "{said}");
    waits(&mut of(&server, 0), &["Lisinopril 10 mg tablet"]);
    let (status, said) = send(&mut of(&server, 0), "POST", &path("dispense"), &dispense);
    assert_eq!(status, 200, "{said}");
    // Another dose is another order: it is verified anew.
    tell(&server, &rde("R5", "XO", "M500", ("^Amoxicillin 500 mg capsule", 250)));
    let waiting = waits(&mut of(&server, 0), &both);
    let amoxicillin = waiting.iter().find(|it| it["id"] == id.as_str()).unwrap();
    assert_eq!(amoxicillin["state"], "signed");
    let (status, said) = send(&mut of(&server, 0), "POST", &path("dispense"), &dispense);
    assert_eq!(status, 409, "{said}");
    // Of another drug what is on the ward goes back.
    let back = format!(
        "/fhir/Task?code=urn:ward:medication%7Creturn&focus=MedicationRequest/{id}&_summary=count"
    );
    assert_eq!(server.client().get(&back).json()["total"], 0);
    tell(&server, &rde("R8", "XO", "M500", ("^Cefalexin 250 mg capsule", 250)));
    waits(&mut of(&server, 0), &["Cefalexin 250 mg capsule", "Lisinopril 10 mg tablet"]);
    assert_eq!(server.client().get(&back).json()["total"], 1);
    // Discontinued and cancelled where they were ordered.
    tell(&server, &rde("R6", "DC", "M500", ("^Cefalexin 250 mg capsule", 250)));
    waits(&mut of(&server, 0), &["Lisinopril 10 mg tablet"]);
    tell(&server, &orm("R7", "CA", "M501", "^Lisinopril 10 mg tablet"));
    waits(&mut of(&server, 0), &[]);
    let (status, said) =
        send(&mut of(&server, 0), "GET", &format!("/api/meds/orders/{id}"), &json!({}));
    assert_eq!((status, &said["state"]), (200, &json!("stopped")), "{said}");
}

#[test]
fn an_order_by_fhir_waits_once_and_leaves_when_it_is_cancelled() {
    let house = House::new();
    let mut server = house.serve();
    let token = house.token_for("pharmacist");
    let of = |server: &Server| Client::new(&server.address, Some(&token));
    let patient = json!({ "resourceType": "Patient", "id": "p", "gender": "female", "birthDate": "1970-01-02" });
    let reply = server.client().send("PUT", "/fhir/Patient/p", &[], patient.to_string().as_bytes());
    assert_eq!(reply.unwrap().status, 201);
    let category = |code: &str| json!([{ "coding": [{ "code": code }] }]);
    let inpatient = json!({ "category": category("inpatient") });
    put(&server, "a", &request("p", "Lisinopril", &inpatient));
    // What is for elsewhere, only planned, or of somebody who is not here.
    put(&server, "b", &request("p", "Ramipril", &json!({ "category": category("community") })));
    put(&server, "c", &request("p", "Enalapril", &json!({ "intent": "plan" })));
    put(&server, "d", &request("p", "Captopril", &json!({})));
    waits(&mut of(&server), &["Lisinopril"]);
    // One number is one order, under whatever record.
    let placer = json!({ "identifier": [{
        "system": "urn:x", "value": "7,1",
        "type": { "coding": [{ "system": "http://terminology.hl7.org/CodeSystem/v2-0203", "code": "PLAC" }] },
    }] });
    put(&server, "e", &request("p", "Metoprolol", &placer));
    put(&server, "f", &request("p", "Metoprolol", &placer));
    // Told right before the process dies.
    put(&server, "g", &request("p", "Bisoprolol", &inpatient));
    server.kill();
    server = house.serve();
    let all = ["Bisoprolol", "Lisinopril", "Metoprolol"];
    waits(&mut of(&server), &all);
    // A drug that nobody can read is seen by somebody.
    let mut unknown = request("p", "", &inpatient);
    unknown["medicationCodeableConcept"] = json!({ "coding": [{ "system": "urn:x" }] });
    put(&server, "h", &unknown);
    let asked =
        "/fhir/Task?code=urn:ward:medication%7Cnot-taken&focus=MedicationRequest/h&_summary=count";
    assert!(wait_until(PATIENCE, || server.client().get(asked).json()["total"] == 1));
    waits(&mut of(&server), &all);
    let mut cancelled = request("p", "Lisinopril", &inpatient);
    cancelled["status"] = json!("cancelled");
    put(&server, "a", &cancelled);
    waits(&mut of(&server), &["Bisoprolol", "Metoprolol"]);
    // Sent back; told again it waits again.
    let reject = json!({ "reason": "which dose?" });
    let (status, said) = send(&mut of(&server), "POST", "/api/meds/orders/g/reject", &reject);
    assert_eq!(status, 200, "{said}");
    waits(&mut of(&server), &["Metoprolol"]);
    assert_eq!(server.client().get("/fhir/MedicationRequest/g").json()["status"], "on-hold");
    put(&server, "g", &request("p", "Bisoprolol 5 mg", &inpatient));
    waits(&mut of(&server), &["Bisoprolol 5 mg", "Metoprolol"]);
    // Nobody else's record was written over but for its status.
    let kept = server.client().get("/fhir/MedicationRequest/g").json();
    assert_eq!(kept["category"], inpatient["category"]);
    let reply = server.client().send("DELETE", "/fhir/MedicationRequest/g", &[], b"").unwrap();
    assert!(matches!(reply.status, 200 | 204));
    waits(&mut of(&server), &["Metoprolol"]);
}

#[test]
fn a_house_says_whose_orders_it_verifies() {
    let house = House::new();
    let server = house.serve_with(&[("WARD_MEDS_ORDERS_OF_OTHERS", "placed")]);
    let token = house.token_for("pharmacist");
    let patient = json!({ "resourceType": "Patient", "id": "p", "gender": "female" });
    let reply = server.client().send("PUT", "/fhir/Patient/p", &[], patient.to_string().as_bytes());
    assert_eq!(reply.unwrap().status, 201);
    let inpatient = json!({ "category": [{ "coding": [{ "code": "inpatient" }] }] });
    put(&server, "a", &request("p", "Ramipril", &inpatient));
    // The feed is followed in order: who waits for this one has passed the one before.
    tell(&server, &rde("R2", "NW", "M502", ("^Lisinopril 10 mg tablet", 10)));
    let mut pharmacist = Client::new(&server.address, Some(&token));
    waits(&mut pharmacist, &["Lisinopril 10 mg tablet"]);
}

#[test]
fn orders_of_one_transaction_wait_each_for_the_patient_in_it() {
    let house = House::new();
    let server = house.serve();
    let token = house.token_for("pharmacist");
    let inpatient = json!({ "category": [{ "coding": [{ "code": "inpatient" }] }] });
    let order = |drug: &str, n: u8| {
        let mut order = request("p", drug, &inpatient);
        order["subject"]["reference"] = json!("urn:uuid:0199e8b4-6c8a-7000-8000-000000000001");
        json!({
            "fullUrl": format!("urn:uuid:0199e8b4-6c8a-7000-8000-00000000001{n}"),
            "resource": order,
            "request": { "method": "POST", "url": "MedicationRequest" },
        })
    };
    let patient = json!({
        "fullUrl": "urn:uuid:0199e8b4-6c8a-7000-8000-000000000001",
        "resource": { "resourceType": "Patient", "gender": "female" },
        "request": { "method": "POST", "url": "Patient" },
    });
    let bundle = json!({
        "resourceType": "Bundle", "type": "transaction",
        "entry": [order("Lisinopril", 1), patient, order("Metoprolol", 2)],
    });
    assert_eq!(server.client().post("/fhir", &bundle).status, 200);
    let mut pharmacist = Client::new(&server.address, Some(&token));
    let waiting = waits(&mut pharmacist, &["Lisinopril", "Metoprolol"]);
    let [one, other] = [0, 1].map(|n| waiting[n]["request"]["patient"].clone());
    assert!(one.is_string() && one == other, "{one} {other}");
}
