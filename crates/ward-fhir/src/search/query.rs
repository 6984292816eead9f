//! A search as it was asked.

use ward_core::{FhirId, ResourceType};

use super::{clause::Clause, term::ParamId};
use crate::outcome::Issue;

/// A parsed search.
#[derive(Clone, PartialEq, Debug)]
pub struct SearchRequest {
    /// One part per type searched; a search of one type has one.
    pub parts: Vec<Part>,
    pub sort: Vec<SortBy>,
    /// Records on a page; `None` when the caller did not say; never above the limit of a page.
    pub count: Option<usize>,
    pub total: TotalMode,
    pub summary: SummaryMode,
    /// Top-level elements to keep; empty keeps all.
    pub elements: Vec<Box<str>>,
    pub includes: Vec<Include>,
    pub revincludes: Vec<Include>,
    /// `_cursor`: where the page before ended.
    pub cursor: Option<Box<str>>,
    /// `_format`, as written.
    pub format: Option<Box<str>>,
    pub pretty: bool,
    /// Names and values that took effect, decoded, for the `self` link; without `_cursor`.
    pub applied: Vec<(String, String)>,
    /// Warnings on what was left out, with lenient handling.
    pub warnings: Vec<Issue>,
}

/// The part of a search that concerns one type.
#[derive(Clone, PartialEq, Debug)]
pub struct Part {
    pub kind: ResourceType,
    pub conditions: Conditions,
}

/// What a record must fulfill; all of it.
#[derive(Clone, PartialEq, Default, Debug)]
pub struct Conditions {
    /// `_id`: the record is one of these. `Some` of an empty list matches nothing.
    pub ids: Option<Vec<FhirId>>,
    pub clauses: Vec<Clause>,
    pub chains: Vec<Chain>,
    pub has: Vec<Has>,
}

/// `subject:Patient.name=...`: the reference points at a record that fulfills one of the links.
#[derive(Clone, PartialEq, Debug)]
pub struct Chain {
    pub param: ParamId,
    pub any: Vec<ChainLink>,
}

#[derive(Clone, PartialEq, Debug)]
pub struct ChainLink {
    pub target: ResourceType,
    pub then: Box<Conditions>,
}

/// `_has:Observation:patient:code=...`: some record of type `source` that fulfills `then` points
/// here.
#[derive(Clone, PartialEq, Debug)]
pub struct Has {
    pub source: ResourceType,
    pub reference: ParamId,
    pub then: Box<Conditions>,
}

/// What is brought along with the matches.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Include {
    /// The type whose references are followed.
    pub source: ResourceType,
    /// The references that are followed; `*` is told apart by listing them all.
    pub params: Vec<ParamId>,
    /// Only records of this type.
    pub target: Option<ResourceType>,
    /// `:iterate`: also from what was brought along.
    pub iterate: bool,
}

/// One key of the order.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct SortBy {
    /// The parameter's name; each type of the search has it.
    pub code: Box<str>,
    pub descending: bool,
}

#[derive(Clone, Copy, PartialEq, Eq, Default, Debug)]
pub enum TotalMode {
    #[default]
    Unsaid,
    None,
    Estimate,
    Accurate,
}

#[derive(Clone, Copy, PartialEq, Eq, Default, Debug)]
pub enum SummaryMode {
    #[default]
    False,
    True,
    Text,
    Data,
    Count,
}

/// What to do with a parameter that is not known: `Prefer: handling=...`.
#[derive(Clone, Copy, PartialEq, Eq, Default, Debug)]
pub enum Handling {
    #[default]
    Strict,
    Lenient,
}
