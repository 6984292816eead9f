//! The chart: one sealed, audited, durable commit, and the projections made from it.
//!
//! [`Chart`] is the only door. [`Chart::commit`] writes record versions, their search terms,
//! events, commands and the audit entry in one durable batch, or nothing. [`Chart::reader`] reads
//! what the caller may see, and nothing it gives leaves without an audit entry. Truth is SQLite
//! with sealed rows; the search index is a projection that can be thrown away.

mod access;
mod audit;
mod chart;
mod checkpoint;
mod codec;
mod error;
mod feed;
mod figures;
pub mod handler;
mod index;
mod indexer;
mod keys;
mod limits;
mod lock;
mod maintain;
mod message;
mod numbered;
mod own;
mod peek;
mod postings;
mod prepare;
mod query;
mod queue;
mod reader;
mod record;
mod replay;
mod sampler;
mod seal;
mod search;
mod truth;
mod unit;
mod write;
mod write_event;
mod writer;

#[cfg(test)]
mod tests;

pub mod join;
pub mod probe;
pub mod subscriber;
pub mod values;
pub mod workflow;

pub use audit::{
    AuditEntry, AuditFilter, AuditPage,
    verify::{Finding, Kept, Report, VerifyError, verify},
};
pub use chart::{Chart, ChartOptions};
pub use error::{CommitError, OpenError, ReadError};
pub use feed::{ConsumerName, Event, EventFilter, FeedPlace, ParseConsumerError};
pub use figures::Figures;
pub use index::IndexError;
pub use keys::KeyError;
pub use limits::StoreLimits;
pub use maintain::{Rotated, Scrubbed, Shredded};
pub use message::{
    Direction, KeptMessage, MessageCount, MessageFilter, MessageHead, MessageId, MessageState,
    NewMessage, Restated, Reuse,
};
pub use numbered::Numbered;
pub use query::{Cursor, Filter, Found, Hit, ParseCursorError, Part, Query, SearchError, SortBy};
pub use queue::{Command, CommandId, NewCommand};
pub use reader::Reader;
pub use record::{HistoryOf, HistoryPlace, Method, Stored};
pub use sampler::Sampled;
pub use seal::SealError;
pub use truth::TruthError;
pub use unit::{Absent, CommitUnit, Interaction, NewEvent, Receipt, Write, WriteKind};

use smallvec::SmallVec;
use ward_core::ResourceType;

use crate::keys::Scope;

/// The number of a commit. Commits are totally ordered; the first is 1, and 0 is before it.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Default, Debug)]
pub struct Seq(pub u64);

/// What a row of truth says of a record version without opening it.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) struct RowHead {
    pub(crate) vid: u64,
    /// The `vid` of the record's first version: the record's number.
    pub(crate) rid: u64,
    /// The record's type and id, blinded.
    pub(crate) kid: [u8; 16],
    pub(crate) version: u32,
    pub(crate) seq: Seq,
    pub(crate) kind: ResourceType,
    /// Pseudonyms of the patients it is about; the first is the scope it is sealed under.
    pub(crate) patients: SmallVec<[Scope; 1]>,
    pub(crate) deleted: bool,
    pub(crate) restricted: bool,
    pub(crate) updated_us: i64,
}
