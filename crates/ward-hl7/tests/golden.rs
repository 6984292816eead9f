//! One case is two files: the input, and `NAME.txt` with the answer. To add a case, add the input;
//! `UPDATE_EXPECT=1 cargo test` writes the answer.

#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::string_slice,
    reason = "tests may"
)]

use std::{fmt::Write as _, fs, path::Path};

use expect_test::expect_file;
use ward_hl7::{
    Draft, Header, Message, Problem, Profile, Put, ReadSettings, Rules,
    ack::{AckCode, Mode, Reply, Verdict},
    batch::File,
    mllp::{AfterEnd, Deframer, Event},
    structure::{Child, Tree},
    validate,
    validate::version_of,
};

fn cases(folder: &str, extension: &str, answer: impl Fn(&[u8]) -> String) {
    let dir = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/data").join(folder);
    let mut n_cases = 0;
    for entry in fs::read_dir(&dir).unwrap() {
        let path = entry.unwrap().path();
        if path.extension().is_some_and(|ext| ext == extension) {
            let answer = answer(&fs::read(&path).unwrap());
            expect_file![path.with_extension("txt")].assert_eq(&answer);
            n_cases += 1;
        }
    }
    assert!(0 < n_cases, "no cases in {}", dir.display());
}

fn problems_of(problems: &[Problem], out: &mut String) {
    for problem in problems {
        writeln!(out, "{problem}").unwrap();
    }
}

/// Every part that is there, one a line; an absent part has no line.
fn parts_of(message: &Message<'_>, out: &mut String) {
    for segment in message.segments() {
        let at = message.location_of(segment.place());
        writeln!(out, "{at} {} fields", segment.n_fields()).unwrap();
        for (n, field) in segment.fields() {
            for (r, repetition) in (1..).zip(field.repetitions()) {
                for (c, component) in (1..).zip(repetition.components()) {
                    for (s, sub) in (1..).zip(component.subcomponents()) {
                        match sub.text() {
                            Some(text) => writeln!(out, "  {n}[{r}].{c}.{s} {text:?}").unwrap(),
                            None if sub.raw().is_empty() => {}
                            None => writeln!(out, "  {n}[{r}].{c}.{s} null").unwrap(),
                        }
                    }
                }
            }
        }
    }
}

#[test]
fn read() {
    cases("read", "hl7", |bytes| {
        let (message, problems) = Message::read(bytes, &ReadSettings::default());
        let mut out = String::new();
        problems_of(&problems, &mut out);
        match message {
            Some(message) => {
                writeln!(out, "{:?}, {:?}", message.charset(), message.terminator()).unwrap();
                parts_of(&message, &mut out);
                assert_eq!(Draft::of(&message).to_bytes().unwrap(), bytes);
            }
            None => out.push_str("not read\n"),
        }
        out
    });
}

#[test]
fn ack() {
    cases("ack", "hl7", |bytes| {
        let (message, problems) = Message::read(bytes, &ReadSettings::default());
        let header = match &message {
            Some(message) => Header::of(message),
            None => Header::scan(bytes, &ReadSettings::default()).0.unwrap(),
        };
        let (mode, verdict) = (Mode::of(&header), Verdict::of(&problems));
        let now = "20240311083000+0100".parse().unwrap();
        let code = mode.immediate(verdict);
        let later = mode.later(verdict).map(AckCode::as_str);
        let mut out = format!("{mode:?}\nnow {:?}, later {later:?}\n", code.map(AckCode::as_str));
        let reply = Reply {
            code: code.unwrap_or(AckCode::ApplicationError),
            control_id: "WARD-1",
            now,
            expected_sequence: header.sequence_number(),
            is_exchange: false,
            problems: &problems,
        };
        let reply = reply.to_bytes(&header).unwrap();
        out.push_str(&reply.escape_ascii().to_string().replace("\\r", "\n"));
        // A sender can read it.
        let (reply, problems) = Message::read(&reply, &ReadSettings::default());
        assert!(reply.is_some() && problems.is_empty(), "{problems:?}");
        out
    });
}

#[test]
fn batch() {
    cases("batch", "hl7", |bytes| {
        let (file, problems) = File::read(bytes);
        let mut out = String::new();
        problems_of(&problems, &mut out);
        writeln!(out, "{file:#?}").unwrap();
        for message in file.messages() {
            let id = Header::scan(message, &ReadSettings::default()).0;
            let id = id.map(|header| header.control_id().into_owned());
            writeln!(out, "{id:?} {} bytes", message.len()).unwrap();
        }
        out
    });
}

fn trace(bytes: &[u8], after_end: AfterEnd, step: usize) -> String {
    let mut deframer = Deframer::new(40, after_end);
    let mut out = String::new();
    let drain = |deframer: &mut Deframer, out: &mut String| {
        while let Some(event) = deframer.next() {
            match event {
                Event::Block(bytes) => {
                    writeln!(out, "block {:?}", bytes.escape_ascii().to_string())
                }
                Event::Dropped(it) => {
                    let (why, bytes) = (it.why.as_str(), it.bytes.escape_ascii().to_string());
                    writeln!(out, "dropped {why} {} {bytes:?}", it.n_bytes)
                }
            }
            .unwrap();
        }
    };
    for piece in bytes.chunks(step) {
        deframer.push(piece);
        drain(&mut deframer, &mut out);
    }
    deframer.finish();
    drain(&mut deframer, &mut out);
    out
}

#[test]
fn mllp() {
    cases("mllp", "wire", |bytes| {
        let strict = trace(bytes, AfterEnd::MustReturn, bytes.len().max(1));
        let tolerant = trace(bytes, AfterEnd::MayReturn, bytes.len().max(1));
        // However the bytes come in, the blocks are the same.
        for step in 1..bytes.len().max(2) {
            assert_eq!(trace(bytes, AfterEnd::MustReturn, step), strict);
            assert_eq!(trace(bytes, AfterEnd::MayReturn, step), tolerant);
        }
        if strict == tolerant { strict } else { format!("{strict}-- tolerant\n{tolerant}") }
    });
}

/// A message, a line `====`, and one change a line: `set PATH text`, `null PATH`, `empty PATH`,
/// `write PATH text`, `push SEG`, `insert N SEG`, `remove N`.
#[test]
fn draft() {
    cases("draft", "edit", |bytes| {
        let mark = b"\n====\n";
        let at = bytes.windows(mark.len()).position(|it| it == mark).unwrap();
        let message = Message::read(&bytes[..at], &ReadSettings::default()).0.unwrap();
        let mut draft = Draft::of(&message);
        let mut out = String::new();
        for line in std::str::from_utf8(&bytes[at + mark.len()..]).unwrap().lines() {
            let mut words = line.splitn(3, ' ');
            let mut word = || words.next().unwrap_or_default();
            let (what, first, second) = (word(), word(), word());
            let path = || first.parse().unwrap();
            let segment = |name: &str| ward_hl7::SegmentId::new(name.as_bytes()).unwrap();
            let done = match what {
                "set" => draft.set(&path(), Put::Text(second)),
                "null" => draft.set(&path(), Put::Null),
                "empty" => draft.set(&path(), Put::Empty),
                "write" => draft.set(&path(), Put::Written(second)),
                "push" => {
                    draft.push(segment(first));
                    Ok(())
                }
                "insert" => draft.insert(first.parse().unwrap(), segment(second)),
                "remove" => draft.remove(first.parse().unwrap()),
                other => panic!("{other}"),
            };
            if let Err(e) = done {
                writeln!(out, "{line}: {e}").unwrap();
            }
        }
        let written = draft.to_bytes().unwrap();
        out.push_str(&written.escape_ascii().to_string().replace("\\r", "\\r\n"));
        out.push('\n');
        out
    });
}

fn tree_of(tree: &Tree, message: &Message<'_>, group: usize, depth: usize, out: &mut String) {
    let indent = "  ".repeat(depth);
    for child in &tree.group(group).unwrap().children {
        match child {
            Child::Group(at) => {
                let group = tree.group(*at).unwrap();
                writeln!(out, "{indent}{}[{}]", group.name, group.occurrence).unwrap();
                tree_of(tree, message, *at, depth + 1, out);
            }
            Child::Segment { place, node } => {
                let mark = if node.is_some() { "" } else { " (no place)" };
                writeln!(out, "{indent}{}{mark}", message.location_of(*place)).unwrap();
            }
        }
    }
}

/// Beside `NAME.hl7` may stand a profile, `NAME.toml`.
#[test]
fn validated() {
    let dir = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/data/validate");
    let mut n_cases = 0;
    for entry in fs::read_dir(&dir).unwrap() {
        let path = entry.unwrap().path();
        if path.extension().is_none_or(|ext| ext != "hl7") {
            continue;
        }
        let bytes = fs::read(&path).unwrap();
        let message = Message::read(&bytes, &ReadSettings::default()).0.unwrap();
        let mut out = String::new();
        match version_of(&Header::of(&message)) {
            Err(problem) => writeln!(out, "{problem}").unwrap(),
            Ok(version) => {
                let rules = match fs::read_to_string(path.with_extension("toml")) {
                    Ok(text) => text.parse::<Profile>().unwrap().rules(version).unwrap(),
                    Err(_) => Rules::standard(version),
                };
                let validated = validate(&message, &rules);
                problems_of(&validated.problems, &mut out);
                match validated.tree {
                    Some(tree) => tree_of(&tree, &message, 0, 0, &mut out),
                    None => out.push_str("no structure\n"),
                }
            }
        }
        expect_file![path.with_extension("txt")].assert_eq(&out);
        n_cases += 1;
    }
    assert!(0 < n_cases, "no cases in {}", dir.display());
}
