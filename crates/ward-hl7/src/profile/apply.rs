//! Putting the entries of a profile on top of the standard.

use std::{borrow::Cow, collections::BTreeMap};

use super::{
    Cardinality, FieldChange, Level, Limit, ProfileError, SegmentChange, StructureChange,
    TableChange, problem, segment,
};
use crate::{
    dictionary::{PartDef, Usage},
    structure::{Node, Structure, What},
    validate::{Rules, TableRule},
};

/// Largest number of a field that a profile may define.
/// LIMIT: the longest segment of the standard has 92; the ones before it are defined too.
const FIELDS_MAX: usize = 1_000;

pub(super) fn severities(
    changes: &BTreeMap<String, Level>,
    rules: &mut Rules,
) -> Result<(), ProfileError> {
    for (word, level) in changes {
        rules.severities.insert(problem(word)?, level.severity());
    }
    Ok(())
}

pub(super) fn segments(
    changes: &BTreeMap<String, SegmentChange>,
    rules: &mut Rules,
) -> Result<(), ProfileError> {
    for (name, change) in changes {
        let id = segment(name, &format!("segments.{name}"))?;
        for (number, field) in &change.fields {
            let entry = format!("segments.{name}.fields.{number}");
            let n = number.parse().ok().filter(|n| (1..=FIELDS_MAX).contains(n));
            let n = n.ok_or_else(|| ProfileError::Number(entry.clone()))?;
            if let Some(kind) = &field.kind
                && !rules.knows_type(kind)
            {
                return Err(ProfileError::Type(entry, rules.version()));
            }
            let fields = &mut rules.segment_mut(id).fields;
            while fields.len() < n {
                fields.push(undefined());
            }
            if let Some(part) = fields.get_mut(n - 1) {
                change_field(part, field, &entry)?;
            }
        }
        let def = rules.segment_mut(id);
        if let Some(name) = &change.name {
            def.name = Cow::Owned(name.clone());
        }
    }
    Ok(())
}

/// A field that lies before one a profile defines: anything goes.
fn undefined() -> PartDef {
    PartDef {
        name: Cow::Borrowed(""),
        kind: Cow::Borrowed("VARIES"),
        usage: Usage::Optional,
        max: None,
        length: None,
        table: None,
    }
}

fn change_field(part: &mut PartDef, change: &FieldChange, entry: &str) -> Result<(), ProfileError> {
    if let Some(name) = &change.name {
        part.name = Cow::Owned(name.clone());
    }
    if let Some(kind) = &change.kind {
        part.kind = Cow::Owned(kind.clone());
    }
    part.usage = change.usage.unwrap_or(part.usage);
    if let Some(max) = &change.max {
        part.max = max.read(&format!("{entry}.max"))?;
    }
    if let Some(length) = &change.length {
        part.length = length.read(&format!("{entry}.length"))?;
    }
    part.table = change.table.or(part.table);
    Ok(())
}

pub(super) fn tables(
    changes: &BTreeMap<String, TableChange>,
    rules: &mut Rules,
) -> Result<(), ProfileError> {
    for (number, change) in changes {
        let table = number.parse().map_err(|_| ProfileError::Table(number.clone()))?;
        let rule = match change {
            TableChange::Only(codes) => TableRule::Only(codes.clone()),
            TableChange::Also(codes) => TableRule::Also(codes.clone()),
            TableChange::Open(true) => TableRule::Open,
            TableChange::Open(false) => return Err(ProfileError::Table(number.clone())),
        };
        rules.tables.insert(table, rule);
    }
    Ok(())
}

pub(super) fn structures(
    changes: &BTreeMap<String, StructureChange>,
    rules: &mut Rules,
) -> Result<(), ProfileError> {
    for (name, change) in changes {
        if let Some(text) = &change.is {
            let structure = Structure::parse(name, text)
                .map_err(|e| ProfileError::Grammar(format!("{name}.is"), e))?;
            rules.structures.insert(name.clone(), structure);
        }
        let version = rules.version();
        let Some(structure) = rules.structure_mut(name) else {
            return Err(ProfileError::Structure(name.clone(), version));
        };
        for (path, cardinality) in &change.segments {
            let entry = format!("{name}.segments.{path}");
            let at = place(structure, path, &entry)?;
            if let Some(node) = structure.node_mut(at) {
                change_node(node, cardinality, &entry)?;
            }
        }
        for added in &change.add {
            let entry = format!("{name}.add.{}", added.segment);
            let id = segment(&added.segment, &format!("structures.{entry}"))?;
            let after = place(structure, &added.after, &entry)?;
            let what = What::Segments(vec![id]);
            let mut node = Node { what, is_required: false, max: None, end: 0 };
            let cardinality = Cardinality { min: added.min, max: added.max.clone() };
            change_node(&mut node, &cardinality, &entry)?;
            structure.insert(after, node);
        }
    }
    Ok(())
}

/// The node of `GROUP.GROUP.SEG`.
fn place(structure: &Structure, path: &str, entry: &str) -> Result<usize, ProfileError> {
    let mut groups: Vec<&str> = path.split('.').collect();
    let id = segment(groups.pop().unwrap_or_default(), &format!("structures.{entry}"))?;
    structure.find(&groups, id).ok_or_else(|| ProfileError::Place(entry.to_owned()))
}

fn change_node(node: &mut Node, to: &Cardinality, entry: &str) -> Result<(), ProfileError> {
    match to.min {
        None => {}
        Some(min @ (0 | 1)) => node.is_required = min == 1,
        // More than once is a rule that no message structure has a sign for.
        Some(_) => return Err(ProfileError::Limit(format!("structures.{entry}.min"))),
    }
    if let Some(max) = &to.max {
        node.max = Limit::read(max, &format!("structures.{entry}.max"))?;
    }
    Ok(())
}
