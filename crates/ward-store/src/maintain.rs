//! Keeping the chart: rotation, destruction of a patient's key, scrub, reindex.

use ward_core::{AuditAction, AuditOutcome, Ctx, FhirId, Kind, RecordKey, ResourceType};
use ward_crypto::Secret32;
use ward_fhir::search::type_key;
use ward_policy::Action;

use crate::{
    RowHead,
    audit::AuditDraft,
    chart::{self, Chart},
    error::CommitError,
    index::IndexChange,
    postings::{self, TYPE_PARAM},
    prepare::{self, PreparedUnit},
    query::SearchError,
    reader,
    sampler::{self, Sampled},
    search::{Past, View},
    truth::{TruthError, is_public},
    unit::Interaction,
    writer::Work,
};

/// What a rotation did.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Rotated {
    pub tenant_version: u32,
    /// Data keys wrapped anew.
    pub n_keys: u64,
}

/// What a destruction did.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Shredded {
    /// Whether there was a key; without one there was nothing of the patient.
    pub had_key: bool,
    /// Records taken out of the index.
    pub n_records: u64,
}

/// What a scrub found.
#[derive(Clone, PartialEq, Eq, Default, Debug)]
pub struct Scrubbed {
    pub n_rows: u64,
    /// Rows whose patient's key was destroyed, as it should be.
    pub n_destroyed: u64,
    /// Rows that do not open: damaged, moved, or sealed under a key that is lost.
    pub damaged: Vec<u64>,
    /// Where the next part starts; `None` when all rows were read.
    pub next: Option<u64>,
}

/// Rows opened by one call of scrub.
/// LIMIT: about a tenth of a second, so that whoever calls can show progress or stop.
const SCRUB_ROWS: usize = 5_000;

impl Chart {
    /// Makes a new tenant key and wraps every data key under it.
    ///
    /// - Audit: `keys-rotated`, in the same commit.
    /// - Cost: about five microseconds for each patient, in which nobody else writes.
    pub async fn rotate_keys(&self, cx: &Ctx) -> Result<Rotated, CommitError> {
        let act = Interaction::new(AuditAction::KeysRotated);
        self.only_if(cx, Action::ManageKeys, &act).await?;
        let inner = &self.inner;
        let row = inner.truth.tenant()?;
        let version = row.version.saturating_add(1);
        let secret = Secret32::random(inner.random.as_ref())?;
        let context = chart::context("tenant", &row.id, version);
        let no_root = |_| CommitError::Unavailable("the root key");
        let wrapped = inner.root.wrap(&secret, &context).map_err(no_root)?;
        let next = crate::truth::TenantRow { version, wrapped: wrapped.clone(), ..row };
        let tenant = chart::open_tenant(inner.root.as_ref(), &next)
            .map_err(|_| CommitError::Unavailable("the root key"))?;
        let unit = PreparedUnit::audit_only(AuditDraft::new(cx, act, AuditOutcome::Success));
        let work = Work::Rotate { tenant: Box::new(tenant), wrapped };
        let done = inner.writer.send(unit, Some(work)).await?;
        Ok(Rotated { tenant_version: version, n_keys: done.n_keys })
    }

    /// Destroys a patient's key, and with it everything that was ever sealed under it. There is no
    /// way back but an older backup of the keys.
    ///
    /// - Audit: `key-destroyed`, in the same commit.
    /// - Repeat: safe.
    pub async fn shred(&self, cx: &Ctx, patient: &FhirId) -> Result<Shredded, CommitError> {
        let target = RecordKey::new(ResourceType::PATIENT, patient.clone());
        let act = Interaction::on(AuditAction::KeyDestroyed, target);
        self.only_if(cx, Action::ManageKeys, &act).await?;
        let inner = &self.inner;
        let scope = inner.keyring.scope_of(patient);
        if inner.truth.key_row(&scope)?.is_none_or(|row| row.destroyed) {
            self.audit(cx, act, AuditOutcome::Success).await?;
            return Ok(Shredded { had_key: false, n_records: 0 });
        }
        // From here nothing more is written or shown of the patient; what was on its way to the
        // writer is through when the empty unit is.
        inner.keyring.block(&scope);
        let empty = PreparedUnit::empty(cx.now.as_microsecond());
        inner.writer.send(empty, Some(Work::Flush)).await?;
        self.wait_for(inner.truth.last_seq()?).await;
        let changes = self.removals(&scope)?;
        let n_records = u64::try_from(changes.len()).unwrap_or(u64::MAX);
        let mut draft = AuditDraft::new(cx, act, AuditOutcome::Success);
        draft.add_patients([scope]);
        let unit = PreparedUnit::audit_only(draft);
        let work = Work::Destroy { scope, changes };
        let done = inner.writer.send(unit, Some(work)).await?;
        inner.opened.clear();
        Ok(Shredded { had_key: 0 < done.n_keys, n_records })
    }

    /// Opens every row of truth from number `from` on, a part at a time.
    ///
    /// - Audit: `scrubbed`, for each part.
    pub async fn scrub(&self, cx: &Ctx, from: u64) -> Result<Scrubbed, CommitError> {
        let act = Interaction::new(AuditAction::Scrubbed);
        self.only_if(cx, Action::ManageSystem, &act).await?;
        let mut scrubbed = Scrubbed::default();
        let rows = self.inner.truth.rows_from(from, SCRUB_ROWS)?;
        if rows.len() == SCRUB_ROWS {
            scrubbed.next = rows.last().map(|row| row.head.vid.saturating_add(1));
        }
        for row in rows {
            scrubbed.n_rows += 1;
            let vid = row.head.vid;
            let keyring = &self.inner.keyring;
            let terms = prepare::postings_of(keyring, &row).map(|_| ()).map_err(Into::into);
            match reader::open(keyring, &row).and(terms) {
                Ok(()) => {}
                Err(error) if error.kind() == Kind::Gone => scrubbed.n_destroyed += 1,
                Err(_) => scrubbed.damaged.push(vid),
            }
        }
        let outcome = match scrubbed.damaged.is_empty() {
            true => AuditOutcome::Success,
            false => AuditOutcome::SeriousFailure,
        };
        let act = act.with_detail(format!(
            "from={from} rows={} damaged={}",
            scrubbed.n_rows,
            scrubbed.damaged.len()
        ));
        self.audit(cx, act, outcome).await?;
        Ok(scrubbed)
    }

    /// Throws the index away and builds it anew from truth, in the background. Searches answer
    /// `Rebuilding` until [`Chart::is_search_ready`]; reads by id and commits go on.
    ///
    /// - Audit: `reindexed`.
    pub async fn reindex(&self, cx: &Ctx) -> Result<(), CommitError> {
        let act = Interaction::new(AuditAction::Reindexed);
        self.only_if(cx, Action::ManageSystem, &act).await?;
        self.audit(cx, act, AuditOutcome::Success).await?;
        self.inner.indexer.rebuild();
        Ok(())
    }

    /// Compares what truth and the index say of the records that the versions numbered `numbers`
    /// belong to, and rebuilds the index when they differ. [`Chart::version_count`] is the largest
    /// number.
    pub fn sample(&self, numbers: impl IntoIterator<Item = u64>) -> Result<Sampled, SearchError> {
        let inner = &self.inner;
        let index = inner.index.ready().ok_or(SearchError::Rebuilding)?;
        let visible = |row: &RowHead| is_public(row.kind);
        let view = View {
            index: index.view(),
            keyring: &inner.keyring,
            truth: inner.truth.as_ref(),
            random: inner.random.as_ref(),
            visible: &visible,
            opened: &inner.opened,
        };
        let mut kept = std::collections::BTreeSet::new();
        for vid in numbers {
            if let Some((row, _)) = inner.truth.row_at(vid, view.index.seq)?
                && !row.patients.iter().any(|scope| inner.keyring.is_destroyed(scope))
            {
                kept.insert(row.rid);
            }
        }
        let sampled = sampler::sample(&view, kept)?;
        if !sampled.agrees() {
            tracing::error!(?sampled, "index differs from truth");
            inner.indexer.rebuild();
        }
        Ok(sampled)
    }

    /// How many record versions truth holds; numbers to sample lie below.
    pub fn version_count(&self) -> Result<u64, TruthError> {
        self.inner.truth.last_vid()
    }

    async fn only_if(
        &self,
        cx: &Ctx,
        action: Action,
        act: &Interaction,
    ) -> Result<(), CommitError> {
        if self.inner.policy.allows(cx, action) {
            return Ok(());
        }
        self.audit(cx, act.clone(), AuditOutcome::MinorFailure).await?;
        Err(CommitError::NotAllowed)
    }

    /// What takes a patient's records out of the index, read while the key still opens them.
    fn removals(&self, scope: &crate::keys::Scope) -> Result<Vec<IndexChange>, CommitError> {
        let inner = &self.inner;
        let failed = |_| CommitError::Unavailable("the index");
        let Some(index) = inner.index.current() else { return Ok(Vec::new()) };
        let view = index.view();
        let mut changes = Vec::new();
        let mut kinds: Vec<ResourceType> = ResourceType::fhir().collect();
        kinds.extend((1001..=1004).filter_map(ResourceType::from_number));
        for kind in kinds {
            let key = type_key();
            let list = postings::in_patient(&inner.keyring, scope, kind, TYPE_PARAM, &key)?;
            let Some(list) = list else { continue };
            let mut list = view.list(&list);
            let mut next = 0;
            while let Some(rid) = list.seek(next).map_err(failed)? {
                next = rid.saturating_add(1);
                let Some((head, _)) = inner.truth.row_at(rid, inner.truth.last_seq()?)? else {
                    continue;
                };
                let Some(row) = inner.truth.by_vid(head.vid)? else { continue };
                // A record that is also about a destroyed patient no longer opens; only its
                // entry can go.
                let remove = prepare::postings_of(&inner.keyring, &row).unwrap_or_default();
                let RowHead { rid, vid, .. } = row.head;
                changes.push(IndexChange { rid, vid, deleted: true, add: Vec::new(), remove });
            }
        }
        Ok(changes)
    }
}
