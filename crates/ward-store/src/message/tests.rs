//! Messages kept, repeated, found, changed and taken away.

use std::sync::{Arc, Mutex};

use proptest::prelude::*;
use ward_core::{AuditAction, Phi, PurposeOfUse, Role};

use super::{
    Direction, MessageFilter, MessageId, MessageState, NewMessage, Restated, Reuse,
    count::tests::odd as odd_counts, runs::tests::odd as odd_runs,
};
use crate::{
    AuditFilter, Chart, CommitError, CommitUnit, ReadError, Receipt,
    tests::rig::*,
    writer::faults::{Fault, Faults},
};

fn message(control_id: &str, raw: &str) -> NewMessage {
    NewMessage {
        direction: Direction::In,
        state: MessageState::Applied,
        channel: "main".to_owned(),
        kind: "ADT^A01".to_owned(),
        control_id: Phi::new(control_id.to_owned()),
        sender: Phi::new("LAB|HOSP".to_owned()),
        patient: None,
        time: at(0),
        raw: Phi::new(raw.as_bytes().to_vec()),
        detail: Phi::new(b"{}".to_vec()),
        answer: Phi::new(format!("answer to {control_id} {}", raw.len()).into_bytes()),
        reuse: Reuse::Accept,
    }
}

fn keep(chart: &Chart, s: i64, message: NewMessage) -> Result<Receipt, CommitError> {
    commit(chart, s, CommitUnit { message: Some(message), ..CommitUnit::default() })
}

fn found(chart: &Chart, filter: MessageFilter) -> Vec<u64> {
    let filter = MessageFilter { limit: 100, ..filter };
    let heads = run(chart.messages(&cx(9), &filter)).unwrap();
    heads.iter().map(|head| head.id.0).collect()
}

#[test]
fn a_message_is_kept_with_what_it_brought_and_answered_again() {
    let rig = Rig::new();
    let chart = rig.init();
    let unit = CommitUnit {
        message: Some(NewMessage {
            patient: Some("a".parse().unwrap()),
            ..message("1", "MSH|one")
        }),
        ..create(&patient("a", "Young"))
    };
    let receipt = commit(&chart, 1, unit.clone()).unwrap();
    let id = receipt.message.unwrap();
    assert_eq!((receipt.replayed, id), (None, MessageId(1)));

    // The same again does nothing and gets the same answer, though the record is there by now.
    let again = commit(&chart, 2, unit.clone()).unwrap();
    assert_eq!((again.seq, again.message), (receipt.seq, Some(id)));
    assert_eq!(again.replayed.as_deref(), Some(b"answer to 1 7".as_slice()));
    let answered = run(chart.answered(&cx(3), act(), unit.message.as_ref().unwrap())).unwrap();
    assert_eq!(answered.unwrap().message, Some(id));
    assert_eq!(run(chart.answered(&cx(3), act(), &message("2", "MSH|one"))).unwrap(), None);

    let kept = run(chart.message(&cx(3), id)).unwrap().unwrap();
    assert_eq!(kept.raw.reveal(), b"MSH|one");
    assert_eq!(kept.head.kind, "ADT^A01");
    assert_eq!(kept.head.patient, Some("a".parse().unwrap()));

    // Who asks who looked at the chart hears of the message too, and of the list that showed it.
    found(&chart, MessageFilter::default());
    let filter = AuditFilter { patient: kept.head.patient.clone(), ..AuditFilter::default() };
    let looks = run(chart.audit_entries(&cx(9), &AuditFilter { limit: 2, ..filter })).unwrap();
    let looks: Vec<_> = looks.entries.iter().map(|it| (it.action, it.patients.len())).collect();
    assert_eq!(looks, [(AuditAction::Search, 1), (AuditAction::Read, 1)]);

    // What a refused unit brought is not kept either.
    let refused =
        CommitUnit { message: Some(message("3", "MSH|three")), ..create(&patient("a", "Other")) };
    assert!(matches!(commit(&chart, 4, refused), Err(CommitError::Exists { .. })));
    assert_eq!(found(&chart, MessageFilter::default()), [1]);
    run(chart.close(at(9)));
    assert_eq!(found(&rig.open(), MessageFilter::default()), [1]);
    assert!(rig.verify().is_empty());
}

#[test]
fn another_message_under_a_used_id_is_taken_or_refused() {
    let rig = Rig::new();
    let chart = rig.init();
    keep(&chart, 1, message("1", "MSH|one")).unwrap();
    let other = message("1", "MSH|other");
    let strict = NewMessage { reuse: Reuse::Refuse, ..other.clone() };
    assert!(matches!(keep(&chart, 2, strict), Err(CommitError::Reused)));
    assert_eq!(keep(&chart, 2, other).unwrap().message, Some(MessageId(2)));
    // Of somebody else, or by another interface, it is another message.
    let elsewhere = NewMessage { channel: "lab".to_owned(), ..message("1", "MSH|one") };
    assert_eq!(keep(&chart, 3, elsewhere).unwrap().replayed, None);
    let stranger = NewMessage { sender: Phi::new("X".to_owned()), ..message("1", "MSH|one") };
    assert_eq!(keep(&chart, 3, stranger).unwrap().replayed, None);
}

#[test]
fn messages_are_found_by_what_is_known_of_them() {
    let rig = Rig::new();
    let chart = rig.init();
    commit(&chart, 1, create(&patient("a", "Young"))).unwrap();
    let of_patient = NewMessage { patient: Some("a".parse().unwrap()), ..message("1", "1") };
    keep(&chart, 1, of_patient).unwrap();
    let dead = NewMessage { state: MessageState::Dead, time: at(5), ..message("2", "2") };
    keep(&chart, 2, dead).unwrap();
    let out = NewMessage {
        direction: Direction::Out,
        state: MessageState::Waiting,
        channel: "lab".to_owned(),
        kind: "ORU^R01".to_owned(),
        ..message("3", "3")
    };
    keep(&chart, 3, out).unwrap();
    let all = || MessageFilter::default();
    assert_eq!(found(&chart, all()), [3, 2, 1]);
    assert_eq!(found(&chart, MessageFilter { after: Some(MessageId(1)), ..all() }), [2, 3]);
    assert_eq!(found(&chart, MessageFilter { before: Some(MessageId(2)), ..all() }), [1]);
    let states = vec![MessageState::Dead, MessageState::Waiting];
    assert_eq!(found(&chart, MessageFilter { states, ..all() }), [3, 2]);
    assert_eq!(found(&chart, MessageFilter { direction: Some(Direction::In), ..all() }), [2, 1]);
    assert_eq!(found(&chart, MessageFilter { channel: Some("lab".to_owned()), ..all() }), [3]);
    assert_eq!(found(&chart, MessageFilter { kind: Some("ADT^A01".to_owned()), ..all() }), [2, 1]);
    assert_eq!(found(&chart, MessageFilter { patient: Some("a".parse().unwrap()), ..all() }), [1]);
    let control_id = Some(Phi::new("2".to_owned()));
    assert_eq!(found(&chart, MessageFilter { control_id, ..all() }), [2]);
    assert_eq!(found(&chart, MessageFilter { since: Some(at(5)), ..all() }), [2]);
    assert_eq!(found(&chart, MessageFilter { until: Some(at(5)), ..all() }), [3, 1]);
    let counts = chart.message_counts().unwrap();
    let of = |state| counts.iter().find(|it| it.0 == state).unwrap().1;
    assert_eq!((of(MessageState::Applied), of(MessageState::Dead)), (1, 1));
}

#[test]
fn a_message_changes_its_state_with_the_work_on_it() {
    let rig = Rig::new();
    let chart = rig.init();
    let received = NewMessage { state: MessageState::Received, ..message("1", "MSH|one") };
    let id = keep(&chart, 1, received).unwrap().message.unwrap();
    let applied = NewMessage { patient: Some("a".parse().unwrap()), ..message("1", "MSH|one") };
    let from = MessageState::Received;
    let restated = |id, from, to: &NewMessage| Restated { id, from, to: to.clone() };
    let unit = CommitUnit {
        restated: vec![restated(id, from, &applied)],
        ..create(&patient("a", "Young"))
    };
    commit(&chart, 2, unit).unwrap();
    let kept = chart.message_to_work_on(&cx(3), id).unwrap().unwrap();
    assert_eq!(kept.head.state, MessageState::Applied);
    assert_eq!(
        found(
            &chart,
            MessageFilter { patient: applied.patient.clone(), ..MessageFilter::default() }
        ),
        [1]
    );
    let refused = |unit| matches!(commit(&chart, 4, unit), Err(CommitError::Changed));
    let restated = restated(MessageId(7), from, &applied);
    assert!(refused(CommitUnit { restated: vec![restated], ..CommitUnit::default() }));
    // Somebody else was faster: what they decided stays, and nothing of the unit is written.
    let late = Restated { id, from, to: NewMessage { state: MessageState::Dead, ..applied } };
    assert!(refused(CommitUnit { restated: vec![late], ..create(&patient("b", "Late")) }));
    let kept = chart.message_to_work_on(&cx(5), id).unwrap().unwrap();
    assert_eq!(kept.head.state, MessageState::Applied);
    assert!(
        chart.message_counts().unwrap().iter().all(|it| it.0 != MessageState::Dead || it.1 == 0)
    );
}

#[test]
fn who_may_not_does_not_see_messages() {
    let rig = Rig::new();
    let chart = rig.init();
    let id = keep(&chart, 1, message("1", "MSH|one")).unwrap().message.unwrap();
    let nurse = nurse(2, &[]);
    assert_eq!((nurse.role, nurse.purpose), (Role::Nurse, PurposeOfUse::Treatment));
    let filter = MessageFilter { limit: 10, ..MessageFilter::default() };
    assert!(matches!(run(chart.messages(&nurse, &filter)), Err(ReadError::NotAllowed)));
    assert!(matches!(run(chart.message(&nurse, id)), Err(ReadError::NotAllowed)));
    assert!(matches!(chart.message_to_work_on(&nurse, id), Err(ReadError::NotAllowed)));
    let unit = CommitUnit { message: Some(message("2", "2")), ..CommitUnit::default() };
    assert!(matches!(run(chart.commit(&nurse, act(), unit)), Err(CommitError::NotAllowed)));
    assert!(matches!(run(chart.prune_messages(&nurse, at(9), 9)), Err(CommitError::NotAllowed)));
    assert_eq!(found(&chart, MessageFilter::default()), [1]);
}

#[test]
fn a_destroyed_patient_takes_the_messages_along() {
    let rig = Rig::new();
    let chart = rig.init();
    let unit = CommitUnit {
        message: Some(NewMessage { patient: Some("a".parse().unwrap()), ..message("1", "one") }),
        ..create(&patient("a", "Young"))
    };
    let id = commit(&chart, 1, unit.clone()).unwrap().message.unwrap();
    run(chart.shred(&cx(2), &"a".parse().unwrap())).unwrap();
    assert!(run(chart.message(&cx(3), id)).unwrap().is_none());
    assert!(found(&chart, MessageFilter::default()).is_empty());
    // The same message again cannot bring the patient back.
    assert!(matches!(commit(&chart, 4, unit), Err(CommitError::Gone { .. })));
}

#[test]
fn what_is_over_is_taken_away_and_its_room_given_back() {
    let rig = Rig::new();
    let chart = rig.init();
    let noise = |n: u32| -> String {
        // Does not compress.
        let mut x = u64::from(n) + 1;
        (0..4_000)
            .map(|_| {
                x = x.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
                char::from(b'!' + u8::try_from((x >> 40) % 90).unwrap())
            })
            .collect()
    };
    for n in 0..200 {
        keep(&chart, 1, message(&n.to_string(), &noise(n))).unwrap();
    }
    let dead = NewMessage { state: MessageState::Dead, ..message("dead", "dead") };
    keep(&chart, 1, dead).unwrap();
    keep(&chart, 1, NewMessage { time: at(100), ..message("late", "late") }).unwrap();
    let size = |rig: &Rig| {
        let db = rusqlite::Connection::open(rig.data().join("truth.db")).unwrap();
        db.query_row("PRAGMA page_count", [], |row| row.get::<_, u64>(0)).unwrap()
    };
    let before = size(&rig);
    let mut n = 0;
    for _ in 0..10 {
        n += run(chart.prune_messages(&cx(200), at(100), 50)).unwrap();
    }
    assert_eq!(n, 200);
    // What needs a person stays, however old.
    assert_eq!(found(&chart, MessageFilter::default()), [202, 201]);
    let after = size(&rig);
    assert!(after * 2 < before, "{before} pages, then {after}");
    // A number is never used again.
    let next = keep(&chart, 201, message("next", "next")).unwrap().message;
    assert_eq!(next, Some(MessageId(203)));
}

#[test]
fn a_file_of_the_first_layout_is_brought_up_to_date() {
    let rig = Rig::new();
    run(rig.init().close(at(1)));
    let db = rusqlite::Connection::open(rig.data().join("truth.db")).unwrap();
    db.execute_batch(
        "DROP TABLE message; DROP TABLE message_run; DROP TABLE message_part;
         DROP TABLE message_in_runs; DROP TABLE message_count; DROP TABLE numbered; PRAGMA user_version = 1",
    )
    .unwrap();
    drop(db);
    let chart = rig.open();
    assert_eq!(keep(&chart, 1, message("1", "one")).unwrap().message, Some(MessageId(1)));
    run(chart.close(at(2)));
    assert_eq!(found(&rig.open(), MessageFilter::default()), [1]);
}

#[test]
fn a_file_of_the_third_layout_finds_its_messages_at_less_cost_to_the_writer() {
    let rig = Rig::new();
    let chart = rig.init();
    let waiting = NewMessage { state: MessageState::Received, ..message("1", "one") };
    keep(&chart, 1, waiting.clone()).unwrap();
    for n in 2..6 {
        keep(&chart, n, message(&n.to_string(), "more")).unwrap();
    }
    run(chart.close(at(9)));
    let file = rig.data().join("truth.db");
    let db = rusqlite::Connection::open(&file).unwrap();
    db.execute_batch(
        "DROP INDEX message_by_channel; DROP INDEX message_not_over;
         CREATE INDEX message_not_over ON message (state) WHERE state NOT IN (1, 2, 7);
         DROP TABLE message_run; DROP TABLE message_part; DROP TABLE message_in_runs;
         DROP TABLE message_count;
         CREATE INDEX message_by_control ON message (control);
         INSERT INTO sqlite_sequence VALUES ('message', 40);
         PRAGMA user_version = 3",
    )
    .unwrap();
    assert_eq!(opened_tables(&db), 1, "what this test looks for is there before");
    drop(db);
    let chart = rig.open();
    let undone = MessageFilter { states: vec![MessageState::Received], ..Default::default() };
    assert_eq!(found(&chart, undone), [1]);
    let control_id = Some(Phi::new("4".to_owned()));
    assert_eq!(found(&chart, MessageFilter { control_id, ..Default::default() }), [4]);
    assert!(keep(&chart, 10, waiting).unwrap().replayed.is_some());
    // Numbers that were given and taken away before are not given again.
    assert_eq!(keep(&chart, 10, message("7", "seven")).unwrap().message, Some(MessageId(41)));
    run(chart.close(at(11)));
    let db = rusqlite::Connection::open(&file).unwrap();
    assert_eq!(opened_tables(&db), 0);
    let sql = "SELECT id FROM message WHERE state = 0 \
               AND state <> 1 AND state <> 2 AND state <> 7 ORDER BY id";
    assert!(plan(&db, sql).contains("message_not_over"));
}

/// Tables that writing one message makes and throws away.
fn opened_tables(db: &rusqlite::Connection) -> usize {
    let sql = "EXPLAIN INSERT INTO message (seq, time, direction, state, channel, kind, control, \
               sender, digest, head, raw) VALUES (1, 1, 0, 1, x'', x'', x'', x'', x'', x'', x'')";
    let mut query = db.prepare(sql).unwrap();
    let steps = query.query_map([], |row| row.get::<_, String>(1)).unwrap();
    steps.filter(|step| step.as_deref().unwrap() == "OpenEphemeral").count()
}

fn plan(db: &rusqlite::Connection, sql: &str) -> String {
    let mut query = db.prepare(&format!("EXPLAIN QUERY PLAN {sql}")).unwrap();
    let rows = query.query_map([], |row| row.get::<_, String>(3)).unwrap();
    rows.map(Result::unwrap).collect::<Vec<_>>().join("\n")
}

/// A disk that fails as long as it is told to.
#[derive(Default)]
struct Failing(Mutex<Option<Fault>>);

impl Faults for Failing {
    fn at_commit(&self) -> Option<Fault> {
        *self.0.lock().unwrap()
    }
}

/// What is done to a chart.
#[derive(Clone, Debug)]
enum Done {
    /// A message under one of a few control ids, with one of two contents.
    Keep {
        control: u8,
        raw: bool,
        refuse: bool,
    },
    /// A batch that reaches the disk or does not, and nobody is told which.
    FailedKeep {
        control: u8,
        reached: bool,
    },
    Prune(u8),
    Crash,
}

fn anything() -> impl Strategy<Value = Done> {
    prop_oneof![
        12 => (0..24u8, any::<bool>(), any::<bool>())
            .prop_map(|(control, raw, refuse)| Done::Keep { control, raw, refuse }),
        2 => (0..24u8, any::<bool>())
            .prop_map(|(control, reached)| Done::FailedKeep { control, reached }),
        1 => (1..20u8).prop_map(Done::Prune),
        1 => Just(Done::Crash),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 48, ..ProptestConfig::default() })]

    /// Nothing is kept twice and nothing new is taken for a repetition, wherever its control id
    /// is looked for.
    #[test]
    fn what_came_before_is_known(all in proptest::collection::vec(anything(), 1..80)) {
        let mut rig = Rig::new();
        run(rig.init().close(at(0)));
        let faults = Arc::new(Failing::default());
        let mut chart = rig.open_with(faults.clone()).unwrap();
        // What is there: number, control id, content.
        let mut there: Vec<(u64, u8, bool)> = Vec::new();
        for (s, done) in (1i64..).zip(all) {
            match done {
                Done::Keep { control, raw, refuse } => {
                    let reuse = if refuse { Reuse::Refuse } else { Reuse::Accept };
                    let new = NewMessage { reuse, time: at(s), ..told(control, raw) };
                    let kept = keep(&chart, s, new);
                    let same = there.iter().find(|it| it.1 == control && it.2 == raw);
                    let other = there.iter().any(|it| it.1 == control);
                    match (same, other && refuse) {
                        (Some((id, ..)), _) => {
                            let kept = kept.unwrap();
                            prop_assert!(kept.replayed.is_some());
                            prop_assert_eq!(kept.message, Some(MessageId(*id)));
                        }
                        (None, true) => prop_assert!(matches!(kept, Err(CommitError::Reused))),
                        (None, false) => {
                            let kept = kept.unwrap();
                            prop_assert!(kept.replayed.is_none());
                            there.push((kept.message.unwrap().0, control, raw));
                        }
                    }
                }
                Done::FailedKeep { control, reached } => {
                    let fault = if reached { Fault::FlushAfter } else { Fault::Flush };
                    *faults.0.lock().unwrap() = Some(fault);
                    let new = NewMessage { time: at(s), ..told(control, true) };
                    prop_assert!(matches!(keep(&chart, s, new), Err(CommitError::Unavailable(_))));
                    *faults.0.lock().unwrap() = None;
                    if reached && !there.iter().any(|it| it.1 == control && it.2) {
                        let again = keep(&chart, s, told(control, true)).unwrap();
                        prop_assert!(again.replayed.is_some());
                        there.push((again.message.unwrap().0, control, true));
                    }
                }
                Done::Prune(n) => {
                    run(chart.prune_messages(&cx(s), at(s), usize::from(n))).unwrap();
                    let left = found(&chart, MessageFilter::default());
                    there.retain(|it| left.contains(&it.0));
                    prop_assert_eq!(left.len(), there.len());
                }
                Done::Crash => {
                    let after = rig.crashed();
                    run(chart.close(at(s)));
                    rig = after;
                    chart = rig.open_with(faults.clone()).unwrap();
                }
            }
        }
        for control in 0..24u8 {
            let control_id = Some(Phi::new(control.to_string()));
            let mut ids = found(&chart, MessageFilter { control_id, ..Default::default() });
            ids.reverse();
            let expected: Vec<u64> =
                there.iter().filter(|it| it.1 == control).map(|it| it.0).collect();
            prop_assert_eq!(ids, expected);
        }
        run(chart.close(at(1_000)));
        prop_assert_eq!(odd_runs(&rig.data().join("truth.db")), Vec::<u64>::new());
        prop_assert_eq!(odd_counts(&rig.data().join("truth.db")), 0);
    }
}

fn told(control: u8, raw: bool) -> NewMessage {
    message(&control.to_string(), if raw { "MSH|one" } else { "MSH|other" })
}

#[test]
fn an_interface_of_few_messages_is_listed_without_the_others() {
    let rig = Rig::new();
    run(rig.init().close(at(1)));
    let db = rusqlite::Connection::open(rig.data().join("truth.db")).unwrap();
    for more in ["", " AND direction = 0", " AND direction = 0 AND state = 1", " AND time >= 7"] {
        let sql = format!(
            "SELECT id FROM message WHERE channel = x'00'{more} ORDER BY id DESC LIMIT 100"
        );
        let plan = plan(&db, &sql);
        assert!(plan.contains("message_by_channel"), "{plan}");
        assert!(!plan.contains("TEMP B-TREE"), "{plan}");
    }
}
