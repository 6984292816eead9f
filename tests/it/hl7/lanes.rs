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

/// The stay of a patient and the merge of a second number into the first, over four connections
/// at once.
#[test]
fn a_stay_and_a_merge_shuffled_over_connections_end_as_in_order() {
    let house = House::new();
    let server = house.serve();
    let story = |n: usize| {
        let (mrn, old) = (format!("66{n}"), format!("67{n}"));
        let at = |event: &str, step: usize, hour: &str| {
            adt(event, &format!("Q{n}-{step}"), &mrn, &format!("20260101{hour}0000"))
                .replace("W1^101^A", &format!("W{step}^{step}01^A"))
        };
        let merge = message(&format!(
            "MSH|^~\\&|REG|HOSP|WARD|HOSP|20260101100000||ADT^A40^ADT_A39|Q{n}-2|P|2.5.1\n\
             EVN||20260101100000\n\
             PID|1||{mrn}^^^HOSP^MR||Meyer{mrn}^Anna||19700102|F\n\
             MRG|{old}^^^HOSP^MR"
        ));
        vec![at("A01", 0, "08"), at("A02", 1, "09"), merge, at("A08", 3, "11"), at("A03", 4, "12")]
    };
    let mut seed = 0x5DEE_CE66_u64;
    let mut below = |n: usize| {
        seed = seed.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        usize::try_from(seed >> 33).unwrap() % n
    };
    let end = |n: usize| {
        let mut client = server.client();
        let one = |client: &mut ward_tests::Client, query: &str| {
            let found = client.get(&format!("/fhir/{query}")).json();
            assert_eq!(found["total"], 1, "{n}: {query}");
            found["entry"][0]["resource"].clone()
        };
        let stay = one(&mut client, &format!("Encounter?identifier=V66{n}"));
        let patient = one(&mut client, &format!("Patient?identifier=66{n}"));
        let old = one(&mut client, &format!("Patient?identifier=67{n}"));
        let id = patient["id"].as_str().unwrap();
        assert_eq!(stay["subject"]["reference"], format!("Patient/{id}"));
        assert_eq!(old["link"][0]["other"]["reference"], format!("Patient/{id}"));
        // A place has its id from its name, so that it is the same for every patient.
        let of_stay = |name: &str| stay[name].clone();
        let rest = ["status", "class", "period", "location"].map(of_stay);
        (rest, patient["active"].clone(), old["active"].clone())
    };
    for n in 0..8 {
        let mut peers: Vec<_> = (0..4).map(|_| Peer::connect(&server.mllp).unwrap()).collect();
        // The number that goes away is known before.
        let old = adt("A04", &format!("Q{n}-old"), &format!("67{n}"), "20260101070000");
        assert_eq!(peers[0].send(&old).unwrap().code, "AA");
        let mut story = story(n);
        if n == 0 {
            for text in &story {
                assert_eq!(peers[0].send(text).unwrap().code, "AA");
            }
            continue;
        }
        let mut hands: Vec<Vec<String>> = vec![Vec::new(); 4];
        while !story.is_empty() {
            let text = story.remove(below(story.len()));
            hands[below(4)].push(text);
        }
        let senders: Vec<_> = peers
            .into_iter()
            .zip(hands)
            .map(|(mut peer, hand)| {
                thread::spawn(move || {
                    hand.iter().for_each(|it| assert_eq!(peer.send(it).unwrap().code, "AA"));
                })
            })
            .collect();
        senders.into_iter().for_each(|it| it.join().unwrap());
        assert_eq!(end(n), end(0), "{n}");
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
