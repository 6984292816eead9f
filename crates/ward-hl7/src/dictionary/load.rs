//! Reading the committed tables.
//!
//! One fact a line, fields apart by tabs. `K` the codes of a table, `A` the events of a message
//! structure; then for each version `V`: `T` a data type and `C` its components, `S` a segment and
//! `F` its fields, `M` a message structure. `C` and `F`: type, usage, repetitions, length, table,
//! name; empty is no limit or not said.

use std::sync::OnceLock;

use rustc_hash::FxHashMap;

use super::{Dictionary, PartDef, SegmentDef, TypeDef, Usage};
use crate::{location::SegmentId, structure::Structure, version::Version};

static PACKED: &[u8] = include_bytes!("../../data/hl7v2.tables.zst");

/// LIMIT: the tables are 1.4 MB; a test reads them all.
const UNPACKED_BYTES_MAX: usize = 8 * 1024 * 1024;

/// Facts of no version.
#[derive(Default)]
pub(super) struct Shared {
    pub codes: FxHashMap<u16, Vec<&'static str>>,
    pub events: Vec<(&'static str, Vec<&'static str>)>,
}

fn text() -> &'static str {
    static TEXT: OnceLock<String> = OnceLock::new();
    TEXT.get_or_init(|| {
        let bytes = zstd::bulk::decompress(PACKED, UNPACKED_BYTES_MAX).unwrap_or_default();
        String::from_utf8(bytes).unwrap_or_default()
    })
}

pub(super) fn shared() -> &'static Shared {
    static SHARED: OnceLock<Shared> = OnceLock::new();
    SHARED.get_or_init(|| {
        let mut shared = Shared::default();
        for line in text().lines().take_while(|line| !line.starts_with("V\t")) {
            let mut fields = line.split('\t');
            match (fields.next(), fields.next()) {
                (Some("K"), Some(table)) => {
                    if let Ok(table) = table.parse() {
                        shared.codes.insert(table, fields.collect());
                    }
                }
                (Some("A"), Some(structure)) => shared.events.push((structure, fields.collect())),
                _ => {}
            }
        }
        shared
    })
}

/// A line that does not parse is left out; a test shows that there is none.
pub(super) fn load(version: Version) -> Dictionary {
    let mut dictionary = empty(version);
    let is_version = |line: &&str| line.strip_prefix("V\t") == Some(version.as_str());
    let lines = text().lines().skip_while(|line| !is_version(line)).skip(1);
    let mut at = At::Nothing;
    for line in lines.take_while(|line| !line.starts_with("V\t")) {
        let _ = take(&mut dictionary, &mut at, line);
    }
    dictionary
}

/// A dictionary that knows nothing.
pub(super) fn none() -> &'static Dictionary {
    static NONE: OnceLock<Dictionary> = OnceLock::new();
    NONE.get_or_init(|| empty(Version::V2_8))
}

fn empty(version: Version) -> Dictionary {
    Dictionary {
        version,
        segments: FxHashMap::default(),
        types: FxHashMap::default(),
        structures: FxHashMap::default(),
    }
}

/// What the lines that follow belong to.
enum At {
    Nothing,
    Type(&'static str),
    Segment(SegmentId),
}

fn take(dictionary: &mut Dictionary, at: &mut At, line: &'static str) -> Option<()> {
    let (what, rest) = line.split_once('\t')?;
    let (first, after) = rest.split_once('\t')?;
    match what {
        "T" => {
            *at = At::Type(first);
            dictionary.types.insert(first, TypeDef { name: first, components: Vec::new() });
        }
        "S" => {
            let id = SegmentId::new(first.as_bytes())?;
            *at = At::Segment(id);
            let def = SegmentDef { name: after.into(), fields: Vec::new() };
            dictionary.segments.insert(id, def);
        }
        "C" | "F" => {
            let part = part(rest)?;
            match at {
                At::Type(name) => dictionary.types.get_mut(name)?.components.push(part),
                At::Segment(id) => dictionary.segments.get_mut(id)?.fields.push(part),
                At::Nothing => return None,
            }
        }
        "M" => {
            let structure = Structure::parse(first, after).ok()?;
            dictionary.structures.insert(first, structure);
        }
        _ => return None,
    }
    Some(())
}

fn part(line: &'static str) -> Option<PartDef> {
    let mut fields = line.splitn(6, '\t');
    let kind = fields.next()?;
    let usage = match fields.next()? {
        "R" => Usage::Required,
        "C" => Usage::Conditional,
        "B" => Usage::Backward,
        _ => Usage::Optional,
    };
    let number = |text: Option<&str>| text.and_then(|text| text.parse().ok());
    let max = number(fields.next());
    let length = number(fields.next());
    let table = fields.next().and_then(|text| text.parse().ok());
    let name = fields.next()?;
    Some(PartDef { name: name.into(), kind: kind.into(), usage, max, length, table })
}

#[cfg(test)]
pub(super) fn lines() -> impl Iterator<Item = &'static str> {
    text().lines()
}
