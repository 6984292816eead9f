//! One durable batch: check, append, commit, hand on.

use std::time::Instant;

use rusqlite::{Connection, OptionalExtension, params};
use tokio::sync::oneshot;
use ward_core::AuditOutcome;
use ward_crypto::merkle::Frontier;

use super::{
    Done, Job, State, Work, Writer,
    faults::Fault,
    kept::{self, insert_key},
    recent::Recent,
    sign::sign_if_due,
};
use crate::{
    RowHead, Seq,
    audit::{self, AuditDraft, Wrote},
    error::{CommitError, OpenError},
    feed,
    index::IndexChange,
    indexer::Applied,
    keys::{Keyring, NewKey, Scope},
    message::{self, MessageId, Reuse, control::Newest, count::Tally, sealing::PreparedMessage},
    numbered,
    prepare::{PreparedUnit, PreparedWrite},
    queue,
    truth::{
        self, TruthError, Written,
        rows::{self, RowsDigest, sql_int},
    },
    unit::{Receipt, WriteKind},
};

/// How long the answer of an idempotent unit is kept, in microseconds.
/// LIMIT: a day; interfaces that retry for longer need a person anyway.
const IDEMPOTENCY_US: i64 = 24 * 3600 * 1_000_000;

/// What one unit of a batch came to.
pub(super) struct Outcome {
    result: Result<Done, CommitError>,
    /// The commit, if it left an event.
    told: Option<Seq>,
    pub(super) changes: Vec<IndexChange>,
    /// Side effects in memory that wait for the commit.
    pub(super) after: After,
}

impl Outcome {
    /// Of a unit of which nothing was written.
    fn of(result: Result<Done, CommitError>) -> Outcome {
        Outcome { result, told: None, changes: Vec::new(), after: After::default() }
    }
}

#[derive(Default)]
pub(super) struct After {
    settled: Vec<NewKey>,
    pub(super) destroyed: Option<Scope>,
    written: Written,
    pub(super) rotated: Option<Box<ward_crypto::TenantKey>>,
}

/// Why a unit or a batch stops.
pub(super) enum Stop {
    /// This unit is refused; nothing of it was written.
    Refused(CommitError),
    /// The database failed; the whole batch is off.
    Failed(TruthError),
}

impl From<TruthError> for Stop {
    fn from(source: TruthError) -> Stop {
        Stop::Failed(source)
    }
}

impl From<rusqlite::Error> for Stop {
    fn from(source: rusqlite::Error) -> Stop {
        Stop::Failed(source.into())
    }
}

/// Where the file stands.
pub(super) fn load_state(db: &Connection) -> Result<State, OpenError> {
    let frontier: Option<Vec<u8>> = db
        .query_row("SELECT bytes FROM frontier", [], |row| row.get(0))
        .optional()
        .map_err(TruthError::from)?;
    let frontier = match frontier {
        None => Frontier::default(),
        Some(bytes) => Frontier::from_bytes(&bytes).map_err(|_| OpenError::Frontier)?,
    };
    let checked: Option<(u64, i64)> = db
        .query_row("SELECT n, time FROM checkpoint ORDER BY n DESC LIMIT 1", [], |row| {
            Ok((row.get(0)?, row.get(1)?))
        })
        .optional()
        .map_err(TruthError::from)?;
    let (checked_len, checked_us) = checked.unwrap_or((0, 0));
    let (seq, vid) = (rows::last_seq(db)?, rows::last_vid(db)?);
    let message = Newest::last_id(db)?;
    Ok(State { seq, vid, message, frontier, checked_len, checked_us })
}

impl Writer {
    pub(super) fn commit(&mut self, mut jobs: Vec<Job>) {
        if self.db.is_none() && !self.reopen() {
            for job in jobs {
                answer(job.answer, Err(CommitError::Unavailable("the disk failed")));
            }
            return;
        }
        let Some(db) = self.db.take() else { return };
        if self.has_failed && self.parts.truth.newest.load(&db).is_err() {
            for job in jobs {
                answer(job.answer, Err(CommitError::Unavailable("the disk failed")));
            }
            return;
        }
        self.has_failed = false;
        let mut next = self.state.clone();
        self.in_runs = None;
        let written = self.write(&db, &mut next, &mut jobs);
        match written {
            Ok((outcomes, signed)) => {
                self.db = Some(db);
                self.state = next;
                if let Some(up_to) = self.in_runs {
                    self.parts.truth.newest.forget(up_to);
                }
                self.parts.truth.counters.committed(jobs.len());
                let destroyed = outcomes.iter().any(|it| it.after.destroyed.is_some());
                self.hand_on(jobs, outcomes);
                if let Some(db) = &self.db {
                    match destroyed {
                        // The wrapped key must not stay behind in the log.
                        true => self.fold.whole(db),
                        false => self.fold.committed(db),
                    }
                }
                if let Some(text) = signed {
                    self.parts.anchors.keep(&text);
                }
            }
            Err(failure) => {
                self.has_failed = true;
                self.parts.truth.doubt();
                self.parts.truth.counters.failed();
                // What was noted of this batch stays noted: it can only refuse too much.
                let full = matches!(failure, BatchFailure::Full);
                if full && (db.is_autocommit() || db.execute_batch("ROLLBACK").is_ok()) {
                    self.db = Some(db);
                } else {
                    // After a failed flush nobody knows what the log holds: look again from the
                    // file before anything else is written.
                    drop(db);
                }
                tracing::error!(full, units = jobs.len(), "commit failed");
                for job in jobs {
                    answer(
                        job.answer,
                        Err(match full {
                            true => CommitError::Full,
                            false => CommitError::Unavailable("the disk failed"),
                        }),
                    );
                }
            }
        }
    }

    /// Opens the file again after a failed flush, and takes over what it says.
    fn reopen(&mut self) -> bool {
        let opened = truth::open_writer(&self.parts.path, self.parts.limits.pages)
            .map_err(OpenError::from)
            .and_then(|mut db| {
                self.fold.watch(&mut db)?;
                // A write that changes nothing: reading alone would not notice a dead disk.
                db.execute_batch("BEGIN IMMEDIATE; COMMIT").map_err(TruthError::from)?;
                let state = load_state(&db)?;
                let tenant_version = rows::tenant(&db)?.version;
                Ok((db, state, tenant_version))
            });
        let Ok((db, state, tenant_version)) = opened else { return false };
        let known = self.parts.keyring.current().map(|tenant| tenant.version());
        if known.ok() != Some(tenant_version) {
            // A rotation reached the disk without being acknowledged: only a restart has its key.
            tracing::error!(tenant_version, "restart needed after a rotation");
            return false;
        }
        self.parts.truth.doubt();
        if state.seq != self.state.seq {
            // The failed batch had reached the disk after all.
            self.recent = Recent::new(state.seq);
            self.parts.indexer.catch_up();
        }
        tracing::warn!(seq = state.seq.0, "database reopened");
        self.state = state;
        self.db = Some(db);
        true
    }

    fn write(
        &mut self,
        db: &Connection,
        next: &mut State,
        jobs: &mut [Job],
    ) -> Result<(Vec<Outcome>, Option<String>), BatchFailure> {
        db.prepare_cached("BEGIN IMMEDIATE")?.execute([])?;
        let mut outcomes = Vec::with_capacity(jobs.len());
        let mut now_us = i64::MIN;
        let mut sign = false;
        let mut tally = Tally::default();
        for job in jobs.iter_mut() {
            now_us = now_us.max(job.unit.now_us);
            sign |= matches!(job.work, Some(Work::Checkpoint));
            let mut at = UnitAt {
                db,
                keyring: &self.parts.keyring,
                random: self.parts.random.as_ref(),
                recent: &mut self.recent,
                newest: &self.parts.truth.newest,
                tally: &mut tally,
                state: next,
            };
            outcomes.push(at.unit(&mut job.unit, job.work.take())?);
        }
        tally.write(db)?;
        let parts = &self.parts;
        if parts.truth.newest.is_full() {
            self.in_runs = Some(parts.truth.newest.to_run(db)?);
        }
        let signed = sign_if_due(db, parts, next, now_us, sign)?;
        let bytes = next.frontier.to_bytes();
        db.prepare_cached("INSERT OR REPLACE INTO frontier (one, bytes) VALUES (1, ?1)")?
            .execute([bytes])?;
        match parts.faults.at_commit() {
            None => {}
            Some(Fault::Flush) => return Err(BatchFailure::Flush),
            Some(Fault::FlushAfter) => {
                db.prepare_cached("COMMIT")?.execute([])?;
                return Err(BatchFailure::Flush);
            }
        }
        let started = Instant::now();
        db.prepare_cached("COMMIT")?.execute([])?;
        self.flush = started.elapsed();
        Ok((outcomes, signed))
    }

    /// Gives the batch to the index, which answers the callers whose records it then holds; the
    /// others are answered here.
    fn hand_on(&mut self, jobs: Vec<Job>, mut outcomes: Vec<Outcome>) {
        let written = outcomes.iter_mut().map(|it| std::mem::take(&mut it.after.written));
        self.parts.truth.written(written);
        let is_untold = outcomes.iter().any(|it| it.after.destroyed.is_some());
        let seq = self.state.seq;
        let mut has_commits = false;
        let told = outcomes.iter().filter_map(|outcome| outcome.told).max();
        let mut applied =
            Applied { seq, told, changes: Vec::new(), is_untold, answers: Vec::new() };
        for (job, outcome) in jobs.into_iter().zip(outcomes) {
            for new in &outcome.after.settled {
                self.parts.keyring.settled(new);
            }
            if let Some(scope) = &outcome.after.destroyed {
                self.parts.keyring.forget(scope);
            }
            if let Some(tenant) = outcome.after.rotated {
                self.parts.keyring.rotated(*tenant);
            }
            if outcome.changes.is_empty() {
                // Searches see nothing of it: its caller need not wait for them.
                has_commits |= job.unit.is_commit();
                answer(job.answer, outcome.result);
            } else {
                applied.changes.extend(outcome.changes);
                applied.answers.push((job.answer, outcome.result, job.room));
            }
        }
        if has_commits || !applied.answers.is_empty() {
            self.parts.indexer.apply(applied);
        }
    }
}

/// Why a whole batch failed.
enum BatchFailure {
    Full,
    Flush,
}

impl From<TruthError> for BatchFailure {
    fn from(source: TruthError) -> BatchFailure {
        match source.kind() {
            ward_core::Kind::Full => BatchFailure::Full,
            _ => BatchFailure::Flush,
        }
    }
}

impl From<rusqlite::Error> for BatchFailure {
    fn from(source: rusqlite::Error) -> BatchFailure {
        TruthError::from(source).into()
    }
}

/// What one unit is checked and written against.
pub(super) struct UnitAt<'a> {
    pub(super) db: &'a Connection,
    pub(super) keyring: &'a Keyring,
    pub(super) random: &'a dyn ward_crypto::Random,
    recent: &'a mut Recent,
    pub(super) newest: &'a Newest,
    /// What the batch changes in the counts of messages.
    pub(super) tally: &'a mut Tally,
    state: &'a mut State,
}

impl UnitAt<'_> {
    fn unit(&mut self, unit: &mut PreparedUnit, work: Option<Work>) -> Result<Outcome, TruthError> {
        let mut outcome = match self.replay_of(unit)? {
            Some(done) => {
                self.audit(unit.audit.take(), Wrote { seq: self.state.seq, ..Wrote::default() })?;
                return Ok(Outcome::of(Ok(done)));
            }
            None => match self.check(unit) {
                Ok(places) => self.append(unit, &places, work),
                Err(stop) => Err(stop),
            },
        };
        if let Err(Stop::Refused(_)) = &outcome
            && let Some(mut draft) = unit.audit.take()
        {
            draft.outcome = AuditOutcome::MinorFailure;
            let wrote = Wrote { seq: self.state.seq, ..Wrote::default() };
            if let Err(failed) = self.audit(Some(draft), wrote) {
                outcome = Err(Stop::Failed(failed));
            }
        }
        match outcome {
            Ok(outcome) => Ok(outcome),
            Err(Stop::Failed(failed)) => Err(failed),
            Err(Stop::Refused(refused)) => Ok(Outcome::of(Err(refused))),
        }
    }

    /// The kept answer, when this unit was done before.
    fn replay_of(&self, unit: &PreparedUnit) -> Result<Option<Done>, TruthError> {
        let kept = kept::of(self.db, self.newest, self.keyring, unit)?;
        Ok(kept.map(|receipt| Done { receipt, leased: Vec::new(), n_keys: 0 }))
    }

    /// Checks everything that may refuse the unit. Answers each write's record number, if it has
    /// one. Nothing is written before all of it holds.
    fn check(&self, unit: &PreparedUnit) -> Result<Vec<Option<u64>>, Stop> {
        let mut places = Vec::with_capacity(unit.writes.len());
        for write in &unit.writes {
            if write.row.head.patients.iter().any(|scope| self.keyring.is_destroyed(scope)) {
                return Err(Stop::Refused(CommitError::Gone { key: write.key.clone() }));
            }
            let place = rows::current_place(self.db, &write.row.head.kid)?;
            let current = place.map(|(_, version)| version);
            if current != write.kind.base() {
                let key = write.key.clone();
                return Err(Stop::Refused(match write.kind {
                    WriteKind::Create => CommitError::Exists { key },
                    _ => CommitError::Stale { key, current },
                }));
            }
            places.push(place.map(|(rid, _)| rid));
        }
        for absent in &unit.absent {
            let grew = |lists: &Vec<_>| self.recent.grew(lists, absent.seen);
            if absent.clauses.iter().all(grew) {
                return Err(Stop::Refused(CommitError::Changed));
            }
        }
        for id in &unit.finished {
            if !queue::exists(self.db, *id)? {
                return Err(Stop::Refused(CommitError::Changed));
            }
        }
        if let Some(new) = &unit.message
            && new.reuse == Reuse::Refuse
            && message::control::is_reused(self.db, self.newest, &new.columns.trace)?
        {
            return Err(Stop::Refused(CommitError::Reused));
        }
        for (id, from, _) in &unit.restated {
            if message::rows::state(self.db, *id)? != Some(*from) {
                return Err(Stop::Refused(CommitError::Changed));
            }
        }
        Ok(places)
    }

    fn append(
        &mut self,
        unit: &mut PreparedUnit,
        places: &[Option<u64>],
        work: Option<Work>,
    ) -> Result<Outcome, Stop> {
        let mut outcome = Outcome {
            result: Ok(Done {
                receipt: Receipt { seq: self.state.seq, replayed: None, message: None },
                leased: Vec::new(),
                n_keys: 0,
            }),
            told: None,
            changes: Vec::with_capacity(unit.writes.len()),
            after: After::default(),
        };
        let mut wrote = Wrote { seq: self.state.seq, ..Wrote::default() };
        if unit.is_commit() {
            self.state.seq = Seq(self.state.seq.0 + 1);
            wrote = self.versions(unit, places, &mut outcome)?;
        }
        for id in &unit.finished {
            queue::remove(self.db, *id)?;
        }
        if let Some((name, place)) = &unit.position {
            let sql = "INSERT OR REPLACE INTO consumer (name, seq, n) VALUES (?1, ?2, ?3)";
            self.db.prepare_cached(sql)?.execute(params![
                name.as_str(),
                sql_int(place.seq.0),
                place.n
            ])?;
        }
        numbered::keep(self.db, &unit.numbered, unit.forgotten.as_ref())?;
        let mut kept = None;
        if let Some(new) = &unit.message {
            kept = Some(self.keep(new)?);
        }
        for new in &unit.outgoing {
            self.keep(new)?;
        }
        for (id, _, new) in &unit.restated {
            message::rows::replace(self.db, self.tally, self.state.seq, *id, &new.columns)?;
        }
        let mut done = Done {
            receipt: Receipt { seq: self.state.seq, replayed: None, message: kept },
            leased: Vec::new(),
            n_keys: 0,
        };
        if let Some(work) = work {
            self.work(work, unit.now_us, &mut done, &mut outcome)?;
        }
        if let Some((key, sealed)) = &unit.idempotency {
            let sql = "DELETE FROM idempotency WHERE expires <= ?1";
            self.db.prepare_cached(sql)?.execute([unit.now_us])?;
            let sql = "INSERT OR REPLACE INTO idempotency (key, seq, expires, sealed) \
                       VALUES (?1, ?2, ?3, ?4)";
            self.db.prepare_cached(sql)?.execute(params![
                key,
                self.state.seq.0,
                unit.now_us.saturating_add(IDEMPOTENCY_US),
                sealed
            ])?;
        }
        self.audit(unit.audit.take(), wrote)?;
        outcome.result = Ok(done);
        Ok(outcome)
    }

    fn keep(&mut self, new: &PreparedMessage) -> Result<MessageId, TruthError> {
        self.state.message += 1;
        let id = MessageId(self.state.message);
        let (kept, at) = ((self.newest, &mut *self.tally), (id, self.state.seq));
        message::rows::insert(self.db, kept, at, &new.columns)?;
        Ok(id)
    }

    fn event(
        &self,
        seq: Seq,
        n: &mut u32,
        kind: u8,
        priority: u8,
        column: &[u8],
    ) -> Result<(), TruthError> {
        let sql = "INSERT INTO event (seq, n, kind, priority, sealed) VALUES (?1, ?2, ?3, ?4, ?5)";
        self.db.prepare_cached(sql)?.execute(params![seq.0, *n, kind, priority, column])?;
        *n = n.saturating_add(1);
        Ok(())
    }

    /// Appends versions, events and commands under one new number.
    fn versions(
        &mut self,
        unit: &mut PreparedUnit,
        places: &[Option<u64>],
        outcome: &mut Outcome,
    ) -> Result<Wrote, Stop> {
        for new in unit.new_keys.drain(..) {
            let row = self
                .keyring
                .row_of(&new, self.random)
                .map_err(|_| TruthError::Row("a new key cannot be wrapped"))?;
            insert_key(self.db, &new.scope, &row)?;
            outcome.after.settled.push(new);
        }
        let seq = self.state.seq;
        let first_vid = self.state.vid + 1;
        let mut digest = RowsDigest::default();
        let n_versions = u64::try_from(unit.writes.len()).unwrap_or(u64::MAX);
        let mut n_events = 0u32;
        let keeps = unit.writes.len() <= Written::ROWS_MAX;
        for (write, rid) in unit.writes.drain(..).zip(places) {
            self.state.vid += 1;
            let PreparedWrite { mut row, content, event, add, remove, touched, .. } = write;
            row.head.vid = self.state.vid;
            row.head.rid = rid.unwrap_or(self.state.vid);
            if rid.is_some() {
                outcome.after.written.rewritten.push(row.head.kid);
            }
            row.head.seq = seq;
            rows::insert(self.db, &row)?;
            digest.push(&row.head, &content);
            self.recent.note(seq, touched.as_deref().unwrap_or(&add));
            let RowHead { rid, vid, deleted, .. } = row.head;
            if let Some((kind, priority)) = event {
                self.event(seq, &mut n_events, kind, priority, &feed::of_write(vid))?;
            }
            outcome.changes.push(IndexChange { rid, vid, deleted, add, remove });
            if keeps {
                outcome.after.written.rows.push(row);
            }
        }
        for event in &unit.events {
            self.event(seq, &mut n_events, event.kind, event.priority, &event.sealed)?;
        }
        outcome.told = (n_events != 0).then_some(seq);
        for command in &unit.commands {
            queue::insert(self.db, command)?;
        }
        let sql = "INSERT INTO commit_log (seq, time, first_vid, n_versions, n_events, \
                   n_commands) VALUES (?1, ?2, ?3, ?4, ?5, ?6)";
        self.db.prepare_cached(sql)?.execute(params![
            seq.0,
            unit.now_us,
            first_vid,
            n_versions,
            n_events,
            unit.commands.len()
        ])?;
        Ok(Wrote { seq, first_vid, n_versions, digest: digest.finish() })
    }

    /// Appends an audit entry.
    fn audit(&mut self, draft: Option<AuditDraft>, wrote: Wrote) -> Result<(), TruthError> {
        let Some(draft) = draft else { return Ok(()) };
        let n = self.state.frontier.len();
        let sealed = self
            .keyring
            .seal_own(audit::LABEL, u128::from(n), &draft.encode(&wrote), self.random)
            .map_err(|_| TruthError::Row("an audit entry cannot be sealed"))?;
        self.db
            .prepare_cached("INSERT INTO audit (n, seq, sealed) VALUES (?1, ?2, ?3)")?
            .execute(params![n, wrote.seq.0, sealed])?;
        self.state.frontier.push(audit::leaf(n, &sealed));
        Ok(())
    }
}

/// Answers a caller; one that went away does not matter, its unit is done all the same.
pub(crate) fn answer(
    to: oneshot::Sender<Result<Done, CommitError>>,
    result: Result<Done, CommitError>,
) {
    let _ = to.send(result);
}
