//! Text in the character sets that hospitals use.

use ward_tests::{Ack, House, Peer, frame};

use super::{adt, kept};

/// Bytes of `text` in a set whose code points are its bytes.
fn latin_1(text: &str) -> Vec<u8> {
    text.chars().map(|c| u8::try_from(u32::from(c)).unwrap()).collect()
}

#[test]
fn text_is_read_in_the_set_that_the_message_names() {
    let house = House::new();
    let server = house.serve();
    let mut peer = Peer::connect(&server.mllp).unwrap();
    let named = |id: &str, mrn: &str, name: &str, set: &str| {
        adt("A01", id, mrn, "20260101080000")
            .replace(&format!("Meyer{mrn}"), name)
            .replace("|P|2.5.1", &format!("|P|2.5.1||||||{set}"))
    };
    let cases = [
        ("H1", "301", "Müller", latin_1(&named("H1", "301", "Müller", "8859/1"))),
        ("H2", "302", "Žižek", named("H2", "302", "Žižek", "UNICODE UTF-8").into_bytes()),
        ("H3", "303", "山田", named("H3", "303", "山田", "UNICODE UTF-8").into_bytes()),
    ];
    let mut client = server.client();
    for (id, mrn, name, bytes) in cases {
        peer.write(&frame(&bytes)).unwrap();
        let ack = Ack::read(&peer.read().unwrap());
        assert_eq!((ack.code.as_str(), ack.of.as_str()), ("AA", id));
        let found = client.get(&format!("/fhir/Patient?identifier={mrn}")).json();
        assert_eq!(found["entry"][0]["resource"]["name"][0]["family"], name);
    }
    // A micro sign in Latin-1 under UTF-8: never turned into something else in silence.
    let broken = latin_1(&named("H4", "304", "Müller", "UNICODE UTF-8"));
    peer.write(&frame(&broken)).unwrap();
    let ack = Ack::read(&peer.read().unwrap());
    assert_eq!((ack.code.as_str(), ack.error.as_str()), ("AE", "102"));
    assert_eq!(kept(&mut client, "H4")[0]["state"], "refused");
    let raw = house_raw(&house, &mut client, "H4");
    assert_eq!(raw, broken);
}

/// The bytes of a kept message, by the command line beside the server.
fn house_raw(house: &House, client: &mut ward_tests::Client, id: &str) -> Vec<u8> {
    let number = kept(client, id)[0]["id"].to_string();
    house.must(&["hl7", "log", "--raw", &number]).stdout
}
