//! What others say of stays: an Encounter that an interface or a client wrote claims and frees
//! beds as an admission here does.
//!
//! Others have done it already, so it is not refused: what cannot be, such as two patients in one
//! place, becomes a Task for a person.

use std::sync::Arc;

use jiff::Timestamp;
use serde_json::{Value, json};
use ward_core::{
    Actor, ActorKind, AuditAction, AuditOutcome, CareScope, Ctx, FhirId, PurposeOfUse, RecordKey,
    ResourceType, Role,
    ids::{ActorId, TraceId},
};
use ward_rules::{
    bed::{Bed, Claim},
    encounter::Status,
    placement::Offer,
};
use ward_store::{
    Chart, CommitError, CommitUnit, ConsumerName, Cursor, FeedPlace, Interaction, ReadError,
    Reader, SearchError, Seq, Write,
    workflow::{Engine, own_read, own_write},
};

use crate::{
    beds::{self, BedKept},
    records::{self, id_of, search, text},
    stay::StayKept,
};

/// Versions looked at in one round.
const STEP: usize = 256;

/// Stays looked at together at the first start.
const PAGE: usize = 200;

/// Most times a stay is tried again when others write the same records.
/// LIMIT: past this the round ends, and the next one begins with it.
const TRIES_MAX: usize = 16;

/// How far a bed's places are followed upwards.
/// LIMIT: bed, room, ward, floor, building, site.
const DEPTH_MAX: usize = 6;

/// Follows what is written of stays.
pub struct Follower {
    engine: Engine,
    consumer: ConsumerName,
    /// Commits up to this one have been looked at and had nothing of stays.
    seen: Seq,
}

/// What a round came to.
#[derive(Clone, Copy, PartialEq, Eq, Default, Debug)]
pub struct Followed {
    pub n_changed: usize,
    /// A bed may be free now.
    pub has_freed: bool,
    pub has_more: bool,
}

#[derive(Debug, thiserror::Error)]
pub enum FollowError {
    #[error("the name of the consumer")]
    Name,
    #[error("others keep writing the same records")]
    Contended,
    #[error(transparent)]
    Read(#[from] ReadError),
    #[error(transparent)]
    Search(#[from] SearchError),
    #[error(transparent)]
    Commit(#[from] CommitError),
}

/// What a stay makes necessary.
#[derive(Default)]
struct Change {
    writes: Vec<Write>,
    has_freed: bool,
}

impl Follower {
    pub fn new(engine: Engine) -> Result<Follower, FollowError> {
        let consumer = "stays".parse().map_err(|_| FollowError::Name)?;
        Ok(Follower { engine, consumer, seen: Seq::default() })
    }

    /// Looks at the next commits.
    ///
    /// - Shape: the first round of all looks at every stay that is not over.
    /// - Audit: one entry for each stay that changes something.
    /// - Repeat: safe; a stay that is as it is told changes nothing.
    pub async fn round(&mut self) -> Result<Followed, FollowError> {
        let chart = self.engine.chart().clone();
        let place = chart.position(&self.consumer)?;
        if place == FeedPlace::default() {
            return self.begin().await;
        }
        let from = place.seq.max(self.seen);
        if chart.seq() <= from {
            return Ok(Followed::default());
        }
        let own = context(self.engine.now());
        let (versions, last) = chart.changes_of(&own, &[ResourceType::ENCOUNTER], from, STEP)?;
        let mut followed = Followed { has_more: last != from, ..Followed::default() };
        for stored in &versions {
            self.follow(&stored.key, &mut followed).await?;
        }
        // The place is kept now and then: what is looked at again changes nothing.
        let is_far = STEP_KEPT <= last.0.saturating_sub(place.seq.0);
        if 0 < followed.n_changed || is_far {
            self.keep(FeedPlace::after(last)).await?;
        }
        self.seen = last;
        Ok(followed)
    }

    async fn begin(&mut self) -> Result<Followed, FollowError> {
        let chart = self.engine.chart().clone();
        let seq = chart.seq();
        chart.wait_for(seq).await;
        let mut followed = Followed::default();
        let mut after = None;
        loop {
            let (keys, next) = active(&chart, self.engine.now(), after).await?;
            for key in keys {
                self.follow(&key, &mut followed).await?;
            }
            after = next;
            if after.is_none() {
                break;
            }
        }
        self.keep(FeedPlace::after(seq)).await?;
        followed.has_more = true;
        Ok(followed)
    }

    async fn keep(&self, place: FeedPlace) -> Result<(), FollowError> {
        let cx = context(self.engine.now());
        let position = Some((self.consumer.clone(), place));
        let unit = CommitUnit { position, ..CommitUnit::default() };
        let act = Interaction::new(AuditAction::Operation).with_detail("stays followed".to_owned());
        self.engine.chart().commit(&cx, act, unit).await?;
        Ok(())
    }

    async fn follow(&self, key: &RecordKey, followed: &mut Followed) -> Result<(), FollowError> {
        let chart = self.engine.chart();
        for _ in 0..TRIES_MAX {
            let cx = context(self.engine.now());
            let act = Interaction::on(AuditAction::Operation, key.clone())
                .with_detail("stay as told".to_owned());
            let reader = chart.reader(&cx, act);
            let change = match self.change(&reader, key, cx.now) {
                // Of a patient who was destroyed.
                Err(ReadError::Destroyed) => Change::default(),
                change => change?,
            };
            if change.writes.is_empty() {
                reader.let_go();
                return Ok(());
            }
            let (heard, writes) = (change.writes.clone(), change.writes);
            let unit = CommitUnit { writes, ..CommitUnit::default() };
            match reader.commit(&cx, unit).await {
                Ok(_) => {
                    self.engine.heard(&heard);
                    followed.n_changed += 1;
                    followed.has_freed |= change.has_freed;
                    return Ok(());
                }
                Err(
                    CommitError::Stale { .. } | CommitError::Exists { .. } | CommitError::Changed,
                ) => {}
                Err(error) => return Err(error.into()),
            }
        }
        Err(FollowError::Contended)
    }

    fn change(
        &self,
        reader: &Reader<'_>,
        key: &RecordKey,
        now: Timestamp,
    ) -> Result<Change, ReadError> {
        let mut change = Change::default();
        let found = reader.get(key)?;
        let encounter: Value = match &found {
            Some(stored) if !stored.deleted => {
                serde_json::from_slice(&stored.body).unwrap_or_default()
            }
            _ => Value::Null,
        };
        if found.as_ref().is_some_and(|stored| stored.deleted) {
            self.forget(reader, key, now, &mut change)?;
            return Ok(change);
        }
        let subject = encounter.pointer("/subject/reference").and_then(Value::as_str);
        let Some(patient) = subject.and_then(|it| id_of(it, "Patient")) else {
            return Ok(change);
        };
        let status = text(&encounter, "status").and_then(Status::from_code);
        let is_active = is_stay(&encounter) && status.is_some_and(Status::is_active);
        let stay_key = records::key(ResourceType::STAY, &patient);
        let stay = own_read::<StayKept>(reader, &stay_key)?;
        let (base, stay) = match stay {
            Some((stay, version)) => (Some(version), Some(stay)),
            None => (None, None),
        };
        let own = stay.as_ref().filter(|stay| stay.is_open && stay.encounter == key.id.as_str());
        let lies_in = own.and_then(|stay| stay.bed.as_ref()?.parse::<FhirId>().ok());
        if !is_active {
            let Some(own) = own else { return Ok(change) };
            self.free(reader, lies_in.as_ref(), key, now, &mut change)?;
            let over = StayKept { bed: None, is_open: false, ..own.clone() };
            change.writes.extend(own_write(stay_key, base, Some(&patient), &over));
            return Ok(change);
        }
        if let Some(other) = stay.as_ref().filter(|stay| stay.is_open && own.is_none()) {
            let why = format!("the patient is also in Encounter/{}", other.encounter);
            self.ask(key, &patient, ("two-stays", &why), now, &mut change)?;
            return Ok(change);
        }
        let wanted = self.bed_of(reader, &encounter)?;
        let is_known = own.is_some() && lies_in.as_ref() == wanted.as_ref().map(|(id, ..)| id);
        if is_known {
            return Ok(change);
        }
        self.free(reader, lies_in.as_ref(), key, now, &mut change)?;
        let mut bed = None;
        if let Some((id, mut kept, version)) = wanted {
            // Who was merged into another is in no stay any more.
            let merged = kept.bed.claims.iter().find(|it| it.encounter == key.id.as_str());
            let merged = merged.filter(|it| it.patient != patient.as_str());
            if let Some(merged) = merged.and_then(|it| it.patient.parse::<FhirId>().ok()) {
                let key_of = records::key(ResourceType::STAY, &merged);
                if let Some((old, version)) = own_read::<StayKept>(reader, &key_of)?
                    && old.encounter == key.id.as_str()
                {
                    let over = StayKept { bed: None, is_open: false, ..old };
                    change.writes.extend(own_write(key_of, Some(version), Some(&merged), &over));
                }
            }
            let sex = records::read(reader, &records::key(ResourceType::PATIENT, &patient))?;
            let sex = sex.and_then(|(it, _)| text(&it, "gender").map(str::to_owned));
            let since = since(&encounter).unwrap_or(now);
            let claim = Claim::lying(key.id.as_str(), patient.as_str(), sex, since);
            match kept.bed.claim_as_told(claim, now) {
                Ok(()) => {
                    let key = records::key(ResourceType::BED, &id);
                    change.writes.extend(own_write(key, version, None, &kept));
                    bed = Some(id.to_string());
                }
                Err(_) => {
                    let why = format!("bed {} is another patient's", kept.name);
                    self.ask(key, &patient, ("bed-taken", &why), now, &mut change)?;
                }
            }
        }
        let told = StayKept { encounter: key.id.to_string(), bed, is_open: true };
        if stay.as_ref() != Some(&told) {
            change.writes.extend(own_write(stay_key, base, Some(&patient), &told));
        }
        Ok(change)
    }

    /// Ends what an Encounter had that was deleted.
    ///
    /// - Cost: looks at every bed; nobody deletes stays but by mistake.
    fn forget(
        &self,
        reader: &Reader<'_>,
        encounter: &RecordKey,
        now: Timestamp,
        change: &mut Change,
    ) -> Result<(), ReadError> {
        for stored in reader.own(ResourceType::BED)? {
            let Ok(kept) = serde_json::from_slice::<BedKept>(&stored.body) else { continue };
            let of = kept.bed.claims.iter().find(|it| it.encounter == encounter.id.as_str());
            let Some(patient) = of.and_then(|it| it.patient.parse::<FhirId>().ok()) else {
                continue;
            };
            self.free(reader, Some(&stored.key.id), encounter, now, change)?;
            let key = records::key(ResourceType::STAY, &patient);
            if let Some((stay, version)) = own_read::<StayKept>(reader, &key)?
                && stay.encounter == encounter.id.as_str()
            {
                let over = StayKept { bed: None, is_open: false, ..stay };
                change.writes.extend(own_write(key, Some(version), Some(&patient), &over));
            }
        }
        Ok(())
    }

    fn free(
        &self,
        reader: &Reader<'_>,
        bed: Option<&FhirId>,
        encounter: &RecordKey,
        now: Timestamp,
        change: &mut Change,
    ) -> Result<(), ReadError> {
        if let Some(bed) = bed
            && let Some(write) = beds::released(reader, bed, encounter.id.as_str(), now)?
        {
            change.writes.push(write);
            change.has_freed = true;
        }
        Ok(())
    }

    /// The bed that a stay is in now. A place that is a bed and was none here becomes one.
    fn bed_of(
        &self,
        reader: &Reader<'_>,
        encounter: &Value,
    ) -> Result<Option<(FhirId, BedKept, Option<u32>)>, ReadError> {
        let places = encounter.get("location").and_then(Value::as_array);
        let is_now = |place: &&Value| matches!(text(place, "status"), None | Some("active"));
        let now = places.into_iter().flatten().filter(is_now);
        for place in now {
            let reference = place.pointer("/location/reference").and_then(Value::as_str);
            let Some(id) = reference.and_then(|it| id_of(it, "Location")) else { continue };
            let key = records::key(ResourceType::BED, &id);
            if let Some((kept, version)) = own_read::<BedKept>(reader, &key)? {
                return Ok(Some((id, kept, Some(version))));
            }
            if let Some((name, offer)) = place_of(reader, &id)? {
                return Ok(Some((id, BedKept { name, offer, bed: Bed::new(1) }, None)));
            }
        }
        Ok(None)
    }

    /// A Task for whoever looks after beds; once for each stay and cause.
    fn ask(
        &self,
        encounter: &RecordKey,
        patient: &FhirId,
        (code, why): (&str, &str),
        now: Timestamp,
        change: &mut Change,
    ) -> Result<(), ReadError> {
        let chart = self.engine.chart();
        let id = chart.derived_id(&["stay", code, encounter.id.as_str()]);
        let key = records::key(ResourceType::TASK, &id);
        if chart.current(&key)?.is_some() {
            return Ok(());
        }
        let task = json!({
            "resourceType": "Task",
            "status": "requested",
            "intent": "order",
            "priority": "urgent",
            "code": { "coding": [{ "system": "urn:ward:stay", "code": code }], "text": why },
            "focus": { "reference": encounter.to_string() },
            "for": { "reference": format!("Patient/{patient}") },
            "encounter": { "reference": encounter.to_string() },
            "authoredOn": now.to_string(),
        });
        change.writes.extend(records::write(&task, &key, None, now, self.engine.base()));
        Ok(())
    }
}

/// Commits after which the place is kept, even if nothing of them was of stays.
const STEP_KEPT: u64 = 1_000;

/// Name and place of a Location that is a bed.
fn place_of(reader: &Reader<'_>, id: &FhirId) -> Result<Option<(String, Offer)>, ReadError> {
    let (mut at, mut names, mut offer) = (id.clone(), Vec::new(), Offer::default());
    for depth in 0..DEPTH_MAX {
        let key = records::key(ResourceType::LOCATION, &at);
        let Some((location, _)) = records::read(reader, &key)? else { break };
        let kind = location.pointer("/physicalType/coding/0/code").and_then(Value::as_str);
        match (depth, kind) {
            (0, Some("bd")) => {}
            (0, _) => return Ok(None),
            (_, Some("ro")) => offer.room = at.to_string(),
            (_, Some("wa")) => offer.ward = at.to_string(),
            _ => {}
        }
        // What is above the ward is the same for every bed.
        if matches!(kind, Some("bd" | "ro" | "wa")) {
            names.extend(text(&location, "name").map(str::to_owned));
        }
        let parent = location.pointer("/partOf/reference").and_then(Value::as_str);
        match parent.and_then(|it| id_of(it, "Location")) {
            Some(parent) => at = parent,
            None => break,
        }
    }
    names.reverse();
    Ok((!names.is_empty()).then(|| (names.join("-"), offer)))
}

/// Since when the stay is where it is, as it is told.
fn since(encounter: &Value) -> Option<Timestamp> {
    let places = encounter.get("location").and_then(Value::as_array)?;
    let place = places.iter().find(|place| matches!(text(place, "status"), None | Some("active")));
    let of_place = place.and_then(|place| place.pointer("/period/start"));
    // The first place began with the stay.
    let of_stay = encounter.pointer("/period/start").filter(|_| places.len() == 1);
    of_place.or(of_stay)?.as_str()?.parse().ok()
}

/// - Source: HL7 v3 ActCode, ActEncounterCode.
fn is_stay(encounter: &Value) -> bool {
    let class = encounter.pointer("/class/code").and_then(Value::as_str);
    matches!(class, Some("IMP" | "ACUTE" | "NONAC" | "EMER" | "SS" | "OBSENC"))
}

/// One page of the stays that are not over.
async fn active(
    chart: &Chart,
    now: Timestamp,
    after: Option<Cursor>,
) -> Result<(Vec<RecordKey>, Option<Cursor>), FollowError> {
    let kind = ResourceType::ENCOUNTER;
    let cx = context(now);
    let reader = chart.reader(&cx, Interaction::of(AuditAction::Search, kind));
    let found = search(&reader, kind, "status=arrived,in-progress,onleave", (PAGE, after))?;
    let keys: Result<Vec<RecordKey>, ReadError> =
        found.hits.iter().map(|hit| reader.key(hit)).collect();
    reader.finish(AuditOutcome::Success).await?;
    Ok((keys?, found.next))
}

/// Ward itself.
fn context(now: Timestamp) -> Ctx {
    Ctx {
        actor: Actor { id: ActorId::from_bytes([0; 16]), kind: ActorKind::System },
        role: Role::System,
        purpose: PurposeOfUse::Treatment,
        care: CareScope::Everyone,
        now,
        // What it does is found by the record that it does it for.
        trace: TraceId::at(now, [0; 10]),
        source: Arc::from("stays"),
    }
}
