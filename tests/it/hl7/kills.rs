//! Killed at any moment under messages, Ward has every message it accepted, once.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::{
        Arc, Mutex,
        atomic::{AtomicU64, Ordering},
    },
    thread,
};

use ward_tests::{Client, House, Peer};

use super::{adt, kept, total};

const N_SENDERS: usize = 4;

/// Everything is counted again after this many kills; each time would take the square of their
/// number.
const FULL_CHECK_ROUNDS: u64 = 25;

/// Messages by id: the text, and the answer if one came.
type Ledger = Arc<Mutex<BTreeMap<String, (String, Option<ward_tests::Ack>)>>>;

#[test]
fn every_accepted_message_is_there_once_after_a_kill() {
    let kills = std::env::var("WARD_KILLS").ok().and_then(|k| k.parse().ok()).unwrap_or(5);
    let house = House::new();
    let ledger = Ledger::default();
    let mut seed = 0x5DEE_CE66_u64;
    for round in 0..kills {
        let mut server = house.serve();
        seed = seed.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        let until = 1 + (seed >> 33) % 60;
        let accepted = Arc::new(AtomicU64::new(0));
        let senders: Vec<_> = (0..N_SENDERS)
            .map(|at| {
                let (address, ledger) = (server.mllp.clone(), Arc::clone(&ledger));
                let accepted = Arc::clone(&accepted);
                thread::spawn(move || send(&address, &ledger, (round, at), &accepted))
            })
            .collect();
        while accepted.load(Ordering::Relaxed) < until {
            assert!(server.is_up(), "ward ended by itself");
            assert!(!senders.iter().all(|it| it.is_finished()), "all senders gave up");
            thread::yield_now();
        }
        server.kill();
        senders.into_iter().for_each(|it| it.join().unwrap());
        check(&house, &ledger, round);
    }
    count(&mut house.serve().client(), &ledger);
    house.must(&["audit", "verify"]);
}

/// Sends until the server is gone.
fn send(address: &str, ledger: &Ledger, (round, at): (u64, usize), accepted: &AtomicU64) {
    let Ok(mut peer) = Peer::connect(address) else { return };
    for n in 0.. {
        let id = format!("K{round}-{at}-{n}");
        let text = adt("A01", &id, &format!("{round}x{at}x{n}"), "20260101080000");
        ledger.lock().unwrap().insert(id.clone(), (text.clone(), None));
        let Ok(ack) = peer.send(&text) else { return };
        assert_eq!((ack.code.as_str(), ack.of.as_str()), ("AA", id.as_str()));
        ledger.lock().unwrap().get_mut(&id).unwrap().1 = Some(ack);
        accepted.fetch_add(1, Ordering::Relaxed);
    }
}

/// What was accepted is there once; what was not is sent again, with one effect and one answer.
fn check(house: &House, shared: &Ledger, round: u64) {
    let server = house.serve();
    let mut client = server.client();
    let mut peer = Peer::connect(&server.mllp).unwrap();
    let mut ledger = shared.lock().unwrap();
    let of_round: BTreeSet<String> =
        ledger.keys().filter(|id| id.starts_with(&format!("K{round}-"))).cloned().collect();
    for id in &of_round {
        let (text, answer) = ledger.get_mut(id).unwrap();
        let found = kept(&mut client, id);
        if answer.is_some() {
            assert_eq!(found.len(), 1, "{id} was accepted");
            assert_eq!(found[0]["state"], "applied");
        }
        assert!(found.len() <= 1, "{id} is there twice");
        // As a sender does that heard nothing, or did not hear well.
        let again = peer.send(text).unwrap();
        assert_eq!(again.code, "AA");
        if let Some(first) = answer {
            assert_eq!(again, *first, "the same answer for {id}");
        }
        *answer = Some(again);
        assert_eq!(kept(&mut client, id).len(), 1);
    }
    let n = u64::try_from(of_round.len()).unwrap();
    assert_eq!(total(&mut client, &format!("Patient?family=Meyer{round}x")), n);
    drop(ledger);
    if round.is_multiple_of(FULL_CHECK_ROUNDS) {
        count(&mut client, shared);
    }
}

/// Nothing is there but what was sent, and that once.
fn count(client: &mut Client, ledger: &Ledger) {
    let n = u64::try_from(ledger.lock().unwrap().len()).unwrap();
    assert_eq!(total(client, "Patient"), n);
    assert_eq!(total(client, "Encounter"), n);
}
