//! A record version as it is read back.

use std::fmt;

use jiff::Timestamp;
use ward_core::{RecordKey, ResourceType};

use crate::Seq;

/// One version of one record.
#[derive(Clone, PartialEq, Eq)]
pub struct Stored {
    pub key: RecordKey,
    pub version: u32,
    pub seq: Seq,
    pub last_updated: Timestamp,
    pub deleted: bool,
    pub method: Method,
    /// Where it stands in the history of everything.
    pub place: HistoryPlace,
    /// Compact JSON, with id and meta in it; empty when deleted.
    pub body: Vec<u8>,
}

impl fmt::Debug for Stored {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Stored")
            .field("key", &self.key)
            .field("version", &self.version)
            .field("seq", &self.seq)
            .field("deleted", &self.deleted)
            .field("n_bytes", &self.body.len())
            .finish_non_exhaustive()
    }
}

/// What made a version.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Method {
    Create,
    Update,
    Delete,
}

/// Whose history.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum HistoryOf {
    Instance(RecordKey),
    Type(ResourceType),
    /// All FHIR types; never Ward's own records.
    System,
}

/// Where a page of history ended: the next one holds what is older.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub struct HistoryPlace(pub u64);
