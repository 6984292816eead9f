//! Running the rows of a map backwards: from an element of FHIR into a segment.

use std::{borrow::Cow, collections::HashSet};

use ward_fhir::{
    Json,
    definitions::{Primitive, schema},
};
use ward_hl7::{
    SegmentId, Version,
    dictionary::dictionary,
    map::{
        Condition, Expression, Maps, PartMap, Piece, Ref, Row, RowId, Source as From, Test, Values,
    },
};

use super::{
    bind::{At, Binder, Bound, Flat, flatten, repeats},
    code::{CodesBack, concept_back},
    line::{Line, Place},
    own,
    source::{Source, kind},
    text::text,
};

/// A segment that is being filled.
pub(super) struct Filler<'s, 'j> {
    pub maps: &'s Maps,
    pub local_base: &'s str,
    pub source: &'s Source<'j>,
    /// The segments before it.
    pub before: &'s [Line],
    pub line: Line,
    /// The rows that gave a value.
    pub rows: Vec<RowId>,
    /// Leaves that are written already: a second row for the same says nothing new.
    used: HashSet<*const Json<'j>>,
    depth: usize,
}

/// Most maps of data types inside each other.
/// LIMIT: the deepest of the guide are four.
const DEPTH_MAX: usize = 10;

/// What a condition of a row is about.
struct View<'v> {
    before: &'v [Line],
    line: &'v Line,
    base: Option<&'v Place>,
    own: &'v Place,
}

impl<'s, 'j> Filler<'s, 'j> {
    pub fn new(
        maps: &'s Maps,
        local_base: &'s str,
        source: &'s Source<'j>,
        before: &'s [Line],
        id: SegmentId,
    ) -> Filler<'s, 'j> {
        let line = Line::new(id);
        let (rows, used) = (Vec::new(), HashSet::new());
        Filler { maps, local_base, source, before, line, rows, used, depth: 0 }
    }

    /// Runs a segment's map on a resource.
    pub fn resource(&mut self, map: &PartMap, resource: &'j Json<'j>) {
        // Each map of the segment says its part of the same resource.
        self.used.clear();
        if let Some(at) = At::type_named(kind(resource)) {
            self.rows(map, resource, at, None, resource);
        }
    }

    /// Runs a map on an element; `base` is where in the segment its value stands.
    pub fn rows(
        &mut self,
        map: &PartMap,
        node: &'j Json<'j>,
        at: At,
        base: Option<&Place>,
        owner: &'j Json<'j>,
    ) {
        if DEPTH_MAX <= self.depth {
            return;
        }
        self.depth += 1;
        let maps = self.maps;
        let flat = flatten(maps, map);
        let segment = base.is_none().then_some(self.line.id);
        let mut binder =
            Binder { maps, source: self.source, rows: &flat, segment, bound: Vec::new() };
        let all: Vec<usize> = (0..flat.len()).collect();
        binder.bind(&all, 0, Bound { row: 0, node, kind: at, nth: 0, owner });
        let mut bound = binder.bound;
        // What is without condition first: the conditions ask for it.
        bound.sort_by_key(|it| {
            let row = flat.get(it.row).map(|flat| flat.row);
            (row.is_some_and(|row| row.when.is_some()), it.row, it.nth)
        });
        // What a condition asks for may be what a later row says.
        let mut later = Vec::new();
        for bound in bound {
            if let Some(flat) = flat.get(bound.row)
                && !self.row(flat, bound, base)
                && flat.row.when.is_some()
            {
                later.push((flat, bound));
            }
        }
        for (flat, bound) in later {
            self.row(flat, bound, base);
        }
        self.depth -= 1;
    }

    fn row(&mut self, flat: &Flat<'_>, bound: Bound<'j>, base: Option<&Place>) -> bool {
        if self.whole(flat, bound, base) {
            return true;
        }
        let Some((place, inner)) = self.place(flat, bound, base) else { return true };
        let row = flat.row;
        let Some(when) = &row.when else {
            let is_said = match &row.assign {
                Some(expression) => self.assigned(expression, bound, inner.as_ref(), &place),
                None => self.put(row, bound, &place),
            };
            if is_said {
                self.rows.push(row.id.clone());
            }
            return is_said;
        };
        let kept = (self.line.clone(), self.used.clone());
        let fixed = row.assign.as_ref().and_then(|it| it.constant());
        let is_said = match (&row.assign, fixed) {
            (_, Some(fixed)) => bound.node.as_str() == Some(fixed),
            (Some(expression), None) => self.assigned(expression, bound, inner.as_ref(), &place),
            (None, _) => self.put(row, bound, &place),
        };
        if is_said && self.solve(when, inner.as_ref(), &place) {
            self.rows.push(row.id.clone());
            return true;
        }
        (self.line, self.used) = kept;
        false
    }

    /// A resource that fills the whole segment by a map of its own.
    fn whole(&mut self, flat: &Flat<'_>, bound: Bound<'j>, base: Option<&Place>) -> bool {
        let is_whole = matches!(flat.row.source, From::Whole) && flat.base.is_empty();
        let by = flat.row.by.as_deref().filter(|by| !by.starts_with('!'));
        let (true, None, Some(by), None) = (is_whole, base, by, &flat.row.assign) else {
            return false;
        };
        if let Some(map) = self.maps.part_back(by).cloned() {
            self.rows(&map, bound.node, bound.kind, None, bound.owner);
        }
        true
    }

    /// Where a row's value stands, and where the value stands that its own map is about.
    fn place(
        &self,
        flat: &Flat<'_>,
        bound: Bound<'j>,
        base: Option<&Place>,
    ) -> Option<(Place, Option<Place>)> {
        let parts: &[u16] = match &flat.row.source {
            From::Part(parts) => parts,
            From::Nothing | From::Whole => &[],
        };
        if let Some(base) = base {
            let inner = base.part(&flat.base);
            return Some((inner.part(parts), Some(inner)));
        }
        let mut whole = flat.base.clone();
        whole.extend_from_slice(parts);
        let (field, rest) = whole.split_first()?;
        let nth = bound.nth;
        // A second item has no room: it would mix with the first.
        if nth != 0 && !repeats(self.line.id, *field) {
            return None;
        }
        let place = Place { field: *field, nth, parts: rest.to_vec() };
        let inner = flat.base.split_first().map(|(field, rest)| Place {
            field: *field,
            nth,
            parts: rest.to_vec(),
        });
        Some((place, inner))
    }

    /// Writes the value of an element; `false` where it says nothing or there is no room.
    fn put(&mut self, row: &Row, bound: Bound<'j>, place: &Place) -> bool {
        // Two elements in one field would be a value that nobody said.
        let is_field = self.depth == 1 && place.parts.is_empty();
        if is_field && row.by.is_some() && self.line.is_valued(place) {
            return false;
        }
        if let Some(by) = row.by.as_deref() {
            if by.starts_with('!') {
                return own::put(self, by, bound, place);
            }
            let Some(map) = self.maps.part_back(by).cloned() else {
                return self.leaf(row.codes.as_deref(), bound, place);
            };
            return self.mapped(&map, row.codes.as_deref(), bound, place);
        }
        match bound.kind {
            At::Primitive(_) => self.leaf(row.codes.as_deref(), bound, place),
            At::Complex(def) => {
                let name = match def.name {
                    "CodeableConcept" => "CWE[CodeableConcept]",
                    "Coding" => "CWE[Coding]",
                    "Quantity" | "Duration" | "Age" | "Count" => "CQ[Quantity]",
                    _ => return false,
                };
                let Some(map) = self.maps.part_back(name).cloned() else { return false };
                self.mapped(&map, row.codes.as_deref(), bound, place)
            }
        }
    }

    /// A primitive value.
    pub fn leaf(&mut self, codes: Option<&str>, bound: Bound<'j>, place: &Place) -> bool {
        let At::Primitive(primitive) = bound.kind else { return false };
        if self.used.contains(&std::ptr::from_ref(bound.node)) {
            return false;
        }
        let Some(mut said) = text(primitive, bound.node) else { return false };
        let codes = codes.and_then(|name| CodesBack::new(self.maps, name));
        if let Some(code) = codes.and_then(|codes| codes.code(&said, None)) {
            said = code.to_owned();
        } else if codes.is_some() && said == "unknown" {
            return false;
        } else if primitive == Primitive::Uri && self.is_system(place) {
            said = super::code::system_back(self.maps, self.local_base, &said);
        } else if primitive == Primitive::Uri
            && let Some(name) = super::code::local_name(self.local_base, &said)
        {
            said = name;
        }
        let is_put = match bound.nth != 0 && place.nth == 0 {
            // More words than parts; two codes are no code.
            true if primitive == Primitive::String => self.line.append(place, &said),
            true => false,
            false => self.line.put(place, &said),
        };
        if is_put {
            self.used.insert(std::ptr::from_ref(bound.node));
        }
        is_put
    }

    /// Whether a URI at `place` is the name of a code system.
    fn is_system(&self, place: &Place) -> bool {
        matches!(place.parts.last(), Some(3 | 6 | 12))
    }

    /// Writes an element by a map that a conversion has chosen.
    pub fn mapped_by(&mut self, name: &str, bound: Bound<'j>, place: &Place) -> bool {
        let map = self.maps.part_back(name).cloned();
        map.is_some_and(|map| self.mapped(&map, None, bound, place))
    }

    fn mapped(
        &mut self,
        map: &PartMap,
        codes: Option<&str>,
        bound: Bound<'j>,
        place: &Place,
    ) -> bool {
        if bound.nth != 0 && place.nth == 0 {
            return false;
        }
        if let (At::Primitive(_), Some(_)) = (bound.kind, codes) {
            return self.leaf(codes, bound, place);
        }
        let before = self.line.is_valued(place);
        // The same person or organization may stand in several fields.
        if let At::Complex(def) = bound.kind
            && schema().resource(def.name).is_some()
            && codes.is_none()
        {
            let used = std::mem::take(&mut self.used);
            self.rows(map, bound.node, bound.kind, Some(place), bound.owner);
            let is_put = !self.used.is_empty() || (!before && self.line.is_valued(place));
            self.used = used;
            return is_put;
        }
        if let Some(def) = schema().resource(map.to())
            && bound.kind.name() == "Reference"
        {
            // The same person may stand in several fields.
            let used = std::mem::take(&mut self.used);
            if let Some(resource) = self.source.resolve(bound.node, bound.owner)
                && kind(resource) == def.name
            {
                self.rows(map, resource, At::Complex(def), Some(place), resource);
            } else if bound.kind.name() == "Reference" {
                self.display(def.name, bound, place);
            }
            self.used = used;
            return !before && self.line.is_valued(place);
        }
        if bound.kind.name() == "PractitionerRole" && map.to() == "Practitioner" {
            // The binder stands at a reference to the person.
            let person = At::type_named("Reference");
            return match person {
                Some(kind) => self.mapped(map, codes, Bound { kind, ..bound }, place),
                None => false,
            };
        }
        if let Some(codes) = codes.and_then(|name| CodesBack::new(self.maps, name)) {
            let back = concept_back(codes, bound.node);
            return self.made(map, &back, bound.kind, place);
        }
        let n_used = self.used.len();
        self.rows(map, bound.node, bound.kind, Some(place), bound.owner);
        self.used.len() != n_used || (!before && self.line.is_valued(place))
    }

    /// Runs a map on an element that no resource has.
    fn made(&mut self, map: &PartMap, element: &Json<'_>, at: At, place: &Place) -> bool {
        let source = Source::new(element);
        let mut inner = Filler::new(self.maps, self.local_base, &source, self.before, self.line.id);
        inner.line = self.line.clone();
        inner.depth = self.depth;
        inner.rows(map, element, at, Some(place), element);
        let is_put = inner.line.is_valued(place);
        self.rows.append(&mut inner.rows);
        self.line = inner.line;
        is_put
    }

    /// A reference that says only what it is called.
    fn display(&mut self, name: &str, bound: Bound<'j>, place: &Place) {
        let Some(display) = bound.node.get("display").and_then(Json::as_str) else { return };
        let part = match name {
            "Practitioner" | "PractitionerRole" | "RelatedPerson" => 2,
            _ => 1,
        };
        self.line.put(&place.part(&[part]), display);
    }

    /// `"urn:oid:"+HD.2` taken apart; a constant says nothing that a value would not.
    fn assigned(
        &mut self,
        expression: &Expression,
        bound: Bound<'j>,
        base: Option<&Place>,
        own: &Place,
    ) -> bool {
        if expression.constant().is_some() || self.used.contains(&std::ptr::from_ref(bound.node)) {
            return false;
        }
        let Some(mut rest) = bound.node.as_str() else { return false };
        let mut said: Vec<(Place, &str)> = Vec::new();
        let mut pieces = expression.0.iter().peekable();
        while let Some(piece) = pieces.next() {
            match piece {
                Piece::Text(text) => match rest.strip_prefix(&**text) {
                    Some(after) => rest = after,
                    None => return false,
                },
                Piece::Value(reference) => {
                    let end = match pieces.peek() {
                        Some(Piece::Text(next)) => match rest.find(&**next) {
                            Some(end) => end,
                            None => return false,
                        },
                        Some(Piece::Value(_)) => return false,
                        None => rest.len(),
                    };
                    let Some((value, after)) = rest.split_at_checked(end) else { return false };
                    let Some(place) = self.locate(reference, base, own) else { return false };
                    if value.is_empty() {
                        return false;
                    }
                    said.push((place, value));
                    rest = after;
                }
            }
        }
        let is_other = |(place, value): &(Place, &str)| {
            self.line.is_valued(place) && self.line.text(place) != Some(*value)
        };
        if !rest.is_empty() || said.iter().any(is_other) {
            return false;
        }
        let is_put = said.iter().all(|(place, value)| self.line.put(place, value));
        self.used.insert(std::ptr::from_ref(bound.node));
        is_put
    }

    /// Makes a condition hold: a code that it asks for is written where there is none.
    fn solve(&mut self, when: &Condition, base: Option<&Place>, own: &Place) -> bool {
        match when {
            Condition::All(all) => all.iter().all(|one| self.solve(one, base, own)),
            Condition::Any(any) => any.iter().any(|one| {
                let kept = self.line.clone();
                let holds = self.solve(one, base, own);
                if !holds {
                    self.line = kept;
                }
                holds
            }),
            Condition::Is(of, Test::In(list)) => {
                let view = View { before: self.before, line: &self.line, base, own };
                if let Some(text) = view.text(of) {
                    return list.iter().any(|one| **one == *text);
                }
                // Of several codes nobody knows which: minutes are no seconds.
                match (self.locate(of, base, own), list.as_slice()) {
                    (Some(place), [only]) => self.line.put(&place, only),
                    _ => false,
                }
            }
            other => {
                let view = View { before: self.before, line: &self.line, base, own };
                other.holds(&view)
            }
        }
    }

    /// Where in this segment a reference of a row is.
    fn locate(&self, of: &Ref, base: Option<&Place>, own: &Place) -> Option<Place> {
        View { before: self.before, line: &self.line, base, own }.locate(of)
    }
}

impl View<'_> {
    fn locate(&self, of: &Ref) -> Option<Place> {
        let Some(name) = &of.name else { return Some(self.own.clone()) };
        if **name == *self.line.id.as_str() {
            let (field, rest) = of.parts.split_first()?;
            let nth = if *field == self.own.field { self.own.nth } else { 0 };
            return Some(Place { field: *field, nth, parts: rest.to_vec() });
        }
        let is_segment = SegmentId::new(name.as_bytes())
            .is_some_and(|id| dictionary(Version::V2_8).segment(id).is_some());
        if is_segment {
            return None;
        }
        Some(self.base.unwrap_or(self.own).part(&of.parts))
    }

    /// The segment of another name that comes last before this one, and the place in it.
    fn other(&self, of: &Ref) -> Option<(&Line, Place)> {
        let name = of.name.as_deref()?;
        let line = self.before.iter().rev().find(|line| line.id.as_str() == name)?;
        let (field, rest) = of.parts.split_first()?;
        Some((line, Place { field: *field, nth: 0, parts: rest.to_vec() }))
    }
}

impl Values for View<'_> {
    fn text(&self, of: &Ref) -> Option<Cow<'_, str>> {
        let text = match self.locate(of) {
            Some(place) => self.line.text(&place),
            None => self.other(of).and_then(|(line, place)| line.text(&place)),
        };
        text.map(Cow::Borrowed)
    }

    fn is_valued(&self, of: &Ref) -> bool {
        match self.locate(of) {
            Some(place) => self.line.is_valued(&place),
            None if of.parts.is_empty() => {
                let name = of.name.as_deref().unwrap_or_default();
                self.before.iter().any(|line| line.id.as_str() == name)
            }
            None => self.other(of).is_some_and(|(line, place)| line.is_valued(&place)),
        }
    }

    fn count(&self, of: &Ref) -> usize {
        match self.locate(of) {
            Some(place) if place.parts.is_empty() => self.line.n_repetitions(place.field),
            _ => usize::from(self.is_valued(of)),
        }
    }
}
