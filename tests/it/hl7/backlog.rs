//! A destination that is down for long: what waits for it goes out in order when it is back, and
//! nobody else notices.

use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
    net::TcpListener,
    thread,
    time::{Duration, Instant},
};

use ward_tests::{House, Peer, pause, wait_until};

use super::{adt, channels::Receiver, total};

const N_SENDERS: usize = 4;

/// Each sender's own, so that the order of a patient's messages is known.
const PATIENTS_OF_SENDER: usize = 5;

fn setting(name: &str, otherwise: usize) -> usize {
    std::env::var(name).ok().and_then(|n| n.parse().ok()).unwrap_or(otherwise)
}

/// The long form: `WARD_BACKLOG=100000 WARD_DOWN_S=600`.
#[test]
fn what_waits_for_a_destination_goes_out_in_order_when_it_is_back() {
    let n_messages = setting("WARD_BACKLOG", 400);
    let down = Duration::from_secs(u64::try_from(setting("WARD_DOWN_S", 0)).unwrap());
    // As long as it takes; a stall is seen by what has not moved for so long.
    let patience = Duration::from_secs(60 + u64::try_from(n_messages / 50).unwrap());
    let lab = {
        let nobody = TcpListener::bind("127.0.0.1:0").unwrap();
        nobody.local_addr().unwrap().to_string()
    };
    let other = Receiver::at("127.0.0.1:0");
    let folder = tempfile::tempdir().unwrap();
    fs::write(
        folder.path().join("north.toml"),
        format!(
            "[from]\ninterface = \"mllp\"\n[[to]]\nname = \"lab\"\nmllp = \"{lab}\"\n\
             [[to]]\nname = \"other\"\nmllp = \"{}\"\n",
            other.address
        ),
    )
    .unwrap();
    let house = House::new();
    let channels = folder.path().to_str().unwrap();
    let server = house.serve_with(&[("WARD_HL7_CHANNELS", channels)]);
    let started = Instant::now();
    let senders: Vec<_> = (0..N_SENDERS)
        .map(|at| {
            let address = server.mllp.clone();
            thread::spawn(move || {
                let mut peer = Peer::connect(&address).unwrap();
                for n in (at..n_messages).step_by(N_SENDERS) {
                    let patient = at * PATIENTS_OF_SENDER + n / N_SENDERS % PATIENTS_OF_SENDER;
                    let (id, mrn) = (format!("G{patient}-{n}"), format!("8{patient:03}"));
                    let text = adt("A08", &id, &mrn, "20260101080000");
                    assert_eq!(peer.send(&text).unwrap().code, "AA");
                }
            })
        })
        .collect();
    senders.into_iter().for_each(|it| it.join().unwrap());
    // Those who are there have everything, while one is down.
    assert!(wait_until(patience, || n_messages <= other.count()), "{}", other.count());
    pause(down.saturating_sub(started.elapsed()));
    // A connection that has been silent for minutes is closed by the server: a new one each time.
    let waiting = "/api/messages?direction=out&state=waiting&limit=1";
    let n_waiting = || server.client().get(waiting).json()["messages"].as_array().unwrap().len();
    assert_eq!(n_waiting(), 1);

    let back = Instant::now();
    let receiver = Receiver::at(&lab);
    // Longer than the longest rest between two tries.
    assert!(wait_until(patience + Duration::from_secs(60), || n_messages <= receiver.count()));
    eprintln!("{n_messages} messages went out within {:?}", back.elapsed());
    assert!(wait_until(patience, || n_waiting() == 0));
    for ids in [receiver.ids(), other.ids()] {
        assert_eq!(ids.iter().collect::<BTreeSet<_>>().len(), n_messages);
        assert_eq!(ids.len(), n_messages, "something came twice");
        let mut last = BTreeMap::new();
        for id in &ids {
            let (patient, n) = id.split_once('-').unwrap();
            let n: usize = n.parse().unwrap();
            let before = last.insert(patient, n);
            assert!(before < Some(n), "{id} came after {before:?}");
        }
    }
    let n_patients = u64::try_from(N_SENDERS * PATIENTS_OF_SENDER).unwrap();
    assert_eq!(total(&mut server.client(), "Patient"), n_patients);
}
