//! Receivers that were not written here, and short words for what the tests do with them.

use std::{
    fs,
    io::{BufRead, BufReader},
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    time::Duration,
};

use serde_json::{Value, json};
use tempfile::TempDir;
use ward_tests::{Client, House, Server, python, wait_until};

pub const PATIENCE: Duration = Duration::from_secs(90);

/// Settings under which a receiver on this machine may be told.
pub const NEAR: [(&str, &str); 2] =
    [("WARD_EVENTS_ALLOW_PLAINTEXT", "true"), ("WARD_EVENTS_ALLOW_ADDRESSES", "127.0.0.1")];

pub const BACKPORT: &str = "http://hl7.org/fhir/uv/subscriptions-backport/StructureDefinition";

fn script(name: &str) -> String {
    format!("{}/data/{name}", std::env::var("CARGO_MANIFEST_DIR").unwrap())
}

/// A program in Python that listens, keeps lines, and can be killed and started again.
pub struct Listener {
    folder: TempDir,
    script: &'static str,
    child: Option<Child>,
    pub port: u16,
}

impl Listener {
    /// `None` where there is no Python with the public clients.
    pub fn start(script: &'static str) -> Option<Listener> {
        python()?;
        let folder = tempfile::tempdir().unwrap();
        let mut listener = Listener { folder, script, child: None, port: 0 };
        listener.mode("ok");
        listener.again();
        Some(listener)
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    pub fn mode(&self, mode: &str) {
        fs::write(self.path("mode"), mode).unwrap();
    }

    pub fn kill(&mut self) {
        if let Some(mut child) = self.child.take() {
            child.kill().unwrap();
            child.wait().unwrap();
        }
    }

    pub fn again(&mut self) {
        self.kill();
        let mut child = Command::new(python().unwrap())
            .arg(script(self.script))
            .args([&self.port.to_string()])
            .args([self.path("log"), self.path("mode")])
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let mut line = String::new();
        BufReader::new(child.stdout.take().unwrap()).read_line(&mut line).unwrap();
        self.port = line.trim().parse().expect("a port");
        self.child = Some(child);
    }

    pub fn url(&self) -> String {
        format!("http://127.0.0.1:{}/hook", self.port)
    }

    /// Everything that came, in order.
    pub fn lines(&self) -> Vec<Value> {
        let text = fs::read_to_string(self.path("log")).unwrap_or_default();
        // The last line may be on its way.
        let whole = text.rsplit_once('\n').map_or("", |(whole, _)| whole);
        whole.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
    }
}

impl Drop for Listener {
    fn drop(&mut self) {
        self.kill();
    }
}

/// A Subscription to a topic.
pub fn topic(topic: &str, filters: &[&str], content: &str, endpoint: &str) -> Value {
    let filters: Vec<Value> = filters
        .iter()
        .map(|it| json!({ "url": format!("{BACKPORT}/backport-filter-criteria"), "valueString": it }))
        .collect();
    let mut subscription = json!({
        "resourceType": "Subscription",
        "meta": { "profile": [format!("{BACKPORT}/backport-subscription")] },
        "status": "requested",
        "reason": "a test",
        "criteria": format!("urn:ward:topic:{topic}"),
        "channel": {
            "type": "rest-hook",
            "endpoint": endpoint,
            "header": ["Authorization: Bearer of-the-receiver"],
            "payload": "application/fhir+json",
            "_payload": { "extension": [{
                "url": format!("{BACKPORT}/backport-payload-content"), "valueCode": content,
            }] },
        },
    });
    if !filters.is_empty() {
        subscription["_criteria"] = json!({ "extension": filters });
    }
    subscription
}

/// Makes a Subscription with a public client.
pub fn subscribe(house: &House, server: &Server, client: &str, subscription: &Value) -> String {
    let output = Command::new(python().unwrap())
        .arg(script("subscriber.py"))
        .args([&format!("http://{}/fhir", server.address), client, &subscription.to_string()])
        .env("WARD_TOKEN", &house.token)
        .output()
        .unwrap();
    let why = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{why}");
    String::from_utf8(output.stdout).unwrap().trim().to_owned()
}

/// Waits until a Subscription stands as it should.
pub fn stands(client: &mut Client, id: &str, status: &str) -> Value {
    let mut now = Value::Null;
    let is_so = wait_until(PATIENCE, || {
        now = client.get(&format!("/fhir/Subscription/{id}")).json();
        now["status"] == status
    });
    assert!(is_so, "{now}");
    now
}

pub fn put(client: &mut Client, resource: &Value) {
    let path = format!(
        "/fhir/{}/{}",
        resource["resourceType"].as_str().unwrap(),
        resource["id"].as_str().unwrap()
    );
    let reply = client.send("PUT", &path, &[], resource.to_string().as_bytes()).unwrap();
    assert!(matches!(reply.status, 200 | 201), "{path}: {}", String::from_utf8_lossy(&reply.body));
}

pub fn patient(id: &str) -> Value {
    json!({ "resourceType": "Patient", "id": id, "name": [{ "family": "Listened" }] })
}

pub fn result(id: &str, patient: &str, code: &str) -> Value {
    json!({
        "resourceType": "Observation", "id": id, "status": "final",
        "category": [{ "coding": [{ "code": "laboratory" }] }],
        "code": { "coding": [{ "system": "http://loinc.org", "code": code }] },
        "subject": { "reference": format!("Patient/{patient}") },
        "valueQuantity": { "value": 1.50, "unit": "mmol/l" },
    })
}

/// A part of the status of a notification.
pub fn part(bundle: &Value, name: &str) -> Option<Value> {
    let parameters = bundle["entry"][0]["resource"]["parameter"].as_array()?;
    parameters.iter().find(|it| it["name"] == name).cloned()
}

/// Type, id of the Bundle, and the numbers with what they are of.
pub fn read(bundle: &Value) -> (String, String, Vec<(u64, String)>) {
    assert_eq!((&bundle["resourceType"], &bundle["type"]), (&json!("Bundle"), &json!("history")));
    let kind = part(bundle, "type").unwrap()["valueCode"].as_str().unwrap().to_owned();
    let id = bundle["id"].as_str().unwrap().to_owned();
    let parameters = bundle["entry"][0]["resource"]["parameter"].as_array().unwrap();
    let events = parameters.iter().filter(|it| it["name"] == "notification-event").map(|event| {
        let of = |name: &str| {
            let parts = event["part"].as_array().unwrap();
            parts.iter().find(|it| it["name"] == name).cloned().unwrap_or_default()
        };
        let number = of("event-number")["valueString"].as_str().unwrap().parse().unwrap();
        let focus =
            of("focus")["valueReference"]["reference"].as_str().unwrap_or_default().to_owned();
        (number, focus.rsplit('/').next().unwrap().to_owned())
    });
    (kind, id, events.collect())
}

/// The bodies of what came, as JSON.
pub fn bodies(listener: &Listener) -> Vec<Value> {
    let of = |line: &Value| serde_json::from_str(line["text"].as_str().unwrap()).unwrap();
    listener.lines().iter().map(of).collect()
}

pub fn run(script_name: &str, args: &[&str], input: Option<&Path>) -> Command {
    let mut command = Command::new(python().unwrap());
    command.arg(script(script_name)).args(args);
    if let Some(path) = input {
        command.stdin(fs::File::open(path).unwrap());
    }
    command
}
