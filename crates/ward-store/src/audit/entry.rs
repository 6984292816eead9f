//! One audit entry, and its bytes before sealing.

use std::sync::Arc;

use jiff::Timestamp;
use ward_core::{
    Actor, ActorKind, AuditAction, AuditOutcome, Ctx, FhirId, Phi, PurposeOfUse, RecordKey,
    ResourceType, Role,
    ids::{ActorId, TraceId},
};

use crate::{Seq, keys::Scope, unit::Interaction};

/// One entry of the audit log, opened.
#[derive(Clone, Debug)]
pub struct AuditEntry {
    /// Its number, from 0 without a gap.
    pub n: u64,
    /// The commit it joined; for a read, the last commit before it.
    pub seq: Seq,
    pub time: Timestamp,
    pub action: AuditAction,
    pub outcome: AuditOutcome,
    pub actor: Actor,
    pub role: Role,
    pub purpose: PurposeOfUse,
    pub trace: TraceId,
    /// Where the request came from.
    pub source: String,
    pub target: Option<RecordKey>,
    pub kind: Option<ResourceType>,
    pub detail: Option<Phi<String>>,
    /// The patients whose records were shown or written.
    pub patients: Vec<FhirId>,
    /// Whether more patients were shown than one entry names.
    pub patients_cut: bool,
    /// Record versions written.
    pub n_versions: u64,
}

/// Most patients named by one entry.
/// LIMIT: ten pages of the largest size; the entry says when there were more.
pub(crate) const PATIENTS_MAX: usize = 10_000;

/// Longest detail and source kept, in bytes.
/// LIMIT: the longest search query that is taken.
const TEXT_BYTES_MAX: usize = ward_core::limits::QUERY_BYTES_MAX;

/// What is known of an entry before it has a number.
#[derive(Clone)]
pub(crate) struct AuditDraft {
    pub(crate) time: Timestamp,
    pub(crate) action: AuditAction,
    pub(crate) outcome: AuditOutcome,
    pub(crate) actor: Actor,
    pub(crate) role: Role,
    pub(crate) purpose: PurposeOfUse,
    pub(crate) trace: TraceId,
    pub(crate) source: Arc<str>,
    pub(crate) target: Option<RecordKey>,
    pub(crate) kind: Option<ResourceType>,
    pub(crate) detail: Option<Phi<String>>,
    pub(crate) patients: Vec<Scope>,
    pub(crate) patients_cut: bool,
}

/// The rows that an entry vouches for.
#[derive(Clone, Copy, PartialEq, Eq, Default, Debug)]
pub(crate) struct Wrote {
    pub(crate) seq: Seq,
    pub(crate) first_vid: u64,
    pub(crate) n_versions: u64,
    pub(crate) digest: [u8; 32],
}

impl AuditDraft {
    pub(crate) fn new(cx: &Ctx, act: Interaction, outcome: AuditOutcome) -> AuditDraft {
        AuditDraft {
            time: cx.now,
            action: act.action,
            outcome,
            actor: cx.actor,
            role: cx.role,
            purpose: cx.purpose,
            trace: cx.trace,
            source: Arc::clone(&cx.source),
            target: act.target,
            kind: act.kind,
            detail: act.detail,
            patients: Vec::new(),
            patients_cut: false,
        }
    }

    /// Adds patients, to be put in order later by [`AuditDraft::add_patients`].
    pub(crate) fn add_patients_unsorted(&mut self, scopes: &[Scope]) {
        // Most units are about one patient.
        if let [scope] = scopes
            && self.patients.last() == Some(scope)
        {
            return;
        }
        self.patients.extend_from_slice(scopes);
    }

    /// Adds patients, each once and no more than fit.
    pub(crate) fn add_patients(&mut self, scopes: impl IntoIterator<Item = Scope>) {
        self.patients.extend(scopes);
        self.patients.sort_unstable();
        self.patients.dedup();
        if PATIENTS_MAX < self.patients.len() {
            self.patients.truncate(PATIENTS_MAX);
            self.patients_cut = true;
        }
    }

    /// - Shape: format 1 | fixed fields | texts with their length | patients. Numbers are
    ///   big-endian; words stand as their text.
    pub(crate) fn encode(&self, wrote: &Wrote) -> Vec<u8> {
        let mut out = Vec::with_capacity(256 + 16 * self.patients.len());
        out.push(FORMAT);
        out.extend_from_slice(&self.time.as_microsecond().to_be_bytes());
        out.extend_from_slice(&wrote.seq.0.to_be_bytes());
        out.extend_from_slice(&wrote.first_vid.to_be_bytes());
        out.extend_from_slice(&wrote.n_versions.to_be_bytes());
        out.extend_from_slice(&wrote.digest);
        out.extend_from_slice(self.actor.id.as_bytes());
        out.extend_from_slice(self.trace.as_bytes());
        out.push(actor_kind_number(self.actor.kind));
        out.push(u8::from(self.patients_cut));
        let kind = self.kind.map_or(0, ResourceType::number);
        out.extend_from_slice(&kind.to_be_bytes());
        let target_kind = self.target.as_ref().map_or(0, |key| key.kind.number());
        out.extend_from_slice(&target_kind.to_be_bytes());
        let target_id = self.target.as_ref().map_or("", |key| key.id.as_str());
        let detail = self.detail.as_ref().map_or("", |detail| detail.reveal().as_str());
        for text in [
            self.action.as_str(),
            self.outcome.as_str(),
            self.role.as_str(),
            self.purpose.as_str(),
            &self.source,
            target_id,
            detail,
        ] {
            put_text(text, &mut out);
        }
        out.push(u8::from(self.detail.is_some()));
        for scope in &self.patients {
            out.extend_from_slice(&scope.0);
        }
        out
    }
}

const FORMAT: u8 = 1;

/// An entry as its bytes say it, with pseudonyms for patients.
pub(crate) struct Decoded {
    pub(crate) draft: AuditDraft,
    pub(crate) wrote: Wrote,
}

/// `None`: not the bytes of an entry.
pub(crate) fn decode(bytes: &[u8]) -> Option<Decoded> {
    let rest = &mut { bytes };
    let [format] = take(rest)?;
    if format != FORMAT {
        return None;
    }
    let time = Timestamp::from_microsecond(i64::from_be_bytes(take(rest)?)).ok()?;
    let seq = Seq(u64::from_be_bytes(take(rest)?));
    let first_vid = u64::from_be_bytes(take(rest)?);
    let n_versions = u64::from_be_bytes(take(rest)?);
    let digest = take(rest)?;
    let id = ActorId::from_bytes(take(rest)?);
    let trace = TraceId::from_bytes(take(rest)?);
    let [actor_kind] = take(rest)?;
    let [patients_cut] = take(rest)?;
    let kind = ResourceType::from_number(u16::from_be_bytes(take(rest)?));
    let target_kind = ResourceType::from_number(u16::from_be_bytes(take(rest)?));
    let action = AuditAction::from_word(text(rest)?)?;
    let outcome = AuditOutcome::from_word(text(rest)?)?;
    let role = Role::from_word(text(rest)?)?;
    let purpose = PurposeOfUse::from_word(text(rest)?)?;
    let source = Arc::from(text(rest)?);
    let target_id = text(rest)?;
    let target = match target_kind {
        Some(kind) => Some(RecordKey::new(kind, target_id.parse().ok()?)),
        None => None,
    };
    let detail = text(rest)?;
    let [has_detail] = take(rest)?;
    let detail = (has_detail != 0).then(|| Phi::new(detail.to_owned()));
    let (scopes, []) = rest.as_chunks::<16>() else { return None };
    let draft = AuditDraft {
        time,
        action,
        outcome,
        actor: Actor { id, kind: actor_kind_of(actor_kind)? },
        role,
        purpose,
        trace,
        source,
        target,
        kind,
        detail,
        patients: scopes.iter().map(|scope| Scope(*scope)).collect(),
        patients_cut: patients_cut != 0,
    };
    Some(Decoded { draft, wrote: Wrote { seq, first_vid, n_versions, digest } })
}

impl Decoded {
    /// The entry with its patients' ids.
    pub(crate) fn with_patients(self, n: u64, patients: Vec<FhirId>) -> AuditEntry {
        let draft = self.draft;
        AuditEntry {
            n,
            seq: self.wrote.seq,
            time: draft.time,
            action: draft.action,
            outcome: draft.outcome,
            actor: draft.actor,
            role: draft.role,
            purpose: draft.purpose,
            trace: draft.trace,
            source: draft.source.as_ref().to_owned(),
            target: draft.target,
            kind: draft.kind,
            detail: draft.detail,
            patients,
            patients_cut: draft.patients_cut,
            n_versions: self.wrote.n_versions,
        }
    }
}

fn actor_kind_number(kind: ActorKind) -> u8 {
    match kind {
        ActorKind::Person => 1,
        ActorKind::Client => 2,
        ActorKind::System => 3,
    }
}

fn actor_kind_of(number: u8) -> Option<ActorKind> {
    match number {
        1 => Some(ActorKind::Person),
        2 => Some(ActorKind::Client),
        3 => Some(ActorKind::System),
        _ => None,
    }
}

/// Appends a text and its length, cut at a character when it is too long.
fn put_text(text: &str, out: &mut Vec<u8>) {
    let mut end = text.len().min(TEXT_BYTES_MAX);
    while !text.is_char_boundary(end) {
        end -= 1;
    }
    let text = text.get(..end).unwrap_or_default();
    let len = u32::try_from(text.len()).unwrap_or(0);
    out.extend_from_slice(&len.to_be_bytes());
    out.extend_from_slice(text.as_bytes());
}

fn text<'a>(rest: &mut &'a [u8]) -> Option<&'a str> {
    let len = usize::try_from(u32::from_be_bytes(take(rest)?)).ok()?;
    let (text, tail) = rest.split_at_checked(len)?;
    *rest = tail;
    std::str::from_utf8(text).ok()
}

fn take<const N: usize>(rest: &mut &[u8]) -> Option<[u8; N]> {
    let (head, tail) = rest.split_first_chunk::<N>()?;
    *rest = tail;
    Some(*head)
}
