//! A message to its resources: which segment fills which, and who refers to whom.

use jiff::Timestamp;
use ward_crypto::sha256;
use ward_fhir::{Json, definitions::schema};
use ward_hl7::{
    Message, Segment, SegmentId,
    map::{LinkTo, MessageMap, MessageRow, RowId, Slot},
};

use super::{
    Converted, Converter, Drafted, EncounterTransition, Trigger,
    element::{Element, Hop, Making, Name, Node},
    groups::Groups,
    identity::{identity, settle},
    run::Engine,
    same::{self, Settled},
    scope::Scope,
    value::Value,
    write::{At, Cursor, Filling},
};

pub(super) fn convert(converter: &Converter, message: &Message<'_>, now: Timestamp) -> Converted {
    let groups = Groups::of(message);
    let event = Trigger::of(message);
    let Some(header) = message.header() else { return Converted::default() };
    let scope = Scope {
        message,
        groups: &groups,
        segment: header,
        field: 0,
        repetition: 0,
        base: Value::Nothing,
        own: Value::Nothing,
    };
    let engine = Engine::new(converter, scope);
    let maps = engine.maps();
    // What an event says of itself goes before what its structure shares with others.
    let own = event.as_ref().map(|event| format!("{}_{}", event.code, event.event));
    let map = own.and_then(|own| maps.message(&own));
    let map = map.or_else(|| maps.message(&groups.structure));
    let mut run = Run { engine, groups: &groups, filled: Vec::new(), links: Vec::new() };
    if let Some(map) = map {
        for segment in message.segments() {
            run.segment(map, segment);
        }
        run.wire();
    }
    let transition = event.as_ref().map(Trigger::transition);
    run.status(transition);
    let (resources, problems) = run.drafted(message, now, transition);
    Converted { resources, problems, event }
}

/// A resource of the message and what filled it first.
struct Filled {
    slot: Slot,
    resource: usize,
    group: usize,
    place: usize,
    segment: SegmentId,
}

struct Pending<'r> {
    row: &'r MessageRow,
    place: usize,
    resource: usize,
}

struct Run<'c, 'm> {
    engine: Engine<'c, 'm>,
    groups: &'m Groups,
    filled: Vec<Filled>,
    links: Vec<Pending<'c>>,
}

impl<'c, 'm> Run<'c, 'm> {
    fn segment(&mut self, map: &'c MessageMap, segment: Segment<'m>) {
        let Some(id) = segment.id() else { return };
        for row in self.rows(map, segment, id) {
            self.engine.scope.segment = segment;
            self.engine.scope.base = Value::Segment(segment);
            (self.engine.scope.field, self.engine.scope.repetition) = (0, 0);
            self.engine.scope.own = Value::Segment(segment);
            if row.when.as_ref().is_some_and(|when| !when.holds(&self.engine.scope)) {
                continue;
            }
            let Some(resource) = self.resource(row, segment, id) else { continue };
            self.links.push(Pending { row, place: segment.place(), resource });
            let Some(map) = row.by.as_deref().and_then(|by| self.engine.maps().part(by)) else {
                continue;
            };
            let kind = self.engine.resources.get(resource).map_or("", |made| made.kind);
            if let Some(def) = schema().resource(kind) {
                self.engine.segment(map, segment, &Cursor::root(resource, def));
            }
        }
    }

    /// The rows for a segment: those of its innermost group, else those of no group, else the
    /// ones of the least groups, for structures whose groups have other names in other versions.
    fn rows(
        &self,
        map: &'c MessageMap,
        segment: Segment<'m>,
        id: SegmentId,
    ) -> Vec<&'c MessageRow> {
        let place = segment.place();
        let anchor = self.anchor(place);
        let mut all: Vec<&MessageRow> = map
            .rows
            .iter()
            .filter(|row| !row.is_asleep && row.segment == id)
            .filter(|row| row.after.is_none() || row.after == anchor)
            .collect();
        if all.iter().any(|row| row.after.is_some()) {
            all.retain(|row| row.after.is_some());
        }
        let in_group = |row: &&MessageRow| {
            row.groups.last().is_some_and(|group| self.groups.is_in(place, group))
        };
        let of_group: Vec<&MessageRow> = all.iter().copied().filter(in_group).collect();
        if !of_group.is_empty() {
            // The innermost of the groups that match.
            let most = of_group.iter().map(|row| row.groups.len()).max().unwrap_or(0);
            return of_group.into_iter().filter(|row| row.groups.len() == most).collect();
        }
        let least = all.iter().map(|row| row.groups.len()).min().unwrap_or(0);
        let first = all.iter().find(|row| row.groups.len() == least).map(|row| &row.groups);
        all.iter().copied().filter(|row| Some(&row.groups) == first).collect()
    }

    /// The segment that the ones around it are about: `ROL` after `PV1`.
    fn anchor(&self, place: usize) -> Option<SegmentId> {
        const BESIDE: [&str; 13] = [
            "ROL", "PRT", "ARV", "PD1", "PV2", "NTE", "OH1", "OH2", "OH3", "OH4", "TQ1", "TQ2",
            "RXC",
        ];
        (0..place).rev().find_map(|at| {
            let id = self.engine.scope.message.segment_at(at)?.id()?;
            (!BESIDE.contains(&id.as_str())).then_some(id)
        })
    }

    /// The resource of a row: one that other segments of the same group fill too, else a new one.
    fn resource(&mut self, row: &MessageRow, segment: Segment<'m>, id: SegmentId) -> Option<usize> {
        let place = segment.place();
        let group = self.groups.group(place);
        let known = self.filled.iter().rev().find(|filled| {
            filled.slot == row.slot
                && (self.groups.is_within(filled.group, group)
                    || self.groups.is_within(group, filled.group))
        });
        if let Some(known) = known
            && (known.segment != id || known.place == place)
        {
            return Some(known.resource);
        }
        // A message out of order is of the same person still: a second one is told by a PID.
        if &*row.slot.kind == "Patient"
            && !matches!(id.as_str(), "PID" | "MRG")
            && let Some(person) = self.find(&row.slot, place)
        {
            return Some(person);
        }
        // A remark is about something, or about nothing.
        if id.as_str() == "NTE" {
            return None;
        }
        let def = schema().resource(&row.slot.kind)?;
        let resource = self.engine.make(def, place);
        let slot = row.slot.clone();
        self.filled.push(Filled { slot, resource, group, place, segment: id });
        Some(resource)
    }

    /// The resource in a slot as the segment at `place` sees it: the nearest group that has one.
    fn find(&self, slot: &Slot, place: usize) -> Option<usize> {
        let own = self.groups.group(place);
        for group in self.groups.around(own) {
            let here = |filled: &&Filled| {
                filled.slot == *slot && self.groups.is_within(filled.group, group)
            };
            let before = self.filled.iter().filter(here).rfind(|filled| filled.place <= place);
            // A result that stands before every order is of none.
            let may_follow =
                group == own || !matches!(&*slot.kind, "ServiceRequest" | "DiagnosticReport");
            let after = || self.filled.iter().find(here).filter(|_| may_follow);
            if let Some(found) = before.or_else(after) {
                return Some(found.resource);
            }
        }
        None
    }

    /// Follows the links, now that every resource is there.
    fn wire(&mut self) {
        for Pending { row, place, resource } in std::mem::take(&mut self.links) {
            for link in &row.links {
                let from = match &link.from {
                    Some(slot) => match self.find(slot, place) {
                        Some(from) => from,
                        None => continue,
                    },
                    None => resource,
                };
                let kind = self.engine.resources.get(from).map_or("", |made| made.kind);
                let Some(def) = schema().resource(kind) else { continue };
                let root = Cursor::root(from, def);
                let filling = Filling { place: Some(place), repetition: 0 };
                // That something is of a patient is no reason to make it.
                self.engine.only_finds = !matches!(&link.to, LinkTo::Slot(to) if *to == row.slot);
                let cursor = self.engine.follow(&root, &link.path, filling, &row.id);
                self.engine.only_finds = false;
                let Some(cursor) = cursor else { continue };
                match &link.to {
                    LinkTo::Text(text) => self.engine.put_text(&cursor, text, &row.id),
                    LinkTo::Slot(slot) => {
                        let own = Some(resource).filter(|_| row.slot == *slot);
                        if let Some(to) = own.or_else(|| self.find(slot, place))
                            && to != from
                            && matches!(cursor.kind, At::Complex(def) if def.name == "Reference")
                        {
                            self.engine.refer(&cursor, to, &row.id);
                        }
                    }
                }
            }
        }
    }

    /// The status of an Encounter is a step of its state machine; here, what a new one would have.
    fn status(&mut self, transition: Option<EncounterTransition>) {
        let fresh = transition.map_or("unknown", |transition| transition.fresh);
        let row = RowId::fixed("event");
        for made in self.engine.resources.iter_mut().filter(|made| made.kind == "Encounter") {
            if made.root.get("status").is_none() && !made.root.is_empty() {
                // A stay that nobody knew and that has an end is over.
                let ended = [Hop::new("period"), Hop::new("end")];
                let is_over = made.root.find(&ended).is_some_and(|node| !node.is_empty());
                let fresh = if is_over && fresh == "unknown" { "finished" } else { fresh };
                let status = Node::Leaf(Json::string(fresh), row.clone());
                made.root.members.insert(0, (Name::new("status"), status));
            }
        }
    }

    fn drafted(
        self,
        message: &Message<'_>,
        _now: Timestamp,
        transition: Option<EncounterTransition>,
    ) -> (Vec<Drafted>, Vec<ward_hl7::Problem>) {
        let resources = self.engine.resources;
        let problems = self.engine.problems;
        let mut alive: Vec<bool> = resources.iter().map(|made| !made.root.is_empty()).collect();
        // A resource that is only references to nothing is nothing.
        for _ in 0..4 {
            let next: Vec<bool> = resources.iter().map(|made| says(&made.root, &alive)).collect();
            if next == alive {
                break;
            }
            alive = next;
        }
        let digest = sha256(message.raw());
        let slots: Vec<String> = (0..resources.len()).map(|nth| slot(&digest, nth)).collect();
        let Settled { finished, same } = same::settle(&resources, &alive, &slots);
        let around: Vec<Vec<String>> =
            (0..resources.len()).map(|nth| places_around(&resources, nth)).collect();
        let mut drafted = Vec::new();
        for (nth, (made, finished)) in resources.into_iter().zip(finished).enumerate() {
            let (Some(finished), Some(slot)) = (finished, slots.get(nth)) else { continue };
            if same.get(nth) != Some(&nth) {
                continue;
            }
            let mut scope = keys(message, self.groups, made.segment, made.kind);
            scope.extend(around.get(nth).cloned().unwrap_or_default());
            drafted.push(Drafted {
                slot: slot.clone(),
                kind: made.kind,
                identity: identity(made.kind, &finished.json, &scope, slot),
                resource: finished.json,
                cleared: made.cleared,
                rows: finished.rows,
                transition: transition.filter(|_| made.kind == "Encounter"),
            });
        }
        settle(&mut drafted);
        (drafted, problems)
    }
}

/// Whether anything is said but references to what is nothing.
fn says(element: &Element, alive: &[bool]) -> bool {
    fn node(node: &Node, alive: &[bool]) -> bool {
        match node {
            Node::Leaf(..) => true,
            Node::Reference(to, _) => alive.get(*to).copied().unwrap_or(false),
            Node::Object(element) => says(element, alive),
            Node::List(items) => items.iter().any(|(_, item)| node_of(item, alive)),
        }
    }
    fn node_of(item: &Node, alive: &[bool]) -> bool {
        node(item, alive)
    }
    element.members.iter().any(|(_, inner)| node(inner, alive))
}

/// The names of the places that a place is in, the nearest first.
fn places_around(resources: &[Making], nth: usize) -> Vec<String> {
    /// LIMIT: a bed, its room, floor, ward, building and site are six.
    const DEPTH_MAX: usize = 8;
    let mut names = Vec::new();
    let mut at = nth;
    while names.len() < DEPTH_MAX {
        let Some(made) = resources.get(at).filter(|made| made.kind == "Location") else { break };
        let Some(Node::Reference(outer, _)) = made.root.get("partOf") else { break };
        at = *outer;
        let name = resources.get(at).and_then(|made| made.root.get("name"));
        if let Some(Node::Leaf(name, _)) = name {
            names.push(name.as_str().unwrap_or_default().to_owned());
        }
    }
    names
}

/// What a resource belongs to: the facility, and the order, study or patient it hangs on.
fn keys(message: &Message<'_>, groups: &Groups, place: usize, kind: &str) -> Vec<String> {
    let text = |segment: Option<Segment<'_>>, field: usize| {
        let text =
            segment.and_then(|s| s.field(field)).and_then(|f| f.text().map(|t| t.into_owned()));
        text.unwrap_or_default()
    };
    let related =
        |name: &[u8; 3]| SegmentId::new(name).and_then(|id| groups.related(message, place, id));
    let mut keys = vec![text(message.header(), 4)];
    match kind {
        "Observation" => {
            let (orc, obr, obx) = (related(b"ORC"), related(b"OBR"), related(b"OBX"));
            let filler = [text(obr, 3), text(orc, 3), text(obr, 2), text(orc, 2)];
            let order = filler.into_iter().find(|number| !number.is_empty());
            keys.push(order.unwrap_or_else(|| text(related(b"PID"), 3)));
            keys.push(text(obr, 4));
            keys.push(text(obx, 3));
            keys.push(text(obx, 4));
        }
        "Location" | "Organization" | "Practitioner" | "PractitionerRole" | "Device" => {}
        _ => {
            keys.push(text(related(b"PID"), 3));
            keys.push(text(related(b"PV1"), 19));
            let order = [text(related(b"ORC"), 3), text(related(b"ORC"), 2)];
            keys.extend(order.into_iter().find(|number| !number.is_empty()));
        }
    }
    keys
}

/// A name that the same message gives again.
fn slot(digest: &[u8; 32], nth: usize) -> String {
    let mut named = digest.to_vec();
    named.extend_from_slice(&nth.to_be_bytes());
    let hash = sha256(&named);
    let digit = |n: u8| char::from_digit(u32::from(n), 16).unwrap_or('0');
    let mut slot = String::with_capacity(45);
    slot.push_str("urn:uuid:");
    for (at, byte) in hash.iter().take(16).enumerate() {
        // Version 8 of RFC 9562: made by an own rule.
        let byte = match at {
            6 => byte & 0x0f | 0x80,
            8 => byte & 0x3f | 0x80,
            _ => *byte,
        };
        slot.push(digit(byte >> 4));
        slot.push(digit(byte & 0x0f));
        if matches!(at, 3 | 5 | 7 | 9) {
            slot.push('-');
        }
    }
    slot
}
