//! Real bundles go in and come out again with nothing lost.

use std::{
    collections::{BTreeMap, HashMap},
    fs,
    path::{Path, PathBuf},
};

use serde_json::Value;
use ward_tests::{Client, House, shared_data, skip};

#[test]
fn smart_bundles() {
    let Some(folder) = shared_data("fhir/synthea-r4-smart") else {
        return skip("synthea-r4-smart is not on this machine");
    };
    there_and_back(&files(&folder, "json"));
}

#[test]
fn iris_bundles() {
    let Some(folder) = shared_data("fhir/synthea-iris") else {
        return skip("synthea-iris is not on this machine");
    };
    let mut paths = files(&folder, "json");
    // The patients refer to the hospital and its people.
    paths.sort_by_key(|p| {
        let name = p.file_name().unwrap().to_string_lossy().into_owned();
        (!name.starts_with("hospital"), !name.starts_with("practitioner"), name)
    });
    there_and_back(&paths);
}

#[test]
fn bulk_ndjson() {
    let Some(folder) = shared_data("fhir/synthea-bulk10") else {
        return skip("synthea-bulk10 is not on this machine");
    };
    let paths = files(&folder, "ndjson");
    let paths: Vec<PathBuf> = paths.into_iter().filter(|p| !p.ends_with("log.ndjson")).collect();
    let mut sent: HashMap<String, Value> = HashMap::new();
    let mut counts: BTreeMap<String, u64> = BTreeMap::new();
    for path in &paths {
        for line in fs::read_to_string(path).unwrap().lines().filter(|l| !l.trim().is_empty()) {
            let resource: Value = serde_json::from_str(line).unwrap();
            let kind = text(&resource, "resourceType");
            *counts.entry(kind.clone()).or_default() += 1;
            // A later line with the same id is a later version.
            sent.insert(format!("{kind}/{}", text(&resource, "id")), resource);
        }
    }
    let house = House::new();
    let summary = house.import(&paths);
    assert_eq!(summary["resources"], serde_json::to_value(&counts).unwrap());
    let server = house.serve();
    let mut client = server.client();
    for (path, resource) in &sent {
        let mut read = read(&mut client, path);
        let mut resource = resource.clone();
        strip(&mut resource);
        strip(&mut read);
        resolved(&mut resource, &read);
        assert!(read == resource, "{} came back changed", text(&resource, "resourceType"));
    }
}

#[test]
fn the_simulated_population() {
    let folder = tempfile::tempdir().unwrap();
    let hospital = ward_sim::Hospital::new(3);
    let mut paths = vec![folder.path().join("hospital.json")];
    fs::write(&paths[0], hospital.base_bundle()).unwrap();
    for n in 0..12 {
        let path = folder.path().join(format!("{n}.json"));
        fs::write(&path, hospital.patient_bundle(n)).unwrap();
        paths.push(path);
    }
    there_and_back(&paths);
}

/// Imports transactions; counts are equal, and everything sent is read back.
fn there_and_back(paths: &[PathBuf]) {
    assert!(!paths.is_empty());
    let bundles: Vec<Value> =
        paths.iter().map(|p| serde_json::from_slice(&fs::read(p).unwrap()).unwrap()).collect();
    let mut counts: BTreeMap<String, u64> = BTreeMap::new();
    let mut sent: BTreeMap<String, Vec<&Value>> = BTreeMap::new();
    for entry in bundles.iter().flat_map(|b| b["entry"].as_array().unwrap()) {
        let resource = &entry["resource"];
        let kind = text(resource, "resourceType");
        *counts.entry(kind.clone()).or_default() += 1;
        sent.entry(kind).or_default().push(entry);
    }
    let house = House::new();
    let summary = house.import(paths);
    assert_eq!(summary["resources"], serde_json::to_value(&counts).unwrap());

    let server = house.serve();
    let mut client = server.client();
    let all = everything(&mut client, sent.keys());
    check_links(&all);
    for (kind, entries) in sent {
        let stored: Vec<&Value> = all
            .iter()
            .filter(|(path, _)| path.starts_with(&format!("{kind}/")))
            .map(|(_, r)| r)
            .collect();
        // Conditional creates find what an earlier bundle made.
        let once = entries.iter().any(|e| e["request"].get("ifNoneExist").is_some());
        assert!(
            once || stored.len() == entries.len(),
            "{kind}: {} of {}",
            stored.len(),
            entries.len()
        );
        // Ids and links are given anew, so content is compared with every link made equal.
        let count = |resources: Vec<&Value>| {
            let mut counts: BTreeMap<String, usize> = BTreeMap::new();
            for resource in resources {
                let mut plain = resource.clone();
                blank(&mut plain);
                *counts.entry(in_order(&plain).to_string()).or_default() += 1;
            }
            counts
        };
        let before = count(entries.iter().map(|e| &e["resource"]).collect());
        let after = count(stored);
        for (content, n) in &before {
            let kept = after.get(content).copied().unwrap_or(0);
            assert!(kept == *n || once && 0 < kept, "{kind}: {n} sent, {kept} kept");
        }
    }
}

/// The same with members sorted, so that equal content is equal text.
fn in_order(value: &Value) -> Value {
    match value {
        Value::Object(members) => {
            let sorted: BTreeMap<&String, Value> =
                members.iter().map(|(name, value)| (name, in_order(value))).collect();
            sorted.into_iter().map(|(name, value)| (name.clone(), value)).collect()
        }
        Value::Array(items) => items.iter().map(in_order).collect(),
        other => other.clone(),
    }
}

/// Puts what a conditional reference was resolved to in its place, if that is a reference to one
/// record of the type it asks for.
fn resolved(sent: &mut Value, kept: &Value) {
    match (sent, kept) {
        (Value::Object(sent), Value::Object(kept)) => {
            for (name, value) in sent {
                let Some(kept) = kept.get(name) else { continue };
                match value.as_str().and_then(|link| link.split_once('?')) {
                    Some((kind, _)) if name == "reference" => {
                        let link = kept.as_str().unwrap();
                        assert!(link.starts_with(&format!("{kind}/")) && !link.contains('?'));
                        *value = kept.clone();
                    }
                    _ => resolved(value, kept),
                }
            }
        }
        (Value::Array(sent), Value::Array(kept)) => {
            sent.iter_mut().zip(kept).for_each(|(sent, kept)| resolved(sent, kept));
        }
        _ => (),
    }
}

/// All current resources of some types, by `Type/id`, page by page.
fn everything<'a>(
    client: &mut Client,
    kinds: impl Iterator<Item = &'a String>,
) -> BTreeMap<String, Value> {
    let mut all = BTreeMap::new();
    for kind in kinds {
        let mut next = Some(format!("/fhir/{kind}?_count=500"));
        while let Some(path) = next {
            let reply = client.get(&path);
            assert_eq!(reply.status, 200, "{kind}");
            let page = reply.json();
            for entry in page["entry"].as_array().into_iter().flatten() {
                let resource = entry["resource"].clone();
                let path = format!("{kind}/{}", text(&resource, "id"));
                assert!(all.insert(path, resource).is_none(), "{kind}: twice in the pages");
            }
            let links = page["link"].as_array().unwrap();
            let link = links.iter().find(|l| l["relation"] == "next");
            next = link.map(|l| {
                let url = l["url"].as_str().unwrap();
                url[url.find("/fhir/").unwrap()..].to_owned()
            });
        }
    }
    all
}

/// No link is left as it was sent, and every one leads somewhere.
fn check_links(all: &BTreeMap<String, Value>) {
    let mut links = Vec::new();
    all.values().for_each(|r| references(r, &mut links));
    assert!(!links.is_empty());
    for link in links {
        if link.starts_with('#') {
            continue;
        }
        let path = link.split("/_history").next().unwrap();
        assert!(
            all.contains_key(path),
            "a link leads nowhere: {}",
            path.split('/').next().unwrap()
        );
    }
}

fn references<'a>(value: &'a Value, found: &mut Vec<&'a str>) {
    match value {
        Value::Object(members) => {
            found.extend(members.get("reference").and_then(Value::as_str));
            members.values().for_each(|v| references(v, found));
        }
        Value::Array(items) => items.iter().for_each(|v| references(v, found)),
        _ => (),
    }
}

/// Takes out what the server gives: id, version, time; and the target of every link.
fn blank(resource: &mut Value) {
    let members = resource.as_object_mut().unwrap();
    members.remove("id");
    strip(resource);
    blank_links(resource);
}

fn blank_links(value: &mut Value) {
    match value {
        Value::Object(members) => {
            for (name, value) in members {
                match value {
                    Value::String(link) if name == "reference" && !link.starts_with('#') => {
                        *link = "LINK".to_owned();
                    }
                    // Addresses inside other elements are given anew too.
                    Value::String(link) if link.starts_with("urn:uuid:") || is_local(link) => {
                        *link = "LINK".to_owned();
                    }
                    value => blank_links(value),
                }
            }
        }
        Value::Array(items) => items.iter_mut().for_each(blank_links),
        _ => (),
    }
}

fn is_local(link: &str) -> bool {
    let mut parts = link.split('/');
    let kind = parts.next().unwrap_or_default();
    let id = parts.next().unwrap_or_default();
    kind.starts_with(char::is_uppercase) && id.len() == 36 && parts.next().is_none()
}

fn strip(resource: &mut Value) {
    let members = resource.as_object_mut().unwrap();
    let is_empty = members.get_mut("meta").and_then(Value::as_object_mut).is_some_and(|meta| {
        meta.remove("versionId");
        meta.remove("lastUpdated");
        meta.is_empty()
    });
    if is_empty {
        members.remove("meta");
    }
}

fn read(client: &mut Client, path: &str) -> Value {
    let reply = client.get(&format!("/fhir/{path}"));
    assert_eq!(reply.status, 200);
    reply.json()
}

fn text(value: &Value, name: &str) -> String {
    value[name].as_str().unwrap().to_owned()
}

fn files(folder: &Path, ext: &str) -> Vec<PathBuf> {
    let entries = fs::read_dir(folder).unwrap().map(|e| e.unwrap().path());
    let mut found: Vec<PathBuf> =
        entries.filter(|p| p.extension().is_some_and(|e| e == ext)).collect();
    found.sort();
    found
}
