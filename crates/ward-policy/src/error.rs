//! Why a policy text was not taken.

use ward_core::Kind;

/// A policy text was not taken. Nothing of it is in force.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
pub enum PolicyError {
    #[error("policy line {line}, column {column}: {reason}")]
    Text { line: usize, column: usize, reason: String },
}

impl PolicyError {
    pub fn kind(&self) -> Kind {
        Kind::Invalid
    }
}
