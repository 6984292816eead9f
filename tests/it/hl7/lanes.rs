//! Order, repetition, and what is wrong with one message among many.

use std::thread;

use ward_tests::{House, Peer, frame};

use super::{adt, kept, message, total};

#[test]
fn the_same_message_on_two_connections_has_one_effect_and_two_answers() {
    let house = House::new();
    let server = house.serve();
    for n in 0..20 {
        let text = adt("A01", &format!("T{n}"), &format!("77{n}"), "20260101080000");
        let senders: Vec<_> = (0..2)
            .map(|_| {
                let (address, text) = (server.mllp.clone(), text.clone());
                thread::spawn(move || Peer::connect(&address).unwrap().send(&text).unwrap())
            })
            .collect();
        let acks: Vec<_> = senders.into_iter().map(|it| it.join().unwrap()).collect();
        assert_eq!(acks[0].code, "AA");
        // Byte for byte the same answer, with the same id of its own.
        assert_eq!(acks[0], acks[1]);
    }
    let mut client = server.client();
    assert_eq!(total(&mut client, "Patient"), 20);
    assert_eq!(kept(&mut client, "T7").len(), 1);
}

#[test]
fn another_message_under_the_same_id_is_taken_or_refused_as_the_site_says() {
    let house = House::new();
    let first = adt("A01", "R1", "6", "20260101080000");
    let other = adt("A01", "R1", "7", "20260101080000");
    let server = house.serve();
    let mut peer = Peer::connect(&server.mllp).unwrap();
    assert_eq!(peer.send(&first).unwrap().code, "AA");
    assert_eq!(peer.send(&other).unwrap().code, "AA");
    drop(server);
    let server = house.serve_with(&[("WARD_HL7_REFUSE_REUSED", "true")]);
    let mut peer = Peer::connect(&server.mllp).unwrap();
    assert_eq!(peer.send(&first).unwrap().code, "AA");
    let ack = peer.send(&adt("A01", "R1", "8", "20260101080000")).unwrap();
    assert_eq!((ack.code.as_str(), ack.error.as_str()), ("AE", "205"));
}

#[test]
fn a_stay_told_out_of_order_ends_as_if_it_had_been_told_in_order() {
    let house = House::new();
    let server = house.serve();
    let orders: [[usize; 4]; 6] =
        [[0, 1, 2, 3], [3, 2, 1, 0], [1, 3, 0, 2], [2, 0, 3, 1], [3, 0, 1, 2], [0, 3, 2, 1]];
    for (n, order) in orders.iter().enumerate() {
        let mrn = format!("88{n}");
        let day = [
            ("A01", "20260101080000"),
            ("A02", "20260101090000"),
            ("A08", "20260101100000"),
            ("A03", "20260101110000"),
        ];
        // Each over a connection of its own, one after the other.
        for at in order {
            let (event, time) = day[*at];
            let mut peer = Peer::connect(&server.mllp).unwrap();
            let text = adt(event, &format!("O{n}-{at}"), &mrn, time)
                .replace("W1^101^A", &format!("W{at}^101^A"));
            assert_eq!(peer.send(&text).unwrap().code, "AA");
        }
        let mut client = server.client();
        let query = format!("Encounter?identifier=V{mrn}");
        assert_eq!(total(&mut client, &query), 1);
        assert_eq!(total(&mut client, &format!("{query}&status=finished")), 1, "{order:?}");
    }
}

#[test]
fn a_merge_moves_what_is_known_of_one_to_the_other() {
    let house = House::new();
    let server = house.serve();
    let mut peer = Peer::connect(&server.mllp).unwrap();
    for (id, mrn) in [("J1", "901"), ("J2", "902")] {
        assert_eq!(peer.send(&adt("A01", id, mrn, "20260101080000")).unwrap().code, "AA");
    }
    let merge = message(
        "MSH|^~\\&|REG|HOSP|WARD|HOSP|20260101120000||ADT^A40^ADT_A39|J3|P|2.5.1\n\
         EVN||20260101120000\n\
         PID|1||902^^^HOSP^MR||Meyer902^Anna||19700102|F\n\
         MRG|901^^^HOSP^MR",
    );
    assert_eq!(peer.send(&merge).unwrap().code, "AA");
    let mut client = server.client();
    let of = |client: &mut ward_tests::Client, mrn: &str| {
        let found = client.get(&format!("/fhir/Patient?identifier={mrn}")).json();
        found["entry"][0]["resource"].clone()
    };
    let (old, new) = (of(&mut client, "901"), of(&mut client, "902"));
    let id = new["id"].as_str().unwrap();
    assert_eq!(old["active"], false, "{old}");
    assert_eq!(old["link"][0]["type"], "replaced-by");
    assert_eq!(old["link"][0]["other"]["reference"], format!("Patient/{id}"));
    // Both stays are of the one who stays.
    assert_eq!(total(&mut client, &format!("Encounter?patient={id}")), 2);
    // What comes later under the old number is about the new one.
    assert_eq!(peer.send(&adt("A08", "J4", "901", "20260101130000")).unwrap().code, "AA");
    assert_eq!(total(&mut client, &format!("Encounter?patient={id}")), 2);
    // The same merge again changes nothing.
    assert_eq!(peer.send(&merge.replace("|J3|", "|J5|")).unwrap().code, "AA");
    assert_eq!(of(&mut client, "901")["link"].as_array().unwrap().len(), 1);
}

#[test]
fn a_batch_is_answered_message_by_message() {
    let house = House::new();
    let server = house.serve();
    let mut peer = Peer::connect(&server.mllp).unwrap();
    let mut batch = String::from("BHS|^~\\&|REG|HOSP\r");
    for n in 0..1000 {
        let mut text = adt("A08", &format!("C{n}"), &format!("7{}", n % 10), "20260101080000");
        if n == 500 {
            text = text.replace("|C500|", "||");
        }
        batch.push_str(&text);
    }
    batch.push_str("BTS|999\r");
    peer.write(&frame(batch.as_bytes())).unwrap();
    let answer = String::from_utf8(peer.read().unwrap()).unwrap();
    let codes: Vec<_> = answer
        .split('\r')
        .filter_map(|line| line.strip_prefix("MSA|"))
        .map(|rest| rest.split('|').next().unwrap())
        .collect();
    assert_eq!(codes.len(), 1000);
    assert_eq!(codes.iter().filter(|code| **code == "AA").count(), 999);
    assert_eq!(codes[500], "AE");
    let trailer = answer.split('\r').find(|line| line.starts_with("BTS")).unwrap();
    assert_eq!(trailer, "BTS|1000|batch-count");
    assert_eq!(kept(&mut server.client(), "C7").len(), 1);
}

#[test]
fn enhanced_mode_is_answered_when_safe_and_worked_on_afterwards() {
    let house = House::new();
    let server = house.serve();
    let mut peer = Peer::connect(&server.mllp).unwrap();
    let enhanced = |id: &str, mrn: &str| {
        adt("A01", id, mrn, "20260101080000").replace("|P|2.5.1", "|P|2.5.1|||AL|NE")
    };
    assert_eq!(peer.send(&enhanced("N1", "61")).unwrap().code, "CA");
    // Its patient has a birth date that no chart takes; it is safe all the same.
    let poison = enhanced("N2", "62").replace("PID|1||62^^^HOSP^MR", "PID|1||");
    assert!(peer.send(&poison).unwrap().code.starts_with('C'));
    assert_eq!(peer.send(&enhanced("N3", "63")).unwrap().code, "CA");
    let mut client = server.client();
    ward_tests::wait_until(std::time::Duration::from_secs(20), || {
        kept(&mut client, "N3")[0]["state"] == "applied"
    });
    assert_eq!(kept(&mut client, "N1")[0]["state"], "applied");
    assert_eq!(total(&mut client, "Patient?identifier=63"), 1);
}
