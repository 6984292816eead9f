//! The interface in a real browser, from the first account to a discharge.

use std::{path::PathBuf, process::Command};

use serde_json::{Value, json};
use ward_tests::{Client, House, skip};

/// Chromium, and the packages that drive it; nothing where one is missing.
fn browser() -> Option<PathBuf> {
    let web = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../web");
    let chromium = std::env::var_os("WARD_CHROMIUM").unwrap_or("/usr/bin/chromium".into());
    let all = [
        PathBuf::from(chromium),
        web.join("node_modules/playwright-core"),
        web.join("node_modules/axe-core"),
        web.join("dist/index.html"),
    ];
    all.iter().all(|it| it.exists()).then_some(web)
}

#[test]
fn the_story_of_a_stay_in_a_browser() {
    let Some(web) = browser() else { return skip("the interface in Chromium") };
    let house = House::new();
    let server = house.serve();
    let mut client = server.client();
    let mut put = |kind: &str, id: &str, mut resource: Value| {
        resource["resourceType"] = json!(kind);
        resource["id"] = json!(id);
        let path = format!("/fhir/{kind}/{id}");
        let reply = client.send("PUT", &path, &[], resource.to_string().as_bytes()).unwrap();
        assert_eq!(reply.status, 201, "{}", reply.json());
    };
    put(
        "Patient",
        "anna",
        json!({
            "name": [{ "family": "Meyer", "given": ["Anna"] }], "gender": "female",
            "birthDate": "1970-01-02",
            "identifier": [{ "system": "urn:v2:authority:HOSP", "value": "4711" }],
        }),
    );
    let anna = json!({ "reference": "Patient/anna" });
    put(
        "Coverage",
        "c1",
        json!({
            "status": "active", "order": 1, "beneficiary": anna, "payor": [{ "display": "a payer" }],
        }),
    );
    put(
        "AllergyIntolerance",
        "a1",
        json!({
            "patient": anna, "code": { "text": "penicillin" }, "criticality": "high",
            "clinicalStatus": { "coding": [{
                "system": "http://terminology.hl7.org/CodeSystem/allergyintolerance-clinical",
                "code": "active",
            }] },
        }),
    );
    for (n, value) in [3.9, 4.6, 5.9].into_iter().enumerate() {
        put(
            "Observation",
            &format!("o{n}"),
            json!({
                "status": "final", "subject": anna, "code": { "text": "Potassium" },
                "effectiveDateTime": format!("2026-01-0{}T08:00:00Z", n + 1),
                "valueQuantity": { "value": value, "unit": "mmol/L" },
                "referenceRange": [{ "low": { "value": 3.5 }, "high": { "value": 5.1 } }],
            }),
        );
    }
    for (n, value) in [71, 96].into_iter().enumerate() {
        put(
            "Observation",
            &format!("v{n}"),
            json!({
                "status": "final", "subject": anna, "code": { "text": "Heart rate" },
                "category": [{ "coding": [{
                    "system": "http://terminology.hl7.org/CodeSystem/observation-category",
                    "code": "vital-signs",
                }] }],
                "effectiveDateTime": format!("2026-01-0{}T08:00:00Z", n + 1),
                "valueQuantity": { "value": value, "unit": "/min" },
            }),
        );
    }
    let mut admin = Client::new(&server.address, Some(&house.token_for("administrator")));
    for n in 0..3 {
        let bed = json!({ "name": format!("W1-{n}"), "offer": { "ward": "w1" } }).to_string();
        let path = format!("/api/beds/bed-{n}");
        assert_eq!(admin.send("PUT", &path, &[], bed.as_bytes()).unwrap().status, 200);
    }
    let out = Command::new("node")
        .arg(web.join("test/story.mjs"))
        .env("WARD_URL", format!("http://{}", server.address))
        .env("WARD_MLLP", &server.mllp)
        .env("WARD_SETUP", server.setup_token().unwrap())
        .output()
        .unwrap();
    let said = String::from_utf8_lossy(&out.stderr);
    assert!(out.status.success(), "{said}");
}

/// What goes into the binary may be linked by anybody.
#[test]
fn packages_of_the_interface_have_permissive_licenses() {
    let lock = concat!(env!("CARGO_MANIFEST_DIR"), "/../web/package-lock.json");
    let lock: Value = serde_json::from_str(&std::fs::read_to_string(lock).unwrap()).unwrap();
    let packages = lock["packages"].as_object().unwrap();
    let shipped = packages.iter().filter(|(path, it)| !path.is_empty() && it["dev"] != true);
    let mut n = 0;
    for (path, package) in shipped {
        let license = package["license"].as_str().unwrap_or_default();
        let known = ["MIT", "ISC", "Apache-2.0", "BSD-3-Clause", "0BSD", "(MIT OR CC0-1.0)"];
        assert!(known.contains(&license), "{path} {license}");
        n += 1;
    }
    assert!(10 < n, "{n}");
}
