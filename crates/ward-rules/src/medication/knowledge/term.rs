//! A side of a rule: one substance, or a class.

use std::fmt;

use serde::{Deserialize, Serialize};

use super::Rxcui;

/// One substance, or every member of a class.
#[derive(Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum Term {
    Substance(Rxcui),
    /// Id of a [`super::Class`].
    Class(String),
}

impl Term {
    /// Reads what `Display` writes: an RXCUI, or `class:` and an id.
    pub fn plain(text: &str) -> Option<Term> {
        match text.strip_prefix("class:") {
            Some(id) => Some(Term::Class(id.to_owned())),
            None => text.parse().ok().map(Term::Substance),
        }
    }
}

impl fmt::Display for Term {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Term::Substance(rxcui) => write!(f, "{rxcui}"),
            Term::Class(id) => write!(f, "class:{id}"),
        }
    }
}
