//! Two registrations of one patient become one, and two again.

use jiff::Timestamp;
use rustc_hash::FxHashSet;
use serde_json::{Value, json};
use ward_core::{AuditAction, AuditOutcome, CareScope, Ctx, FhirId, RecordKey, ResourceType, Role};
use ward_store::{
    Chart, CommitError, CommitUnit, Interaction, ReadError, Reader, Write,
    join::{self, JoinError, JoinKept},
    values::{self, put},
    workflow::own_read,
};

use crate::candidates::is_replaced;

/// Most times an act is tried again when others write the same records.
/// LIMIT: past this the caller hears 409 and decides again.
const TRIES_MAX: usize = 8;

/// What was done.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Joined {
    pub n_moved: usize,
    /// Records that could not be turned back, because somebody changed them since.
    pub left: Vec<RecordKey>,
}

/// Why it was not.
#[derive(Debug, thiserror::Error)]
pub enum JoiningError {
    #[error("there is no such patient")]
    NotFound,
    #[error("these are one registration")]
    Same,
    #[error("one of them was joined with another before")]
    Replaced,
    #[error("both are in a stay: end one of them first")]
    TwoStays,
    #[error("they are not joined")]
    NotJoined,
    #[error("others keep writing the same records")]
    Contended,
    #[error(transparent)]
    Join(#[from] JoinError),
    #[error(transparent)]
    Read(#[from] ReadError),
    #[error(transparent)]
    Commit(#[from] CommitError),
}

/// Makes every record of `from` one of `into`, in one commit.
///
/// - Audit: `operation` on the Patient who goes, with the reason, by who asks.
pub async fn join(
    at: (&Chart, &str),
    cx: &Ctx,
    (from, into): (&FhirId, &FhirId),
    reason: &str,
) -> Result<(Joined, Vec<Write>), JoiningError> {
    if from == into {
        return Err(JoiningError::Same);
    }
    commit(at, cx, (from, &format!("join: {reason}")), |reader, now| {
        let (gone_key, kept_key) = (patient(from), patient(into));
        let (mut gone, gone_version) =
            values::read(reader, &gone_key)?.ok_or(JoiningError::NotFound)?;
        let (mut stays, stays_version) =
            values::read(reader, &kept_key)?.ok_or(JoiningError::NotFound)?;
        if is_replaced(&gone) || is_replaced(&stays) {
            return Err(JoiningError::Replaced);
        }
        if is_in_stay(reader, from)? && is_in_stay(reader, into)? {
            return Err(JoiningError::TwoStays);
        }
        let was_active = gone.get("active").and_then(Value::as_bool);
        put(&mut gone, "active", json!(false));
        link(&mut gone, "replaced-by", &kept_key);
        link(&mut stays, "replaces", &gone_key);
        let made = join::join(reader, (from, into), &FxHashSet::default(), (now, at.1))?;
        let own = own_read::<JoinKept>(reader, &join::key(from))?;
        let n_moved = made.moved.len();
        let kept = JoinKept {
            into: into.to_string(),
            at: now,
            was_active,
            moved: made.moved,
            undone: None,
        };
        let mut writes = made.writes;
        writes.extend(values::write(&gone, &gone_key, Some(gone_version), now, at.1));
        writes.extend(values::write(&stays, &kept_key, Some(stays_version), now, at.1));
        let base = own.map(|(_, version)| version);
        writes.push(join::kept_write(from, base, &kept).map_err(JoinError::from)?);
        Ok((Joined { n_moved, left: Vec::new() }, writes))
    })
    .await
}

/// Gives back to `from` every record that was its own when it was joined.
///
/// - Shape: what was written since stays with whom it was written of.
/// - Audit: `operation` on the Patient who comes back, with the reason, by who asks.
pub async fn part(
    at: (&Chart, &str),
    cx: &Ctx,
    from: &FhirId,
    reason: &str,
) -> Result<(Joined, Vec<Write>), JoiningError> {
    commit(at, cx, (from, &format!("part: {reason}")), |reader, now| {
        let found = own_read::<JoinKept>(reader, &join::key(from))?;
        let found = found.filter(|(kept, _)| kept.undone.is_none());
        let (mut kept, version) = found.ok_or(JoiningError::NotJoined)?;
        let into: FhirId = kept.into.parse().map_err(|_| JoiningError::NotJoined)?;
        let made = join::part(reader, &kept, (now, at.1))?;
        let mut writes = made.writes;
        let n_moved = writes.len();
        for (id, kind, other) in [(from, "replaced-by", &into), (&into, "replaces", from)] {
            let key = patient(id);
            let Some((mut one, version)) = values::read(reader, &key)? else { continue };
            unlink(&mut one, kind, &patient(other));
            // What somebody else made of it meanwhile is theirs.
            if id == from && one.get("active") == Some(&json!(false)) {
                match kept.was_active {
                    Some(was) => put(&mut one, "active", json!(was)),
                    None => remove(&mut one, "active"),
                }
            }
            writes.extend(values::write(&one, &key, Some(version), now, at.1));
        }
        kept.undone = Some(now);
        writes.push(join::kept_write(from, Some(version), &kept).map_err(JoinError::from)?);
        Ok((Joined { n_moved, left: made.left }, writes))
    })
    .await
}

fn patient(id: &FhirId) -> RecordKey {
    RecordKey::new(ResourceType::PATIENT, id.clone())
}

fn is_in_stay(reader: &Reader<'_>, patient: &FhirId) -> Result<bool, ReadError> {
    let key = RecordKey::new(ResourceType::STAY, patient.clone());
    let stay = own_read::<Value>(reader, &key)?;
    Ok(stay.is_some_and(|(stay, _)| stay.get("isOpen").and_then(Value::as_bool) == Some(true)))
}

fn link(patient: &mut Value, kind: &str, other: &RecordKey) {
    let new = json!({ "other": { "reference": other.to_string() }, "type": kind });
    match patient.get_mut("link").and_then(Value::as_array_mut) {
        Some(links) => links.push(new),
        None => put(patient, "link", json!([new])),
    }
}

fn unlink(patient: &mut Value, kind: &str, other: &RecordKey) {
    let Some(links) = patient.get_mut("link").and_then(Value::as_array_mut) else { return };
    let other = other.to_string();
    links.retain(|link| {
        let to = link.pointer("/other/reference").and_then(Value::as_str).unwrap_or_default();
        let is_it = to == other || to.ends_with(&format!("/{other}"));
        !(is_it && values::text(link, "type") == Some(kind))
    });
    if links.is_empty() {
        remove(patient, "link");
    }
}

fn remove(value: &mut Value, name: &str) {
    if let Some(object) = value.as_object_mut() {
        object.remove(name);
    }
}

async fn commit(
    (chart, _): (&Chart, &str),
    cx: &Ctx,
    (id, detail): (&FhirId, &str),
    make: impl Fn(&Reader<'_>, Timestamp) -> Result<(Joined, Vec<Write>), JoiningError>,
) -> Result<(Joined, Vec<Write>), JoiningError> {
    // Whether one may do this was asked before; every record of the two goes along.
    let cx = Ctx { role: Role::System, care: CareScope::Everyone, ..cx.clone() };
    for _ in 0..TRIES_MAX {
        let act =
            Interaction::on(AuditAction::Operation, patient(id)).with_detail(detail.to_owned());
        let reader = chart.reader(&cx, act);
        let (joined, writes) = match make(&reader, cx.now) {
            Ok(made) => made,
            Err(error) => {
                reader.finish(AuditOutcome::MinorFailure).await?;
                return Err(error);
            }
        };
        let written = writes.clone();
        let unit = CommitUnit { writes, ..CommitUnit::default() };
        match reader.commit(&cx, unit).await {
            Ok(_) => return Ok((joined, written)),
            Err(CommitError::Stale { .. } | CommitError::Exists { .. } | CommitError::Changed) => {}
            Err(error) => return Err(error.into()),
        }
    }
    Err(JoiningError::Contended)
}
