//! From FHIR to v2: how much of a message comes back from what others made of it, and from what
//! the converter itself made of it.

use std::collections::{BTreeMap, BTreeSet};

use ward_fhir::Json;
use ward_hl7::{
    Message, ReadSettings,
    map::{Maps, PartMap, Source},
};
use ward_interop::{
    convert::{Converter, bundle},
    to_v2::{Event, Header},
};

use crate::{pairs, percent, reviewed::Reviewed};

/// Least share of the expected values, in percent.
const FLOOR_OTHERS: f64 = 92.0;
const FLOOR_OWN: f64 = 96.5;

/// The same of each type.
const FLOORS_OWN: [(&str, f64); 14] = [
    ("ADT", 97.5),
    ("BAR", 97.0),
    ("DFT", 97.0),
    ("MDM", 95.0),
    ("OMG", 92.0),
    ("OML", 96.0),
    ("ORM", 96.5),
    ("ORU", 91.0),
    ("OUL", 94.0),
    ("RDE", 96.5),
    ("RDS", 94.0),
    ("REF", 96.0),
    ("SIU", 96.0),
    ("VXU", 97.0),
];

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

/// Times as the same moment, whether or not seconds that are none are written; text without case.
fn normal(text: &str) -> String {
    if 12 <= text.len()
        && let Ok(dtm) = text.parse::<ward_hl7::Dtm>()
        && let Some(at) = dtm.timestamp(jiff::tz::Offset::UTC)
    {
        return at.to_string();
    }
    text.to_lowercase()
}

/// Values that another field says: those of a field that is of the past, in the one that is written
/// instead. `FROM | TO | SOURCE`; a path ends at a component or goes on with `*`.
struct Moved {
    rows: Vec<[&'static str; 3]>,
}

impl Moved {
    fn read() -> Moved {
        let lines = include_str!("moved.txt").lines();
        let lines = lines.filter(|line| !line.is_empty() && !line.starts_with('#'));
        let rows = lines.map(|line| {
            let cells: Vec<&str> = line.splitn(3, " | ").map(str::trim).collect();
            cells.try_into().unwrap_or_else(|_| panic!("not a row: {line}"))
        });
        Moved { rows: rows.collect() }
    }

    /// Why `value` of `path` counts as found where it stands in `ours`.
    fn reason(&self, ours: &Facts, path: &str, value: &str) -> Option<&'static str> {
        let found = self.rows.iter().find(|[from, to, _]| {
            if let (Some(from), Some(to)) = (from.strip_suffix("any"), to.strip_suffix("any")) {
                let is_there = |(at, it): &(String, String)| at.starts_with(to) && it == value;
                return path.starts_with(from) && ours.iter().any(is_there);
            }
            let at = match (from.strip_suffix('*'), to.strip_suffix('*')) {
                (Some(from), Some(to)) => path.strip_prefix(from).map(|rest| format!("{to}{rest}")),
                _ => (*from == path).then(|| (*to).to_owned()),
            };
            at.is_some_and(|at| ours.contains(&(at, value.to_owned())))
        });
        found.map(|row| row[2])
    }
}

#[derive(Default)]
struct Score {
    expected: usize,
    found: usize,
    /// Of those found: in another field.
    moved: BTreeMap<&'static str, usize>,
    left_out: BTreeMap<&'static str, usize>,
    against: Vec<String>,
    misses: BTreeMap<String, Vec<String>>,
}

/// What was looked at once and for all.
struct Rules {
    moved: Moved,
    reviewed: Reviewed<'static>,
}

impl Rules {
    fn read() -> Rules {
        let reviewed = Reviewed::read(include_str!("reviewed_back.txt"));
        Rules { moved: Moved::read(), reviewed }
    }
}

impl Score {
    fn add(
        &mut self,
        rules: &Rules,
        (compared, name): (&str, &str),
        wanted: &Facts,
        ours: &Facts,
        is_asked: impl Fn(&str, &str) -> bool,
    ) {
        for (path, value) in wanted {
            if !is_asked(path, value) {
                continue;
            }
            if ours.contains(&(path.clone(), value.clone())) {
                self.expected += 1;
                self.found += 1;
                continue;
            }
            if let Some(reason) = rules.moved.reason(ours, path, value) {
                self.expected += 1;
                self.found += 1;
                *self.moved.entry(reason).or_default() += 1;
                continue;
            }
            if let Some(reason) = rules.reviewed.reason(compared, path, value) {
                *self.left_out.entry(reason).or_default() += 1;
                if std::env::var_os("WARD_SCORE_MISSES").is_some() {
                    println!("LEFT OUT {compared} {path}: {value} [{name}]: {reason}");
                }
                continue;
            }
            self.expected += 1;
            self.misses.entry(path.clone()).or_default().push(format!("{value} [{name}]"));
            // A single value that is another one.
            let of = |facts: &Facts| -> Vec<String> {
                facts.iter().filter(|(at, _)| at == path).map(|(_, v)| v.clone()).collect()
            };
            let (theirs, own) = (of(wanted), of(ours));
            if let ([theirs], [own]) = (theirs.as_slice(), own.as_slice())
                && !theirs.starts_with(own.as_str())
                && !own.starts_with(theirs.as_str())
            {
                self.against.push(format!("{path}: ours {own}, theirs {theirs}  [{name}]"));
            }
        }
    }

    fn join(&mut self, other: Score) {
        self.expected += other.expected;
        self.found += other.found;
        self.against.extend(other.against);
        for (reason, n) in other.moved {
            *self.moved.entry(reason).or_default() += n;
        }
        for (reason, n) in other.left_out {
            *self.left_out.entry(reason).or_default() += n;
        }
        for (path, all) in other.misses {
            self.misses.entry(path).or_default().extend(all);
        }
    }

    fn line(&self, name: &str) {
        let share = percent(self.found, self.expected);
        println!(
            "{name}: {} values, {share:.1} % found, {} against",
            self.expected,
            self.against.len()
        );
    }

    fn print(&self, name: &str) {
        self.line(name);
        for (reason, n) in &self.moved {
            println!("elsewhere {n:5}: {reason}");
        }
        for (reason, n) in &self.left_out {
            println!("left out {n:6}: {reason}");
        }
        let causes = Reviewed::read(include_str!("missed.txt"));
        let mut by_cause: BTreeMap<&str, usize> = BTreeMap::new();
        for (path, all) in &self.misses {
            *by_cause.entry(causes.reason("*", path, "").unwrap_or_default()).or_default() +=
                all.len();
        }
        for (cause, n) in &by_cause {
            println!("missed {n:8}: {cause}");
        }
        self.list();
    }

    /// What is missing, for who asks for it: `WARD_SCORE_MISSES`.
    fn list(&self) {
        if std::env::var_os("WARD_SCORE_MISSES").is_some() {
            let mut misses: Vec<_> = self.misses.iter().collect();
            misses.sort_by_key(|(_, all)| std::cmp::Reverse(all.len()));
            for (path, all) in misses {
                let few: Vec<&str> = all.iter().take(3).map(String::as_str).collect();
                println!("{:4} {path}: {}", all.len(), few.join(" | "));
            }
            for line in &self.against {
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
    let (mut score, rules) = (Score::default(), Rules::read());
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
        keep(&format!("others-{}", pair.name()), &pair.message, &theirs, &written.bytes);
        // Only what the bundle says outside of one engine's extensions.
        let says = |value: &str| match value.len() {
            // Few letters stand in any text.
            0..=5 => said.contains(&format!("\"{value}\"")),
            _ => said.contains(value),
        };
        score.add(&rules, ("others", &pair.name()), &wanted, &ours, |path, value| {
            !is_envelope(path) && (says(value) || value.ends_with('Z'))
        });
    }
    score.print("bundles of others to v2");
    assert!(score.against.is_empty(), "{:#?}", score.against);
    assert!(FLOOR_OTHERS <= percent(score.found, score.expected));
}

#[test]
fn messages_come_back_from_our_own_bundles() {
    let Some(pairs) = pairs::all() else { return };
    let (converter, rules) = (Converter::standard(), Rules::read());
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
        let (wanted, ours) = (facts(&pair.message), facts(&written.bytes));
        let (again, _) = Message::read(&written.bytes, &ReadSettings::default());
        assert!(again.is_some(), "{}", pair.name());
        keep(&pair.name(), &pair.message, &bundle, &written.bytes);
        let score = by_type.entry(event.code.clone()).or_default();
        // What is lost on the way to FHIR is not lost on the way back.
        let told = Told::new(converter.maps(), &event, &bundle);
        score.add(&rules, (&event.code, &pair.name()), &wanted, &ours, |path, value| {
            let is_sent = path.starts_with("MSH-7.");
            let is_found = ours.contains(&(path.to_owned(), value.to_owned()));
            !is_envelope(path) && !is_sent && (is_found || told.is(path, value))
        });
    }
    let mut whole = Score::default();
    for (code, score) in by_type {
        score.line(&format!("own bundles to {code}"));
        if std::env::var("WARD_SCORE_MISSES").is_ok_and(|wanted| wanted == code) {
            score.list();
        }
        let floor = FLOORS_OWN.iter().find(|(name, _)| *name == code).map(|(_, floor)| *floor);
        assert!(floor.unwrap_or(90.0) <= percent(score.found, score.expected), "{code}");
        whole.join(score);
    }
    whole.print("own bundles to v2");
    assert!(whole.against.is_empty(), "{:#?}", whole.against);
    assert!(FLOOR_OWN <= percent(whole.found, whole.expected));
}

/// What a bundle was told of a message: the values that it has, of the parts that a row of the maps
/// reads.
struct Told {
    said: String,
    /// `PID-3.1` reads `PID-3.1.1` and `PID-3.1.2`.
    read: BTreeSet<String>,
}

impl Told {
    fn new(maps: &Maps, event: &Event, bundle: &Json<'_>) -> Told {
        let said = String::from_utf8(bundle.to_bytes()).unwrap().to_lowercase();
        let mut read = BTreeSet::new();
        let own = format!("{}_{}", event.code, event.event);
        let map = maps.message(&own).or_else(|| maps.message(&event.structure()));
        for row in map.iter().flat_map(|map| &map.rows).filter(|row| !row.is_asleep) {
            if let Some(part) = row.by.as_deref().and_then(|by| maps.part(by)) {
                reads(maps, part, row.segment.as_str(), 0, &mut read);
            }
        }
        Told { said, read }
    }

    fn is(&self, path: &str, value: &str) -> bool {
        let (component, _) = path.rsplit_once('.').unwrap();
        let (field, nth) = component.rsplit_once('.').unwrap();
        let is_read = [path, component, field].iter().any(|it| self.read.contains(*it))
            || (nth == "1" && self.read.contains(&format!("{field}!")));
        is_read
            && match value.len() {
                // Few letters stand in any text: as a whole value, or where codes change.
                0..=3 => {
                    self.said.contains(&format!("\"{value}\""))
                        || ["PID-8.", "PV1-2.", "OBX-2.", "OBX-11."]
                            .iter()
                            .any(|it| path.starts_with(it))
                }
                _ => value.ends_with('Z') || self.said.contains(value),
            }
    }
}

/// The parts that the rows of a map read; `PID-8!` is the first of them alone.
fn reads(maps: &Maps, map: &PartMap, at: &str, depth: usize, read: &mut BTreeSet<String>) {
    for row in map.rows.iter().filter(|row| !row.is_asleep) {
        let parts: &[u16] = match &row.source {
            Source::Part(parts) => parts,
            Source::Whole => &[],
            Source::Nothing => continue,
        };
        let mut here = at.to_owned();
        for part in parts {
            here.push(if here.len() == 3 { '-' } else { '.' });
            here.push_str(&part.to_string());
        }
        match row.by.as_deref() {
            Some(by) if depth < 8 && maps.part(by).is_some() => {
                reads(maps, maps.part(by).unwrap(), &here, depth + 1, read);
            }
            Some(_) => {
                read.insert(here);
            }
            None if 1 < parts.len() || 0 < depth => {
                read.insert(here);
            }
            None => {
                read.insert(here + "!");
            }
        }
    }
}

/// Keeps what was compared, for who wants to look at it: `WARD_SCORE_FOLDER`.
fn keep(name: &str, message: &[u8], bundle: &Json<'_>, written: &[u8]) {
    let Some(folder) = std::env::var_os("WARD_SCORE_FOLDER").map(std::path::PathBuf::from) else {
        return;
    };
    let lines = |bytes: &[u8]| String::from_utf8_lossy(bytes).replace('\r', "\n");
    for (end, text) in [
        ("wanted", lines(message)),
        ("ours", lines(written)),
        ("json", String::from_utf8(bundle.to_bytes()).unwrap()),
    ] {
        std::fs::write(folder.join(format!("{name}.{end}")), text).unwrap();
    }
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
