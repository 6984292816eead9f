//! Running the rows of a map on a value.

use std::sync::Arc;

use ward_hl7::{
    Location, Presence, Problem, ProblemKind, Segment, Severity,
    map::{Maps, PartMap, Row, RowId, Source},
};

use super::{
    Converter,
    element::{Making, Node},
    own,
    scope::Scope,
    value::Value,
    write::{At, Cursor, Filling, resource_named},
};

/// A conversion under way.
pub(super) struct Engine<'c, 'm> {
    pub converter: &'c Converter,
    pub scope: Scope<'m>,
    pub resources: Vec<Making>,
    pub problems: Vec<Problem>,
    /// Where the value in hand stands.
    pub at: Location,
    /// Whether a target leads only into resources that are there.
    pub only_finds: bool,
    /// How deep maps of data types are.
    depth: usize,
}

/// Most maps of data types inside each other.
/// LIMIT: the deepest of the guide are four.
const DEPTH_MAX: usize = 12;
/// Most problems of one conversion.
/// LIMIT: a person reads a screenful; hostile input has millions.
const PROBLEMS_MAX: usize = 200;

impl<'c, 'm> Engine<'c, 'm> {
    pub fn new(converter: &'c Converter, scope: Scope<'m>) -> Engine<'c, 'm> {
        let (resources, problems) = (Vec::new(), Vec::new());
        Engine {
            converter,
            scope,
            resources,
            problems,
            at: Location::MESSAGE,
            only_finds: false,
            depth: 0,
        }
    }

    pub fn maps(&self) -> &'c Maps {
        &self.converter.maps
    }

    pub fn note(&mut self, severity: Severity, kind: ProblemKind) {
        let problem = Problem::new(severity, kind, self.at);
        if self.problems.len() < PROBLEMS_MAX && !self.problems.contains(&problem) {
            self.problems.push(problem);
        }
    }

    /// Runs a segment's map into the resource at `cursor`.
    pub fn segment(&mut self, map: &Arc<PartMap>, segment: Segment<'m>, cursor: &Cursor) {
        self.scope.segment = segment;
        self.scope.base = Value::Segment(segment);
        if let Some(made) = self.resources.get_mut(cursor.resource)
            && !made.filled_by.contains(&segment.place())
        {
            made.filled_by.push(segment.place());
        }
        let at = self.scope.message.location_of(segment.place());
        for row in map.rows.iter().filter(|row| !row.is_asleep) {
            self.at = at;
            (self.scope.field, self.scope.repetition) = (0, 0);
            match &row.source {
                Source::Nothing | Source::Whole => {
                    self.scope.own = Value::Segment(segment);
                    let filling = Filling { place: Some(segment.place()), repetition: 0 };
                    self.row(row, cursor, filling);
                }
                Source::Part(parts) => self.field(row, parts, segment, cursor),
            }
        }
    }

    fn field(&mut self, row: &Row, parts: &[u16], segment: Segment<'m>, cursor: &Cursor) {
        let Some((number, rest)) = parts.split_first() else { return };
        self.scope.field = *number;
        self.at = self.at.field(u32::from(*number));
        let place = Some(segment.place());
        let mut n_run = 0;
        let own_at = self.at;
        if let Some(field) = segment.field(usize::from(*number)) {
            if field.presence() == Presence::Null && row.assign.is_none() {
                self.clear(row, cursor, place);
                return;
            }
            for (nth, repetition) in (1_u16..).zip(field.repetitions()) {
                let value = Value::Repetition(repetition).parts(rest);
                if !value.is_valued() {
                    continue;
                }
                self.scope.repetition = nth;
                self.scope.own = value;
                self.at = own_at.repetition(u32::from(nth));
                if let [component] = rest {
                    self.at = self.at.component(u32::from(*component));
                }
                self.row(row, cursor, Filling { place, repetition: nth - 1 });
                n_run += 1;
                // These take all repetitions at once.
                if row.by.as_deref().is_some_and(own::takes_all) {
                    break;
                }
            }
        }
        if n_run == 0 && row.runs_without_value {
            (self.scope.repetition, self.scope.own) = (0, Value::Nothing);
            self.row(row, cursor, Filling { place, repetition: 0 });
        }
    }

    /// The sender deletes what the field stands for.
    fn clear(&mut self, row: &Row, cursor: &Cursor, place: Option<usize>) {
        if row.to.steps.iter().any(|step| step.into.is_some()) {
            return;
        }
        let filling = Filling { place, repetition: 0 };
        if let Some(cursor) = self.follow(cursor, &row.to, filling, &row.id)
            && let Some(making) = self.resources.get_mut(cursor.resource)
        {
            let path = cursor.text(making.kind);
            if !making.cleared.contains(&path) {
                making.cleared.push(path);
            }
        }
    }

    /// Runs a data type's map on `value` into the element at `cursor`.
    pub fn value(&mut self, map: &Arc<PartMap>, value: Value<'m>, cursor: &Cursor, from: &RowId) {
        if self.fill(cursor, from) {
            self.rows(map, value, cursor);
        }
    }

    /// The rows of a data type's map, into an element that is theirs.
    fn rows(&mut self, map: &Arc<PartMap>, value: Value<'m>, cursor: &Cursor) {
        if DEPTH_MAX <= self.depth {
            return;
        }
        self.depth += 1;
        let outer = (self.scope.base, self.scope.own, self.at);
        for row in map.rows.iter().filter(|row| !row.is_asleep) {
            self.scope.base = value;
            self.at = outer.2;
            let own = match &row.source {
                Source::Nothing | Source::Whole => value,
                Source::Part(parts) => {
                    if let [component] = parts.as_slice() {
                        self.at = deeper(outer.2, u32::from(*component));
                    }
                    value.parts(parts)
                }
            };
            self.scope.own = own;
            if own.is_valued() || row.runs_without_value {
                self.row(row, cursor, Filling { place: None, repetition: 0 });
            }
        }
        (self.scope.base, self.scope.own, self.at) = outer;
        self.depth -= 1;
    }

    /// Whether the element may be filled: another row's value does not mix with it.
    fn fill(&mut self, cursor: &Cursor, from: &RowId) -> bool {
        let by = (from.clone(), self.scope.segment.place(), self.scope.repetition);
        let Some(making) = self.resources.get_mut(cursor.resource) else { return false };
        if cursor.path.is_empty() {
            return true;
        }
        match making.root.place(&cursor.path) {
            Some(Node::Object(element)) => {
                let is_free = element.filled_by.as_ref().is_none_or(|other| *other == by);
                if is_free {
                    element.filled_by = Some(by);
                }
                is_free
            }
            _ => false,
        }
    }

    fn row(&mut self, row: &Row, from: &Cursor, filling: Filling) {
        if row.when.as_ref().is_some_and(|when| !when.holds(&self.scope)) {
            return;
        }
        let Some(cursor) = self.follow(from, &row.to, filling, &row.id) else { return };
        if let Some(expression) = &row.assign {
            let text = self.scope.evaluate(expression);
            if !text.is_empty() {
                self.put_text(&cursor, &text, &row.id);
            }
            return;
        }
        let value = self.scope.own;
        let Some(by) = row.by.as_deref() else {
            return self.plain(row, value, &cursor);
        };
        if by.starts_with('!') {
            own::run(self, by, value, &cursor, row);
            return;
        }
        let Some(map) = self.maps().part(by) else { return };
        let is_reference = matches!(cursor.kind, At::Complex(kind) if kind.name == "Reference");
        let cursor = match is_reference.then(|| resource_named(map.to())).flatten() {
            Some(def) => {
                let Some(entered) = self.enter(&cursor, def, &row.id) else { return };
                entered
            }
            None => cursor,
        };
        if let Some(codes) = row.codes.as_deref()
            && self.coded(codes, value, &cursor, &row.id)
        {
            return;
        }
        // `$this` is the element in hand: what fills it goes on filling it.
        match row.to.steps.is_empty() && row.to.sibling.is_none() {
            true => self.rows(map, value, &cursor),
            false => self.value(map, value, &cursor, &row.id),
        }
    }

    /// A row without a map: the text, as the element asks for it.
    fn plain(&mut self, row: &Row, value: Value<'m>, cursor: &Cursor) {
        if let Some(codes) = row.codes.as_deref()
            && self.coded(codes, value, cursor, &row.id)
        {
            return;
        }
        if let At::Complex(def) = cursor.kind {
            let name = match def.name {
                "CodeableConcept" => "CWE[CodeableConcept]",
                "Coding" => "CWE[Coding]",
                "Quantity" | "Duration" | "Age" | "Count" => "CQ[Quantity]",
                _ => "",
            };
            if let Some(map) = self.maps().part(name) {
                return self.value(map, value, cursor, &row.id);
            }
        }
        let text = match cursor.kind {
            At::Primitive(ward_fhir::definitions::Primitive::String, _) => value.whole_text(),
            _ => value.text().map(|text| text.into_owned()),
        };
        if let Some(text) = text {
            self.put_text(cursor, &text, &row.id);
        }
    }
}

/// One level further down.
fn deeper(at: Location, n: u32) -> Location {
    if at.component == 0 { at.component(n) } else { at.subcomponent(n) }
}
