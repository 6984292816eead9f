//! What is written reads back.

use jiff::Timestamp;
use ward_fhir::Json;
use ward_hl7::{Message, ReadSettings, map::standard};

use super::{Event, Header};
use crate::convert::{Converter, bundle};

fn written(bundle: &str, event: &str) -> String {
    let json = Json::parse(bundle.as_bytes()).unwrap();
    let header = Header {
        event: Some(Event::parse(event).unwrap()),
        control_id: Some("1".to_owned()),
        ..Header::default()
    };
    let written = Converter::standard().to_v2(&json, &header, Timestamp::UNIX_EPOCH).unwrap();
    String::from_utf8(written.bytes).unwrap()
}

fn segment(message: &str, name: &str) -> String {
    message.split('\r').find(|line| line.starts_with(name)).unwrap_or_default().to_owned()
}

#[test]
fn every_plan_has_a_map_and_every_slot_a_type() {
    for plan in standard().plans() {
        let event = match plan.name.split_once('_') {
            Some((code, event)) => Event::new(code, event),
            None => continue,
        };
        assert!(standard().message(&event.structure()).is_some(), "{}", plan.name);
    }
    for code in ["ADT", "ORU", "ORM", "OML", "RDE", "RDS", "RAS", "SIU", "MDM", "VXU", "DFT", "BAR"]
    {
        assert!(standard().plan(code).is_some(), "{code}");
    }
}

/// Structures that events share are named as the standard names them.
#[test]
fn events_of_one_structure_share_its_name() {
    for (event, structure) in [
        ("ADT^A01", "ADT_A01"),
        ("ADT^A08", "ADT_A01"),
        ("ADT^A28", "ADT_A05"),
        ("ADT^A31", "ADT_A05"),
        ("ADT^A40", "ADT_A39"),
        ("ADT^A11", "ADT_A09"),
        ("SIU^S15", "SIU_S12"),
        ("ORU^R01", "ORU_R01"),
    ] {
        assert_eq!(Event::parse(event).unwrap().structure(), structure, "{event}");
    }
}

/// Two places, two people, two units never make one value.
#[test]
fn what_has_no_room_does_not_mix_with_what_has() {
    let text = written(
        r#"{"resourceType":"Bundle","entry":[
        {"resource":{"resourceType":"Patient","id":"p"}},
        {"resource":{"resourceType":"Location","id":"a","name":"A","physicalType":{"coding":[{"code":"wa"}]}}},
        {"resource":{"resourceType":"Location","id":"b","name":"7","physicalType":{"coding":[{"code":"bd"}]}}},
        {"resource":{"resourceType":"Encounter","id":"e","subject":{"reference":"Patient/p"},
          "location":[{"status":"active","location":{"reference":"Location/a"}},
                      {"status":"active","location":{"reference":"Location/b"}}]}}]}"#,
        "ADT^A08",
    );
    assert_eq!(segment(&text, "PV1"), "PV1|1||A");
}

/// Delimiters in text stay text, and nothing becomes another segment.
#[test]
fn text_with_delimiters_is_escaped() {
    let text = written(
        r#"{"resourceType":"Patient","id":"p",
        "name":[{"family":"A|B^C&D~E\\F\rPID|2","given":["\n"]}]}"#,
        "ADT^A31",
    );
    let (message, _) = Message::read(text.as_bytes(), &ReadSettings::default());
    let message = message.unwrap();
    assert_eq!(message.segments().filter(|it| it.raw().starts_with("PID")).count(), 1);
    let name = message.text_at(&"PID-5.1".parse().unwrap()).unwrap().into_owned();
    assert_eq!(name, "A|B^C&D~E\\F\rPID|2");
}

/// What a day of messages brought goes out again as it came: who, where, what, how much.
#[test]
fn a_simulated_day_comes_back() {
    const ASKED: [&str; 24] = [
        "MSH-9.1", "MSH-9.2", "PID-3.1", "PID-3.4", "PID-3.5", "PID-5.1", "PID-5.2", "PID-7",
        "PID-8", "PV1-2", "PV1-3", "PV1-3.3", "PV1-7.1", "PV1-7.2", "PV1-19", "PV1-44", "OBX-2",
        "OBX-3.1", "OBX-5", "OBX-6", "OBX-8", "OBX-11", "RXE-2.1", "RXE-3",
    ];
    let converter = Converter::standard();
    let midnight: Timestamp = "2026-01-01T00:00:00Z".parse().unwrap();
    let mut lost = std::collections::BTreeMap::new();
    let mut n_kept = 0;
    for sent in ward_sim::Hospital::new(7).day(midnight, 40) {
        let (message, _) = Message::read(sent.text.as_bytes(), &ReadSettings::default());
        let message = message.unwrap();
        let converted = converter.to_fhir(&message, midnight);
        let event = converted.event.clone().unwrap();
        let header =
            Header { event: Some(Event::new(&event.code, &event.event)), ..Header::default() };
        let made = bundle(&converted);
        let written = converter.to_v2(&made, &header, midnight).unwrap();
        let (again, _) = Message::read(&written.bytes, &ReadSettings::default());
        let again = again.unwrap();
        for path in ASKED {
            let at = path.parse().unwrap();
            let of = |message: &Message<'_>| message.text_at(&at).map(|text| text.into_owned());
            let Some(wanted) = of(&message).filter(|text| !text.is_empty()) else { continue };
            let ours = of(&again);
            // Times without an offset get the site's.
            let ours = ours.map(|text| text.trim_end_matches("+0000").to_owned());
            if ours.as_deref() == Some(wanted.trim_end_matches("+0000")) {
                n_kept += 1;
            } else {
                let sample = format!("{wanted} -> {ours:?}\n{}\n", sent.text.replace('\r', "\n"));
                lost.entry(format!("{} {path}", event.code)).or_insert(sample);
            }
        }
    }
    assert!(lost.is_empty(), "{n_kept} kept; {lost:#?}");
    assert!(500 < n_kept, "{n_kept}");
}
