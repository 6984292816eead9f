//! A message that was accepted as safe and cannot be worked on: it goes out of the way, a person
//! takes the cause away, and it is worked on again.

use std::time::Duration;

use ward_tests::{Client, House, Peer, wait_until};

use super::{adt, kept, total};

const PATIENCE: Duration = Duration::from_secs(30);

fn enhanced(event: &str, id: &str, mrn: &str) -> String {
    adt(event, id, mrn, "20260102080000").replace("|P|2.5.1", "|P|2.5.1|||AL|NE")
}

fn state(client: &mut Client, id: &str) -> String {
    kept(client, id)[0]["state"].as_str().unwrap().to_owned()
}

#[test]
fn what_cannot_be_worked_on_is_set_aside_and_done_when_its_cause_is_gone() {
    let house = House::new();
    let server = house.serve();
    let mut client = server.client();
    let mut peer = Peer::connect(&server.mllp).unwrap();
    assert_eq!(peer.send(&adt("A01", "P0", "500", "20260101080000")).unwrap().code, "AA");
    // Somebody makes a second patient with the same number: nobody can say who is meant.
    let found = client.get("/fhir/Patient?identifier=500").json();
    let mut double = found["entry"][0]["resource"].clone();
    for member in ["id", "meta"] {
        double.as_object_mut().unwrap().remove(member);
    }
    let body = double.to_string();
    let made = client.send("POST", "/fhir/Patient", &[], body.as_bytes()).unwrap();
    assert_eq!(made.status, 201);
    let made = made.json();
    let id = made["id"].as_str().unwrap();

    assert_eq!(peer.send(&enhanced("A01", "P1", "501")).unwrap().code, "CA");
    let poison = enhanced("A02", "P2", "500").replace("W1^101^A", "W9^901^A");
    assert_eq!(peer.send(&poison).unwrap().code, "CA");
    // On the same lane, and on another.
    assert_eq!(peer.send(&enhanced("A08", "P3", "500")).unwrap().code, "CA");
    assert_eq!(peer.send(&enhanced("A01", "P4", "502")).unwrap().code, "CA");
    assert!(wait_until(PATIENCE, || state(&mut client, "P4") == "applied"));
    assert_eq!(state(&mut client, "P1"), "applied");
    for id in ["P2", "P3"] {
        assert!(wait_until(PATIENCE, || state(&mut client, id) == "dead"), "{id}");
        let line = &kept(&mut client, id)[0];
        assert_eq!(line["attempts"], 1, "{line}");
        assert_ne!(line["problems"].as_array().unwrap().len(), 0, "{line}");
    }
    // Until the cause is gone, working on it again is the same again.
    assert!(!house.run(&["hl7", "replay", "--state", "dead"]).status.success());
    assert_eq!(state(&mut client, "P2"), "dead");
    assert_eq!(kept(&mut client, "P2")[0]["attempts"], 2);

    let gone = client.send("DELETE", &format!("/fhir/Patient/{id}"), &[], b"").unwrap();
    assert!(matches!(gone.status, 200 | 204), "{}", gone.status);
    house.must(&["hl7", "replay", "--state", "dead"]);
    for id in ["P2", "P3"] {
        assert_eq!(state(&mut client, id), "applied");
        assert_eq!(kept(&mut client, id).len(), 1);
    }
    // It has the effect that it would have had.
    assert_eq!(total(&mut client, "Patient?identifier=500"), 1);
    let stay = client.get("/fhir/Encounter?identifier=V500").json();
    assert_eq!(stay["total"], 1);
    // The lane is free for what comes.
    assert_eq!(peer.send(&adt("A03", "P5", "500", "20260103080000")).unwrap().code, "AA");
    assert_eq!(total(&mut client, "Encounter?identifier=V500&status=finished"), 1);
    assert_eq!(kept(&mut client, "P2")[0]["state"], "applied");
}
