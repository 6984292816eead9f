//! What messages bring is found by search: nothing is only in the chart's rows.

use std::{
    fs,
    path::{Path, PathBuf},
};

use ward_fhir::Json;
use ward_hl7::{Message, ReadSettings};

use super::rig::*;
use crate::convert::Converter;

/// Messages of the project's own, and every tenth of the shared corpus where it is at hand.
fn messages() -> Vec<PathBuf> {
    let own = Path::new(env!("CARGO_MANIFEST_DIR"));
    let mut files = hl7_below(&own.join("tests/data/maps"));
    assert!(30 < files.len());
    let shared = std::env::var_os("WARD_SHARED_DATA")
        .map_or_else(|| own.join("../../../shared/data"), PathBuf::from);
    let corpus = hl7_below(&shared.join("hl7v2"));
    if corpus.is_empty() {
        eprintln!("!! SKIPPED in part: no HL7 v2 corpus; set WARD_SHARED_DATA to send it too");
    }
    files.extend(corpus.into_iter().step_by(10));
    files
}

fn hl7_below(folder: &Path) -> Vec<PathBuf> {
    let mut files = Vec::new();
    for entry in fs::read_dir(folder).into_iter().flatten() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            files.extend(hl7_below(&path));
        } else if path.extension().is_some_and(|ext| ext == "hl7") {
            files.push(path);
        }
    }
    files.sort();
    files
}

/// `system|value` in a query.
fn token(system: &str, value: &str) -> String {
    let part = |text: &str| {
        let mut out = String::new();
        for byte in text.bytes() {
            if matches!(byte, b'|' | b',' | b'$' | b'\\') {
                out.push_str("%5C");
            }
            out.push_str(&format!("%{byte:02X}"));
        }
        out
    };
    format!("{}|{}", part(system), part(value))
}

/// The first system and value of a list of identifiers or codings.
fn pairs(json: Option<&Json<'_>>, value: &str) -> Vec<(String, String)> {
    let text = |it: &Json<'_>, name: &str| {
        it.get(name).and_then(Json::as_str).unwrap_or_default().to_owned()
    };
    let items = json.map(Json::items).unwrap_or_default();
    items
        .iter()
        .map(|it| (text(it, "system"), text(it, value)))
        .filter(|(system, value)| !system.is_empty() && !value.trim().is_empty())
        .collect()
}

#[tokio::test]
async fn every_patient_stay_and_result_of_messages_is_found() {
    let rig = Rig::new();
    let converter = Converter::standard();
    let (mut n_applied, mut n_found) = (0, 0);
    for path in messages() {
        let text = fs::read_to_string(&path).unwrap().replace("\r\n", "\n").replace('\r', "\n");
        let bytes = text.trim_end().replace('\n', "\r");
        let Some(message) = Message::read(bytes.as_bytes(), &ReadSettings::default()).0 else {
            continue;
        };
        if rig.ack(text.trim_end()).await.code != "AA" {
            continue;
        }
        n_applied += 1;
        let converted = converter.to_fhir(&message, jiff::Timestamp::UNIX_EPOCH);
        for drafted in converted.resources {
            let body = &drafted.resource;
            let (kind, parameter, wanted) = match drafted.kind {
                kind @ ("Patient" | "Encounter") => {
                    (kind, "identifier", pairs(body.get("identifier"), "value"))
                }
                kind @ "Observation" => {
                    (kind, "code", pairs(body.get("code").and_then(|it| it.get("coding")), "code"))
                }
                _ => continue,
            };
            for (system, value) in wanted {
                let query = format!("{parameter}={}", token(&system, &value));
                let found = rig.search(kind, &query).await;
                assert!(!found.is_empty(), "{kind}?{query} of {}", path.display());
                n_found += 1;
            }
        }
    }
    assert!(25 < n_applied && 60 < n_found, "{n_applied} applied, {n_found} found");
}
