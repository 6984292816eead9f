//! A refused or failed interaction.

use ward_core::Kind;
use ward_fhir::outcome::{Issue, operation_outcome, outcome_code};
use ward_store::{CommitError, ReadError, SearchError};

/// What went wrong, ready for any wire.
#[derive(Debug, thiserror::Error)]
#[error("{kind:?}")]
pub struct RecordsError {
    pub kind: Kind,
    pub issues: Vec<Issue>,
    /// What lies beneath, for the log. Never patient data.
    #[source]
    pub cause: Option<Box<dyn std::error::Error + Send + Sync>>,
}

impl RecordsError {
    /// One finding in the words of its kind.
    pub fn new(kind: Kind, diagnostics: impl Into<String>) -> RecordsError {
        let (_, code) = outcome_code(kind);
        RecordsError { kind, issues: vec![Issue::error(code, diagnostics)], cause: None }
    }

    pub fn with_issues(kind: Kind, issues: Vec<Issue>) -> RecordsError {
        RecordsError { kind, issues, cause: None }
    }

    pub(crate) fn bug(diagnostics: &str) -> RecordsError {
        RecordsError::new(Kind::Bug, diagnostics)
    }

    pub(crate) fn not_found() -> RecordsError {
        // The same words whether it is absent or not for this caller.
        RecordsError::new(Kind::NotFound, "no such resource")
    }

    /// Puts the place of a bundle's entry before every finding.
    pub(crate) fn in_entry(mut self, at: usize) -> RecordsError {
        for issue in &mut self.issues {
            let inner = issue.expression.take();
            let entry = format!("Bundle.entry[{at}].resource");
            issue.expression = Some(match inner {
                None => format!("Bundle.entry[{at}]"),
                Some(path) => match path.split_once('.') {
                    Some((_, rest)) => format!("{entry}.{rest}"),
                    None => entry,
                },
            });
        }
        self
    }

    pub fn status(&self) -> u16 {
        outcome_code(self.kind).0
    }

    pub fn outcome(&self) -> Vec<u8> {
        operation_outcome(&self.issues)
    }
}

fn caused(
    kind: Kind,
    says: String,
    cause: impl std::error::Error + Send + Sync + 'static,
) -> RecordsError {
    let says = if kind == Kind::Bug { "internal error".to_owned() } else { says };
    RecordsError { cause: Some(Box::new(cause)), ..RecordsError::new(kind, says) }
}

impl From<CommitError> for RecordsError {
    fn from(source: CommitError) -> RecordsError {
        caused(source.kind(), source.to_string(), source)
    }
}

impl From<ReadError> for RecordsError {
    fn from(source: ReadError) -> RecordsError {
        caused(source.kind(), source.to_string(), source)
    }
}

impl From<SearchError> for RecordsError {
    fn from(source: SearchError) -> RecordsError {
        caused(source.kind(), source.to_string(), source)
    }
}
