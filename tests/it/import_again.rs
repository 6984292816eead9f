//! An import that is broken off, repeated, or partly refused.

use std::{
    collections::BTreeMap,
    fs,
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    time::{Duration, Instant},
};

use serde_json::{Value, json};
use ward_tests::{Client, House, pause, wait_until, ward};

/// Counts by type.
type Counts = BTreeMap<String, u64>;

#[test]
fn killed_at_random_moments() {
    let folder = tempfile::tempdir().unwrap();
    let counts = population(folder.path(), 60);
    let house = House::new();
    let whole = {
        let other = House::new();
        let began = Instant::now();
        other.import(&[folder.path().to_owned()]);
        began.elapsed()
    };
    let mut random = 88_172_645_463_325_252_u64;
    let (mut n_killed, mut tries) = (0, 0);
    loop {
        tries += 1;
        assert!(tries < 100, "never done");
        let mut child = start(&house, folder.path());
        // A few moments with the chart half full, then to the end.
        let patience = match n_killed {
            0..12 => whole.mul_f64(next(&mut random) / 4.0),
            _ => Duration::from_secs(120),
        };
        match ended_within(&mut child, patience) {
            None => {
                child.kill().unwrap();
                child.wait().unwrap();
                n_killed += 1;
            }
            Some(is_success) => {
                assert!(is_success, "an import that was not killed failed");
                break;
            }
        }
    }
    assert!(0 < n_killed, "nothing was killed");
    let mut server = house.serve();
    assert_eq!(counts_of(&mut server.client(), &counts), counts);
    server.kill();
    let last = house.import(&[folder.path().to_owned()]);
    assert_eq!(last["resources"], json!({}), "everything was there");
    assert_eq!(last["already"], serde_json::to_value(&counts).unwrap());
}

#[test]
fn killed_server_under_an_import() {
    let folder = tempfile::tempdir().unwrap();
    let counts = population(folder.path(), 60);
    let house = House::new();
    let mut random = 0x9e37_79b9_7f4a_7c15_u64;
    for _ in 0..4 {
        let mut server = house.serve();
        let mut child = start(&house, folder.path());
        pause(Duration::from_millis((next(&mut random) * 600.0) as u64));
        server.kill();
        child.wait().unwrap();
    }
    let server = house.serve();
    let last = house.import(&[folder.path().to_owned()]);
    assert_eq!(counts_of(&mut server.client(), &counts), counts);
    assert_eq!(sum(&last["resources"]) + sum(&last["already"]), counts.values().sum::<u64>());
    let again = house.import(&[folder.path().to_owned()]);
    assert_eq!(again["already"], serde_json::to_value(&counts).unwrap());
}

#[test]
fn while_it_is_served() {
    let folder = tempfile::tempdir().unwrap();
    let counts = population(folder.path(), 12);
    let house = House::new();
    let server = house.serve();
    let summary = house.import(&[folder.path().to_owned()]);
    assert_eq!(summary["resources"], serde_json::to_value(&counts).unwrap());
    assert_eq!(counts_of(&mut server.client(), &counts), counts);
}

#[test]
fn what_is_refused_is_refused_alone() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("Patient.ndjson");
    let mut text = Vec::new();
    for n in 1..=450 {
        match n {
            7 => text.extend(b"{\"resourceType\":\"Patient\",\"id\":"),
            9 => text.extend(b"{\"resourceType\":\"Patient\",\"id\":\"n9\",\"language\":\"\xff\"}"),
            11 => text.extend(b"{\"resourceType\":\"Ptient\",\"id\":\"n11\"}"),
            13 => {}
            250 => {
                text.extend(
                    b"{\"resourceType\":\"Patient\",\"id\":\"n250\",\"active\":\"perhaps\"}",
                );
            }
            300 => text.resize(text.len() + 17 * 1024 * 1024, b'x'),
            _ => text.extend(format!(r#"{{"resourceType":"Patient","id":"n{n}"}}"#).as_bytes()),
        }
        text.push(b'\n');
    }
    fs::write(&path, text).unwrap();
    let house = House::new();
    for is_served in [false, true] {
        let server = is_served.then(|| house.serve());
        let output = house.run(&["import", "--json", path.to_str().unwrap()]);
        assert!(!output.status.success(), "refusals are a failure");
        let summary: Value = serde_json::from_slice(&output.stdout).unwrap();
        let counts = if is_served { &summary["already"] } else { &summary["resources"] };
        assert_eq!(*counts, json!({ "Patient": 444 }), "{summary}");
        assert_eq!(summary["n_refused"], 5);
        let mut lines: Vec<u64> = summary["refused"]
            .as_array()
            .unwrap()
            .iter()
            .map(|it| it["line"].as_u64().unwrap())
            .collect();
        lines.sort_unstable();
        assert_eq!(lines, [7, 9, 11, 250, 300]);
        let said = String::from_utf8(output.stdout).unwrap();
        assert!(!said.contains("perhaps") && !said.contains("ndjson"), "{said}");
        if let Some(server) = server {
            let counts = Counts::from([("Patient".to_owned(), 444)]);
            assert_eq!(counts_of(&mut server.client(), &counts), counts);
        }
    }
}

#[test]
fn decimals_and_versions_stay_as_they_were_written() {
    let folder = tempfile::tempdir().unwrap();
    let observation = |id: &str, value: &str| {
        format!(
            r#"{{"resourceType":"Observation","id":"{id}","status":"final","code":{{"text":"x"}},"valueQuantity":{{"value":{value}}}}}"#
        )
    };
    for (kind, id) in [("collection", "c"), ("searchset", "s"), ("document", "d")] {
        let resource = observation(id, "1.00");
        let text = format!(
            r#"{{"resourceType":"Bundle","type":"{kind}","entry":[{{"resource":{resource}}}]}}"#
        );
        fs::write(folder.path().join(format!("{kind}.json")), text).unwrap();
    }
    let batch = format!(
        r#"{{"resourceType":"Bundle","type":"batch","entry":[{{"resource":{},"request":{{"method":"PUT","url":"Observation/b"}}}},{{"request":{{"method":"PUT","url":"Observation/nothing"}}}}]}}"#,
        observation("b", "1.00")
    );
    fs::write(folder.path().join("batch.json"), batch).unwrap();
    let lines: Vec<String> =
        ["1.00", "2.000", "3.0e1"].iter().map(|value| observation("l", value)).collect();
    fs::write(folder.path().join("lines.ndjson"), lines.join("\n")).unwrap();
    let house = House::new();
    let output = house.run(&["import", "--json", folder.path().to_str().unwrap()]);
    let summary: Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!(summary["resources"], json!({ "Observation": 7 }), "{summary}");
    assert_eq!(summary["n_refused"], 1, "the batch's second entry, alone: {summary}");
    let server = house.serve();
    let mut client = server.client();
    let mut value_at = |path: &str| {
        let reply = client.get(&format!("/fhir/Observation/{path}"));
        assert_eq!(reply.status, 200, "{path}");
        let text = String::from_utf8(reply.body).unwrap();
        let value = text.split(r#""value":"#).nth(1).unwrap();
        value[..value.find('}').unwrap()].to_owned()
    };
    for id in ["c", "s", "d", "b"] {
        assert_eq!(value_at(id), "1.00", "{id}");
    }
    let versions: Vec<String> =
        (1..=3).map(|version| value_at(&format!("l/_history/{version}"))).collect();
    assert_eq!(versions, ["1.00", "2.000", "3.0e1"]);
}

#[test]
fn equal_files_are_both_loaded_and_loaded_once() {
    let folder = tempfile::tempdir().unwrap();
    let bundle = json!({ "resourceType": "Bundle", "type": "transaction", "entry": [
        { "resource": { "resourceType": "Patient" }, "request": { "method": "POST", "url": "Patient" } }
    ] });
    for name in ["a.json", "b.json"] {
        fs::write(folder.path().join(name), bundle.to_string()).unwrap();
    }
    let house = House::new();
    // The same file by two names is one file.
    let paths = [folder.path().to_owned(), folder.path().join("a.json")];
    assert_eq!(house.import(&paths)["resources"], json!({ "Patient": 2 }));
    assert_eq!(house.import(&paths)["already"], json!({ "Patient": 2 }));
    let server = house.serve();
    let counts = Counts::from([("Patient".to_owned(), 2)]);
    assert_eq!(counts_of(&mut server.client(), &counts), counts);
}

/// A simulated population as files, and what is in it.
fn population(folder: &Path, n_patients: u64) -> Counts {
    let hospital = ward_sim::Hospital::new(5);
    let mut texts = vec![("hospital.json".to_owned(), hospital.base_bundle())];
    for n in 0..n_patients {
        texts.push((format!("p{n}.json"), hospital.patient_bundle(n)));
    }
    let mut counts = Counts::new();
    for (name, text) in texts {
        let bundle: Value = serde_json::from_slice(&text).unwrap();
        for entry in bundle["entry"].as_array().unwrap() {
            let kind = entry["resource"]["resourceType"].as_str().unwrap();
            *counts.entry(kind.to_owned()).or_default() += 1;
        }
        fs::write(folder.join(name), text).unwrap();
    }
    counts
}

fn start(house: &House, path: &Path) -> Child {
    let data: PathBuf = house.data();
    let mut command = Command::new(ward());
    command.args(["import", "--json", "--data"]).arg(data).arg(path);
    command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap()
}

fn ended_within(child: &mut Child, patience: Duration) -> Option<bool> {
    let mut ended = None;
    wait_until(patience, || {
        ended = child.try_wait().unwrap();
        ended.is_some()
    });
    ended.map(|status| status.success())
}

/// What searches count of the same types.
fn counts_of(client: &mut Client, like: &Counts) -> Counts {
    let count = |kind: &String| {
        let reply = client.get(&format!("/fhir/{kind}?_summary=count"));
        assert_eq!(reply.status, 200, "{kind}");
        (kind.clone(), reply.json()["total"].as_u64().unwrap())
    };
    like.keys().map(count).collect()
}

fn sum(counts: &Value) -> u64 {
    counts.as_object().unwrap().values().map(|n| n.as_u64().unwrap()).sum()
}

/// Xorshift: from 0 to 1.
fn next(state: &mut u64) -> f64 {
    *state ^= *state << 13;
    *state ^= *state >> 7;
    *state ^= *state << 17;
    (*state >> 11) as f64 / (1_u64 << 53) as f64
}
