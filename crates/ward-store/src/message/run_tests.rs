//! What runs say is what messages say.

use std::path::Path;

use rusqlite::Connection;
use ward_core::Phi;

use super::{each, find, key};
use crate::{
    Chart, CommitUnit, Direction, MessageFilter, MessageState, NewMessage, Receipt, Reuse,
    message::control::Newest, tests::rig::*,
};

/// Messages that runs should have and have not, and 0 for parts that belong to no run.
pub(crate) fn odd(file: &Path) -> Vec<u64> {
    let db = Connection::open(file).unwrap();
    let sql = "SELECT id, digest, control FROM message \
               WHERE id <= (SELECT id FROM message_in_runs)";
    let mut query = db.prepare(sql).unwrap();
    let mut rows = query.query([]).unwrap();
    let mut odd = Vec::new();
    while let Some(row) = rows.next().unwrap() {
        let id: u64 = row.get(0).unwrap();
        for token in [row.get(1).unwrap(), row.get(2).unwrap()] {
            if !find(&db, key(&token)).unwrap().contains(&id) {
                odd.push(id);
            }
        }
    }
    let sql = "SELECT count(*) FROM message_part WHERE at >> 24 NOT IN \
               (SELECT run FROM message_run)";
    let n: u64 = db.query_row(sql, [], |row| row.get(0)).unwrap();
    odd.extend((n != 0).then_some(0));
    odd
}

fn entries(file: &Path) -> usize {
    let db = Connection::open(file).unwrap();
    let mut query = db.prepare("SELECT entries FROM message_part").unwrap();
    let mut rows = query.query([]).unwrap();
    let mut n = 0;
    while let Some(row) = rows.next().unwrap() {
        each(row.get_ref(0).unwrap().as_blob().unwrap(), |_, _| n += 1).unwrap();
    }
    n
}

fn message(control_id: &str, n: i64) -> NewMessage {
    NewMessage {
        direction: Direction::In,
        state: MessageState::Applied,
        channel: "main".to_owned(),
        kind: "ORU^R01".to_owned(),
        control_id: Phi::new(control_id.to_owned()),
        sender: Phi::new("LAB|HOSP".to_owned()),
        patient: None,
        time: at(n),
        raw: Phi::new(format!("MSH|{control_id}|{n}").into_bytes()),
        detail: Phi::new(b"{}".to_vec()),
        answer: Phi::new(n.to_string().into_bytes()),
        reuse: Reuse::Accept,
    }
}

fn keep(chart: &Chart, s: i64, message: NewMessage) -> Receipt {
    commit(chart, s, CommitUnit { message: Some(message), ..CommitUnit::default() }).unwrap()
}

#[test]
fn a_device_that_never_counts_costs_what_others_do() {
    let rig = Rig::new();
    let chart = rig.init();
    for n in 0..400 {
        assert_eq!(keep(&chart, n, message("1", n)).replayed, None);
    }
    // Each again is known, though all have one control id.
    for n in 0..400 {
        let again = keep(&chart, 500, message("1", n));
        assert_eq!(again.replayed, Some(n.to_string().into_bytes()));
    }
    run(chart.close(at(501)));
    let file = rig.data().join("truth.db");
    let db = Connection::open(&file).unwrap();
    let newest = Newest::default();
    newest.open(&db).unwrap();
    let mut query = db.prepare("SELECT digest FROM message").unwrap();
    let digests = query.query_map([], |row| row.get::<_, [u8; 16]>(0)).unwrap();
    for digest in digests {
        assert_eq!(newest.find(&db, &digest.unwrap()).unwrap().len(), 1, "rows looked at");
    }
    // The newest are found by it, and parts stay small.
    let chart = rig.open();
    let control_id = Some(Phi::new("1".to_owned()));
    let filter = MessageFilter { control_id, limit: 1_000, ..MessageFilter::default() };
    let found = run(chart.messages(&cx(502), &filter)).unwrap();
    assert!((64..400).contains(&found.len()), "{}", found.len());
    assert_eq!(found.first().unwrap().id.0, 400);
    let sql = "SELECT max(length(entries)) FROM message_part";
    let largest: usize = db.query_row(sql, [], |row| row.get(0)).unwrap();
    assert!(largest <= 2 * super::PART_BYTES_MAX, "{largest}");
}

#[test]
fn what_is_taken_away_leaves_the_runs_too() {
    let rig = Rig::new();
    let chart = rig.init();
    let file = rig.data().join("truth.db");
    let dead = NewMessage { state: MessageState::Dead, ..message("dead", 0) };
    keep(&chart, 0, dead.clone());
    let mut most = 0;
    for round in 1..60 {
        for n in 0..16 {
            let n = round * 16 + n;
            keep(&chart, n, message(&n.to_string(), n));
        }
        run(chart.prune_messages(&cx(2_000), at(round * 16), 100)).unwrap();
        most = most.max(entries(&file));
    }
    assert!(most < 300, "{most} entries of 32 that are looked for");
    // What needs a person is known, however old.
    assert!(keep(&chart, 2_000, dead).replayed.is_some());
    run(chart.close(at(2_001)));
    assert_eq!(odd(&file), Vec::<u64>::new());
}

#[test]
fn many_runs_become_few() {
    let rig = Rig::new();
    let chart = rig.init();
    for n in 0..1_000 {
        keep(&chart, n, message(&n.to_string(), n));
    }
    run(chart.close(at(1_001)));
    let file = rig.data().join("truth.db");
    assert_eq!(odd(&file), Vec::<u64>::new());
    let db = Connection::open(&file).unwrap();
    let n: u64 = db.query_row("SELECT count(*) FROM message_run", [], |row| row.get(0)).unwrap();
    assert!(n < 25, "{n} runs of 125 that were written");
}

#[test]
fn a_file_of_the_fifth_layout_knows_its_messages() {
    let rig = Rig::new();
    let chart = rig.init();
    for n in 0..100 {
        keep(&chart, n, message(&n.to_string(), n));
    }
    run(chart.close(at(101)));
    let file = rig.data().join("truth.db");
    let db = Connection::open(&file).unwrap();
    db.execute_batch(
        "DROP INDEX message_by_channel;
         DROP TABLE message_run; DROP TABLE message_part; DROP TABLE message_in_runs;
         CREATE TABLE message_control (control BLOB NOT NULL, id INTEGER NOT NULL,
             PRIMARY KEY (control, id)) STRICT, WITHOUT ROWID;
         INSERT INTO message_control SELECT substr(control, 1, 8), id FROM message WHERE id < 90;
         CREATE TABLE message_in_tree (one INTEGER PRIMARY KEY, id INTEGER NOT NULL) STRICT;
         INSERT INTO message_in_tree VALUES (1, 150);
         PRAGMA user_version = 5",
    )
    .unwrap();
    drop(db);
    let chart = rig.open();
    for n in 0..100 {
        assert!(keep(&chart, 102, message(&n.to_string(), n)).replayed.is_some());
    }
    // Numbers that were given before are not given again.
    assert_eq!(keep(&chart, 103, message("new", 103)).message.unwrap().0, 151);
    run(chart.close(at(104)));
    assert_eq!(odd(&file), Vec::<u64>::new());
}
