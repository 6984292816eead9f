//! Why the chart did not do what was asked.

use std::path::PathBuf;

use ward_core::{Kind, RecordKey};
use ward_crypto::{CryptoFailed, RootKeyError};

use crate::{
    index::IndexError, keys::KeyError, query::SearchError, seal::SealError, truth::TruthError,
};

/// A chart could not be made or opened. Nothing was changed.
#[derive(Debug, thiserror::Error)]
pub enum OpenError {
    #[error("folder `{0}` is not empty")]
    NotEmpty(PathBuf),
    #[error("folder `{0}` holds no chart; make one with `ward init`")]
    NoChart(PathBuf),
    #[error("another process has the chart in `{0}` open")]
    Locked(PathBuf),
    #[error("file or folder `{path}`")]
    Io {
        path: PathBuf,
        #[source]
        source: std::io::Error,
    },
    #[error("the chart was written by another release: layout {found}, this one knows {known}")]
    Layout { found: i64, known: i64 },
    #[error("the root key")]
    Root(#[from] RootKeyError),
    #[error("the cryptography library failed")]
    Crypto(#[from] CryptoFailed),
    #[error("the database")]
    Truth(#[from] TruthError),
    #[error("the keys")]
    Key(#[from] KeyError),
    #[error("the index")]
    Index(#[from] IndexError),
    #[error("the audit log's frontier is damaged; verify before use")]
    Frontier,
    #[error("a thread could not be started")]
    Thread(#[source] std::io::Error),
}

impl OpenError {
    pub fn kind(&self) -> Kind {
        match self {
            OpenError::NotEmpty(_) | OpenError::Locked(_) => Kind::Conflict,
            OpenError::NoChart(_) => Kind::NotFound,
            OpenError::Layout { .. } => Kind::Unprocessable,
            OpenError::Root(source) => source.kind(),
            OpenError::Truth(source) => source.kind(),
            OpenError::Key(source) => source.kind(),
            OpenError::Io { .. } | OpenError::Index(_) | OpenError::Thread(_) => Kind::Unavailable,
            OpenError::Crypto(_) | OpenError::Frontier => Kind::Bug,
        }
    }
}

/// A unit was not committed; nothing of it is written.
///
/// The one exception is [`CommitError::Unavailable`] after a failed flush: whether the batch is on
/// disk is then known only when the writer has opened the file again.
#[derive(Debug, thiserror::Error)]
pub enum CommitError {
    #[error("`{key}` is at version {current:?}, not the one that was seen")]
    Stale { key: RecordKey, current: Option<u32> },
    #[error("`{key}` exists")]
    Exists { key: RecordKey },
    #[error("another commit may have made a match in the meantime")]
    Changed,
    #[error("another message of this sender had the same control id")]
    Reused,
    #[error("not allowed to write `{key}`")]
    Refused { key: RecordKey },
    #[error("not allowed")]
    NotAllowed,
    #[error("a patient of `{key}` was destroyed")]
    Gone { key: RecordKey },
    #[error("the unit contradicts itself: {0}")]
    Malformed(&'static str),
    #[error("larger than {max} {what}")]
    TooLarge { what: &'static str, max: usize },
    #[error("too many commits are waiting")]
    Busy,
    #[error("the disk is full")]
    Full,
    #[error("the chart cannot be written now: {0}")]
    Unavailable(&'static str),
    #[error("the chart is closed")]
    Closed,
    #[error("reading what is there")]
    Truth(#[source] TruthError),
    #[error("a patient's key")]
    Key(#[source] KeyError),
    #[error("sealing")]
    Seal(#[source] SealError),
}

impl CommitError {
    pub fn kind(&self) -> Kind {
        match self {
            CommitError::Stale { .. }
            | CommitError::Exists { .. }
            | CommitError::Changed
            | CommitError::Reused => Kind::Conflict,
            CommitError::Refused { .. } | CommitError::NotAllowed => Kind::Refused,
            CommitError::Gone { .. } => Kind::Gone,
            CommitError::Malformed(_) => Kind::Bug,
            CommitError::TooLarge { .. } => Kind::TooLarge,
            CommitError::Busy => Kind::Busy,
            CommitError::Full => Kind::Full,
            CommitError::Unavailable(_) | CommitError::Closed => Kind::Unavailable,
            CommitError::Truth(source) => source.kind(),
            CommitError::Key(source) => source.kind(),
            CommitError::Seal(source) => source.kind(),
        }
    }
}

impl From<TruthError> for CommitError {
    fn from(source: TruthError) -> CommitError {
        match source.kind() {
            Kind::Full => CommitError::Full,
            _ => CommitError::Truth(source),
        }
    }
}

impl From<KeyError> for CommitError {
    fn from(source: KeyError) -> CommitError {
        CommitError::Key(source)
    }
}

impl From<SealError> for CommitError {
    fn from(source: SealError) -> CommitError {
        CommitError::Seal(source)
    }
}

impl From<CryptoFailed> for CommitError {
    fn from(source: CryptoFailed) -> CommitError {
        CommitError::Seal(SealError::Crypto(source))
    }
}

/// A record was not read.
#[derive(Debug, thiserror::Error)]
pub enum ReadError {
    #[error("the patient's key was destroyed")]
    Destroyed,
    #[error("reading truth")]
    Truth(#[source] TruthError),
    #[error("the patient's key")]
    Key(#[source] KeyError),
    #[error("opening the record")]
    Seal(#[source] SealError),
    #[error("the record does not say what it is")]
    Body,
    #[error("not allowed")]
    NotAllowed,
    #[error("searching")]
    Search(#[source] SearchError),
}

impl ReadError {
    pub fn kind(&self) -> Kind {
        match self {
            ReadError::Destroyed => Kind::Gone,
            ReadError::Truth(source) => source.kind(),
            ReadError::Key(source) => source.kind(),
            ReadError::Seal(source) => source.kind(),
            ReadError::Body => Kind::Bug,
            ReadError::NotAllowed => Kind::Refused,
            ReadError::Search(source) => source.kind(),
        }
    }
}

impl From<TruthError> for ReadError {
    fn from(source: TruthError) -> ReadError {
        ReadError::Truth(source)
    }
}

impl From<KeyError> for ReadError {
    fn from(source: KeyError) -> ReadError {
        match source {
            KeyError::Destroyed => ReadError::Destroyed,
            other => ReadError::Key(other),
        }
    }
}

impl From<SealError> for ReadError {
    fn from(source: SealError) -> ReadError {
        match source {
            SealError::Key(source) => source.into(),
            other => ReadError::Seal(other),
        }
    }
}
