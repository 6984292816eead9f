//! One audited interaction that reads. What the caller may not see is absent.

use std::sync::{Arc, Mutex, PoisonError};

use jiff::Timestamp;
use rustc_hash::FxHashSet;
use ward_core::{ActorKind, AuditOutcome, Ctx, FhirId, RecordKey};
use ward_fhir::search::{Term, unpack};
use ward_policy::Action;

use crate::{
    RowHead, Seq,
    access::Access,
    audit::AuditDraft,
    chart::Chart,
    error::{CommitError, ReadError},
    keys::{Keyring, Scope},
    prepare::PreparedUnit,
    query::{Found, Hit, Query, SearchError},
    record::{HistoryOf, HistoryPlace, Stored},
    seal::{self, SealError},
    search,
    truth::{Row, Truth, is_public, rows},
    unit::{CommitUnit, Interaction, Receipt},
};

/// Rows read for one page of history, at most.
/// LIMIT: about half a second; past this the page ends early and says where.
const HISTORY_SCAN_MAX: usize = 100_000;

/// Rows read at once for a page of history.
const HISTORY_STEP: usize = 256;

/// How far the times of two commits may be out of order, in microseconds.
const CLOCK_SLACK_US: i64 = 3_600 * 1_000_000;

/// Reads as of one caller. Give it back with [`Reader::finish`].
pub struct Reader<'a> {
    chart: &'a Chart,
    access: Access<'a>,
    seq: Seq,
    /// Taken by `finish`, or by `drop`.
    draft: Option<AuditDraft>,
    shown: Mutex<FxHashSet<Scope>>,
}

impl<'a> Reader<'a> {
    pub(crate) fn new(chart: &'a Chart, cx: &'a Ctx, act: Interaction) -> Reader<'a> {
        let inner = &chart.inner;
        Reader {
            chart,
            access: Access::new(&inner.policy, cx, &inner.keyring),
            seq: inner.index.applied(),
            draft: Some(AuditDraft::new(cx, act, AuditOutcome::MinorFailure)),
            shown: Mutex::new(FxHashSet::default()),
        }
    }

    /// The last commit that this reader's searches are sure to see.
    pub fn seq(&self) -> Seq {
        self.seq
    }

    /// The current version of a record; a tombstone when it was deleted.
    ///
    /// - Errors: [`ReadError::Destroyed`] when the patient's key was.
    pub fn get(&self, key: &RecordKey) -> Result<Option<Stored>, ReadError> {
        let kid = self.keyring().blind_id(key);
        let row = self.chart.inner.truth.current(&kid)?;
        let row = row.filter(|row| self.access.permits(Action::Read, &row.head));
        row.map(|row| self.show(&row)).transpose()
    }

    /// The current version of a record that is there and about no patient, without opening it:
    /// whoever has read that version before need not read it again.
    pub fn version_about_nobody(&self, key: &RecordKey) -> Result<Option<u32>, ReadError> {
        let kid = self.keyring().blind_id(key);
        let row = self.chart.inner.truth.current(&kid)?;
        let row = row.filter(|row| self.access.permits(Action::Read, &row.head));
        let plain = row.filter(|row| row.head.patients.is_empty() && !row.head.deleted);
        Ok(plain.map(|row| row.head.version))
    }

    /// One version of a record. The record as it is now must be visible too.
    pub fn version(&self, key: &RecordKey, version: u32) -> Result<Option<Stored>, ReadError> {
        let kid = self.keyring().blind_id(key);
        let permits = |row: &Row| self.access.permits(Action::Read, &row.head);
        if !self.chart.inner.truth.current(&kid)?.is_some_and(|row| permits(&row)) {
            return Ok(None);
        }
        let row = self.chart.inner.truth.version(&kid, version)?.filter(permits);
        row.map(|row| self.show(&row)).transpose()
    }

    /// Whether a record version may be spoken of to this caller, and the record as it is now. Its
    /// patients are then among those that the audit entry names; its body is not opened.
    pub fn may_tell(&self, version: &Stored) -> Result<bool, ReadError> {
        let truth = &self.chart.inner.truth;
        let Some(row) = truth.by_vid(version.place.0)? else { return Ok(false) };
        let permits = |head: &RowHead| self.access.permits(Action::Read, head);
        let now = truth.current(&row.head.kid)?;
        if !permits(&row.head) || !now.is_some_and(|now| permits(&now.head)) {
            return Ok(false);
        }
        let mut shown = self.shown.lock().unwrap_or_else(PoisonError::into_inner);
        shown.extend(row.head.patients.iter().copied());
        Ok(true)
    }

    /// Versions, newest first.
    ///
    /// - Shape: only what was written at or after `since`, was current at `at`, and is older than
    ///   `before`.
    /// - Cost: proportional to the rows passed over; reads no more than 100,000.
    pub fn history(
        &self,
        of: &HistoryOf,
        since: Option<Timestamp>,
        at: Option<Timestamp>,
        before: Option<HistoryPlace>,
        limit: usize,
    ) -> Result<Vec<Stored>, ReadError> {
        let since_us = since.map_or(i64::MIN, Timestamp::as_microsecond);
        let kid = match of {
            HistoryOf::Instance(key) => Some(self.keyring().blind_id(key)),
            HistoryOf::Type(_) | HistoryOf::System => None,
        };
        let mut place = before.map_or(u64::MAX, |place| place.0);
        let mut found = Vec::new();
        let mut n_read = 0;
        while found.len() < limit && n_read < HISTORY_SCAN_MAX {
            let rows = self.chart.inner.truth.read(|db| match (of, &kid) {
                (HistoryOf::Type(kind), _) => rows::history_of_type(db, *kind, place, HISTORY_STEP),
                (_, Some(kid)) => rows::history_of(db, kid, place, HISTORY_STEP),
                (_, None) => rows::history_of_all(db, place, HISTORY_STEP),
            })?;
            let Some(last) = rows.last() else { break };
            place = last.head.vid;
            n_read += rows.len();
            let passed = last.head.updated_us < since_us.saturating_sub(CLOCK_SLACK_US);
            for row in rows {
                let wanted = since_us <= row.head.updated_us
                    && (kid.is_some() || is_public(row.head.kind))
                    && self.access.permits(Action::History, &row.head);
                if !wanted || !self.current_at(&row, at)? {
                    continue;
                }
                match self.show(&row) {
                    Ok(stored) => found.push(stored),
                    // Among others a destroyed record is not worth an error.
                    Err(ReadError::Destroyed) if kid.is_none() => {}
                    Err(error) => return Err(error),
                }
                if found.len() == limit {
                    break;
                }
            }
            if passed {
                break;
            }
        }
        Ok(found)
    }

    /// One page of a search.
    ///
    /// - Errors: [`SearchError::Rebuilding`] while the index is made anew.
    pub fn search(&self, query: &Query) -> Result<Found, SearchError> {
        self.with_view(|view| search::run(view, query))
    }

    /// One page of each of several searches within one patient's compartment, all as of one commit.
    ///
    /// - Errors: as [`Reader::search`].
    /// - Cost: the lists of a patient with a short chart are read from disk once for all of them.
    pub fn search_each(
        &self,
        patient: &FhirId,
        queries: &[Query],
    ) -> Result<Vec<Found>, SearchError> {
        self.with_view_of(Some(patient), |view| {
            queries.iter().map(|query| search::run(view, query)).collect()
        })
    }

    /// Where the record that a search found is kept; shows nothing else of it.
    pub fn key(&self, hit: &Hit) -> Result<RecordKey, ReadError> {
        Ok(open(self.keyring(), &*self.found(hit)?)?.key)
    }

    /// The record version that a search found.
    pub fn fetch(&self, hit: &Hit) -> Result<Stored, ReadError> {
        let row = self.found(hit)?;
        self.show(&row)
    }

    /// What search knows of the record version that it found.
    pub fn terms(&self, hit: &Hit) -> Result<Vec<Term>, ReadError> {
        let row = self.found(hit)?;
        let mut plain = Vec::new();
        seal::open_terms(self.keyring(), &row.head, &row.terms, &mut plain)?;
        unpack(&plain).map_err(|_| ReadError::Seal(SealError::Terms))
    }

    /// Writes the audit entry, with the patients whose records were shown.
    ///
    /// - Audit: the answer may leave the house when this returns, not before.
    pub async fn finish(mut self, outcome: AuditOutcome) -> Result<(), CommitError> {
        let Some(draft) = self.take_draft(outcome) else { return Ok(()) };
        self.chart.inner.writer.send(PreparedUnit::audit_only(draft), None).await.map(|_| ())
    }

    /// Ends a read of Ward's own that came to nothing: nobody was shown anything, and nothing is
    /// written because of it.
    ///
    /// - Audit: none; of anybody but Ward itself, an entry as if the read had been broken off.
    pub fn let_go(mut self) {
        if self.draft.as_ref().is_some_and(|it| it.actor.kind == ActorKind::System) {
            self.draft = None;
        }
    }

    /// Writes a unit that what was read has led to; one audit entry says both.
    ///
    /// - Errors: as [`Chart::commit`].
    /// - Audit: the reader's interaction, with the patients shown and those written.
    pub async fn commit(mut self, cx: &Ctx, unit: CommitUnit) -> Result<Receipt, CommitError> {
        let Some(draft) = self.take_draft(AuditOutcome::Success) else {
            return Err(CommitError::Malformed("a reader is given back once"));
        };
        let AuditDraft { action, target, kind, detail, patients, .. } = draft;
        let act = Interaction { action, target, kind, detail };
        self.chart.commit_having_seen(cx, act, unit, patients).await
    }

    /// Gives `run` everything a search reads.
    pub(crate) fn with_view<T>(
        &self,
        run: impl FnOnce(&search::View<'_>) -> Result<T, SearchError>,
    ) -> Result<T, SearchError> {
        self.with_view_of(None, run)
    }

    fn with_view_of<T>(
        &self,
        patient: Option<&FhirId>,
        run: impl FnOnce(&search::View<'_>) -> Result<T, SearchError>,
    ) -> Result<T, SearchError> {
        let inner = &self.chart.inner;
        let index = inner.index.ready().ok_or(SearchError::Rebuilding)?;
        let visible = |row: &RowHead| {
            self.access.permits(Action::Search, row)
                && !row.patients.iter().any(|scope| inner.keyring.is_destroyed(scope))
        };
        let index = match patient {
            None => index.view(),
            Some(id) => index.view().about_patient(inner.keyring.scope_of(id).prefix())?,
        };
        run(&search::View {
            index,
            keyring: &inner.keyring,
            truth: inner.truth.as_ref(),
            random: inner.random.as_ref(),
            visible: &visible,
            opened: &inner.opened,
        })
    }

    fn keyring(&self) -> &Keyring {
        &self.chart.inner.keyring
    }

    pub(crate) fn truth(&self) -> &Truth {
        &self.chart.inner.truth
    }

    pub(crate) fn permits(&self, action: Action, row: &Row) -> bool {
        self.access.permits(action, &row.head)
    }

    fn found(&self, hit: &Hit) -> Result<Arc<Row>, ReadError> {
        let row = self.chart.inner.truth.by_vid(hit.vid)?;
        row.filter(|row| self.access.permits(Action::Search, &row.head))
            .ok_or(ReadError::NotAllowed)
    }

    fn current_at(&self, row: &Row, at: Option<Timestamp>) -> Result<bool, ReadError> {
        let Some(at_us) = at.map(Timestamp::as_microsecond) else { return Ok(true) };
        if at_us < row.head.updated_us {
            return Ok(false);
        }
        let next = row.head.version.saturating_add(1);
        let next = self.chart.inner.truth.version(&row.head.kid, next)?;
        Ok(next.is_none_or(|next| at_us < next.head.updated_us))
    }

    pub(crate) fn show(&self, row: &Row) -> Result<Stored, ReadError> {
        let patients = row.head.patients.clone();
        let stored = open(self.keyring(), row)?;
        let mut shown = self.shown.lock().unwrap_or_else(PoisonError::into_inner);
        shown.extend(patients);
        Ok(stored)
    }

    fn take_draft(&mut self, outcome: AuditOutcome) -> Option<AuditDraft> {
        let mut draft = self.draft.take()?;
        draft.outcome = outcome;
        let shown = self.shown.get_mut().unwrap_or_else(PoisonError::into_inner);
        draft.add_patients(shown.drain());
        Some(draft)
    }
}

impl Drop for Reader<'_> {
    fn drop(&mut self) {
        if let Some(draft) = self.take_draft(AuditOutcome::MinorFailure)
            && let Err(error) =
                self.chart.inner.writer.send_and_forget(PreparedUnit::audit_only(draft))
        {
            tracing::error!(%error, "aborted read not audited");
        }
    }
}

/// Opens a row.
pub(crate) fn open(keyring: &Keyring, row: &Row) -> Result<Stored, ReadError> {
    let head = &row.head;
    if head.patients.iter().any(|scope| keyring.is_destroyed(scope)) {
        return Err(ReadError::Destroyed);
    }
    let (id, body) = seal::open_body(keyring, head, &row.body)?;
    Ok(Stored {
        key: RecordKey::new(head.kind, id),
        version: head.version,
        seq: head.seq,
        last_updated: Timestamp::from_microsecond(head.updated_us).map_err(|_| ReadError::Body)?,
        deleted: head.deleted,
        method: row.method,
        place: HistoryPlace(head.vid),
        body,
    })
}
