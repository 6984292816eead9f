//! `cargo xtask setup`: what the tests need that cargo does not bring.

use std::path::PathBuf;

use crate::run::{Run, Stop, target};

/// Clients of FHIR and HL7 v2 that were not written here, and an object store.
const CLIENTS: &[&str] = &[
    "fhirpy==2.2.0",
    "fhirclient==4.3.2",
    "hl7==0.4.5",
    "moto[s3]==5.2.5",
    "flask==3.1.3",
    "flask-cors==6.0.5",
];

/// The Python with the public clients; tests look for it here.
pub fn python() -> PathBuf {
    target().join("clients/bin/python")
}

/// Makes the Python if it is not there; a second call finds it and does nothing.
pub fn run() -> Result<(), Stop> {
    let has_clients = || {
        Run::new(python()).args(["-c", "import fhirpy, fhirclient, hl7, moto, flask_cors"]).works()
    };
    if has_clients() {
        return Ok(());
    }
    if !Run::new("python3").args(["-c", "import ensurepip, venv"]).works() {
        let is_root = Run::new("sh").args(["-c", "test \"$(id -u)\" = 0"]).works();
        if !is_root || !Run::new("apt-get").arg("--version").works() {
            return Err(Stop::Why(
                "needed: python3 with venv (on Debian: apt-get install python3-venv)".to_owned(),
            ));
        }
        Run::new("apt-get").args(["update", "-q"]).go()?;
        Run::new("apt-get").args(["install", "-q", "-y", "python3", "python3-venv"]).go()?;
    }
    Run::new("python3").args(["-m", "venv", "--clear"]).arg(target().join("clients")).go()?;
    let pip = ["-m", "pip", "install", "--quiet", "--disable-pip-version-check"];
    Run::new(python()).args(pip).args(CLIENTS).go()
}
