//! Blocks in pieces, broken, endless and slow.

use std::time::Duration;

use ward_tests::{House, Peer, frame, wait_until};

use super::{adt, kept};

#[test]
fn a_block_may_come_in_any_pieces() {
    let house = House::new();
    let server = house.serve();
    let mut peer = Peer::connect(&server.mllp).unwrap();
    // At every byte.
    let n_bytes = frame(adt("A08", "S000", "1", "20260101080000").as_bytes()).len();
    for at in 1..n_bytes {
        let id = format!("S{at:03}");
        let block = frame(adt("A08", &id, "1", "20260101080000").as_bytes());
        peer.write(&block[..at]).unwrap();
        peer.write(&block[at..]).unwrap();
        let ack = ward_tests::Ack::read(&peer.read().unwrap());
        assert_eq!((ack.code.as_str(), ack.of), ("AA", id));
    }
    // One byte at a time.
    for byte in frame(adt("A08", "B1", "1", "20260101080000").as_bytes()) {
        peer.write(&[byte]).unwrap();
    }
    assert_eq!(ward_tests::Ack::read(&peer.read().unwrap()).of, "B1");
    // Ten at once, with zeros and line ends between them.
    let mut many = Vec::new();
    for n in 0..10 {
        many.extend(frame(adt("A08", &format!("M{n}"), "1", "20260101080000").as_bytes()));
        many.extend_from_slice(b"\0\0\r\n");
    }
    peer.write(&many).unwrap();
    for n in 0..10 {
        let ack = ward_tests::Ack::read(&peer.read().unwrap());
        assert_eq!((ack.code.as_str(), ack.of), ("AA", format!("M{n}")));
    }
}

#[test]
fn what_is_no_block_is_never_accepted_and_kept_aside() {
    let house = House::new();
    let server = house.serve();
    let good = adt("A01", "G1", "2", "20260101080000").into_bytes();
    let framed = frame(&good);
    let (no_start, no_end) = (&framed[1..], &framed[..framed.len() - 2]);
    let mut nested = vec![0x0b];
    nested.extend_from_slice(b"MSH|^~\\&|half");
    nested.extend(&framed);

    let mut peer = Peer::connect(&server.mllp).unwrap();
    peer.write(no_start).unwrap();
    // The connection goes on: what follows is a block, and is answered for itself alone.
    peer.write(&nested).unwrap();
    assert_eq!(ward_tests::Ack::read(&peer.read().unwrap()).of, "G1");
    // The end byte without its carriage return is enough.
    let bare = frame(adt("A08", "G2", "2", "20260101080000").as_bytes());
    peer.write(&bare[..bare.len() - 1]).unwrap();
    peer.write(&frame(adt("A08", "G3", "2", "20260101080000").as_bytes())).unwrap();
    assert_eq!(ward_tests::Ack::read(&peer.read().unwrap()).of, "G2");
    assert_eq!(ward_tests::Ack::read(&peer.read().unwrap()).of, "G3");
    // The end of the stream inside a block.
    let mut peer = Peer::connect(&server.mllp).unwrap();
    peer.write(no_end).unwrap();
    peer.end().unwrap();
    assert!(peer.is_closed());
    // No header at all.
    let mut peer = Peer::connect(&server.mllp).unwrap();
    peer.write(&frame(b"PID|1||3^^^HOSP^MR\r")).unwrap();
    assert!(peer.is_closed());

    let mut client = server.client();
    let mut aside = Vec::new();
    wait_until(Duration::from_secs(20), || {
        let said = client.get("/api/messages?state=quarantined").json();
        aside = said["messages"].as_array().unwrap().clone();
        4 <= aside.len()
    });
    let why: Vec<_> = aside.iter().rev().map(|it| it["why"].as_str().unwrap().to_owned()).collect();
    for (found, expected) in
        why.iter().zip(["outside", "nested-start", "end-of-stream", "no-header"])
    {
        assert!(found.starts_with(expected), "{why:?}");
    }
    assert_eq!(aside.len(), 4, "{why:?}");
}

#[test]
fn a_message_without_an_id_or_of_no_known_type_is_refused() {
    let house = House::new();
    let server = house.serve();
    let mut peer = Peer::connect(&server.mllp).unwrap();
    let ack = peer.send(&adt("A01", "", "3", "20260101080000")).unwrap();
    assert_eq!((ack.code.as_str(), ack.error.as_str()), ("AE", "101"));
    let unknown =
        adt("A01", "U1", "3", "20260101080000").replace("ADT^A01^ADT_A01", "ZZZ^Z01^ZZZ_Z01");
    let ack = peer.send(&unknown).unwrap();
    assert_eq!((ack.code.as_str(), ack.error.as_str()), ("AR", "200"));
    let mut client = server.client();
    assert_eq!(kept(&mut client, "U1")[0]["state"], "refused");
}

#[test]
fn a_block_without_end_is_cut_off_and_memory_stays_small() {
    let house = House::new();
    let server = house.serve_with(&[("WARD_HL7_BLOCK_BYTES", "2000000")]);
    let mut peer = Peer::connect(&server.mllp).unwrap();
    peer.write(&[0x0b]).unwrap();
    let (before, _) = server.memory_kib();
    let more = vec![b'A'; 1 << 20];
    // The listener closes; until then it holds no more than its limit.
    let mut n = 0;
    while n < 200 && peer.write(&more).is_ok() {
        n += 1;
    }
    assert!(n < 200, "200 MB were taken");
    let (_, highest) = server.memory_kib();
    assert!(highest < before + 40_000, "{before} KiB before, {highest} KiB at most");
    let mut peer = Peer::connect(&server.mllp).unwrap();
    assert_eq!(peer.send(&adt("A01", "E1", "4", "20260101080000")).unwrap().code, "AA");
}

#[test]
fn slow_senders_do_not_hold_up_others_and_are_sent_away() {
    let house = House::new();
    let server = house.serve_with(&[("WARD_HL7_BLOCK_S", "2"), ("WARD_HL7_CONNECTIONS", "300")]);
    let mut slow: Vec<Peer> = (0..200)
        .map(|_| {
            let mut peer = Peer::connect(&server.mllp).unwrap();
            peer.write(b"\x0bMSH|").unwrap();
            peer
        })
        .collect();
    let mut peer = Peer::connect(&server.mllp).unwrap();
    for n in 0..50 {
        let ack = peer.send(&adt("A08", &format!("L{n}"), "5", "20260101080000")).unwrap();
        assert_eq!(ack.code, "AA");
    }
    assert!(slow.iter_mut().all(Peer::is_closed));
    assert_eq!(peer.send(&adt("A08", "L", "5", "20260101080000")).unwrap().code, "AA");
}
