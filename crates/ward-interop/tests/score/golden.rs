//! Messages of the project's own, one or more for each family: `NAME.hl7` becomes the resources of
//! `NAME.txt`, and those become the message of `NAME.back`. `UPDATE_EXPECT=1 cargo test` writes
//! the answers; read what they say before you commit them.

use std::{fmt::Write as _, fs, path::Path};

use ward_fhir::{Json, validate::validate};
use ward_hl7::{Message, ReadSettings};
use ward_interop::{
    convert::{Converted, Converter, bundle},
    to_v2::{Event, Header},
};

/// Every family that the maps are for.
const FAMILIES: [&str; 31] = [
    "adt-a01", "adt-a02", "adt-a03", "adt-a04", "adt-a05", "adt-a06", "adt-a07", "adt-a08",
    "adt-a09", "adt-a10", "adt-a11", "adt-a12", "adt-a13", "adt-a28", "adt-a31", "adt-a40",
    "adt-a47", "oru-r01", "orm-o01", "oml-o21", "rde-o11", "rds-o13", "ras-o17", "siu-s12",
    "siu-s15", "siu-s26", "mdm-t02", "vxu-v04", "dft-p03", "bar-p01", "ref-i12",
];

#[test]
fn every_family_there_and_back() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/data/maps");
    let mut files: Vec<_> = fs::read_dir(&folder)
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .filter(|path| path.extension().is_some_and(|ext| ext == "hl7"))
        .collect();
    files.sort();
    for family in FAMILIES {
        assert!(
            files.iter().any(|path| path.file_stem().is_some_and(|it| it == family)),
            "{family}"
        );
    }
    let converter = Converter::standard();
    for path in files {
        let bytes = fs::read_to_string(&path).unwrap().replace('\n', "\r");
        let (message, _) = Message::read(bytes.as_bytes(), &ReadSettings::default());
        let now = "2026-03-01T12:00:00Z".parse().unwrap();
        let converted = converter.to_fhir(&message.unwrap(), now);
        for drafted in &converted.resources {
            let issues = validate(&drafted.resource, None);
            assert!(issues.is_empty(), "{}: {issues:?}", path.display());
        }
        expect_test::expect_file![path.with_extension("txt")].assert_eq(&told(&converted));

        let event = converted.event.as_ref().unwrap();
        let header = Header {
            event: Some(Event::new(&event.code, &event.event)),
            control_id: Some("1".to_owned()),
            ..Header::default()
        };
        let written = converter.to_v2(&bundle(&converted), &header, now).unwrap();
        let text = String::from_utf8(written.bytes).unwrap().replace('\r', "\n");
        expect_test::expect_file![path.with_extension("back")].assert_eq(&text);
    }
}

/// The resources, one after the other, with names that say which they are.
fn told(converted: &Converted) -> String {
    let mut out = String::new();
    for drafted in &converted.resources {
        let _ = write!(out, "{} ", drafted.slot);
        pretty(&drafted.resource, 0, &mut out);
        out.push('\n');
    }
    for (nth, drafted) in (1..).zip(&converted.resources) {
        out = out.replace(&drafted.slot, &format!("{}-{nth}", drafted.kind));
    }
    out
}

fn pretty(json: &Json<'_>, depth: usize, out: &mut String) {
    let indent = "  ".repeat(depth + 1);
    match json {
        Json::Object(object) => {
            out.push_str("{\n");
            for (name, value) in object.iter() {
                let _ = write!(out, "{indent}{name}: ");
                pretty(value, depth + 1, out);
                out.push('\n');
            }
            let _ = write!(out, "{}}}", "  ".repeat(depth));
        }
        Json::Array(items) => {
            for (nth, item) in items.iter().enumerate() {
                if nth != 0 {
                    let _ = write!(out, "\n{indent}- ");
                }
                pretty(item, depth, out);
            }
        }
        leaf => out.push_str(&String::from_utf8(leaf.to_bytes()).unwrap()),
    }
}

/// A second ward at once has no field: it is not a temporary place, which PV1-11 would say.
#[test]
fn a_second_place_is_no_temporary_one() {
    let bundle = Json::parse(
        br#"{"resourceType":"Bundle","entry":[
        {"resource":{"resourceType":"Patient","id":"p"}},
        {"resource":{"resourceType":"Location","id":"a","name":"A","physicalType":{"coding":[{"code":"wa"}]}}},
        {"resource":{"resourceType":"Location","id":"b","name":"7","physicalType":{"coding":[{"code":"bd"}]}}},
        {"resource":{"resourceType":"Encounter","id":"e","subject":{"reference":"Patient/p"},
          "location":[{"status":"active","location":{"reference":"Location/a"}},
                      {"status":"active","location":{"reference":"Location/b"}}]}}]}"#,
    )
    .unwrap();
    let header = Header { event: Event::parse("ADT^A08"), ..Header::default() };
    let written =
        Converter::standard().to_v2(&bundle, &header, jiff::Timestamp::UNIX_EPOCH).unwrap();
    let text = String::from_utf8(written.bytes).unwrap();
    assert!(text.contains("\rPV1|1||A\r"), "{text}");
}
