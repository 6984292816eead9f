//! What FHIR R4 says a resource is made of: types, elements, code lists, compartments.
//!
//! The tables are generated from HL7's definitions by `cargo xtask codegen` and read once.

mod load;
mod primitive;

use std::sync::LazyLock;

use rustc_hash::FxHashMap;
use ward_core::ResourceType;

pub use self::primitive::Primitive;

/// The definitions of FHIR R4.
///
/// - Cost: the first call unpacks the tables (a few milliseconds); later calls are free.
/// - Source: HL7 FHIR R4 4.0.1, StructureDefinition, ValueSet and CompartmentDefinition.
pub fn schema() -> &'static Schema {
    static SCHEMA: LazyLock<Schema> = LazyLock::new(load::load);
    &SCHEMA
}

/// Every type by name.
#[derive(Default)]
pub struct Schema {
    types: Vec<TypeDef>,
    by_name: FxHashMap<&'static str, TypeId>,
    codes: Vec<CodeSet>,
    compartments: Vec<Compartment>,
}

/// The place of a type in the schema.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub struct TypeId(usize);

/// What a type is.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum TypeKind {
    Resource,
    /// Resource and DomainResource: never the type of an instance.
    AbstractResource,
    DataType,
    /// A structure written inside another type, named by its path.
    Nested,
}

/// A resource, a data type, or a structure inside one of them.
pub struct TypeDef {
    pub name: &'static str,
    pub kind: TypeKind,
    elements: Vec<ElementDef>,
    /// By name; looked up for every member of every record that is read, checked or made.
    members: FxHashMap<&'static str, Member>,
    /// The elements with a minimum of one, as bits.
    required: u128,
}

/// An element, as its type defines it.
#[derive(Debug)]
pub struct ElementDef {
    /// Without the `[x]` of a choice.
    pub name: &'static str,
    pub min: u16,
    /// `None` is no limit.
    pub max: Option<u16>,
    pub is_choice: bool,
    pub types: Vec<ElementType>,
    /// Whether `_summary=true` shows it.
    pub in_summary: bool,
    codes: Option<usize>,
}

impl ElementDef {
    /// Whether JSON shows it as an array.
    pub fn repeats(&self) -> bool {
        self.max != Some(1)
    }
}

/// One type that an element may have.
#[derive(Debug)]
pub struct ElementType {
    pub name: &'static str,
    pub kind: ElementKind,
    /// What a Reference may point at; empty is anything.
    pub targets: Vec<ResourceType>,
}

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum ElementKind {
    Primitive(Primitive),
    Complex(TypeId),
    /// Any resource, named by its own `resourceType`.
    AnyResource,
}

/// A member name of the JSON form, and what it stands for.
#[derive(Clone, Copy)]
struct Member {
    name: &'static str,
    element: usize,
    kind: usize,
}

/// An element with the type that a member name chose.
#[derive(Clone, Copy)]
pub struct Found<'s> {
    /// The name as JSON has it: `valueQuantity`.
    pub name: &'static str,
    pub element: &'s ElementDef,
    pub kind: &'s ElementType,
    /// The place of the element in its type.
    pub at: usize,
}

/// The codes of a required binding.
pub struct CodeSet {
    pub url: &'static str,
    // INVARIANT: each list is sorted.
    systems: Vec<(&'static str, Vec<&'static str>)>,
}

impl CodeSet {
    /// Whether any of its systems has this code.
    pub fn contains(&self, code: &str) -> bool {
        self.systems.iter().any(|(_, codes)| codes.binary_search(&code).is_ok())
    }

    pub fn contains_in(&self, system: &str, code: &str) -> bool {
        let mut of_system = self.systems.iter().filter(|(s, _)| *s == system);
        of_system.any(|(_, codes)| codes.binary_search(&code).is_ok())
    }
}

/// Which records belong to one patient, encounter, practitioner, relative or device.
pub struct Compartment {
    pub owner: ResourceType,
    // INVARIANT: sorted by name.
    rows: Vec<(&'static str, Vec<&'static str>)>,
}

impl Compartment {
    /// The search parameters that put a record of that type into the compartment.
    pub fn params(&self, name: &str) -> &[&'static str] {
        let at = self.rows.binary_search_by(|(n, _)| (*n).cmp(name)).ok();
        at.and_then(|at| self.rows.get(at)).map(|(_, params)| params.as_slice()).unwrap_or_default()
    }

    pub fn iter(&self) -> impl Iterator<Item = (&'static str, &[&'static str])> {
        self.rows.iter().map(|(name, params)| (*name, params.as_slice()))
    }
}

impl Schema {
    /// A resource type that can have instances.
    pub fn resource(&self, name: &str) -> Option<&TypeDef> {
        self.type_named(name).filter(|def| def.kind == TypeKind::Resource)
    }

    /// Any type: `Patient`, `HumanName`, `Patient.contact`.
    pub fn type_named(&self, name: &str) -> Option<&TypeDef> {
        self.by_name.get(name).and_then(|id| self.get(*id))
    }

    pub fn get(&self, id: TypeId) -> Option<&TypeDef> {
        self.types.get(id.0)
    }

    /// The compartment of `Patient`, `Encounter`, `Practitioner`, `RelatedPerson` or `Device`.
    pub fn compartment(&self, owner: &str) -> Option<&Compartment> {
        self.compartments.iter().find(|c| c.owner.name() == owner)
    }

    /// The codes an element must be drawn from, where the definitions list them.
    pub fn codes_of(&self, element: &ElementDef) -> Option<&CodeSet> {
        element.codes.and_then(|at| self.codes.get(at))
    }

    pub fn types(&self) -> &[TypeDef] {
        &self.types
    }
}

impl TypeDef {
    pub fn is_abstract(&self) -> bool {
        self.kind == TypeKind::AbstractResource
    }

    pub fn elements(&self) -> &[ElementDef] {
        &self.elements
    }

    /// The element of that name; of a choice, the name without its type.
    pub fn element(&self, name: &str) -> Option<&ElementDef> {
        self.elements.iter().find(|e| e.name == name)
    }

    /// What a JSON member name stands for: `birthDate`, or `valueQuantity` with its type.
    pub fn member(&self, name: &str) -> Option<Found<'_>> {
        let member = self.members.get(name)?;
        let element = self.elements.get(member.element)?;
        let kind = element.types.get(member.kind)?;
        Some(Found { name: member.name, element, kind, at: member.element })
    }

    /// The elements that must be there: a bit for each, by its place.
    pub fn required(&self) -> u128 {
        self.required
    }
}

#[cfg(test)]
mod tests;
