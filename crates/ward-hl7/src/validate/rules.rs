//! The rules in force: the standard of a version, with a site's changes on top.

use std::{borrow::Cow, collections::BTreeMap};

use crate::{
    dictionary::{Dictionary, PartDef, SegmentDef, codes, dictionary},
    location::SegmentId,
    problem::{ProblemKind, Severity},
    structure::Structure,
    version::Version,
};

/// What messages of one version are compared with.
pub struct Rules {
    dictionary: &'static Dictionary,
    pub(crate) segments: BTreeMap<SegmentId, SegmentDef>,
    pub(crate) structures: BTreeMap<String, Structure>,
    pub(crate) tables: BTreeMap<u16, TableRule>,
    /// `None` leaves the problem out.
    pub(crate) severities: BTreeMap<ProblemKind, Option<Severity>>,
}

/// What a site says about a table.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum TableRule {
    /// These and no others.
    Only(Vec<String>),
    /// These too.
    Also(Vec<String>),
    /// Any code.
    Open,
}

/// How bad a problem is where no profile says otherwise.
///
/// Required things that are missing and values that cannot be understood are errors. What the
/// standard tells receivers to ignore, and what older versions limited without meaning, is not.
pub const fn default_severity(kind: ProblemKind) -> Severity {
    match kind {
        ProblemKind::ExtraField | ProblemKind::ExtraComponent | ProblemKind::TooLong => {
            Severity::Information
        }
        ProblemKind::UnexpectedSegment
        | ProblemKind::UnknownSegment
        | ProblemKind::SegmentCardinality
        | ProblemKind::FieldCardinality
        | ProblemKind::MissingComponent
        | ProblemKind::TableValue
        | ProblemKind::ControlCharacter
        | ProblemKind::EscapeOpen
        | ProblemKind::EscapeUnknown
        | ProblemKind::EscapeUndecodable => Severity::Warning,
        _ => Severity::Error,
    }
}

impl Rules {
    /// The standard alone.
    pub fn standard(version: Version) -> Rules {
        Rules {
            dictionary: dictionary(version),
            segments: BTreeMap::new(),
            structures: BTreeMap::new(),
            tables: BTreeMap::new(),
            severities: BTreeMap::new(),
        }
    }

    pub fn version(&self) -> Version {
        self.dictionary.version
    }

    pub fn segment(&self, id: SegmentId) -> Option<&SegmentDef> {
        self.segments.get(&id).or_else(|| self.dictionary.segment(id))
    }

    pub fn structure(&self, name: &str) -> Option<&Structure> {
        self.structures.get(name).or_else(|| self.dictionary.structure(name))
    }

    /// The structure of a message that does not name it.
    pub fn structure_of(&self, code: &str, event: &str) -> Option<&Structure> {
        let own = format!("{code}_{event}");
        self.structures
            .get(&own)
            .or_else(|| self.structure(self.dictionary.structure_of(code, event)?))
    }

    pub(crate) fn has_type(&self, code: &str) -> bool {
        let own = self.structures.keys().any(|name| name.split('_').next() == Some(code));
        own || self.dictionary.has_type(code)
    }

    /// The components of a data type; `None` where it is primitive or not known.
    pub fn components(&self, kind: &str) -> Option<&[PartDef]> {
        let components = &self.dictionary.data_type(kind)?.components;
        (!components.is_empty()).then_some(components)
    }

    pub(crate) fn knows_type(&self, kind: &str) -> bool {
        self.dictionary.data_type(kind).is_some()
    }

    /// Whether `code` is in the table; a table whose codes are not known has every code.
    pub fn has_code(&self, table: u16, code: &str) -> bool {
        let standard =
            |unknown: bool| codes(table).map_or(unknown, |all| all.binary_search(&code).is_ok());
        match self.tables.get(&table) {
            Some(TableRule::Open) => true,
            Some(TableRule::Only(codes)) => codes.iter().any(|it| it == code),
            Some(TableRule::Also(codes)) => codes.iter().any(|it| it == code) || standard(true),
            None => standard(true),
        }
    }

    pub fn severity(&self, kind: ProblemKind) -> Option<Severity> {
        match self.severities.get(&kind) {
            Some(severity) => *severity,
            None => Some(default_severity(kind)),
        }
    }

    /// The definition of a segment that is about to be changed.
    pub(crate) fn segment_mut(&mut self, id: SegmentId) -> &mut SegmentDef {
        let standard = self.dictionary.segment(id);
        self.segments.entry(id).or_insert_with(|| {
            let nothing = || SegmentDef { name: Cow::Borrowed(""), fields: Vec::new() };
            standard.cloned().unwrap_or_else(nothing)
        })
    }

    /// The structure that is about to be changed.
    pub(crate) fn structure_mut(&mut self, name: &str) -> Option<&mut Structure> {
        if !self.structures.contains_key(name) {
            let standard = self.dictionary.structure(name)?.clone();
            self.structures.insert(name.to_owned(), standard);
        }
        self.structures.get_mut(name)
    }
}
