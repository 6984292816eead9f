//! What happens to a stay after its admission: it moves, goes on leave, and ends.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use ward_core::{AuditAction, AuditOutcome, CareScope, Ctx, FhirId, RecordKey, ResourceType, Role};
use ward_rules::{
    bed::{BedRefusal, Claim},
    encounter::{Change, NotNow, Status, after},
    placement::Needs,
};
use ward_store::{
    CommitError, CommitUnit, Interaction, ReadError, Reader, Write,
    workflow::{Engine, EngineError, own_read, own_write},
};

use crate::{
    beds::{self, BedKept, Beds, NoBed},
    records::{self, end, id_of, put, text},
};

/// Most times an act is tried again when others write the same records.
/// LIMIT: past this the caller hears 409 and decides again.
const TRIES_MAX: usize = 16;

/// The one stay of a patient, under the Patient's id.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct StayKept {
    /// Logical id of the Encounter.
    pub encounter: String,
    /// Logical id of the bed's Location.
    pub bed: Option<String>,
    /// The patient has come and not gone for good.
    pub is_open: bool,
}

/// What is to happen.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Act {
    /// To the best bed for these needs.
    Move(Needs),
    Leave,
    Return,
    Discharge,
    /// The discharge was entered in error: back to the bed that the patient was in, or another.
    CancelDischarge,
}

/// Why it did not.
#[derive(Debug, thiserror::Error)]
pub enum StayError {
    #[error("there is no such stay")]
    NotFound,
    #[error(transparent)]
    NotNow(#[from] NotNow),
    #[error("no bed: {0}")]
    NoBed(NoBed),
    #[error(transparent)]
    Bed(#[from] BedRefusal),
    #[error("the patient is in another stay")]
    OtherStay,
    #[error("others keep writing the same records")]
    Contended,
    #[error("the record cannot be written")]
    Json(#[from] serde_json::Error),
    #[error(transparent)]
    Engine(#[from] EngineError),
    #[error(transparent)]
    Read(#[from] ReadError),
    #[error(transparent)]
    Commit(#[from] CommitError),
}

/// Does something to a stay, in one commit: the Encounter, the beds and the patient's place.
///
/// - Audit: `operation` on the Encounter, by who asks.
/// - Errors: the stay is in a state in which this cannot happen, or no bed is to be had.
pub async fn act(
    engine: &Engine,
    beds: &Beds,
    cx: &Ctx,
    encounter: &FhirId,
    act: &Act,
) -> Result<Value, StayError> {
    let word = match act {
        Act::Move(_) => "transfer",
        Act::Leave => "leave",
        Act::Return => "return",
        Act::Discharge => "discharge",
        Act::CancelDischarge => "cancel-discharge",
    };
    commit(
        engine,
        cx,
        (RecordKey::new(ResourceType::ENCOUNTER, encounter.clone()), word),
        |reader, now| {
            let (mut resource, mut writes) = (Value::Null, Vec::new());
            changed(engine, beds, reader, (encounter, act), now, &mut resource, &mut writes)?;
            Ok((resource, writes))
        },
    )
    .await
}

fn changed(
    engine: &Engine,
    beds: &Beds,
    reader: &Reader<'_>,
    (encounter, act): (&FhirId, &Act),
    now: Timestamp,
    resource: &mut Value,
    writes: &mut Vec<Write>,
) -> Result<(), StayError> {
    let key = records::key(ResourceType::ENCOUNTER, encounter);
    let found = records::read(reader, &key)?.ok_or(StayError::NotFound)?;
    let version;
    (*resource, version) = found;
    let patient = resource.pointer("/subject/reference").and_then(Value::as_str);
    let patient = patient.and_then(|it| id_of(it, "Patient")).ok_or(StayError::NotFound)?;
    let from = text(resource, "status").and_then(Status::from_code).ok_or(StayError::NotFound)?;
    let change = match act {
        Act::Move(_) => Change::Move,
        Act::Leave => Change::Leave,
        Act::Return => Change::Return,
        Act::Discharge => Change::Discharge,
        Act::CancelDischarge => Change::CancelDischarge,
    };
    let to = after(from, change)?;
    put(resource, "status", json!(to.as_str()));
    let stay_key = records::key(ResourceType::STAY, &patient);
    let kept = own_read::<StayKept>(reader, &stay_key)?;
    if matches!(act, Act::CancelDischarge) {
        let reopened = reopen(beds, reader, (encounter, &patient), kept, now, resource, writes)?;
        writes.push(own_write(stay_key, reopened.1, Some(&patient), &reopened.0)?);
        writes.extend(records::write(resource, &key, Some(version), now, engine.base()));
        return Ok(());
    }
    let mut stay = kept.filter(|(stay, _)| stay.encounter == encounter.as_str());
    let lies_in = stay.as_ref().and_then(|(stay, _)| stay.bed.as_ref()?.parse::<FhirId>().ok());
    match act {
        Act::Move(needs) => {
            let mut needs = needs.clone();
            let patient_key = records::key(ResourceType::PATIENT, &patient);
            let who = records::read(reader, &patient_key)?;
            needs.sex = who.as_ref().and_then(|(who, _)| text(who, "gender")).map(str::to_owned);
            let who = (encounter.as_str(), patient.as_str());
            let found = beds.find(reader, &needs, who, now)?;
            let (id, kept, bed_version) = found.map_err(StayError::NoBed)?;
            let claim = Claim::lying(encounter.as_str(), patient.as_str(), needs.sex, now);
            let bed = beds::claimed((id.clone(), kept, bed_version), claim, now);
            writes.push(bed.ok_or(StayError::Bed(BedRefusal::Taken))?);
            if let Some(old) = &lies_in {
                writes.extend(beds::released(reader, old, encounter.as_str(), now)?);
            }
            put_in(resource, &id, now);
            if let Some((stay, _)) = &mut stay {
                stay.bed = Some(id.to_string());
            }
        }
        // The bed is kept for who comes back.
        Act::Leave | Act::Return | Act::CancelDischarge => {}
        Act::Discharge => {
            end(resource, &now.to_string());
            if let Some(old) = &lies_in {
                writes.extend(beds::released(reader, old, encounter.as_str(), now)?);
            }
            if let Some((stay, _)) = &mut stay {
                (stay.bed, stay.is_open) = (None, false);
            }
        }
    }
    if let Some((stay, version)) = stay {
        writes.push(own_write(stay_key, Some(version), Some(&patient), &stay)?);
    }
    writes.extend(records::write(resource, &key, Some(version), now, engine.base()));
    Ok(())
}

/// A stay that was over goes on: the patient is in the bed that it was in last, as long as nobody
/// else is, and in the best one otherwise.
fn reopen(
    beds: &Beds,
    reader: &Reader<'_>,
    (encounter, patient): (&FhirId, &FhirId),
    kept: Option<(StayKept, u32)>,
    now: Timestamp,
    resource: &mut Value,
    writes: &mut Vec<Write>,
) -> Result<(StayKept, Option<u32>), StayError> {
    if kept.as_ref().is_some_and(|(stay, _)| stay.is_open) {
        return Err(StayError::OtherStay);
    }
    let patient_key = records::key(ResourceType::PATIENT, patient);
    let who = records::read(reader, &patient_key)?;
    let sex = who.as_ref().and_then(|(who, _)| text(who, "gender")).map(str::to_owned);
    let claim = Claim::lying(encounter.as_str(), patient.as_str(), sex.clone(), now);
    let last = resource.get("location").and_then(Value::as_array).and_then(|all| all.last());
    let last = last.and_then(|place| place.pointer("/location/reference")?.as_str());
    let mut bed = None;
    if let Some(id) = last.and_then(|it| id_of(it, "Location")) {
        let key = RecordKey::new(ResourceType::BED, id.clone());
        if let Some((mut kept, version)) = own_read::<BedKept>(reader, &key)?
            && kept.bed.claims.iter().all(|it| !it.is_live(now))
            && kept.bed.claim_as_told(claim.clone(), now).is_ok()
        {
            writes.push(own_write(key, Some(version), None, &kept)?);
            bed = Some(id);
        }
    }
    let bed = match bed {
        Some(id) => id,
        None => {
            let needs = Needs { sex, ..Needs::default() };
            let who = (encounter.as_str(), patient.as_str());
            let (id, kept, version) =
                beds.find(reader, &needs, who, now)?.map_err(StayError::NoBed)?;
            let write = beds::claimed((id.clone(), kept, version), claim, now);
            writes.push(write.ok_or(StayError::Bed(BedRefusal::Taken))?);
            id
        }
    };
    if let Some(period) = resource.get_mut("period").and_then(Value::as_object_mut) {
        period.remove("end");
    }
    put_in(resource, &bed, now);
    let stay =
        StayKept { encounter: encounter.to_string(), bed: Some(bed.to_string()), is_open: true };
    Ok((stay, kept.map(|(_, version)| version)))
}

/// What is done to a bed by those who look after it.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum BedAct {
    /// What it is; a new one is made.
    Set {
        name: String,
        offer: ward_rules::placement::Offer,
        capacity: u16,
    },
    Clean,
    Close,
    Reopen,
    /// Kept for a patient who is expected, until then.
    Hold {
        patient: FhirId,
        until: Timestamp,
    },
    /// Not kept for that patient any more.
    Unhold {
        patient: FhirId,
    },
}

/// Does something to a bed.
///
/// - Audit: `operation` on the bed, by who asks.
pub async fn act_on_bed(
    engine: &Engine,
    cx: &Ctx,
    id: &FhirId,
    act: &BedAct,
) -> Result<BedKept, StayError> {
    let key = RecordKey::new(ResourceType::BED, id.clone());
    let word = match act {
        BedAct::Set { .. } => "set",
        BedAct::Clean => "clean",
        BedAct::Close => "close",
        BedAct::Reopen => "reopen",
        BedAct::Hold { .. } => "hold",
        BedAct::Unhold { .. } => "unhold",
    };
    commit(engine, cx, (key.clone(), word), |reader, now| {
        let found = own_read::<BedKept>(reader, &key)?;
        let version = found.as_ref().map(|(_, version)| *version);
        let kept = match (act, found) {
            (BedAct::Set { name, offer, capacity }, found) => {
                let bed = match found {
                    Some((kept, _)) => ward_rules::bed::Bed { capacity: *capacity, ..kept.bed },
                    None => ward_rules::bed::Bed::new(*capacity),
                };
                BedKept { name: name.clone(), offer: offer.clone(), bed }
            }
            (_, None) => return Err(StayError::NotFound),
            (act, Some((mut kept, _))) => {
                match act {
                    BedAct::Clean => kept.bed.clean(),
                    BedAct::Close => kept.bed.close(now)?,
                    BedAct::Hold { patient, until } => {
                        let key = records::key(ResourceType::PATIENT, patient);
                        let (who, _) = records::read(reader, &key)?.ok_or(StayError::NotFound)?;
                        let sex = text(&who, "gender").map(str::to_owned);
                        kept.bed.claim(Claim::held(patient.as_str(), sex, now, *until), now)?;
                    }
                    BedAct::Unhold { patient } => kept.bed.unhold(patient.as_str(), now)?,
                    BedAct::Reopen | BedAct::Set { .. } => kept.bed.reopen(),
                }
                kept
            }
        };
        let write = own_write(key.clone(), version, None, &kept)?;
        Ok((kept, vec![write]))
    })
    .await
}

async fn commit<T>(
    engine: &Engine,
    cx: &Ctx,
    (key, word): (RecordKey, &str),
    make: impl Fn(&Reader<'_>, Timestamp) -> Result<(T, Vec<Write>), StayError>,
) -> Result<T, StayError> {
    // What one may do to stays was asked before; what a stay is made of is Ward's to write.
    let cx = Ctx { role: Role::System, care: CareScope::Everyone, ..cx.clone() };
    for _ in 0..TRIES_MAX {
        let act = Interaction::on(AuditAction::Operation, key.clone())
            .with_detail(format!("stay {word}"));
        let reader = engine.chart().reader(&cx, act);
        let (made, writes) = match make(&reader, cx.now) {
            Ok(made) => made,
            Err(error) => {
                reader.finish(AuditOutcome::MinorFailure).await?;
                return Err(error);
            }
        };
        let heard = writes.clone();
        let unit = CommitUnit { writes, ..CommitUnit::default() };
        match reader.commit(&cx, unit).await {
            Ok(_) => {
                engine.heard(&heard);
                return Ok(made);
            }
            Err(CommitError::Stale { .. } | CommitError::Exists { .. } | CommitError::Changed) => {}
            Err(error) => return Err(error.into()),
        }
    }
    Err(StayError::Contended)
}

/// The patient lies in this bed from now on; the place before it is over.
pub(crate) fn put_in(encounter: &mut Value, bed: &FhirId, now: Timestamp) {
    take_out(encounter, now);
    if encounter.get("location").is_none() {
        put(encounter, "location", json!([]));
    }
    let Some(places) = encounter.get_mut("location").and_then(Value::as_array_mut) else { return };
    places.push(json!({
        "location": { "reference": format!("Location/{bed}") },
        "status": "active",
        "period": { "start": now.to_string() },
    }));
}

/// The patient lies nowhere from now on.
pub(crate) fn take_out(encounter: &mut Value, now: Timestamp) {
    records::leave(encounter, &now.to_string());
}
