//! The cases, in the order they need each other's data.

#![expect(
    clippy::indexing_slicing,
    reason = "an absent member of a serde_json value reads as null"
)]

use std::{
    fs,
    path::{Path, PathBuf},
    sync::Arc,
    time::Duration,
};

use hyper::{Method, body::Bytes};
use ward_sim::{Depth, Hospital};
use ward_store::probe::{ProbeLoad, probe};

use super::{
    BenchArgs, BenchError, Figure,
    client::Client,
    load::{Call, Seen, count, run},
    server::Server,
};

/// Clients of the cases that are not about their number.
const CLIENTS: usize = 16;

/// Bundles in flight during the import.
const IMPORT_CLIENTS: usize = 4;

pub(super) async fn all(args: &BenchArgs, folder: &Path) -> Result<Vec<Figure>, BenchError> {
    let mut figures = Vec::new();
    let load = ProbeLoad { rows: 50_000, row_bytes: 600, keys_per_row: 20, rows_per_commit: 256 };
    let machine = probe(folder, load)?;
    figures.push(plain("fdatasync", machine.fdatasync.as_secs_f64() * 1e6, "us"));
    figures.push(plain("bare truth", machine.truth_per_s, "rows/s"));
    figures.push(plain("bare truth + index", machine.truth_and_index_per_s, "rows/s"));

    let data = folder.join("data");
    Server::prepare(&data)?;
    let server = Server::start(&data)?;
    figures.push(plain("idle memory, empty", mib(server.resident_bytes()), "MiB"));
    let imported = import(args, &server, &mut figures).await?;
    figures.push(plain("memory after import", mib(server.resident_bytes()), "MiB"));
    server.stop()?;

    let server = Server::start(&data)?;
    let start_ms = server.cold_start.as_secs_f64() * 1e3;
    figures.push(Figure { goal: Some(1000.0), ..plain("cold start", start_ms, "ms") });
    let idle = mib(server.resident_bytes());
    figures.push(Figure { goal: Some(100.0), ..plain("idle memory, loaded", idle, "MiB") });
    let ratio = bytes(server.disk_bytes()) / bytes(imported.json_bytes.max(1));
    figures.push(Figure { goal: Some(1.0), ..plain("disk / JSON", ratio, "x") });

    reads(args, &server, &imported, &mut figures).await?;
    writes(args, &server, &imported, &mut figures).await?;
    server.stop()?;
    Ok(figures)
}

struct Imported {
    patients: Vec<String>,
    /// Patient with a code that one of its observations has.
    coded: Vec<(String, String)>,
    families: Vec<String>,
    json_bytes: u64,
}

async fn import(
    args: &BenchArgs,
    server: &Server,
    figures: &mut Vec<Figure>,
) -> Result<Imported, BenchError> {
    let mut source = Source::open(args)?;
    let mut client = Client::connect(server.address, &server.token).await?;
    for bundle in source.first()? {
        let answer = client.send(Method::POST, "/fhir", bundle).await?;
        if answer.status != 200 {
            return Err(BenchError::Answer("the first bundles were refused"));
        }
    }
    let mut imported =
        Imported { patients: Vec::new(), coded: Vec::new(), families: Vec::new(), json_bytes: 0 };
    let target = usize::try_from(args.resources).unwrap_or(usize::MAX);
    let mut quarters: Vec<f64> = Vec::new();
    let mut total = Duration::ZERO;
    let mut n_done = 0;
    let mut n_failed = 0;
    let mut slowest: Option<Seen> = None;
    while n_done < target {
        // A slice of the load is made before it is timed.
        let mut calls = Vec::new();
        let mut n_slice = 0;
        while n_slice < target.div_ceil(4) {
            let (bundle, n_entries) = source.next()?;
            imported.json_bytes += u64::try_from(bundle.len()).unwrap_or(0);
            n_slice += n_entries;
            calls.push(Call { method: Method::POST, path: "/fhir".to_owned(), body: bundle });
        }
        let seen = run(server.address, &server.token, IMPORT_CLIENTS, Arc::new(calls)).await?;
        n_failed += seen.n_failed;
        n_done += n_slice;
        total += seen.elapsed;
        quarters.push(count(n_slice) / seen.elapsed.as_secs_f64());
        slowest = Some(seen);
    }
    let rate = count(n_done) / total.as_secs_f64();
    figures.push(Figure {
        n_failed,
        goal: Some(12_000.0),
        p50_ms: slowest.as_ref().map(|seen| seen.percentile_ms(50)),
        p99_ms: slowest.as_ref().map(|seen| seen.percentile_ms(99)),
        ..plain("transaction import over HTTP", rate, "resources/s")
    });
    if let (Some(first), Some(last)) = (quarters.first(), quarters.last()) {
        let kept = last / first;
        figures.push(Figure { goal: Some(0.85), ..plain("last quarter / first", kept, "x") });
    }
    // The first connection has been idle for the whole import, and idle ones are closed.
    let mut client = Client::connect(server.address, &server.token).await?;
    find_samples(&mut client, &mut imported).await?;
    Ok(imported)
}

/// Picks what the read cases ask for, out of the chart itself.
async fn find_samples(client: &mut Client, imported: &mut Imported) -> Result<(), BenchError> {
    let mut path = "/fhir/Patient?_count=1000&_elements=id,name".to_owned();
    while imported.patients.len() < 30_000 {
        let page = json(&client.get(&path).await?.body)?;
        for patient in resources(&page) {
            let text = |it: &serde_json::Value| it.as_str().map(str::to_owned);
            imported.patients.extend(text(&patient["id"]));
            imported.families.extend(text(&patient["name"][0]["family"]));
        }
        let next = page["link"].as_array().into_iter().flatten();
        let next = next.filter(|link| link["relation"] == "next").find_map(|l| l["url"].as_str());
        match next.and_then(|url| url.find("/fhir").and_then(|at| url.get(at..))) {
            Some(rest) => path = rest.to_owned(),
            None => break,
        }
    }
    for id in imported.patients.iter().step_by((imported.patients.len() / 200).max(1)) {
        let page =
            json(&client.get(&format!("/fhir/Observation?patient={id}&_count=1")).await?.body)?;
        for observation in resources(&page) {
            let coding = &observation["code"]["coding"][0];
            if let (Some(system), Some(code)) = (coding["system"].as_str(), coding["code"].as_str())
            {
                imported.coded.push((id.clone(), format!("{system}%7C{code}")));
            }
        }
    }
    Ok(())
}

async fn reads(
    args: &BenchArgs,
    server: &Server,
    imported: &Imported,
    figures: &mut Vec<Figure>,
) -> Result<(), BenchError> {
    let n = usize::try_from(args.requests).unwrap_or(usize::MAX);
    let by_id = imported.patients.iter().map(|id| format!("/fhir/Patient/{id}"));
    let by_code = imported
        .coded
        .iter()
        .map(|(id, code)| format!("/fhir/Observation?patient={id}&code={code}"));
    let by_name =
        imported.families.iter().map(|name| format!("/fhir/Patient?name={}", encoded(name)));
    let cases: [(&str, Vec<String>, f64); 3] = [
        ("read by id, audited", by_id.collect(), 15_000.0),
        ("Observation?patient&code, audited", by_code.collect(), 3_000.0),
        ("Patient?name=, audited", by_name.collect(), 3_000.0),
    ];
    for (name, paths, goal) in cases {
        let get =
            |path: &String| Call { method: Method::GET, path: path.clone(), body: Bytes::new() };
        let calls: Vec<Call> = paths.iter().cycle().take(n).map(get).collect();
        let seen = run(server.address, &server.token, CLIENTS, Arc::new(calls)).await?;
        figures.push(Figure { goal: Some(goal), ..timed(name, &seen) });
    }
    Ok(())
}

async fn writes(
    args: &BenchArgs,
    server: &Server,
    imported: &Imported,
    figures: &mut Vec<Figure>,
) -> Result<(), BenchError> {
    let Some(patient) = imported.patients.first() else {
        return Err(BenchError::Answer("no patient was imported"));
    };
    for (n_clients, goal) in [(1, None), (16, Some(4_000.0)), (64, None)] {
        let n = usize::try_from(args.requests).unwrap_or(usize::MAX)
            / if n_clients == 1 { 10 } else { 1 };
        let put = |at: usize| {
            let id = format!("bench-{n_clients}-{at}");
            let body = format!(
                r#"{{"resourceType":"Observation","id":"{id}","status":"final","category":[{{"coding":[{{"system":"http://terminology.hl7.org/CodeSystem/observation-category","code":"vital-signs"}}]}}],"code":{{"coding":[{{"system":"http://loinc.org","code":"8867-4","display":"Heart rate"}}]}},"subject":{{"reference":"Patient/{patient}"}},"effectiveDateTime":"2026-01-02T03:04:05Z","valueQuantity":{{"value":{},"unit":"/min","system":"http://unitsofmeasure.org","code":"/min"}}}}"#,
                60 + at % 60
            );
            Call {
                method: Method::PUT,
                path: format!("/fhir/Observation/{id}"),
                body: Bytes::from(body),
            }
        };
        let calls: Vec<Call> = (0..n).map(put).collect();
        let seen = run(server.address, &server.token, n_clients, Arc::new(calls)).await?;
        figures.push(Figure { goal, ..timed(&format!("durable PUT, {n_clients} clients"), &seen) });
    }
    Ok(())
}

/// Where bundles come from.
enum Source {
    Simulated { hospital: Hospital, n: u64 },
    Folder { first: Vec<PathBuf>, bundles: Vec<(Bytes, usize)>, at: usize },
}

impl Source {
    fn open(args: &BenchArgs) -> Result<Source, BenchError> {
        let Some(folder) = &args.bundles else {
            let depth = if args.small { Depth::Small } else { Depth::Full };
            let hospital = Hospital::new(1).with_depth(depth);
            return Ok(Source::Simulated { hospital, n: 0 });
        };
        let mut paths: Vec<PathBuf> = fs::read_dir(folder)
            .map_err(BenchError::Io)?
            .flatten()
            .map(|entry| entry.path())
            .filter(|path| path.extension().is_some_and(|ext| ext == "json"))
            .collect();
        paths.sort();
        let is_first = |path: &PathBuf| {
            let name = path.file_name().and_then(|name| name.to_str()).unwrap_or_default();
            name.starts_with("hospital") || name.starts_with("practitioner")
        };
        let (first, rest): (Vec<_>, Vec<_>) = paths.into_iter().partition(is_first);
        let mut bundles = Vec::new();
        for path in rest {
            let body = fs::read(path).map_err(BenchError::Io)?;
            let tree = json(&body)?;
            let n = tree["entry"].as_array().map_or(0, Vec::len);
            // Compact, so that "disk / JSON" is not flattered by white space.
            bundles.push((Bytes::from(serde_json::to_vec(&tree)?), n));
        }
        if bundles.is_empty() {
            return Err(BenchError::Answer("no bundles in that folder"));
        }
        Ok(Source::Folder { first, bundles, at: 0 })
    }

    fn first(&self) -> Result<Vec<Bytes>, BenchError> {
        match self {
            Source::Simulated { hospital, .. } => Ok(vec![Bytes::from(hospital.base_bundle())]),
            Source::Folder { first, .. } => first
                .iter()
                .map(|path| Ok(fs::read(path).map_err(BenchError::Io)?.into()))
                .collect(),
        }
    }

    fn next(&mut self) -> Result<(Bytes, usize), BenchError> {
        match self {
            Source::Simulated { hospital, n } => {
                let bundle = hospital.patient_bundle(*n);
                *n += 1;
                let n_entries = json(&bundle)?["entry"].as_array().map_or(0, Vec::len);
                Ok((Bytes::from(bundle), n_entries))
            }
            Source::Folder { bundles, at, .. } => {
                let bundle = bundles.get(*at % bundles.len()).cloned();
                *at += 1;
                bundle.ok_or(BenchError::Answer("no bundles in that folder"))
            }
        }
    }
}

/// Percent-encodes all but letters and digits.
fn encoded(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for byte in text.bytes() {
        match byte {
            b'A'..=b'Z' | b'a'..=b'z' | b'0'..=b'9' => out.push(char::from(byte)),
            other => out.push_str(&format!("%{other:02X}")),
        }
    }
    out
}

fn resources(page: &serde_json::Value) -> impl Iterator<Item = &serde_json::Value> {
    page["entry"].as_array().into_iter().flatten().map(|entry| &entry["resource"])
}

fn json(body: &[u8]) -> Result<serde_json::Value, BenchError> {
    Ok(serde_json::from_slice(body)?)
}

fn plain(name: &str, value: f64, unit: &'static str) -> Figure {
    Figure {
        name: name.to_owned(),
        value,
        unit,
        p50_ms: None,
        p99_ms: None,
        n_failed: 0,
        goal: None,
    }
}

fn timed(name: &str, seen: &Seen) -> Figure {
    Figure {
        p50_ms: Some(seen.percentile_ms(50)),
        p99_ms: Some(seen.percentile_ms(99)),
        n_failed: seen.n_failed,
        ..plain(name, seen.per_s(), "/s")
    }
}

fn mib(n_bytes: u64) -> f64 {
    bytes(n_bytes) / 1024.0 / 1024.0
}

/// Bytes as a float; a rounding in the sixteenth digit does not matter to a ratio.
fn bytes(n: u64) -> f64 {
    let high = u32::try_from(n >> 32).unwrap_or(u32::MAX);
    let low = u32::try_from(n & 0xffff_ffff).unwrap_or(u32::MAX);
    f64::from(high) * 4_294_967_296.0 + f64::from(low)
}
