//! A server that keeps itself: its log, its rounds, its checkpoints, its end.

use std::{
    fs,
    io::{BufRead, BufReader, Read},
    path::Path,
    process::{Child, Command, ExitStatus, Stdio},
    time::{Duration, Instant},
};

use serde_json::{Value, json};
use ward_tests::{Client, House, pause, wait_until, ward};

#[test]
fn stops_cleanly_when_it_is_told() {
    for signal in ["-TERM", "-INT"] {
        let house = House::new();
        let mut server = Serving::start(&house, &[]);
        let mut client = server.client(&house);
        let reply = client.post("/fhir/Patient", &json!({ "resourceType": "Patient" }));
        assert_eq!(reply.status, 201);
        assert!(house.data().join("ward.sock").exists());
        // An idle connection does not hold it.
        let began = Instant::now();
        assert!(server.end(signal).success(), "{signal}");
        assert!(began.elapsed() < Duration::from_secs(10), "{signal}: {:?}", began.elapsed());
        assert!(!house.data().join("ward.sock").exists());
        // The last checkpoint covers all of it.
        house.must(&["audit", "verify"]);
        let wal = house.data().join("truth.db-wal");
        assert!(fs::metadata(wal).map_or(0, |meta| meta.len()) == 0, "the log is folded in");
    }
}

#[test]
fn logs_json_without_patients() {
    let house = House::new();
    let mut server =
        Serving::start(&house, &[("WARD_LOG_FORMAT", "json"), ("WARD_LOG_LEVEL", "info")]);
    let mut client = server.client(&house);
    let patient = json!({ "resourceType": "Patient", "id": "zanzibar-id", "name": [{ "family": "Quuxington" }] });
    let reply =
        client.send("PUT", "/fhir/Patient/zanzibar-id", &[], patient.to_string().as_bytes());
    assert_eq!(reply.unwrap().status, 201);
    assert_eq!(client.get("/fhir/Patient?name=Quuxington").status, 200);
    assert_eq!(client.get("/fhir/Patient/zanzibar-id").status, 200);
    assert_eq!(client.get("/quuxington").status, 404);
    let named = [("x-request-id", "from-the-lab.7")];
    client.send("DELETE", "/fhir/Patient/zanzibar-id", &named, b"").unwrap();
    assert_eq!(client.send("QUUXINGTON", "/healthz", &[], b"").unwrap().status, 405);
    assert!(server.end("-TERM").success());
    let log = server.log();
    let lines: Vec<Value> =
        log.lines().map(|line| serde_json::from_str(line).expect("a line of JSON")).collect();
    for says in ["server started", "server stopping", "server stopped"] {
        assert!(lines.iter().any(|line| line["message"] == says), "{says}: {log}");
    }
    for known in ["quuxington", "zanzibar"] {
        assert!(!log.to_lowercase().contains(known), "{log}");
    }
    // One line for each request, by its template.
    let line = |line: &Value| {
        assert!(line["duration_ms"].is_number() && line["request"].is_string(), "{line}");
        format!("{} {} {}", line["method"], line["route"], line["status"]).replace('"', "")
    };
    let answered = |line: &&Value| line["message"] == "request answered";
    let access: Vec<String> = lines.iter().filter(answered).map(line).collect();
    let expected = [
        "PUT /fhir/{type}/{id} 201",
        "GET /fhir/{type} 200",
        "GET /fhir/{type}/{id} 200",
        "other other 404",
        "DELETE /fhir/{type}/{id} 204",
        "other other 405",
    ];
    assert_eq!(access, expected);
    assert!(lines.iter().any(|line| line["request"] == "from-the-lab.7"));
}

#[test]
fn samples_the_index_and_tells() {
    let house = House::new();
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join("h.json"), ward_sim::Hospital::new(2).base_bundle()).unwrap();
    house.import(&[folder.path().to_owned()]);
    let token = house.token_for("administrator");
    let server = Serving::start(&house, &[("WARD_CARE_SAMPLE_S", "1")]);
    let mut client = Client::new(&server.address, Some(&token));
    let figure = |page: &str, name: &str| -> f64 {
        let line = page.lines().find(|line| line.starts_with(&format!("{name} ")));
        line.and_then(|line| line.split(' ').nth(1)?.parse().ok())
            .unwrap_or_else(|| panic!("{name}: {page}"))
    };
    let began = Instant::now();
    loop {
        let reply = client.get("/metrics");
        assert_eq!(reply.status, 200);
        let page = String::from_utf8(reply.body).unwrap();
        assert!(page.ends_with("# EOF\n"));
        assert_eq!(figure(&page, "ward_index_differing_records_total"), 0.0);
        if 0.0 < figure(&page, "ward_index_sampled_records_total") {
            break;
        }
        assert!(began.elapsed() < Duration::from_secs(30), "no sample was taken");
        pause(Duration::from_millis(20));
    }
}

#[test]
fn tells_how_the_chart_stands() {
    let house = House::new();
    let token = house.token_for("administrator");
    let server = Serving::start(&house, &[]);
    let figure = |page: &str, name: &str| -> u64 {
        let line = page.lines().find_map(|line| line.strip_prefix(&format!("{name} ")));
        line.unwrap_or_else(|| panic!("{name}: {page}")).parse().unwrap()
    };
    let page = || {
        let mut client = Client::new(&server.address, Some(&token));
        String::from_utf8(client.get("/metrics").body).unwrap()
    };
    // Two tokens, and what the first start writes.
    let n_before = figure(&page(), "ward_record_versions");
    let mut client = server.client(&house);
    for _ in 0..3 {
        let reply = client.post("/fhir/Patient", &json!({ "resourceType": "Patient" }));
        assert_eq!(reply.status, 201);
        let id = reply.json()["id"].as_str().unwrap().to_owned();
        assert_eq!(client.get(&format!("/fhir/Patient/{id}")).status, 200);
    }
    let page = page();
    let figure = |name: &str| figure(&page, name);
    // Asking left an entry and no commit; what was answered before can be searched.
    assert_eq!(figure("ward_searchable_commit"), figure("ward_commits"));
    // Three patients; each request has its entry.
    assert!(2 <= n_before);
    assert_eq!(figure("ward_record_versions"), n_before + 3);
    assert!(5 + 3 <= figure("ward_audit_entries"));
    assert!(6 <= figure("ward_batches_total"));
    assert!(figure("ward_batches_total") <= figure("ward_units_total"));
    assert!(0 < figure("ward_row_cache_bytes"));
    assert_eq!(figure("ward_batches_failed_total"), 0);
    assert_eq!(figure("ward_commands_dead"), 0);
}

#[test]
fn checkpoints_outside_find_what_was_put_back() {
    let house = House::new();
    let outside = tempfile::tempdir().unwrap();
    let kept = outside.path().join("ward-audit.checkpoints");
    let dir = outside.path().to_str().unwrap().to_owned();
    let settings = [("WARD_AUDIT_CHECKPOINT_DIR", dir.as_str()), ("WARD_AUDIT_CHECKPOINT_S", "1")];
    let create = |client: &mut Client| {
        let reply = client.post("/fhir/Patient", &json!({ "resourceType": "Patient" }));
        assert_eq!(reply.status, 201);
    };
    let n_kept = || fs::read_to_string(&kept).map_or(0, |text| text.matches("----").count());

    let mut server = Serving::start(&house, &settings);
    create(&mut server.client(&house));
    assert!(server.end("-TERM").success());
    let yesterday = tempfile::tempdir().unwrap();
    copy(&house.data(), &yesterday.path().join("data"));

    let mut server = Serving::start(&house, &settings);
    create(&mut server.client(&house));
    // Signed without another write, soon after the last.
    let before = n_kept();
    create(&mut server.client(&house));
    wait_until(Duration::from_secs(3), || before + 1 < n_kept());
    assert!(before < n_kept(), "no checkpoint was signed by itself");
    server.kill();
    let verify = || {
        let output = house.run(&["audit", "verify", "--checkpoint", kept.to_str().unwrap()]);
        (output.status.success(), String::from_utf8(output.stdout).unwrap())
    };
    let (is_good, says) = verify();
    assert!(is_good, "{says}");

    fs::remove_dir_all(house.data()).unwrap();
    copy(&yesterday.path().join("data"), &house.data());
    let (is_good, says) = verify();
    assert!(!is_good && says.contains("NOT whole"), "{says}");
    // A file of checkpoints that is named and not there is no proof.
    let output = house.run(&["audit", "verify", "--checkpoint", "/nowhere"]);
    assert!(!output.status.success());
}

struct Serving {
    child: Child,
    address: String,
    log: Option<std::thread::JoinHandle<String>>,
}

impl Serving {
    fn start(house: &House, settings: &[(&str, &str)]) -> Serving {
        let mut child = Command::new(ward())
            .args(["serve", "--http", "127.0.0.1:0", "--mllp", "127.0.0.1:0", "--data"])
            .arg(house.data())
            .envs(settings.iter().copied())
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        let mut stderr = child.stderr.take().unwrap();
        let log = std::thread::spawn(move || {
            let mut text = String::new();
            stderr.read_to_string(&mut text).unwrap();
            text
        });
        let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
        let address = loop {
            let Some(line) = lines.next() else { panic!("{}", log.join().unwrap()) };
            if let Some(address) = line.unwrap().strip_prefix("listening http://") {
                break address.to_owned();
            }
        };
        Serving { child, address, log: Some(log) }
    }

    fn client(&self, house: &House) -> Client {
        Client::new(&self.address, Some(&house.token))
    }

    fn end(&mut self, signal: &str) -> ExitStatus {
        let pid = self.child.id().to_string();
        assert!(Command::new("kill").args([signal, &pid]).status().unwrap().success());
        self.child.wait().unwrap()
    }

    fn kill(&mut self) {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
    }

    fn log(&mut self) -> String {
        self.log.take().unwrap().join().unwrap()
    }
}

impl Drop for Serving {
    fn drop(&mut self) {
        let _ended = self.child.kill();
        let _reaped = self.child.wait();
    }
}

fn copy(from: &Path, to: &Path) {
    fs::create_dir_all(to).unwrap();
    for entry in fs::read_dir(from).unwrap() {
        let path = entry.unwrap().path();
        let to = to.join(path.file_name().unwrap());
        if path.is_dir() {
            copy(&path, &to);
        } else if path.is_file() {
            fs::copy(&path, &to).unwrap();
        }
    }
}
