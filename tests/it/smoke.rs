//! The first ten minutes of somebody new.

use serde_json::json;
use ward_tests::{Client, House};

#[test]
fn a_record_from_first_to_last() {
    let house = House::new();
    let server = house.serve();
    let mut client = server.client();
    assert_eq!(client.get("/healthz").status, 200);
    assert_eq!(client.get("/readyz").status, 200);

    let statement = client.get("/fhir/metadata").json();
    assert_eq!(statement["resourceType"], "CapabilityStatement");
    assert_eq!(statement["fhirVersion"], "4.0.1");

    let patient = json!({
        "resourceType": "Patient", "name": [{ "family": "Okonkwo", "given": ["Ada"] }],
        "birthDate": "1971-04-02",
    });
    let made = client.post("/fhir/Patient", &patient);
    assert_eq!(made.status, 201, "{}", made.json());
    assert_eq!(made.header("etag"), Some("W/\"1\""));
    let id = made.json()["id"].as_str().unwrap().to_owned();
    let path = format!("/fhir/Patient/{id}");

    let read = client.get(&path);
    assert_eq!(read.status, 200);
    assert_eq!(read.json()["name"], patient["name"]);

    let found = client.get("/fhir/Patient?name=okonk").json();
    assert_eq!(found["entry"][0]["resource"]["id"], id.as_str());
    assert_eq!(found["entry"].as_array().unwrap().len(), 1);

    let mut changed = read.json();
    changed["birthDate"] = json!("1971-04-20");
    let body = changed.to_string();
    let stale = client.send("PUT", &path, &[("if-match", "W/\"7\"")], body.as_bytes()).unwrap();
    assert_eq!(stale.status, 412);
    let done = client.send("PUT", &path, &[("if-match", "W/\"1\"")], body.as_bytes()).unwrap();
    assert_eq!(done.status, 200, "{}", done.json());
    assert_eq!(done.header("etag"), Some("W/\"2\""));

    let gone = client.send("DELETE", &path, &[], b"").unwrap();
    assert!(matches!(gone.status, 200 | 204), "{}", gone.status);
    assert_eq!(client.get(&path).status, 410);
    let history = client.get(&format!("{path}/_history")).json();
    assert_eq!(history["entry"].as_array().unwrap().len(), 3);
    let first = client.get(&format!("{path}/_history/1")).json();
    assert_eq!(first["birthDate"], "1971-04-02");
}

#[test]
fn strangers_get_nothing() {
    let house = House::new();
    let server = house.serve();
    for token in [None, Some("not-a-token")] {
        let mut client = Client::new(&server.address, token);
        for path in ["/fhir/Patient", "/fhir/Patient/1", "/fhir/_history", "/metrics"] {
            assert_eq!(client.get(path).status, 401, "{path}");
        }
    }
}
