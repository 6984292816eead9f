//! `cargo xtask demo`: from nothing to a served chart, in one command.

use std::{fs, path::Path};

use crate::run::{Run, Stop, root, target};

/// Builds, fills and serves; a second call throws the old demo away first.
pub fn run(args: &[&str]) -> Result<(), Stop> {
    let usage = || Stop::Why("usage: cargo xtask demo [--patients N] [--http ADDR]".to_owned());
    let (mut patients, mut http) = ("200", "127.0.0.1:8080");
    let mut args = args.iter();
    while let Some(name) = args.next() {
        let value = args.next().ok_or_else(usage)?;
        match *name {
            "--patients" if value.parse::<u32>().is_ok() => patients = value,
            "--http" => http = value,
            _ => return Err(usage()),
        }
    }
    Run::cargo(&["build", "--release", "--package", "ward"]).go()?;
    let ward = target().join("release/ward");
    let folder = root().join("target/demo");
    if folder.exists() {
        fs::remove_dir_all(&folder).map_err(|e| failed(&folder, &e))?;
    }
    fs::create_dir_all(&folder).map_err(|e| failed(&folder, &e))?;
    let (data, token) = (folder.join("data"), folder.join("token"));
    let population = folder.join("population");
    Run::new(&ward).args(["simulate", "--patients", patients, "--out"]).arg(&population).go()?;
    Run::new(&ward).args(["init", "--data"]).arg(&data).go()?;
    Run::new(&ward)
        .args(["token", "create", "--role", "integration", "--data"])
        .arg(&data)
        .arg("--out")
        .arg(&token)
        .go()?;
    Run::new(&ward).args(["import", "--json", "--data"]).arg(&data).arg(&population).go()?;
    let family = family_of(&population.join("patient-000000.json"))?;
    eprintln!(
        "
Ward serves {patients} simulated patients at  http://{http}/fhir
A bearer token that may see all of it is in  {token}
A first request, from another terminal:

  curl -s -H \"Authorization: Bearer $(cat '{token}')\" 'http://{http}/fhir/Patient?name={family}'

Ctrl-C ends it. To serve the same chart again:

  '{ward}' serve --data '{data}' --http {http}
",
        token = token.display(),
        ward = ward.display(),
        data = data.display(),
    );
    Run::new(&ward).args(["serve", "--http", http, "--data"]).arg(&data).go()
}

/// The family name of the patient in a bundle, in small letters: somebody to ask for.
fn family_of(path: &Path) -> Result<String, Stop> {
    let text = fs::read(path).map_err(|e| failed(path, &e))?;
    let bundle: serde_json::Value =
        serde_json::from_slice(&text).map_err(|e| Stop::Why(format!("{}: {e}", path.display())))?;
    let mut entries = bundle["entry"].as_array().into_iter().flatten();
    let patient = entries.find(|entry| entry["resource"]["resourceType"] == "Patient");
    let family = patient.and_then(|it| it["resource"]["name"][0]["family"].as_str());
    let family = family.and_then(|it| it.split_whitespace().next());
    let family = family.ok_or_else(|| Stop::Why("the population has no patient".to_owned()))?;
    Ok(family.to_lowercase())
}

fn failed(path: &Path, why: &std::io::Error) -> Stop {
    Stop::Why(format!("{}: {why}", path.display()))
}
