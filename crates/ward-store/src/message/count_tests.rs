//! What is counted is what is there.

use ward_core::Phi;

use super::MessageCount;
use crate::{
    Chart, CommitUnit, Direction, MessageState, NewMessage, ReadError, Restated, Reuse,
    tests::rig::*,
};

/// Rows of counts that say something else than the messages do, and the other way round.
pub(crate) fn odd(file: &std::path::Path) -> u64 {
    let db = rusqlite::Connection::open(file).unwrap();
    let scanned = "SELECT max(0, time / 3600000000) AS hour, channel, direction, state, count(*) \
                   FROM message GROUP BY 1, 2, 3, 4 UNION ALL \
                   SELECT -1, channel, direction, state, count(*) FROM message GROUP BY 2, 3, 4";
    let counted = "SELECT hour, channel, direction, state, n FROM message_count";
    let sql = format!(
        "SELECT (SELECT count(*) FROM (SELECT * FROM ({scanned}) EXCEPT {counted})) \
         + (SELECT count(*) FROM ({counted} EXCEPT SELECT * FROM ({scanned})))"
    );
    db.query_row(&sql, [], |row| row.get(0)).unwrap()
}

fn message(channel: &str, n: u32, state: MessageState, s: i64) -> NewMessage {
    NewMessage {
        direction: Direction::In,
        state,
        channel: channel.to_owned(),
        kind: "ADT^A01".to_owned(),
        control_id: Phi::new(n.to_string()),
        sender: Phi::new("LAB|HOSP".to_owned()),
        patient: None,
        time: at(s),
        raw: Phi::new(format!("MSH|{n}").into_bytes()),
        detail: Phi::new(b"{}".to_vec()),
        answer: Phi::new(Vec::new()),
        reuse: Reuse::Accept,
    }
}

fn keep(chart: &Chart, message: NewMessage) -> crate::MessageId {
    let unit = CommitUnit { message: Some(message), ..CommitUnit::default() };
    commit(chart, 1, unit).unwrap().message.unwrap()
}

fn counts(chart: &Chart, names: &[&str], since_s: i64) -> Vec<MessageCount> {
    let names: Vec<String> = names.iter().map(|it| (*it).to_owned()).collect();
    let mut counts = run(chart.messages_by_interface(&cx(200_000), &names, at(since_s))).unwrap();
    counts.sort_by_key(|it| (it.channel.clone(), it.state));
    counts
}

fn short(counts: &[MessageCount]) -> Vec<(&str, MessageState, u64, u64)> {
    counts
        .iter()
        .map(|it| (it.channel.as_deref().unwrap_or("-"), it.state, it.n, it.n_since))
        .collect()
}

#[test]
fn messages_are_counted_as_they_come_change_and_go() {
    use MessageState as S;
    let rig = Rig::new();
    let chart = rig.init();
    for n in 0..5 {
        keep(&chart, message("main", n, S::Applied, 100));
    }
    let dead = keep(&chart, message("main", 5, S::Dead, 100));
    keep(&chart, message("lab", 6, S::Received, 90_000));
    keep(&chart, message("main", 7, S::Applied, 90_000));
    let found = counts(&chart, &["main"], 89_000);
    let expected =
        [("lab", S::Received, 1, 1), ("main", S::Applied, 6, 1), ("main", S::Dead, 1, 0)];
    assert_eq!(short(&found), expected, "who is not known by name is known by the messages");
    assert_eq!(
        found.iter().map(|it| it.last.unwrap()).collect::<Vec<_>>(),
        [at(90_000), at(90_000), at(100)]
    );
    let again = message("main", 5, S::Applied, 100);
    let unit = CommitUnit {
        restated: vec![Restated { id: dead, from: MessageState::Dead, to: again }],
        ..CommitUnit::default()
    };
    commit(&chart, 2, unit).unwrap();
    // The same message again is none.
    keep(&chart, message("main", 7, S::Applied, 90_000));
    let expected = [("lab", S::Received, 1, 1), ("main", S::Applied, 7, 1)];
    assert_eq!(short(&counts(&chart, &[], 89_000)), expected);
    assert_eq!(run(chart.prune_messages(&cx(200_000), at(80_000), 100)).unwrap(), 6);
    let expected = [("lab", S::Received, 1, 1), ("main", S::Applied, 1, 1)];
    assert_eq!(short(&counts(&chart, &["lab", "none"], 0)), expected);
    run(chart.close(at(200_001)));
    assert_eq!(odd(&rig.data().join("truth.db")), 0);
}

#[test]
fn a_file_of_the_fourth_layout_is_counted_once() {
    let rig = Rig::new();
    let chart = rig.init();
    for n in 0..20 {
        let state = if n % 3 == 0 { MessageState::Refused } else { MessageState::Applied };
        keep(&chart, message(if n % 2 == 0 { "a" } else { "b" }, n, state, i64::from(n) * 1_000));
    }
    let before = counts(&chart, &[], 10_000);
    run(chart.close(at(9)));
    let file = rig.data().join("truth.db");
    let db = rusqlite::Connection::open(&file).unwrap();
    db.execute_batch(
        "DROP TABLE message_count;
         DROP INDEX message_by_channel;
         DROP TABLE message_run; DROP TABLE message_part; DROP TABLE message_in_runs;
         CREATE TABLE message_in_tree (one INTEGER PRIMARY KEY, id INTEGER NOT NULL) STRICT;
         INSERT INTO message_in_tree VALUES (1, 20);
         PRAGMA user_version = 4",
    )
    .unwrap();
    drop(db);
    let chart = rig.open();
    assert_eq!(counts(&chart, &[], 10_000), before);
    run(chart.close(at(9)));
    assert_eq!(odd(&file), 0);
}

#[test]
fn who_may_not_read_messages_is_told_no_numbers() {
    let rig = Rig::new();
    let chart = rig.init();
    let nurse = ward_core::Ctx {
        role: ward_core::Role::Nurse,
        actor: ward_core::Actor { kind: ward_core::ActorKind::Person, ..cx(1).actor },
        ..cx(1)
    };
    let said = run(chart.messages_by_interface(&nurse, &[], at(0)));
    assert!(matches!(said, Err(ReadError::NotAllowed)));
}
