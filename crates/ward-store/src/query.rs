//! What a search asks of the chart, in words that any engine can answer.

use std::{collections::BTreeSet, fmt, str::FromStr};

use ward_core::{FhirId, Kind, RecordKey, ResourceType};
use ward_fhir::search::{Clause, PackError, TermsView};

use crate::{index::IndexError, keys::KeyError, seal::SealError};

/// A search over one or more types, with one order and one page.
#[derive(Clone, Debug)]
pub struct Query {
    /// One part per resource type; answers come part by part unless sorted.
    pub parts: Vec<Part>,
    /// The whole search stays within this patient's compartment.
    pub patient: Option<FhirId>,
    /// Order of the answer; empty means the order of creation, part by part.
    pub sort: Vec<SortBy>,
    /// Records on this page; zero asks for the total alone.
    pub count: usize,
    /// Where the page before this one ended.
    pub after: Option<Cursor>,
    /// Whether the exact number of matches is wanted even when it costs reading them all.
    pub total: bool,
}

/// The part of a search that concerns one type.
#[derive(Clone, Debug)]
pub struct Part {
    pub kind: ResourceType,
    pub filter: Filter,
}

/// Which records of a type match.
#[derive(Clone, Debug)]
pub enum Filter {
    /// Every one of these; an empty list matches all records of the type.
    All(Vec<Filter>),
    /// At least one of these; an empty list matches none.
    Any(Vec<Filter>),
    Not(Box<Filter>),
    Clause(Clause),
    /// The record is one of these.
    Keys(BTreeSet<RecordKey>),
}

/// One key of the order.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct SortBy {
    /// The parameter's name, such as `date` or `_lastUpdated`.
    pub code: Box<str>,
    pub descending: bool,
}

/// One page of a search.
#[derive(Debug)]
pub struct Found {
    pub hits: Vec<Hit>,
    /// Where the next page starts; `None` on the last page.
    pub next: Option<Cursor>,
    /// Number of all matches that this caller may see; known when asked for, and when the first
    /// page held them all.
    pub total: Option<u64>,
}

/// One match: where its row stands.
#[derive(Clone, PartialEq, Eq, Hash, Debug)]
pub struct Hit {
    pub(crate) rid: u64,
    pub(crate) vid: u64,
    pub kind: ResourceType,
    pub version: u32,
}

/// Where a page ended: opaque, sealed, of one length whatever it holds.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Cursor(pub(crate) Box<str>);

/// Text is not a page cursor of this chart.
#[derive(Clone, Copy, PartialEq, Eq, Debug, thiserror::Error)]
#[error("not a page cursor")]
pub struct ParseCursorError;

impl FromStr for Cursor {
    type Err = ParseCursorError;

    fn from_str(text: &str) -> Result<Cursor, ParseCursorError> {
        let fits = text.len() <= Self::LEN_MAX && text.bytes().all(|b| b.is_ascii_hexdigit());
        if fits { Ok(Cursor(text.into())) } else { Err(ParseCursorError) }
    }
}

impl Cursor {
    /// LIMIT: twice the sealed length, which is fixed.
    pub const LEN_MAX: usize = 256;
}

impl fmt::Display for Cursor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl Filter {
    /// Whether a record with these terms matches. `is_one_of` answers for [`Filter::Keys`], whose
    /// ids the terms do not hold in the clear.
    pub(crate) fn matches(
        &self,
        terms: &TermsView<'_>,
        is_one_of: &dyn Fn(&BTreeSet<RecordKey>) -> bool,
    ) -> Result<bool, PackError> {
        match self {
            Filter::All(parts) => {
                for part in parts {
                    if !part.matches(terms, is_one_of)? {
                        return Ok(false);
                    }
                }
                Ok(true)
            }
            Filter::Any(parts) => {
                for part in parts {
                    if part.matches(terms, is_one_of)? {
                        return Ok(true);
                    }
                }
                Ok(false)
            }
            Filter::Not(part) => Ok(!part.matches(terms, is_one_of)?),
            Filter::Clause(clause) => clause.matches_view(terms),
            Filter::Keys(keys) => Ok(is_one_of(keys)),
        }
    }
}

#[derive(Debug, thiserror::Error)]
pub enum SearchError {
    #[error("the page link is not one of this chart, or was changed")]
    Cursor,
    #[error("too much has changed since the first page; search again")]
    Expired,
    #[error("the index is being rebuilt; reads by id go on")]
    Rebuilding,
    #[error("reading the index")]
    Index(#[source] IndexError),
    #[error("reading a patient's key")]
    Key(#[source] KeyError),
    #[error("opening a record's terms")]
    Seal(#[source] SealError),
    #[error("reading the record's terms")]
    Terms(#[source] ward_fhir::search::PackError),
    #[error("reading truth")]
    Truth(#[source] crate::truth::TruthError),
}

impl SearchError {
    pub fn kind(&self) -> Kind {
        match self {
            SearchError::Cursor => Kind::Invalid,
            SearchError::Expired => Kind::Gone,
            SearchError::Rebuilding | SearchError::Index(_) | SearchError::Truth(_) => {
                Kind::Unavailable
            }
            SearchError::Key(source) => source.kind(),
            SearchError::Seal(_) | SearchError::Terms(_) => Kind::Bug,
        }
    }
}

macro_rules! from_sources {
    ($($variant:ident($source:ty)),+ $(,)?) => {$(
        impl From<$source> for SearchError {
            fn from(source: $source) -> SearchError {
                SearchError::$variant(source)
            }
        }
    )+};
}

from_sources! {
    Index(IndexError),
    Key(KeyError),
    Seal(SealError),
    Terms(ward_fhir::search::PackError),
    Truth(crate::truth::TruthError),
}
