//! Nothing of a person can be read from the data folder, by searching every byte of it.

use std::{
    collections::BTreeSet,
    fs,
    path::{Path, PathBuf},
};

use aho_corasick::AhoCorasick;
use serde_json::Value;
use ward_tests::{House, shared_data, skip};

const SEED: u64 = 11;
const N_PATIENTS: u64 = 40;

#[test]
fn nothing_readable_is_on_disk() {
    let hospital = ward_sim::Hospital::new(SEED);
    let folder = tempfile::tempdir().unwrap();
    let base = folder.path().join("hospital.json");
    fs::write(&base, hospital.base_bundle()).unwrap();
    let mut paths = vec![base];
    let mut words = BTreeSet::new();
    for n in 0..N_PATIENTS {
        let bytes = hospital.patient_bundle(n);
        collect(&serde_json::from_slice(&bytes).unwrap(), &mut words);
        let path = folder.path().join(format!("{n}.json"));
        fs::write(&path, bytes).unwrap();
        paths.push(path);
    }
    assert!(200 < words.len(), "{} words", words.len());
    let house = House::new();
    house.import(&paths);
    // While it serves, the log beside the database is there too.
    let server = house.serve();
    let mut client = server.client();
    assert_eq!(client.get("/fhir/Patient?name=smith").status, 200);
    let mut planted = words.clone();
    assert_eq!(found(&house.data(), &words), Vec::<String>::new());
    drop(server);
    assert_eq!(found(&house.data(), &words), Vec::<String>::new());

    // The search finds what is there, in both spellings.
    for (name, text) in [("plain", "Quetzalcoatl"), ("wide", "Xochipilli")] {
        let bytes: Vec<u8> = match name {
            "plain" => text.as_bytes().to_vec(),
            _ => text.encode_utf16().flat_map(u16::to_le_bytes).collect(),
        };
        fs::write(house.data().join(name), [b"\0\x01", bytes.as_slice()].concat()).unwrap();
        planted.insert(text.to_owned());
    }
    let found = found(&house.data(), &planted);
    assert_eq!(found, ["plain: Quetzalcoatl", "wide: Xochipilli"]);
}

/// The same for real bundles, every kind of resource in them, with the names and codes of whole
/// charts.
#[test]
fn nothing_of_real_charts_is_on_disk() {
    let folders = ["synthea-r4-smart", "synthea-iris", "synthea-bulk10"];
    let Some(folders) = folders
        .iter()
        .map(|name| shared_data(&format!("fhir/{name}")))
        .collect::<Option<Vec<PathBuf>>>()
    else {
        return skip("the Synthea bundles are not all on this machine");
    };
    let mut paths: Vec<PathBuf> = Vec::new();
    for folder in folders {
        let files = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
        let is_chart = |path: &PathBuf| {
            let extension = path.extension().and_then(|ext| ext.to_str());
            matches!(extension, Some("json" | "ndjson")) && !path.ends_with("log.ndjson")
        };
        let mut files: Vec<PathBuf> = files.filter(is_chart).collect();
        // The patients refer to the hospital and its people.
        files.sort_by_key(|path| {
            let name = path.file_name().unwrap().to_string_lossy().into_owned();
            (!name.starts_with("hospital"), !name.starts_with("practitioner"), name)
        });
        paths.extend(files);
    }
    let mut words = BTreeSet::new();
    for path in &paths {
        let text = fs::read_to_string(path).unwrap();
        for value in serde_json::Deserializer::from_str(&text).into_iter::<Value>() {
            collect(&value.unwrap(), &mut words);
        }
    }
    // In tens of megabytes of noise five letters of any case turn up by chance.
    words.retain(|word| 6 <= word.len());
    assert!(1_000 < words.len(), "{} words", words.len());
    let house = House::new();
    house.import(&paths);
    let server = house.serve();
    assert_eq!(server.client().get("/fhir/Patient?_count=1").status, 200);
    assert_eq!(found(&house.data(), &words), Vec::<String>::new());
    drop(server);
    let planted = words.iter().find(|word| word.is_ascii()).unwrap().clone();
    fs::write(house.data().join("planted"), planted.to_uppercase()).unwrap();
    assert_eq!(found(&house.data(), &words), [format!("planted: {planted}")]);
}

/// Names, identifiers, phones, streets and codes long enough that chance does not write them.
fn collect(value: &Value, words: &mut BTreeSet<String>) {
    match value {
        Value::Object(members) => {
            for (name, value) in members {
                let texts = match value {
                    Value::Array(items) => items.iter().filter_map(Value::as_str).collect(),
                    Value::String(text) => vec![text.as_str()],
                    _ => Vec::new(),
                };
                let is_clinical = members
                    .get("system")
                    .and_then(Value::as_str)
                    .is_some_and(|s| matches!(s, "http://snomed.info/sct" | "http://loinc.org"));
                let shortest = match name.as_str() {
                    "family" | "given" | "line" => 5,
                    "value" if members.contains_key("system") => 6,
                    // Six digits turn up by chance in megabytes of noise less than once in 10^8.
                    "code" if is_clinical => 6,
                    _ => usize::MAX,
                };
                let long = texts.into_iter().filter(|t| shortest <= t.len());
                words.extend(long.map(str::to_owned));
                collect(value, words);
            }
        }
        Value::Array(items) => items.iter().for_each(|item| collect(item, words)),
        _ => (),
    }
}

fn found(folder: &Path, words: &BTreeSet<String>) -> Vec<String> {
    let mut spellings: Vec<(&str, Vec<u8>)> = Vec::new();
    for word in words {
        spellings.push((word, word.as_bytes().to_vec()));
        let wide = word.encode_utf16().flat_map(u16::to_le_bytes).collect();
        spellings.push((word, wide));
    }
    let search = AhoCorasick::builder()
        .ascii_case_insensitive(true)
        .build(spellings.iter().map(|(_, bytes)| bytes))
        .unwrap();
    let mut files = Vec::new();
    walk(folder, &mut files);
    assert!(!files.is_empty());
    let mut found = Vec::new();
    for path in files {
        let Ok(bytes) = fs::read(&path) else { continue };
        let name = path.strip_prefix(folder).unwrap().display().to_string();
        let hits: BTreeSet<&str> =
            search.find_iter(&bytes).map(|hit| spellings[hit.pattern().as_usize()].0).collect();
        found.extend(hits.into_iter().map(|word| format!("{name}: {word}")));
    }
    found.sort();
    found
}

fn walk(folder: &Path, files: &mut Vec<PathBuf>) {
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            walk(&path, files);
        } else if path.is_file() {
            files.push(path);
        }
    }
}
