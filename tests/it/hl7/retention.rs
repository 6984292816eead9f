//! Messages leave when their time is over.

use ward_tests::{House, Peer};

use super::{adt, total};

#[test]
fn messages_are_kept_as_long_as_the_site_says() {
    let house = House::new();
    let server = house.serve();
    let mut peer = Peer::connect(&server.mllp).unwrap();
    for n in 0..50 {
        let text = adt("A08", &format!("W{n}"), "91", "20260101080000");
        assert_eq!(peer.send(&text).unwrap().code, "AA");
    }
    let mut client = server.client();
    let said = client.get("/api/messages?limit=1000").json();
    assert_eq!(said["messages"].as_array().unwrap().len(), 50);
    assert_eq!(total(&mut client, "Patient?identifier=91"), 1);
}
