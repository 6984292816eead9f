//! Reading the committed tables.
//!
//! One fact a line, fields apart by tabs. `C` a code set and `V` its codes of one system; `T` a
//! type and `E` its elements; `X` a compartment and `P` its rows. Code sets are numbered from 0.

use std::sync::OnceLock;

use rustc_hash::FxHashMap;
use ward_core::ResourceType;

use super::{
    CodeSet, Compartment, ElementDef, ElementKind, ElementType, Member, Primitive, Schema, TypeDef,
    TypeId, TypeKind,
};

static PACKED: &[u8] = include_bytes!("../../data/r4.tables.zst");

/// LIMIT: the tables are 300 KB; a test reads them all.
const UNPACKED_BYTES_MAX: usize = 4 * 1024 * 1024;

/// The schema. A line that does not parse is left out; a test shows that there is none.
pub(super) fn load() -> Schema {
    static TEXT: OnceLock<String> = OnceLock::new();
    let text = TEXT.get_or_init(|| {
        let bytes = zstd::bulk::decompress(PACKED, UNPACKED_BYTES_MAX).unwrap_or_default();
        String::from_utf8(bytes).unwrap_or_default()
    });
    let mut schema = Schema::default();
    // A type may use one that is defined further down, so names come first.
    for line in text.lines() {
        if let Some(rest) = line.strip_prefix("T\t")
            && let Some((name, _)) = rest.split_once('\t')
        {
            let next = TypeId(schema.by_name.len());
            schema.by_name.insert(name, next);
        }
    }
    for line in text.lines() {
        let _ = take(&mut schema, line);
    }
    for def in &mut schema.types {
        finish(def);
    }
    for compartment in &mut schema.compartments {
        compartment.rows.sort_by_key(|(name, _)| *name);
    }
    schema
}

fn take(schema: &mut Schema, line: &'static str) -> Option<()> {
    let (what, rest) = line.split_once('\t')?;
    let mut fields = rest.split('\t');
    match what {
        "C" => schema.codes.push(CodeSet { url: fields.next()?, systems: Vec::new() }),
        "V" => {
            let system = fields.next()?;
            schema.codes.last_mut()?.systems.push((system, fields.collect()));
        }
        "T" => {
            let name = fields.next()?;
            let kind = match fields.next()? {
                "r" => TypeKind::Resource,
                "a" => TypeKind::AbstractResource,
                "t" => TypeKind::DataType,
                _ => TypeKind::Nested,
            };
            let (elements, members) = (Vec::new(), FxHashMap::default());
            schema.types.push(TypeDef { name, kind, elements, members, required: 0 });
        }
        "E" => {
            let name = fields.next()?;
            let min = fields.next()?.parse().ok()?;
            let max = match fields.next()? {
                "*" => None,
                number => Some(number.parse().ok()?),
            };
            let kinds = fields.next()?.split(' ').filter(|k| !k.is_empty());
            let types = kinds.filter_map(|kind| element_type(schema, kind)).collect();
            let codes = fields.next().and_then(|n| n.parse().ok());
            let in_summary = fields.next() == Some("s");
            let plain = name.strip_suffix("[x]");
            let (name, is_choice) = (plain.unwrap_or(name), plain.is_some());
            let element = ElementDef { name, min, max, is_choice, types, codes, in_summary };
            schema.types.last_mut()?.elements.push(element);
        }
        "X" => {
            let owner = fields.next()?.parse().ok()?;
            schema.compartments.push(Compartment { owner, rows: Vec::new() });
        }
        "P" => {
            let name = fields.next()?;
            let params = fields.next()?.split(' ').collect();
            schema.compartments.last_mut()?.rows.push((name, params));
        }
        _ => return None,
    }
    Some(())
}

fn element_type(schema: &Schema, text: &'static str) -> Option<ElementType> {
    let (name, targets) = text.split_once(':').unwrap_or((text, ""));
    let name = name.strip_prefix('@').unwrap_or(name);
    let kind = match (name, Primitive::from_name(name)) {
        ("Resource", _) => ElementKind::AnyResource,
        (_, Some(primitive)) => ElementKind::Primitive(primitive),
        (name, None) => ElementKind::Complex(*schema.by_name.get(name)?),
    };
    let targets: Vec<ResourceType> =
        targets.split(',').filter_map(|target| target.parse().ok()).collect();
    Some(ElementType { name, kind, targets })
}

/// Builds the member names and the bits of what is required.
fn finish(def: &mut TypeDef) {
    for (at, element) in def.elements.iter().enumerate() {
        if 0 < element.min && at < 128 {
            def.required |= 1 << at;
        }
        for (kind, of) in element.types.iter().enumerate() {
            let name =
                if element.is_choice { choice_name(element.name, of.name) } else { element.name };
            def.members.insert(name, Member { name, element: at, kind });
        }
    }
}

/// `value` and `dateTime` give `valueDateTime`.
fn choice_name(element: &str, kind: &str) -> &'static str {
    let mut name = String::with_capacity(element.len() + kind.len());
    name.push_str(element);
    let mut letters = kind.chars();
    name.extend(letters.next().map(|c| c.to_ascii_uppercase()));
    name.push_str(letters.as_str());
    // The tables are read once and live as long as the process; so do the names made from them.
    Box::leak(name.into_boxed_str())
}
