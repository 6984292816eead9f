//! Which element of a resource each row of a map is about.
//!
//! A row names the items of a list by labels, not by places. Run backwards, each item has to find
//! its label: by what the rows of a label fix (a type, a use, a URL), else in order.

use ward_fhir::{
    Json,
    definitions::{ElementKind, Primitive, TypeDef, schema},
};
use ward_hl7::{
    SegmentId, Version,
    dictionary::dictionary,
    map::{Maps, PartMap, Row, Source as From, Step},
};

use super::source::{Source, kind};

/// A row of a map, or of a map of a data type that the map has taken in.
#[derive(Clone)]
pub(super) struct Flat<'r> {
    pub row: &'r Row,
    /// The part of the segment or value that the row's own map is about.
    pub base: Vec<u16>,
}

/// An element that a row is about.
#[derive(Clone, Copy)]
pub(super) struct Bound<'j> {
    /// Which row.
    pub row: usize,
    pub node: &'j Json<'j>,
    pub kind: At,
    /// Which of the items that the row is about, from 0.
    pub nth: u16,
    /// The resource it is in.
    pub owner: &'j Json<'j>,
}

#[derive(Clone, Copy)]
pub(super) enum At {
    Complex(&'static TypeDef),
    Primitive(Primitive),
}

impl At {
    pub fn type_named(name: &str) -> Option<At> {
        schema().resource(name).or_else(|| schema().type_named(name)).map(At::Complex)
    }

    pub fn name(self) -> &'static str {
        match self {
            At::Complex(def) => def.name,
            At::Primitive(_) => "",
        }
    }
}

/// The rows of a map, with those of the maps that fill the same element.
pub(super) fn flatten<'r>(maps: &'r Maps, map: &'r PartMap) -> Vec<Flat<'r>> {
    let mut flat = Vec::new();
    add(maps, map, &[], &mut flat, 0);
    flat
}

/// Most maps inside each other.
/// LIMIT: the deepest of the guide are three.
const DEPTH_MAX: usize = 8;

fn add<'r>(maps: &'r Maps, map: &'r PartMap, base: &[u16], flat: &mut Vec<Flat<'r>>, depth: usize) {
    for row in map.rows.iter().filter(|row| !row.is_asleep && row.to.sibling.is_none()) {
        let inner = row.by.as_deref().filter(|by| !by.starts_with('!'));
        let is_same = row.to.steps.is_empty() && row.assign.is_none() && row.codes.is_none();
        if let Some(inner) = inner.filter(|_| is_same && depth < DEPTH_MAX)
            && let Some(inner) = maps.part_back(inner)
            && !inner.rows.iter().any(|row| row.to.steps.is_empty() && row.by.is_none())
        {
            let mut at = base.to_vec();
            if let From::Part(parts) = &row.source {
                at.extend_from_slice(parts);
            }
            add(maps, inner, &at, flat, depth + 1);
            continue;
        }
        flat.push(Flat { row, base: base.to_vec() });
    }
}

/// Finds the elements.
pub(super) struct Binder<'s, 'j, 'r> {
    pub maps: &'s Maps,
    pub source: &'s Source<'j>,
    pub rows: &'s [Flat<'r>],
    /// The segment whose fields the rows are about: a label may have several items there, which are
    /// repetitions of a field. `None` inside a value.
    pub segment: Option<SegmentId>,
    pub bound: Vec<Bound<'j>>,
}

impl<'j> Binder<'_, 'j, '_> {
    /// Binds the rows in `which`, whose paths lead to `node` with their first `depth` steps.
    pub fn bind(&mut self, which: &[usize], depth: usize, at: Bound<'j>) {
        let mut names: Vec<(&str, bool)> = Vec::new();
        for row in which {
            let Some(flat) = self.rows.get(*row) else { continue };
            let Some(step) = flat.row.to.steps.get(depth) else {
                self.bound.push(Bound { row: *row, ..at });
                continue;
            };
            let name = (&*step.name, self.is_aside(*row, depth, at));
            if !names.contains(&name) {
                names.push(name);
            }
        }
        for (name, is_aside) in names {
            let here: Vec<usize> = which
                .iter()
                .copied()
                .filter(|row| {
                    self.step(*row, depth).is_some_and(|step| *step.name == *name)
                        && self.is_aside(*row, depth, at) == is_aside
                })
                .collect();
            self.member(name, is_aside, &here, depth, at);
        }
    }

    fn step(&self, row: usize, depth: usize) -> Option<&Step> {
        self.rows.get(row)?.row.to.steps.get(depth)
    }

    /// Whether the next step is an extension of a primitive value, which keeps it beside itself.
    fn is_aside(&self, row: usize, depth: usize, at: Bound<'j>) -> bool {
        let (At::Complex(def), Some(step)) = (at.kind, self.step(row, depth)) else { return false };
        let is_primitive = def
            .member(&step.name)
            .is_some_and(|found| matches!(found.kind.kind, ElementKind::Primitive(_)));
        is_primitive && self.step(row, depth + 1).is_some_and(|next| *next.name == *"extension")
    }

    fn member(&mut self, name: &str, is_aside: bool, which: &[usize], depth: usize, at: Bound<'j>) {
        let At::Complex(def) = at.kind else { return };
        // A role that is meant where only the person is referred to.
        let is_person = name == "practitioner"
            && def.name == "PractitionerRole"
            && at.node.get("reference").is_some();
        if is_person {
            return self.bind(which, depth + 1, at);
        }
        let Some(found) = def.member(name) else { return };
        let kind = match found.kind.kind {
            ElementKind::Complex(id) => schema().get(id).map(At::Complex),
            ElementKind::Primitive(kind) => Some(At::Primitive(kind)),
            ElementKind::AnyResource => None,
        };
        let Some(mut kind) = kind else { return };
        let mut node = at.node.get(name);
        if is_aside && matches!(kind, At::Primitive(_)) {
            node = at.node.get(&format!("_{name}"));
            kind = match schema().type_named("Element") {
                Some(def) => At::Complex(def),
                None => return,
            };
        }
        let Some(node) = node else { return };
        let Json::Array(items) = node else {
            return self.enter(which, depth, Bound { node, kind, ..at });
        };
        let labels = self.labels(which, depth);
        let mut taken = vec![0_u16; labels.len()];
        for item in items {
            let here = Bound { node: item, kind, ..at };
            let Some(best) = self.label_of(which, depth, &labels, &taken, here) else { continue };
            let (Some(label), Some(n)) = (labels.get(best), taken.get_mut(best)) else { continue };
            let mine: Vec<usize> = which
                .iter()
                .copied()
                .filter(|row| self.step(*row, depth).is_some_and(|step| step.label == *label))
                .collect();
            // The outermost list is the one that repeats.
            let nth = if at.nth == 0 { *n } else { at.nth };
            *n += 1;
            self.enter(&mine, depth, Bound { nth, ..here });
        }
    }

    /// Goes on in the element, or in the resource that it refers to.
    fn enter(&mut self, which: &[usize], depth: usize, at: Bound<'j>) {
        let mut intos: Vec<Option<Box<str>>> = Vec::new();
        for row in which {
            let into = self.step(*row, depth).and_then(|step| step.into.clone());
            if !intos.contains(&into) {
                intos.push(into);
            }
        }
        for into in intos {
            let here: Vec<usize> = which
                .iter()
                .copied()
                .filter(|row| self.step(*row, depth).is_some_and(|step| step.into == into))
                .collect();
            let Some(into) = into else {
                self.bind(&here, depth + 1, at);
                continue;
            };
            let Some(resource) = self.source.resolve(at.node, at.owner) else { continue };
            let Some(kind) = At::type_named(&into) else { continue };
            if self::kind(resource) == &*into {
                let owner = resource;
                self.bind(&here, depth + 1, Bound { node: resource, kind, owner, ..at });
            } else if &*into == "PractitionerRole" && self::kind(resource) == "Practitioner" {
                self.bind(&here, depth + 1, Bound { kind, ..at });
            }
        }
    }

    /// The labels that the rows have for a list, in their order.
    fn labels(&self, which: &[usize], depth: usize) -> Vec<u16> {
        let mut labels = Vec::new();
        for row in which {
            if let Some(step) = self.step(*row, depth)
                && !labels.contains(&step.label)
            {
                labels.push(step.label);
            }
        }
        labels
    }

    /// The label of an item: the one whose fixed values it has most of.
    fn label_of(
        &self,
        which: &[usize],
        depth: usize,
        labels: &[u16],
        taken: &[u16],
        item: Bound<'j>,
    ) -> Option<usize> {
        let mut best: Option<(usize, usize)> = None;
        let mut is_left_over = false;
        for (nth, label) in labels.iter().enumerate() {
            let Some(fit) = self.fit(which, depth, *label, item) else { continue };
            // Without repetitions a label has one item; the last has what is left over.
            let is_last = nth + 1 == labels.len();
            let is_taken = taken.get(nth).is_some_and(|n| *n != 0);
            if is_taken && !is_last && !self.has_room(which, depth, *label) {
                is_left_over = true;
                continue;
            }
            // What is left over goes where it says everything that is fixed there, or nowhere.
            if is_left_over && !self.is_marked(which, depth, *label, item) {
                continue;
            }
            if best.is_none_or(|(_, other)| other < fit) {
                best = Some((nth, fit));
            }
        }
        best.map(|(nth, _)| nth)
    }

    /// Whether an item has every value that a label fixes.
    fn is_marked(&self, which: &[usize], depth: usize, label: u16, item: Bound<'j>) -> bool {
        which.iter().filter_map(|row| self.rows.get(*row)).all(|flat| {
            let steps = &flat.row.to.steps;
            let is_mine = steps.get(depth).is_some_and(|step| step.label == label);
            let fixed = flat.row.assign.as_ref().and_then(|it| it.constant());
            let (true, Some(fixed), None) = (is_mine, fixed, &flat.row.when) else { return true };
            let rest = steps.get(depth + 1..).unwrap_or_default();
            values(item.node, rest).iter().any(|value| says(value, fixed))
        })
    }

    /// Whether what an item refers to is what the map of a row is about.
    fn is_of_kind(&self, row: &Row, depth: usize, item: Bound<'j>) -> bool {
        let wanted = match row.by.as_deref() {
            Some("!location") => "Location",
            Some(by) => self.maps.part_back(by).map(|map| map.to()).unwrap_or_default(),
            None => "",
        };
        let rest = row.to.steps.get(depth..).unwrap_or_default();
        if schema().resource(wanted).is_none() || rest.iter().any(|step| step.into.is_some()) {
            return true;
        }
        let meant = values(item.node, rest)
            .into_iter()
            .filter_map(|reference| self.source.resolve(reference, item.owner));
        meant.into_iter().all(|resource| kind(resource) == wanted)
    }

    /// Whether a label may have another item.
    fn has_room(&self, which: &[usize], depth: usize, label: u16) -> bool {
        let Some(segment) = self.segment else { return false };
        let mine = which
            .iter()
            .filter_map(|row| self.rows.get(*row))
            .filter(|flat| flat.row.to.steps.get(depth).is_some_and(|step| step.label == label));
        let fields = mine.filter_map(|flat| {
            let own = match &flat.row.source {
                From::Part(parts) => parts.first(),
                From::Nothing | From::Whole => None,
            };
            flat.base.first().or(own).copied()
        });
        fields.into_iter().all(|field| repeats(segment, field))
    }

    /// How many fixed values of a label an item has; `None` where it is none of that label.
    fn fit(&self, which: &[usize], depth: usize, label: u16, item: Bound<'j>) -> Option<usize> {
        let mut fit = 0;
        for row in which {
            let Some(flat) = self.rows.get(*row) else { continue };
            let steps = &flat.row.to.steps;
            let Some(step) = steps.get(depth).filter(|step| step.label == label) else { continue };
            let mut at = item;
            if let Some(into) = &step.into {
                let resource = self.source.resolve(item.node, item.owner)?;
                let named = kind(resource);
                if named != &**into {
                    let is_role = &**into == "PractitionerRole" && named == "Practitioner";
                    match is_role {
                        true => continue,
                        false => return None,
                    }
                }
                at = Bound { node: resource, owner: resource, ..at };
            }
            fit += fits(flat.row, depth + 1, at.node)?;
            if !self.is_of_kind(flat.row, depth + 1, at) {
                return None;
            }
            // What the map of the item's own type fixes counts too.
            let by = flat.row.by.as_deref().filter(|_| steps.len() == depth + 1);
            if let Some(map) = by.and_then(|by| self.maps.part_back(by)) {
                for row in map.rows.iter().filter(|row| !row.is_asleep) {
                    fit += fits(row, 0, at.node)?;
                }
            }
        }
        Some(fit)
    }
}

/// Whether a field may repeat.
pub(super) fn repeats(segment: SegmentId, field: u16) -> bool {
    let in_version = |version: Version| {
        let at = usize::from(field).checked_sub(1)?;
        let max = dictionary(version).segment(segment)?.fields.get(at)?.max;
        Some(max != Some(1))
    };
    // Fields that 2.8 has withdrawn are what they were before.
    let known = [in_version(Version::V2_8), in_version(Version::V2_5_1)];
    known.iter().all(Option::is_none) || known.contains(&Some(true))
}

/// Whether an item has the value that a row fixes, whose path leads to it with its first `depth`
/// steps: 1, or 0 where the row fixes nothing; `None` where it has another.
fn fits(row: &Row, depth: usize, item: &Json<'_>) -> Option<usize> {
    let Some(fixed) = row.assign.as_ref().and_then(|it| it.constant()) else { return Some(0) };
    let rest = row.to.steps.get(depth..).unwrap_or_default();
    let last = rest.last().map(|step| &*step.name).unwrap_or_default();
    if matches!(last, "display" | "text") || rest.iter().any(|step| step.into.is_some()) {
        return Some(0);
    }
    let values = values(item, rest);
    let is_there = values.iter().any(|value| says(value, fixed));
    // Extensions inside tell each other apart, not the item.
    let is_inside = rest.iter().rev().skip(1).any(|step| *step.name == *"extension");
    // The URL of an extension is what it is, under any condition.
    let is_open = row.when.is_some() && !(last == "url" && rest.len() == 1);
    match (is_there, is_open || is_inside || row.to.sibling.is_some()) {
        (true, _) => Some(1),
        (false, true) => Some(0),
        (false, false) if !values.is_empty() || matches!(last, "code" | "url") => None,
        (false, false) => Some(0),
    }
}

fn says(value: &Json<'_>, fixed: &str) -> bool {
    match value {
        Json::Bool(value) => fixed == if *value { "true" } else { "false" },
        other => other.as_str() == Some(fixed),
    }
}

/// Everything at the end of `steps`, through lists.
fn values<'j>(json: &'j Json<'j>, steps: &[Step]) -> Vec<&'j Json<'j>> {
    let mut found = vec![json];
    for step in steps {
        found =
            found.into_iter().filter_map(|it| it.get(&step.name)).flat_map(Json::items).collect();
    }
    found
}
