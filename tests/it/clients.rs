//! Public FHIR clients that were not written here: fhirpy and fhirclient.

use std::process::Command;

use ward_tests::{House, python, skip};

#[test]
fn public_clients() {
    let Some(python) = python() else {
        return skip("no public FHIR clients; `cargo xtask setup` installs them");
    };
    let house = House::new();
    let server = house.serve();
    let script = format!("{}/data/clients.py", std::env::var("CARGO_MANIFEST_DIR").unwrap());
    let output = Command::new(python)
        .arg(script)
        .arg(format!("http://{}/fhir", server.address))
        .env("WARD_TOKEN", &house.token)
        .output()
        .unwrap();
    let (said, why) = (&output.stdout, &output.stderr);
    let (said, why) = (String::from_utf8_lossy(said), String::from_utf8_lossy(why));
    assert!(output.status.success(), "{said}\n{why}");
    assert_eq!(said.lines().last(), Some("all clients content"));
}
