//! What cannot wait for the pharmacist: taken and given before, with the reason, and verified
//! afterwards.

use serde_json::{Value, json};
use ward_tests::{Client, House};

fn send(client: &mut Client, path: &str, body: &Value) -> (u16, Value) {
    let method =
        if path.contains("/products/") && !path.ends_with("/move") { "PUT" } else { "POST" };
    let headers = [("ward-purpose", "ETREAT")];
    let reply = client.send(method, path, &headers, body.to_string().as_bytes()).unwrap();
    (reply.status, reply.json())
}

#[test]
fn what_cannot_wait_is_taken_and_given_with_a_reason_and_verified_afterwards() {
    let house = House::new();
    let server = house.serve();
    let patient = json!({
        "resourceType": "Patient", "id": "anna", "gender": "female", "birthDate": "1970-01-02",
        "identifier": [{ "system": "urn:v2:authority:HOSP", "value": "4711" }],
    });
    let body = patient.to_string();
    let reply = server.client().send("PUT", "/fhir/Patient/anna", &[], body.as_bytes()).unwrap();
    assert_eq!(reply.status, 201);
    let of = |role: &str| Client::new(&server.address, Some(&house.token_for(role)));
    let (mut physician, mut pharmacist, mut nurse) =
        (of("physician"), of("pharmacist"), of("nurse"));
    let product = "/api/meds/products/cipro";
    let about = json!({ "name": "Ciprofloxacin 500 mg tablet", "unit": "tablet",
        "gtin": ["00312345678913"], "strength": { "value": 500, "unit": "mg" } });
    assert_eq!(send(&mut pharmacist, product, &about).0, 200);
    let receive = json!({ "act": "receive", "lot": "L1", "expires": "2031-06-30",
        "location": "cabinet-3", "quantity": 10 });
    assert_eq!(send(&mut pharmacist, &format!("{product}/move"), &receive).0, 200);
    let order = json!({
        "patient": "Patient/anna", "medication": { "text": "Ciprofloxacin" }, "priority": "stat",
        "dosage": [{
            "text": "500 mg PO every 8 hours",
            "timing": { "repeat": { "frequency": 1, "period": 8, "periodUnit": "h" } },
            "doseAndRate": [{ "doseQuantity": { "value": 500, "unit": "mg" } }],
        }],
    });
    let (status, said) =
        send(&mut physician, "/api/meds/orders", &json!({ "order": order, "sign": true }));
    assert_eq!(status, 409, "{said}");
    let overrides: Vec<Value> = said["found"]
        .as_array()
        .unwrap()
        .iter()
        .map(|it| json!({ "key": it["key"], "reason": "will-monitor" }))
        .collect();
    let signs = json!({ "order": order, "sign": true, "overrides": overrides });
    let (status, signed) = send(&mut physician, "/api/meds/orders", &signs);
    assert_eq!(status, 201, "{signed}");
    let path = |what: &str| format!("/api/meds/orders/{}/{what}", signed["id"].as_str().unwrap());

    let scan = "(01)00312345678913(17)310630(10)L1";
    let takes = json!({ "location": "cabinet-3", "quantity": 1, "scan": scan });
    let (status, said) = send(&mut nurse, &path("dispense"), &takes);
    assert_eq!(status, 409, "nothing is taken before the pharmacist has looked: {said}");
    let mut hurried = takes.clone();
    hurried["urgent"] = json!(" ");
    assert_eq!(send(&mut nurse, &path("dispense"), &hurried).0, 400, "a reason says something");
    hurried["urgent"] = json!("sepsis");
    let (status, said) = send(&mut nurse, &path("dispense"), &hurried);
    assert_eq!((status, &said["state"], &said["onWard"]), (200, &json!("signed"), &json!(1)));

    let due = signed["request"]["start"].clone();
    let mut gives = json!({ "due": due, "patientScan": "4711", "drugScan": scan });
    let (status, said) = send(&mut nurse, &path("give"), &gives);
    assert_eq!(status, 409, "nor given: {said}");
    gives["urgent"] = json!("sepsis");
    let (status, said) = send(&mut nurse, &path("give"), &gives);
    assert_eq!(
        (status, &said["state"], &said["onWard"]),
        (200, &json!("signed"), &json!(0)),
        "{said}"
    );

    // It still waits, everybody sees why it was taken, and it is verified.
    let waits = pharmacist
        .send("GET", "/api/meds/waiting/verify", &[("ward-purpose", "ETREAT")], b"")
        .unwrap()
        .json();
    assert_eq!(waits["orders"][0]["id"], signed["id"]);
    assert_eq!(waits["orders"][0]["why"], "taken before verification: sepsis");
    let verify = json!({ "product": "cipro", "perDose": 1 });
    let (status, said) = send(&mut pharmacist, &path("verify"), &verify);
    assert_eq!((status, &said["state"]), (200, &json!("verified")), "{said}");
}
