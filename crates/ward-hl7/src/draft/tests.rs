use proptest::prelude::*;

use super::{Draft, Put};
use crate::{
    SegmentId,
    charset::Charset,
    message::{Message, Part, Presence, ReadSettings},
    path::Path,
    separators::Separators,
};

#[test]
fn a_new_message_can_be_read() {
    let mut draft = Draft::new(Separators::WITH_TRUNCATION, Charset::Iso8859Part1);
    draft.set(&"MSH-9".parse().unwrap(), Put::Written("ADT^A01^ADT_A01")).unwrap();
    let pid = draft.push(SegmentId::new(b"PID").unwrap());
    draft.set_at(pid, &"PID-5.1.2".parse().unwrap(), Put::Text("Størm & Søn")).unwrap();
    let bytes = draft.to_bytes().unwrap();
    let expected =
        b"MSH|^~\\&#|||||||ADT^A01^ADT_A01|||||||||8859/1\rPID|||||&St\xf8rm \\T\\ S\xf8n\r";
    assert_eq!(bytes.escape_ascii().to_string(), expected.escape_ascii().to_string());

    let (message, _) = Message::read(&bytes, &ReadSettings::default());
    let message = message.unwrap();
    let mut draft = Draft::of(&message);
    draft.recode(Charset::Utf8);
    let bytes = draft.to_bytes().unwrap();
    let (message, problems) = Message::read(&bytes, &ReadSettings::default());
    let message = message.unwrap();
    assert_eq!(problems.len(), 1, "no MSH-10");
    assert_eq!(message.text_at(&"PID-5.1.2".parse().unwrap()).unwrap(), "Størm & Søn");
    assert_eq!(message.charset(), Charset::Utf8);
    draft = Draft::of(&message);
    draft.recode(Charset::Ascii);
    assert_eq!(draft.to_bytes().unwrap_err().line, 2);
}

fn any_path() -> impl Strategy<Value = Path> {
    let number = prop_oneof![Just(String::new()), (1..4u8).prop_map(|n| format!("[{n}]"))];
    let deeper = prop_oneof![
        Just(String::new()),
        (1..4u8).prop_map(|n| format!(".{n}")),
        (1..4u8, 1..3u8).prop_map(|(c, s)| format!(".{c}.{s}")),
    ];
    let names = prop_oneof![Just("MSH"), Just("PID"), Just("ZAA"), Just("OBX")];
    (names, number.clone(), 0..20u8, number, deeper).prop_map(|(name, nth, field, of, deeper)| {
        let field = if field == 0 { String::new() } else { format!("-{field}{of}{deeper}") };
        format!("{name}{nth}{field}").parse().unwrap()
    })
}

/// Bytes that look much like a message.
fn any_message() -> impl Strategy<Value = Vec<u8>> {
    let line = prop_oneof![
        r"(PID|ZAA|OBX|[a-z]{1,4})(\|[a-z^~&\\\x00-\x1f]{0,12}){0,9}",
        "[ -~]{0,20}",
        Just(String::new()),
    ];
    let end = prop_oneof![Just("\r"), Just("\n"), Just("\r\n")];
    let lines = prop::collection::vec((line, end), 0..8);
    let charset = prop_oneof![Just(""), Just("8859/1"), Just("~ISO IR87"), Just("GB 18030-2000")];
    (charset, lines, prop::collection::vec(any::<u8>(), 0..6)).prop_map(
        |(charset, lines, bytes)| {
            let mut all = format!("MSH|^~\\&||||||||7|P|2.5||||||{charset}").into_bytes();
            all.extend_from_slice(lines.first().map_or("\r", |(_, end)| end).as_bytes());
            for (line, end) in lines {
                all.extend_from_slice(line.as_bytes());
                all.extend_from_slice(end.as_bytes());
            }
            all.extend(bytes);
            all
        },
    )
}

proptest! {
    #[test]
    fn a_draft_reads_as_its_message_does(bytes in any_message(), path in any_path()) {
        if let (Some(message), _) = Message::read(&bytes, &ReadSettings::default()) {
            let draft = Draft::of(&message).into_owned();
            let found = message.find(&path);
            prop_assert_eq!(draft.raw_at(&path), found.map(|part| part.raw()));
            prop_assert_eq!(draft.text_at(&path), message.text_at(&path));
            prop_assert_eq!(draft.count(path.segment()), message.all(path.segment()).count());
            let field = match message.find(&path.whole_field()) {
                Some(Part::Field(field)) if !field.raw().is_empty() => field.repetitions().count(),
                _ => 0,
            };
            prop_assert_eq!(draft.n_repetitions(&path), field);
            prop_assert_eq!(draft.to_bytes().ok(), Draft::of(&message).to_bytes().ok());
        }
    }

    #[test]
    fn what_is_not_changed_is_written_as_it_came(bytes in any_message()) {
        let (message, problems) = Message::read(&bytes, &ReadSettings::default());
        match message {
            Some(message) => prop_assert_eq!(Draft::of(&message).to_bytes().unwrap(), bytes),
            None => prop_assert!(!problems.is_empty()),
        }
    }

    #[test]
    fn what_is_put_is_found(bytes in any_message(), n in 1_usize..9, r in 1_usize..4, c in 1_usize..4, text in "[ -~é]{0,9}") {
        let (message, _) = Message::read(&bytes, &ReadSettings::default());
        let Some(message) = message else { return Ok(()) };
        let mut draft = Draft::of(&message);
        let place = draft.push(SegmentId::new(b"ZZZ").unwrap());
        let path: Path = format!("ZZZ-{n}[{r}].{c}").parse().unwrap();
        if draft.set_at(place, &path, Put::Text(&text)).is_err() {
            return Ok(());
        }
        let Ok(written) = draft.to_bytes() else { return Ok(()) };
        prop_assert!(written.starts_with(&bytes));
        let (again, _) = Message::read(&written, &ReadSettings::default());
        let again = again.unwrap();
        let found = path.within(again.segments().last().unwrap()).unwrap();
        prop_assert_eq!(found.text().unwrap_or_default(), text.as_str());
        prop_assert_eq!(found.presence() == Presence::Empty, text.is_empty());
    }

    #[test]
    fn every_input_gets_an_answer(bytes in prop::collection::vec(any::<u8>(), 0..80)) {
        let _ = Message::read(&bytes, &ReadSettings::default());
        let mut message = b"MSH|^~\\&|".to_vec();
        message.extend(bytes);
        let _ = Message::read(&message, &ReadSettings::default());
    }
}
