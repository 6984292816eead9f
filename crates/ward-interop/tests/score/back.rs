//! From FHIR to v2: how much of a message comes back from what others made of it, and from what
//! the converter itself made of it.

use std::collections::{BTreeMap, BTreeSet};

use ward_fhir::Json;
use ward_hl7::{Message, ReadSettings};
use ward_interop::{
    convert::{Converter, bundle},
    to_v2::{Event, Header},
};

use crate::{pairs, percent};

/// Least share of the expected values, in percent.
const FLOOR_OTHERS: f64 = 63.0;
const FLOOR_OWN: f64 = 60.9;

/// Most values that are other than expected; it only ever falls.
const AGAINST_OTHERS_MAX: usize = 35;
const AGAINST_OWN_MAX: usize = 105;

/// A message as facts: segment, field and component, and a value.
type Facts = BTreeSet<(String, String)>;

fn facts(bytes: &[u8]) -> Facts {
    let (message, _) = Message::read(bytes, &ReadSettings::default());
    let mut facts = Facts::new();
    let Some(message) = message else { return facts };
    for segment in message.segments() {
        let Some(id) = segment.id() else { continue };
        for (number, field) in segment.fields() {
            if id.as_str() == "MSH" && number <= 2 {
                continue;
            }
            for repetition in field.repetitions() {
                for (c, component) in (1..).zip(repetition.components()) {
                    for (s, part) in (1..).zip(component.subcomponents()) {
                        let text = part.text().unwrap_or_default().trim().to_owned();
                        if !text.is_empty() && text != "\"\"" {
                            let path = format!("{id}-{number}.{c}.{s}");
                            facts.insert((path, normal(&text)));
                        }
                    }
                }
            }
        }
    }
    facts
}

/// Times with an offset as the same moment; numbers as numbers.
fn normal(text: &str) -> String {
    if 14 <= text.len()
        && let Ok(dtm) = text.parse::<ward_hl7::Dtm>()
        && let Some(at) = dtm.timestamp(jiff::tz::Offset::UTC)
    {
        return at.to_string();
    }
    text.to_lowercase()
}

/// What differs and is right.
fn is_better(path: &str, theirs: &str, own: &str) -> bool {
    // An object identifier is of the type ISO (table 0301), whatever a message has said of it.
    (path.ends_with(".3") && own == "iso" && theirs == "hcd")
        // The message itself was written then: the bundle does not say when the event was.
        || (path == "EVN-2.1.1" && own == "1970-01-01T00:00:00Z")
}

struct Score {
    expected: usize,
    found: usize,
    against: Vec<String>,
    misses: BTreeMap<String, Vec<String>>,
}

impl Score {
    fn new() -> Score {
        Score { expected: 0, found: 0, against: Vec::new(), misses: BTreeMap::new() }
    }

    fn add(
        &mut self,
        name: &str,
        wanted: &Facts,
        ours: &Facts,
        is_asked: impl Fn(&str, &str) -> bool,
    ) {
        for (path, value) in wanted {
            if !is_asked(path, value) {
                continue;
            }
            self.expected += 1;
            if ours.contains(&(path.clone(), value.clone())) {
                self.found += 1;
                continue;
            }
            self.misses.entry(path.clone()).or_default().push(format!("{value} [{name}]"));
            // A single value that is another one.
            let of = |facts: &Facts| -> Vec<String> {
                facts.iter().filter(|(at, _)| at == path).map(|(_, v)| v.clone()).collect()
            };
            let (theirs, own) = (of(wanted), of(ours));
            if let ([theirs], [own]) = (theirs.as_slice(), own.as_slice())
                && !is_better(path, theirs, own)
                && !theirs.starts_with(own.as_str())
                && !own.starts_with(theirs.as_str())
            {
                self.against.push(format!("{path}: ours {own}, theirs {theirs}  [{name}]"));
            }
        }
    }

    fn print(&self, name: &str) {
        let share = percent(self.found, self.expected);
        println!(
            "{name}: {} values, {share:.1} % found, {} against",
            self.expected,
            self.against.len()
        );
        if std::env::var_os("WARD_SCORE_MISSES").is_some() {
            let mut misses: Vec<_> = self.misses.iter().collect();
            misses.sort_by_key(|(_, all)| std::cmp::Reverse(all.len()));
            for (path, all) in misses.into_iter().take(120) {
                let few: Vec<&str> = all.iter().take(3).map(String::as_str).collect();
                println!("{:4} {path}: {}", all.len(), few.join(" | "));
            }
            for line in self.against.iter().take(60) {
                println!("AGAINST {line}");
            }
        }
    }
}

/// What says how a message is written, not what it is about.
fn is_envelope(path: &str) -> bool {
    // Segments count themselves.
    if path.ends_with("-1.1.1") && !path.starts_with("ORC") && !path.starts_with("RXE") {
        return true;
    }
    const OWN: [&str; 9] = [
        "MSH-10.", "MSH-12.", "MSH-15.", "MSH-16.", "MSH-18.", "MSH-9.3", "MSH-13.", "MSH-20.",
        "MSH-21.",
    ];
    OWN.iter().any(|own| path.starts_with(own))
}

#[test]
fn messages_come_back_from_the_bundles_of_others() {
    let Some(pairs) = pairs::all() else { return };
    let mut score = Score::new();
    for pair in pairs.iter().filter(|pair| pair.corpus == "cdc") {
        let Ok(theirs) = Json::parse(&pair.expected) else { continue };
        let text = without_own(&theirs).to_bytes();
        let said = String::from_utf8(text).unwrap().to_lowercase();
        let Ok(written) =
            Converter::standard().to_v2(&theirs, &Header::default(), jiff::Timestamp::UNIX_EPOCH)
        else {
            println!("not written: {}", pair.name());
            continue;
        };
        let (wanted, ours) = (facts(&pair.message), facts(&written.bytes));
        // Only what the bundle says outside of one engine's extensions.
        let says = |value: &str| {
            let words = value.split(|c: char| !c.is_alphanumeric()).filter(|w| !w.is_empty());
            words.into_iter().all(|word| said.contains(&word.to_lowercase()))
        };
        score.add(&pair.name(), &wanted, &ours, |path, value| {
            !is_envelope(path) && (says(value) || value.ends_with('Z'))
        });
    }
    score.print("bundles of others to v2");
    assert!(score.against.len() <= AGAINST_OTHERS_MAX);
    assert!(FLOOR_OTHERS <= percent(score.found, score.expected));
}

#[test]
fn messages_come_back_from_our_own_bundles() {
    let Some(pairs) = pairs::all() else { return };
    let converter = Converter::standard();
    let mut by_type: BTreeMap<String, Score> = BTreeMap::new();
    for pair in &pairs {
        let (Some(message), _) = Message::read(&pair.message, &ReadSettings::default()) else {
            continue;
        };
        let converted = converter.to_fhir(&message, jiff::Timestamp::UNIX_EPOCH);
        let bundle = bundle(&converted);
        let Some(event) = &converted.event else { continue };
        let event = Event::new(&event.code, &event.event);
        let header = Header { event: Some(event.clone()), ..Header::default() };
        let Ok(written) = converter.to_v2(&bundle, &header, jiff::Timestamp::UNIX_EPOCH) else {
            println!("no plan: {}", event.code);
            continue;
        };
        let said = String::from_utf8(bundle.to_bytes()).unwrap().to_lowercase();
        let (wanted, ours) = (facts(&pair.message), facts(&written.bytes));
        let (again, _) = Message::read(&written.bytes, &ReadSettings::default());
        assert!(again.is_some(), "{}", pair.name());
        let score = by_type.entry(event.code.clone()).or_insert_with(Score::new);
        // What FHIR was told: the rest is lost on the way there, not on the way back.
        let says = |path: &str, value: &str| match value.len() {
            // Few letters stand in any text: as a whole value, or in fields whose codes change.
            0..=3 => {
                said.contains(&format!("\"{}\"", value.to_lowercase()))
                    || ["PID-8.", "PV1-2.", "OBX-2.", "OBX-11."]
                        .iter()
                        .any(|it| path.starts_with(it))
            }
            _ => said.contains(&value.to_lowercase()),
        };
        score.add(&pair.name(), &wanted, &ours, |path, value| {
            let is_sent = path.starts_with("MSH-7.");
            !is_envelope(path) && !is_sent && (says(path, value) || value.ends_with('Z'))
        });
    }
    let (mut found, mut expected, mut n_against) = (0, 0, 0);
    for (code, score) in &by_type {
        score.print(&format!("own bundles to {code}"));
        (found, expected) = (found + score.found, expected + score.expected);
        n_against += score.against.len();
    }
    let share = percent(found, expected);
    println!("own bundles to v2: {expected} values, {share:.1} % found, {n_against} against");
    assert!(n_against <= AGAINST_OWN_MAX);
    assert!(FLOOR_OWN <= share);
}

/// A bundle without the extensions of one engine.
fn without_own(json: &Json<'_>) -> Json<'static> {
    match json {
        Json::Array(items) => Json::Array(
            items
                .iter()
                .filter(|it| {
                    let url = it.get("url").and_then(Json::as_str).unwrap_or_default();
                    !url.contains("reportstream.cdc.gov")
                })
                .map(without_own)
                .collect(),
        ),
        Json::Object(object) => {
            let mut out = ward_fhir::json::Object::new();
            for (name, value) in object.iter() {
                out.insert(name.to_owned(), without_own(value));
            }
            Json::Object(out)
        }
        other => other.clone().into_owned(),
    }
}
