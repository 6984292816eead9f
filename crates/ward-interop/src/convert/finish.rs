//! Made resources to JSON: empty parts fall away, required ones are said to be missing.

use std::fmt::Write as _;

use ward_fhir::{
    Json,
    definitions::{ElementKind, ElementType, TypeDef, schema},
    json::Object,
};

use super::{
    Members, Rows,
    element::{Element, Making, Node},
};

/// Marks what the message does not say and FHIR wants.
const ABSENT: &str = "http://hl7.org/fhir/StructureDefinition/data-absent-reason";

/// A resource in JSON, and where its values are from.
pub(super) struct Finished {
    pub json: Json<'static>,
    pub rows: Rows,
}

/// `slot_of` says what a reference to a resource is, `None` where that came to nothing.
pub(super) fn finish(making: &Making, slot_of: &dyn Fn(usize) -> Option<String>) -> Finished {
    let mut writer = Writer { slot_of, rows: Rows::default(), path: making.kind.to_owned() };
    let mut object = Object::new();
    object.insert("resourceType", Json::string(making.kind));
    if let Some(def) = schema().resource(making.kind) {
        let there = writer.members(&making.root, def, &mut object, 0);
        complete(&mut object, def, there, 0);
    }
    Finished { json: Json::Object(object), rows: writer.rows }
}

/// Which elements of a type an object has: a bit for each, by its place.
///
/// - Shape: no type of R4 has as many as 128.
type There = u128;

fn bit(at: usize) -> There {
    u32::try_from(at).ok().and_then(|at| There::from(1u8).checked_shl(at)).unwrap_or(0)
}

struct Writer<'s> {
    slot_of: &'s dyn Fn(usize) -> Option<String>,
    rows: Rows,
    /// Where the writer is.
    path: String,
}

impl Writer<'_> {
    /// Puts what the element has into `object`, and answers which elements of `def` that is.
    fn members(
        &mut self,
        element: &Element,
        def: &TypeDef,
        object: &mut Members,
        depth: usize,
    ) -> There {
        let mut there = 0;
        for (name, node) in &element.members {
            let found = def.member(name.plain);
            let inner = match found.map(|found| found.kind.kind) {
                Some(ElementKind::Complex(id)) => schema().get(id),
                _ => schema().type_named("Element"),
            };
            let Some(inner) = inner else { continue };
            let repeats = found.is_some_and(|found| found.element.repeats());
            let n_before = self.path.len();
            self.path.push('.');
            self.path.push_str(name.plain);
            let json = self.node(node, inner, depth + 1);
            self.path.truncate(n_before);
            if let Some(json) = json {
                let json = if repeats && json.as_array().is_none() {
                    Json::Array(vec![json])
                } else {
                    json
                };
                object.insert(name.to_json(), json);
                there |= found.map_or(0, |found| bit(found.at));
            }
        }
        there
    }

    fn node(&mut self, node: &Node, def: &TypeDef, depth: usize) -> Option<Json<'static>> {
        match node {
            Node::Leaf(json, row) => {
                self.rows.push(&[&self.path], row.clone());
                let mut json = json.clone();
                require_in(&mut json, def, depth);
                Some(json)
            }
            Node::Reference(to, row) => {
                let slot = (self.slot_of)(*to)?;
                self.rows.push(&[&self.path, ".reference"], row.clone());
                Some(Json::Object(Object::from_iter([("reference", Json::string(slot))])))
            }
            Node::Object(element) => {
                let mut object = Object::new();
                let there = self.members(element, def, &mut object, depth);
                // An extension without a value says nothing.
                let says_nothing = object.is_empty()
                    || def.name == "Extension"
                        && object.iter().all(|(name, _)| name == "url" || name == "id");
                if says_nothing {
                    return None;
                }
                complete(&mut object, def, there, depth);
                Some(Json::Object(object))
            }
            Node::List(items) => {
                let mut list: Vec<Json<'static>> = Vec::new();
                for (_, item) in items {
                    let n_before = self.path.len();
                    // Writing to a string does not fail.
                    let _ = write!(self.path, "[{}]", list.len());
                    let json = self.node(item, def, depth);
                    self.path.truncate(n_before);
                    list.extend(json.filter(|json| !list.contains(json)));
                }
                (!list.is_empty()).then_some(Json::Array(list))
            }
        }
    }
}

fn absent() -> Json<'static> {
    let members = [("url", Json::string(ABSENT)), ("valueCode", Json::string("unknown"))];
    let extension = Json::Object(Object::from_iter(members));
    Json::Object(Object::from_iter([("extension", Json::Array(vec![extension]))]))
}

/// An element that the message does not have: with what it must have inside, else a reason.
fn missing(kind: &ElementType, depth: usize) -> Json<'static> {
    let mut inside = Object::new();
    if let ElementKind::Complex(id) = kind.kind
        && let Some(def) = schema().get(id)
    {
        complete(&mut inside, def, 0, depth + 1);
    }
    if inside.is_empty() { absent() } else { Json::Object(inside) }
}

/// Most depth that is completed.
/// LIMIT: no type of R4 has more than a dozen levels.
const DEPTH_MAX: usize = 16;

/// The same for a value that was made whole.
fn require_in(value: &mut Json<'static>, def: &TypeDef, depth: usize) {
    match value {
        Json::Object(object) => require(object, def, depth),
        Json::Array(items) => items.iter_mut().for_each(|item| require_in(item, def, depth)),
        _ => {}
    }
}

fn require(object: &mut Members, def: &TypeDef, depth: usize) {
    if DEPTH_MAX < depth {
        return;
    }
    let mut there = 0;
    for (name, value) in object.iter_mut() {
        there |= def.member(name.trim_start_matches('_')).map_or(0, |found| bit(found.at));
        let Some(found) = def.member(name) else { continue };
        let ElementKind::Complex(id) = found.kind.kind else { continue };
        let Some(inner) = schema().get(id) else { continue };
        require_in(value, inner, depth + 1);
    }
    complete(object, def, there, depth);
}

/// Puts a reason where FHIR wants a value and the message has none; `there` has the elements that
/// it has.
fn complete(object: &mut Members, def: &TypeDef, there: There, depth: usize) {
    if DEPTH_MAX < depth || def.required() & !there == 0 {
        return;
    }
    let required = def.elements().iter().enumerate().filter(|(_, element)| 0 < element.min);
    for (_, element) in required.filter(|(at, _)| there & bit(*at) == 0) {
        let Some(kind) = element.types.first() else { continue };
        let name = if element.is_choice {
            let mut chars = kind.name.chars();
            let first = chars.next().map(|c| c.to_ascii_uppercase()).unwrap_or_default();
            format!("{}{first}{}", element.name, chars.as_str())
        } else {
            element.name.to_owned()
        };
        let is_primitive = matches!(kind.kind, ElementKind::Primitive(_));
        let knows_unknown = schema().codes_of(element).is_some_and(|c| c.contains("unknown"));
        let (name, value) = match (is_primitive, knows_unknown) {
            (true, true) => (name, Json::string("unknown")),
            (true, false) => (format!("_{name}"), absent()),
            (false, _) => (name, missing(kind, depth)),
        };
        let value = if element.repeats() { Json::Array(vec![value]) } else { value };
        object.insert(name, value);
    }
}
