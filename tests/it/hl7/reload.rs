//! Sources and destinations that change while messages come.

use std::{
    fs,
    net::TcpStream,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    thread,
    time::Duration,
};

use ward_tests::{Client, House, Peer, wait_until};

use super::{adt, channel, free_address, kept, outgoing, total};

const PATIENCE: Duration = Duration::from_secs(60);
const TIME: &str = "20260101080000";

/// Sends one message after the other until told to stop, each again until it is answered, to
/// whichever address takes it. Answers how many there were, and how often one was sent again.
fn send_all(n: usize, addresses: &[String; 2], stop: &AtomicBool) -> (usize, usize) {
    let (mut n_sent, mut n_again) = (0, 0);
    let mut open: Option<Peer> = None;
    while !stop.load(Ordering::Relaxed) {
        let text = adt("A08", &format!("Q{n}-{n_sent}"), &format!("14{n}"), TIME);
        loop {
            let mut peer = match open.take() {
                Some(peer) => peer,
                // At every moment one of them takes connections.
                None => {
                    let first = Peer::connect(&addresses[0]);
                    first.or_else(|_| Peer::connect(&addresses[1])).unwrap()
                }
            };
            if let Ok(ack) = peer.send(&text) {
                assert_eq!(ack.code, "AA");
                open = Some(peer);
                break;
            }
            n_again += 1;
        }
        n_sent += 1;
    }
    (n_sent, n_again)
}

/// Whether the kernel knows a connection that is open at this port of this machine.
fn has_connections(port: &str) -> bool {
    let port = format!(":{:04X}", port.parse::<u16>().unwrap());
    let table = fs::read_to_string("/proc/net/tcp").unwrap();
    table.lines().any(|line| {
        let words: Vec<&str> = line.split_whitespace().collect();
        words.get(1).is_some_and(|local| local.ends_with(&port)) && words.get(3) == Some(&"01")
    })
}

#[test]
fn a_listener_moves_under_load_and_no_message_is_lost_or_taken_twice() {
    let (house, folder) = (House::new(), tempfile::tempdir().unwrap());
    let addresses = [free_address(), free_address()];
    let at = |address: &str| {
        channel(folder.path(), "east", &format!("[from]\nmllp = \"{address}\"\n"));
    };
    at(&addresses[0]);
    let server = house.serve_with(&[("WARD_HL7_CHANNELS", folder.path().to_str().unwrap())]);
    let stop = Arc::new(AtomicBool::new(false));
    let senders: Vec<_> = (0..4)
        .map(|n| {
            let (addresses, stop) = (addresses.clone(), Arc::clone(&stop));
            thread::spawn(move || send_all(n, &addresses, &stop))
        })
        .collect();
    // One that is in the middle of a block when the listener moves is still answered.
    let mut slow = Peer::connect(&addresses[0]).unwrap();
    let block = ward_tests::frame(adt("A08", "SLOW", "149", TIME).as_bytes());
    slow.write(&block[..100]).unwrap();
    let mut idle = Peer::connect(&addresses[0]).unwrap();
    at(&addresses[1]);
    assert!(wait_until(PATIENCE, || TcpStream::connect(&addresses[0]).is_err()));
    assert!(TcpStream::connect(&addresses[1]).is_ok(), "at no moment nobody listens");
    // One that is silent is sent away, those at work later, between two messages.
    assert!(idle.is_closed());
    slow.write(&block[100..]).unwrap();
    let answer = String::from_utf8(slow.read().unwrap()).unwrap();
    assert!(answer.contains("MSA|AA|SLOW"), "{answer}");
    assert!(slow.is_closed());
    // Those at work have been sent away too: the old address has no connections any more.
    let port = addresses[0].rsplit(':').next().unwrap().to_owned();
    assert!(wait_until(PATIENCE, || !has_connections(&port)));
    stop.store(true, Ordering::Relaxed);
    let mut client = server.client();
    for (n, sender) in senders.into_iter().enumerate() {
        let (n_sent, n_again) = sender.join().unwrap();
        assert!(n_again == 1, "sender {n} was cut off {n_again} times in {n_sent} messages");
        for at in (0..n_sent).step_by(1 + n_sent / 50) {
            assert_eq!(kept(&mut client, &format!("Q{n}-{at}")).len(), 1);
        }
        for at in n_sent.saturating_sub(20)..n_sent {
            assert_eq!(kept(&mut client, &format!("Q{n}-{at}")).len(), 1);
        }
    }
    assert_eq!(total(&mut client, "Patient"), 5);
}

#[test]
fn a_source_changes_at_its_address_and_is_there_all_the_time() {
    let (house, folder, address) = (House::new(), tempfile::tempdir().unwrap(), free_address());
    let token = folder.path().join("token");
    fs::write(&token, "first").unwrap();
    let http = format!("[from]\nhttp = \"{address}\"\ntoken_file = \"token\"\n");
    channel(folder.path(), "east", &http);
    let server = house.serve_with(&[("WARD_HL7_CHANNELS", folder.path().to_str().unwrap())]);
    let mut n = 0;
    let mut post = |token: &str| {
        n += 1;
        let text = adt("A08", &format!("V{n}"), "151", TIME);
        let kind = [("content-type", "application/hl7-v2")];
        // A connection of its own, which is always taken.
        let mut sender = Client::new(&address, Some(token));
        sender.send("POST", "/", &kind, text.as_bytes()).unwrap().status
    };
    assert_eq!((post("first"), post("second")), (200, 401));
    fs::write(&token, "second").unwrap();
    assert!(wait_until(PATIENCE, || post("second") == 200));
    assert_eq!(post("first"), 401);
    // Another protocol at the same address.
    channel(folder.path(), "east", &format!("[from]\nmllp = \"{address}\"\n"));
    let mllp = || {
        let text = adt("A08", "V-MLLP", "151", TIME);
        let mut peer = Peer::connect(&address).unwrap();
        peer.send(&text).is_ok_and(|ack| ack.code == "AA")
    };
    assert!(wait_until(PATIENCE, mllp));
    // An address that cannot be had: the old one goes on, and everything else of the file is used.
    let taken = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let out = folder.path().join("out");
    let text = format!(
        "[from]\nmllp = \"{}\"\n[[to]]\nname = \"disk\"\nfolder = {out:?}\n",
        taken.local_addr().unwrap()
    );
    channel(folder.path(), "east", &text);
    assert!(!wait_until(Duration::from_secs(8), || !mllp()));
    // It is tried again, and is there when it can be.
    let wanted = taken.local_addr().unwrap().to_string();
    drop(taken);
    assert!(wait_until(PATIENCE, || Peer::connect(&wanted).is_ok()));
    assert!(wait_until(PATIENCE, || TcpStream::connect(&address).is_err()));
    // A channel that is gone takes nothing any more.
    fs::remove_file(folder.path().join("east.toml")).unwrap();
    assert!(wait_until(PATIENCE, || TcpStream::connect(&wanted).is_err()));
    assert_eq!(total(&mut server.client(), "Patient"), 1);
}

#[test]
fn what_waits_under_a_name_that_is_gone_is_shown_and_goes_when_it_is_back() {
    let (house, folder) = (House::new(), tempfile::tempdir().unwrap());
    let out = folder.path().join("out");
    let to = |name: &str| {
        let text =
            format!("[from]\ninterface = \"mllp\"\n[[to]]\nname = \"{name}\"\nfolder = {out:?}\n");
        channel(&folder.path().join("channels"), "north", &text);
    };
    let ids = || {
        let mut files: Vec<_> =
            fs::read_dir(&out).into_iter().flatten().flatten().map(|it| it.path()).collect();
        files.retain(|it| it.extension().is_some_and(|e| e == "hl7"));
        files.sort();
        let id = |path| fs::read_to_string(path).unwrap().split('|').nth(9).unwrap().to_owned();
        files.iter().map(id).collect::<Vec<_>>()
    };
    // A file in the place of the folder: the destination is down.
    fs::write(&out, "").unwrap();
    to("lab");
    let channels = folder.path().join("channels");
    let settings = [("WARD_HL7_CHANNELS", channels.to_str().unwrap())];
    let mut server = house.serve_with(&settings);
    let mut peer = Peer::connect(&server.mllp).unwrap();
    let all: Vec<String> = (0..10).map(|n| format!("U{n}")).collect();
    for id in &all {
        assert_eq!(peer.send(&adt("A08", id, "161", TIME)).unwrap().code, "AA");
    }
    to("other");
    server.kill();
    // After a restart nobody speaks for that name: what waits is shown, and stays.
    fs::remove_file(&out).unwrap();
    let server = house.serve_with(&settings);
    let said = house.must(&["hl7", "log", "--state", "waiting", "--interface", "north/lab"]).stdout;
    assert_eq!(String::from_utf8(said).unwrap().lines().count(), all.len());
    let mut peer = Peer::connect(&server.mllp).unwrap();
    assert_eq!(peer.send(&adt("A08", "U10", "161", TIME)).unwrap().code, "AA");
    let mut client = server.client();
    assert!(wait_until(PATIENCE, || ids() == ["U10"]));
    assert_eq!(outgoing(&mut client, "north/lab", "waiting"), all);
    to("lab");
    assert!(wait_until(PATIENCE, || outgoing(&mut client, "north/lab", "sent") == all));
    assert_eq!(ids()[..10], all);
    assert_eq!(ids().len(), 11);
}
