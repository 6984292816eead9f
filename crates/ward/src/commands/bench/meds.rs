//! `ward bench --meds`: orders signed by a physician and verified by a pharmacist, each checked
//! twice, over HTTP.

use std::{
    path::Path,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    time::{Duration, Instant},
};

use hyper::{Method, body::Bytes};
use serde_json::{Value, json};

use super::{
    BenchArgs, BenchError, Figure,
    client::Client,
    load::count,
    server::{Server, token_of},
};

/// Connections that order at once: the wards of a large hospital.
const CONNECTIONS: usize = 64;

/// One in so many patients is allergic to what is ordered: whose order goes on without a word has
/// lost its check.
const ALLERGIC: usize = 10;

/// Patients in one transaction.
const PATIENTS: usize = 200;

/// What one worker saw.
#[derive(Default)]
struct Seen {
    latencies: Vec<Duration>,
    n_failed: usize,
    /// Orders that were not checked, or whose finding was not there.
    n_lost: usize,
}

pub(super) async fn all(args: &BenchArgs, folder: &Path) -> Result<Vec<Figure>, BenchError> {
    let data = folder.join("meds");
    Server::prepare(&data)?;
    let tokens = [token_of(&data, "physician")?, token_of(&data, "pharmacist")?];
    let server = Server::start(&data)?;
    let n = usize::try_from(args.requests).unwrap_or(usize::MAX);
    load(&server, n).await?;
    stock(&server, &tokens).await?;
    let next = Arc::new(AtomicUsize::new(0));
    let started = Instant::now();
    let mut tasks = Vec::new();
    for _ in 0..CONNECTIONS {
        let [physician, pharmacist] = &tokens;
        let physician = Client::connect(server.address, physician).await?.for_everybody();
        let pharmacist = Client::connect(server.address, pharmacist).await?.for_everybody();
        tasks.push(tokio::spawn(work((physician, pharmacist), Arc::clone(&next), n)));
    }
    let mut all = Seen::default();
    for task in tasks {
        let seen = task.await??;
        all.latencies.extend(seen.latencies);
        all.n_failed += seen.n_failed;
        all.n_lost += seen.n_lost;
    }
    let elapsed = started.elapsed().as_secs_f64();
    server.stop()?;
    all.latencies.sort_unstable();
    let percentile = |percent: usize| {
        let at = (all.latencies.len() * percent / 100).min(all.latencies.len().saturating_sub(1));
        all.latencies.get(at).map(|it| it.as_secs_f64() * 1e3)
    };
    let per_s = count(all.latencies.len()) / elapsed;
    Ok(vec![
        Figure {
            p50_ms: percentile(50),
            p99_ms: percentile(99),
            n_failed: all.n_failed,
            ..Figure::rate("orders signed and verified", per_s, Some(1_000.0))
        },
        Figure { unit: "lost", ..Figure::rate("checks", count(all.n_lost), Some(0.0)) },
    ])
}

/// Patients with an allergy status each.
async fn load(server: &Server, n: usize) -> Result<(), BenchError> {
    let mut client = Client::connect(server.address, &server.token).await?;
    let patients: Vec<usize> = (0..n).collect();
    for some in patients.chunks(PATIENTS) {
        let mut entries = Vec::new();
        for n in some {
            let put = |url: String, resource: Value| json!({ "resource": resource, "request": { "method": "PUT", "url": url } });
            let patient = json!({
                "resourceType": "Patient", "id": format!("p{n}"), "gender": "female",
                "birthDate": "1970-01-02",
            });
            entries.push(put(format!("Patient/p{n}"), patient));
            let code = match n.is_multiple_of(ALLERGIC) {
                true => json!({ "text": "amoxicillin" }),
                false => json!({ "coding": [{
                    "system": "http://snomed.info/sct", "code": "716186003",
                    "display": "No known allergy",
                }] }),
            };
            let allergy = json!({
                "resourceType": "AllergyIntolerance", "id": format!("a{n}"), "code": code,
                "patient": { "reference": format!("Patient/p{n}") },
                "clinicalStatus": { "coding": [{
                    "system":
                        "http://terminology.hl7.org/CodeSystem/allergyintolerance-clinical",
                    "code": "active",
                }] },
            });
            entries.push(put(format!("AllergyIntolerance/a{n}"), allergy));
        }
        let bundle = json!({ "resourceType": "Bundle", "type": "transaction", "entry": entries });
        let answer = client.send(Method::POST, "/fhir", Bytes::from(bundle.to_string())).await?;
        if answer.status != 200 {
            return Err(BenchError::Answer("the patients could not be loaded"));
        }
    }
    Ok(())
}

async fn stock(server: &Server, [_, pharmacist]: &[String; 2]) -> Result<(), BenchError> {
    let mut client = Client::connect(server.address, pharmacist).await?;
    let product = json!({ "name": "Amoxicillin 500 mg capsule", "unit": "capsule" });
    let path = "/api/meds/products/amoxicillin-500";
    let answer = client.send(Method::PUT, path, Bytes::from(product.to_string())).await?;
    match answer.status {
        200 => Ok(()),
        _ => Err(BenchError::Answer("the product could not be made")),
    }
}

async fn work(
    (mut physician, mut pharmacist): (Client, Client),
    next: Arc<AtomicUsize>,
    n: usize,
) -> Result<Seen, BenchError> {
    let mut seen = Seen::default();
    loop {
        let at = next.fetch_add(1, Ordering::Relaxed);
        if n <= at {
            return Ok(seen);
        }
        let begun = Instant::now();
        let is_allergic = at.is_multiple_of(ALLERGIC);
        let (found, signed) = sign(&mut physician, at, &[]).await?;
        // What has to be answered for is answered, as somebody at the bedside would.
        let has_allergy = found.iter().any(|it| is_kind(it, "allergy"));
        let signed = match signed {
            None if !found.is_empty() => sign(&mut physician, at, &found).await?.1,
            signed => signed,
        };
        let Some(order) = signed else {
            seen.n_failed += 1;
            continue;
        };
        let is_checked = order.get("knowledgeBase").is_some_and(Value::is_string)
            && order.get("checkedAt").is_some_and(Value::is_string);
        if !is_checked || has_allergy != is_allergic {
            seen.n_lost += 1;
        }
        let id = order.get("id").and_then(Value::as_str).unwrap_or_default();
        let said = json!({ "product": "amoxicillin-500", "perDose": 1 });
        let path = format!("/api/meds/orders/{id}/verify");
        let answer = pharmacist.send(Method::POST, &path, Bytes::from(said.to_string())).await?;
        if answer.status == 200 {
            seen.latencies.push(begun.elapsed());
        } else {
            seen.n_failed += 1;
        }
    }
}

fn is_kind(found: &Value, kind: &str) -> bool {
    found.get("kind").and_then(Value::as_str) == Some(kind)
}

/// Signs; gives what was found where it was not signed, and the order where it was.
async fn sign(
    client: &mut Client,
    at: usize,
    found: &[Value],
) -> Result<(Vec<Value>, Option<Value>), BenchError> {
    let overrides: Vec<Value> =
        found.iter().map(|it| json!({ "key": it.get("key"), "reason": "will-monitor" })).collect();
    let body = json!({
        "sign": true, "overrides": overrides,
        "order": {
            "patient": format!("Patient/p{at}"),
            "medication": { "text": "Amoxicillin 500 mg capsule" },
            "dosage": [{
                "text": "500 mg PO every 8 hours",
                "route": { "coding": [{ "system": "http://snomed.info/sct", "code": "26643006" }] },
                "timing": { "repeat": { "frequency": 1, "period": 8, "periodUnit": "h" } },
                "doseAndRate": [{ "doseQuantity": { "value": 500, "unit": "mg" } }],
            }],
        },
    });
    let answer =
        client.send(Method::POST, "/api/meds/orders", Bytes::from(body.to_string())).await?;
    let value: Value = serde_json::from_slice(&answer.body)?;
    let list = |value: &Value| value.get("found").and_then(Value::as_array).cloned();
    match answer.status {
        201 => Ok((found.to_vec(), Some(value))),
        409 => Ok((list(&value).unwrap_or_default(), None)),
        _ => Ok((Vec::new(), None)),
    }
}
