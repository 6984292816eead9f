//! A link that numbers its messages.

use std::sync::Arc;

use super::rig::*;
use crate::contract::Taken;

fn numbered(id: &str, number: &str) -> String {
    format!(
        "MSH|^~\\&|REG|HOSP|WARD|HOSP|20260101080000||ADT^A08^ADT_A01|{id}|P|2.5.1|{number}\n\
         EVN||20260101080000\n\
         PID|1||4711^^^HOSP^MR||Meyer^{id}||19700102|F\n\
         PV1|1|I|W1^101^A||||||||||||||||V100^^^HOSP^VN"
    )
}

/// Code, MSA-4 and ERR-3 of the answer to each of a row of messages.
async fn answers(rig: &Rig, messages: &[(&str, &str)]) -> String {
    let mut said = String::new();
    for (id, number) in messages {
        let ack = rig.ack(&numbered(id, number)).await;
        assert_eq!(ack.of, *id);
        said.push_str(format!("{} {} {}", ack.code, ack.expected, ack.error).trim_end());
        said.push('\n');
    }
    said
}

fn following() -> Rig {
    let mut rig = Rig::new();
    rig.interface.follows_sequence = true;
    rig
}

#[tokio::test]
async fn what_is_not_the_next_is_refused_and_taken_in_its_turn() {
    let rig = following();
    let link = [
        ("S0", "0"),
        ("A", "40"),
        // The same bytes: the answer was lost.
        ("A", "40"),
        // The same number, other bytes: told to go on, not processed.
        ("A2", "40"),
        ("C", "42"),
        ("B", "41"),
        // Refused before, and in its turn now.
        ("C", "42"),
        ("S1", "0"),
        ("X", "no"),
        ("R", "-1"),
        ("S2", "0"),
        ("D", "7"),
        ("E", ""),
        ("F", "8"),
    ];
    let said = "AA -1\nAA 40\nAA 40\nAE 41 199\nAE 41 199\nAA 41\nAA 42\nAA 43\nAE  102\nAA -1\n\
                AA -1\nAA 7\nAA\nAA 8\n";
    assert_eq!(answers(&rig, &link).await, said);
    assert_eq!(text(&rig.one("Patient", "").await, "name.0.given.0"), "F");
    // The patient was told of by A, B, C, D, E and F, once each.
    let kept = rig.messages().await;
    let applied = kept.iter().filter(|it| it.head.state.as_str() == "applied");
    let ids: Vec<&str> = applied.map(|it| it.head.control_id.reveal().as_str()).collect();
    assert_eq!(ids, ["A", "B", "C", "D", "E", "F"]);
    assert_eq!(kept.len(), 13);
}

#[tokio::test]
async fn a_message_that_is_wrong_has_had_its_turn() {
    let rig = following();
    let without_patient =
        "MSH|^~\\&|REG|HOSP|WARD|HOSP|20260101080000||ZZZ^Z01|W|P|2.5.1|2\nEVN||20260101080000";
    assert_eq!(answers(&rig, &[("A", "1")]).await, "AA 1\n");
    assert_eq!(rig.ack(without_patient).await.code, "AR");
    assert_eq!(answers(&rig, &[("B", "3")]).await, "AA 3\n");
}

#[tokio::test]
async fn each_sender_has_its_own_numbers_and_a_link_without_the_setting_none() {
    let rig = following();
    assert_eq!(answers(&rig, &[("A", "5")]).await, "AA 5\n");
    let other = numbered("B", "90").replace("|REG|", "|LAB|");
    assert_eq!(rig.ack(&other).await.code, "AA");
    assert_eq!(answers(&rig, &[("C", "6")]).await, "AA 6\n");
    let plain = Rig::new();
    assert_eq!(answers(&plain, &[("A", "5"), ("B", "3")]).await, "AA\nAA\n");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_same_number_on_many_connections_is_taken_once() {
    let rig = Arc::new(following());
    for number in 1..=20 {
        let mut tasks = tokio::task::JoinSet::new();
        for at in 0..8 {
            let rig = Arc::clone(&rig);
            tasks.spawn(async move {
                let message = numbered(&format!("M{number}-{at}"), &number.to_string());
                matches!(rig.send(&message).await, Taken::Answers(answers)
                    if Ack::read(&answers[0]).code == "AA")
            });
        }
        let taken = tasks.join_all().await.into_iter().filter(|it| *it).count();
        assert_eq!(taken, 1, "number {number}");
    }
}
