//! Who is this patient, and what are his numbers: PDQ and PIX over MLLP.

use ward_tests::{House, Peer, frame};

fn read(peer: &mut Peer, text: &str) -> String {
    peer.write(&frame(text.as_bytes())).unwrap();
    String::from_utf8(peer.read().unwrap()).unwrap()
}

fn line<'t>(message: &'t str, name: &str) -> Option<&'t str> {
    message.split('\r').find(|line| line.starts_with(name))
}

fn query(event: &str, structure: &str, id: &str, rest: &str) -> String {
    format!(
        "MSH|^~\\&|CLIENT|HOSP|WARD|HOSP|20260101080000||QBP^{event}^{structure}|{id}|P|2.5\r\
         QPD|IHE {event}^Query^IHE|T{id}|{rest}\rRCP|I|2^RD\r"
    )
}

#[test]
fn patients_are_found_by_what_is_known_of_them() {
    let house = House::new();
    let server = house.serve_with(&[("WARD_HL7_ANSWER_QUERIES", "true")]);
    let mut peer = Peer::connect(&server.mllp).unwrap();
    for (n, name, birth) in [
        (1, "Meyer^Anna", "19700506"),
        (2, "Meyer^Bernd", "19820101"),
        (3, "Meier^Anna", "19700506"),
    ] {
        let text = format!(
            "MSH|^~\\&|HIS|HOSP|WARD|HOSP|20260101080000||ADT^A28^ADT_A05|A{n}|P|2.5\r\
             EVN||20260101080000\rPID|1||{n}11^^^HOSP^MR~9{n}^^^LAB&1.2.3&ISO^PI||{name}||{birth}|F\r\
             PV1|1|N\r"
        );
        assert_eq!(peer.send(&text).unwrap().code, "AA");
    }
    let found = read(&mut peer, &query("Q22", "QBP_Q21", "Q1", "@PID.5.1^MEYER~@PID.7^19700506"));
    assert!(found.contains("|RSP^K22^RSP_K21|"), "{found}");
    assert_eq!(line(&found, "MSA"), Some("MSA|AA|Q1"));
    assert_eq!(line(&found, "QAK"), Some("QAK|TQ1|OK||1"));
    assert!(line(&found, "QPD").unwrap().ends_with("@PID.5.1^MEYER~@PID.7^19700506"), "{found}");
    let pid = line(&found, "PID").unwrap();
    assert!(pid.starts_with("PID|1||111^^^HOSP^MR~"), "{pid}");
    assert!(pid.contains("|Meyer^Anna||19700506|F"), "{pid}");
    assert!(!found.contains("Bernd") && !found.contains("Meier"), "{found}");
    // The same query again is answered with what was said before.
    let again = query("Q22", "QBP_Q21", "Q1", "@PID.5.1^MEYER~@PID.7^19700506");
    assert_eq!(read(&mut peer, &again), found);
    // Two at a time, and where the next begin.
    let first = read(&mut peer, &query("Q22", "QBP_Q21", "Q2", "@PID.5.1^Me"));
    assert_eq!(first.matches("\rPID|").count(), 2, "{first}");
    let pointer = line(&first, "DSC").unwrap().split('|').nth(1).unwrap();
    let rest = query("Q22", "QBP_Q21", "Q3", "@PID.5.1^Me") + &format!("DSC|{pointer}|I\r");
    let rest = read(&mut peer, &rest);
    assert_eq!((rest.matches("\rPID|").count(), line(&rest, "DSC")), (1, None), "{rest}");
    // Nobody, and nothing asked.
    let nobody = read(&mut peer, &query("Q22", "QBP_Q21", "Q4", "@PID.5.1^Nobody"));
    assert_eq!(line(&nobody, "QAK"), Some("QAK|TQ4|NF||0"));
    let nothing = read(&mut peer, &query("Q22", "QBP_Q21", "Q5", ""));
    assert_eq!(line(&nothing, "MSA"), Some("MSA|AE|Q5"));
    assert!(line(&nothing, "ERR").unwrap().contains("QPD^1^3"), "{nothing}");
}

#[test]
fn numbers_of_a_patient_are_told_by_one_of_them() {
    let house = House::new();
    let server = house.serve_with(&[("WARD_HL7_ANSWER_QUERIES", "true")]);
    let mut peer = Peer::connect(&server.mllp).unwrap();
    let text = "MSH|^~\\&|HIS|HOSP|WARD|HOSP|20260101080000||ADT^A28^ADT_A05|A1|P|2.5\r\
        EVN||20260101080000\rPID|1||11^^^HOSP^MR~91^^^LAB&1.2.3&ISO^PI~71^^^RAD^PI||Meyer^Anna\r\
        PV1|1|N\r";
    assert_eq!(peer.send(text).unwrap().code, "AA");
    let all = read(&mut peer, &query("Q23", "QBP_Q21", "Q1", "11^^^HOSP"));
    assert!(all.contains("|RSP^K23^RSP_K23|"), "{all}");
    let pid = line(&all, "PID").unwrap();
    assert!(pid.contains("91^^^&1.2.3&ISO^PI") && pid.contains("71^^^RAD^PI"), "{pid}");
    assert!(!pid.contains("11^^^HOSP") && !pid.contains("Meyer"), "{pid}");
    let one = read(&mut peer, &query("Q23", "QBP_Q21", "Q2", "91^^^LAB&1.2.3&ISO|^^^RAD"));
    let pid = line(&one, "PID").unwrap();
    assert!(pid.contains("71^^^RAD") && !pid.contains("11^^^HOSP"), "{pid}");
    let none = read(&mut peer, &query("Q23", "QBP_Q21", "Q3", "11^^^HOSP|^^^PHARM"));
    assert_eq!(line(&none, "QAK"), Some("QAK|TQ3|NF||0"));
    let unknown = read(&mut peer, &query("Q23", "QBP_Q21", "Q4", "999^^^HOSP"));
    assert_eq!(line(&unknown, "MSA"), Some("MSA|AE|Q4"));
    assert_eq!(line(&unknown, "QAK"), Some("QAK|TQ4|AE||0"));
    assert!(line(&unknown, "ERR").unwrap().contains("|204"), "{unknown}");
}

/// Nobody is told who patients are unless the site says so.
#[test]
fn queries_are_refused_unless_they_are_allowed() {
    let house = House::new();
    let server = house.serve();
    let mut peer = Peer::connect(&server.mllp).unwrap();
    let ack = peer.send(&query("Q22", "QBP_Q21", "Q1", "@PID.5.1^Meyer")).unwrap();
    assert_eq!(ack.code, "AR");
}

/// Times without an offset are those of the site's clock.
#[test]
fn times_are_read_by_the_clock_of_the_site() {
    let house = House::new();
    let server = house.serve_with(&[("WARD_HL7_ZONE", "Europe/Vienna")]);
    let mut peer = Peer::connect(&server.mllp).unwrap();
    let text = "MSH|^~\\&|HIS|HOSP|WARD|HOSP|20260701080000||ADT^A01^ADT_A01|A1|P|2.5\r\
        EVN||20260701080000\rPID|1||11^^^HOSP^MR||Meyer^Anna\r\
        PV1|1|I|W1||||||||||||||||V1|||||||||||||||||||||||||20260701080000\r";
    assert_eq!(peer.send(text).unwrap().code, "AA");
    let found = server.client().get("/fhir/Encounter").json();
    let start = &found["entry"][0]["resource"]["period"]["start"];
    assert_eq!(start, "2026-07-01T08:00:00+02:00");
}
