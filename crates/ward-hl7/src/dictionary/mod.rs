//! What the versions of the standard say: segments, fields, data types, structures, codes.

mod load;
#[cfg(test)]
mod tests;

use std::{borrow::Cow, sync::OnceLock};

use rustc_hash::FxHashMap;

use crate::{location::SegmentId, structure::Structure, version::Version};

/// What one version says.
///
/// - Source: HL7 v2.1 to v2.8, by way of the tables in `data/`.
pub struct Dictionary {
    pub version: Version,
    segments: FxHashMap<SegmentId, SegmentDef>,
    types: FxHashMap<&'static str, TypeDef>,
    structures: FxHashMap<&'static str, Structure>,
}

/// A segment and its fields.
#[derive(Clone, Debug)]
pub struct SegmentDef {
    pub name: Cow<'static, str>,
    /// Field `n` stands at `n - 1`.
    pub fields: Vec<PartDef>,
}

/// A data type and its components; none where it is primitive.
#[derive(Clone, Debug)]
pub struct TypeDef {
    pub name: &'static str,
    pub components: Vec<PartDef>,
}

/// A field of a segment, or a component of a data type.
#[derive(Clone, Debug)]
pub struct PartDef {
    pub name: Cow<'static, str>,
    pub kind: Cow<'static, str>,
    pub usage: Usage,
    /// `None` is no limit.
    pub max: Option<u32>,
    /// In characters; `None` is no limit.
    pub length: Option<u32>,
    pub table: Option<u16>,
}

/// Whether a value has to be there.
///
/// - Source: HL7 v2.8, 2.12.6 Usage; 2.5.3.2 Optionality.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, serde::Deserialize)]
pub enum Usage {
    /// Must be valued.
    #[serde(rename = "R")]
    Required,
    /// Must be sent when it is known; a receiver cannot tell.
    #[serde(rename = "RE")]
    RequiredOrEmpty,
    #[serde(rename = "O")]
    Optional,
    /// Depends on other values.
    #[serde(rename = "C")]
    Conditional,
    /// Kept for older versions.
    #[serde(rename = "B")]
    Backward,
    /// Must not be valued.
    #[serde(rename = "X")]
    NotUsed,
}

/// The dictionary of a version.
///
/// - Cost: the first call for a version reads its tables (a few milliseconds); later ones are free.
pub fn dictionary(version: Version) -> &'static Dictionary {
    static ALL: [OnceLock<Dictionary>; Version::ALL.len()] =
        [const { OnceLock::new() }; Version::ALL.len()];
    let at = Version::ALL.iter().position(|v| *v == version).unwrap_or_default();
    // The array has one place for each version.
    match ALL.get(at).or(ALL.first()) {
        Some(place) => place.get_or_init(|| load::load(version)),
        None => load::none(),
    }
}

/// The codes of a table, sorted; `None` where they are not known here.
///
/// - Shape: of all versions together; sites add to user-defined tables.
pub fn codes(table: u16) -> Option<&'static [&'static str]> {
    load::shared().codes.get(&table).map(Vec::as_slice)
}

impl Dictionary {
    pub fn segment(&self, id: SegmentId) -> Option<&SegmentDef> {
        self.segments.get(&id)
    }

    pub fn data_type(&self, name: &str) -> Option<&TypeDef> {
        self.types.get(name)
    }

    pub fn structure(&self, name: &str) -> Option<&Structure> {
        self.structures.get(name)
    }

    /// Every structure with its name.
    pub fn structures(&self) -> impl Iterator<Item = (&'static str, &Structure)> {
        self.structures.iter().map(|(name, structure)| (*name, structure))
    }

    pub fn segments(&self) -> impl Iterator<Item = (SegmentId, &SegmentDef)> {
        self.segments.iter().map(|(id, def)| (*id, def))
    }

    /// The name of the structure of a message type and event, where MSH-9.3 does not say it.
    ///
    /// - Source: HL7 table 0354, Message structure.
    pub fn structure_of(&self, code: &str, event: &str) -> Option<&'static str> {
        let own = format!("{code}_{event}");
        if let Some((name, _)) = self.structures.get_key_value(own.as_str()) {
            return Some(name);
        }
        let of_code = |name: &str| name.split_once('_').is_some_and(|(before, _)| before == code);
        let shared = load::shared().events.iter();
        let shared = shared.filter(|(name, events)| of_code(name) && events.contains(&event));
        let found = shared.map(|(name, _)| *name).find(|name| self.structures.contains_key(name));
        found.or_else(|| self.structures.get_key_value(code).map(|(name, _)| *name))
    }

    /// The structure that MSH-9.3 of a message names: events of the same structure share its name.
    ///
    /// - Source: HL7 table 0354, Message structure.
    pub fn message_structure(&self, code: &str, event: &str) -> Option<&'static str> {
        let of_code = |name: &str| name.split_once('_').is_some_and(|(before, _)| before == code);
        let shared = load::shared().events.iter();
        let mut shared = shared.filter(|(name, events)| of_code(name) && events.contains(&event));
        let found = shared.find(|(name, _)| self.structures.contains_key(*name));
        found.map(|(name, _)| *name).or_else(|| self.structure_of(code, event))
    }

    /// Whether any structure is one of this message type.
    pub fn has_type(&self, code: &str) -> bool {
        let mut names = self.structures.keys();
        names.any(|name| name.split('_').next() == Some(code))
    }
}
