//! The one writer: groups waiting units into one durable batch, checks each in order, and answers
//! each caller after the batch is durable and the index holds it.

pub(crate) mod batch;
mod besides;
pub(crate) mod faults;
mod fold;
pub(crate) mod kept;
mod pace;
mod recent;
mod sign;

use std::{
    path::PathBuf,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    thread,
    time::Duration,
};

use rusqlite::Connection;
use tokio::sync::{OwnedSemaphorePermit, Semaphore, mpsc, oneshot};
use ward_crypto::{Random, TenantKey, checkpoint::CheckpointSigner, merkle::Frontier};

use self::{faults::Faults, fold::Fold, pace::Pace, recent::Recent};
use crate::{
    Seq,
    audit::anchor::Anchors,
    error::{CommitError, OpenError},
    indexer::IndexerHandle,
    keys::{Keyring, Scope},
    limits::StoreLimits,
    lock::Lock,
    prepare::PreparedUnit,
    queue::{CommandId, Leased},
    truth::Truth,
    unit::Receipt,
};

pub(crate) const IDEMPOTENCY_LABEL: &str = "idempotency";

/// What the writer does besides a unit's own writes.
pub(crate) enum Work {
    Lease {
        lane: [u8; 16],
        until_us: i64,
        n: usize,
    },
    Retry {
        id: CommandId,
        not_before_us: i64,
    },
    Bury {
        id: CommandId,
    },
    /// Destroys a patient's key; the changes take its records out of the index.
    Destroy {
        scope: Scope,
        changes: Vec<crate::index::IndexChange>,
    },
    /// Wraps every data key under a new tenant key.
    Rotate {
        tenant: Box<TenantKey>,
        wrapped: Vec<u8>,
    },
    /// Takes away messages whose time is over.
    Prune {
        before_us: i64,
        n: usize,
    },
    /// Nothing, but after everything that came before.
    Flush,
    /// Signs a checkpoint now.
    Checkpoint,
}

/// What a unit came to.
pub(crate) struct Done {
    pub(crate) receipt: Receipt,
    pub(crate) leased: Vec<Leased>,
    /// Keys, or whatever else the work counts.
    pub(crate) n_keys: u64,
}

/// A unit on its way to the writer.
pub(crate) struct Job {
    pub(crate) unit: PreparedUnit,
    pub(crate) work: Option<Work>,
    pub(crate) answer: oneshot::Sender<Result<Done, CommitError>>,
    /// Room taken up until the unit is answered.
    pub(crate) room: Option<OwnedSemaphorePermit>,
}

enum Message {
    Job(Box<Job>),
    Stop(oneshot::Sender<()>),
}

/// The way to the writer.
pub(crate) struct WriterHandle {
    /// Taken only by `drop`.
    sender: Option<mpsc::Sender<Message>>,
    room: Arc<Semaphore>,
    room_max: u32,
    /// For how many units the writer waits, if it does; see [`Pace`].
    wanted: Arc<AtomicUsize>,
    thread: Option<thread::JoinHandle<()>>,
}

impl Drop for WriterHandle {
    /// Waits until everything handed over is durable and the files are closed.
    fn drop(&mut self) {
        self.sender = None;
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}

/// What the writer is made of.
pub(crate) struct WriterParts {
    pub(crate) path: PathBuf,
    pub(crate) db: Connection,
    pub(crate) truth: Arc<Truth>,
    pub(crate) keyring: Arc<Keyring>,
    pub(crate) random: Arc<dyn Random>,
    pub(crate) limits: StoreLimits,
    pub(crate) signer: CheckpointSigner,
    pub(crate) anchors: Anchors,
    pub(crate) indexer: IndexerHandle,
    pub(crate) faults: Arc<dyn Faults>,
    /// Kept until the last write is done.
    pub(crate) _lock: Lock,
}

/// Where truth stands.
#[derive(Clone)]
struct State {
    seq: Seq,
    vid: u64,
    /// The last message's number.
    message: u64,
    frontier: Frontier,
    /// Entries and time covered by the last checkpoint.
    checked_len: u64,
    checked_us: i64,
}

struct Writer {
    // Dropped before the lock that `parts` holds.
    fold: Fold,
    parts: WriterParts,
    /// `None` after a failed flush, until the file has been opened again.
    db: Option<Connection>,
    state: State,
    recent: Recent,
    pace: Pace,
    wanted: Arc<AtomicUsize>,
    /// What the last flush took.
    flush: Duration,
    /// Up to which message the batch at hand takes tokens to disk, if it does.
    in_runs: Option<u64>,
    /// Whether a batch failed, and the newest messages have to be read again.
    has_failed: bool,
}

/// Bytes that one permit stands for.
const ROOM_UNIT: usize = 1024;

impl WriterHandle {
    /// Starts the writer's thread.
    pub(crate) fn start(mut parts: WriterParts) -> Result<WriterHandle, OpenError> {
        let limits = parts.limits;
        let (sender, mut receiver) = mpsc::channel(limits.units_waiting.max(1));
        let room_max = u32::try_from(limits.bytes_waiting / ROOM_UNIT).unwrap_or(u32::MAX).max(1);
        let room_permits = usize::try_from(room_max).unwrap_or(usize::MAX);
        let state = batch::load_state(&parts.db)?;
        parts.truth.newest.open(&parts.db)?;
        let mut db = std::mem::replace(&mut parts.db, crate::truth::nothing()?);
        let recent = Recent::new(state.seq);
        let fold = Fold::start(&parts.path)?;
        fold.watch(&mut db)?;
        let (db, in_runs, has_failed) = (Some(db), None, false);
        let (pace, flush) = (Pace::default(), Duration::ZERO);
        let wanted = Arc::new(AtomicUsize::new(0));
        let mut writer = Writer {
            fold,
            parts,
            db,
            state,
            recent,
            pace,
            wanted: Arc::clone(&wanted),
            flush,
            in_runs,
            has_failed,
        };
        let thread = thread::Builder::new()
            .name("ward-writer".to_owned())
            .spawn(move || writer.run(&mut receiver))
            .map_err(OpenError::Thread)?;
        let room = Arc::new(Semaphore::new(room_permits));
        Ok(WriterHandle { sender: Some(sender), room, room_max, wanted, thread: Some(thread) })
    }

    /// Hands a unit over and waits until it is durable or refused.
    pub(crate) async fn send(
        &self,
        unit: PreparedUnit,
        work: Option<Work>,
    ) -> Result<Done, CommitError> {
        let (answer, answered) = oneshot::channel();
        let wanted = u32::try_from(unit.n_bytes / ROOM_UNIT + 1).unwrap_or(u32::MAX);
        let room = Arc::clone(&self.room)
            .acquire_many_owned(wanted.min(self.room_max))
            .await
            .map_err(|_| CommitError::Closed)?;
        self.put(Job { unit, work, answer, room: Some(room) })?;
        answered.await.map_err(|_| CommitError::Closed)?
    }

    /// Units that the writer has not taken yet.
    pub(crate) fn waiting(&self) -> u64 {
        let waiting = self.sender.as_ref().map_or(0, |it| it.max_capacity() - it.capacity());
        u64::try_from(waiting).unwrap_or(u64::MAX)
    }

    /// Hands a unit over without waiting for anything.
    pub(crate) fn send_and_forget(&self, unit: PreparedUnit) -> Result<(), CommitError> {
        let (answer, _) = oneshot::channel();
        self.put(Job { unit, work: None, answer, room: None })
    }

    /// Stops the writer after what is waiting.
    pub(crate) async fn stop(&self) {
        let (answer, answered) = oneshot::channel();
        let Some(sender) = &self.sender else { return };
        if sender.send(Message::Stop(answer)).await.is_ok() {
            let _ = answered.await;
        }
    }

    fn put(&self, job: Job) -> Result<(), CommitError> {
        let sender = self.sender.as_ref().ok_or(CommitError::Closed)?;
        sender.try_send(Message::Job(Box::new(job))).map_err(|refused| match refused {
            mpsc::error::TrySendError::Full(_) => CommitError::Busy,
            mpsc::error::TrySendError::Closed(_) => CommitError::Closed,
        })?;
        // One more is in the writer's hands already.
        let wanted = self.wanted.load(Ordering::SeqCst);
        if let (1.., Some(writer)) = (wanted, &self.thread)
            && u64::try_from(wanted).is_ok_and(|wanted| wanted <= self.waiting() + 1)
        {
            writer.thread().unpark();
        }
        Ok(())
    }
}

impl Writer {
    fn run(&mut self, receiver: &mut mpsc::Receiver<Message>) {
        let mut stop = None;
        while stop.is_none() {
            let Some(first) = receiver.blocking_recv() else { break };
            // Whoever is about to hand something over may do so first: on a busy machine that makes
            // fewer and larger flushes, on an idle one it costs nothing.
            thread::yield_now();
            self.pace.wait(&self.wanted, || receiver.len() + 1);
            let mut jobs = Vec::new();
            let mut n_bytes = 0;
            let mut next = Some(first);
            while let Some(message) = next.take() {
                match message {
                    Message::Stop(answer) => {
                        stop = Some(answer);
                        break;
                    }
                    Message::Job(job) if matches!(job.work, Some(Work::Rotate { .. })) => {
                        // Alone in its batch: what follows must wrap under the new key.
                        if !jobs.is_empty() {
                            self.commit(std::mem::take(&mut jobs));
                        }
                        self.commit(vec![*job]);
                        break;
                    }
                    Message::Job(job) => {
                        n_bytes += job.unit.n_bytes;
                        jobs.push(*job);
                    }
                }
                let limits = &self.parts.limits;
                if jobs.len() < limits.units_per_commit && n_bytes < limits.bytes_per_commit {
                    next = receiver.try_recv().ok();
                }
            }
            if !jobs.is_empty() {
                let n = jobs.len();
                self.commit(jobs);
                self.pace.committed(self.flush, n, receiver.len());
            }
        }
        receiver.close();
        // Whoever was waiting behind the stop learns it by the dropped answer.
        while receiver.try_recv().is_ok() {}
        if let Some(db) = self.db.take() {
            // On a clean close the log is folded into the file; failing that costs nothing.
            self.fold.whole(&db);
            drop(db);
        }
        self.parts.indexer.stop();
        if let Some(answer) = stop {
            let _ = answer.send(());
        }
    }
}
