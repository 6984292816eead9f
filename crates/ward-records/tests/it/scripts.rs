//! Golden scripts: `NAME.http` asks, `NAME.txt` is what came back.
//!
//! A request is a line `METHOD path`, header lines `Name: value`, and a body up to the next line
//! that starts with `###`. `As: auditor` asks as one. `$1` in a later request is the id that the first create was given.

use std::{fs, path::Path};

use expect_test::expect_file;
use ward_core::{RecordKey, ResourceType};
use ward_records::{HistoryParams, PatchFormat, Prefer, RecordsError, Reply, SearchTarget};
use ward_store::HistoryOf;

use crate::house::House;

#[tokio::test]
async fn golden() {
    let folder = Path::new(&std::env::var("CARGO_MANIFEST_DIR").unwrap()).join("tests/data/script");
    let mut n_cases = 0;
    let mut paths: Vec<_> = fs::read_dir(&folder).unwrap().map(|it| it.unwrap().path()).collect();
    paths.sort();
    for path in paths.iter().filter(|path| path.extension().is_some_and(|it| it == "http")) {
        let told = tell(&fs::read_to_string(path).unwrap()).await;
        expect_file![path.with_extension("txt")].assert_eq(&told);
        n_cases += 1;
    }
    assert!(0 < n_cases, "no cases in {}", folder.display());
}

async fn tell(script: &str) -> String {
    let mut house = House::new();
    let mut ids: Vec<String> = Vec::new();
    let mut told = String::new();
    for block in script.split("###").map(str::trim).filter(|block| !block.is_empty()) {
        let mut block = block.to_owned();
        for (at, id) in ids.iter().enumerate().rev() {
            block = block.replace(&format!("${}", at + 1), id);
        }
        let (head, body) = block.split_once("\n\n").unwrap_or((&block, ""));
        let mut lines = head.lines();
        let (method, path) = lines.next().unwrap().split_once(' ').unwrap();
        let headers: Vec<(&str, &str)> = lines.filter_map(|line| line.split_once(": ")).collect();
        let answer = ask(&mut house, method, path, &headers, body.as_bytes()).await;
        if let Ok(Reply { status: 201, location: Some(location), .. }) = &answer {
            ids.push(location.split('/').rev().nth(2).unwrap().to_owned());
        }
        told.push_str(&format!("{method} {path}\n"));
        let (status, etag, body) = match answer {
            Ok(reply) => (reply.status, reply.etag, reply.body),
            Err(error) => (error.status(), None, Some(error.outcome())),
        };
        let etag = etag.map_or(String::new(), |version| format!(" W/\"{version}\""));
        told.push_str(&format!("  {status}{etag}\n"));
        if let Some(body) = body {
            told.push_str(&format!("  {}\n", String::from_utf8(body).unwrap()));
        }
    }
    told
}

async fn ask(
    house: &mut House,
    method: &str,
    path: &str,
    headers: &[(&str, &str)],
    body: &[u8],
) -> Result<Reply, RecordsError> {
    let header = |name: &str| headers.iter().find(|(n, _)| *n == name).map(|(_, v)| *v);
    let cx = match header("As") {
        Some("auditor") => house.auditor(),
        _ => house.integration(),
    };
    let records = &house.records;
    let (path, query) = path.split_once('?').unwrap_or((path, ""));
    let parts: Vec<&str> = path.trim_start_matches('/').split('/').collect();
    let kind = |name: &str| name.parse::<ResourceType>().unwrap();
    let key = |name: &str, id: &str| RecordKey::new(kind(name), id.parse().unwrap());
    let if_match = header("If-Match").map(|version| version.parse().unwrap());
    let is_lenient = header("Prefer") == Some("handling=lenient");
    let prefer = match header("Prefer") {
        Some("return=minimal") => Prefer::Minimal,
        Some("return=OperationOutcome") => Prefer::OperationOutcome,
        _ => Prefer::Representation,
    };
    match (method, parts.as_slice()) {
        ("POST", [""]) => records.bundle(&cx, body).await,
        ("POST", [name]) => {
            records.create(&cx, kind(name), body, header("If-None-Exist"), prefer).await
        }
        ("GET", [name]) => {
            records.search(&cx, &SearchTarget::Type(kind(name)), query, is_lenient).await
        }
        ("PUT", [name]) => records.conditional_update(&cx, kind(name), query, body, prefer).await,
        ("DELETE", [name]) => records.conditional_delete(&cx, kind(name), query).await,
        ("GET", [name, id]) => {
            let version = header("If-None-Match").map(|version| version.parse().unwrap());
            let since = header("If-Modified-Since").map(|time| time.parse().unwrap());
            records.read_unless(&cx, &key(name, id), version, since).await
        }
        ("PUT", [name, id]) => records.update(&cx, &key(name, id), body, if_match, prefer).await,
        ("DELETE", [name, id]) => records.delete(&cx, &key(name, id), if_match).await,
        ("PATCH", [name, id]) => {
            let format = match header("Content-Type") {
                Some("application/json-patch+json") => PatchFormat::Json,
                _ => PatchFormat::FhirPath,
            };
            records.patch(&cx, &key(name, id), format, body, if_match, prefer).await
        }
        ("GET", [name, id, "_history"]) => {
            let params = HistoryParams::parse(query).unwrap();
            records.history(&cx, HistoryOf::Instance(key(name, id)), params).await
        }
        ("GET", [name, id, "_history", version]) => {
            records.vread(&cx, &key(name, id), version.parse().unwrap()).await
        }
        ("GET", ["Patient", id, "$everything"]) => {
            records.everything(&cx, &id.parse().unwrap(), query).await
        }
        ("GET", [of, id, name]) => {
            let kind = (*name != "*").then(|| kind(name));
            let target = SearchTarget::Compartment { of: key(of, id), kind };
            records.search(&cx, &target, query, is_lenient).await
        }
        _ => panic!("not a request of these scripts: {method} {path}"),
    }
}
