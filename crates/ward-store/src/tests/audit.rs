//! The audit log: what it holds, and what it notices.

use std::fs;

use rusqlite::Connection;
use ward_core::{AuditAction, AuditOutcome};

use super::rig::*;
use crate::{AuditFilter, Chart, Interaction, truth::Truth};

/// A closed chart with a few commits and a signed checkpoint.
fn filled() -> Rig {
    let rig = Rig::new();
    let chart = rig.init();
    for n in 0..5 {
        commit(&chart, n, create(&patient(&format!("p{n}"), "Family"))).unwrap();
    }
    commit(&chart, 9, update(1, &patient("p0", "Other"))).unwrap();
    get(&chart, "Patient/p1");
    run(chart.close(at(10)));
    assert_eq!(rig.verify_against(Some(&rig.anchor())), [""; 0]);
    rig
}

/// Changes the closed database as an intruder would.
fn tamper(rig: &Rig, sql: &str) {
    let db = Connection::open(rig.data().join(Truth::FILE)).unwrap();
    db.execute_batch(sql).unwrap();
}

#[test]
fn every_edit_of_a_row_is_found() {
    for (sql, found) in [
        ("UPDATE version SET body = zeroblob(length(body)) WHERE vid = 3", "one was changed"),
        ("UPDATE version SET flags = flags | 2 WHERE vid = 3", "one was changed"),
        ("UPDATE version SET updated = updated + 1 WHERE vid = 1", "one was changed"),
        ("DELETE FROM version WHERE vid = 6", "row 6"),
        ("DELETE FROM version WHERE vid = 3", "row 3"),
        (
            "UPDATE version SET vid = -1 WHERE vid = 2; UPDATE version SET vid = 2 WHERE vid = 3; \
             UPDATE version SET vid = 3 WHERE vid = -1",
            "one was changed, moved",
        ),
        (
            "INSERT INTO version SELECT 7, 7, zeroblob(16), 1, 6, kind, patients, flags, updated, \
             terms, body FROM version WHERE vid = 1",
            "no audit entry vouches for the rows 7 to 7",
        ),
        ("UPDATE audit SET sealed = zeroblob(length(sealed)) WHERE n = 2", "audit entry 2"),
        ("DELETE FROM audit WHERE n = 2", "1 audit entries are missing before entry 3"),
        (
            "UPDATE audit SET n = -1 WHERE n = 2; UPDATE audit SET n = 2 WHERE n = 3; \
             UPDATE audit SET n = 3 WHERE n = -1",
            "audit entry 2 was changed, or stands in another's place",
        ),
        ("DELETE FROM audit WHERE n = (SELECT max(n) FROM audit)", "was put back"),
        ("UPDATE frontier SET bytes = zeroblob(8)", "summary"),
        ("UPDATE checkpoint SET text = replace(text, 'ward', 'hard')", "not this chart's"),
    ] {
        let rig = filled();
        tamper(&rig, sql);
        let findings = rig.verify();
        assert!(findings.iter().any(|it| it.contains(found)), "{sql}: {findings:?}");
    }
}

#[test]
fn yesterdays_file_is_found_with_an_anchor_outside() {
    let rig = Rig::new();
    let chart = rig.init();
    commit(&chart, 1, create(&patient("a", "A"))).unwrap();
    run(chart.close(at(2)));
    let file = rig.data().join(Truth::FILE);
    let yesterday = fs::read(&file).unwrap();
    let chart = rig.open();
    commit(&chart, 3, create(&patient("b", "B"))).unwrap();
    run(chart.close(at(4)));
    fs::write(&file, yesterday).unwrap();
    // Alone the file is whole; only what was kept outside tells.
    assert_eq!(rig.verify(), [""; 0]);
    let findings = rig.verify_against(Some(&rig.anchor()));
    assert!(findings.iter().any(|it| it.contains("was put back")), "{findings:?}");
}

#[test]
fn a_rewritten_past_does_not_fit_an_anchor() {
    let rig = filled();
    // Another chart's history under the same keys: the same start, then something else.
    let other = rig.crashed();
    let chart = rig.open();
    commit(&chart, 20, create(&patient("x", "X"))).unwrap();
    run(chart.close(at(21)));
    let chart = other.open();
    commit(&chart, 20, create(&patient("y", "Y"))).unwrap();
    commit(&chart, 21, create(&patient("z", "Z"))).unwrap();
    run(chart.close(at(22)));
    assert_eq!(other.verify(), [""; 0]);
    let findings = other.verify_against(Some(&rig.anchor()));
    assert!(findings.iter().any(|it| it.contains("kept outside")), "{findings:?}");
}

#[test]
fn what_happened_is_listed_newest_first() {
    let rig = Rig::new();
    let chart = rig.init();
    commit(&chart, 1, create(&patient("a", "A"))).unwrap();
    commit(&chart, 2, create(&observation("o", "a", 70))).unwrap();
    commit(&chart, 3, create(&patient("b", "B"))).unwrap();
    commit(&chart, 4, create(&patient("b", "B"))).unwrap_err();
    let nurse = nurse(5, &["a"]);
    let act = Interaction::on(AuditAction::Read, key("Patient/a")).with_detail("why".to_owned());
    let reader = chart.reader(&nurse, act);
    reader.get(&key("Patient/a")).unwrap();
    run(reader.finish(AuditOutcome::Success)).unwrap();
    // One that was given up is on record too.
    drop(chart.reader(&nurse, Interaction::new(AuditAction::Search)));
    run(chart.audit(&nurse, Interaction::new(AuditAction::Logout), AuditOutcome::Success)).unwrap();

    let all = list(&chart, &AuditFilter::default());
    let told: Vec<_> = all.iter().map(|(action, outcome, _)| (*action, *outcome)).collect();
    assert_eq!(
        told,
        [
            (AuditAction::Logout, AuditOutcome::Success),
            (AuditAction::Search, AuditOutcome::MinorFailure),
            (AuditAction::Read, AuditOutcome::Success),
            (AuditAction::Update, AuditOutcome::MinorFailure),
            (AuditAction::Update, AuditOutcome::Success),
            (AuditAction::Update, AuditOutcome::Success),
            (AuditAction::Update, AuditOutcome::Success),
        ]
    );
    assert_eq!(all[2].2, ["a"]);
    let filter = AuditFilter { patient: Some("a".parse().unwrap()), ..AuditFilter::default() };
    // The listing above was itself of nobody.
    assert_eq!(list(&chart, &filter).len(), 3);
    let page = run(chart.audit_entries(&cx(9), &AuditFilter { limit: 2, ..filter })).unwrap();
    assert_eq!(page.entries.len(), 2);
    assert!(page.next.is_some());
    assert!(run(chart.audit_entries(&nurse, &AuditFilter::default())).is_err());
}

fn list(chart: &Chart, filter: &AuditFilter) -> Vec<(AuditAction, AuditOutcome, Vec<String>)> {
    let page = run(chart.audit_entries(&cx(8), filter)).unwrap();
    page.entries
        .into_iter()
        .filter(|it| it.action != AuditAction::AuditRead || filter.patient.is_none())
        .map(|it| (it.action, it.outcome, it.patients.iter().map(ToString::to_string).collect()))
        .collect()
}

#[test]
fn verification_works_beside_a_running_chart() {
    let rig = Rig::new();
    let chart = rig.init();
    commit(&chart, 1, create(&patient("a", "A"))).unwrap();
    assert_eq!(rig.verify(), [""; 0]);
    let report = crate::verify(&rig.data(), &rig.root(), None).unwrap();
    assert_eq!((report.n_entries, report.n_versions), (1, 1));
    drop(chart);
}

#[test]
fn what_ward_looked_at_for_nothing_is_no_entry() {
    let rig = Rig::new();
    let chart = rig.init();
    commit(&chart, 1, create(&patient("a", "Family"))).unwrap();
    let n = || run(chart.audit_entries(&cx(9), &AuditFilter::default())).unwrap().entries.len();
    let key = key("Patient/a");
    let before = n();
    let own = cx(2);
    let reader = chart.reader(&own, act());
    assert!(reader.get(&key).unwrap().is_some());
    reader.let_go();
    // The look at the log is one.
    assert_eq!(n(), before + 1);
    let nurse = nurse(3, &["a"]);
    let reader = chart.reader(&nurse, act());
    assert!(reader.get(&key).unwrap().is_some());
    reader.let_go();
    // Written after the entry of the next look at the log was asked for.
    n();
    assert_eq!(n(), before + 4, "of a person there is");
}
