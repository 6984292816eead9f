//! Killed at any moment, Ward keeps what it has acknowledged, whole.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::{
        Arc, Mutex,
        atomic::{AtomicBool, AtomicU64, Ordering},
    },
    thread,
    time::Duration,
};

use serde_json::{Value, json};
use ward_tests::{Client, House, wait_until};

const N_THREADS: usize = 4;

/// Everything is read again after this many kills; each time would take the square of their number.
const FULL_CHECK_ROUNDS: u64 = 25;

/// Highest acknowledged and highest attempted count of each id.
type Ledger = Arc<Mutex<BTreeMap<String, (u64, u64)>>>;

#[test]
fn killed_at_any_moment() {
    let kills = std::env::var("WARD_KILLS").ok().and_then(|k| k.parse().ok()).unwrap_or(5);
    let house = House::new();
    let ledger = Ledger::default();
    let mut seed = 0x5DEE_CE66_u64;
    for round in 0..kills {
        let mut server = house.serve();
        // What the last round wrote, every time; all that there is, now and then.
        let last = if round % FULL_CHECK_ROUNDS == 0 { None } else { round.checked_sub(1) };
        check(&mut server.client(), &ledger, last);
        seed = seed.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        let until = 1 + (seed >> 33) % 200;
        let acknowledged = Arc::new(AtomicU64::new(0));
        let stop = Arc::new(AtomicBool::new(false));
        let writers: Vec<_> = (0..N_THREADS)
            .map(|at| {
                let (client, ledger) = (server.client(), Arc::clone(&ledger));
                let (acknowledged, stop) = (Arc::clone(&acknowledged), Arc::clone(&stop));
                thread::spawn(move || write(client, &ledger, (round, at), &acknowledged, &stop))
            })
            .collect();
        while acknowledged.load(Ordering::Relaxed) < until {
            assert!(server.is_up(), "ward ended by itself");
            assert!(!writers.iter().all(|w| w.is_finished()), "all writers gave up");
            thread::yield_now();
        }
        server.kill();
        stop.store(true, Ordering::Relaxed);
        writers.into_iter().for_each(|w| w.join().unwrap());
        house.must(&["audit", "verify"]);
    }
    let server = house.serve();
    check(&mut server.client(), &ledger, None);
    assert!(ledger.lock().unwrap().values().any(|(acknowledged, _)| 0 < *acknowledged));
}

/// Writes until the server is gone: new ids, later versions, and pairs in one transaction.
fn write(
    mut client: Client,
    ledger: &Ledger,
    (round, at): (u64, usize),
    acknowledged: &AtomicU64,
    stop: &AtomicBool,
) {
    for step in 0.. {
        if stop.load(Ordering::Relaxed) {
            return;
        }
        let id = format!("r{round}-t{at}-{}", step % 40);
        let n = step / 40 + 1;
        let partner = format!("{id}-pair");
        let is_pair = at == 0;
        {
            let mut ledger = ledger.lock().unwrap();
            ledger.entry(id.clone()).or_default().1 = n;
            if is_pair {
                ledger.entry(partner.clone()).or_default().1 = n;
            }
        }
        let sent = if is_pair {
            let put = |id: &str| {
                json!({
                    "resource": basic(id, round, n),
                    "request": { "method": "PUT", "url": format!("Basic/{id}") },
                })
            };
            let entries = [put(&id), put(&partner)];
            let body = json!({ "resourceType": "Bundle", "type": "transaction", "entry": entries });
            client.send("POST", "/fhir", &[], body.to_string().as_bytes())
        } else {
            let body = basic(&id, round, n).to_string();
            client.send("PUT", &format!("/fhir/Basic/{id}"), &[], body.as_bytes())
        };
        // The answer is lost with the server: nobody can say whether it was written.
        let Ok(reply) = sent else { return };
        assert!(matches!(reply.status, 200 | 201), "{}", String::from_utf8_lossy(&reply.body));
        let mut ledger = ledger.lock().unwrap();
        ledger.get_mut(&id).unwrap().0 = n;
        if is_pair {
            ledger.get_mut(&partner).unwrap().0 = n;
        }
        acknowledged.fetch_add(1, Ordering::Relaxed);
    }
}

/// The count stands twice, so that a half-written one shows.
fn basic(id: &str, round: u64, n: u64) -> Value {
    let parity = if n.is_multiple_of(2) { "even" } else { "odd" };
    json!({
        "resourceType": "Basic",
        "id": id,
        "identifier": [
            { "system": "urn:count", "value": n.to_string() },
            { "system": "urn:again", "value": n.to_string() },
        ],
        "code": { "coding": [
            { "system": "urn:parity", "code": parity },
            { "system": "urn:round", "code": round.to_string() },
        ] },
    })
}

/// Compares what is there with what was acknowledged: of one round, or of all.
fn check(client: &mut Client, ledger: &Ledger, round: Option<u64>) {
    let ledger = ledger.lock().unwrap();
    let mut present = BTreeMap::new();
    let prefix = round.map_or("r".to_owned(), |round| format!("r{round}-"));
    for (id, (acknowledged, attempted)) in ledger.iter().filter(|(id, _)| id.starts_with(&prefix)) {
        let reply = client.get(&format!("/fhir/Basic/{id}"));
        if *acknowledged == 0 && reply.status == 404 {
            continue;
        }
        assert_eq!(reply.status, 200, "{id}: acknowledged {acknowledged}");
        let resource = reply.json();
        let count = |at: usize| -> u64 {
            resource["identifier"][at]["value"].as_str().unwrap().parse().unwrap()
        };
        assert_eq!(count(0), count(1), "{id} is half written");
        assert!(
            (*acknowledged..=*attempted).contains(&count(0)),
            "{id}: {} of {acknowledged}",
            count(0)
        );
        present.insert(id.clone(), count(0));
    }
    for (id, n) in &present {
        if let Some(first) = id.strip_suffix("-pair") {
            assert_eq!(present.get(first), Some(n), "{id}: half of a transaction");
        }
    }
    for (code, rest) in [("even", 0), ("odd", 1)] {
        let expected = present.iter().filter(|(_, n)| *n % 2 == rest).map(|(id, _)| id.clone());
        let expected: BTreeSet<String> = expected.collect();
        let of = round.map_or(String::new(), |round| format!("&code=urn:round|{round}"));
        let found = search(client, &format!("/fhir/Basic?code=urn:parity|{code}{of}"));
        assert_eq!(found, expected);
    }
}

/// The ids that a search finds, once the index has caught up after the start.
fn search(client: &mut Client, path: &str) -> BTreeSet<String> {
    assert!(wait_until(Duration::from_secs(60), || client.get("/readyz").status == 200));
    let mut found = BTreeSet::new();
    let mut next = Some(format!("{path}&_count=1000"));
    while let Some(path) = next {
        let reply = client.get(&path);
        assert_eq!(reply.status, 200, "{}", String::from_utf8_lossy(&reply.body));
        let page = reply.json();
        for entry in page["entry"].as_array().into_iter().flatten() {
            found.insert(entry["resource"]["id"].as_str().unwrap().to_owned());
        }
        let links = page["link"].as_array().into_iter().flatten();
        let link = links.filter(|l| l["relation"] == "next").find_map(|l| l["url"].as_str());
        next = link.map(|url| url[url.find("/fhir/").unwrap()..].to_owned());
    }
    found
}
