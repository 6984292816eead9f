//! The index: a disposable projection of truth in an embedded LSM tree.
//!
//! It holds nothing that truth does not: deleting its folder costs time, never data. Writes are
//! buffered; the high-water mark is written in the same batch as what it covers, so after a crash
//! the tail is replayed from exactly there.

mod head;

use std::{
    path::Path,
    sync::atomic::{AtomicU64, Ordering},
};

use fjall::{Database, Keyspace, KeyspaceCreateOptions, PersistMode, Readable, Snapshot};

pub(crate) use self::head::{HeadError, IndexHead};
use crate::{RowHead, Seq, postings::Posting};

/// Memory for blocks read back from disk, in bytes.
/// LIMIT: idle memory of the whole process stays under 100 MB.
const CACHE_BYTES_MAX: u64 = 32 * 1024 * 1024;

/// Memory for writes not yet on disk, in bytes.
/// LIMIT: half a million postings; larger tables mean fewer rewrites.
const MEMTABLE_BYTES_MAX: u64 = 24 * 1024 * 1024;

/// Journal kept before memtables are flushed, in bytes.
/// LIMIT: replaying it stays well under a second.
const JOURNAL_BYTES_MAX: u64 = 128 * 1024 * 1024;

#[derive(Debug, thiserror::Error)]
pub enum IndexError {
    #[error("the index engine failed")]
    Engine(#[source] fjall::Error),
    #[error("the index holds an entry that cannot be read")]
    Entry(#[source] HeadError),
}

impl From<fjall::Error> for IndexError {
    fn from(source: fjall::Error) -> IndexError {
        IndexError::Engine(source)
    }
}

impl From<HeadError> for IndexError {
    fn from(source: HeadError) -> IndexError {
        IndexError::Entry(source)
    }
}

/// What one write does to the index.
pub(crate) struct IndexChange {
    pub(crate) head: RowHead,
    pub(crate) sealed_terms: Vec<u8>,
    pub(crate) add: Vec<Posting>,
    pub(crate) remove: Vec<Posting>,
}

/// The open index.
pub(crate) struct Index {
    db: Database,
    /// Posting | rid -> nothing.
    lists: Keyspace,
    /// rid -> head and sealed terms.
    heads: Keyspace,
    /// `seq` -> high-water mark.
    marks: Keyspace,
    high_water: AtomicU64, // INVARIANT: what the last applied batch wrote under `seq`.
}

const MARK: &[u8] = b"seq";

impl Index {
    /// Opens the index in `folder`, or makes an empty one.
    pub(crate) fn open(folder: &Path) -> Result<Index, IndexError> {
        let db = Database::builder(folder)
            .cache_size(CACHE_BYTES_MAX)
            .max_journaling_size(JOURNAL_BYTES_MAX)
            .manual_journal_persist(true)
            .worker_threads(1)
            .open()?;
        let options = || KeyspaceCreateOptions::default().max_memtable_size(MEMTABLE_BYTES_MAX);
        let lists = db.keyspace("lists", options)?;
        let heads = db.keyspace("heads", options)?;
        let marks = db.keyspace("marks", KeyspaceCreateOptions::default)?;
        let high_water = match marks.get(MARK)? {
            Some(bytes) => mark_of(&bytes),
            None => 0,
        };
        Ok(Index { db, lists, heads, marks, high_water: AtomicU64::new(high_water) })
    }

    /// The last commit that the index holds.
    pub(crate) fn high_water(&self) -> Seq {
        Seq(self.high_water.load(Ordering::Acquire))
    }

    /// Applies the changes of all commits up to `seq`, in one step.
    ///
    /// - Cost: buffered; nothing waits for the disk.
    pub(crate) fn apply(&self, seq: Seq, changes: &[IndexChange]) -> Result<(), IndexError> {
        let mut batch = self.db.batch();
        let mut key = Vec::with_capacity(32);
        for change in changes {
            let rid = change.head.rid.to_be_bytes();
            for posting in &change.remove {
                batch.remove(&self.lists, list_key(&mut key, posting, rid));
            }
            for posting in &change.add {
                batch.insert(&self.lists, list_key(&mut key, posting, rid), []);
            }
            if change.head.deleted {
                batch.remove(&self.heads, rid);
            } else {
                let mut entry = Vec::with_capacity(96 + change.sealed_terms.len());
                head::write(&change.head, &change.sealed_terms, &mut entry);
                batch.insert(&self.heads, rid, entry);
            }
        }
        batch.insert(&self.marks, MARK, seq.0.to_be_bytes());
        batch.commit()?;
        self.high_water.store(seq.0, Ordering::Release);
        Ok(())
    }

    /// Makes everything applied so far survive a power cut. Only a clean close needs it.
    pub(crate) fn persist(&self) -> Result<(), IndexError> {
        Ok(self.db.persist(PersistMode::SyncAll)?)
    }

    /// An unmoving view for one search.
    pub(crate) fn view(&self) -> Result<IndexView<'_>, IndexError> {
        let snapshot = self.db.snapshot();
        let seq = match snapshot.get(&self.marks, MARK)? {
            Some(bytes) => Seq(mark_of(&bytes)),
            None => Seq(0),
        };
        Ok(IndexView { index: self, snapshot, seq })
    }
}

/// The index as it stood after commit `seq`.
pub(crate) struct IndexView<'i> {
    index: &'i Index,
    snapshot: Snapshot,
    pub(crate) seq: Seq,
}

impl IndexView<'_> {
    /// The records of one list after `after`, in order of their rid.
    pub(crate) fn list(
        &self,
        posting: &Posting,
        after: u64,
    ) -> impl Iterator<Item = Result<u64, IndexError>> + use<> {
        let mut from = Vec::with_capacity(32);
        list_key(&mut from, posting, after.saturating_add(1).to_be_bytes());
        let mut to = Vec::with_capacity(32);
        list_key(&mut to, posting, u64::MAX.to_be_bytes());
        self.snapshot.range(&self.index.lists, from..=to).map(|entry| {
            let key = entry.key()?;
            let rid = key.last_chunk::<8>().ok_or(HeadError::Short)?;
            Ok(u64::from_be_bytes(*rid))
        })
    }

    /// Whether `rid` stands in the list.
    pub(crate) fn contains(&self, posting: &Posting, rid: u64) -> Result<bool, IndexError> {
        let mut key = Vec::with_capacity(32);
        Ok(self
            .snapshot
            .contains_key(&self.index.lists, list_key(&mut key, posting, rid.to_be_bytes()))?)
    }

    /// The head of a record, with its sealed terms.
    pub(crate) fn head(&self, rid: u64) -> Result<Option<IndexHead>, IndexError> {
        match self.snapshot.get(&self.index.heads, rid.to_be_bytes())? {
            Some(bytes) => Ok(Some(IndexHead::read(rid, &bytes)?)),
            None => Ok(None),
        }
    }
}

fn list_key<'k>(key: &'k mut Vec<u8>, posting: &Posting, rid: [u8; 8]) -> &'k [u8] {
    key.clear();
    posting.write_to(key);
    key.extend_from_slice(&rid);
    key
}

fn mark_of(bytes: &[u8]) -> u64 {
    bytes.first_chunk::<8>().map_or(0, |mark| u64::from_be_bytes(*mark))
}
