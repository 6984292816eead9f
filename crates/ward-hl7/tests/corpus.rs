//! Public messages that nobody here wrote: each is read, or refused with a place; what is read is
//! written again byte for byte, and means the same in every character set that can hold it.

#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::string_slice,
    reason = "tests may"
)]

use std::{
    collections::BTreeMap,
    fs,
    path::{Path, PathBuf},
};

use ward_hl7::{
    Charset, Draft, Header, Message, ReadSettings, Rules, Severity, Version, validate,
    validate::version_of,
};

/// Every message file of the shared corpus; `None`, said loudly, where it is not there.
fn corpus() -> Option<Vec<(PathBuf, Vec<u8>)>> {
    let beside = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../shared/data");
    let data = std::env::var_os("WARD_SHARED_DATA").map_or(beside, Into::into).join("hl7v2");
    let mut files = Vec::new();
    collect(&data, &mut files);
    if files.is_empty() {
        eprintln!("!! SKIPPED: no HL7 v2 corpus; set WARD_SHARED_DATA to test on real input");
        return None;
    }
    files.sort();
    Some(files)
}

fn collect(folder: &Path, files: &mut Vec<(PathBuf, Vec<u8>)>) {
    for entry in fs::read_dir(folder).into_iter().flatten() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            collect(&path, files);
        } else if is_message(&path) {
            let bytes = fs::read(&path).unwrap();
            files.push((path, bytes));
        }
    }
}

fn is_message(path: &Path) -> bool {
    let name = path.file_name().unwrap_or_default().to_string_lossy();
    path.extension().is_some_and(|ext| ext == "hl7") || name.contains(".hl7_")
}

/// All values of a message, one a line, with their places.
fn values(message: &Message<'_>) -> Vec<String> {
    let mut all = Vec::new();
    for segment in message.segments() {
        for (n, field) in segment.fields() {
            for repetition in field.repetitions() {
                for component in repetition.components() {
                    for sub in component.subcomponents() {
                        let place = (segment.place(), n);
                        all.push(format!("{place:?} {:?} {:?}", sub.presence(), sub.text()));
                    }
                }
            }
        }
    }
    all
}

/// Reads bytes: what is read is written as it came, and what is not has an error with a place.
/// Answers how many segments were read.
fn read_or_refused(bytes: &[u8], name: &str) -> Option<usize> {
    let (message, problems) = Message::read(bytes, &ReadSettings::default());
    match message {
        Some(message) => {
            assert!(!values(&message).is_empty(), "{name}");
            let written = Draft::of(&message).to_bytes().unwrap();
            assert!(written == bytes, "{name} is not written as it came");
            Some(message.n_segments())
        }
        None => {
            let worst = problems.iter().find(|it| it.severity >= Severity::Error);
            let worst = worst.unwrap_or_else(|| panic!("{name} is refused and nobody says why"));
            // A place that a person can go to: a segment, or the message where there is none.
            assert!(!worst.at.to_string().is_empty(), "{name}");
            None
        }
    }
}

#[test]
fn every_file_is_read_or_refused_with_a_place() {
    let Some(files) = corpus() else { return };
    let (mut n_read, mut n_segments) = (0, 0);
    for (path, bytes) in &files {
        if let Some(n) = read_or_refused(bytes, &path.display().to_string()) {
            n_read += 1;
            n_segments += n;
        }
    }
    let n_refused = files.len() - n_read;
    eprintln!("{} files: {n_read} read, {n_refused} refused; {n_segments} segments", files.len());
    assert!(n_refused * 20 < n_read, "{n_refused} of {} refused", files.len());
}

/// The same files, each cut, mixed up and torn in ways that happen between machines.
#[test]
fn every_damaged_file_is_read_or_refused_with_a_place() {
    let Some(files) = corpus() else { return };
    let mut seed = 0x5DEE_CE66_u64;
    let mut below = |n: usize| {
        seed = seed.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        usize::try_from(seed >> 33).unwrap() % n.max(1)
    };
    let (mut n_read, mut n_refused) = (0, 0);
    for (path, bytes) in &files {
        for n in 0..24 {
            let mut bytes = bytes.clone();
            let at = below(bytes.len());
            match n % 8 {
                0 => bytes.truncate(at),
                1 => drop(bytes.drain(..at)),
                // Within the header, where delimiters and the character set are.
                2 => bytes.truncate(at % 120),
                3 => bytes[at % 120] = b"|^~\\&\r\n\0 "[below(9)],
                4 => bytes[at] = u8::try_from(below(256)).unwrap(),
                5 => bytes.insert(at, [0xff, 0x0b, 0x1c, 0x00, b'\r'][below(5)]),
                6 => bytes.rotate_left(at),
                _ => {
                    let more = bytes[at..].to_vec();
                    bytes.extend(more);
                }
            }
            match read_or_refused(&bytes, &format!("{} {n} {at}", path.display())) {
                Some(_) => n_read += 1,
                None => n_refused += 1,
            }
        }
    }
    eprintln!("{n_read} damaged files read, {n_refused} refused");
    assert!(0 < n_read && 0 < n_refused);
}

/// MSH-18 put into the first segment of a message that has CR, LF or CRLF.
fn with_charset(text: &str, name: &str) -> Option<String> {
    let start = text.find("MSH")?;
    let end = text[start..].find(['\r', '\n'])? + start;
    let mut fields: Vec<&str> = text[start..end].split('|').collect();
    while fields.len() < 18 {
        fields.push("");
    }
    fields[17] = name;
    Some(format!("{}{}", fields.join("|"), &text[end..]))
}

#[test]
fn every_charset_gives_the_same_characters() {
    let Some(files) = corpus() else { return };
    let encodings = [
        (Charset::Iso8859Part1, encoding_rs::WINDOWS_1252),
        (Charset::Iso8859Part2, encoding_rs::ISO_8859_2),
        (Charset::Iso8859Part15, encoding_rs::ISO_8859_15),
        (Charset::Gb18030, encoding_rs::GB18030),
        (Charset::KsX1001, encoding_rs::EUC_KR),
        (Charset::ShiftJis, encoding_rs::SHIFT_JIS),
        (Charset::Iso2022Jp, encoding_rs::ISO_2022_JP),
    ];
    let (mut n_same, mut n_wide) = (0, 0);
    for (path, bytes) in &files {
        let Ok(text) = std::str::from_utf8(bytes) else { continue };
        // Words that exist in some of the sets, so that the corpus has something to say in each.
        for words in ["", "Ångström µmol/l", "Łódź", "€", "检验科", "검사실", "検査室ｱ"]
        {
            for (charset, encoding) in encodings {
                let Some(text) = with_charset(text, charset.name()) else { continue };
                let text = text.replacen("|A", &format!("|{words}A"), 3);
                let (bytes, _, lossy) = encoding.encode(&text);
                // Some encoders write a look-alike instead of refusing.
                let (again, _) = encoding.decode_without_bom_handling(&bytes);
                if lossy || again != text || !text.starts_with("MSH|") {
                    continue;
                }
                let settings = ReadSettings { charset: Some(Charset::Utf8), ..Default::default() };
                let expected = Message::read(text.as_bytes(), &settings).0.unwrap();
                let (message, problems) = Message::read(&bytes, &ReadSettings::default());
                let message = message
                    .unwrap_or_else(|| panic!("{}: {charset:?} {problems:?}", path.display()));
                let same = values(&message) == values(&expected);
                assert!(same, "{} {charset:?}", path.display());
                n_same += 1;
            }
            let Some(text) = with_charset(text, "UNICODE UTF-16") else { continue };
            let text = text.replacen("|A", &format!("|{words}A"), 3);
            let bytes: Vec<u8> = text.encode_utf16().flat_map(u16::to_le_bytes).collect();
            let settings = ReadSettings { charset: Some(Charset::Utf8), ..Default::default() };
            let expected = Message::read(text.as_bytes(), &settings).0.unwrap();
            let message = Message::read(&bytes, &ReadSettings::default()).0.unwrap();
            assert!(values(&message) == values(&expected), "{}", path.display());
            n_wide += 1;
        }
    }
    eprintln!("{n_same} readings in {} sets, {n_wide} in UTF-16", encodings.len());
    assert!(files.len() < n_same && files.len() < n_wide);
}

#[test]
fn every_message_is_put_into_groups() {
    let Some(files) = corpus() else { return };
    let rules: BTreeMap<Version, Rules> =
        Version::ALL.into_iter().map(|version| (version, Rules::standard(version))).collect();
    let (mut n_trees, mut n_clean) = (0, 0);
    let mut counts = BTreeMap::new();
    for (path, bytes) in &files {
        let Some(message) = Message::read(bytes, &ReadSettings::default()).0 else { continue };
        let Ok(version) = version_of(&Header::of(&message)) else { continue };
        let validated = validate(&message, &rules[&version]);
        for problem in &validated.problems {
            *counts.entry((problem.severity.code(), problem.kind.word())).or_insert(0) += 1;
            assert!(problem.at.segment.is_some(), "{}: {problem}", path.display());
        }
        let Some(tree) = validated.tree else { continue };
        // Every segment is in the tree once, in the order of the message.
        let places: Vec<usize> =
            tree.segments_within(0, &message).iter().map(|segment| segment.place()).collect();
        let mut sorted = places.clone();
        sorted.sort_unstable();
        assert_eq!(sorted, (0..message.n_segments()).collect::<Vec<_>>(), "{}", path.display());
        n_trees += 1;
        let is_clean = validated.problems.iter().all(|p| p.severity < Severity::Error);
        n_clean += usize::from(is_clean);
    }
    eprintln!("{n_trees} of {} put into groups, {n_clean} without error", files.len());
    for ((severity, kind), count) in counts {
        eprintln!("  {severity} {kind}: {count}");
    }
    assert!(files.len() * 9 < n_trees * 10);
}

/// The parts of a message as another reader finds them, beside ours.
#[test]
fn other_readers_find_the_same_fields() {
    let Some(files) = corpus() else { return };
    let (mut n_mllp, mut n_hl7_parser) = (0, 0);
    for (path, bytes) in &files {
        let (message, _) = Message::read(bytes, &ReadSettings::default());
        let Some(message) = message else { continue };
        // They know carriage returns only, and MSH-2 as it should be.
        let lines: Vec<&str> = message.segments().map(|segment| segment.raw()).collect();
        let text = lines.join("\r") + "\r";
        let ours: Vec<Vec<&str>> = message
            .segments()
            .map(|segment| segment.fields().map(|(_, field)| field.raw()).collect())
            .collect();
        // MSH-1 and MSH-2 are what each of them makes of it.
        let first = |n: usize| if n == 0 { 3 } else { 1 };
        if let Ok(theirs) = mllp::Message::parse(&text) {
            for (n, segment) in theirs.segments().iter().enumerate() {
                for f in first(n)..=ours[n].len() {
                    let found: Option<Vec<&str>> =
                        segment.field(f).map(|field| field.repetitions().collect());
                    let own = ours[n][f - 1];
                    assert!(found.unwrap().join("~") == own, "mllp {} {n} {f}", path.display());
                }
            }
            n_mllp += 1;
        }
        if let Ok(theirs) = hl7_parser::Message::parse(&text) {
            // It numbers the fields of MSH in its own way.
            for (n, segment) in theirs.segments().enumerate().skip(1) {
                for f in 1..=ours[n].len() {
                    let found = segment.field(f).map(|field| field.raw_value());
                    let own = ours[n][f - 1];
                    assert!(found == Some(own), "hl7-parser {} {n} {f}", path.display());
                }
            }
            n_hl7_parser += 1;
        }
    }
    eprintln!("of {} files, {n_mllp} agree with mllp, {n_hl7_parser} with hl7-parser", files.len());
    assert!(files.len() * 9 < n_mllp * 10 && files.len() * 9 < n_hl7_parser * 10);
}
