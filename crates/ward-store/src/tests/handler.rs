//! Handlers: what they do is done once, whatever breaks off; the feed says what a stay does.

use std::sync::Arc;

use ward_core::{Ctx, MedicalEventType as E, Phi, RecordKey, ResourceType};
use ward_fhir::Json;

use super::rig::{Rig, at, commit, cx, key, patient, run};
use crate::{
    Chart, CommitUnit, ConsumerName, EventFilter, FeedPlace, Numbered, Write, WriteKind,
    handler::{Begin, Following, HandleError, Handled, Handler, Step},
    workflow::{own_read, own_write},
};

/// Keeps how many events it was given in a record, and gives each a number.
struct Sum {
    chart: Chart,
    name: ConsumerName,
}

fn sum_key() -> RecordKey {
    RecordKey::new(ResourceType::SETTING, "sum".parse().unwrap())
}

fn kept(chart: &Chart) -> Option<(u64, u32)> {
    let cx = cx(1);
    let reader = chart.reader(&cx, super::rig::act());
    own_read(&reader, &sum_key()).unwrap()
}

impl Handler for Sum {
    fn name(&self) -> &ConsumerName {
        &self.name
    }

    fn filters(&self) -> Vec<EventFilter> {
        vec![EventFilter { records: vec![ResourceType::PATIENT], ..EventFilter::default() }]
    }

    fn begins(&self) -> Begin {
        Begin::First
    }

    async fn handle(&mut self, _: &Ctx, step: Step<'_>) -> Result<Handled, HandleError> {
        let before = kept(&self.chart);
        let n = before.map_or(0, |(n, _)| n);
        let last = self.chart.last_number(&self.name)?;
        let number = |(number, event): (u64, &crate::Event)| {
            assert_eq!(event.record.as_ref().unwrap().key.kind, ResourceType::PATIENT);
            Numbered { consumer: self.name.clone(), number, place: event.place }
        };
        let numbered = (last + 1..).zip(step.events).map(number).collect();
        let now = n + u64::try_from(step.events.len()).unwrap();
        let write = own_write(sum_key(), before.map(|(_, version)| version), None, &now)?;
        let unit = CommitUnit { writes: vec![write], numbered, ..CommitUnit::default() };
        Ok(Handled { unit, upto: None, keep: true })
    }
}

fn following(chart: &Chart) -> Following<Sum> {
    let sum = Sum { chart: chart.clone(), name: "sum".parse().unwrap() };
    Following::new(chart.clone(), sum, Arc::new(|| at(5)))
}

fn put(chart: &Chart, s: i64, base: Option<u32>, body: &str) {
    let json = Json::parse(body.as_bytes()).unwrap();
    let name = format!(
        "{}/{}",
        json.get("resourceType").and_then(Json::as_str).unwrap(),
        json.get("id").and_then(Json::as_str).unwrap()
    );
    let write = Write::of(json, &key(&name), WriteKind::Update { base }, at(s), "http://x/fhir");
    let unit = CommitUnit { writes: vec![write], ..CommitUnit::default() };
    commit(chart, s, unit).unwrap();
}

#[test]
fn what_a_handler_does_is_done_once_through_crashes() {
    let rig = Rig::new();
    let chart = rig.init();
    for n in 0..5 {
        put(&chart, n, None, &patient(&format!("p{n}"), "A"));
        put(&chart, n, None, &format!(r#"{{"resourceType":"Flag","id":"f{n}"}}"#));
    }
    let mut sum = following(&chart);
    while run(sum.round()).unwrap() {}
    assert_eq!(kept(&chart).map(|(n, _)| n), Some(5));
    put(&chart, 6, None, &patient("late", "A"));
    // Another process finds the same place, and neither loses nor repeats anything.
    let after = rig.crashed();
    run(chart.close(at(7)));
    let chart = after.open();
    for _ in 0..2 {
        let mut again = following(&chart);
        while run(again.round()).unwrap() {}
        assert_eq!(kept(&chart).map(|(n, _)| n), Some(6));
    }
    let name: ConsumerName = "sum".parse().unwrap();
    let numbers = chart.numbers_after(&name, 0, 100).unwrap();
    assert_eq!(numbers.iter().map(|(n, _)| *n).collect::<Vec<_>>(), [1, 2, 3, 4, 5, 6]);
    let event = chart.event_at(&cx(8), numbers[5].1).unwrap().unwrap();
    assert_eq!(event.record.unwrap().key, key("Patient/late"));
    let forgotten = Some((name.clone(), 4));
    commit(&chart, 9, CommitUnit { forgotten, ..CommitUnit::default() }).unwrap();
    assert_eq!(chart.numbers_after(&name, 0, 100).unwrap().len(), 2);
    assert_eq!(chart.last_number(&name).unwrap(), 6);
}

#[test]
fn only_a_commit_with_an_event_wakes_who_follows() {
    let rig = Rig::new();
    let chart = rig.init();
    put(&chart, 1, None, &patient("p", "A"));
    let mut sum = following(&chart);
    while run(sum.round()).unwrap() {}
    let looked = chart.seq();
    let unit = CommitUnit { message: Some(message()), ..CommitUnit::default() };
    run(chart.wait_for(commit(&chart, 2, unit).unwrap().seq));
    assert!(looked < chart.seq() && chart.told() <= looked);
    let mut cx = std::task::Context::from_waker(std::task::Waker::noop());
    let follower = chart.clone();
    let mut waiting = std::pin::pin!(follower.wait_for_event_after(looked));
    assert!(waiting.as_mut().poll(&mut cx).is_pending());
    put(&chart, 3, None, &patient("q", "B"));
    assert!(waiting.as_mut().poll(&mut cx).is_ready());
    assert_eq!(chart.told(), chart.seq());
    while run(sum.round()).unwrap() {}
    assert_eq!(kept(&chart).map(|(n, _)| n), Some(2));
    // Who starts cannot know, and looks.
    run(chart.close(at(4)));
    let chart = rig.open();
    assert_eq!(chart.told(), chart.seq());
}

fn message() -> crate::NewMessage {
    crate::NewMessage {
        direction: crate::Direction::In,
        state: crate::MessageState::Ignored,
        channel: "main".to_owned(),
        kind: "ADT^A01".to_owned(),
        control_id: Phi::new("1".to_owned()),
        sender: Phi::new("LAB|HOSP".to_owned()),
        patient: None,
        time: at(0),
        raw: Phi::new(b"MSH|one".to_vec()),
        detail: Phi::new(b"{}".to_vec()),
        answer: Phi::new(b"MSA|AA|1".to_vec()),
        reuse: crate::Reuse::Accept,
    }
}

#[test]
fn a_stay_begins_once_moves_and_ends_once() {
    let rig = Rig::new();
    let chart = rig.init();
    put(&chart, 0, None, &patient("p", "A"));
    let stay = |status: &str, place: &str| {
        format!(
            r#"{{"resourceType":"Encounter","id":"e","status":"{status}","class":{{"code":"IMP"}},"subject":{{"reference":"Patient/p"}},"location":[{place}]}}"#
        )
    };
    let bed = |id: &str| format!(r#"{{"location":{{"reference":"Location/{id}"}}}}"#);
    let steps = [
        ("planned", String::new(), E::RecordChanged),
        ("arrived", String::new(), E::PatientAdmission),
        ("in-progress", bed("1"), E::RecordChanged),
        ("in-progress", bed("2"), E::PatientTransfer),
        ("onleave", bed("2"), E::RecordChanged),
        ("in-progress", bed("2"), E::RecordChanged),
        ("finished", bed("2"), E::PatientDischarge),
        ("finished", bed("2"), E::RecordChanged),
        // A discharge that is taken back.
        ("in-progress", bed("2"), E::RecordChanged),
        ("finished", bed("2"), E::PatientDischarge),
    ];
    for (n, (status, place, _)) in (0u32..).zip(&steps) {
        put(&chart, 1 + i64::from(n), (n != 0).then_some(n), &stay(status, place));
    }
    let filter = EventFilter { records: vec![ResourceType::ENCOUNTER], ..EventFilter::default() };
    let (events, _) = chart.events_after(&cx(20), FeedPlace::default(), &filter, 100).unwrap();
    let kinds: Vec<E> = events.iter().map(|event| event.kind).collect();
    assert_eq!(kinds, steps.iter().map(|(.., kind)| *kind).collect::<Vec<_>>());
}
