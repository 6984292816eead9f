//! The index: a disposable projection of truth, lists of record numbers.
//!
//! It holds nothing that truth does not: deleting its folder costs time, never data. What is
//! applied stays in memory, in sorted layers, until there is enough of it for one sorted run on
//! disk, in an embedded LSM tree. There is no log: after a crash what was only in memory is
//! replayed from truth, from the mark that the last run carries.

mod flush;
mod layer;
mod list;
mod patient;
mod segment;

use std::{
    collections::BTreeSet,
    path::Path,
    sync::{
        Arc, Mutex, PoisonError, RwLock,
        atomic::{AtomicBool, AtomicU64, Ordering},
    },
    thread,
};

use fjall::{Database, Keyspace, KeyspaceCreateOptions, Readable, Snapshot, compaction::Leveled};
use smallvec::SmallVec;

pub(crate) use self::list::ListReader;
use self::{
    layer::Layer,
    patient::{PatientLists, Patients},
    segment::{ListKey, MARK_KEY, Segment},
};
use crate::{Seq, postings::Posting};

/// Memory for blocks read back from disk, in bytes.
/// LIMIT: idle memory of the whole process stays under 100 MB.
const CACHE_BYTES_MAX: u64 = 32 * 1024 * 1024;

/// Changes kept in memory before they go to disk.
/// LIMIT: about 10 MB; replaying them after a crash takes a fraction of a second.
const CHANGES_MAX: usize = 256 * 1024;

/// Changes that may wait while the disk refuses them.
/// LIMIT: 100 MB; beyond that the index is given up and made again.
const CHANGES_STUCK_MAX: usize = 8 * CHANGES_MAX;

/// Runs that wait on disk before they are merged with everything older.
/// LIMIT: merging is a quarter of the work of a long import with 4; a search asks each run.
const RUNS_MAX: u8 = 8;

/// Worn windows remembered until the next run.
/// LIMIT: a few megabytes of rewriting.
const WORN_MAX: usize = 4096;

#[derive(Debug, thiserror::Error)]
pub enum IndexError {
    #[error("the index engine failed")]
    Engine(#[source] fjall::Error),
    #[error("the index holds an entry that cannot be read")]
    Entry,
    #[error("the index cannot write to its folder")]
    Stuck,
}

impl From<fjall::Error> for IndexError {
    fn from(source: fjall::Error) -> IndexError {
        IndexError::Engine(source)
    }
}

/// What one write does to the index.
pub(crate) struct IndexChange {
    pub(crate) rid: u64,
    pub(crate) vid: u64,
    pub(crate) deleted: bool,
    pub(crate) add: Vec<Posting>,
    pub(crate) remove: Vec<Posting>,
}

/// The open index.
pub(crate) struct Index {
    shared: Arc<Shared>,
    high_water: AtomicU64, // INVARIANT: the commit of the last batch applied.
    /// The run on its way to disk.
    flusher: Mutex<Option<thread::JoinHandle<()>>>,
}

struct Shared {
    db: Database,
    entries: Keyspace,
    memory: RwLock<Memory>,
    worn: Mutex<BTreeSet<(ListKey, u64)>>,
    patients: Patients,
    /// The last run did not reach the disk.
    stuck: AtomicBool,
}

/// What is not on disk yet.
struct Memory {
    /// On its way to disk, older than all of `young`.
    old: Vec<Arc<Layer>>,
    /// Each at least twice as large as the next, so that there are few.
    young: Vec<Arc<Layer>>,
    seq: Seq,
    /// What the last run on disk goes up to.
    flushed: Seq,
    /// The last run begun.
    run: u32,
}

impl Index {
    /// Opens the index in `folder`, or makes an empty one.
    pub(crate) fn open(folder: &Path) -> Result<Index, IndexError> {
        let db = Database::builder(folder).cache_size(CACHE_BYTES_MAX).worker_threads(1).open()?;
        let entries = db.keyspace("entries", || {
            let merging = Leveled::default().with_l0_threshold(RUNS_MAX);
            KeyspaceCreateOptions::default().compaction_strategy(Arc::new(merging))
        })?;
        let (seq, run) = match entries.get(MARK_KEY)? {
            Some(bytes) => segment::read_mark(&bytes).ok_or(IndexError::Entry)?,
            None => (0, 0),
        };
        let (old, young) = (Vec::new(), Vec::new());
        let memory = Memory { old, young, seq: Seq(seq), flushed: Seq(seq), run };
        let shared = Shared {
            db,
            entries,
            memory: RwLock::new(memory),
            worn: Mutex::default(),
            patients: Patients::default(),
            stuck: AtomicBool::new(false),
        };
        Ok(Index {
            shared: Arc::new(shared),
            high_water: AtomicU64::new(seq),
            flusher: Mutex::new(None),
        })
    }

    /// The last commit that the index holds.
    pub(crate) fn high_water(&self) -> Seq {
        Seq(self.high_water.load(Ordering::Acquire))
    }

    /// Applies the changes of all commits up to `seq`, in one step. Only one thread calls this.
    ///
    /// - Errors: the disk has refused so much that memory would run out.
    /// - Cost: a sort of the batch; nothing waits for the disk unless it is slower than the writer.
    pub(crate) fn apply(&self, seq: Seq, changes: &[IndexChange]) -> Result<(), IndexError> {
        let mut new = Arc::new(Layer::new(changes));
        // Only this thread changes `young`, so that merging needs no lock.
        let mut young = self.shared.read(|memory| memory.young.clone());
        while let Some(last) = young.pop_if(|last| last.len() < 2 * new.len()) {
            new = Arc::new(Layer::merge(&last, &new));
        }
        if !new.is_empty() {
            young.push(new);
        }
        let n_young: usize = young.iter().map(|layer| layer.len()).sum();
        let n_old = self.shared.change(|memory| {
            memory.young = young;
            memory.seq = seq;
            memory.old.iter().map(|layer| layer.len()).sum::<usize>()
        });
        self.high_water.store(seq.0, Ordering::Release);
        if CHANGES_MAX <= n_young {
            self.begin_flush()?;
        }
        if CHANGES_STUCK_MAX <= n_old {
            return Err(IndexError::Stuck);
        }
        Ok(())
    }

    /// Begins to bring what is in memory to disk, and does not wait for it.
    pub(crate) fn flush(&self) -> Result<(), IndexError> {
        self.begin_flush()
    }

    /// Brings everything applied so far to disk. Only a clean close needs it.
    pub(crate) fn persist(&self) -> Result<(), IndexError> {
        self.end_flush();
        let is_there = |memory: &Memory| {
            memory.old.is_empty() && memory.young.is_empty() && memory.flushed == memory.seq
        };
        if !self.shared.read(is_there) {
            self.begin_flush()?;
            self.end_flush();
        }
        if self.shared.stuck.load(Ordering::Acquire) { Err(IndexError::Stuck) } else { Ok(()) }
    }

    /// An unmoving view for one search.
    pub(crate) fn view(&self) -> IndexView<'_> {
        self.shared.read(|memory| IndexView {
            layers: memory.old.iter().chain(&memory.young).map(Arc::clone).collect(),
            // Taken after the layers are known: what left them meanwhile is on disk.
            snapshot: self.shared.db.snapshot(),
            seq: memory.seq,
            flushed: memory.flushed,
            shared: &self.shared,
            patient: None,
        })
    }

    /// Layers in memory, and the number of the last run begun.
    pub(crate) fn figures(&self) -> (u64, u64) {
        self.shared.read(|memory| {
            let layers = memory.old.len() + memory.young.len();
            (u64::try_from(layers).unwrap_or(u64::MAX), u64::from(memory.run))
        })
    }

    /// Hands all layers to a thread that writes them; waits for the one before.
    fn begin_flush(&self) -> Result<(), IndexError> {
        self.end_flush();
        let (layers, seq, run) = self.shared.change(|memory| {
            let young = std::mem::take(&mut memory.young);
            memory.old.extend(young);
            memory.run = memory.run.saturating_add(2);
            (memory.old.clone(), memory.seq, memory.run)
        });
        let shared = Arc::clone(&self.shared);
        let flush = move || match shared.flush(&layers, seq, run) {
            Ok(()) => shared.stuck.store(false, Ordering::Release),
            Err(error) => {
                shared.stuck.store(true, Ordering::Release);
                tracing::error!(%error, "index run not written");
            }
        };
        let spawned = thread::Builder::new().name("ward-flush".to_owned()).spawn(flush);
        let thread = spawned.map_err(|_| IndexError::Stuck)?;
        *self.flusher.lock().unwrap_or_else(PoisonError::into_inner) = Some(thread);
        Ok(())
    }

    fn end_flush(&self) {
        let thread = self.flusher.lock().unwrap_or_else(PoisonError::into_inner).take();
        if let Some(thread) = thread
            && thread.join().is_err()
        {
            self.shared.stuck.store(true, Ordering::Release);
        }
    }
}

impl Drop for Index {
    fn drop(&mut self) {
        self.end_flush();
    }
}

impl Shared {
    /// Writes `layers`, oldest first, as run `run`, and forgets them. Worn windows follow as run
    /// `run - 1`: nothing else has that number, and what is in run `run` is newer than they are.
    fn flush(&self, layers: &[Arc<Layer>], seq: Seq, run: u32) -> Result<(), IndexError> {
        let worn = std::mem::take(&mut *self.worn.lock().unwrap_or_else(PoisonError::into_inner));
        flush::renew(self, &worn, run.saturating_sub(1))?;
        let mut merged = Layer::default();
        for layer in layers {
            merged = Layer::merge(&merged, layer);
        }
        flush::write_run(self, &merged, seq, run)?;
        self.change(|memory| {
            memory.old.clear();
            memory.flushed = seq;
        });
        Ok(())
    }

    fn read<T>(&self, read: impl FnOnce(&Memory) -> T) -> T {
        read(&self.memory.read().unwrap_or_else(PoisonError::into_inner))
    }

    fn change<T>(&self, change: impl FnOnce(&mut Memory) -> T) -> T {
        change(&mut self.memory.write().unwrap_or_else(PoisonError::into_inner))
    }
}

/// The index as it stood after commit `seq`.
pub(crate) struct IndexView<'i> {
    shared: &'i Shared,
    snapshot: Snapshot,
    /// Oldest first.
    layers: SmallVec<[Arc<Layer>; 16]>,
    pub(crate) seq: Seq,
    /// What the runs on disk go up to; one that is on its way may be there too.
    flushed: Seq,
    /// What is on disk of the patient whom several questions are about.
    patient: Option<Arc<PatientLists>>,
}

impl IndexView<'_> {
    /// The records of one list.
    pub(crate) fn list(&self, posting: &Posting) -> ListReader<'_> {
        ListReader::new(self, ListKey::of(posting))
    }

    /// The same view for several questions about one patient, by the leading bytes of their lists.
    pub(crate) fn about_patient(
        self,
        scope: [u8; segment::SCOPE_BYTES],
    ) -> Result<Self, IndexError> {
        let patient = Some(self.shared.patients.of(&self, scope)?);
        Ok(IndexView { patient, ..self })
    }

    /// Whether `rid` stands in the list.
    pub(crate) fn contains(&self, posting: &Posting, rid: u64) -> Result<bool, IndexError> {
        Ok(self.list(posting).seek(rid)? == Some(rid))
    }

    /// The number of a record's current version; `None` when it is deleted. A record that the
    /// index never heard of is taken for one that has its first version.
    pub(crate) fn place(&self, rid: u64) -> Result<Option<u64>, IndexError> {
        if let Some(place) = self.layers.iter().rev().find_map(|layer| layer.place(rid)) {
            return Ok(place.vid);
        }
        match self.snapshot.get(&self.shared.entries, segment::place_key(rid))? {
            Some(value) => segment::read_place(&value).ok_or(IndexError::Entry),
            None => Ok(Some(rid)),
        }
    }

    /// The segments of a list from a window on, oldest of a window first.
    fn segments(
        &self,
        list: &ListKey,
        from: u64,
    ) -> Box<dyn Iterator<Item = Result<Segment, IndexError>> + '_> {
        if let Some(known) = self.patient.as_ref().and_then(|it| it.segments(list, from)) {
            return Box::new(known);
        }
        let range = list.segment(from, 0)..=list.segment(u64::MAX, u32::MAX);
        Box::new(self.snapshot.range(&self.shared.entries, range).map(|entry| {
            let (key, value) = entry.into_inner()?;
            let window = segment::window_of(&key).ok_or(IndexError::Entry)?;
            Ok(Segment { window, value })
        }))
    }

    fn note_worn(&self, list: ListKey, window: u64) {
        let mut worn = self.shared.worn.lock().unwrap_or_else(PoisonError::into_inner);
        if worn.len() < WORN_MAX {
            worn.insert((list, window));
        }
    }
}

#[cfg(test)]
mod tests;
