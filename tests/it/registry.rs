//! Registering, and two registrations of one patient, over HTTP and by messages.

use serde_json::{Value, json};
use ward_tests::{Client, House, Peer, Server};

fn ask(client: &mut Client, method: &str, path: &str, body: &Value) -> (u16, Value) {
    let bytes = if body.is_null() { Vec::new() } else { body.to_string().into_bytes() };
    let answer = client.send(method, path, &[], &bytes).unwrap();
    (answer.status, answer.json())
}

fn anna() -> Value {
    json!({
        "resourceType": "Patient",
        "name": [{ "family": "Meyer", "given": ["Anna"] }],
        "birthDate": "1970-01-02",
        "gender": "female",
    })
}

#[test]
fn nobody_is_registered_past_somebody_alike() {
    let house = House::new();
    let server = house.serve();
    let mut desk = Client::new(&server.address, Some(&house.token_for("registrar")));
    let (status, one) = ask(&mut desk, "POST", "/api/patients", &json!({ "patient": anna() }));
    assert_eq!(status, 201, "{one}");
    let id = one["id"].as_str().unwrap();
    let (status, two) = ask(&mut desk, "POST", "/api/patients", &json!({ "patient": anna() }));
    assert_eq!(status, 409, "{two}");
    assert_eq!(two["issue"][0]["code"], "duplicate");
    assert_eq!(two["candidates"][0]["id"], id);
    assert_eq!(two["candidates"][0]["grade"], "probable");
    assert_eq!(two["candidates"][0]["birthDate"], "1970-01-02");
    let told = json!({ "patient": anna(), "seen": [id] });
    let (status, two) = ask(&mut desk, "POST", "/api/patients", &told);
    assert_eq!(status, 201, "{two}");
    assert_ne!(two["id"], id);
    // Somebody looks at it again, and says what they found.
    let (_, open) = ask(&mut desk, "GET", "/api/tasks", &json!(null));
    assert_eq!(open["tasks"].as_array().unwrap().len(), 1, "{open}");
    assert_eq!(open["tasks"][0]["patient"], two["id"]);
    assert_eq!(open["tasks"][0]["alike"], json!([id]));
    let task = format!("/api/tasks/{}/done", open["tasks"][0]["id"].as_str().unwrap());
    assert_eq!(ask(&mut desk, "POST", &task, &json!({ "note": " " })).0, 400);
    // Who is who is nothing of billing's.
    let mut clerk = Client::new(&server.address, Some(&house.token_for("billing")));
    assert_eq!(ask(&mut clerk, "GET", "/api/tasks", &json!(null)).1["tasks"], json!([]));
    assert_eq!(ask(&mut clerk, "POST", &task, &json!({ "note": "sisters" })).0, 404);
    assert_eq!(ask(&mut desk, "POST", &task, &json!({ "note": "sisters" })).0, 200);
    assert_eq!(ask(&mut desk, "POST", &task, &json!({ "note": "again" })).0, 404);
    assert_eq!(ask(&mut desk, "GET", "/api/tasks", &json!(null)).1["tasks"], json!([]));
    // As the standard asks it.
    let find = json!({ "resourceType": "Parameters", "parameter": [
        { "name": "resource", "resource": anna() },
        { "name": "count", "valueInteger": 1 },
    ] });
    let (status, found) = ask(&mut desk, "POST", "/fhir/Patient/$match", &find);
    assert_eq!(status, 200, "{found}");
    assert_eq!(found["total"], 1);
    assert_eq!(found["entry"][0]["search"]["extension"][0]["valueCode"], "probable");
    let mut sure = find.clone();
    sure["parameter"]
        .as_array_mut()
        .unwrap()
        .push(json!({ "name": "onlyCertainMatches", "valueBoolean": true }));
    assert_eq!(ask(&mut desk, "POST", "/fhir/Patient/$match", &sure).1["total"], 0);
    assert_eq!(ask(&mut desk, "POST", "/fhir/Patient/$match", &json!({})).0, 400);
    // The same key is the same person.
    let key = [("idempotency-key", "k1")];
    let kofi = json!({ "patient": {
        "resourceType": "Patient",
        "name": [{ "family": "Osei", "given": ["Kofi"] }],
        "birthDate": "1991-07-09",
    } });
    let mut again =
        || desk.send("POST", "/api/patients", &key, kofi.to_string().as_bytes()).unwrap();
    let (first, second) = (again(), again());
    assert_eq!((first.status, second.status), (201, 201));
    assert_eq!(first.json()["id"], second.json()["id"]);
    // Who does not look after the registry joins nobody.
    let mut nurse = Client::new(&server.address, Some(&house.token_for("nurse")));
    let body = json!({ "into": id, "reason": "twice" });
    let path = format!("/api/patients/{}/join", two["id"].as_str().unwrap());
    assert_eq!(ask(&mut nurse, "POST", &path, &body).0, 403);
    let (status, done) = ask(&mut desk, "POST", &path, &body);
    assert_eq!((status, &done["moved"]), (200, &json!(1)), "{done}");
    assert_eq!(ask(&mut desk, "POST", &path, &body).0, 409);
    house.must(&["audit", "verify"]);
}

/// Somebody with a visit and a result of their own, by the number `mrn`.
fn tell(server: &Server, mrn: &str) {
    let mut peer = Peer::connect(&server.mllp).unwrap();
    for (event, more) in [
        ("ADT^A01^ADT_A01", format!("PV1|1|O|C1||||||||||||||||V{mrn}^^^HOSP^VN\r")),
        (
            "ORU^R01^ORU_R01",
            format!(
                "OBR|1||L{mrn}^LAB|2823-3^Potassium^LN|||20260101080000\r\
                 OBX|1|NM|2823-3^Potassium^LN||4.1|mmol/L|||||F\r"
            ),
        ),
    ] {
        let message = format!(
            "MSH|^~\\&|REG|HOSP|WARD|HOSP|20260101080000||{event}|{mrn}{event}|P|2.5.1\r\
             EVN||20260101080000\rPID|1||{mrn}^^^HOSP^MR||Meyer^Anna||19700102|F\r{more}"
        );
        let message = match event.starts_with("ORU") {
            true => message.replace("EVN||20260101080000\r", ""),
            false => message,
        };
        assert_eq!(peer.send(&message).unwrap().code, "AA", "{mrn} {event}");
    }
}

/// Everything in a patient's chart, without what every version has of its own.
fn everything(client: &mut Client, id: &str) -> Vec<Value> {
    let (status, bundle) =
        ask(client, "GET", &format!("/fhir/Patient/{id}/$everything?_count=100"), &json!(null));
    assert_eq!(status, 200, "{bundle}");
    let entries = bundle["entry"].as_array().unwrap().iter();
    let mut all: Vec<Value> = entries.map(|it| it["resource"].clone()).collect();
    all.iter_mut().for_each(|it| {
        it.as_object_mut().unwrap().remove("meta");
    });
    all.sort_by_key(ToString::to_string);
    all
}

#[test]
fn what_a40_joined_is_parted_again() {
    let house = House::new();
    let server = house.serve();
    let mut all = server.client();
    tell(&server, "4711");
    tell(&server, "4712");
    let mut id = |mrn: &str| {
        let (_, found) =
            ask(&mut all, "GET", &format!("/fhir/Patient?identifier={mrn}"), &json!(null));
        found["entry"][0]["resource"]["id"].as_str().unwrap().to_owned()
    };
    let (stays, goes) = (id("4711"), id("4712"));
    let before = [everything(&mut all, &stays), everything(&mut all, &goes)];
    assert!(4 <= before[1].len(), "{before:?}");
    let a40 = "MSH|^~\\&|REG|HOSP|WARD|HOSP|20260101090000||ADT^A40^ADT_A39|J1|P|2.5.1\r\
               EVN||20260101090000\rPID|1||4711^^^HOSP^MR||Meyer^Anna||19700102|F\r\
               MRG|4712^^^HOSP^MR\r";
    assert_eq!(Peer::connect(&server.mllp).unwrap().send(a40).unwrap().code, "AA");
    assert_eq!(everything(&mut all, &goes).len(), 1);
    let mut desk = Client::new(&server.address, Some(&house.token_for("registrar")));
    let path = format!("/api/patients/{goes}/part");
    let (status, done) = ask(&mut desk, "POST", &path, &json!({ "reason": "two people" }));
    assert_eq!(status, 200, "{done}");
    assert_eq!(done["left"], json!([]));
    let after = [everything(&mut all, &stays), everything(&mut all, &goes)];
    for (after, before) in after.iter().flatten().zip(before.iter().flatten()) {
        assert_eq!(after, before);
    }
    assert_eq!(after.map(|it| it.len()), before.map(|it| it.len()));
    house.must(&["audit", "verify"]);
}

/// Numbers that are the same in every run.
struct Dice(u64);

impl Dice {
    fn below(&mut self, n: u64) -> u64 {
        self.0 =
            self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 33) % n
    }
}

/// A record that is about one of two patients and may name both, of every kind that a chart has
/// much of.
fn some_record(dice: &mut Dice, n: usize, of: [&str; 2]) -> Value {
    let mut who =
        || json!({ "reference": format!("Patient/{}", of[usize::from(dice.below(2) == 1)]) });
    let (about, also, third) = (who(), who(), who());
    let code = json!({ "text": format!("record {n}") });
    let mut record = match dice.below(14) {
        0 => json!({ "resourceType": "Observation", "status": "final", "code": code,
            "subject": about, "performer": [also, third] }),
        1 => {
            json!({ "resourceType": "Condition", "code": code, "subject": about, "asserter": also })
        }
        2 => json!({ "resourceType": "AllergyIntolerance", "code": code, "patient": about }),
        3 => json!({ "resourceType": "Encounter", "status": "finished", "class": { "code": "AMB" },
            "subject": about }),
        4 => json!({ "resourceType": "Coverage", "status": "active", "beneficiary": about,
            "subscriber": also, "policyHolder": third, "payor": [about] }),
        5 => json!({ "resourceType": "DocumentReference", "status": "current", "subject": about,
            "author": [also], "content": [{ "attachment": { "title": "x" } }] }),
        6 => json!({ "resourceType": "Appointment", "status": "booked", "participant": [
            { "actor": about, "status": "accepted" }, { "actor": also, "status": "tentative" }] }),
        7 => json!({ "resourceType": "CarePlan", "status": "active", "intent": "plan",
            "subject": about, "author": also, "activity": [{ "detail": {
                "status": "not-started", "performer": [third] } }] }),
        8 => json!({ "resourceType": "List", "status": "current", "mode": "working",
            "subject": about, "entry": [{ "item": also }, { "item": third }] }),
        9 => json!({ "resourceType": "Communication", "status": "completed", "subject": about,
            "recipient": [also], "sender": third, "note": [{ "text": "x", "authorReference": about }] }),
        10 => json!({ "resourceType": "Task", "status": "requested", "intent": "order",
            "for": about, "focus": also, "input": [{ "type": code, "valueReference": third }] }),
        11 => json!({ "resourceType": "RelatedPerson", "patient": about }),
        12 => json!({ "resourceType": "QuestionnaireResponse", "status": "completed",
            "subject": about, "author": also, "item": [{ "linkId": "1", "item": [{ "linkId": "2",
                "answer": [{ "valueReference": third }] }] }] }),
        _ => json!({ "resourceType": "MedicationRequest", "status": "active", "intent": "order",
            "medicationCodeableConcept": code, "subject": about,
            "contained": [{ "resourceType": "Patient", "id": "c", "link": [{ "other": also, "type": "seealso" }] }],
            "supportingInformation": [third] }),
    };
    record["id"] = json!(format!("m{n}"));
    record
}

/// Whatever a chart holds: after A40, and after a joining by hand, every record is of one patient;
/// parted again, every record is what it was, byte for byte but for its version.
#[test]
fn every_record_is_back_where_it_was_whoever_joined() {
    let house = House::new();
    let server = house.serve();
    let mut all = server.client();
    let mut desk = Client::new(&server.address, Some(&house.token_for("registrar")));
    let mut peer = Peer::connect(&server.mllp).unwrap();
    let mut n_records = 0;
    for round in 0..8_usize {
        let mut dice = Dice(0x5EED + u64::try_from(round).unwrap());
        let (keeps, goes) = (format!("keep{round}"), format!("go{round}"));
        let mut records: Vec<Value> = [&keeps, &goes]
            .into_iter()
            .map(|id| {
                let mut who = anna();
                who["id"] = json!(id);
                who["identifier"] = json!([{ "system": "urn:v2:authority:HOSP", "value": format!("N{id}"),
                    "type": { "coding": [{ "system": "http://terminology.hl7.org/CodeSystem/v2-0203", "code": "MR" }] } }]);
                if dice.below(2) == 0 {
                    who["active"] = json!(true);
                }
                who
            })
            .collect();
        for _ in 0..5 + dice.below(30) {
            n_records += 1;
            records.push(some_record(&mut dice, n_records, [&keeps, &goes]));
        }
        let entries: Vec<Value> = records
            .iter()
            .map(|it| {
                let url = format!(
                    "{}/{}",
                    it["resourceType"].as_str().unwrap(),
                    it["id"].as_str().unwrap()
                );
                json!({ "resource": it, "request": { "method": "PUT", "url": url } })
            })
            .collect();
        let bundle = json!({ "resourceType": "Bundle", "type": "transaction", "entry": entries });
        assert_eq!(ask(&mut all, "POST", "/fhir", &bundle).0, 200);
        let mut read = || -> Vec<Value> {
            records
                .iter()
                .map(|it| {
                    let path = format!(
                        "/fhir/{}/{}",
                        it["resourceType"].as_str().unwrap(),
                        it["id"].as_str().unwrap()
                    );
                    let (status, mut now) = ask(&mut all, "GET", &path, &json!(null));
                    assert_eq!(status, 200, "{path} {now}");
                    now.as_object_mut().unwrap().remove("meta");
                    now
                })
                .collect()
        };
        let before = read();
        let by_message = round % 2 == 0;
        if by_message {
            let a40 = format!(
                "MSH|^~\\&|REG|HOSP|WARD|HOSP|20260101090000||ADT^A40^ADT_A39|P{round}|P|2.5.1\r\
                 EVN||20260101090000\rPID|1||N{keeps}^^^HOSP^MR||Meyer^Anna||19700102|F\r\
                 MRG|N{goes}^^^HOSP^MR\r"
            );
            assert_eq!(peer.send(&a40).unwrap().code, "AA");
        } else {
            let body = json!({ "into": keeps, "reason": "twice" });
            let (status, said) =
                ask(&mut desk, "POST", &format!("/api/patients/{goes}/join"), &body);
            assert_eq!(status, 200, "{said}");
        }
        let joined = read();
        for (record, was) in joined.iter().zip(&before).skip(2) {
            let of = ["subject", "patient", "for", "beneficiary"];
            let about = of.iter().find_map(|name| was[name]["reference"].as_str());
            let said = record.to_string();
            // What is of the one who stays may name the other, who is known by `replaced-by`.
            if about.is_none_or(|about| about.ends_with(&goes)) {
                assert!(!said.contains(&format!("Patient/{goes}")), "{said}");
            }
        }
        let body = json!({ "reason": "two people" });
        let (status, said) = ask(&mut desk, "POST", &format!("/api/patients/{goes}/part"), &body);
        assert_eq!((status, &said["left"]), (200, &json!([])), "{said}");
        for (n, (after, before)) in read().iter().zip(&before).enumerate() {
            // What a message says of the two of them besides is what it says; the rest is untouched.
            if by_message && n < 2 {
                for name in ["name", "birthDate", "active", "link"] {
                    assert_eq!(after.get(name), before.get(name), "round {round}");
                }
                continue;
            }
            assert_eq!(after, before, "round {round}");
        }
    }
    assert!(80 < n_records, "{n_records}");
    house.must(&["audit", "verify"]);
}
