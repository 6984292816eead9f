//! `cargo xtask demo`: from nothing to a served chart, in one command.

use std::{
    fs,
    io::{BufRead, BufReader, Read},
    path::Path,
    process::{Child, Command, Stdio},
    thread,
};

use crate::run::{Run, Stop, root, target};

/// Builds, fills and serves; a second call throws the old demo away first.
pub fn run(args: &[&str]) -> Result<(), Stop> {
    let usage = || {
        Stop::Why("usage: cargo xtask demo [--patients N] [--http ADDR] [--mllp ADDR]".to_owned())
    };
    let (mut patients, mut http, mut mllp) = ("200", "127.0.0.1:8080", "127.0.0.1:2575");
    let mut args = args.iter();
    while let Some(name) = args.next() {
        let value = args.next().ok_or_else(usage)?;
        match *name {
            "--patients" if value.parse::<u32>().is_ok() => patients = value,
            "--http" => http = value,
            "--mllp" => mllp = value,
            _ => return Err(usage()),
        }
    }
    if let Err(stop) = crate::web::build() {
        eprintln!("!! no interface in this binary ({stop:?})");
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
    Run::new(&ward)
        .args(["simulate", "--patients", patients, "--day", "--out"])
        .arg(&population)
        .go()?;
    Run::new(&ward).args(["init", "--data"]).arg(&data).go()?;
    Run::new(&ward)
        .args(["token", "create", "--role", "integration", "--data"])
        .arg(&data)
        .arg("--out")
        .arg(&token)
        .go()?;
    let password = folder.join("password");
    fs::write(&password, fresh_password()?).map_err(|e| failed(&password, &e))?;
    for name in SIGN_INS {
        Run::new(&ward)
            .args(["account", "create", "--name", name, "--role", name, "--data"])
            .arg(&data)
            .arg("--password-file")
            .arg(&password)
            .go()?;
    }
    for (role, name) in crate::pharmacy::STAFF {
        Run::new(&ward)
            .args([
                "account",
                "create",
                "--name",
                name,
                "--role",
                role,
                "--practitioner",
                name,
                "--data",
            ])
            .arg(&data)
            .arg("--password-file")
            .arg(&password)
            .go()?;
    }
    // The day comes by another door.
    let day = folder.join("day.hl7");
    fs::rename(population.join("day.hl7"), &day).map_err(|e| failed(&day, &e))?;
    Run::new(&ward).args(["import", "--json", "--data"]).arg(&data).arg(&population).go()?;
    let family = family_of(&population.join("patient-000000.json"))?;
    let mut server = Command::new(&ward)
        .args(["serve", "--http", http, "--mllp", mllp, "--data"])
        .arg(&data)
        // Nobody else decides about the stays of simulated patients.
        .env("WARD_BILLING_SIMULATED_PAYER", "true")
        .stdout(Stdio::piped())
        .spawn()
        .map_err(|e| failed(&ward, &e))?;
    await_listener(&mut server)?;
    Run::new(&ward).args(["hl7", "send", "--quiet", mllp]).arg(&day).go()?;
    // The rest of the demo is worth having without it.
    if let Err(stop) = filled(http, &token, &password) {
        eprintln!("!! the pharmacy is not filled ({stop:?})");
    }
    eprintln!(
        "
Ward serves {patients} simulated patients. Open  http://{http}/  and sign in as
{names}; the password of each is in  {password}

FHIR is at  http://{http}/fhir
A bearer token that may see all of it is in  {token}
A first request, from another terminal:

  curl -s -H \"Authorization: Bearer $(cat '{token}')\" 'http://{http}/fhir/Patient?name={family}'

HL7 v2 is taken at  mllp://{mllp}  where a day of the same hospital has been sent. To send one more
message, and to see what came:

  '{ward}' hl7 send {mllp} MESSAGE.hl7
  '{ward}' hl7 log --data '{data}'

Ctrl-C ends it. To serve the same chart again:

  '{ward}' serve --data '{data}' --http {http} --mllp {mllp}
",
        names = signs_in().join(", "),
        password = password.display(),
        token = token.display(),
        ward = ward.display(),
        data = data.display(),
    );
    let ended = server.wait().map_err(|e| failed(&ward, &e))?;
    if ended.success() { Ok(()) } else { Err(Stop::Why("the server ended badly".to_owned())) }
}

/// Who can sign in, each named as the role; the staff of the pharmacy besides.
const SIGN_INS: [&str; 4] = ["registrar", "integration", "auditor", "administrator"];

/// `cargo xtask pharmacy`: stock and orders for a demo that is served already.
pub fn pharmacy(address: &str, token: &str, password: &str) -> Result<(), Stop> {
    filled(address, Path::new(token), Path::new(password))
}

fn signs_in() -> Vec<&'static str> {
    SIGN_INS.into_iter().chain(crate::pharmacy::STAFF.map(|(_, name)| name)).collect()
}

fn filled(address: &str, token: &Path, password: &Path) -> Result<(), Stop> {
    let read = |path: &Path| fs::read_to_string(path).map_err(|e| failed(path, &e));
    crate::pharmacy::fill(address, read(token)?.trim(), read(password)?.trim())
}

/// A password that nobody else knows, for a chart that lasts as long as the demo.
fn fresh_password() -> Result<String, Stop> {
    let mut bytes = [0; 12];
    let path = Path::new("/dev/urandom");
    let mut file = fs::File::open(path).map_err(|e| failed(path, &e))?;
    file.read_exact(&mut bytes).map_err(|e| failed(path, &e))?;
    Ok(bytes.iter().map(|byte| format!("{byte:02x}")).collect())
}

/// Returns when the server says that it listens for MLLP; passes on whatever it says.
fn await_listener(server: &mut Child) -> Result<(), Stop> {
    let stdout = server.stdout.take().ok_or_else(|| Stop::Why("the server is mute".to_owned()))?;
    let mut lines = BufReader::new(stdout).lines().map_while(Result::ok);
    let mut listens = false;
    for line in lines.by_ref() {
        println!("{line}");
        listens |= line.starts_with("listening mllp");
        if line.starts_with("listening http") {
            break;
        }
    }
    thread::spawn(move || lines.for_each(|line| println!("{line}")));
    if listens { Ok(()) } else { Err(Stop::Why("the server does not listen for MLLP".to_owned())) }
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
