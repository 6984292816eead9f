//! `cargo xtask setup`: what the tests need that cargo does not bring.

use std::path::PathBuf;

use crate::run::{Run, Stop, target};

/// Clients of FHIR and HL7 v2 that were not written here, an object store, a mail server, a
/// websocket and a reader of metrics.
const CLIENTS: &[&str] = &[
    "fhirpy==2.2.0",
    "fhirclient==4.3.2",
    "hl7==0.4.5",
    "moto[s3]==5.2.5",
    "flask==3.1.3",
    "flask-cors==6.0.5",
    "websockets==17.4",
    "aiosmtpd==1.4.6",
    "prometheus-client==0.26.0",
];

/// One more, for Node.js where the machine has it.
const NODE_CLIENT: &str = "node-hl7-client@4.0.0";

/// The Python with the public clients; tests look for it here.
pub fn python() -> PathBuf {
    target().join("clients/bin/python")
}

/// Makes the clients that are not there; a second call finds them and does nothing.
pub fn run() -> Result<(), Stop> {
    python_clients()?;
    node_client();
    programs();
    if let Err(stop) = crate::web::packages() {
        eprintln!("!! no packages of the interface ({stop:?})");
    }
    Ok(())
}

/// Programs of Debian that tests run beside Ward: what is run, its package, what it is for.
const PROGRAMS: &[(&str, &str, &str)] = &[
    ("chromium", "chromium", "the interface is tested in it"),
    ("tshark", "tshark", "it reads what goes over the wire"),
];

/// Installs what is missing, for root on Debian; what cannot be had is said, and its tests say that
/// they are skipped.
fn programs() {
    let is_there = |program: &str| Run::new(program).arg("--version").works();
    let missing: Vec<_> = PROGRAMS.iter().filter(|(program, ..)| !is_there(program)).collect();
    if !missing.is_empty() && is_root() && Run::new("apt-get").arg("--version").works() {
        let packages = missing.iter().map(|(_, package, _)| *package);
        let install = ["install", "-q", "-y", "--no-install-recommends"];
        let apt = || Run::new("apt-get").env("DEBIAN_FRONTEND", "noninteractive");
        let done = apt().args(["update", "-q"]).go();
        let done = done.and_then(|()| apt().args(install).args(packages).go());
        if let Err(stop) = done {
            eprintln!("!! apt-get failed ({stop:?})");
        }
    }
    for (program, package, purpose) in missing {
        if !is_there(program) {
            eprintln!("!! no {program}: {purpose} (on Debian: apt-get install {package})");
        }
    }
}

fn is_root() -> bool {
    Run::new("sh").args(["-c", "test \"$(id -u)\" = 0"]).works()
}

fn python_clients() -> Result<(), Stop> {
    let has_clients = || {
        Run::new(python()).args(["-c", "import fhirpy, fhirclient, hl7, moto, flask_cors, websockets, aiosmtpd, prometheus_client"]).works()
    };
    if has_clients() {
        return Ok(());
    }
    if !Run::new("python3").args(["-c", "import ensurepip, venv"]).works() {
        if !is_root() || !Run::new("apt-get").arg("--version").works() {
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

/// What it is for is skipped, loudly, where it cannot be had.
fn node_client() {
    let folder = target().join("clients");
    if folder.join("node_modules/node-hl7-client").exists() {
        return;
    }
    let npm = ["install", "--silent", "--no-audit", "--no-fund", "--no-save", "--ignore-scripts"];
    let made = Run::new("npm").args(npm).arg("--prefix").arg(&folder).arg(NODE_CLIENT).works();
    if !made {
        eprintln!("!! no {NODE_CLIENT} (it needs Node.js and npm)");
    }
}
