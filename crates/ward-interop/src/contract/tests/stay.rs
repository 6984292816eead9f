//! A stay from admission to discharge, and what may go wrong with it.

use ward_fhir::Json;

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

/// A patient without a number is kept with what is said of him, never lost.
#[tokio::test]
async fn a_patient_without_a_number_is_kept_with_his_result() {
    let rig = Rig::new();
    let text = "MSH|^~\\&|LAB|H|W|H|20260101080000||ORU^R01^ORU_R01|N1|P|2.5.1\n\
        PID|1||||Nobody^Anna||19700506|F\n\
        OBR|1||7^LAB|718-7^Hb^LN|||20260101070000|||||||||||||||20260101070000|||F\n\
        OBX|1|NM|718-7^Hb^LN||13.2|g/dL|||||F";
    assert_eq!(rig.ack(text).await.code, "AA");
    let patient = rig.one("Patient", "family=Nobody").await;
    let id = patient.get("id").unwrap().as_str().unwrap().to_owned();
    rig.one("Observation", &format!("subject=Patient/{id}")).await;
    let report = rig.one("DiagnosticReport", &format!("subject=Patient/{id}")).await;
    let numbers = report.get("identifier").unwrap().as_array().unwrap();
    assert!(numbers.iter().all(|it| it.get("value").is_some()), "{numbers:?}");
}

/// Two people of whom no number is known are two, whatever else is the same.
#[tokio::test]
async fn patients_without_a_number_are_never_one() {
    let rig = Rig::new();
    for (id, name) in [("N1", "One^Anna"), ("N2", "Two^Bernd"), ("N3", "")] {
        let text = format!(
            "MSH|^~\\&|LAB|H|W|H|20260101080000||ORU^R01^ORU_R01|{id}|P|2.5.1\n\
             PID|1||||{name}||19700506|F\nOBR|1|||718-7^Hb^LN\nOBX|1|NM|718-7^Hb^LN||13.2||||||F"
        );
        assert_eq!(rig.ack(&text).await.code, "AA");
        // The same message again is the same person.
        assert_eq!(rig.ack(&text).await.code, "AA");
    }
    assert_eq!(rig.search("Patient", "birthdate=1970-05-06").await.len(), 3);
    assert_eq!(rig.search("Patient", "family=one").await.len(), 1);
    let mut subjects: Vec<String> = Vec::new();
    for observation in rig.search("Observation", "code=718-7").await {
        subjects.push(text(&observation, "subject.reference").to_owned());
    }
    subjects.sort();
    subjects.dedup();
    assert_eq!(subjects.len(), 3);
}

/// Each result names who observed it, and nobody else.
#[tokio::test]
async fn people_of_one_message_are_not_mixed() {
    let rig = Rig::new();
    let text_of = "MSH|^~\\&|LAB|H|W|H|20260101080000||ORU^R01^ORU_R01|R1|P|2.5.1\n\
        PID|1||4711^^^HOSP^MR||Meyer^Anna\n\
        ORC|RE|1^HIS|2^LAB|||||||||77^Orderer^Olga^^^^^^HOSP\n\
        OBR|1|1^HIS|2^LAB|718-7^Hb^LN\n\
        OBX|1|NM|718-7^Hb^LN||13.2||||||F|||20260101070000||11^First^Fred^^^^^^HOSP\n\
        OBX|2|NM|789-8^RBC^LN||4.2||||||F|||20260101070000||22^Second^Sara^^^^^^HOSP";
    assert_eq!(rig.ack(text_of).await.code, "AA");
    for (code, family) in [("718-7", "First"), ("789-8", "Second")] {
        let observation = rig.one("Observation", &format!("code={code}")).await;
        let performer = text(&observation.get("performer").unwrap().items()[0], "reference");
        let roles = rig.search("PractitionerRole", "").await;
        let id = |it: &Json<'_>| format!("PractitionerRole/{}", text(it, "id"));
        let role = roles.iter().find(|it| id(it) == performer).unwrap();
        let who = rig.one("Practitioner", &format!("family={family}")).await;
        let who = format!("Practitioner/{}", text(&who, "id"));
        assert_eq!(text(role, "practitioner.reference"), who, "{code}");
    }
}

/// Each charge of a message is a charge of its own, and so is each order without a number.
#[tokio::test]
async fn what_has_no_number_is_still_counted() {
    let rig = Rig::new();
    let charges = "MSH|^~\\&|LAB|H|W|H|20260101080000||DFT^P03^DFT_P03|D1|P|2.5.1\n\
        EVN|P03|20260101080000\nPID|1||4711^^^HOSP^MR||Meyer^Anna\n\
        FT1|1|||20260101||CG|99213^Visit^C4|||1\nFT1|2|||20260101||CG|71045^X-ray^C4|||1\n\
        FT1|3|||20260101||CG|71045^X-ray^C4|||1";
    assert_eq!(rig.ack(charges).await.code, "AA");
    assert_eq!(rig.search("ChargeItem", "").await.len(), 3);
    let results = "MSH|^~\\&|LAB|H|W|H|20260101080000||ORU^R01^ORU_R01|D2|P|2.5.1\n\
        PID|1||4711^^^HOSP^MR||Meyer^Anna\n\
        OBR|1|||718-7^Hb^LN|||20260101070000\nOBX|1|NM|718-7^Hb^LN||13.2||||||F\n\
        OBR|2|||789-8^RBC^LN|||20260101070000\nOBX|1|NM|789-8^RBC^LN||4.2||||||F";
    assert_eq!(rig.ack(results).await.code, "AA");
    assert_eq!(rig.search("DiagnosticReport", "").await.len(), 2);
    for report in rig.search("DiagnosticReport", "").await {
        assert_eq!(report.get("result").unwrap().items().len(), 1);
    }
}
