//! Public messages, sent in every character set that can hold them: the chart is the same as from
//! UTF-8, and what is not text never comes into it.

use std::{
    fs,
    path::{Path, PathBuf},
};

use encoding_rs::Encoding;
use serde_json::Value;
use ward_tests::{Ack, House, Peer, frame, shared_data, skip};

use super::{adt, kept};

/// How bytes are made of text.
#[derive(Clone, Copy)]
enum Bytes {
    Of(&'static Encoding),
    Utf16Le,
    Utf16Be,
}

/// What MSH-18 says, its bytes, words that the set has and ASCII has not, and bytes that are no
/// text in it. Three sets give a character to every byte.
#[rustfmt::skip]
const SETS: &[(&str, Bytes, &str, &[u8])] = &[
    ("UNICODE UTF-8", Bytes::Of(encoding_rs::UTF_8), "Łódź 検査 𝒳 µ", b"\xe4\xff"),
    ("UNICODE UTF-16", Bytes::Utf16Le, "Łódź 山田 𝒳 µ", b"\x3d\xd8"),
    ("UNICODE UTF-16", Bytes::Utf16Be, "Łódź 山田 𝒳 µ", b"\xd8\x3d"),
    ("8859/1", Bytes::Of(encoding_rs::WINDOWS_1252), "Ångström Müller µ", b""),
    ("8859/2", Bytes::Of(encoding_rs::ISO_8859_2), "Łódź Žižek", b""),
    ("8859/3", Bytes::Of(encoding_rs::ISO_8859_3), "Ħaġ Ĵaŭdo", b"\xa5"),
    ("8859/4", Bytes::Of(encoding_rs::ISO_8859_4), "Ķekava Ūdrīte", b""),
    ("8859/5", Bytes::Of(encoding_rs::ISO_8859_5), "Иванова Љиља", b""),
    ("8859/6", Bytes::Of(encoding_rs::ISO_8859_6), "محمد", b"\xa1"),
    ("8859/7", Bytes::Of(encoding_rs::ISO_8859_7), "Παπαδόπουλος", b"\xae"),
    ("8859/8", Bytes::Of(encoding_rs::ISO_8859_8), "כהן", b"\xa1"),
    ("8859/9", Bytes::Of(encoding_rs::WINDOWS_1254), "Şahin Ğül İnce", b""),
    ("8859/15", Bytes::Of(encoding_rs::ISO_8859_15), "Œuvre Šárka €", b""),
    ("GB 18030-2000", Bytes::Of(encoding_rs::GB18030), "检验科 王㐂 𠀀", b"\xff"),
    ("BIG-5", Bytes::Of(encoding_rs::BIG5), "檢驗科", b"\xff"),
    ("KS X 1001", Bytes::Of(encoding_rs::EUC_KR), "검사실", b"\xff"),
    ("~ISO IR87", Bytes::Of(encoding_rs::ISO_2022_JP), "検査室 山田", b"\x1b$B\x21"),
    ("ISO IR14~ISO IR87", Bytes::Of(encoding_rs::SHIFT_JIS), "検査室 ﾔﾏﾀﾞ", b"\xff"),
];

/// One of so many messages of the corpus is sent in every set; all of them with `WARD_CORPUS_STEP=1`.
const STEP: usize = 40;

impl Bytes {
    /// `None` where the set cannot hold the text as it is.
    fn encode(self, text: &str) -> Option<Vec<u8>> {
        let wide = |order: fn(u16) -> [u8; 2]| text.encode_utf16().flat_map(order).collect();
        match self {
            Bytes::Utf16Le => Some(wide(u16::to_le_bytes)),
            Bytes::Utf16Be => Some(wide(u16::to_be_bytes)),
            Bytes::Of(encoding) => {
                let (bytes, _, lossy) = encoding.encode(text);
                // Some encoders write a look-alike instead of refusing.
                let (again, _) = encoding.decode_without_bom_handling(&bytes);
                (!lossy && again == text).then(|| bytes.into_owned())
            }
        }
    }
}

/// Messages with a header and a patient, one string each.
fn corpus() -> Option<Vec<String>> {
    let mut files = Vec::new();
    collect(&shared_data("hl7v2")?, &mut files);
    files.sort();
    let texts = files.iter().filter_map(|path| fs::read_to_string(path).ok());
    let texts = texts.map(|it| it.replace("\r\n", "\r").replace('\n', "\r"));
    let is_one = |it: &String| {
        it.starts_with("MSH|^~\\&") && it.matches("\rMSH|").count() == 0 && it.contains("\rPID|")
    };
    Some(texts.filter(is_one).collect())
}

fn collect(folder: &Path, files: &mut Vec<PathBuf>) {
    for entry in fs::read_dir(folder).into_iter().flatten() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            collect(&path, files);
        } else if path.extension().is_some_and(|ext| ext == "hl7") {
            files.push(path);
        }
    }
}

/// The message under an id of its own, in original mode, about a patient and visit of its own for
/// every `n`, with `words` in the name and the address of the patient and escapes beside them.
fn told(text: &str, id: &str, (n, set, words): (usize, &str, &str)) -> String {
    let mut segments: Vec<Vec<String>> = text
        .split('\r')
        .map(|line| line.split('|').map(str::to_owned).collect::<Vec<_>>())
        .collect();
    let field = |segment: &mut Vec<String>, n: usize, value: String| {
        segment.resize(segment.len().max(n + 1), String::new());
        segment[n] = value;
    };
    for segment in &mut segments {
        match segment[0].as_str() {
            // MSH-1 is the delimiter itself.
            "MSH" => {
                field(segment, 9, id.to_owned());
                field(segment, 14, String::new());
                field(segment, 15, String::new());
                field(segment, 17, set.to_owned());
            }
            "PID" => {
                // Many files are about one field and give no number.
                if segment.get(3).is_none_or(String::is_empty) {
                    field(segment, 3, format!("{id}^^^HOSP^MR"));
                }
                field(segment, 5, format!("{words}\\T\\\\S\\\\E\\^{words}"));
                field(segment, 11, format!("1 {words} \\R\\^^{words}"));
            }
            _ => {}
        }
        let numbers: &[usize] = match segment[0].as_str() {
            "PID" => &[2, 3, 4, 18],
            "PV1" => &[19, 50],
            "ORC" => &[2, 3, 4],
            "OBR" => &[2, 3],
            _ => &[],
        };
        for at in numbers {
            match segment.get_mut(*at) {
                Some(number) if !number.is_empty() => number.insert_str(0, &format!("S{n}-")),
                _ => {}
            }
        }
    }
    let lines: Vec<String> = segments.iter().map(|segment| segment.join("|")).collect();
    lines.join("\r")
}

/// Every resource of a chart, one a line.
fn exported(house: &House) -> String {
    let out = tempfile::tempdir().unwrap();
    house.must(&["export", "--out", out.path().to_str().unwrap()]);
    let files = fs::read_dir(out.path()).unwrap();
    files.map(|file| fs::read_to_string(file.unwrap().path()).unwrap()).collect()
}

/// All that a chart holds, without what is made anew for each.
fn contents(house: &House) -> Vec<String> {
    let said = exported(house);
    assert!(!said.contains('\u{fffd}'), "something was replaced");
    let mut lines: Vec<String> = said
        .lines()
        .map(|line| serde_json::from_str(line).unwrap())
        // What Ward asks a person by itself is not of a message, and comes when it comes.
        .filter(|resource: &Value| resource["code"]["coding"][0]["system"] != "urn:ward:stay")
        .map(|mut resource| {
            plain(&mut resource);
            resource.to_string()
        })
        .collect();
    lines.sort();
    lines
}

/// Takes out ids and times of writing.
fn plain(value: &mut Value) {
    match value {
        Value::Object(members) => {
            for name in ["id", "lastUpdated", "recorded", "versionId"] {
                members.remove(name);
            }
            if let Some(Value::String(reference)) = members.get_mut("reference") {
                let kind = reference.split('/').next().unwrap_or_default().to_owned();
                *reference = kind;
            }
            members.values_mut().for_each(plain);
        }
        Value::Array(items) => items.iter_mut().for_each(plain),
        _ => {}
    }
}

#[test]
fn a_message_means_the_same_in_every_set() {
    let Some(corpus) = corpus() else { return skip("no HL7 v2 corpus: sets are NOT compared") };
    let step = std::env::var("WARD_CORPUS_STEP").ok().and_then(|n| n.parse().ok()).unwrap_or(STEP);
    let houses = [House::new(), House::new()];
    let servers = houses.each_ref().map(House::serve);
    let mut peers = servers.each_ref().map(|it| Peer::connect(&it.mllp).unwrap());
    let mut n_all = 0;
    for (at, (set, bytes, words, _)) in SETS.iter().enumerate() {
        let mut n_accepted = 0;
        for (n, text) in corpus.iter().enumerate().skip(at % step).step_by(step) {
            let id = format!("X{at}-{n}");
            let framed = match bytes.encode(&told(text, &id, (at, set, words))) {
                // MLLP cannot carry its own marks inside of a block.
                Some(it) if !it.iter().any(|b| matches!(b, 0x0b | 0x1c)) => frame(&it),
                _ => continue,
            };
            let plain = frame(told(text, &id, (at, "UNICODE UTF-8", words)).as_bytes());
            let mut said = Vec::new();
            for (peer, block) in peers.iter_mut().zip([framed, plain]) {
                peer.write(&block).unwrap();
                // An answer is in the set of its message; the parts asked for are ASCII.
                let answer = peer.read().unwrap();
                let narrow: Vec<u8> = answer.into_iter().filter(|b| *b != 0).collect();
                let ack = Ack::read(&narrow);
                said.push((ack.code, ack.error, ack.of));
            }
            assert_eq!(said[0], said[1], "{set} {n}");
            n_accepted += usize::from(said[0].0 == "AA");
        }
        assert!(0 < n_accepted, "{set}: nothing was accepted");
        n_all += n_accepted;
    }
    drop(servers);
    let [first, second] = houses.each_ref().map(contents);
    assert!(first == second, "{:?}", first.iter().find(|it| !second.contains(it)));
    for (set, _, words, _) in SETS {
        let name = format!("{words}&^\\\\");
        assert!(first.iter().any(|it| it.contains(&name)), "{set}: {name} is nowhere");
    }
    eprintln!("{n_all} messages accepted in {} sets, of {}", SETS.len(), corpus.len());
}

#[test]
fn what_is_not_text_in_its_set_is_refused_and_never_comes_into_the_chart() {
    let house = House::new();
    let server = house.serve();
    let mut peer = Peer::connect(&server.mllp).unwrap();
    let mut client = server.client();
    let cases = SETS.iter().map(|(set, bytes, _, bad)| (*set, *bytes, *bad));
    let more = [("", Bytes::Of(encoding_rs::UTF_8), b"\xe4".as_slice())];
    let (mut n, mut kept_raw) = (0, Vec::new());
    for (set, bytes, bad) in cases.chain(more) {
        if bad.is_empty() {
            continue;
        }
        n += 1;
        let id = format!("U{n}");
        let text = adt("A01", &id, &format!("90{n}"), "20260101080000")
            .replace("|P|2.5.1", &format!("|P|2.5.1||||||{set}"));
        let at = text.find("^Anna").unwrap();
        let mut wire = bytes.encode(&text[..at]).unwrap();
        wire.extend_from_slice(bad);
        wire.extend(bytes.encode(&text[at..]).unwrap());
        peer.write(&frame(&wire)).unwrap();
        let answer: Vec<u8> = peer.read().unwrap().into_iter().filter(|b| *b != 0).collect();
        let ack = Ack::read(&answer);
        let said = (ack.code.as_str(), ack.error.as_str(), ack.of.as_str());
        assert_eq!(said, ("AE", "102", id.as_str()), "{set} {bad:?}");
        let line = &kept(&mut client, &id)[0];
        assert_eq!(line["state"], "refused", "{set}");
        kept_raw.push((line["id"].to_string(), wire));
    }
    assert!(10 < n);
    // Kept as it came, for whoever has to find out.
    for (number, wire) in kept_raw {
        assert_eq!(house.must(&["hl7", "log", "--raw", &number]).stdout, wire);
    }
    drop(server);
    let said = exported(&house);
    assert!(!said.contains("\"Patient\"") && !said.contains('\u{fffd}'), "{said}");
}
