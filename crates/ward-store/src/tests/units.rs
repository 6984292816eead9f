//! What a commit does, refuses and repeats.

use ward_core::{
    AuditOutcome, EventPriority, FhirId, Kind, MedicalEventType, Phi, ResourceType, ids::EventId,
};
use ward_fhir::search::{Handling, parse_search};

use super::rig::*;
use crate::{
    Absent, CommitError, CommitUnit, EventFilter, FeedPlace, HistoryOf, Interaction, Method,
    NewCommand, NewEvent, Seq, WriteKind,
};

#[test]
fn a_record_lives_through_its_versions() {
    let rig = Rig::new();
    let chart = rig.init();
    assert_eq!(get(&chart, "Patient/a"), None);
    assert_eq!(commit(&chart, 1, create(&patient("a", "Young"))).unwrap().seq, Seq(1));
    assert_eq!(commit(&chart, 2, update(1, &patient("a", "Old"))).unwrap().seq, Seq(2));
    let now = get(&chart, "Patient/a").unwrap();
    assert_eq!((now.version, now.seq, now.deleted), (2, Seq(2), false));
    assert_eq!(now.body, patient("a", "Old").into_bytes());
    assert_eq!(now.last_updated, at(2));
    assert_eq!(search(&chart, "Patient", "family=old"), ["a"]);
    assert!(search(&chart, "Patient", "family=young").is_empty());

    commit(&chart, 3, delete(2, "Patient/a")).unwrap();
    let gone = get(&chart, "Patient/a").unwrap();
    assert!(gone.deleted && gone.body.is_empty() && gone.version == 3);
    assert!(search(&chart, "Patient", "").is_empty());

    commit(&chart, 4, update(3, &patient("a", "Back"))).unwrap();
    assert_eq!(search(&chart, "Patient", "identifier=urn:mrn|a"), ["a"]);

    let cx = cx(9);
    let reader = chart.reader(&cx, act());
    for of in [
        HistoryOf::Instance(key("Patient/a")),
        HistoryOf::Type(ResourceType::PATIENT),
        HistoryOf::System,
    ] {
        let all = reader.history(&of, None, None, None, 10).unwrap();
        let told: Vec<_> = all.iter().map(|it| (it.version, it.method)).collect();
        let expected =
            [(4, Method::Update), (3, Method::Delete), (2, Method::Update), (1, Method::Create)];
        assert_eq!(told, expected);
        assert!(all.iter().all(|it| it.key == key("Patient/a")));
        let older = reader.history(&of, None, None, Some(all[1].place), 1).unwrap();
        assert_eq!(older[0].version, 2);
        let at_2 = reader.history(&of, None, Some(at(2)), None, 10).unwrap();
        assert_eq!(at_2.iter().map(|it| it.version).collect::<Vec<_>>(), [2]);
        let since = reader.history(&of, Some(at(3)), None, None, 10).unwrap();
        assert_eq!(since.len(), 2);
    }
    assert_eq!(reader.version(&key("Patient/a"), 1).unwrap().unwrap().seq, Seq(1));
    assert_eq!(reader.version(&key("Patient/a"), 9).unwrap(), None);
    run(reader.finish(AuditOutcome::Success)).unwrap();
}

#[test]
fn what_does_not_follow_its_base_is_refused_whole() {
    let rig = Rig::new();
    let chart = rig.init();
    commit(&chart, 1, create(&patient("a", "A"))).unwrap();
    commit(&chart, 2, update(1, &patient("a", "B"))).unwrap();
    let stale = commit(&chart, 3, update(1, &patient("a", "C"))).unwrap_err();
    assert!(matches!(stale, CommitError::Stale { current: Some(2), .. }), "{stale}");
    let exists = commit(&chart, 3, create(&patient("a", "C"))).unwrap_err();
    assert!(matches!(exists, CommitError::Exists { .. }), "{exists}");
    let missing = commit(&chart, 3, delete(1, "Patient/zz")).unwrap_err();
    assert!(matches!(missing, CommitError::Stale { current: None, .. }), "{missing}");
    // One bad write takes the good one with it.
    let mut unit = create(&patient("b", "B"));
    unit.writes.push(write(WriteKind::Create, &patient("a", "D")));
    assert_eq!(commit(&chart, 4, unit).unwrap_err().kind(), Kind::Conflict);
    assert_eq!(get(&chart, "Patient/b"), None);
    let mut twice = create(&patient("c", "C"));
    twice.writes.push(write(WriteKind::Create, &patient("c", "C")));
    assert!(matches!(commit(&chart, 4, twice), Err(CommitError::Malformed(_))));
    assert_eq!(commit(&chart, 5, create(&patient("d", "D"))).unwrap().seq, Seq(3));
}

#[test]
fn only_one_of_many_at_once_wins() {
    let rig = Rig::new();
    let chart = rig.init();
    commit(&chart, 1, create(&patient("a", "A"))).unwrap();
    let results = run(async {
        let tries: Vec<_> = (0..20)
            .map(|n| {
                let chart = chart.clone();
                async move {
                    let unit = update(1, &patient("a", &format!("N{n}")));
                    chart.commit(&cx(2), act(), unit).await
                }
            })
            .collect();
        let mut tasks = Vec::new();
        let local = tokio::task::LocalSet::new();
        local
            .run_until(async {
                for one in tries {
                    tasks.push(tokio::task::spawn_local(one));
                }
                let mut results = Vec::new();
                for task in tasks {
                    results.push(task.await.unwrap());
                }
                results
            })
            .await
    });
    assert_eq!(results.iter().filter(|it| it.is_ok()).count(), 1);
    assert!(results.iter().flat_map(|it| it.as_ref().err()).all(|it| it.kind() == Kind::Conflict));
    assert_eq!(get(&chart, "Patient/a").unwrap().version, 2);
}

#[test]
fn a_repetition_is_answered_not_done() {
    let rig = Rig::new();
    let chart = rig.init();
    let unit = |s: &str| CommitUnit {
        idempotency: Some([7; 32]),
        answer: Some(Phi::new(s.as_bytes().to_vec())),
        ..create(&patient("a", "A"))
    };
    let first = commit(&chart, 1, unit("first")).unwrap();
    assert_eq!(first.replayed, None);
    let again = commit(&chart, 2, unit("second")).unwrap();
    assert_eq!((again.seq, again.replayed.as_deref()), (first.seq, Some(&b"first"[..])));
    // So is an update, which would be stale by now.
    let unit = |s: &str| CommitUnit {
        idempotency: Some([8; 32]),
        answer: Some(Phi::new(s.as_bytes().to_vec())),
        ..update(1, &patient("a", "B"))
    };
    assert_eq!(commit(&chart, 3, unit("first")).unwrap().replayed, None);
    assert_eq!(commit(&chart, 4, unit("second")).unwrap().replayed.as_deref(), Some(&b"first"[..]));
    // A day later the key is free again, and the record is found to exist.
    let later = commit(&chart, 5 + 24 * 3600, unit("third")).unwrap_err();
    assert_eq!(later.kind(), Kind::Conflict);
}

#[test]
fn a_conditional_create_notices_what_came_between() {
    let rig = Rig::new();
    let chart = rig.init();
    let clauses = |text: &str| {
        let kind = Some(ResourceType::PATIENT);
        let request = parse_search(kind, text, Handling::Strict).unwrap();
        request.parts.into_iter().next().unwrap().conditions.clauses
    };
    let unit = |id: &str, text: &str, seen| {
        let absent = Absent { kind: ResourceType::PATIENT, clauses: clauses(text), seen };
        CommitUnit { unless: vec![absent], ..create(&patient(id, "A")) }
    };
    let seen = chart.seq();
    commit(&chart, 1, unit("a", "identifier=urn:mrn|a", seen)).unwrap();
    let again = commit(&chart, 2, unit("b", "identifier=urn:mrn|a", seen)).unwrap_err();
    assert!(matches!(again, CommitError::Changed), "{again}");
    commit(&chart, 3, unit("b", "identifier=urn:mrn|b", seen)).unwrap();
    // A clause without keys counts every record of the type.
    let any = commit(&chart, 4, unit("c", "identifier:missing=true", seen)).unwrap_err();
    assert!(matches!(any, CommitError::Changed), "{any}");
    commit(&chart, 5, unit("c", "identifier:missing=true", chart.seq())).unwrap();
    // An update that comes to match counts too.
    let seen = chart.seq();
    commit(&chart, 6, update(1, &patient("c", "Late"))).unwrap();
    let late = commit(&chart, 7, unit("d", "family=Late&identifier=urn:mrn|c", seen)).unwrap_err();
    assert!(matches!(late, CommitError::Changed), "{late}");
}

#[test]
fn who_may_not_see_finds_nothing() {
    let rig = Rig::new();
    let chart = rig.init();
    for id in ["a", "b"] {
        commit(&chart, 1, create(&patient(id, "Same"))).unwrap();
        commit(&chart, 1, create(&observation(&format!("o-{id}"), id, 70))).unwrap();
    }
    let nurse = nurse(5, &["a"]);
    assert_eq!(search_as(&chart, &nurse, "Patient", "family=same"), ["a"]);
    assert_eq!(search_as(&chart, &nurse, "Observation", "code=hr"), ["o-a"]);
    let reader = chart.reader(&nurse, act());
    assert!(reader.get(&key("Observation/o-a")).unwrap().is_some());
    assert!(reader.get(&key("Observation/o-b")).unwrap().is_none());
    assert!(reader.version(&key("Patient/b"), 1).unwrap().is_none());
    let seen = reader.history(&HistoryOf::System, None, None, None, 10).unwrap();
    assert_eq!(seen.len(), 2);
    drop(reader);
    for unit in [update(1, &patient("b", "Mine")), create(&observation("n", "b", 1))] {
        let refused = run(chart.commit(&nurse, act(), unit)).unwrap_err();
        assert!(matches!(refused, CommitError::Refused { .. }), "{refused}");
    }
    // Nor may a record be taken over by changing whose it is.
    let steal = update(1, &observation("o-b", "a", 1));
    assert_eq!(run(chart.commit(&nurse, act(), steal)).unwrap_err().kind(), Kind::Refused);
    run(chart.commit(&nurse, act(), update(1, &observation("o-a", "a", 71)))).unwrap();
}

#[test]
fn the_feed_is_in_order_and_remembers() {
    let rig = Rig::new();
    let chart = rig.init();
    let event = |n: u8, kind| NewEvent {
        id: EventId::at(at(0), [n; 10]),
        kind,
        priority: EventPriority::High,
        patient: Some("a".parse::<FhirId>().unwrap()),
        time: at(i64::from(n)),
        source: Phi::new("Encounter/e".to_owned()),
        data: Phi::new(vec![n]),
    };
    let unit = CommitUnit {
        events: vec![
            event(1, MedicalEventType::PatientAdmission),
            event(2, MedicalEventType::LabResult),
        ],
        ..create(&patient("a", "A"))
    };
    commit(&chart, 1, unit).unwrap();
    let events = vec![event(3, MedicalEventType::LabResult)];
    commit(&chart, 2, CommitUnit { events, ..CommitUnit::default() }).unwrap();
    let after = |place, filter: &EventFilter| {
        let (events, end) = chart.events_after(&cx(3), place, filter, 10).unwrap();
        (events.iter().map(|it| it.data.reveal()[0]).collect::<Vec<_>>(), end)
    };
    let all = EventFilter::default();
    let (seen, end) = after(FeedPlace::default(), &all);
    assert_eq!((seen, end), (vec![1, 2, 3], FeedPlace { seq: Seq(2), n: 0 }));
    let labs = EventFilter { kinds: vec![MedicalEventType::LabResult], ..EventFilter::default() };
    assert_eq!(after(FeedPlace::default(), &labs).0, [2, 3]);
    assert_eq!(after(FeedPlace { seq: Seq(1), n: 0 }, &all).0, [2, 3]);
    assert!(chart.events_after(&nurse(3, &[]), FeedPlace::default(), &all, 1).is_err());

    let name: crate::ConsumerName = "lab-mailer".parse().unwrap();
    assert_eq!(chart.position(&name).unwrap(), FeedPlace::default());
    let position = Some((name.clone(), end));
    commit(&chart, 4, CommitUnit { position, ..create(&patient("b", "B")) }).unwrap();
    run(chart.close(at(5)));
    let chart = rig.open();
    assert_eq!(chart.position(&name).unwrap(), end);
    let (changes, _) = chart.changes_since(&cx(6), Seq(1), 10).unwrap();
    assert_eq!(changes.iter().map(|it| it.key.id.as_str()).collect::<Vec<_>>(), ["b"]);
    run(chart.wait_for(Seq(3)));
}

/// Commits that change no record, however many, do not hide the one that does.
#[test]
fn a_consumer_comes_past_commits_without_records() {
    let rig = Rig::new();
    let chart = rig.init();
    let name: crate::ConsumerName = "mailer".parse().unwrap();
    for n in 1..=9 {
        let position = Some((name.clone(), FeedPlace { seq: Seq(n), n: 0 }));
        commit(&chart, 1, CommitUnit { position, ..CommitUnit::default() }).unwrap();
    }
    let receipt = commit(&chart, 2, create(&patient("a", "A"))).unwrap();
    let (mut at, mut found) = (Seq(0), Vec::new());
    for _ in 0..20 {
        let (changes, last) = chart.changes_since(&cx(3), at, 4).unwrap();
        found.extend(changes.iter().map(|it| it.key.id.as_str().to_owned()));
        at = last;
    }
    assert_eq!((found, at), (vec!["a".to_owned()], receipt.seq));
    assert_eq!(chart.changes_since(&cx(3), at, 4).unwrap().1, at);
}

#[test]
fn a_command_is_done_once() {
    let rig = Rig::new();
    let chart = rig.init();
    let queue = vec![NewCommand {
        lane: "mail".to_owned(),
        not_before: Some(at(10)),
        body: Phi::new(b"hello".to_vec()),
    }];
    commit(&chart, 1, CommitUnit { queue, ..create(&patient("a", "A")) }).unwrap();
    let lease = |s, lane| run(chart.lease(&cx(s), lane, at(s + 60), 5)).unwrap();
    assert!(lease(5, "mail").is_empty(), "not before its time");
    assert!(lease(10, "other").is_empty());
    let first = lease(10, "mail");
    assert_eq!((first[0].attempts, first[0].body.reveal().as_slice()), (1, &b"hello"[..]));
    assert!(lease(11, "mail").is_empty(), "leased");
    let second = lease(71, "mail");
    assert_eq!((second[0].id, second[0].attempts), (first[0].id, 2));
    let done = || CommitUnit { finished: vec![first[0].id], ..CommitUnit::default() };
    commit(&chart, 72, done()).unwrap();
    assert!(matches!(commit(&chart, 73, done()), Err(CommitError::Changed)));
    assert_eq!(chart.queue_counts().unwrap(), [0, 0, 0]);
}

#[test]
fn what_a_dead_process_held_is_ready_at_the_next_start() {
    let rig = Rig::new();
    let chart = rig.init();
    let command =
        || NewCommand { lane: "mail".to_owned(), not_before: None, body: Phi::new(Vec::new()) };
    let later = NewCommand { not_before: Some(at(1_000)), ..command() };
    let queue = vec![command(), command(), later];
    commit(&chart, 1, CommitUnit { queue, ..CommitUnit::default() }).unwrap();
    let leased = run(chart.lease(&cx(2), "mail", at(600), 1)).unwrap();
    let dead = run(chart.lease(&cx(2), "mail", at(600), 1)).unwrap();
    run(chart.bury(&cx(3), dead[0].id)).unwrap();
    drop(chart);
    let chart = rig.open();
    let again = run(chart.lease(&cx(4), "mail", at(600), 5)).unwrap();
    // It was tried before, what waits for its time waits, and what is buried stays so.
    assert_eq!(again.len(), 1);
    assert_eq!((again[0].id, again[0].attempts), (leased[0].id, 2));
    assert_eq!(chart.queue_counts().unwrap(), [1, 1, 1]);
}

#[test]
fn a_burying_keeps_a_command_for_people() {
    let rig = Rig::new();
    let chart = rig.init();
    let command =
        || NewCommand { lane: "mail".to_owned(), not_before: None, body: Phi::new(Vec::new()) };
    let queue = vec![command(), command()];
    commit(&chart, 1, CommitUnit { queue, ..CommitUnit::default() }).unwrap();
    let leased = run(chart.lease(&cx(2), "mail", at(60), 5)).unwrap();
    run(chart.retry(&cx(3), leased[0].id, at(20))).unwrap();
    run(chart.bury(&cx(3), leased[1].id)).unwrap();
    assert_eq!(chart.queue_counts().unwrap(), [1, 0, 1]);
    assert!(run(chart.lease(&cx(19), "mail", at(60), 5)).unwrap().is_empty());
    assert_eq!(run(chart.lease(&cx(20), "mail", at(60), 5)).unwrap().len(), 1);
}

#[test]
fn interaction_details_stay_out_of_debug() {
    let act = Interaction::new(ward_core::AuditAction::Search).with_detail("name=Smith".to_owned());
    assert!(!format!("{act:?}").contains("Smith"));
}
