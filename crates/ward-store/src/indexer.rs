//! The index's own thread: applies batches in order, and replays or rebuilds when in doubt.
//!
//! The next batch of truth runs while this one applies. While a replay is under way new batches
//! are answered at once and found again in truth's log.

use std::{
    fs,
    path::{Path, PathBuf},
    sync::{
        Arc, Mutex, PoisonError, RwLock,
        atomic::{AtomicBool, Ordering},
        mpsc,
    },
    thread,
};

use tokio::sync::{OwnedSemaphorePermit, oneshot, watch};
use ward_fhir::search::unpack;

use crate::{
    RowHead, Seq,
    error::{CommitError, OpenError},
    index::{Index, IndexChange, IndexError, IndexView},
    keys::Keyring,
    postings,
    replay::{self, ReplayError},
    seal,
    search::Past,
    truth::Truth,
    writer::Done,
};

/// Batches between the writer and the index.
/// LIMIT: the index may fall this far behind before the writer waits for it.
const BATCHES_WAITING_MAX: usize = 4;

/// A durable batch on its way into the index.
pub(crate) struct Applied {
    pub(crate) seq: Seq,
    /// Its last commit that left an event.
    pub(crate) told: Option<Seq>,
    pub(crate) changes: Vec<IndexChange>,
    /// Some of it truth's log does not tell, so that no replay would bring it again.
    pub(crate) is_untold: bool,
    pub(crate) answers: Vec<Answer>,
}

pub(crate) type Answer = (
    oneshot::Sender<Result<Done, CommitError>>,
    Result<Done, CommitError>,
    Option<OwnedSemaphorePermit>,
);

enum Message {
    Apply(Applied),
    /// Truth holds commits that were never handed over.
    CatchUp,
    Rebuild,
    Stop,
}

/// The index as readers find it.
pub(crate) struct IndexState {
    folder: PathBuf,
    current: RwLock<Option<Arc<Index>>>,
    ready: AtomicBool,
    applied: watch::Sender<Seq>,
    /// The last applied commit that left an event.
    told: watch::Sender<Seq>,
}

impl IndexState {
    /// The index, when it holds everything that truth does.
    pub(crate) fn ready(&self) -> Option<Arc<Index>> {
        if !self.ready.load(Ordering::Acquire) {
            return None;
        }
        self.current.read().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// The index, ready or not.
    pub(crate) fn current(&self) -> Option<Arc<Index>> {
        self.current.read().unwrap_or_else(PoisonError::into_inner).clone()
    }

    pub(crate) fn is_ready(&self) -> bool {
        self.ready.load(Ordering::Acquire)
    }

    /// The last commit whose caller was answered.
    pub(crate) fn applied(&self) -> Seq {
        *self.applied.borrow()
    }

    pub(crate) fn watch(&self) -> watch::Receiver<Seq> {
        self.applied.subscribe()
    }

    /// The last commit with an event whose caller was answered, or a later one.
    pub(crate) fn told(&self) -> Seq {
        *self.told.borrow()
    }

    pub(crate) fn watch_told(&self) -> watch::Receiver<Seq> {
        self.told.subscribe()
    }
}

/// The way to the index's thread.
#[derive(Clone)]
pub(crate) struct IndexerHandle {
    sender: mpsc::SyncSender<Message>,
    thread: Arc<Mutex<Option<thread::JoinHandle<()>>>>,
}

impl IndexerHandle {
    pub(crate) fn apply(&self, applied: Applied) {
        if let Err(mpsc::SendError(Message::Apply(applied))) =
            self.sender.send(Message::Apply(applied))
        {
            // The thread is gone; what is durable stays so, and the next start replays it.
            answer_all(applied.answers);
        }
    }

    pub(crate) fn catch_up(&self) {
        let _ = self.sender.send(Message::CatchUp);
    }

    pub(crate) fn rebuild(&self) {
        let _ = self.sender.send(Message::Rebuild);
    }

    /// Stops the thread after what is waiting, and waits for it.
    pub(crate) fn stop(&self) {
        let _ = self.sender.send(Message::Stop);
        let thread = self.thread.lock().unwrap_or_else(PoisonError::into_inner).take();
        if let Some(thread) = thread {
            let _ = thread.join();
        }
    }
}

/// Opens the index in `folder` and starts its thread. What is missing is replayed there.
pub(crate) fn start(
    folder: &Path,
    truth: Arc<Truth>,
    keyring: Arc<Keyring>,
) -> Result<(Arc<IndexState>, IndexerHandle), OpenError> {
    let last = truth.last_seq()?;
    let mut index = newest(folder).and_then(|it| Index::open(&it).map_err(|_| ()).ok());
    if index.as_ref().is_some_and(|index| last < index.high_water()) {
        // It tells of commits that truth does not have: truth was put back to an older state.
        index = None;
    }
    if index.as_ref().is_some_and(|index| !tells_of(index, &truth, &keyring)) {
        tracing::warn!("index is of another history");
        index = None;
    }
    let index = match index {
        Some(index) => index,
        None => fresh(folder)?,
    };
    let from = index.high_water();
    let state = Arc::new(IndexState {
        folder: folder.to_owned(),
        current: RwLock::new(Some(Arc::new(index))),
        ready: AtomicBool::new(false),
        applied: watch::Sender::new(last),
        told: watch::Sender::new(last),
    });
    let (sender, receiver) = mpsc::sync_channel(BATCHES_WAITING_MAX);
    let mut indexer = Indexer {
        state: Arc::clone(&state),
        truth,
        keyring,
        replay_from: Some(from),
        is_doubtful: false,
        n_steps: 0,
        n_failed: 0,
    };
    // A short tail is not worth a moment without search.
    indexer.replay_short();
    let thread = thread::Builder::new()
        .name("ward-index".to_owned())
        .spawn(move || indexer.run(&receiver))
        .map_err(OpenError::Thread)?;
    let thread = Arc::new(Mutex::new(Some(thread)));
    Ok((state, IndexerHandle { sender, thread }))
}

/// Versions compared at start.
/// LIMIT: a few milliseconds.
const COMPARED_AT_START: u64 = 32;

/// Whether the newest records of the index are those of truth: a truth that was put back and went
/// on from there may have reached the same number of commits.
fn tells_of(index: &Index, truth: &Truth, keyring: &Keyring) -> bool {
    let seq = index.high_water();
    let check = || -> Result<bool, ReplayError> {
        let view = index.view();
        let last = truth.last_vid()?;
        let first = last.saturating_sub(COMPARED_AT_START).saturating_add(1);
        let n = usize::try_from(COMPARED_AT_START).unwrap_or(usize::MAX);
        for row in truth.rows_from(first, n)? {
            let Some((head, terms)) = truth.row_at(row.head.rid, seq)? else { continue };
            // What was deleted or destroyed has no place, and nothing to compare.
            let Some(vid) = view.place(head.rid)? else { continue };
            if vid != head.vid || !stands_in_lists(&view, keyring, &head, &terms)? {
                return Ok(false);
            }
        }
        Ok(true)
    };
    check().unwrap_or(false)
}

/// Whether a record stands in every list that its terms name.
fn stands_in_lists(
    view: &IndexView<'_>,
    keyring: &Keyring,
    head: &RowHead,
    sealed_terms: &[u8],
) -> Result<bool, ReplayError> {
    let mut plain = Vec::new();
    seal::open_terms(keyring, head, sealed_terms, &mut plain)?;
    let terms = unpack(&plain)?;
    let postings = postings::derive(keyring, head.kind, &head.patients, &terms);
    for posting in postings.map_err(seal::SealError::from)? {
        if !view.contains(&posting, head.rid)? {
            return Ok(false);
        }
    }
    Ok(true)
}

struct Indexer {
    state: Arc<IndexState>,
    truth: Arc<Truth>,
    keyring: Arc<Keyring>,
    /// While set, the index holds commits up to here, and the rest comes from truth.
    replay_from: Option<Seq>,
    /// Whether commits may have left events that nobody was told of.
    is_doubtful: bool,
    /// Steps of the replay that is under way.
    n_steps: usize,
    /// Replays in a row that failed.
    n_failed: u32,
}

/// Steps of replay done before a chart opens.
/// LIMIT: well under a second.
const SHORT_STEPS: usize = 8;

/// Steps of a replay that are worth writing down.
/// LIMIT: half of what a start does before it opens.
const KEPT_STEPS: usize = SHORT_STEPS / 2;

/// Replays that may fail before the index is left alone until the next start.
/// LIMIT: a second try on a fresh index helps; a third never did.
const REPLAYS_FAILED_MAX: u32 = 3;

impl Indexer {
    fn run(&mut self, receiver: &mpsc::Receiver<Message>) {
        loop {
            let message = match self.replay_from {
                None => receiver.recv().ok(),
                Some(_) if REPLAYS_FAILED_MAX <= self.n_failed => receiver.recv().ok(),
                Some(_) => match receiver.try_recv() {
                    Ok(message) => Some(message),
                    Err(mpsc::TryRecvError::Disconnected) => None,
                    Err(mpsc::TryRecvError::Empty) => {
                        self.replay_step();
                        continue;
                    }
                },
            };
            match message {
                None | Some(Message::Stop) => break,
                Some(Message::Apply(applied)) => self.apply(applied),
                Some(Message::CatchUp) => {
                    self.is_doubtful = true;
                    self.doubt_from(self.high_water());
                }
                Some(Message::Rebuild) => self.rebuild(),
            }
        }
        if let Some(index) = self.state.current()
            && let Err(error) = index.persist()
        {
            tracing::warn!(%error, "index not written; the next start replays");
        }
        *self.state.current.write().unwrap_or_else(PoisonError::into_inner) = None;
    }

    fn high_water(&self) -> Seq {
        self.state.current().map_or(Seq(0), |index| index.high_water())
    }

    fn apply(&mut self, applied: Applied) {
        // A batch whose commits came from truth already changes nothing a second time, but one
        // without a number of its own (a destroyed patient) must be applied whatever it says.
        if self.replay_from.is_none() {
            let result = match self.state.current() {
                Some(index) => index
                    .apply(applied.seq.max(index.high_water()), &applied.changes)
                    .and_then(|()| if applied.is_untold { index.persist() } else { Ok(()) }),
                None => Ok(()),
            };
            if let Err(error) = result {
                tracing::error!(%error, "index refused a batch");
                self.rebuild();
            }
        }
        raise(&self.state.applied, applied.seq);
        // After the other: who wakes by this looks as far as that.
        let told = match std::mem::take(&mut self.is_doubtful) {
            true => Some(applied.seq),
            false => applied.told,
        };
        if let Some(told) = told {
            raise(&self.state.told, told);
        }
        answer_all(applied.answers);
    }

    fn doubt_from(&mut self, from: Seq) {
        self.state.ready.store(false, Ordering::Release);
        self.replay_from = Some(from);
        self.n_failed = 0;
    }

    fn rebuild(&mut self) {
        self.state.ready.store(false, Ordering::Release);
        let fresh = fresh(&self.state.folder);
        let mut current = self.state.current.write().unwrap_or_else(PoisonError::into_inner);
        match fresh {
            Ok(index) => *current = Some(Arc::new(index)),
            Err(error) => {
                tracing::error!(%error, "index could not be made");
                *current = None;
                self.n_failed = REPLAYS_FAILED_MAX;
                self.replay_from = Some(Seq(0));
                return;
            }
        }
        drop(current);
        self.doubt_from(Seq(0));
        tracing::info!("index rebuild started");
    }

    fn replay_short(&mut self) {
        for _ in 0..SHORT_STEPS {
            if self.replay_from.is_none() {
                return;
            }
            self.replay_step();
        }
    }

    fn replay_step(&mut self) {
        let Some(from) = self.replay_from else { return };
        let step = match self.state.current() {
            Some(index) => replay::step(&self.truth, &self.keyring, &index, from),
            None => Ok(None),
        };
        match step {
            Ok(Some(seq)) => {
                self.replay_from = Some(seq);
                self.n_steps += 1;
                self.n_failed = 0;
            }
            Ok(None) => {
                // Batches still in the channel are not newer than what was just read, or they
                // will be applied next: either way nothing is missed.
                self.replay_from = None;
                self.state.ready.store(true, Ordering::Release);
                self.keep_replayed();
            }
            Err(error) => self.replay_failed(&error),
        }
    }

    /// Sends what a replay brought to disk: a server that is killed again and again before its
    /// index is full would replay more each time.
    fn keep_replayed(&mut self) {
        if KEPT_STEPS <= std::mem::take(&mut self.n_steps)
            && let Some(index) = self.state.current()
            && let Err(error) = index.flush()
        {
            tracing::warn!(%error, "replayed index not written; the next start replays again");
        }
    }

    fn replay_failed(&mut self, error: &ReplayError) {
        self.n_failed += 1;
        tracing::error!(%error, n_failed = self.n_failed, "index replay failed");
        if self.n_failed < REPLAYS_FAILED_MAX && matches!(error, ReplayError::Index(_)) {
            let n_failed = self.n_failed;
            self.rebuild();
            self.n_failed = n_failed;
        }
    }
}

fn raise(watched: &watch::Sender<Seq>, to: Seq) {
    watched.send_if_modified(|seq| {
        let newer = *seq < to;
        *seq = to.max(*seq);
        newer
    });
}

fn answer_all(answers: Vec<Answer>) {
    for (to, result, room) in answers {
        let _ = to.send(result);
        drop(room);
    }
}

/// The folder of the newest index, if there is one. Older ones are cleared away.
fn newest(folder: &Path) -> Option<PathBuf> {
    let mut numbers = numbers_in(folder);
    let newest = numbers.pop()?;
    for old in numbers {
        let _ = fs::remove_dir_all(folder.join(old.to_string()));
    }
    Some(folder.join(newest.to_string()))
}

/// An empty index under a number that none had before. Readers may still hold the one before it.
fn fresh(folder: &Path) -> Result<Index, OpenError> {
    let number = numbers_in(folder).last().map_or(1, |last| last.saturating_add(1));
    let folder = folder.join(number.to_string());
    let failed = |source| OpenError::Io { path: folder.clone(), source };
    fs::create_dir_all(&folder).map_err(failed)?;
    Index::open(&folder).map_err(|source: IndexError| OpenError::Index(source))
}

fn numbers_in(folder: &Path) -> Vec<u64> {
    let entries = fs::read_dir(folder).into_iter().flatten().flatten();
    let mut numbers: Vec<u64> =
        entries.filter_map(|entry| entry.file_name().to_str()?.parse().ok()).collect();
    numbers.sort_unstable();
    numbers
}
