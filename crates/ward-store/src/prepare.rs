//! Making a unit ready for the writer, in the caller's own task: policy, compression, seals, index
//! keys. What is left for the writer is checking versions and appending bytes.

use rustc_hash::FxHashSet;
use smallvec::SmallVec;
use ward_core::{
    AuditOutcome, Ctx, FhirId, RecordKey, ResourceType,
    limits::{BUNDLE_ENTRIES_MAX, RESOURCE_BYTES_MAX},
};
use ward_crypto::Random;
use ward_fhir::search::{ClauseOp, Lookup, pack, type_key, unpack};
use ward_policy::{Action, Policy};

use crate::{
    RowHead, Seq,
    access::Access,
    audit::AuditDraft,
    error::CommitError,
    feed::{self, ConsumerName, FeedPlace},
    keys::{KeyError, Keyring, NewKey, Scope},
    message::{self, MessageId, MessageState, NewMessage, sealing::PreparedMessage},
    numbered::Numbered,
    postings::{self, Posting, TYPE_PARAM},
    queue::{self, CommandId},
    record::Method,
    seal::{self, SealError},
    truth::{Row, RowFlags, Truth},
    unit::{Absent, CommitUnit, Interaction, Write, WriteKind},
    write_event,
};

/// Most compartments one record can be in.
/// LIMIT: one byte in the index; the largest group appointment seen has 40.
const PATIENTS_MAX: usize = 255;

/// Most events and commands in one unit.
/// LIMIT: one of each for every record of the largest bundle.
const NOTES_MAX: usize = BUNDLE_ENTRIES_MAX;

/// A unit that only needs its place.
pub(crate) struct PreparedUnit {
    pub(crate) now_us: i64,
    pub(crate) audit: Option<AuditDraft>,
    pub(crate) writes: Vec<PreparedWrite>,
    pub(crate) new_keys: Vec<NewKey>,
    pub(crate) absent: Vec<PreparedAbsent>,
    pub(crate) events: Vec<feed::PreparedEvent>,
    pub(crate) commands: Vec<queue::PreparedCommand>,
    pub(crate) finished: Vec<CommandId>,
    pub(crate) position: Option<(ConsumerName, FeedPlace)>,
    pub(crate) numbered: Vec<Numbered>,
    pub(crate) forgotten: Option<(ConsumerName, u64)>,
    pub(crate) message: Option<PreparedMessage>,
    pub(crate) outgoing: Vec<PreparedMessage>,
    pub(crate) restated: Vec<(MessageId, MessageState, PreparedMessage)>,
    pub(crate) idempotency: Option<([u8; 32], Vec<u8>)>,
    pub(crate) n_bytes: usize,
}

/// A row without its numbers.
pub(crate) struct PreparedWrite {
    pub(crate) key: RecordKey,
    pub(crate) row: Row,
    pub(crate) content: [u8; 32],
    pub(crate) kind: WriteKind,
    /// Type and priority of its event.
    pub(crate) event: Option<(u8, u8)>,
    pub(crate) add: Vec<Posting>,
    pub(crate) remove: Vec<Posting>,
    /// Every list the record now stands in, where `add` is only what changes.
    pub(crate) touched: Option<Vec<Posting>>,
}

/// Lists of which every one must have grown for a match to have appeared.
pub(crate) struct PreparedAbsent {
    pub(crate) seen: Seq,
    /// For each clause that has keys, its lists.
    pub(crate) clauses: Vec<Vec<Posting>>,
}

/// What preparing reads.
pub(crate) struct Bench<'a> {
    pub(crate) policy: &'a Policy,
    pub(crate) keyring: &'a Keyring,
    pub(crate) truth: &'a Truth,
    pub(crate) random: &'a dyn Random,
}

impl PreparedUnit {
    /// A unit that leaves nothing but an audit entry.
    pub(crate) fn audit_only(draft: AuditDraft) -> PreparedUnit {
        PreparedUnit {
            audit: Some(draft.clone()),
            ..PreparedUnit::empty(draft.time.as_microsecond())
        }
    }

    pub(crate) fn empty(now_us: i64) -> PreparedUnit {
        PreparedUnit {
            now_us,
            audit: None,
            writes: Vec::new(),
            new_keys: Vec::new(),
            absent: Vec::new(),
            events: Vec::new(),
            commands: Vec::new(),
            finished: Vec::new(),
            position: None,
            numbered: Vec::new(),
            forgotten: None,
            message: None,
            outgoing: Vec::new(),
            restated: Vec::new(),
            idempotency: None,
            n_bytes: 0,
        }
    }

    fn keep(
        &mut self,
        bench: &Bench<'_>,
        message: &NewMessage,
    ) -> Result<PreparedMessage, CommitError> {
        let kept = message::sealing::prepare(bench.keyring, bench.random, message)?;
        self.n_bytes += kept.columns.head.len() + kept.columns.raw.len() + 512;
        Ok(kept)
    }

    /// Whether it takes a number in the order of commits.
    pub(crate) fn is_commit(&self) -> bool {
        !self.writes.is_empty()
            || !self.events.is_empty()
            || !self.commands.is_empty()
            || self.message.is_some()
            || !self.outgoing.is_empty()
            || !self.restated.is_empty()
    }
}

/// Prepares `unit`.
///
/// - Cost: a few microseconds for each kilobyte of record, and one of reading for each base.
pub(crate) fn prepare(
    bench: &Bench<'_>,
    cx: &Ctx,
    act: Interaction,
    unit: CommitUnit,
    having_seen: &[Scope],
) -> Result<PreparedUnit, CommitError> {
    too_large("records in one commit", unit.writes.len(), BUNDLE_ENTRIES_MAX)?;
    too_large("events in one commit", unit.events.len(), NOTES_MAX)?;
    too_large("commands in one commit", unit.queue.len(), NOTES_MAX)?;
    too_large("numbers in one commit", unit.numbered.len(), NOTES_MAX)?;
    let mut seen = FxHashSet::default();
    if unit.writes.iter().any(|write| !seen.insert(&write.key)) {
        return Err(CommitError::Malformed("one record is written twice"));
    }
    drop(seen);
    let access = Access::new(bench.policy, cx, bench.keyring);
    let mut prepared = PreparedUnit::empty(cx.now.as_microsecond());
    let mut draft = AuditDraft::new(cx, act, AuditOutcome::Success);
    let mut packed = Vec::new();
    for write in unit.writes {
        let ready = prepare_write(bench, &access, &mut prepared, &mut packed, write)?;
        draft.add_patients_unsorted(&ready.row.head.patients);
        prepared.n_bytes += ready.row.body.len() + ready.row.terms.len() + 512;
        prepared.writes.push(ready);
    }
    draft.add_patients(having_seen.iter().copied());
    for absent in unit.unless {
        prepared.absent.push(prepare_absent(bench.keyring, &absent));
    }
    for event in unit.events {
        prepared.events.push(feed::prepare(bench.keyring, bench.random, event)?);
    }
    for command in unit.queue {
        prepared.commands.push(queue::prepare(bench.keyring, bench.random, command)?);
    }
    too_large("messages in one commit", unit.outgoing.len(), NOTES_MAX)?;
    if (unit.message.is_some() || !unit.outgoing.is_empty() || !unit.restated.is_empty())
        && !bench.policy.allows(cx, Action::CarryMessages)
    {
        return Err(CommitError::NotAllowed);
    }
    if let Some(message) = &unit.message {
        prepared.message = Some(prepared.keep(bench, message)?);
    }
    for message in &unit.outgoing {
        let message = prepared.keep(bench, message)?;
        prepared.outgoing.push(message);
    }
    for it in &unit.restated {
        let message = prepared.keep(bench, &it.to)?;
        prepared.restated.push((it.id, it.from, message));
    }
    prepared.finished = unit.finished;
    prepared.position = unit.position;
    prepared.numbered = unit.numbered;
    prepared.forgotten = unit.forgotten;
    if let Some(key) = unit.idempotency {
        let answer = unit.answer.map(ward_core::Phi::into_revealed).unwrap_or_default();
        let sealed = bench.keyring.seal_own(
            crate::writer::IDEMPOTENCY_LABEL,
            half_of(&key),
            &answer,
            bench.random,
        )?;
        prepared.idempotency = Some((key, sealed));
    }
    prepared.audit = Some(draft);
    Ok(prepared)
}

/// The half of an idempotency key that its answer is bound to.
pub(crate) fn half_of(key: &[u8; 32]) -> u128 {
    key.first_chunk::<16>().map_or(0, |half| u128::from_be_bytes(*half))
}

fn prepare_write(
    bench: &Bench<'_>,
    access: &Access<'_>,
    prepared: &mut PreparedUnit,
    packed: &mut Vec<u8>,
    write: Write,
) -> Result<PreparedWrite, CommitError> {
    too_large("bytes in one record", write.body.len(), RESOURCE_BYTES_MAX)?;
    too_large("patients of one record", write.patients.len(), PATIENTS_MAX)?;
    let base_version = write.kind.base();
    if write.version != base_version.unwrap_or(0).saturating_add(1) {
        return Err(CommitError::Malformed("a version does not follow its base"));
    }
    let kid = bench.keyring.blind_id(&write.key);
    let base = match base_version {
        None => None,
        Some(version) => {
            let current = bench.truth.current(&kid)?;
            let found = current.as_ref().map(|row| row.head.version);
            if found != Some(version) {
                return Err(CommitError::Stale { key: write.key, current: found });
            }
            current
        }
    };
    let (action, method) = match write.kind {
        WriteKind::Create => (Action::Create, Method::Create),
        WriteKind::Update { base: None } => (Action::Create, Method::Update),
        WriteKind::Update { base: Some(_) } => (Action::Update, Method::Update),
        WriteKind::Delete { .. } => (Action::Delete, Method::Delete),
    };
    let deleted = method == Method::Delete;
    let mut patients: SmallVec<[(Scope, FhirId); 1]> = SmallVec::new();
    for id in &write.patients {
        let scope = bench.keyring.scope_of(id);
        if patients.iter().all(|(other, _)| *other != scope) {
            patients.push((scope, id.clone()));
        }
    }
    let (scopes, restricted): (SmallVec<[Scope; 1]>, bool) = match (&base, deleted) {
        // A tombstone is about whom the record was about, and as restricted.
        (Some(base), true) => (base.head.patients.clone(), base.head.restricted),
        _ => (patients.iter().map(|(scope, _)| *scope).collect(), write.restricted),
    };
    let head = RowHead {
        vid: 0,
        rid: 0,
        kid,
        version: write.version,
        seq: Seq(0),
        kind: write.key.kind,
        patients: scopes,
        deleted,
        restricted,
        updated_us: prepared.now_us,
    };
    let old_allowed = base.as_ref().is_none_or(|base| access.permits(action, &base.head));
    if !old_allowed || !access.permits(action, &head) {
        return Err(CommitError::Refused { key: write.key });
    }
    if !deleted {
        bench
            .keyring
            .ensure(write.key.kind, &patients, bench.random, &mut prepared.new_keys)
            .map_err(|source| gone(source, &write.key))?;
    }
    let gone_seal = |source: SealError| match source {
        SealError::Key(source) => gone(source, &write.key),
        other => CommitError::Seal(other),
    };
    packed.clear();
    let mut add = Vec::new();
    if !deleted {
        pack(&write.terms, packed);
        add = postings::derive(bench.keyring, head.kind, &head.patients, &write.terms)
            .map_err(|source| gone(source, &write.key))?;
    }
    let terms = seal::terms(bench.keyring, &head, packed, bench.random).map_err(gone_seal)?;
    let body = if deleted { &[][..] } else { &write.body };
    let body =
        seal::body(bench.keyring, &head, &write.key.id, body, bench.random).map_err(gone_seal)?;
    let mut remove = match &base {
        None => Vec::new(),
        Some(base) => postings_of(bench.keyring, base).map_err(gone_seal)?,
    };
    let touched = (!remove.is_empty()).then(|| add.clone());
    subtract_common(&mut add, &mut remove);
    let row = Row { head, method, terms, body };
    debug_assert_eq!(RowFlags::new(method, restricted).deleted(), deleted);
    let content = row.content_digest();
    let event = match (write.event, &base) {
        (Some(said), Some(base)) if !deleted && write.key.kind == ResourceType::ENCOUNTER => {
            let before = seal::open_body(bench.keyring, &base.head, &base.body);
            let (_, before) = before.map_err(gone_seal)?;
            Some(write_event::of_stay(said, &before, &write.body))
        }
        (said, _) => said,
    };
    let event = event.map(feed::numbers_of);
    Ok(PreparedWrite {
        key: write.key,
        row,
        content,
        kind: write.kind,
        event,
        add,
        remove,
        touched,
    })
}

/// The lists a stored row stands in.
pub(crate) fn postings_of(keyring: &Keyring, row: &Row) -> Result<Vec<Posting>, SealError> {
    if row.head.deleted {
        return Ok(Vec::new());
    }
    let mut plain = Vec::new();
    seal::open_terms(keyring, &row.head, &row.terms, &mut plain)?;
    let terms = unpack(&plain).map_err(|_| SealError::Terms)?;
    Ok(postings::derive(keyring, row.head.kind, &row.head.patients, &terms)?)
}

/// Takes what both sorted lists hold out of both.
pub(crate) fn subtract_common(add: &mut Vec<Posting>, remove: &mut Vec<Posting>) {
    if add.is_empty() || remove.is_empty() {
        return;
    }
    let kept = |list: &[Posting], other: &[Posting]| -> Vec<Posting> {
        list.iter().filter(|posting| other.binary_search(posting).is_err()).cloned().collect()
    };
    let added = kept(add, remove);
    *remove = kept(remove, add);
    *add = added;
}

fn prepare_absent(keyring: &Keyring, absent: &Absent) -> PreparedAbsent {
    let list = |param, key: &_| postings::population(keyring, absent.kind, param, key);
    let mut clauses = Vec::new();
    for clause in absent.clauses.iter().filter(|clause| clause.op == ClauseOp::Any) {
        let mut lists = Some(Vec::new());
        for test in &clause.any {
            // A reference to a record's own patient has no population list.
            let keys = match (test.patient_reference(), test.lookup()) {
                (None, Lookup::Keys(keys)) => keys,
                _ => {
                    lists = None;
                    break;
                }
            };
            if let Some(lists) = &mut lists {
                lists.extend(keys.iter().map(|key| list(clause.param.0, key)));
            }
        }
        clauses.extend(lists);
    }
    if clauses.is_empty() {
        clauses.push(vec![list(TYPE_PARAM, &type_key())]);
    }
    PreparedAbsent { seen: absent.seen, clauses }
}

fn gone(source: KeyError, key: &RecordKey) -> CommitError {
    match source {
        KeyError::Destroyed => CommitError::Gone { key: key.clone() },
        other => CommitError::Key(other),
    }
}

fn too_large(what: &'static str, n: usize, max: usize) -> Result<(), CommitError> {
    if n <= max { Ok(()) } else { Err(CommitError::TooLarge { what, max }) }
}
