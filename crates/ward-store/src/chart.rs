//! The chart: opening, committing, and the doors to everything else.

use std::{
    fs,
    path::{Path, PathBuf},
    sync::Arc,
};

use jiff::Timestamp;
use ward_core::{ActorKind, AuditOutcome, Ctx, Phi, ResourceType};
use ward_crypto::{Random, RootKey, Secret32, TenantKey, checkpoint::CheckpointSigner};
use ward_policy::{Action, Policy};

use crate::{
    Seq,
    audit::{AuditDraft, AuditEntry, AuditFilter, AuditPage, anchor::Anchors, list},
    error::{CommitError, OpenError, ReadError},
    feed::{self, ConsumerName, Event, EventFilter, FeedPlace},
    indexer::{self, IndexState, IndexerHandle},
    keys::{Keyring, Scope},
    limits::StoreLimits,
    lock::Lock,
    prepare::{self, Bench, PreparedUnit},
    queue::{self, Command, CommandId},
    reader::Reader,
    record::Stored,
    search::OpenedRows,
    truth::{self, TenantRow, Truth, TruthError, schema},
    unit::{CommitUnit, Interaction, Receipt},
    writer::{
        Work, WriterHandle, WriterParts,
        faults::{Faults, NoFaults},
        kept,
    },
};

/// How a chart is made or opened.
#[derive(Clone)]
pub struct ChartOptions {
    /// The folder of the chart; the root key is never inside.
    pub data: PathBuf,
    pub root: Arc<dyn RootKey>,
    pub random: Arc<dyn Random>,
    pub policy: Arc<Policy>,
    /// Files or folders outside `data` that signed checkpoints of the audit log are appended to.
    pub anchors: Vec<PathBuf>,
    pub limits: StoreLimits,
}

/// An open chart. Clones are the same chart.
#[derive(Clone)]
pub struct Chart {
    pub(crate) inner: Arc<Inner>,
}

pub(crate) struct Inner {
    // Dropped first: it waits for the threads that use the rest.
    pub(crate) writer: WriterHandle,
    pub(crate) indexer: IndexerHandle,
    pub(crate) index: Arc<IndexState>,
    pub(crate) truth: Arc<Truth>,
    pub(crate) opened: OpenedRows,
    pub(crate) keyring: Arc<Keyring>,
    pub(crate) policy: Arc<Policy>,
    pub(crate) random: Arc<dyn Random>,
    pub(crate) root: Arc<dyn RootKey>,
}

impl Chart {
    /// Makes a chart in an empty or missing folder, and opens it.
    ///
    /// - Errors: see [`OpenError`]; a folder with anything in it is left as it is.
    pub fn init(options: ChartOptions, now: Timestamp) -> Result<Chart, OpenError> {
        let data = &options.data;
        let failed = |source| OpenError::Io { path: data.clone(), source };
        fs::create_dir_all(data).map_err(failed)?;
        if fs::read_dir(data).map_err(failed)?.next().is_some() {
            return Err(OpenError::NotEmpty(data.clone()));
        }
        only_for_owner(data).map_err(failed)?;
        let lock = Lock::take(data)?;
        let tenant = new_tenant(options.root.as_ref(), options.random.as_ref())?;
        let path = data.join(Truth::FILE);
        let db = truth::open_writer(&path, options.limits.pages)?;
        truth::create(&db, &tenant)?;
        drop(db);
        only_for_owner_file(&path).map_err(failed)?;
        Chart::with(options, lock, Arc::new(NoFaults), now)
    }

    /// Opens the chart in a folder, and replays into the index what it lacks.
    ///
    /// - Errors: see [`OpenError`].
    /// - Cost: a tail of a few thousand records is replayed before this returns; a longer one, or
    ///   a whole new index, in the background, while reads by id and commits go on.
    pub fn open(options: ChartOptions, now: Timestamp) -> Result<Chart, OpenError> {
        Chart::open_with(options, Arc::new(NoFaults), now)
    }

    pub(crate) fn open_with(
        options: ChartOptions,
        faults: Arc<dyn Faults>,
        now: Timestamp,
    ) -> Result<Chart, OpenError> {
        if !options.data.join(Truth::FILE).is_file() {
            return Err(OpenError::NoChart(options.data));
        }
        let lock = Lock::take(&options.data)?;
        Chart::with(options, lock, faults, now)
    }

    fn with(
        options: ChartOptions,
        lock: Lock,
        faults: Arc<dyn Faults>,
        _now: Timestamp,
    ) -> Result<Chart, OpenError> {
        let ChartOptions { data, root, random, policy, anchors, limits } = options;
        let path = data.join(Truth::FILE);
        let db = truth::open_writer(&path, limits.pages)?;
        truth::upgrade(&db)?;
        check_layout(&db)?;
        queue::release(&db)?;
        let truth = Arc::new(Truth::open(&path, limits.readers));
        let tenant = truth.tenant()?;
        let keyring = Arc::new(open_keyring(&truth, root.as_ref(), &tenant, limits.keys_cached)?);
        let signer = open_signer(root.as_ref(), &tenant)?;
        let (index, indexer) =
            indexer::start(&data.join("index"), Arc::clone(&truth), Arc::clone(&keyring))?;
        let writer = WriterHandle::start(WriterParts {
            path,
            db,
            truth: Arc::clone(&truth),
            keyring: Arc::clone(&keyring),
            random: Arc::clone(&random),
            limits,
            signer,
            anchors: Anchors::new(anchors),
            indexer: indexer.clone(),
            faults,
            _lock: lock,
        })?;
        let opened = OpenedRows::default();
        let inner = Inner { writer, indexer, index, truth, opened, keyring, policy, random, root };
        Ok(Chart { inner: Arc::new(inner) })
    }

    /// Signs a last checkpoint, finishes what is waiting and closes the files.
    ///
    /// Clones that are still around answer `Closed` from then on. A chart that is only dropped
    /// loses nothing either; the next start may have a tail to replay.
    pub async fn close(self, now: Timestamp) {
        let last = PreparedUnit::empty(now.as_microsecond());
        let _ = self.inner.writer.send(last, Some(Work::Checkpoint)).await;
        self.inner.writer.stop().await;
    }

    /// Begins one audited interaction that reads.
    ///
    /// - Audit: the entry is written by [`Reader::finish`]; a reader that is dropped without it
    ///   leaves an entry that says so.
    pub fn reader<'a>(&'a self, cx: &'a Ctx, act: Interaction) -> Reader<'a> {
        Reader::new(self, cx, act)
    }

    /// Writes one unit, durably and as a whole, and returns when searches see it.
    ///
    /// - Errors: see [`CommitError`].
    /// - Audit: the entry joins the commit; a refused unit leaves one that says so.
    /// - Cost: one flush, shared with everyone who waits at the same time.
    /// - Repeat: safe with an idempotency key; otherwise a repetition is refused as stale.
    pub async fn commit(
        &self,
        cx: &Ctx,
        act: Interaction,
        unit: CommitUnit,
    ) -> Result<Receipt, CommitError> {
        self.commit_having_seen(cx, act, unit, Vec::new()).await
    }

    /// Commits, with the patients whose records were read for it in the same audit entry.
    pub(crate) async fn commit_having_seen(
        &self,
        cx: &Ctx,
        act: Interaction,
        unit: CommitUnit,
        seen: Vec<Scope>,
    ) -> Result<Receipt, CommitError> {
        let inner = &self.inner;
        let bench = Bench {
            policy: &inner.policy,
            keyring: &inner.keyring,
            truth: &inner.truth,
            random: inner.random.as_ref(),
        };
        // Asked first: a repetition is stale in every other way.
        if let Some(key) = &unit.idempotency
            && let Some(receipt) = inner
                .truth
                .read(|db| kept::kept_answer(db, &inner.keyring, key, cx.now.as_microsecond()))?
        {
            self.audit_having_seen(cx, act, AuditOutcome::Success, seen).await?;
            return Ok(receipt);
        }
        match prepare::prepare(&bench, cx, act.clone(), unit, &seen) {
            Ok(prepared) => Ok(inner.writer.send(prepared, None).await?.receipt),
            Err(refused) => {
                self.audit_having_seen(cx, act, AuditOutcome::MinorFailure, seen).await?;
                Err(refused)
            }
        }
    }

    /// Writes an audit entry for what is neither a read nor a write of records.
    pub async fn audit(
        &self,
        cx: &Ctx,
        act: Interaction,
        outcome: AuditOutcome,
    ) -> Result<(), CommitError> {
        self.audit_having_seen(cx, act, outcome, Vec::new()).await
    }

    pub(crate) async fn audit_having_seen(
        &self,
        cx: &Ctx,
        act: Interaction,
        outcome: AuditOutcome,
        seen: Vec<Scope>,
    ) -> Result<(), CommitError> {
        let mut draft = AuditDraft::new(cx, act, outcome);
        draft.add_patients(seen);
        self.inner.writer.send(PreparedUnit::audit_only(draft), None).await?;
        Ok(())
    }

    /// The last commit that searches see.
    pub fn seq(&self) -> Seq {
        self.inner.index.applied()
    }

    /// Whether searches are answered; reads by id always are.
    pub fn is_search_ready(&self) -> bool {
        self.inner.index.is_ready()
    }

    /// Waits until commit `seq` can be searched.
    pub async fn wait_for(&self, seq: Seq) {
        let mut applied = self.inner.index.watch();
        let _ = applied.wait_for(|at| seq <= *at).await;
    }

    /// The events after `place`, oldest first, and the place to go on from.
    ///
    /// - Errors: [`ReadError::NotAllowed`] for anyone but Ward itself: the feed holds everything.
    pub fn events_after(
        &self,
        cx: &Ctx,
        place: FeedPlace,
        filter: &EventFilter,
        limit: usize,
    ) -> Result<(Vec<Event>, FeedPlace), ReadError> {
        self.events_of(cx, place, std::slice::from_ref(filter), limit)
    }

    /// As [`Chart::events_after`], of events that any of the filters wants.
    pub fn events_of(
        &self,
        cx: &Ctx,
        place: FeedPlace,
        filters: &[EventFilter],
        limit: usize,
    ) -> Result<(Vec<Event>, FeedPlace), ReadError> {
        only_ward(cx)?;
        feed::events_after(&self.inner.truth, &self.inner.keyring, place, filters, limit)
    }

    /// The version before one, for whoever has to know what was changed.
    ///
    /// - Errors: [`ReadError::NotAllowed`] for anyone but Ward itself.
    pub fn version_before(&self, cx: &Ctx, of: &Stored) -> Result<Option<Stored>, ReadError> {
        only_ward(cx)?;
        let inner = &self.inner;
        let Some(version) = of.version.checked_sub(1).filter(|it| *it != 0) else {
            return Ok(None);
        };
        let row = inner.truth.version(&inner.keyring.blind_id(&of.key), version)?;
        row.map(|row| crate::reader::open(&inner.keyring, &row)).transpose()
    }

    /// The event that stands at one place; none where it was of a destroyed patient.
    ///
    /// - Errors: [`ReadError::NotAllowed`] for anyone but Ward itself.
    pub fn event_at(&self, cx: &Ctx, place: FeedPlace) -> Result<Option<Event>, ReadError> {
        only_ward(cx)?;
        feed::event_at(&self.inner.truth, &self.inner.keyring, place)
    }

    /// The last commit that left an event, or a later one.
    pub fn told(&self) -> Seq {
        self.inner.index.told()
    }

    /// Waits for a commit after `seq` that left an event and can be searched.
    ///
    /// - Cost: commits without an event, such as messages that are only kept, wake nobody.
    pub async fn wait_for_event_after(&self, seq: Seq) {
        let mut told = self.inner.index.watch_told();
        let _ = told.wait_for(|at| seq < *at).await;
    }

    /// Where a consumer of the feed stands.
    pub fn position(&self, name: &ConsumerName) -> Result<FeedPlace, ReadError> {
        Ok(feed::position(&self.inner.truth, name)?)
    }

    /// The record versions of the commits after `seq`, oldest first and by whole commits; at
    /// least one commit, and then no more than about `limit` versions; and the last commit that was
    /// looked at, to go on from. Many commits change no record: none may be among `limit` of them.
    ///
    /// - Errors: [`ReadError::NotAllowed`] for anyone but Ward itself.
    pub fn changes_since(
        &self,
        cx: &Ctx,
        seq: Seq,
        limit: usize,
    ) -> Result<(Vec<Stored>, Seq), ReadError> {
        only_ward(cx)?;
        self.changes(seq, limit, |_| true)
    }

    /// The same, of some kinds only: the others are passed over without being opened.
    pub fn changes_of(
        &self,
        cx: &Ctx,
        kinds: &[ResourceType],
        seq: Seq,
        limit: usize,
    ) -> Result<(Vec<Stored>, Seq), ReadError> {
        only_ward(cx)?;
        self.changes(seq, limit, |kind| kinds.contains(&kind))
    }

    fn changes(
        &self,
        seq: Seq,
        limit: usize,
        is_wanted: impl Fn(ResourceType) -> bool,
    ) -> Result<(Vec<Stored>, Seq), ReadError> {
        let truth = &self.inner.truth;
        let commits = truth.commits_after(seq, limit.clamp(1, 1_000))?;
        let Some(first) = commits.first() else { return Ok((Vec::new(), seq)) };
        let (mut n, mut last) = (0, seq);
        for commit in &commits {
            let more = usize::try_from(commit.n_versions).unwrap_or(usize::MAX);
            if n != 0 && limit < n + more {
                break;
            }
            n += more;
            last = commit.seq;
        }
        let rows = truth.rows_of(first.first_vid, n, &is_wanted)?;
        let opened = rows.iter().map(|row| crate::reader::open(&self.inner.keyring, row));
        // What was of a destroyed patient is gone for consumers too.
        let known = opened.filter(|it| !matches!(it, Err(ReadError::Destroyed)));
        Ok((known.collect::<Result<_, _>>()?, last))
    }

    /// Takes commands of one lane to work on until `until`.
    pub async fn lease(
        &self,
        cx: &Ctx,
        lane: &str,
        until: Timestamp,
        limit: usize,
    ) -> Result<Vec<Command>, CommitError> {
        only_ward(cx).map_err(|_| CommitError::NotAllowed)?;
        let lane_blind = self.inner.keyring.lane(lane);
        let work = Work::Lease { lane: lane_blind, until_us: until.as_microsecond(), n: limit };
        let unit = PreparedUnit::empty(cx.now.as_microsecond());
        let done = self.inner.writer.send(unit, Some(work)).await?;
        queue::open(&self.inner.keyring, lane, done.leased)
            .map_err(|_| CommitError::Unavailable("a command does not open"))
    }

    /// Whether a command of one lane can be leased now.
    pub fn has_command(&self, cx: &Ctx, lane: &str) -> Result<bool, ReadError> {
        only_ward(cx)?;
        let (lane, now_us) = (self.inner.keyring.lane(lane), cx.now.as_microsecond());
        Ok(self.inner.truth.read(|db| queue::is_ready(db, &lane, now_us))?)
    }

    /// Gives a command back, to be done at `not_before`.
    pub async fn retry(
        &self,
        cx: &Ctx,
        id: CommandId,
        not_before: Timestamp,
    ) -> Result<(), CommitError> {
        only_ward(cx).map_err(|_| CommitError::NotAllowed)?;
        let work = Work::Retry { id, not_before_us: not_before.as_microsecond() };
        let unit = PreparedUnit::empty(cx.now.as_microsecond());
        self.inner.writer.send(unit, Some(work)).await.map(|_| ())
    }

    /// Puts a command that cannot be done aside, for a person to look at.
    pub async fn bury(&self, cx: &Ctx, id: CommandId) -> Result<(), CommitError> {
        only_ward(cx).map_err(|_| CommitError::NotAllowed)?;
        let unit = PreparedUnit::empty(cx.now.as_microsecond());
        self.inner.writer.send(unit, Some(Work::Bury { id })).await.map(|_| ())
    }

    /// Commands waiting, leased and dead.
    pub fn queue_counts(&self) -> Result<[u64; 3], ReadError> {
        Ok(self.inner.truth.read(queue::counts)?)
    }

    /// One page of the audit log.
    ///
    /// - Audit: reading the log is on the log too.
    pub async fn audit_entries(
        &self,
        cx: &Ctx,
        filter: &AuditFilter,
    ) -> Result<AuditPage, ReadError> {
        let act = Interaction::new(ward_core::AuditAction::AuditRead);
        let closed = |_| ReadError::Truth(TruthError::Row("the entry could not be written"));
        if !self.inner.policy.allows(cx, Action::AuditRead) {
            self.audit(cx, act, AuditOutcome::MinorFailure).await.map_err(closed)?;
            return Err(ReadError::NotAllowed);
        }
        let page = list::page(&self.inner.truth, &self.inner.keyring, filter)?;
        let mut draft = AuditDraft::new(cx, act, AuditOutcome::Success);
        draft.detail = Some(Phi::new(format!("entries={}", page.entries.len())));
        if let Some(patient) = &filter.patient {
            draft.add_patients([self.inner.keyring.scope_of(patient)]);
        }
        self.inner.writer.send(PreparedUnit::audit_only(draft), None).await.map_err(closed)?;
        Ok(page)
    }

    /// One entry of the audit log by its number.
    ///
    /// - Audit: as [`Chart::audit_entries`].
    pub async fn audit_entry(&self, cx: &Ctx, n: u64) -> Result<Option<AuditEntry>, ReadError> {
        let filter = AuditFilter { before: n.checked_add(1), limit: 1, ..AuditFilter::default() };
        let page = self.audit_entries(cx, &filter).await?;
        Ok(page.entries.into_iter().find(|entry| entry.n == n))
    }
}

fn only_ward(cx: &Ctx) -> Result<(), ReadError> {
    match cx.actor.kind {
        ActorKind::System => Ok(()),
        ActorKind::Person | ActorKind::Client => Err(ReadError::NotAllowed),
    }
}

fn check_layout(db: &rusqlite::Connection) -> Result<(), OpenError> {
    let found: i64 =
        db.query_row("PRAGMA user_version", [], |row| row.get(0)).map_err(TruthError::from)?;
    match found {
        schema::LAYOUT => Ok(()),
        found => Err(OpenError::Layout { found, known: schema::LAYOUT }),
    }
}

/// What a wrapped key of a tenant is bound to.
pub(crate) fn context(what: &str, tenant: &[u8; 16], version: u32) -> Vec<u8> {
    let mut context = b"ward ".to_vec();
    context.extend_from_slice(what.as_bytes());
    context.extend_from_slice(tenant);
    context.extend_from_slice(&version.to_be_bytes());
    context
}

fn new_tenant(root: &dyn RootKey, random: &dyn Random) -> Result<TenantRow, OpenError> {
    let mut id = [0; 16];
    random.fill(&mut id)?;
    let version = 1;
    let secret = Secret32::random(random)?;
    let index = Secret32::random(random)?;
    let seed = Secret32::random(random)?;
    Ok(TenantRow {
        id,
        version,
        wrapped: root.wrap(&secret, &context("tenant", &id, version))?,
        wrapped_index: root.wrap(&index, &context("index", &id, 0))?,
        wrapped_signer: root.wrap(&seed, &context("signer", &id, 0))?,
        public_key: CheckpointSigner::new(&seed)?.public_key(),
    })
}

/// The tenant key of a row.
pub(crate) fn open_tenant(root: &dyn RootKey, row: &TenantRow) -> Result<TenantKey, OpenError> {
    let secret = root.unwrap(&row.wrapped, &context("tenant", &row.id, row.version))?;
    let index = root.unwrap(&row.wrapped_index, &context("index", &row.id, 0))?;
    Ok(TenantKey::new(row.id, row.version, &secret, &index)?)
}

pub(crate) fn open_signer(
    root: &dyn RootKey,
    row: &TenantRow,
) -> Result<CheckpointSigner, OpenError> {
    let seed = root.unwrap(&row.wrapped_signer, &context("signer", &row.id, 0))?;
    Ok(CheckpointSigner::new(&seed)?)
}

pub(crate) fn open_keyring(
    truth: &Arc<Truth>,
    root: &dyn RootKey,
    row: &TenantRow,
    n_cached: usize,
) -> Result<Keyring, OpenError> {
    let fixed = open_tenant(root, row)?;
    let current = open_tenant(root, row)?;
    Ok(Keyring::new(Arc::clone(truth), fixed, current, n_cached)?)
}

fn only_for_owner(folder: &Path) -> std::io::Result<()> {
    use std::os::unix::fs::PermissionsExt;
    fs::set_permissions(folder, fs::Permissions::from_mode(0o700))
}

fn only_for_owner_file(file: &Path) -> std::io::Result<()> {
    use std::os::unix::fs::PermissionsExt;
    fs::set_permissions(file, fs::Permissions::from_mode(0o600))
}
