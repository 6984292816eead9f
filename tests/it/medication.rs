//! The closed loop over HTTP: who may do what, what a kill -9 leaves, and the story in a browser.

use std::{
    fs,
    io::{BufRead, BufReader, Write},
    path::{Path, PathBuf},
    process::{Command, Stdio},
    time::Duration,
};

use serde_json::{Value, json};
use ward_tests::{Client, House, Server, skip, wait_until};

const PASSWORD: &str = "a long password of a test";

/// What is read off a unit dose of tizanidine.
fn package(lot: &str, expires: &str) -> String {
    format!("(01)00312345678906(17){expires}(10){lot}")
}

fn send(client: &mut Client, method: &str, path: &str, body: &Value) -> (u16, Value) {
    let headers = [("ward-purpose", "ETREAT")];
    let reply = client.send(method, path, &headers, body.to_string().as_bytes()).unwrap();
    (reply.status, reply.json())
}

fn ok(client: &mut Client, method: &str, path: &str, body: &Value) -> Value {
    let (status, value) = send(client, method, path, body);
    assert!((200..300).contains(&status), "{method} {path}: {status} {value}");
    value
}

fn put(server: &Server, kind: &str, id: &str, mut resource: Value) {
    resource["resourceType"] = json!(kind);
    resource["id"] = json!(id);
    let path = format!("/fhir/{kind}/{id}");
    let body = resource.to_string();
    let reply = server.client().send("PUT", &path, &[], body.as_bytes()).unwrap();
    assert_eq!(reply.status, 201, "{}", reply.json());
}

fn patient(server: &Server) {
    put(
        server,
        "Patient",
        "anna",
        json!({
            "name": [{ "family": "Meyer", "given": ["Anna"] }], "gender": "female",
            "birthDate": "1970-01-02",
            "identifier": [{ "system": "urn:v2:authority:HOSP", "value": "4711" }],
        }),
    );
    let clinical = "http://terminology.hl7.org/CodeSystem/allergyintolerance-clinical";
    put(
        server,
        "AllergyIntolerance",
        "none",
        json!({
            "patient": { "reference": "Patient/anna" },
            "code": { "coding": [{ "system": "http://snomed.info/sct", "code": "716186003" }] },
            "clinicalStatus": { "coding": [{ "system": clinical, "code": "active" }] },
        }),
    );
}

fn stock(pharmacist: &mut Client) {
    for (id, name, gtin) in [
        ("tizanidine", "Tizanidine 4 mg tablet", "00312345678906"),
        ("ciprofloxacin", "Ciprofloxacin 500 mg tablet", "00312345678913"),
    ] {
        let path = format!("/api/meds/products/{id}");
        let about = json!({ "name": name, "unit": "tablet", "gtin": [gtin], "strength": {
            "value": if id == "tizanidine" { 4 } else { 500 }, "unit": "mg",
        } });
        ok(pharmacist, "PUT", &path, &about);
        for (lot, expires) in [("L1", "2027-06-30"), ("L2", "2028-12-31")] {
            let receive = json!({
                "act": "receive", "lot": lot, "expires": expires, "location": "pharmacy",
                "quantity": 20,
            });
            ok(pharmacist, "POST", &format!("{path}/move"), &receive);
        }
    }
}

fn order(drug: &str, mg: u32) -> Value {
    json!({
        "patient": "Patient/anna", "medication": { "text": drug },
        "dosage": [{
            "text": format!("{mg} mg PO every 8 hours"),
            "route": { "coding": [{ "system": "http://snomed.info/sct", "code": "26643006" }] },
            "timing": { "repeat": { "frequency": 1, "period": 8, "periodUnit": "h" } },
            "doseAndRate": [{ "doseQuantity": { "value": mg, "unit": "mg" } }],
        }],
    })
}

/// Signs with an answer to everything that is found; gives the order and what was found.
fn sign(client: &mut Client, request: &Value, second: Option<&str>) -> (Value, Vec<Value>) {
    let body = json!({ "order": request, "sign": true });
    let (status, first) = send(client, "POST", "/api/meds/orders", &body);
    if status == 201 {
        return (first, Vec::new());
    }
    assert_eq!(status, 409, "{first}");
    let found = first["found"].as_array().unwrap().clone();
    let overrides: Vec<Value> =
        found.iter().map(|it| json!({ "key": it["key"], "reason": "will-monitor" })).collect();
    let second = second.map(|token| json!({ "token": token }));
    let body = json!({ "order": request, "sign": true, "overrides": overrides, "second": second });
    (ok(client, "POST", "/api/meds/orders", &body), found)
}

#[test]
fn the_loop_is_closed_over_http_and_survives_kills() {
    let house = House::new();
    let mut server = house.serve();
    patient(&server);
    let tokens: Vec<String> =
        ["physician", "pharmacist", "nurse", "registrar"].map(|it| house.token_for(it)).into();
    let second = house.token_for("physician");
    let as_of = |server: &Server, n: usize| Client::new(&server.address, Some(&tokens[n]));
    stock(&mut as_of(&server, 1));
    // What is asked about together is looked at together.
    let both = json!({ "orders": [order("Ciprofloxacin", 500), order("Tizanidine", 4)] });
    let checked = ok(&mut as_of(&server, 0), "POST", "/api/meds/check", &both);
    for of_one in checked["checked"].as_array().unwrap() {
        let found = of_one["found"].as_array().unwrap();
        assert!(found.iter().any(|it| it["tier"] == "hard-stop"), "{of_one}");
    }
    // Who does what.
    let cipro = order("Ciprofloxacin", 500);
    for n in [1, 2, 3] {
        let body = json!({ "order": cipro, "sign": true });
        let (status, _) = send(&mut as_of(&server, n), "POST", "/api/meds/orders", &body);
        assert_eq!(status, 403, "{n}");
    }
    sign(&mut as_of(&server, 0), &cipro, None);
    let (tizanidine, found) = sign(&mut as_of(&server, 0), &order("Tizanidine", 4), Some(&second));
    assert!(
        found.iter().any(|it| it["tier"] == "hard-stop" && it["kind"] == "interaction"),
        "the pair is on the list of ONC: {found:?}"
    );
    assert!(tizanidine["knowledgeBase"].is_string());
    let id = tizanidine["id"].as_str().unwrap().to_owned();
    let path = |what: &str| format!("/api/meds/orders/{id}/{what}");
    let verify = json!({ "product": "tizanidine", "perDose": 1 });
    assert_eq!(send(&mut as_of(&server, 0), "POST", &path("verify"), &verify).0, 403);
    let due = tizanidine["request"]["start"].clone();
    let lot = package("L1", "270630");
    let giving = |wristband: &str| json!({ "due": due, "patientScan": wristband, "drugScan": lot });
    // Each step, then the process is killed, then the next one.
    let steps: [(usize, &str, Value); 4] = [
        (1, "verify", verify),
        (1, "dispense", json!({ "location": "pharmacy", "quantity": 2, "scan": lot })),
        (2, "give", giving("4711")),
        (2, "waste", json!({ "lot": "L1", "quantity": 1, "reason": "dropped" })),
    ];
    for (n, what, body) in &steps {
        if *what == "give" {
            let (status, no) = send(&mut as_of(&server, 2), "POST", &path("give"), &giving("4712"));
            assert_eq!((status, &no["findings"][0]["code"]), (409, &json!("wrong-patient")));
        }
        let done = ok(&mut as_of(&server, *n), "POST", &path(what), body);
        server.kill();
        server = house.serve();
        let again =
            ok(&mut as_of(&server, 2), "GET", &format!("/api/meds/orders/{id}"), &json!(null));
        assert_eq!(again["state"], done["state"], "{what}");
        assert_eq!(again["lots"], done["lots"], "{what}");
        assert_eq!(again["recorded"], done["recorded"], "{what}");
    }
    // Asked for again under its key, it is not done again.
    let more = json!({ "location": "pharmacy", "quantity": 1, "scan": package("L1", "270630") });
    for _ in 0..2 {
        let headers = [("ward-purpose", "ETREAT"), ("idempotency-key", "k1")];
        let body = more.to_string();
        let mut pharmacist = as_of(&server, 1);
        let reply = pharmacist.send("POST", &path("dispense"), &headers, body.as_bytes()).unwrap();
        assert_eq!((reply.status, &reply.json()["onWard"]), (200, &json!(1)));
    }
    let back = json!({ "lot": "L1", "quantity": 1, "reason": "not needed" });
    ok(&mut as_of(&server, 1), "POST", &path("return"), &back);
    let order = ok(&mut as_of(&server, 2), "GET", &format!("/api/meds/orders/{id}"), &json!(null));
    let lot = &order["lots"][0];
    let all =
        ["dispensed", "administered", "wasted", "returned", "onWard"].map(|it| lot[it].as_u64());
    assert_eq!(all, [Some(3), Some(1), Some(1), Some(1), Some(0)]);
    let (status, _) = send(&mut as_of(&server, 2), "POST", &path("give"), &giving("4711"));
    assert_eq!(status, 409, "it is not given twice");
    let sheet = ok(&mut as_of(&server, 2), "GET", "/api/meds/patients/anna/sheet", &json!(null));
    let orders = sheet["orders"].as_array().unwrap();
    let shown = orders.iter().find(|it| it["id"] == id.as_str()).unwrap();
    assert_eq!(shown["doses"][0]["state"], "given");
    let recall = ok(
        &mut as_of(&server, 1),
        "GET",
        "/api/meds/products/tizanidine/lots/L1/recall",
        &json!(null),
    );
    assert_eq!(recall["patients"][0]["patient"], "anna");
    // Records that others read.
    let mut all = server.client();
    let read = |all: &mut Client, path: &str| ok(all, "GET", path, &json!(null));
    let given =
        read(&mut all, "/fhir/MedicationAdministration?status=completed&subject=Patient/anna");
    assert_eq!(given["entry"].as_array().unwrap().len(), 1);
    let by_lot = read(&mut all, "/fhir/MedicationAdministration?medication.lot-number=L1");
    assert_eq!(by_lot["entry"].as_array().unwrap().len(), 1);
    let issues = read(&mut all, "/fhir/DetectedIssue?patient=Patient/anna");
    let issues = issues["entry"].as_array().unwrap();
    assert!(issues.iter().any(|it| it["resource"]["mitigation"].is_array()));
    house.must(&["audit", "verify"]);
}

/// Types of the messages in a folder, each with its lines.
fn told(folder: &Path) -> Vec<(String, String)> {
    let mut files: Vec<_> =
        fs::read_dir(folder).into_iter().flatten().map(|it| it.unwrap().path()).collect();
    files.retain(|it| it.extension().is_some_and(|it| it == "hl7"));
    files.sort();
    let read = |file: &PathBuf| {
        let text = fs::read_to_string(file).unwrap();
        let kind = text.split('|').nth(8).unwrap_or_default().split('^').take(2);
        (kind.collect::<Vec<_>>().join("^"), text.replace('\r', "\n"))
    };
    files.iter().map(read).collect()
}

/// An order that is signed, a package that leaves the pharmacy and a dose become RDE, RDS and RAS.
#[test]
fn what_the_loop_does_is_told_to_others() {
    let house = House::new();
    let folder = tempfile::tempdir().unwrap();
    let out = folder.path().join("out");
    let channel = format!(
        "[from]\nchart = \"own\"\n[[to]]\nname = \"robot\"\nfolder = \"{}\"\n",
        out.display()
    );
    fs::write(folder.path().join("told.toml"), channel).unwrap();
    let server = house.serve_with(&[("WARD_HL7_CHANNELS", folder.path().to_str().unwrap())]);
    let patience = Duration::from_secs(60);
    // The channel begins with what comes after it has looked for the first time.
    let mut n = 0;
    let mut client = server.client();
    assert!(wait_until(patience, || {
        n += 1;
        let first = json!({
            "resourceType": "Patient", "id": "first", "name": [{ "family": format!("First{n}") }],
        });
        let body = first.to_string();
        client.send("PUT", "/fhir/Patient/first", &[], body.as_bytes()).unwrap();
        !told(&out).is_empty()
    }));
    patient(&server);
    let of = |role: &str| Client::new(&server.address, Some(&house.token_for(role)));
    let (mut physician, mut pharmacist, mut nurse) =
        (of("physician"), of("pharmacist"), of("nurse"));
    stock(&mut pharmacist);
    let (order, _) = sign(&mut physician, &order("Ciprofloxacin", 500), None);
    let path = |what: &str| format!("/api/meds/orders/{}/{what}", order["id"].as_str().unwrap());
    let scan = "(01)00312345678913(17)270630(10)L1";
    let verify = json!({ "product": "ciprofloxacin", "perDose": 1 });
    ok(&mut pharmacist, "POST", &path("verify"), &verify);
    let dispense = json!({ "location": "pharmacy", "quantity": 2, "scan": scan });
    ok(&mut pharmacist, "POST", &path("dispense"), &dispense);
    let due = order["request"]["start"].clone();
    let give = json!({ "due": due, "patientScan": "4711", "drugScan": scan });
    ok(&mut nurse, "POST", &path("give"), &give);
    let has = |kind: &str| told(&out).iter().any(|(it, _)| it == kind);
    assert!(
        wait_until(patience, || ["RDE^O11", "RDS^O13", "RAS^O17"].iter().all(|it| has(it))),
        "{:?}",
        told(&out).iter().map(|(kind, _)| kind.clone()).collect::<Vec<_>>()
    );
    let all = told(&out);
    let field = |kind: &str, segment: &str, n: usize| {
        let text = &all.iter().find(|(it, _)| it == kind).unwrap().1;
        let line = text.lines().find(|it| it.starts_with(segment)).unwrap_or_default();
        line.split('|').nth(n).unwrap_or_default().to_owned()
    };
    for kind in ["RDE^O11", "RDS^O13", "RAS^O17"] {
        assert!(field(kind, "PID", 3).starts_with("4711"), "{kind}");
    }
    assert!(field("RDE^O11", "RXE", 2).contains("Ciprofloxacin"));
    assert_eq!(field("RDE^O11", "RXE", 3), "500");
    assert_eq!(field("RDS^O13", "RXD", 4), "2");
    assert_eq!(field("RAS^O17", "RXA", 20), "CP");
    assert_eq!(field("RAS^O17", "RXA", 6), "500");
}

#[test]
fn the_story_of_an_order_in_a_browser() {
    let web = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../web");
    let chromium = std::env::var_os("WARD_CHROMIUM").unwrap_or("/usr/bin/chromium".into());
    let needs = [
        PathBuf::from(chromium),
        web.join("node_modules/playwright-core"),
        web.join("node_modules/axe-core"),
        web.join("dist/index.html"),
    ];
    if !needs.iter().all(|it| it.exists()) {
        return skip("medication in Chromium");
    }
    let house = House::new();
    let mut server = house.serve();
    patient(&server);
    let staff =
        [("paul", "physician"), ("petra", "physician"), ("nora", "nurse"), ("fritz", "pharmacist")];
    let mut admin = Client::new(&server.address, Some(&house.token_for("administrator")));
    let mut participants = Vec::new();
    for (name, role) in staff {
        put(&server, "Practitioner", name, json!({ "name": [{ "family": name }] }));
        let account = json!({
            "name": name, "password": PASSWORD, "role": role, "practitioner": name,
        });
        let reply =
            admin.send("POST", "/api/accounts", &[], account.to_string().as_bytes()).unwrap();
        assert_eq!(reply.status, 201, "{}", reply.json());
        participants.push(json!({ "individual": { "reference": format!("Practitioner/{name}") } }));
    }
    put(
        &server,
        "Encounter",
        "stay",
        json!({
            "status": "in-progress", "subject": { "reference": "Patient/anna" },
            "class": {
                "system": "http://terminology.hl7.org/CodeSystem/v3-ActCode", "code": "IMP",
            },
            "participant": participants,
        }),
    );
    stock(&mut Client::new(&server.address, Some(&house.token_for("pharmacist"))));
    let mut physician = Client::new(&server.address, Some(&house.token_for("physician")));
    sign(&mut physician, &order("Ciprofloxacin", 500), None);
    put(
        &server,
        "MedicationStatement",
        "home",
        json!({
            "status": "active", "subject": { "reference": "Patient/anna" },
            "medicationCodeableConcept": { "text": "Metformin 500 mg" },
            "dosage": [{ "text": "twice a day" }],
        }),
    );
    let lots = json!({
        "L1": package("L1", "270630"), "L2": package("L2", "281231"),
        "other": "(01)00312345678913(17)270630(10)L1",
    });
    let mut node = Command::new("node")
        .arg(web.join("test/meds.mjs"))
        .env("WARD_URL", format!("http://{}", server.address))
        .env("WARD_LOTS", lots.to_string())
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let (mut tell, told) = (node.stdin.take().unwrap(), node.stdout.take().unwrap());
    let address = server.address.clone();
    for line in BufReader::new(told).lines() {
        let line = line.unwrap();
        if line == "kill" {
            server.kill();
            server = house.serve_at(&address, &[]);
            tell.write_all(b"up\n").unwrap();
        } else {
            println!("{line}");
        }
    }
    assert!(node.wait().unwrap().success(), "it says above what is wrong");
    house.must(&["audit", "verify"]);
}
