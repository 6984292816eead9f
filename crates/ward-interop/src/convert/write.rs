//! Finding the element that a target names, and writing values into it.

use std::borrow::Cow;

use ward_fhir::{
    Json,
    definitions::{ElementDef, ElementKind, Primitive, TypeDef, TypeKind, schema},
};
use ward_hl7::{
    ProblemKind, Severity,
    map::{RowId, Target},
};

use super::{
    element::{Element, Hop, Hops, Key, Making, Name, Node},
    primitive::primitive,
    run::Engine,
};

/// An element of a resource that is being made.
#[derive(Clone)]
pub(super) struct Cursor {
    pub resource: usize,
    pub path: Hops,
    pub kind: At,
}

#[derive(Clone, Copy)]
pub(super) enum At {
    Complex(&'static TypeDef),
    Primitive(Primitive, &'static ElementDef),
}

impl Cursor {
    pub fn root(resource: usize, def: &'static TypeDef) -> Cursor {
        Cursor { resource, path: Hops::new(), kind: At::Complex(def) }
    }

    /// The path for people: `Patient.name.family`.
    pub fn text(&self, kind: &str) -> String {
        let mut text = kind.to_owned();
        for hop in &self.path {
            text.push('.');
            text.push_str(hop.name.plain);
        }
        text
    }

    fn last_name(&self) -> &str {
        self.path.last().map(|hop| hop.name.plain).unwrap_or_default()
    }
}

/// Which segment and which repetition fill the lists on the way.
#[derive(Clone, Copy)]
pub(super) struct Filling {
    /// `None` below a segment's own rows.
    pub place: Option<usize>,
    pub repetition: u16,
}

/// The first item of a list, whoever fills it.
const FIRST: Key = Key { label: 1, place: None, repetition: 0 };

impl Engine<'_, '_> {
    /// Follows a target; resources that it leads into are made.
    ///
    /// - Errors: `None` where FHIR has no such element.
    pub fn follow(
        &mut self,
        from: &Cursor,
        target: &Target,
        filling: Filling,
        row: &RowId,
    ) -> Option<Cursor> {
        let mut cursor = from.clone();
        if let Some(sibling) = target.sibling
            && sibling != 1
        {
            // A neighbor of the element in its list.
            let key = cursor.path.last_mut()?.key.as_mut()?;
            key.label = 1000 + sibling;
        }
        let starred = target.steps.iter().any(|step| step.repeats);
        let mut is_first_list = true;
        for step in &target.steps {
            let gets = if starred { step.repeats } else { is_first_list };
            let key = Key {
                label: step.label,
                place: match filling.place.filter(|_| is_first_list) {
                    // The first of each kind of segment say one thing together; a second one of
                    // the same kind, such as another timing, says another.
                    Some(place) if step.is_shared => Some(self.nth_of_kind(from.resource, place)),
                    // The same where the map of a data type writes into the resource itself.
                    None if step.is_shared && is_first_list && from.path.is_empty() => {
                        Some(self.nth_of_kind(from.resource, self.scope.segment.place()))
                    }
                    place => place,
                },
                repetition: if gets { filling.repetition } else { 0 },
            };
            self.step(&mut cursor, &step.name, key)?;
            if cursor.path.last().is_some_and(|hop| hop.key.is_some()) {
                is_first_list = false;
            }
            if let Some(into) = &step.into
                && let Some(def) = schema().resource(into)
            {
                cursor = self.enter(&cursor, def, row)?;
                is_first_list = false;
            }
        }
        Some(cursor)
    }

    /// How many segments of the same name filled the resource before the one at `place`.
    fn nth_of_kind(&self, resource: usize, place: usize) -> usize {
        let message = self.scope.message;
        let id = |place: usize| message.segment_at(place).and_then(|segment| segment.id());
        let filled = self.resources.get(resource).map(|made| made.filled_by.as_slice());
        let before = filled.unwrap_or_default().iter().filter(|other| **other < place);
        before.filter(|other| id(**other) == id(place)).count()
    }

    /// Moves `cursor` to the member of that name; where there is none, it is of no use after.
    fn step(&self, cursor: &mut Cursor, name: &str, key: Key) -> Option<()> {
        let def = match cursor.kind {
            At::Complex(def) => def,
            At::Primitive(..) => {
                // Extensions of a primitive stand beside it; those of items of a list are not said.
                let hop = cursor.path.last_mut()?;
                if hop.key.is_some() || name != "extension" {
                    return None;
                }
                hop.name.is_beside = true;
                schema().type_named("Element")?
            }
        };
        let found = def.member(name)?;
        if found.element.is_choice && self.has_other_choice(cursor, def, found.name) {
            return None;
        }
        let key = found.element.repeats().then_some(key);
        cursor.path.push(Hop { name: Name::new(found.name), key });
        cursor.kind = match found.kind.kind {
            ElementKind::Primitive(kind) => At::Primitive(kind, found.element),
            ElementKind::Complex(id) => At::Complex(schema().get(id)?),
            ElementKind::AnyResource => return None,
        };
        Some(())
    }

    /// Whether the same choice already has a value of another type.
    fn has_other_choice(&self, at: &Cursor, def: &TypeDef, name: &str) -> bool {
        let Some(making) = self.resources.get(at.resource) else { return false };
        let element = if at.path.is_empty() {
            Some(&making.root)
        } else {
            match making.root.find(&at.path) {
                Some(Node::Object(element)) => Some(element),
                _ => None,
            }
        };
        let Some(wanted) = def.member(name) else { return false };
        element.is_some_and(|element| {
            element.members.iter().any(|(other, node)| {
                !other.is_beside
                    && other.plain != name
                    && !node.is_empty()
                    && def.member(other.plain).is_some_and(|found| found.at == wanted.at)
            })
        })
    }

    /// The resource that the reference at `cursor` leads to, made if there is none yet.
    pub fn enter(&mut self, cursor: &Cursor, def: &'static TypeDef, row: &RowId) -> Option<Cursor> {
        if !matches!(cursor.kind, At::Complex(kind) if kind.name == "Reference") {
            return None;
        }
        let from = self.resources.get(cursor.resource)?;
        if self.only_finds {
            let Some(Node::Reference(known, _)) = from.root.find(&cursor.path) else { return None };
            let is_same = self.resources.get(*known).is_some_and(|r| r.kind == def.name);
            return is_same.then(|| Cursor::root(*known, def));
        }
        let (segment, new) = (from.segment, self.resources.len());
        let slot = self.resources.get_mut(cursor.resource)?.root.place(&cursor.path)?;
        if let Node::Reference(known, _) = slot {
            let known = *known;
            let is_same = self.resources.get(known).is_some_and(|r| r.kind == def.name);
            return is_same.then(|| Cursor::root(known, def));
        }
        if !slot.is_empty() {
            return None;
        }
        *slot = Node::Reference(new, row.clone());
        self.make(def, segment);
        Some(Cursor::root(new, def))
    }

    pub fn make(&mut self, def: &'static TypeDef, segment: usize) -> usize {
        let root = Element::default();
        let (cleared, filled_by) = (Vec::new(), Vec::new());
        self.resources.push(Making { kind: def.name, root, segment, filled_by, cleared });
        self.resources.len() - 1
    }

    /// Writes a value where there is none yet.
    pub fn put(&mut self, cursor: &Cursor, json: Json<'static>, row: &RowId) {
        let Some(making) = self.resources.get_mut(cursor.resource) else { return };
        if let Some(slot) = making.root.place(&cursor.path)
            && slot.is_empty()
        {
            *slot = Node::Leaf(json, row.clone());
        }
    }

    /// Writes a reference where there is none yet.
    pub fn refer(&mut self, cursor: &Cursor, to: usize, row: &RowId) {
        let Some(making) = self.resources.get_mut(cursor.resource) else { return };
        if let Some(slot) = making.root.place(&cursor.path)
            && slot.is_empty()
        {
            *slot = Node::Reference(to, row.clone());
        }
    }

    /// Writes text as the type of the element asks; what does not fit is reported.
    pub fn put_text(&mut self, cursor: &Cursor, text: &str, row: &RowId) {
        match cursor.kind {
            At::Primitive(kind, element) => {
                let text = match (kind, cursor.last_name()) {
                    (Primitive::Uri, "system") => Cow::Owned(self.system(cursor, text)),
                    _ => Cow::Borrowed(text),
                };
                let Some(json) = primitive(kind, &text, &self.converter.settings.zone) else {
                    self.note(Severity::Warning, ProblemKind::DataType);
                    return;
                };
                if let Some(codes) = schema().codes_of(element)
                    && kind == Primitive::Code
                    && !codes.contains(&text)
                {
                    self.note(Severity::Warning, ProblemKind::TableValue);
                    return;
                }
                self.put(cursor, json, row);
            }
            At::Complex(def) => {
                let inner = match def.name {
                    "CodeableConcept" | "HumanName" | "Address" | "Annotation" | "Narrative" => {
                        "text"
                    }
                    "Reference" => "display",
                    "Identifier" | "ContactPoint" => "value",
                    "Coding" => "code",
                    "Period" => "start",
                    _ => "value",
                };
                if let Some(cursor) = self.inner(cursor, inner) {
                    self.put_text(&cursor, text, row);
                }
            }
        }
    }

    /// A member of the element at `cursor`; of a list, its first item.
    pub fn inner(&self, cursor: &Cursor, name: &str) -> Option<Cursor> {
        let mut inner = cursor.clone();
        self.step(&mut inner, name, FIRST)?;
        Some(inner)
    }

    /// Where a path of names leads; every list at its first item.
    pub fn inner_path(&self, cursor: &Cursor, names: &[&str]) -> Option<Cursor> {
        let mut cursor = cursor.clone();
        for name in names {
            self.step(&mut cursor, name, FIRST)?;
        }
        Some(cursor)
    }
}

/// The resource type at the end of a map's name, such as `Practitioner` of `XCN[Practitioner]`.
pub(super) fn resource_named(name: &str) -> Option<&'static TypeDef> {
    schema().resource(name).filter(|def| def.kind == TypeKind::Resource)
}
