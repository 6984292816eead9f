//! A stay from admission to discharge, and what may go wrong with it.

use super::rig::*;

fn adt(event: &str, id: u32, time: &str, pv1: &str) -> String {
    format!(
        "MSH|^~\\&|REG|HOSP|WARD|HOSP|{time}||ADT^{event}^ADT_A01|{id}|P|2.5.1|||AL|NE||UNICODE UTF-8\n\
         EVN||{time}\n\
         PID|1||4711^^^HOSP^MR||Meyer^Anna^Maria||19700102|F|||Main St 1^^Springfield^IL^62701\n\
         PV1|1|I|{pv1}||||1234^Doe^John|||MED||||||||V100^^^HOSP^VN"
    )
    // Original mode, unless a test says otherwise.
    .replace("|||AL|NE||UNICODE UTF-8", "||||||UNICODE UTF-8")
}

#[tokio::test]
async fn a_stay_begins_moves_and_ends() {
    let rig = Rig::new();
    let ack = rig.ack(&adt("A01", 1, "20260101080000", "W1^101^A")).await;
    for m in rig.messages().await { eprintln!("{:?}", String::from_utf8_lossy(m.head.detail.reveal())); eprintln!("{}", String::from_utf8_lossy(m.head.answer.reveal())); }
    assert_eq!((ack.code.as_str(), ack.of.as_str()), ("AA", "1"));
    let patient = rig.one("Patient", "family=meyer").await;
    assert_eq!(text(&patient, "gender"), "female");
    let encounter = rig.one("Encounter", "status=in-progress").await;
    assert_eq!(text(&encounter, "subject.reference"), format!("Patient/{}", text(&patient, "id")));

    assert_eq!(rig.ack(&adt("A02", 2, "20260101090000", "W2^201^A")).await.code, "AA");
    assert_eq!(rig.ack(&adt("A08", 3, "20260101100000", "W2^201^A")).await.code, "AA");
    assert_eq!(rig.search("Encounter", "status=in-progress").await.len(), 1);
    assert_eq!(rig.ack(&adt("A03", 4, "20260102080000", "W2^201^A")).await.code, "AA");
    // A transfer that comes late does not open the stay again.
    assert_eq!(rig.ack(&adt("A02", 5, "20260101083000", "W3^301^A")).await.code, "AA");
    let encounter = rig.one("Encounter", "").await;
    assert_eq!(text(&encounter, "status"), "finished");
    assert_eq!(rig.search("Patient", "").await.len(), 1);
    assert_eq!(
        rig.events(),
        ["PatientAdmission", "PatientTransfer", "PatientDischarge", "PatientTransfer"]
    );
    let states: Vec<_> = rig.messages().await.iter().map(|it| it.head.state.as_str()).collect();
    assert_eq!(states, ["applied"; 5]);
}

#[tokio::test]
async fn the_same_message_again_gets_the_same_answer_and_does_nothing() {
    let rig = Rig::new();
    let first = rig.send(&adt("A01", 1, "20260101080000", "W1^101^A")).await;
    let patient = rig.one("Patient", "").await;
    let again = rig.send(&adt("A01", 1, "20260101080000", "W1^101^A")).await;
    assert!(first == again);
    assert_eq!(rig.messages().await.len(), 1);
    assert!(rig.one("Patient", "").await.same_content(&patient));
}
