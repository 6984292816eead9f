//! FHIRPath Patch: add, insert, delete, replace and move, as a Parameters resource says.
//!
//! - Source: FHIR R4, FHIRPath Patch.

use jiff::Timestamp;
use ward_core::Kind;

use crate::{
    definitions::{ElementDef, ElementKind, TypeDef, schema},
    fhirpath::{Env, EvalError, Expression, Item, Step, SyntaxError},
    json::{Json, Object},
};

/// Most operations of one patch.
/// LIMIT: past this a client does better to send the whole resource.
pub const OPERATIONS_MAX: usize = 1_000;

/// Which operation failed, counted from zero, and why. Nothing was changed.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
#[error("operation {operation}: {problem}")]
pub struct PatchError {
    pub operation: usize,
    pub problem: PatchProblem,
}

#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
pub enum PatchProblem {
    #[error("the patch is not a Parameters resource with operations")]
    Shape,
    #[error("more than {OPERATIONS_MAX} operations")]
    TooMany,
    #[error("part `{0}` is missing or of the wrong type")]
    Part(&'static str),
    #[error("`type` is none of add, insert, delete, replace and move")]
    Type,
    #[error("the path is not understood: {0}")]
    Syntax(#[source] SyntaxError),
    #[error("the path has no answer: {0}")]
    Eval(#[source] EvalError),
    #[error("the path selects nothing")]
    Nothing,
    #[error("the path selects several elements")]
    Several,
    #[error("the path selects a value that is no element of the resource")]
    NoElement,
    #[error("the type has no such element")]
    Unknown,
    #[error("the element is there already")]
    Exists,
    #[error("the element is no list")]
    NoList,
    #[error("the index is outside the list")]
    Index,
    #[error("the resource itself cannot be the target")]
    Root,
}

impl PatchError {
    pub fn kind(&self) -> Kind {
        match self.problem {
            PatchProblem::Shape | PatchProblem::Part(_) | PatchProblem::Type => Kind::Invalid,
            PatchProblem::Syntax(_) => Kind::Invalid,
            PatchProblem::TooMany => Kind::TooLarge,
            PatchProblem::Eval(EvalError::Steps) => Kind::TooLarge,
            _ => Kind::Unprocessable,
        }
    }
}

/// The resource after all operations, each seeing what the ones before it made.
///
/// - Shape: `now` is what `now()` in a path says.
/// - Errors: the first operation that cannot be done; an absent target of `delete` is no error.
pub fn fhirpath_patch(
    resource: &Json<'_>,
    patch: &Json<'_>,
    now: Timestamp,
) -> Result<Json<'static>, PatchError> {
    let at = |operation, problem| PatchError { operation, problem };
    let is_parameters = patch.get("resourceType").and_then(Json::as_str) == Some("Parameters");
    let operations = patch.get("parameter").and_then(Json::as_array);
    let (true, Some(operations)) = (is_parameters, operations) else {
        return Err(at(0, PatchProblem::Shape));
    };
    if OPERATIONS_MAX < operations.len() {
        return Err(at(OPERATIONS_MAX, PatchProblem::TooMany));
    }
    let mut whole = resource.clone().into_owned();
    for (index, operation) in operations.iter().enumerate() {
        let parsed = Operation::read(operation).map_err(|problem| at(index, problem))?;
        parsed.apply(&mut whole, now).map_err(|problem| at(index, problem))?;
    }
    Ok(whole)
}

struct Operation<'p> {
    parts: &'p [Json<'p>],
    path: Expression,
    action: &'p str,
}

/// An owned step: the tree is changed while it is known.
#[derive(Clone, PartialEq, Debug)]
enum At {
    Member(String),
    Index(usize),
}

impl<'p> Operation<'p> {
    fn read(operation: &'p Json<'p>) -> Result<Operation<'p>, PatchProblem> {
        if operation.get("name").and_then(Json::as_str) != Some("operation") {
            return Err(PatchProblem::Shape);
        }
        let parts = operation.get("part").and_then(Json::as_array).ok_or(PatchProblem::Shape)?;
        let action = text(parts, "type").ok_or(PatchProblem::Part("type"))?;
        let path = text(parts, "path").ok_or(PatchProblem::Part("path"))?;
        let path = Expression::parse(path).map_err(PatchProblem::Syntax)?;
        Ok(Operation { parts, path, action })
    }

    fn apply(&self, whole: &mut Json<'static>, now: Timestamp) -> Result<(), PatchProblem> {
        match self.action {
            "add" => {
                let target = self.one(whole, now)?.ok_or(PatchProblem::Nothing)?;
                let name = text(self.parts, "name").ok_or(PatchProblem::Part("name"))?;
                self.add(whole, &target, name)
            }
            "replace" => {
                let target = self.one(whole, now)?.ok_or(PatchProblem::Nothing)?;
                self.replace(whole, &target)
            }
            "delete" => match self.one(whole, now)? {
                Some(target) => remove(whole, &target).map(|_| ()),
                None => Ok(()),
            },
            "insert" => {
                let index = self.index("index")?;
                let list = self.list(whole, now)?;
                let def = element_of(whole, &list);
                let (_, value) = self.value(def)?;
                let items = list_mut(whole, &list)?;
                if items.len() < index {
                    return Err(PatchProblem::Index);
                }
                items.insert(index, value);
                beside(whole, &list, |items| {
                    if index <= items.len() {
                        items.insert(index, Json::Null);
                    }
                });
                Ok(())
            }
            "move" => {
                let (from, to) = (self.index("source")?, self.index("destination")?);
                let list = self.list(whole, now)?;
                let items = list_mut(whole, &list)?;
                let len = items.len();
                if len <= from || len <= to {
                    return Err(PatchProblem::Index);
                }
                let moved = items.remove(from);
                items.insert(to, moved);
                beside(whole, &list, |items| {
                    items.resize(len, Json::Null);
                    let moved = items.remove(from);
                    items.insert(to, moved);
                });
                Ok(())
            }
            _ => Err(PatchProblem::Type),
        }
    }

    fn select(&self, whole: &Json<'_>, now: Timestamp) -> Result<Vec<Vec<At>>, PatchProblem> {
        let env = Env { resource: whole, now, variables: &[] };
        let items = self.path.eval(&env).map_err(PatchProblem::Eval)?;
        let steps = |item: &Item<'_>| match item {
            Item::Node(node) => Ok(node.steps().into_iter().map(At::from).collect()),
            _ => Err(PatchProblem::NoElement),
        };
        items.iter().map(steps).collect()
    }

    fn one(&self, whole: &Json<'_>, now: Timestamp) -> Result<Option<Vec<At>>, PatchProblem> {
        let mut found = self.select(whole, now)?;
        match found.len() {
            0 | 1 => Ok(found.pop()),
            _ => Err(PatchProblem::Several),
        }
    }

    /// The list that the path selects: all items of one member.
    fn list(&self, whole: &Json<'_>, now: Timestamp) -> Result<Vec<At>, PatchProblem> {
        let mut lists: Vec<Vec<At>> = Vec::new();
        for mut steps in self.select(whole, now)? {
            if !matches!(steps.pop(), Some(At::Index(_))) {
                return Err(PatchProblem::NoList);
            }
            if !lists.contains(&steps) {
                lists.push(steps);
            }
        }
        match lists.len() {
            0 => Err(PatchProblem::Nothing),
            1 => lists.pop().ok_or(PatchProblem::Nothing),
            _ => Err(PatchProblem::Several),
        }
    }

    fn index(&self, name: &'static str) -> Result<usize, PatchProblem> {
        let part = part(self.parts, name)
            .and_then(|part| part.get("valueInteger").or_else(|| part.get("valueUnsignedInt")));
        let number = part.and_then(Json::as_number).and_then(|n| n.as_str().parse().ok());
        number.ok_or(PatchProblem::Part(name))
    }

    /// The new value, and the end of a choice's name that its type asks for.
    fn value(
        &self,
        def: Option<&'static TypeDef>,
    ) -> Result<(String, Json<'static>), PatchProblem> {
        let part = part(self.parts, "value").ok_or(PatchProblem::Part("value"))?;
        value_of(part, def)
    }

    fn add(
        &self,
        whole: &mut Json<'static>,
        target: &[At],
        name: &str,
    ) -> Result<(), PatchProblem> {
        let def = type_at(whole, target);
        let element = def.and_then(|def| find(def, name));
        if def.is_some() && element.is_none() {
            return Err(PatchProblem::Unknown);
        }
        let inner = element.and_then(|element| type_of(element, ""));
        let (suffix, value) = self.value(inner)?;
        let object =
            node_mut(whole, target).and_then(Json::as_object_mut).ok_or(PatchProblem::NoElement)?;
        let key = match element {
            Some(element) if element.is_choice => format!("{}{suffix}", element.name),
            _ => name.to_owned(),
        };
        let repeats = element.is_some_and(ElementDef::repeats);
        match object.get_mut(&key) {
            Some(Json::Array(items)) => items.push(value),
            Some(_) => return Err(PatchProblem::Exists),
            None => {
                let other = element.is_some_and(|element| {
                    let starts = |member: &str| find_exact(def, member, element);
                    element.is_choice && object.iter().any(|(member, _)| starts(member))
                });
                if other {
                    return Err(PatchProblem::Exists);
                }
                let value = if repeats { Json::Array(Vec::from([value])) } else { value };
                object.insert(key, value);
            }
        }
        Ok(())
    }

    fn replace(&self, whole: &mut Json<'static>, target: &[At]) -> Result<(), PatchProblem> {
        let (last, parent) = target.split_last().ok_or(PatchProblem::Root)?;
        let def = type_at(whole, parent);
        let inner = type_at(whole, target);
        let (suffix, value) = self.value(inner)?;
        match last {
            At::Index(index) => {
                let slot = list_mut(whole, parent)?.get_mut(*index).ok_or(PatchProblem::Index)?;
                *slot = value;
                beside(whole, parent, |items| {
                    if let Some(item) = items.get_mut(*index) {
                        *item = Json::Null;
                    }
                });
            }
            At::Member(name) => {
                let object = node_mut(whole, parent)
                    .and_then(Json::as_object_mut)
                    .ok_or(PatchProblem::NoElement)?;
                let element = def.and_then(|def| def.member(name)).map(|found| found.element);
                let key = match element {
                    Some(element) if element.is_choice => format!("{}{suffix}", element.name),
                    _ => name.clone(),
                };
                // What stood beside the old value speaks of the old value.
                object.remove(&format!("_{name}"));
                if key == *name {
                    object.insert(key, value);
                } else {
                    let at = object.iter().position(|(member, _)| member == name);
                    object.remove(name);
                    object.insert_at(at.unwrap_or(object.len()), key, value);
                }
            }
        }
        Ok(())
    }
}

impl From<Step<'_>> for At {
    fn from(step: Step<'_>) -> At {
        match step {
            Step::Member(name) => At::Member(name.to_owned()),
            Step::Index(index) => At::Index(index),
        }
    }
}

fn part<'p>(parts: &'p [Json<'p>], name: &str) -> Option<&'p Json<'p>> {
    parts.iter().find(|part| part.get("name").and_then(Json::as_str) == Some(name))
}

fn text<'p>(parts: &'p [Json<'p>], name: &str) -> Option<&'p str> {
    let part = part(parts, name)?;
    part.get("valueString").or_else(|| part.get("valueCode"))?.as_str()
}

/// A part's value: `value[x]`, a resource, or an object of its parts.
fn value_of(
    part: &Json<'_>,
    def: Option<&'static TypeDef>,
) -> Result<(String, Json<'static>), PatchProblem> {
    let object = part.as_object().ok_or(PatchProblem::Part("value"))?;
    for (name, value) in object.iter() {
        if let Some(suffix) = name.strip_prefix("value").filter(|suffix| !suffix.is_empty()) {
            return Ok((suffix.to_owned(), value.clone().into_owned()));
        }
        if name == "resource" {
            return Ok((String::new(), value.clone().into_owned()));
        }
    }
    let parts = part.get("part").and_then(Json::as_array).ok_or(PatchProblem::Part("value"))?;
    let mut made = Object::new();
    for part in parts {
        let name = part.get("name").and_then(Json::as_str).ok_or(PatchProblem::Part("value"))?;
        let element = def.and_then(|def| find(def, name));
        if def.is_some() && element.is_none() {
            return Err(PatchProblem::Unknown);
        }
        let inner = element.and_then(|element| type_of(element, ""));
        let (suffix, value) = value_of(part, inner)?;
        let key = match element {
            Some(element) if element.is_choice => format!("{}{suffix}", element.name),
            _ => name.to_owned(),
        };
        match made.get_mut(&key) {
            Some(Json::Array(items)) => items.push(value),
            Some(_) => return Err(PatchProblem::Exists),
            None if element.is_some_and(ElementDef::repeats) => {
                made.insert(key, Json::Array(Vec::from([value])));
            }
            None => made.insert(key, value),
        }
    }
    Ok((String::new(), Json::Object(made)))
}

/// An element by its name, with or without the type of a choice.
fn find(def: &'static TypeDef, name: &str) -> Option<&'static ElementDef> {
    let name = name.trim_end_matches("[x]");
    def.element(name).or_else(|| def.member(name).map(|found| found.element))
}

/// Whether a member is another form of the same choice.
fn find_exact(def: Option<&'static TypeDef>, member: &str, element: &ElementDef) -> bool {
    let found = def.and_then(|def| def.member(member));
    found.is_some_and(|found| found.element.name == element.name)
}

/// The structure of an element: of its type when `name` is the type's, else of its only type.
fn type_of(element: &'static ElementDef, name: &str) -> Option<&'static TypeDef> {
    let kind = match element.types.as_slice() {
        [only] => only,
        several => several.iter().find(|kind| kind.name == name)?,
    };
    match kind.kind {
        ElementKind::Complex(id) => schema().get(id),
        ElementKind::Primitive(_) | ElementKind::AnyResource => None,
    }
}

/// The structure of what stands at a place.
fn type_at(whole: &Json<'_>, steps: &[At]) -> Option<&'static TypeDef> {
    let mut at = whole;
    let mut def = schema().resource(whole.get("resourceType")?.as_str()?);
    for step in steps {
        match step {
            At::Index(index) => at = at.as_array()?.get(*index)?,
            At::Member(name) => {
                at = at.get(name)?;
                def = match def.and_then(|def| def.member(name))?.kind.kind {
                    ElementKind::Complex(id) => schema().get(id),
                    ElementKind::Primitive(_) | ElementKind::AnyResource => None,
                };
            }
        }
        // A resource inside another says itself what it is.
        if let Some(kind) = at.get("resourceType").and_then(Json::as_str) {
            def = schema().resource(kind);
        }
    }
    def
}

/// The structure of the items of a list.
fn element_of(whole: &Json<'_>, list: &[At]) -> Option<&'static TypeDef> {
    type_at(whole, list)
}

fn node_mut<'w>(whole: &'w mut Json<'static>, steps: &[At]) -> Option<&'w mut Json<'static>> {
    let mut at = whole;
    for step in steps {
        at = match step {
            At::Member(name) => at.get_mut(name)?,
            At::Index(index) => at.as_array_mut()?.get_mut(*index)?,
        };
    }
    Some(at)
}

fn list_mut<'w>(
    whole: &'w mut Json<'static>,
    steps: &[At],
) -> Result<&'w mut Vec<Json<'static>>, PatchProblem> {
    node_mut(whole, steps).and_then(Json::as_array_mut).ok_or(PatchProblem::NoList)
}

/// Keeps the list of ids and extensions that stands beside a list of primitives in step.
fn beside(whole: &mut Json<'static>, list: &[At], change: impl FnOnce(&mut Vec<Json<'static>>)) {
    if let Some((At::Member(name), parent)) = list.split_last()
        && let Some(object) = node_mut(whole, parent).and_then(Json::as_object_mut)
        && let Some(items) = object.get_mut(&format!("_{name}")).and_then(Json::as_array_mut)
    {
        change(items);
        if items.iter().all(|item| *item == Json::Null) {
            object.remove(&format!("_{name}"));
        }
    }
}

/// Takes an element away, and with it the list or object that it leaves empty.
fn remove(whole: &mut Json<'static>, target: &[At]) -> Result<(), PatchProblem> {
    let (last, parent) = target.split_last().ok_or(PatchProblem::Root)?;
    let at = node_mut(whole, parent).ok_or(PatchProblem::NoElement)?;
    let is_empty = match (last, at) {
        (At::Index(index), Json::Array(items)) if *index < items.len() => {
            items.remove(*index);
            items.is_empty()
        }
        (At::Member(name), Json::Object(object)) => {
            object.remove(name);
            object.remove(&format!("_{name}"));
            object.is_empty()
        }
        _ => return Err(PatchProblem::NoElement),
    };
    if let At::Index(index) = last {
        beside(whole, parent, |items| {
            if *index < items.len() {
                items.remove(*index);
            }
        });
    }
    if is_empty && !parent.is_empty() { remove(whole, parent) } else { Ok(()) }
}

#[cfg(test)]
mod tests;
