//! Application acknowledgments of enhanced mode: as exchanges of their own, or as the only answer.

use std::time::Duration;

use ward_tests::{House, Peer, frame, wait_until};

use super::{adt, channel, channels::Receiver, kept, total};

const PATIENCE: Duration = Duration::from_secs(60);
const TIME: &str = "20260101080000";

/// An A01 whose sender wants to be answered as `conditions` say: MSH-15, MSH-16.
fn wanting(id: &str, mrn: &str, conditions: &str) -> String {
    adt("A01", id, mrn, TIME).replacen("|P|2.5.1", &format!("|P|2.5.1|||{conditions}"), 1)
}

/// MSA-1 and MSA-2 of what came to `receiver`, sorted.
fn told(receiver: &Receiver) -> Vec<String> {
    let texts = receiver.texts();
    let mut told: Vec<String> = texts
        .iter()
        .map(|text| {
            let msa = text.split('\r').find(|line| line.starts_with("MSA|")).unwrap();
            msa.trim_start_matches("MSA|").split('|').take(2).collect::<Vec<_>>().join(" ")
        })
        .collect();
    told.sort();
    told
}

#[test]
fn the_application_answers_as_an_exchange_of_its_own() {
    let (house, folder) = (House::new(), tempfile::tempdir().unwrap());
    let receiver = Receiver::at("127.0.0.1:0").answers("CA");
    let text = format!(
        "[from]\ninterface = \"mllp\"\n[take.where]\n\"MSH-4\" = [\"HOSP\"]\n\
         [[to]]\nname = \"acks\"\nmllp = \"{}\"\nacks = true\n",
        receiver.address
    );
    channel(folder.path(), "reg", &text);
    let mut server = house.serve_with(&[("WARD_HL7_CHANNELS", folder.path().to_str().unwrap())]);
    let mut peer = Peer::connect(&server.mllp).unwrap();
    let mut code = |text: &str| peer.send(text).unwrap().code;
    assert_eq!(code(&wanting("E1", "1", "AL|AL")), "CA");
    assert_eq!(code(&wanting("E2", "2", "AL|NE")), "CA");
    assert_eq!(code(&wanting("E3", "3", "AL|ER")), "CA");
    assert_eq!(code(&wanting("E4", "4", "AL|SU")), "CA");
    // Original mode is answered where it came, and there only.
    assert_eq!(code(&adt("A08", "E5", "1", TIME)), "AA");
    // Two people at once: accepted, and the application cannot work on it.
    let both =
        wanting("E6", "1", "AL|AL").replacen("||1^^^HOSP^MR", "||1^^^HOSP^MR~2^^^HOSP^MR", 1);
    assert_eq!(code(&both), "CA");
    // What is not accepted is not told a second time.
    let unknown = wanting("E7", "7", "AL|AL").replace("ADT^A01^ADT_A01", "ZZZ^Z99");
    assert_eq!(code(&unknown), "CR");
    // Nobody wants an accept acknowledgment: the application's is all there is.
    peer.write(&frame(wanting("E8", "8", "NE|AL").as_bytes())).unwrap();
    peer.write(&frame(unknown.replace("|E7|", "|E9|").replace("|AL|AL", "|NE|AL").as_bytes()))
        .unwrap();
    let expected = ["AA E1", "AA E4", "AA E8", "AE E6", "AR E9"];
    assert!(wait_until(PATIENCE, || told(&receiver) == expected), "{:?}", told(&receiver));
    let of = |id: &str| {
        let msa = format!("|{id}");
        receiver.texts().into_iter().find(|text| text.split('\r').any(|l| l.ends_with(&msa)))
    };
    let ack = of("E1").unwrap();
    let msh: Vec<&str> = ack.split('\r').next().unwrap().split('|').collect();
    assert_eq!((msh[2], msh[3], msh[4], msh[5]), ("WARD", "HOSP", "REG", "HOSP"));
    assert_eq!((msh[8], msh[14], msh[15]), ("ACK^A01^ACK", "AL", "NE"));
    assert!(of("E6").unwrap().contains("\rERR|"), "says what is wrong");
    let mut client = server.client();
    assert_eq!(total(&mut client, "Patient"), 5);
    assert_eq!(kept(&mut client, "E6")[0]["state"], "dead");
    // The same again, also after a kill: the same answer, and no second one from the application.
    let n = receiver.count();
    server.kill();
    let server = house.serve_with(&[("WARD_HL7_CHANNELS", folder.path().to_str().unwrap())]);
    let mut peer = Peer::connect(&server.mllp).unwrap();
    assert_eq!(peer.send(&wanting("E1", "1", "AL|AL")).unwrap().code, "CA");
    assert_eq!(peer.send(&wanting("E10", "10", "AL|AL")).unwrap().code, "CA");
    assert!(wait_until(PATIENCE, || told(&receiver).contains(&"AA E10".to_owned())));
    assert_eq!(receiver.count(), n + 1);
}

#[test]
fn without_an_accept_acknowledgment_the_application_answers_at_once() {
    let house = House::new();
    let server = house.serve();
    let mut peer = Peer::connect(&server.mllp).unwrap();
    let mut code = |text: &str| peer.send(text).unwrap().code;
    assert_eq!(code(&wanting("N1", "1", "NE|AL")), "AA");
    assert_eq!(code(&wanting("N2", "2", "|SU")), "AA");
    let unknown = |id: &str, conditions: &str| {
        wanting(id, "3", conditions).replace("ADT^A01^ADT_A01", "ZZZ^Z99")
    };
    assert_eq!(code(&unknown("N3", "NE|ER")), "AR");
    // It is in the chart when it is answered.
    assert_eq!(total(&mut server.client(), "Patient"), 2);
    // No answer wanted, and none comes before that of the next message.
    peer.write(&frame(wanting("N4", "4", "NE|ER").as_bytes())).unwrap();
    peer.write(&frame(unknown("N5", "NE|SU").as_bytes())).unwrap();
    let ack = peer.send(&wanting("N6", "6", "NE|AL")).unwrap();
    assert_eq!((ack.code.as_str(), ack.of.as_str()), ("AA", "N6"));
}
