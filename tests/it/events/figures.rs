//! Figures for Prometheus: their names and types, and that a restart forgets nothing.

use std::{fs, time::Duration};

use expect_test::expect_file;
use serde_json::json;
use ward_tests::{Client, House, Server, skip};

use super::rig::{patient, put, result, run};

fn page(house: &House, server: &Server) -> String {
    let token = house.token_for("administrator");
    let reply = Client::new(&server.address, Some(&token)).get("/metrics");
    assert_eq!(reply.status, 200);
    String::from_utf8(reply.body).unwrap()
}

fn line(page: &str, name: &str) -> String {
    let found = page.lines().find(|it| it.starts_with(&format!("{name} ")));
    found.unwrap_or_default().to_owned()
}

#[test]
fn what_happened_is_counted_once_also_through_kills() {
    let house = House::new();
    let mut server = house.serve();
    let order = |id: &str, kind: &str, more: serde_json::Value| {
        let mut it = json!({ "resourceType": kind, "id": id, "status": "active", "intent": "order",
            "subject": { "reference": "Patient/p1" } });
        it.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        it
    };
    let category = |code: &str| json!({ "category": [{ "coding": [{ "code": code }] }], "code": { "text": "x" } });
    for round in 0..3 {
        let mut client = server.client();
        put(&mut client, &patient("p1"));
        let name = |what: &str| format!("{what}{round}");
        let stay = |status: &str| {
            json!({ "resourceType": "Encounter", "id": name("e"), "status": status,
            "class": { "code": "IMP" }, "subject": { "reference": "Patient/p1" } })
        };
        for status in ["in-progress", "in-progress", "finished"] {
            put(&mut client, &stay(status));
        }
        let drug = json!({ "medicationCodeableConcept": { "text": "x" } });
        put(&mut client, &order(&name("m"), "MedicationRequest", drug.clone()));
        put(&mut client, &order(&name("m"), "MedicationRequest", drug));
        put(&mut client, &order(&name("l"), "ServiceRequest", category("LAB")));
        put(&mut client, &order(&name("i"), "ServiceRequest", category("imaging")));
        put(&mut client, &order(&name("i2"), "ServiceRequest", category("RAD")));
        let mut critical = result(&name("o"), "p1", "718-7");
        critical["interpretation"] = json!([{ "coding": [{ "code": "LL" }] }]);
        put(&mut client, &critical);
        server.end("-KILL", Duration::from_secs(60));
        server = house.serve();
        let n = round + 1;
        let page = page(&house, &server);
        for (name, expected) in [
            ("patient_admissions_total", n),
            ("patient_discharges_total", n),
            ("medication_orders_total", n),
            ("lab_orders_total", n),
            ("imaging_orders_total", 2 * n),
            ("critical_alerts_total", n),
        ] {
            assert_eq!(line(&page, name), format!("{name} {expected}"));
        }
        assert_eq!(line(&page, "active_patients"), "active_patients 0");
    }
}

/// Whoever adds or renames a figure sees here what that means for whoever watches it.
#[test]
fn names_types_and_labels_are_as_written_down() {
    if ward_tests::python().is_none() {
        return skip("figures: no parser of others; `cargo xtask setup` installs it");
    }
    let house = House::new();
    let server = house.serve();
    put(&mut server.client(), &patient("p1"));
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("page");
    fs::write(&file, page(&house, &server)).unwrap();
    let output = run("metrics.py", &[], Some(&file)).output().unwrap();
    let why = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{why}");
    let mut lines: Vec<&str> = std::str::from_utf8(&output.stdout).unwrap().lines().collect();
    lines.sort_unstable();
    expect_file!["../../data/metrics.txt"].assert_eq(&(lines.join("\n") + "\n"));
}
