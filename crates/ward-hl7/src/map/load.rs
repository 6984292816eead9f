//! Reading the text form of the maps.
//!
//! Sections begin with `segment`, `type`, `message`, `codes`, `systems` or `authorities` and the
//! name of a map; `instead` after the name replaces what earlier files say, `like OTHER` begins
//! with the rows of another message. Then one row a line:
//!
//! ```text
//! PID-12 [PID-11 IS NOT VALUED] -> address.district : CWE[string]
//! PID-19 {If in the US} -> identifier[4].type.coding.code = "SS"
//! NEXT_OF_KIN.NK1 -> RelatedPerson[2] : NK1[RelatedPerson] ; patient @ Patient[1]
//! M -> male | http://hl7.org/fhir/administrative-gender | Male
//! ```
//!
//! `[...]` is a condition, `{...}` words of the guide that make a row sleep, `:` a map that goes
//! on, `%` a map of codes, `=` what is assigned, `;` a link with `@` and the resource it leads to.
//! `drop ROW` takes a row of an earlier file away, `take ROW` wakes one that sleeps. `back NAME` are
//! the rows that a segment or data type is written by, at first those of its map; `plan` says which
//! segments a message that is written has; `system-names` prefers one of several names.

use std::{
    collections::BTreeMap,
    sync::{Arc, OnceLock},
};

use super::{
    CodeMap, Coded, Condition, Expression, Link, LinkTo, Maps, MessageMap, MessageRow, PartMap,
    Plan, Row, RowId, Slot, Source, Target, plan::PlanReader,
};
use crate::location::SegmentId;

/// The guide's maps, then the overlay; later files win.
static FILES: &[(&str, &str)] = &[
    ("", include_str!("../../data/maps/codes.map")),
    ("", include_str!("../../data/maps/types.map")),
    ("", include_str!("../../data/maps/segments.map")),
    ("", include_str!("../../data/maps/messages.map")),
    ("ward", include_str!("../../data/maps/overlay/systems.map")),
    ("ward", include_str!("../../data/maps/overlay/codes.map")),
    ("ward", include_str!("../../data/maps/overlay/types.map")),
    ("ward", include_str!("../../data/maps/overlay/people.map")),
    ("ward", include_str!("../../data/maps/overlay/visits.map")),
    ("ward", include_str!("../../data/maps/overlay/orders.map")),
    ("ward", include_str!("../../data/maps/overlay/medication.map")),
    ("ward", include_str!("../../data/maps/overlay/billing.map")),
    ("ward", include_str!("../../data/maps/overlay/messages.map")),
    ("ward", include_str!("../../data/maps/overlay/back.map")),
    ("ward", include_str!("../../data/maps/overlay/plans.map")),
];

/// A line that is no row.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
#[error("{map}: not a row: {line}")]
pub struct LoadError {
    pub map: String,
    pub line: String,
}

/// The maps that come with Ward. A row that does not parse is left out; a test shows that there is
/// none.
///
/// - Cost: the first call reads the tables (some milliseconds); later ones are free.
pub fn standard() -> &'static Maps {
    &loaded().0
}

/// The rows of the standard maps that cannot be read.
pub fn standard_faults() -> &'static [LoadError] {
    &loaded().1
}

fn loaded() -> &'static (Maps, Vec<LoadError>) {
    static MAPS: OnceLock<(Maps, Vec<LoadError>)> = OnceLock::new();
    MAPS.get_or_init(|| {
        let (mut maps, mut faults) = (Maps::default(), Vec::new());
        for (origin, text) in FILES {
            faults.extend(read(&mut maps, origin, text));
        }
        (maps, faults)
    })
}

/// The name of a map of codes, as it is looked up: the guide writes some with signs in them.
pub(super) fn code_key(name: &str) -> String {
    let sign = |c: &char| c.is_ascii_alphanumeric() || matches!(c, '[' | ']' | '.' | '-');
    name.chars().filter(sign).map(|c| c.to_ascii_lowercase()).collect()
}

/// Reads `text` on top of `maps`; the lines that are no rows come back.
pub(super) fn read(maps: &mut Maps, origin: &str, text: &str) -> Vec<LoadError> {
    let mut reader = Reader { maps, origin, at: At::Nothing, faults: Vec::new() };
    for line in text.lines() {
        let line = line.trim();
        if line.is_empty() || line.starts_with('#') {
            continue;
        }
        if reader.header(line).or_else(|| reader.row(line)).is_none() {
            let map = reader.at.name().to_owned();
            reader.faults.push(LoadError { map, line: line.to_owned() });
        }
    }
    reader.faults
}

enum At {
    Nothing,
    Part(String),
    Back(String),
    Message(String),
    Plan(String, PlanReader),
    Codes(String),
    Systems,
    SystemNames,
    Authorities,
}

impl At {
    fn name(&self) -> &str {
        match self {
            At::Part(name)
            | At::Back(name)
            | At::Message(name)
            | At::Codes(name)
            | At::Plan(name, _) => name,
            At::Nothing => "",
            At::Systems => "systems",
            At::SystemNames => "system-names",
            At::Authorities => "authorities",
        }
    }
}

struct Reader<'m> {
    maps: &'m mut Maps,
    origin: &'m str,
    at: At,
    faults: Vec<LoadError>,
}

impl Reader<'_> {
    fn header(&mut self, line: &str) -> Option<()> {
        let mut words = line.split(' ');
        let (what, name) = (words.next()?, words.next().unwrap_or_default());
        let rest: Vec<&str> = words.collect();
        let is_instead = rest.contains(&"instead");
        match what {
            "segment" | "type" => {
                let key = name.to_ascii_lowercase();
                let new = PartMap { name: name.into(), rows: Vec::new() };
                if is_instead {
                    self.maps.parts.insert(key.as_str().into(), Arc::new(new));
                } else {
                    let place = self.maps.parts.entry(key.as_str().into());
                    place.or_insert_with(|| Arc::new(new));
                }
                self.at = At::Part(key);
            }
            "back" => {
                let key = name.to_ascii_lowercase();
                let map = match self.maps.part(name).filter(|_| !is_instead) {
                    Some(map) => Arc::clone(map),
                    None => Arc::new(PartMap { name: name.into(), rows: Vec::new() }),
                };
                self.maps.back.insert(key.as_str().into(), map);
                self.at = At::Back(key);
            }
            "plan" => {
                let like = match rest.as_slice() {
                    ["like", other] => self.maps.plans.get(*other)?.steps.clone(),
                    _ => Vec::new(),
                };
                let reader = PlanReader::after(like.clone());
                let plan = Plan { name: name.into(), steps: like };
                self.maps.plans.insert(name.into(), Arc::new(plan));
                self.at = At::Plan(name.to_owned(), reader);
            }
            "message" => {
                let like = match rest.as_slice() {
                    [.., "like", other] => Some(*other),
                    _ => None,
                };
                let old = self.maps.messages.get(name).filter(|_| !is_instead);
                let mut rows = old.map(|map| map.rows.clone()).unwrap_or_default();
                if let Some(other) = like {
                    rows.extend(self.maps.messages.get(other)?.rows.iter().cloned());
                }
                let map = MessageMap { name: name.into(), rows };
                self.maps.messages.insert(name.into(), Arc::new(map));
                self.at = At::Message(name.to_owned());
            }
            "codes" => {
                let key = code_key(name);
                let new = || Arc::new(CodeMap { name: name.into(), rows: BTreeMap::new() });
                let place = self.maps.codes.entry(key.as_str().into()).or_insert_with(new);
                if is_instead {
                    *place = new();
                }
                self.at = At::Codes(key);
            }
            "systems" if name.is_empty() => self.at = At::Systems,
            "system-names" if name.is_empty() => self.at = At::SystemNames,
            "authorities" if name.is_empty() => self.at = At::Authorities,
            _ => return None,
        }
        Some(())
    }

    fn row(&mut self, line: &str) -> Option<()> {
        match &mut self.at {
            At::Nothing => None,
            At::Plan(name, reader) => {
                match line.strip_prefix("use ") {
                    Some(other) => reader.take(&self.maps.plans.get(other)?.steps)?,
                    None => reader.line(line)?,
                }
                if let Some(steps) = reader.steps() {
                    Arc::make_mut(self.maps.plans.get_mut(name.as_str())?).steps = steps;
                }
                Some(())
            }
            At::Part(key) => part_line(self.maps.parts.get_mut(key.as_str())?, line, self.origin),
            At::Back(key) => part_line(self.maps.back.get_mut(key.as_str())?, line, self.origin),
            At::Message(name) => {
                let map = Arc::make_mut(self.maps.messages.get_mut(name.as_str())?);
                if let Some(row) = line.strip_prefix("drop ") {
                    // The rows of another message keep their names when they are taken over.
                    let own = |row: &MessageRow| {
                        row.id.as_str().split_once(' ').map(|(_, own)| own.to_owned())
                    };
                    let before = map.rows.len();
                    match row.strip_suffix(" *") {
                        Some(all) => map.rows.retain(|row| {
                            own(row).is_none_or(|own| own.split('/').next() != Some(all))
                        }),
                        None => map.rows.retain(|other| own(other).as_deref() != Some(row)),
                    }
                    return (map.rows.len() < before).then_some(());
                }
                let row = message_row(line, map, self.origin)?;
                map.rows.push(row);
                Some(())
            }
            At::Codes(key) => {
                let map = Arc::make_mut(self.maps.codes.get_mut(key.as_str())?);
                let (from, to) = line.split_once(" -> ")?;
                let mut parts = to.splitn(3, '|').map(str::trim);
                let mut next = || Box::from(parts.next().unwrap_or_default());
                let coded = Coded { code: next(), system: next(), display: next() };
                map.rows.insert(from.into(), coded);
                Some(())
            }
            At::Systems => {
                let (from, to) = line.split_once(" -> ")?;
                self.maps.systems.insert(from.to_ascii_uppercase().into(), to.into());
                Some(())
            }
            At::SystemNames => {
                let (from, to) = line.split_once(" -> ")?;
                self.maps.system_names.insert(from.into(), to.into());
                Some(())
            }
            At::Authorities => {
                let (from, to) = line.split_once(" -> ")?;
                self.maps.authorities.insert(from.into(), to.into());
                Some(())
            }
        }
    }
}

/// A line of the map of a segment or data type.
fn part_line(map: &mut Arc<PartMap>, line: &str, origin: &str) -> Option<()> {
    let map = Arc::make_mut(map);
    if let Some(row) = line.strip_prefix("drop ") {
        let id = RowId::new(&format!("{} {row}", map.name));
        let before = map.rows.len();
        map.rows.retain(|row| row.id != id);
        return (map.rows.len() < before).then_some(());
    }
    if let Some(row) = line.strip_prefix("take ") {
        let id = RowId::new(&format!("{} {row}", map.name));
        let row = map.rows.iter_mut().find(|row| row.id == id)?;
        row.is_asleep = false;
        return Some(());
    }
    let row = part_row(line, map, origin)?;
    map.rows.push(row);
    Some(())
}

/// What stands before the arrow: the element, a condition, words that make the row sleep.
struct Head<'l> {
    element: &'l str,
    when: Option<Condition>,
    is_asleep: bool,
}

fn head(text: &str) -> Option<Head<'_>> {
    let text = text.trim();
    if let Some((element, rest)) = text.split_once(" [") {
        let when = Condition::parse(rest.strip_suffix(']')?)?;
        return Some(Head { element, when: Some(when), is_asleep: false });
    }
    if let Some((element, rest)) = text.split_once(" {") {
        rest.strip_suffix('}')?;
        return Some(Head { element, when: None, is_asleep: true });
    }
    (!text.contains(' ')).then_some(Head { element: text, when: None, is_asleep: false })
}

/// The name of the next row of `element`.
fn next_id<'r>(
    map: &str,
    element: &str,
    origin: &str,
    ids: impl Iterator<Item = &'r RowId>,
) -> RowId {
    let base = format!("{map} {element}");
    let stem = if origin.is_empty() { base.clone() } else { format!("{base}/{origin}") };
    let mut n_before = 0;
    for id in ids {
        let after = id.as_str().strip_prefix(stem.as_str());
        let is_same = after.is_some_and(|rest| {
            rest.is_empty() || rest.trim_start_matches('/').bytes().all(|b| b.is_ascii_digit())
        });
        n_before += usize::from(is_same);
    }
    match (n_before, origin.is_empty()) {
        (0, _) => RowId::new(&stem),
        (n, true) => RowId::new(&format!("{stem}/{}", n + 1)),
        (n, false) => RowId::new(&format!("{stem}{}", n + 1)),
    }
}

fn part_row(line: &str, map: &PartMap, origin: &str) -> Option<Row> {
    let (before, after) = line.split_once(" -> ")?;
    let Head { element, when, is_asleep } = head(before)?;
    let source = if element == "*" {
        Source::Nothing
    } else if element == map.from() {
        Source::Whole
    } else {
        let numbers = element.split(['-', '.']).skip(1).map(|n| n.parse().ok());
        Source::Part(numbers.collect::<Option<Vec<u16>>>()?)
    };
    let (after, assign) = match after.split_once(" = ") {
        Some((after, text)) => (after, Some(Expression::parse(text)?)),
        None => (after, None),
    };
    let (after, codes) = match after.split_once(" % ") {
        Some((after, name)) => (after, Some(name.trim().into())),
        None => (after, None),
    };
    let (to, by) = match after.split_once(" : ") {
        Some((to, name)) => (to, Some(name.trim().into())),
        None => (after, None),
    };
    let id = next_id(&map.name, element, origin, map.rows.iter().map(|row| &row.id));
    let (mut to, mut by): (Target, Option<Box<str>>) = (Target::parse(to)?, by);
    // One PL is several places, each in the next: more than rows can say.
    if by.as_deref().is_some_and(|by| by.eq_ignore_ascii_case("PL[Location]")) {
        by = Some("!location".into());
        if let Some(last) = to.steps.last_mut() {
            last.into = None;
        }
    }
    let runs_without_value = false;
    let mut row = Row { id, source, when, is_asleep, to, by, codes, assign, runs_without_value };
    row.runs_without_value = row.asks_for_nothing();
    Some(row)
}

fn message_row(line: &str, map: &MessageMap, origin: &str) -> Option<MessageRow> {
    let (before, after) = line.split_once(" -> ")?;
    let Head { element, when, is_asleep } = head(before)?;
    let (after_segment, path) = match element.split_once('>') {
        Some((segment, path)) => (Some(SegmentId::new(segment.as_bytes())?), path),
        None => (None, element),
    };
    let mut groups: Vec<Box<str>> = path.split('.').map(Box::from).collect();
    let segment = SegmentId::new(groups.pop()?.as_bytes())?;
    let mut parts = after.split(" ; ");
    let first = parts.next()?;
    let (slot, by) = match first.split_once(" : ") {
        Some((slot, by)) => (slot, Some(by.trim().into())),
        None => (first, None),
    };
    let links: Option<Vec<Link>> = parts.map(link).collect();
    let id = next_id(&map.name, element, origin, map.rows.iter().map(|row| &row.id));
    let slot = Slot::parse(slot)?;
    let (after, links) = (after_segment, links?);
    Some(MessageRow { id, groups, segment, after, when, is_asleep, slot, by, links })
}

fn link(text: &str) -> Option<Link> {
    let (path, to) = match text.split_once(" @ ") {
        Some((path, slot)) => (path, LinkTo::Slot(Slot::parse(slot)?)),
        None => {
            let (path, text) = text.split_once(" = ")?;
            (path, LinkTo::Text(text.trim().trim_matches('"').into()))
        }
    };
    let path = path.trim();
    let is_slot = path.starts_with(|c: char| c.is_ascii_uppercase());
    let (from, path) = match path.split_once('.').filter(|_| is_slot) {
        Some((slot, path)) => (Some(Slot::parse(slot)?), path),
        None => (None, path),
    };
    Some(Link { from, path: Target::parse(path)?, to })
}
