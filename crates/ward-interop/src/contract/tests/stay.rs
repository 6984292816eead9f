//! A stay from admission to discharge, and what may go wrong with it.

use super::rig::*;

fn adt(event: &str, id: u32, time: &str, pv1: &str) -> String {
    format!(
        "MSH|^~\\&|REG|HOSP|WARD|HOSP|{time}||ADT^{event}^ADT_A01|{id}|P|2.5.1|||AL|NE||UNICODE UTF-8\n\
         EVN||{time}\n\
         PID|1||4711^^^HOSP^MR||Meyer^Anna^Maria||19700102|F|||Main St 1^^Springfield^IL^62701\n\
         PV1|1|I|{pv1}||||1234^Doe^John|||MED|||||||||V100^^^HOSP^VN"
    )
    // Original mode, unless a test says otherwise.
    .replace("|||AL|NE||UNICODE UTF-8", "||||||UNICODE UTF-8")
}

#[tokio::test]
async fn a_stay_begins_moves_and_ends() {
    let rig = Rig::new();
    let ack = rig.ack(&adt("A01", 1, "20260101080000", "W1^101^A")).await;
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
    // The late one changed nothing, and so is no event.
    assert_eq!(rig.events(), ["PatientAdmission", "PatientTransfer", "PatientDischarge"]);
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

/// The clock of the machine is put back: control ids stay unique and the order of messages holds.
#[tokio::test]
async fn a_clock_that_goes_back_changes_nothing() {
    let rig = Rig::new();
    rig.set_clock(7_200);
    let first = rig.ack(&adt("A01", 1, "20260101080000", "W1^101^A")).await;
    rig.set_clock(3_600);
    let second = rig.ack(&adt("A02", 2, "20260101090000", "W2^201^A")).await;
    assert_eq!((first.code.as_str(), second.code.as_str()), ("AA", "AA"));
    assert_ne!(first.id, second.id);
    let messages = rig.messages().await;
    assert!(messages.windows(2).all(|two| two[0].head.id < two[1].head.id));
    assert_eq!(rig.events(), ["PatientAdmission", "PatientTransfer"]);
}

/// A chart whose disk is full takes nothing, says so, and keeps what it accepted.
#[tokio::test]
async fn a_full_chart_rejects_and_keeps_what_it_accepted() {
    let rig = Rig::with_pages(Some(140));
    let mut n = 0;
    let rejected = loop {
        n += 1;
        let ack = rig
            .ack(&adt("A01", n, "20260101080000", "W1^101^A").replace("4711", &n.to_string()))
            .await;
        if ack.code != "AA" {
            break ack;
        }
        assert!(n < 2_000, "it never fills up");
    };
    // Not for its content, and it may come again.
    assert_eq!((rejected.code.as_str(), rejected.error.as_str()), ("AR", "207"));
    // What it accepted is there, and nothing of what it did not.
    let counts = rig.chart.message_counts().unwrap();
    let kept: u64 = counts.iter().map(|(_, n)| n).sum();
    assert_eq!(kept, u64::from(n - 1));
}
