//! Path programs: search expressions, compiled by the generator into a language this small.
//!
//! A program is paths joined by `|`. A path is steps joined by `.`, then `:` and the type of what
//! it ends at (none when the type is open). A step is a member name, and then perhaps:
//! - `[x]` any type of a choice, as `value[x]` for `valueQuantity`;
//! - `[0]` the first item only;
//! - `{field=value}` items whose member `field` is the text `value`;
//! - `?Type` references that point at a record of that type.
//!
//! `%` before a path starts it at the resource rather than at a composite's own place. The
//! program `!deceased` is the one R4 expression that is no path.

use ward_core::ResourceType;

use super::params::{ParamDef, ParamKind};

#[derive(Debug)]
pub(super) struct Program {
    pub(super) paths: Box<[Path]>,
}

#[derive(Debug)]
pub(super) struct Path {
    pub(super) from_root: bool,
    pub(super) steps: Box<[Step]>,
    pub(super) ends_at: Element,
}

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) struct Step {
    pub(super) name: &'static str,
    pub(super) is_choice: bool,
    pub(super) is_first_only: bool,
    pub(super) filter: Filter,
}

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Filter {
    None,
    Field(&'static str, &'static str),
    Target(ResourceType),
}

/// Types of element, as far as search tells them apart.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Element {
    CodeableConcept,
    Coding,
    Identifier,
    ContactPoint,
    /// Any primitive that is compared as it stands.
    Plain,
    Bool,
    HumanName,
    Address,
    Reference,
    Canonical,
    Resource,
    Date,
    Period,
    Timing,
    Number,
    Quantity,
    Money,
    Range,
    /// `Patient.deceased` and not false.
    Deceased,
    /// Not told by the table: by the suffix of the choice, or by its shape.
    Open,
}

impl Element {
    /// By FHIR's name for the type, or by the suffix of a choice.
    pub(super) fn from_name(name: &str) -> Element {
        match name {
            "CodeableConcept" => Element::CodeableConcept,
            "Coding" => Element::Coding,
            "Identifier" => Element::Identifier,
            "ContactPoint" => Element::ContactPoint,
            "HumanName" => Element::HumanName,
            "Address" => Element::Address,
            "Reference" => Element::Reference,
            "canonical" | "uri" | "url" | "Canonical" | "Uri" | "Url" => Element::Canonical,
            "Resource" => Element::Resource,
            "date" | "dateTime" | "instant" | "Date" | "DateTime" | "Instant" => Element::Date,
            "Period" => Element::Period,
            "Timing" => Element::Timing,
            "integer" | "decimal" | "positiveInt" | "unsignedInt" | "Integer" | "Decimal" => {
                Element::Number
            }
            "Quantity" | "Age" | "Duration" | "Distance" | "Count" | "SimpleQuantity" => {
                Element::Quantity
            }
            "Money" => Element::Money,
            "Range" => Element::Range,
            "boolean" | "Boolean" => Element::Bool,
            "string" | "markdown" | "code" | "id" | "String" | "Markdown" | "Code" | "Id" => {
                Element::Plain
            }
            _ => Element::Open,
        }
    }
}

impl Program {
    pub(super) fn parse(text: &'static str) -> Program {
        let paths = text.split('|').filter(|path| !path.is_empty()).map(Path::parse).collect();
        Program { paths }
    }
}

impl Path {
    fn parse(text: &'static str) -> Path {
        if text == "!deceased" {
            let step = Step::parse("deceased[x]");
            return Path { from_root: false, steps: [step].into(), ends_at: Element::Deceased };
        }
        let (from_root, text) = match text.strip_prefix('%') {
            Some(rest) => (true, rest),
            None => (false, text),
        };
        // A field filter may hold a colon or a dot, but none of R4 does.
        let (steps, kind) = text.split_once(':').unwrap_or((text, ""));
        let steps = steps.split('.').filter(|step| !step.is_empty()).map(Step::parse).collect();
        Path { from_root, steps, ends_at: Element::from_name(kind) }
    }
}

impl Step {
    fn parse(text: &'static str) -> Step {
        let (text, filter) = match (text.split_once('?'), text.split_once('{')) {
            (Some((name, target)), _) => {
                (name, target.parse().map_or(Filter::None, Filter::Target))
            }
            (None, Some((name, rest))) => {
                let field = rest.trim_end_matches('}').split_once('=');
                (name, field.map_or(Filter::None, |(field, value)| Filter::Field(field, value)))
            }
            (None, None) => (text, Filter::None),
        };
        let (text, is_first_only) = match text.strip_suffix("[0]") {
            Some(name) => (name, true),
            None => (text, false),
        };
        let (name, is_choice) = match text.strip_suffix("[x]") {
            Some(name) => (name, true),
            None => (text, false),
        };
        Step { name, is_choice, is_first_only, filter }
    }

    /// Whether the step goes into the member `name`, and the suffix of the choice if it is one.
    pub(super) fn enters<'n>(&self, name: &'n str) -> Option<&'n str> {
        match self.is_choice {
            false => (name == self.name).then_some(""),
            true => name
                .strip_prefix(self.name)
                .filter(|suffix| suffix.starts_with(|c: char| c.is_ascii_uppercase())),
        }
    }
}

/// All paths of one type, merged by their common starts, so that a resource is walked once.
#[derive(Default, Debug)]
pub(super) struct Tree {
    pub(super) leaves: Vec<Leaf>,
    pub(super) branches: Vec<(Step, Tree)>,
}

/// What happens at the end of a path.
#[derive(Clone, Copy, Debug)]
pub(super) struct Leaf {
    /// Index among the type's parameters.
    pub(super) param: super::term::ParamId,
    pub(super) kind: ParamKind,
    pub(super) element: Element,
}

impl Tree {
    pub(super) fn of(defs: &[ParamDef]) -> Tree {
        let mut tree = Tree::default();
        for def in defs {
            // The store finds a record by its id without terms.
            if def.code == "_id" || def.kind == ParamKind::Special {
                continue;
            }
            for path in &def.program.paths {
                let leaf = Leaf { param: def.id, kind: def.kind, element: path.ends_at };
                tree.add(&path.steps, leaf);
            }
        }
        tree
    }

    fn add(&mut self, steps: &[Step], leaf: Leaf) {
        let Some((step, rest)) = steps.split_first() else {
            self.leaves.push(leaf);
            return;
        };
        if let Some((_, tree)) = self.branches.iter_mut().find(|(known, _)| known == step) {
            tree.add(rest, leaf);
            return;
        }
        let mut tree = Tree::default();
        tree.add(rest, leaf);
        self.branches.push((*step, tree));
    }
}
