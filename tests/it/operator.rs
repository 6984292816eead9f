//! Commands of the operator beside a running server, and without one.

use std::{fs, os::unix::fs::PermissionsExt};

use serde_json::json;
use ward_tests::{Client, House};

#[test]
fn tokens_come_and_go_while_it_is_served() {
    let house = House::new();
    let server = house.serve();
    let token = house.token_for("integration");
    let path = house.data().with_file_name("integration.token");
    assert_eq!(fs::metadata(path).unwrap().permissions().mode() & 0o777, 0o600);
    let mut client = Client::new(&server.address, Some(&token));
    assert_eq!(client.get("/fhir/Patient").status, 200);
    house.must(&["token", "revoke", &token]);
    assert_eq!(client.get("/fhir/Patient").status, 401, "at once, though the server knew it");
    let output = house.run(&["token", "create", "--role", "wizard"]);
    assert!(!output.status.success());
}

#[test]
fn a_patient_is_destroyed_while_it_is_served() {
    let house = House::new();
    let mut server = house.serve();
    let mut client = server.client();
    for id in ["gone", "kept"] {
        let patient = json!({ "resourceType": "Patient", "id": id });
        let path = format!("/fhir/Patient/{id}");
        let reply = client.send("PUT", &path, &[], patient.to_string().as_bytes()).unwrap();
        assert_eq!(reply.status, 201);
    }
    let told = String::from_utf8(house.must(&["keys", "rotate"]).stdout).unwrap();
    assert!(told.starts_with("tenant key version 2;"), "{told}");
    let told = house.must(&["keys", "shred", "--patient", "gone"]).stdout;
    assert!(String::from_utf8(told).unwrap().contains("1 records"));
    assert_eq!(client.get("/fhir/Patient/gone").status, 410);
    assert_eq!(client.get("/fhir/Patient/kept").status, 200);
    assert!(!house.run(&["keys", "shred", "--patient", "gone"]).status.success());
    // The network may not, whatever its role but the one whose work it is.
    assert_eq!(client.send("DELETE", "/api/keys/kept", &[], b"").unwrap().status, 403);
    // Without a server it is the same.
    server.kill();
    let told = String::from_utf8(house.must(&["keys", "rotate"]).stdout).unwrap();
    assert!(told.starts_with("tenant key version 3;"), "{told}");
    house.must(&["keys", "shred", "--patient", "kept"]);
    house.must(&["audit", "verify"]);
    let server = house.serve();
    assert_eq!(server.client().get("/fhir/Patient/kept").status, 410);
}

#[test]
fn an_account_signs_in_wherever_it_was_made() {
    let house = House::new();
    let file = house.data().with_file_name("password");
    fs::write(&file, "a long enough password\n").unwrap();
    let create = |name: &str, role: &str| {
        let file = file.to_str().unwrap();
        let args = ["account", "create", "--name", name, "--role", role, "--password-file", file];
        house.run(&args)
    };
    assert!(create("before", "nurse").status.success());
    let server = house.serve();
    assert!(create("While", "physician").status.success());
    let mut client = Client::new(&server.address, None);
    for name in ["before", "while"] {
        let mut body = json!({ "name": name, "password": "a long enough password" });
        assert_eq!(client.post("/api/sign-in", &body).status, 200, "{name}");
        body["password"] = json!("another password");
        assert_eq!(client.post("/api/sign-in", &body).status, 401, "{name}");
    }
    // Taken, unknown, Ward's own: each is refused, and nobody is asked on a terminal.
    for (name, role) in [("BEFORE", "nurse"), ("x", "wizard"), ("x", "system")] {
        assert!(!create(name, role).status.success(), "{name} {role}");
    }
    fs::write(&file, "short").unwrap();
    assert!(!create("x", "nurse").status.success());
    let output = house.run(&["account", "create", "--name", "x", "--role", "nurse"]);
    let why = String::from_utf8(output.stderr).unwrap();
    assert!(why.contains("--password-file"), "{why}");
}
