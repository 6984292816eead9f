//! Why a policy text was not taken.

use ward_core::Kind;

/// A policy text was not taken. Nothing of it is in force.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
pub enum PolicyError {
    #[error("policy text has {bytes} bytes, at most {max} are read")]
    TooLong { bytes: usize, max: usize },
    #[error("policy text has {count} policies, at most {max} are kept")]
    TooMany { count: usize, max: usize },
    /// Lines and columns count from 1, columns in characters.
    #[error("line {line}, column {column}: {reason}")]
    Text { line: usize, column: usize, reason: String },
    #[error("schema of the policy language: {0}")]
    Schema(String),
}

impl PolicyError {
    pub fn kind(&self) -> Kind {
        match self {
            PolicyError::TooLong { .. } | PolicyError::TooMany { .. } => Kind::TooLarge,
            PolicyError::Text { .. } => Kind::Invalid,
            PolicyError::Schema(_) => Kind::Bug,
        }
    }

    /// An error at byte `offset` of `text`.
    pub(crate) fn at(text: &str, offset: usize, reason: String) -> PolicyError {
        let before = text.get(..offset).unwrap_or(text);
        let line = before.matches('\n').count() + 1;
        let column = before.rsplit('\n').next().map_or(0, |tail| tail.chars().count()) + 1;
        PolicyError::Text { line, column, reason }
    }
}
