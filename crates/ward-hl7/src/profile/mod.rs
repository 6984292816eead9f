//! What a site expects of its messages, as a TOML file on top of the standard.
//!
//! ```toml
//! name = "north laboratory"
//!
//! [severity]
//! too-long = "warning"          # information, warning, error, off
//!
//! [segments.PID.fields.18]
//! usage = "R"                   # R, RE, O, C, B, X
//! max = 1                       # or "*"
//! length = 20                   # or "*"
//! table = 9001
//!
//! [segments.ZPI]
//! name = "Patient, local"
//! fields.1 = { type = "SI", usage = "R" }
//!
//! [tables.9001]
//! only = ["A", "B"]             # or also = [...], or open = true
//!
//! [structures.ADT_A01]
//! segments."PV2" = { min = 1 }  # groups before the name: "PROCEDURE.ROL"
//! add = [{ segment = "ZPI", after = "PID", min = 1, max = 1 }]
//!
//! [structures.ADT_Z01]
//! is = "MSH EVN PID ZPI+"
//! ```

mod apply;
#[cfg(test)]
mod tests;

use std::{collections::BTreeMap, str::FromStr};

use crate::{
    dictionary::Usage,
    location::SegmentId,
    problem::{ProblemKind, Severity},
    structure::GrammarError,
    validate::Rules,
    version::Version,
};

/// A site's expectations of messages.
#[derive(Clone, PartialEq, Eq, Debug, serde::Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct Profile {
    pub name: String,
    #[serde(default)]
    severity: BTreeMap<String, Level>,
    #[serde(default)]
    segments: BTreeMap<String, SegmentChange>,
    #[serde(default)]
    tables: BTreeMap<String, TableChange>,
    #[serde(default)]
    structures: BTreeMap<String, StructureChange>,
}

#[derive(Clone, Copy, PartialEq, Eq, Debug, serde::Deserialize)]
#[serde(rename_all = "kebab-case")]
enum Level {
    Information,
    Warning,
    Error,
    Off,
}

#[derive(Clone, PartialEq, Eq, Default, Debug, serde::Deserialize)]
#[serde(deny_unknown_fields, default, rename_all = "kebab-case")]
struct SegmentChange {
    name: Option<String>,
    fields: BTreeMap<String, FieldChange>,
}

#[derive(Clone, PartialEq, Eq, Default, Debug, serde::Deserialize)]
#[serde(deny_unknown_fields, default, rename_all = "kebab-case")]
struct FieldChange {
    name: Option<String>,
    #[serde(rename = "type")]
    kind: Option<String>,
    usage: Option<Usage>,
    max: Option<Limit>,
    length: Option<Limit>,
    table: Option<u16>,
}

/// A number, or `"*"` for none.
#[derive(Clone, PartialEq, Eq, Debug, serde::Deserialize)]
#[serde(untagged)]
enum Limit {
    Number(u32),
    Word(String),
}

#[derive(Clone, PartialEq, Eq, Debug, serde::Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
enum TableChange {
    Only(Vec<String>),
    Also(Vec<String>),
    Open(bool),
}

#[derive(Clone, PartialEq, Eq, Default, Debug, serde::Deserialize)]
#[serde(deny_unknown_fields, default, rename_all = "kebab-case")]
struct StructureChange {
    is: Option<String>,
    segments: BTreeMap<String, Cardinality>,
    add: Vec<Added>,
}

#[derive(Clone, PartialEq, Eq, Default, Debug, serde::Deserialize)]
#[serde(deny_unknown_fields, default, rename_all = "kebab-case")]
struct Cardinality {
    min: Option<u32>,
    max: Option<Limit>,
}

#[derive(Clone, PartialEq, Eq, Debug, serde::Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
struct Added {
    segment: String,
    after: String,
    #[serde(default)]
    min: Option<u32>,
    #[serde(default)]
    max: Option<Limit>,
}

/// A profile that cannot be used. It names the entry, as a path of the file.
#[derive(Debug, thiserror::Error)]
pub enum ProfileError {
    #[error("not a profile")]
    Toml(#[from] toml::de::Error),
    #[error("`severity.{0}`: there is no such problem")]
    Problem(String),
    #[error("`{0}`: not a segment name")]
    Segment(String),
    #[error("`{0}`: not a number from 1 to 1,000")]
    Number(String),
    #[error("`{0}`: a limit is a number, or \"*\" for none")]
    Limit(String),
    #[error("`{0}`: version {1} has no such data type")]
    Type(String, Version),
    #[error("`tables.{0}`: a table is only, also, or open = true")]
    Table(String),
    #[error("`structures.{0}`: version {1} has no such structure; say what it `is`")]
    Structure(String, Version),
    #[error("`structures.{0}`")]
    Grammar(String, #[source] GrammarError),
    #[error("`structures.{0}`: the structure has no segment there")]
    Place(String),
}

impl FromStr for Profile {
    type Err = ProfileError;

    /// Reads a profile. What it says about a version is checked by [`Profile::rules`].
    fn from_str(text: &str) -> Result<Profile, ProfileError> {
        Ok(toml::from_str(text)?)
    }
}

impl Profile {
    /// The standard of `version` with this profile on top.
    ///
    /// - Errors: an entry that means nothing in that version.
    pub fn rules(&self, version: Version) -> Result<Rules, ProfileError> {
        let mut rules = Rules::standard(version);
        apply::severities(&self.severity, &mut rules)?;
        apply::segments(&self.segments, &mut rules)?;
        apply::tables(&self.tables, &mut rules)?;
        apply::structures(&self.structures, &mut rules)?;
        Ok(rules)
    }
}

impl Limit {
    /// `None` is no limit.
    fn read(&self, entry: &str) -> Result<Option<u32>, ProfileError> {
        match self {
            Limit::Number(n) => Ok(Some(*n)),
            Limit::Word(word) if word == "*" => Ok(None),
            Limit::Word(_) => Err(ProfileError::Limit(entry.to_owned())),
        }
    }
}

fn segment(name: &str, entry: &str) -> Result<SegmentId, ProfileError> {
    SegmentId::new(name.as_bytes()).ok_or_else(|| ProfileError::Segment(entry.to_owned()))
}

fn problem(word: &str) -> Result<ProblemKind, ProfileError> {
    ProblemKind::from_word(word).ok_or_else(|| ProfileError::Problem(word.to_owned()))
}

impl Level {
    fn severity(self) -> Option<Severity> {
        match self {
            Level::Information => Some(Severity::Information),
            Level::Warning => Some(Severity::Warning),
            Level::Error => Some(Severity::Error),
            Level::Off => None,
        }
    }
}
