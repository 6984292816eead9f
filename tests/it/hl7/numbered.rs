//! Senders who number their messages (MSH-13), across a kill.

use ward_tests::{House, Peer};

use super::{adt, total};

fn numbered(id: &str, mrn: &str, number: i64) -> String {
    let text = adt("A01", id, mrn, "20260101080000");
    text.replacen("|P|2.5.1\r", &format!("|P|2.5.1|{number}\r"), 1)
}

#[test]
fn a_link_goes_on_after_a_kill_where_it_stood() {
    let house = House::new();
    let settings = [("WARD_HL7_SEQUENCE_NUMBERS", "true")];
    let mut server = house.serve_with(&settings);
    let mut peer = Peer::connect(&server.mllp).unwrap();
    let send = |peer: &mut Peer, id: &str, mrn: &str, number: i64| {
        let ack = peer.send(&numbered(id, mrn, number)).unwrap();
        (ack.code, ack.expected)
    };
    let told = |code: &str, expected: &str| (code.to_owned(), expected.to_owned());
    assert_eq!(send(&mut peer, "N0", "0", 0), told("AA", "-1"));
    assert_eq!(send(&mut peer, "N1", "1", 1), told("AA", "1"));
    assert_eq!(send(&mut peer, "N2", "2", 2), told("AA", "2"));
    server.kill();
    let server = house.serve_with(&settings);
    let mut peer = Peer::connect(&server.mllp).unwrap();
    // The sender starts the link again, and hears where to go on.
    assert_eq!(send(&mut peer, "N0b", "0", 0), told("AA", "3"));
    assert_eq!(send(&mut peer, "N4", "4", 4), told("AE", "3"));
    assert_eq!(send(&mut peer, "N3", "3", 3), told("AA", "3"));
    assert_eq!(send(&mut peer, "N4", "4", 4), told("AA", "4"));
    assert_eq!(total(&mut server.client(), "Patient"), 4);
}
