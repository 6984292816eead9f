//! Real bundles, imported and read back.

use std::{collections::BTreeMap, fs, path::PathBuf};

use ward_core::{RecordKey, ResourceType};
use ward_fhir::Json;

use crate::house::House;

fn folder() -> Option<PathBuf> {
    let data = std::env::var_os("WARD_SHARED_DATA").map(PathBuf::from).unwrap_or_else(|| {
        PathBuf::from(std::env::var("CARGO_MANIFEST_DIR").unwrap()).join("../../../shared/data")
    });
    let folder = data.join("fhir/synthea-r4-smart");
    folder.is_dir().then_some(folder)
}

/// Replaces every link of the transaction as the standard says, by another way than the product:
/// in the text.
fn linked(text: &str, links: &BTreeMap<String, String>) -> String {
    let mut text = text.to_owned();
    for (from, to) in links {
        text =
            text.replace(&format!("\"reference\":\"{from}\""), &format!("\"reference\":\"{to}\""));
    }
    text
}

#[tokio::test]
async fn every_resource_reads_back_as_it_was_sent() {
    let Some(folder) = folder() else {
        eprintln!("!! SKIPPED: no Synthea bundles; set WARD_SHARED_DATA to test on real input");
        return;
    };
    let mut house = House::new();
    let mut paths: Vec<_> = fs::read_dir(&folder).unwrap().map(|it| it.unwrap().path()).collect();
    paths.retain(|path| path.extension().is_some_and(|it| it == "json"));
    paths.sort();
    let mut n_read = 0;
    for path in paths.iter().step_by(8) {
        let text = fs::read(path).unwrap();
        let sent = Json::parse(&text).unwrap();
        let cx = house.integration();
        let reply = house.records.bundle(&cx, &text).await.unwrap();
        let body = reply.body.unwrap();
        let answer = Json::parse(&body).unwrap();
        let entries = sent.get("entry").unwrap().items();
        let answers = answer.get("entry").unwrap().items();
        assert_eq!(entries.len(), answers.len());
        let keys: Vec<RecordKey> = answers
            .iter()
            .map(|entry| {
                let location = entry.get("response").unwrap().get("location").unwrap();
                let mut parts = location.as_str().unwrap().rsplit('/').skip(2);
                let id = parts.next().unwrap().parse().unwrap();
                let kind: ResourceType = parts.next().unwrap().parse().unwrap();
                RecordKey::new(kind, id)
            })
            .collect();
        let links: BTreeMap<String, String> = entries
            .iter()
            .zip(&keys)
            .map(|(entry, key)| {
                (entry.get("fullUrl").unwrap().as_str().unwrap().to_owned(), key.to_string())
            })
            .collect();
        for (entry, key) in entries.iter().zip(&keys) {
            let cx = house.integration();
            let reply = house.records.read(&cx, key).await.unwrap();
            let body = reply.body.unwrap();
            let mut found = Json::parse(&body).unwrap();
            let resource = entry.get("resource").unwrap().to_bytes();
            let expected = linked(std::str::from_utf8(&resource).unwrap(), &links);
            let mut expected = Json::parse(expected.as_bytes()).unwrap();
            for tree in [&mut found, &mut expected] {
                let object = tree.as_object_mut().unwrap();
                object.remove("id");
                if let Some(meta) = object.get_mut("meta").and_then(Json::as_object_mut) {
                    meta.remove("versionId");
                    meta.remove("lastUpdated");
                }
            }
            if expected.get("meta").is_none() {
                found.as_object_mut().unwrap().remove("meta");
            }
            assert!(found.same_content(&expected), "{key}");
            n_read += 1;
        }
    }
    assert!(500 < n_read);
}
