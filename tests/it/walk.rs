//! Every row of the endpoint table asked by every role, over real sockets.

use std::{collections::BTreeMap, fmt::Write};

use expect_test::expect_file;
use serde_json::json;
use ward_core::Role;
use ward_tests::{Client, House};
use ward_web::{Access, ENDPOINTS, Endpoint};

/// What the rows are asked about.
const KINDS: [&str; 3] = ["Observation", "Claim", "Organization"];

/// The status of each row for each role is a golden file; whoever changes the table or the policy
/// sees here what that means on the wire.
#[test]
fn every_row_is_walked_by_every_role() {
    let house = House::new();
    let mut callers: Vec<(String, Option<String>)> = vec![("nobody".to_owned(), None)];
    for role in Role::ALL.iter().filter(|role| **role != Role::System) {
        callers.push((role.to_string(), Some(house.token_for(role.as_str()))));
    }
    let server = house.serve();
    let mut seeder = server.client();
    let mut golden = String::new();
    for row in ENDPOINTS {
        let mut line: BTreeMap<String, Vec<&str>> = BTreeMap::new();
        for (name, token) in &callers {
            let mut client = Client::new(&server.address, token.as_deref());
            let statuses: Vec<String> = kinds_of(row)
                .iter()
                .map(|kind| {
                    seed(&mut seeder, kind);
                    ask(&mut client, row, kind, token.is_some()).to_string()
                })
                .collect();
            line.entry(statuses.join("/")).or_default().push(name);
        }
        writeln!(golden, "{:6} {}", row.method, row.path).unwrap();
        for (statuses, names) in line {
            writeln!(golden, "    {statuses}: {}", names.join(" ")).unwrap();
        }
    }
    expect_file!["../data/walk.txt"].assert_eq(&golden);
}

fn kinds_of(row: &Endpoint) -> &'static [&'static str] {
    if row.path.contains("{type}") { &KINDS } else { &["Patient"] }
}

/// Puts the record there anew, because the row before may have deleted it.
fn seed(client: &mut Client, kind: &str) {
    let base = [("Patient", json!({ "resourceType": "Patient", "id": "walk" }))];
    let this = (kind, resource(kind));
    for (kind, body) in base.into_iter().chain([this]) {
        let path = format!("/fhir/{kind}/walk");
        let reply = client.send("PUT", &path, &[], body.to_string().as_bytes()).unwrap();
        assert!(matches!(reply.status, 200 | 201), "{path}: {}", reply.status);
    }
}

fn resource(kind: &str) -> serde_json::Value {
    let patient = json!({ "reference": "Patient/walk" });
    match kind {
        "Observation" => json!({
            "resourceType": kind, "id": "walk", "status": "final", "code": { "text": "x" }, "subject": patient,
        }),
        "Claim" => json!({
            "resourceType": kind, "id": "walk", "status": "active", "type": { "text": "x" }, "use": "claim",
            "patient": patient, "created": "2026-01-01", "provider": { "display": "x" },
            "priority": { "text": "normal" }, "insurance": [{ "sequence": 1, "focal": true, "coverage": { "display": "x" } }],
        }),
        "Organization" => json!({ "resourceType": kind, "id": "walk", "name": "Walk" }),
        _ => json!({ "resourceType": kind, "id": "walk" }),
    }
}

fn ask(client: &mut Client, row: &Endpoint, kind: &str, signed_in: bool) -> u16 {
    let id = match row.path {
        "/api/imports/{id}" => "00".repeat(32),
        path if path.starts_with("/api/") => "nobody".to_owned(),
        _ => "walk".to_owned(),
    };
    let mut path = row
        .path
        .replace("{type}", kind)
        .replace("{compartment}", "Patient")
        .replace("{id}", &id)
        .replace("{session}", "none")
        .replace("{version}", "1");
    let mut kind_of_body = "application/fhir+json";
    let body = match (row.method, row.path) {
        ("POST", path) if path.ends_with("_search") => {
            kind_of_body = "application/x-www-form-urlencoded";
            "_count=1".to_owned()
        }
        ("PATCH", _) => {
            kind_of_body = "application/json-patch+json";
            r#"[{"op":"add","path":"/language","value":"en"}]"#.to_owned()
        }
        ("POST", "/fhir") | ("PUT", "/api/imports/{id}") => {
            r#"{"resourceType":"Bundle","type":"batch","entry":[{"request":{"method":"GET","url":"Patient/walk"}}]}"#
                .to_owned()
        }
        ("POST" | "PUT", path) if path.starts_with("/fhir/{type}") => resource(kind).to_string(),
        ("POST" | "PUT", _) => "{}".to_owned(),
        _ => String::new(),
    };
    if matches!((row.method, row.path), ("PUT" | "DELETE", "/fhir/{type}")) {
        path.push_str("?_id=walk");
    }
    // What never ends is asked for from a place that is none.
    let headers = [("content-type", kind_of_body), ("last-event-id", "none")];
    let reply = client.send(row.method, &path, &headers, body.as_bytes()).unwrap();
    if matches!(reply.status, 401 | 403) {
        let outcome = &reply.json()["resourceType"];
        assert_eq!(outcome, "OperationOutcome", "{} {path}", row.method);
    }
    if row.access != Access::Public {
        assert_eq!(reply.status == 401, !signed_in, "{} {path}: {}", row.method, reply.status);
    }
    assert!(reply.status < 500, "{} {path}: {}", row.method, reply.status);
    reply.status
}
