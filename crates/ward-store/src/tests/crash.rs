//! What is left after a crash, and what comes back by itself.

use std::fs;

use super::rig::*;
use crate::{CommitUnit, Method, OpenError, Seq, WriteKind};

#[test]
fn a_crash_loses_nothing_that_was_acknowledged() {
    let rig = Rig::new();
    let chart = rig.init();
    for n in 0..50 {
        commit(&chart, n, create(&patient(&format!("p{n}"), "Family"))).unwrap();
    }
    commit(&chart, 60, delete(1, "Patient/p7")).unwrap();
    let crashed = rig.crashed();
    drop(chart);
    let chart = crashed.open();
    until_ready(&chart);
    for n in 0..50 {
        let stored = get(&chart, &format!("Patient/p{n}")).unwrap();
        assert_eq!(stored.method == Method::Delete, n == 7);
    }
    assert_eq!(search(&chart, "Patient", "family=family").len(), 49);
    assert_eq!(commit(&chart, 70, create(&patient("new", "N"))).unwrap().seq, Seq(52));
    run(chart.close(at(80)));
    assert_eq!(crashed.verify(), [""; 0]);
}

#[test]
fn what_a_start_replays_the_next_does_not() {
    let rig = Rig::new();
    let chart = rig.init();
    commit(&chart, 0, create(&patient("a", "A"))).unwrap();
    for unit in 0..5 {
        let one = |n| write(WriteKind::Create, &observation(&format!("o{unit}-{n}"), "a", 70));
        let writes = (0..700).map(one).collect();
        commit(&chart, unit + 1, CommitUnit { writes, ..CommitUnit::default() }).unwrap();
    }
    let before = chart.figures().unwrap().index_runs;
    let crashed = rig.crashed();
    drop(chart);
    let chart = crashed.open();
    until_ready(&chart);
    assert!(before < chart.figures().unwrap().index_runs, "the replay was not written down");
    assert_eq!(search(&chart, "Observation", "subject=Patient/a").len(), 1_000, "a full page");
    run(chart.close(at(9)));
}

#[test]
fn a_lost_index_comes_back() {
    let rig = Rig::new();
    let chart = rig.init();
    for n in 0..30 {
        let id = format!("p{n}");
        commit(&chart, n, create(&patient(&id, "First"))).unwrap();
        commit(&chart, n, update(1, &patient(&id, "Second"))).unwrap();
    }
    run(chart.close(at(99)));
    fs::remove_dir_all(rig.data().join("index")).unwrap();
    let chart = rig.open();
    assert!(get(&chart, "Patient/p3").is_some());
    until_ready(&chart);
    assert_eq!(search(&chart, "Patient", "family=second").len(), 30);
    assert!(search(&chart, "Patient", "family=first").is_empty());
    let n = chart.version_count().unwrap();
    assert!(chart.sample(1..=n).unwrap().agrees());
}

#[test]
fn a_damaged_index_comes_back() {
    let rig = Rig::new();
    let chart = rig.init();
    commit(&chart, 1, create(&patient("a", "A"))).unwrap();
    run(chart.close(at(2)));
    let mut folders = vec![rig.data().join("index")];
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                folders.push(path);
            } else {
                fs::write(path, b"damage").unwrap();
            }
        }
    }
    let chart = rig.open();
    until_ready(&chart);
    assert_eq!(search(&chart, "Patient", "family=a"), ["a"]);
}

#[test]
fn an_index_that_knows_more_than_truth_is_made_anew() {
    let rig = Rig::new();
    let chart = rig.init();
    commit(&chart, 1, create(&patient("a", "A"))).unwrap();
    run(chart.close(at(2)));
    let file = rig.data().join(crate::truth::Truth::FILE);
    let older = fs::read(&file).unwrap();
    let chart = rig.open();
    commit(&chart, 3, create(&patient("b", "B"))).unwrap();
    run(chart.close(at(4)));
    fs::write(&file, older).unwrap();
    let chart = rig.open();
    until_ready(&chart);
    assert_eq!(search(&chart, "Patient", ""), ["a"]);
}

#[test]
fn an_index_of_another_history_is_made_anew() {
    let rig = Rig::new();
    let chart = rig.init();
    commit(&chart, 1, create(&patient("a", "A"))).unwrap();
    run(chart.close(at(2)));
    let other = rig.crashed();
    for (rig, id) in [(&rig, "b"), (&other, "c")] {
        let chart = rig.open();
        commit(&chart, 3, create(&patient(id, "B"))).unwrap();
        run(chart.close(at(4)));
    }
    let file = crate::truth::Truth::FILE;
    fs::copy(other.data().join(file), rig.data().join(file)).unwrap();
    let chart = rig.open();
    until_ready(&chart);
    assert_eq!(search(&chart, "Patient", ""), ["a", "c"]);
}

#[test]
fn a_reindex_goes_on_beside_reads_and_writes() {
    let rig = Rig::new();
    let chart = rig.init();
    for n in 0..40 {
        commit(&chart, n, create(&patient(&format!("p{n}"), "Family"))).unwrap();
    }
    run(chart.reindex(&cx(50))).unwrap();
    for n in 40..80 {
        commit(&chart, n, create(&patient(&format!("p{n}"), "Family"))).unwrap();
        assert!(get(&chart, &format!("Patient/p{n}")).is_some());
    }
    until_ready(&chart);
    assert_eq!(search(&chart, "Patient", "family=family").len(), 80);
    assert!(chart.sample(1..=80).unwrap().agrees());
}

#[test]
fn a_folder_is_opened_once_and_made_once() {
    let rig = Rig::new();
    assert!(matches!(rig.try_open(), Err(OpenError::NoChart(_))));
    let chart = rig.init();
    assert!(matches!(rig.try_open(), Err(OpenError::Locked(_))));
    drop(chart);
    let again = crate::Chart::init(rig.options(), at(1));
    assert!(matches!(again, Err(OpenError::NotEmpty(_))));
    drop(rig.open());
}

/// Truth's log has no row for it, so that no replay would take the records out again.
#[test]
fn a_destroyed_patient_stays_out_of_the_index_after_a_crash() {
    let rig = Rig::new();
    let chart = rig.init();
    commit(&chart, 1, create(&patient("a", "Same"))).unwrap();
    // More than a start compares.
    for n in 0..50 {
        commit(&chart, 1, create(&patient(&format!("b{n}"), "Same"))).unwrap();
    }
    // Everything is in the index on disk before.
    run(chart.close(at(2)));
    let chart = rig.open();
    run(chart.shred(&cx(3), &"a".parse().unwrap())).unwrap();
    let crashed = rig.crashed();
    drop(chart);
    let chart = crashed.open();
    until_ready(&chart);
    let index = chart.inner.index.current().unwrap();
    let view = index.view();
    assert_eq!(view.place(1).unwrap(), None);
    assert_eq!(view.place(2).unwrap(), Some(2));
}
