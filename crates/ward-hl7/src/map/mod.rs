//! The maps between HL7 v2 and FHIR R4, as tables.
//!
//! What HL7's guide says, in Ward's own text form (`data/maps/*.map`), with a reviewed overlay on
//! top (`data/maps/overlay/*.map`) and what a site adds ([`Overlay`]). Nothing here knows FHIR's
//! definitions or runs anything: it reads rows, and gives each a name that stays.

mod condition;
mod expression;
mod load;
mod overlay;
mod plan;
mod row;
mod target;
#[cfg(test)]
mod tests;

use std::{
    collections::{BTreeMap, BTreeSet},
    fmt,
    sync::{Arc, Mutex, PoisonError},
};

use rustc_hash::FxHashMap;

pub use condition::{Condition, Order, Ref, Test, Values};
pub use expression::{Expression, Piece};
pub use load::{LoadError, standard, standard_faults};
pub use overlay::{Overlay, OverlayError};
pub use plan::{Had, Having, Pick, Plan, PlanStep, Related};
pub use row::{Link, LinkTo, MessageRow, Row, Slot, Source};
pub use target::{Step, Target};

/// The name of a row, such as `PID[Patient] PID-3` or `ADT_A01 PV1/2`.
///
/// - Shape: the map, the element of v2, and which of the rows of that element where there are
///   several; rows of an overlay carry its name.
#[derive(Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct RowId(&'static str);

impl RowId {
    /// The name that this text is. Each value of each message carries one, so that a name is kept
    /// once, and to the end: a counter of its uses would be what every thread waits for.
    ///
    /// - Cost: a lookup; loading the same maps again takes no more room.
    pub fn new(text: &str) -> RowId {
        static NAMES: Mutex<BTreeSet<&'static str>> = Mutex::new(BTreeSet::new());
        let mut names = NAMES.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(known) = names.get(text) {
            return RowId(known);
        }
        let name: &'static str = Box::leak(text.into());
        names.insert(name);
        RowId(name)
    }

    /// A name that the program itself has.
    pub const fn fixed(text: &'static str) -> RowId {
        RowId(text)
    }

    pub fn as_str(&self) -> &'static str {
        self.0
    }
}

impl fmt::Display for RowId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.0)
    }
}

impl fmt::Debug for RowId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.0)
    }
}

/// Every map, by name.
#[derive(Clone, Default, Debug)]
pub struct Maps {
    /// Segments and data types: `PID[Patient]`, `CX[Identifier]`. Names are in lower case here,
    /// because the guide writes `CWE[Code]` and `CWE[code]` for the same map.
    pub(crate) parts: FxHashMap<Box<str>, Arc<PartMap>>,
    pub(crate) messages: BTreeMap<Box<str>, Arc<MessageMap>>,
    pub(crate) codes: BTreeMap<Box<str>, Arc<CodeMap>>,
    /// What a segment or data type is written by, where it is not its map run backwards.
    pub(crate) back: BTreeMap<Box<str>, Arc<PartMap>>,
    pub(crate) plans: BTreeMap<Box<str>, Arc<Plan>>,
    /// The name in v2 of a code system that has several.
    pub(crate) system_names: BTreeMap<Box<str>, Box<str>>,
    /// Names of code systems in v2 (table 0396) to their URIs, in capitals.
    pub(crate) systems: BTreeMap<Box<str>, Box<str>>,
    /// Names of assigning authorities to their URIs, as a site says.
    pub(crate) authorities: BTreeMap<Box<str>, Box<str>>,
}

/// How one segment or data type goes into one FHIR type.
#[derive(Clone, PartialEq, Debug)]
pub struct PartMap {
    /// As written: `PID[Patient]`.
    pub name: Box<str>,
    pub rows: Vec<Row>,
}

impl PartMap {
    /// The v2 side of the name: `PID`.
    pub fn from(&self) -> &str {
        self.name.split('[').next().unwrap_or_default()
    }

    /// The FHIR type of the name, without what tells several maps apart: `Observation` of
    /// `PD1[Observation-LivingWill]`.
    pub fn to(&self) -> &str {
        let inside = self.name.split('[').nth(1).unwrap_or_default().trim_end_matches(']');
        inside.split(['-', '.']).next().unwrap_or_default()
    }
}

/// What the segments of a message become.
#[derive(Clone, PartialEq, Debug)]
pub struct MessageMap {
    pub name: Box<str>,
    pub rows: Vec<MessageRow>,
}

/// Codes of v2 and what they are in FHIR.
#[derive(Clone, PartialEq, Default, Debug)]
pub struct CodeMap {
    pub name: Box<str>,
    pub rows: BTreeMap<Box<str>, Coded>,
}

/// A code of FHIR.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Coded {
    pub code: Box<str>,
    pub system: Box<str>,
    pub display: Box<str>,
}

/// A name in lower case, without room of its own: maps are looked for many times a message.
struct Lower([u8; Lower::BYTES_MAX], usize);

impl Lower {
    /// LIMIT: the longest name of a map of the guide has 46; a longer one gets room of its own.
    const BYTES_MAX: usize = 64;

    fn of(name: &str) -> Option<Lower> {
        let mut bytes = [0; Self::BYTES_MAX];
        let lower = bytes.get_mut(..name.len())?;
        lower.copy_from_slice(name.as_bytes());
        lower.make_ascii_lowercase();
        Some(Lower(bytes, name.len()))
    }

    fn as_str(&self) -> &str {
        let bytes = self.0.get(..self.1).unwrap_or_default();
        std::str::from_utf8(bytes).unwrap_or_default()
    }
}

impl Maps {
    /// The map of a segment or data type; case does not matter.
    pub fn part(&self, name: &str) -> Option<&Arc<PartMap>> {
        match Lower::of(name) {
            Some(lower) => self.parts.get(lower.as_str()),
            None => self.parts.get(name.to_ascii_lowercase().as_str()),
        }
    }

    /// The map that a segment or data type is written by: its own for that way, or the same
    /// backwards.
    pub fn part_back(&self, name: &str) -> Option<&Arc<PartMap>> {
        self.back.get(name.to_ascii_lowercase().as_str()).or_else(|| self.part(name))
    }

    /// The map of a segment that FHIR alone knows: nothing is read by it.
    pub fn part_only_back(&self, name: &str) -> Option<&Arc<PartMap>> {
        let key = name.to_ascii_lowercase();
        self.back.get(key.as_str()).filter(|_| !self.parts.contains_key(key.as_str()))
    }

    /// The maps that are only for writing.
    pub fn parts_back(&self) -> impl Iterator<Item = &Arc<PartMap>> {
        self.back.values()
    }

    /// How a message is written: `ADT`, or `ADT_A40` where an event has its own.
    pub fn plan(&self, name: &str) -> Option<&Arc<Plan>> {
        self.plans.get(name)
    }

    pub fn plans(&self) -> impl Iterator<Item = &Arc<Plan>> {
        self.plans.values()
    }

    pub fn parts(&self) -> impl Iterator<Item = &Arc<PartMap>> {
        self.parts.values()
    }

    /// The map of a message structure: `ADT_A01`.
    pub fn message(&self, structure: &str) -> Option<&Arc<MessageMap>> {
        self.messages.get(structure)
    }

    pub fn messages(&self) -> impl Iterator<Item = &Arc<MessageMap>> {
        self.messages.values()
    }

    pub fn codes(&self, name: &str) -> Option<&Arc<CodeMap>> {
        self.codes.get(load::code_key(name).as_str())
    }

    pub fn code_maps(&self) -> impl Iterator<Item = &Arc<CodeMap>> {
        self.codes.values()
    }

    /// The URI of a code system by its name in v2.
    pub fn system(&self, name: &str) -> Option<&str> {
        self.systems.get(name.to_ascii_uppercase().as_str()).map(|uri| &**uri)
    }

    /// The name in v2 of a code system by its URI.
    pub fn system_name(&self, uri: &str) -> Option<&str> {
        if let Some(name) = self.system_names.get(uri) {
            return Some(name);
        }
        self.systems.iter().find(|(_, own)| ***own == *uri).map(|(name, _)| &**name)
    }

    /// The name of an assigning authority by its URI, as a site says.
    pub fn authority_name(&self, uri: &str) -> Option<&str> {
        self.authorities.iter().find(|(_, own)| ***own == *uri).map(|(name, _)| &**name)
    }

    /// The URI of an assigning authority by its name, where the site says one.
    pub fn authority(&self, name: &str) -> Option<&str> {
        self.authorities.get(name).map(|uri| &**uri)
    }

    /// The maps with a site's rows on top.
    ///
    /// - Errors: the first row that cannot be read; nothing of it is taken then.
    pub fn with(mut self, overlay: &Overlay) -> Result<Maps, OverlayError> {
        overlay.apply(&mut self)?;
        Ok(self)
    }
}
