//! Rotation, destruction, and nothing readable at rest.

use std::fs;

use ward_core::{EventPriority, FhirId, Kind, MedicalEventType, Phi, ids::EventId};

use super::rig::*;
use crate::{CommitError, CommitUnit, NewEvent};

#[test]
fn after_a_rotation_everything_opens() {
    let rig = Rig::new();
    let chart = rig.init();
    for n in 0..20 {
        commit(&chart, n, create(&patient(&format!("p{n}"), "Family"))).unwrap();
    }
    let rotated = run(chart.rotate_keys(&cx(30))).unwrap();
    assert_eq!((rotated.tenant_version, rotated.n_keys), (2, 20));
    commit(&chart, 31, create(&patient("new", "Family"))).unwrap();
    run(chart.close(at(32)));
    let chart = rig.open();
    until_ready(&chart);
    assert_eq!(search(&chart, "Patient", "family=family").len(), 21);
    let scrubbed = run(chart.scrub(&cx(33), 1)).unwrap();
    assert_eq!((scrubbed.n_rows, scrubbed.damaged.len(), scrubbed.next), (21, 0, None));
    let refused = run(chart.rotate_keys(&nurse(34, &[]))).unwrap_err();
    assert!(matches!(refused, CommitError::NotAllowed));
    run(chart.close(at(40)));
    assert_eq!(rig.verify(), [""; 0]);
}

#[test]
fn a_destroyed_patient_is_gone_everywhere() {
    let rig = Rig::new();
    let chart = rig.init();
    for id in ["a", "b"] {
        commit(&chart, 1, create(&patient(id, "Same"))).unwrap();
        commit(&chart, 1, create(&observation(&format!("o-{id}"), id, 70))).unwrap();
    }
    let id: FhirId = "a".parse().unwrap();
    let event = NewEvent {
        id: EventId::at(at(2), [9; 10]),
        kind: MedicalEventType::LabResult,
        priority: EventPriority::Low,
        patient: Some(id.clone()),
        time: at(2),
        source: Phi::new(String::new()),
        data: Phi::new(b"potassium".to_vec()),
    };
    commit(&chart, 2, CommitUnit { events: vec![event], ..CommitUnit::default() }).unwrap();
    let n_events = |chart: &crate::Chart| {
        let all = crate::EventFilter::default();
        chart.events_after(&cx(3), crate::FeedPlace::default(), &all, 10).unwrap().0.len()
    };
    assert_eq!(n_events(&chart), 1);
    let shredded = run(chart.shred(&cx(5), &id)).unwrap();
    assert!(shredded.had_key);
    assert_eq!(shredded.n_records, 2);
    let check = |chart: &crate::Chart| {
        let cx = cx(6);
        let reader = chart.reader(&cx, act());
        for path in ["Patient/a", "Observation/o-a"] {
            assert_eq!(reader.get(&key(path)).unwrap_err().kind(), Kind::Gone);
        }
        drop(reader);
        assert_eq!(search(chart, "Patient", "family=same"), ["b"]);
        assert_eq!(search(chart, "Observation", "code=hr"), ["o-b"]);
        assert!(search(chart, "Observation", "patient=a").is_empty());
        let again = commit(chart, 7, create(&observation("x", "a", 1))).unwrap_err();
        assert_eq!(again.kind(), Kind::Gone);
        assert_eq!(n_events(chart), 0);
    };
    check(&chart);
    assert!(!run(chart.shred(&cx(8), &id)).unwrap().had_key);
    let n = chart.version_count().unwrap();
    assert!(chart.sample(1..=n).unwrap().agrees());
    run(chart.close(at(9)));
    // The index made anew knows no more than the one that was.
    fs::remove_dir_all(rig.data().join("index")).unwrap();
    let chart = rig.open();
    until_ready(&chart);
    check(&chart);
    let scrubbed = run(chart.scrub(&cx(10), 1)).unwrap();
    assert_eq!((scrubbed.n_destroyed, scrubbed.damaged.len()), (2, 0));
    run(chart.close(at(11)));
    assert_eq!(rig.verify(), [""; 0]);
}

#[test]
fn a_scrub_names_what_is_damaged() {
    let rig = Rig::new();
    let chart = rig.init();
    for n in 0..3 {
        commit(&chart, n, create(&patient(&format!("p{n}"), "Family"))).unwrap();
    }
    run(chart.close(at(9)));
    let db = rusqlite::Connection::open(rig.data().join(crate::truth::Truth::FILE)).unwrap();
    db.execute_batch("UPDATE version SET body = zeroblob(length(body)) WHERE vid = 2").unwrap();
    drop(db);
    let chart = rig.open();
    assert_eq!(run(chart.scrub(&cx(10), 1)).unwrap().damaged, [2]);
}

#[test]
fn nothing_readable_lies_in_the_folder() {
    let rig = Rig::new();
    let chart = rig.init();
    for n in 0..50 {
        commit(&chart, n, create(&patient(&format!("mrn-{n}-mrn"), "Zyxwvutsrq"))).unwrap();
        search(&chart, "Patient", "family=Zyxwvutsrq");
    }
    let find = |needle: &str| {
        let mut n_files = 0;
        let mut found = Vec::new();
        let mut folders = vec![rig.data()];
        while let Some(folder) = folders.pop() {
            for entry in fs::read_dir(folder).unwrap() {
                let path = entry.unwrap().path();
                if path.is_dir() {
                    folders.push(path);
                    continue;
                }
                n_files += 1;
                let bytes = fs::read(&path).unwrap().to_ascii_lowercase();
                if bytes.windows(needle.len()).any(|it| it == needle.as_bytes()) {
                    found.push(path);
                }
            }
        }
        assert!(2 < n_files);
        found
    };
    fs::write(rig.data().join("planted"), b"..mrn-7-mrn..").unwrap();
    assert_eq!(find("mrn-7-mrn").len(), 1, "the search itself works");
    fs::remove_file(rig.data().join("planted")).unwrap();
    for open in [true, false] {
        for needle in ["mrn-7-mrn", "zyxwvutsrq", "urn:mrn", "resourcetype"] {
            assert!(find(needle).is_empty(), "{needle}");
        }
        if open {
            run(chart.clone().close(at(99)));
        }
    }
}
