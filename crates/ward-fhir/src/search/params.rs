//! The committed table of all R4 search parameters.

use std::sync::LazyLock;

use ward_core::ResourceType;

use super::{
    program::{Element, Program, Step, Tree},
    term::ParamId,
};
use crate::definitions::{ElementDef, ElementKind, schema};

/// One search parameter of one resource type.
#[derive(Debug)]
pub struct ParamDef {
    pub id: ParamId,
    pub base: ResourceType,
    /// The name in a query, such as `birthdate`.
    pub code: &'static str,
    pub kind: ParamKind,
    /// What a reference may point at; empty when it may point at anything.
    pub targets: Box<[ResourceType]>,
    pub components: Box<[Component]>,
    /// The paths that are read, in the language of the table.
    pub expression: &'static str,
    pub(super) program: Program,
}

impl ParamDef {
    /// Whether a reference under this parameter may point at a record of type `target`.
    pub fn may_target(&self, target: ResourceType) -> bool {
        self.kind == ParamKind::Reference
            && (self.targets.is_empty() || self.targets.contains(&target))
    }

    /// Whether a plain code of this parameter means `code` of `system`, by its binding.
    pub(super) fn implies_system(&self, system: &str, code: &str) -> bool {
        self.program.paths.iter().any(|path| {
            let element = end_of(self.base, &path.steps);
            let codes = element.and_then(|element| schema().codes_of(element));
            path.ends_at == Element::Plain && codes.is_some_and(|c| c.contains_in(system, code))
        })
    }

    /// Whether a record has at most one value of this parameter, by the definitions.
    pub(super) fn is_single(&self) -> bool {
        let mut element = None;
        for path in &self.program.paths {
            let Some(end) = single_end(self.base, &path.steps) else { return false };
            // Two paths are one value only as two forms of one choice.
            if element.is_some_and(|known| known != end) {
                return false;
            }
            element = Some(end);
        }
        element.is_some()
    }
}

/// The type and element that a path ends at, unless something on the way repeats.
fn single_end(base: ResourceType, steps: &[Step]) -> Option<(&'static str, &'static str)> {
    let mut def = schema().resource(base.name())?;
    let mut end = None;
    for (at, step) in steps.iter().enumerate() {
        let found = def.member(step.name).map(|found| (found.element, Some(found.kind)));
        let (element, kind) = found.or_else(|| Some((def.element(step.name)?, None)))?;
        if element.repeats() {
            return None;
        }
        end = Some((def.name, element.name));
        if at + 1 < steps.len() {
            match kind?.kind {
                ElementKind::Complex(id) => def = schema().get(id)?,
                ElementKind::Primitive(_) | ElementKind::AnyResource => return None,
            }
        }
    }
    end
}

/// The element that a path ends at.
fn end_of(base: ResourceType, steps: &[Step]) -> Option<&'static ElementDef> {
    let (last, before) = steps.split_last()?;
    let mut def = schema().resource(base.name())?;
    for step in before {
        match def.member(step.name)?.kind.kind {
            ElementKind::Complex(id) => def = schema().get(id)?,
            ElementKind::Primitive(_) | ElementKind::AnyResource => return None,
        }
    }
    def.member(last.name).map(|found| found.element)
}

/// One part of a composite parameter.
#[derive(Debug)]
pub struct Component {
    pub kind: ParamKind,
    pub(super) program: Program,
}

/// How values of a parameter are compared.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum ParamKind {
    Number,
    Date,
    String,
    Token,
    Reference,
    Composite,
    Quantity,
    Uri,
    Special,
}

impl ParamKind {
    /// The word of FHIR for it.
    pub fn as_str(self) -> &'static str {
        match self {
            ParamKind::Number => "number",
            ParamKind::Date => "date",
            ParamKind::String => "string",
            ParamKind::Token => "token",
            ParamKind::Reference => "reference",
            ParamKind::Composite => "composite",
            ParamKind::Quantity => "quantity",
            ParamKind::Uri => "uri",
            ParamKind::Special => "special",
        }
    }

    fn from_word(word: &str) -> ParamKind {
        match word {
            "number" => ParamKind::Number,
            "date" => ParamKind::Date,
            "string" => ParamKind::String,
            "token" => ParamKind::Token,
            "reference" => ParamKind::Reference,
            "composite" => ParamKind::Composite,
            "quantity" => ParamKind::Quantity,
            "uri" => ParamKind::Uri,
            _ => ParamKind::Special,
        }
    }
}

/// The parameter `code` of `base`.
pub fn param(base: ResourceType, code: &str) -> Option<&'static ParamDef> {
    let defs = slice_of(base);
    let at = defs.binary_search_by(|def| def.code.cmp(code)).ok()?;
    defs.get(at)
}

/// The parameter of that number.
pub fn param_by_id(id: ParamId) -> Option<&'static ParamDef> {
    let at = TABLE.by_number.get(usize::from(id.0)).copied().flatten()?;
    TABLE.defs.get(at)
}

/// Every parameter of a type, in alphabetical order.
pub fn params_of(base: ResourceType) -> impl Iterator<Item = &'static ParamDef> {
    slice_of(base).iter()
}

/// Changes whenever numbers or expressions change: terms stored under another digest are to be
/// extracted again.
///
/// - Shape: a fingerprint, not a defense; four FNV-1a sums with different starts.
pub fn table_digest() -> [u8; 32] {
    let mut digest = [0; 32];
    for (lane, out) in (0_u64..).zip(digest.chunks_exact_mut(8)) {
        let start = 0xcbf2_9ce4_8422_2325 ^ lane.wrapping_mul(0x9e37_79b9_7f4a_7c15);
        let step = |sum: u64, byte: &u8| (sum ^ u64::from(*byte)).wrapping_mul(0x0100_0000_01b3);
        let sum = TEXT.as_bytes().iter().chain(&[EXTRACTION]).fold(start, step);
        out.copy_from_slice(&sum.to_le_bytes());
    }
    digest
}

/// Raised when extraction changes its answers without a change of the table.
const EXTRACTION: u8 = 1;

static TEXT: &str = include_str!("../../data/search-params.txt");

static TABLE: LazyLock<Table> = LazyLock::new(Table::read);

struct Table {
    defs: Vec<ParamDef>, // INVARIANT: sorted by base, then code.
    by_number: Vec<Option<usize>>,
    /// By type number: where its parameters start and end.
    ranges: Vec<(usize, usize)>,
    trees: Vec<Tree>,
}

fn slice_of(base: ResourceType) -> &'static [ParamDef] {
    let range = TABLE.ranges.get(usize::from(base.number()));
    range.and_then(|(from, to)| TABLE.defs.get(*from..*to)).unwrap_or_default()
}

/// The merged paths of a type.
pub(super) fn tree_of(base: ResourceType) -> Option<&'static Tree> {
    TABLE.trees.get(usize::from(base.number()))
}

impl Table {
    fn read() -> Table {
        let mut defs: Vec<ParamDef> = TEXT.lines().filter_map(line).collect();
        defs.sort_by_key(|def| (def.base, def.code));
        let n_numbers = defs.iter().map(|def| usize::from(def.id.0) + 1).max().unwrap_or(0);
        let mut by_number = Vec::new();
        by_number.resize(n_numbers, None);
        for (at, def) in defs.iter().enumerate() {
            if let Some(slot) = by_number.get_mut(usize::from(def.id.0)) {
                *slot = Some(at);
            }
        }
        let n_types = ResourceType::fhir().map(|kind| usize::from(kind.number())).max();
        let mut ranges = Vec::new();
        let mut trees = Vec::new();
        for number in 0..=n_types.unwrap_or(0) {
            let base = |def: &ParamDef| usize::from(def.base.number());
            let from = defs.partition_point(|def| base(def) < number);
            let to = defs.partition_point(|def| base(def) <= number);
            ranges.push((from, to));
            trees.push(Tree::of(defs.get(from..to).unwrap_or_default()));
        }
        Table { defs, by_number, ranges, trees }
    }
}

/// A line that cannot be read is left out; a test counts the lines.
fn line(line: &'static str) -> Option<ParamDef> {
    if line.starts_with('#') {
        return None;
    }
    let mut columns = line.split('\t');
    let id = ParamId(columns.next()?.parse().ok()?);
    let base = columns.next()?.parse().ok()?;
    let code = columns.next()?;
    let kind = ParamKind::from_word(columns.next()?);
    let targets = columns.next()?;
    let targets = targets.split(',').filter_map(|name| name.parse().ok()).collect();
    let expression = columns.next()?;
    let program = Program::parse(expression);
    let components = columns.next()?.split('$').filter_map(|text| {
        let (kind, program) = text.split_once(':')?;
        Some(Component { kind: ParamKind::from_word(kind), program: Program::parse(program) })
    });
    let components = components.collect();
    Some(ParamDef { id, base, code, kind, targets, components, expression, program })
}
