//! The answer to an interaction, before any wire.

use jiff::Timestamp;
use ward_store::Stored;

/// What a wire sends back.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Reply {
    pub status: u16,
    pub body: Option<Vec<u8>>,
    /// The version, for `ETag: W/"n"`.
    pub etag: Option<u32>,
    pub last_modified: Option<Timestamp>,
    pub location: Option<String>,
}

/// What a writer wants back.
///
/// - Source: FHIR R4, 3.1.0.1.6, the `Prefer` header.
#[derive(Clone, Copy, PartialEq, Eq, Default, Debug)]
pub enum Prefer {
    Minimal,
    #[default]
    Representation,
    OperationOutcome,
}

impl Prefer {
    /// What is sent back of a resource.
    pub(crate) fn body(self, resource: Vec<u8>) -> Option<Vec<u8>> {
        match self {
            Prefer::Minimal => None,
            Prefer::Representation => Some(resource),
            Prefer::OperationOutcome => Some(ward_fhir::outcome::operation_outcome(&[])),
        }
    }
}

impl Reply {
    pub(crate) fn body(status: u16, body: Vec<u8>) -> Reply {
        Reply { status, body: Some(body), etag: None, last_modified: None, location: None }
    }

    pub(crate) fn empty(status: u16) -> Reply {
        Reply { status, body: None, etag: None, last_modified: None, location: None }
    }

    pub(crate) fn stored(status: u16, stored: Stored) -> Reply {
        Reply {
            status,
            etag: Some(stored.version),
            last_modified: Some(stored.last_updated),
            location: None,
            body: Some(stored.body),
        }
    }
}
