//! The beds of the house.

use std::{
    collections::BTreeMap,
    sync::{Arc, PoisonError, RwLock},
};

use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};
use ward_core::{AuditAction, AuditOutcome, Ctx, FhirId, RecordKey, ResourceType};
use ward_rules::{
    bed::{Bed, BedState, Claim},
    placement::{self, Needs, Offer, Unfit},
};
use ward_store::{
    Chart, CommitError, Interaction, ReadError, Reader, Write,
    workflow::{own_read, own_write},
};

/// How long a bed that somebody is about to claim is left to them.
/// LIMIT: a claim takes milliseconds; who was broken off is forgotten soon.
const RESERVED_S: i64 = 5;

/// What a bed is worth to the patient whom it is held for: more than every wish together.
const HELD: i32 = 1_000;

/// What is kept of a bed, under the id of its Location.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct BedKept {
    /// For people, such as `W1-101-A`.
    pub name: String,
    #[serde(flatten)]
    pub offer: Offer,
    #[serde(flatten)]
    pub bed: Bed,
}

/// A bed on the board.
#[derive(Clone, PartialEq, Eq, Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct BedLine {
    pub id: String,
    pub state: BedState,
    #[serde(flatten)]
    pub kept: BedKept,
}

/// Why no bed was found, by how many beds each cause took out.
#[derive(Clone, PartialEq, Eq, Default, Debug)]
pub struct NoBed {
    pub n_taken: usize,
    pub unfit: BTreeMap<Unfit, usize>,
}

impl std::fmt::Display for NoBed {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let taken = (0 < self.n_taken).then(|| format!("{} fit and are not free", self.n_taken));
        let unfit = self.unfit.iter().map(|(why, n)| format!("{n}: {}", why.text()));
        let all: Vec<String> = taken.into_iter().chain(unfit).collect();
        match all.is_empty() {
            true => f.write_str("there are no beds"),
            false => f.write_str(&all.join("; ")),
        }
    }
}

/// The beds, as they were last seen. Clones are the same.
///
/// Truth has the last word: whoever claims a bed reads it again, and writes its next version.
#[derive(Clone, Default)]
pub struct Beds {
    known: Arc<RwLock<Known>>,
}

#[derive(Default)]
struct Known {
    beds: BTreeMap<FhirId, BedKept>,
    /// Who is about to claim a bed, and until when it is theirs.
    reserved: BTreeMap<FhirId, (String, Timestamp)>,
}

impl Beds {
    /// Reads every bed.
    ///
    /// - Audit: `search` of beds.
    /// - Cost: proportional to all versions of all beds; for the start.
    pub async fn load(chart: &Chart, cx: &Ctx) -> Result<Beds, LoadError> {
        let beds = Beds::default();
        let reader = chart.reader(cx, Interaction::of(AuditAction::Search, ResourceType::BED));
        let all = reader.own(ResourceType::BED);
        reader.finish(AuditOutcome::Success).await?;
        for stored in all? {
            beds.hear(&stored.key, &stored.body);
        }
        Ok(beds)
    }

    /// Hears of what was committed.
    pub fn heard(&self, writes: &[Write]) {
        for write in writes.iter().filter(|write| write.key.kind == ResourceType::BED) {
            self.hear(&write.key, &write.body);
            // Whoever was about to write it has, or will find that others did.
            let mut known = self.known.write().unwrap_or_else(PoisonError::into_inner);
            known.reserved.remove(&write.key.id);
        }
    }

    /// Every bed, by ward, room and name.
    pub fn board(&self, now: Timestamp) -> Vec<BedLine> {
        let known = self.known.read().unwrap_or_else(PoisonError::into_inner);
        let line = |(id, kept): (&FhirId, &BedKept)| BedLine {
            id: id.to_string(),
            state: kept.bed.state(now),
            kept: kept.clone(),
        };
        let mut lines: Vec<BedLine> = known.beds.iter().map(line).collect();
        lines.sort_by(|a, b| {
            let of = |it: &BedLine| {
                (it.kept.offer.ward.clone(), it.kept.offer.room.clone(), it.kept.name.clone())
            };
            of(a).cmp(&of(b))
        });
        lines
    }

    pub fn get(&self, id: &FhirId) -> Option<BedKept> {
        let known = self.known.read().unwrap_or_else(PoisonError::into_inner);
        known.beds.get(id).cloned()
    }

    /// The best bed for `needs`, read again, with its version; it is left to the stay for a moment.
    ///
    /// - Shape: `who` is the stay's Encounter and its patient, by their logical ids.
    pub(crate) fn find(
        &self,
        reader: &Reader<'_>,
        needs: &Needs,
        who: (&str, &str),
        now: Timestamp,
    ) -> Result<Result<(FhirId, BedKept, u32), NoBed>, ReadError> {
        loop {
            let id = match self.choose(needs, who, now) {
                Ok(id) => id,
                Err(no) => return Ok(Err(no)),
            };
            let key = RecordKey::new(ResourceType::BED, id.clone());
            match own_read::<BedKept>(reader, &key)? {
                Some((kept, version)) => {
                    self.put(id.clone(), kept.clone());
                    if kept.bed.is_open_to(who.1, now) {
                        return Ok(Ok((id, kept, version)));
                    }
                }
                None => self.forget(&id),
            }
        }
    }

    fn choose(
        &self,
        needs: &Needs,
        (encounter, patient): (&str, &str),
        now: Timestamp,
    ) -> Result<FhirId, NoBed> {
        let mut known = self.known.write().unwrap_or_else(PoisonError::into_inner);
        known.reserved.retain(|_, (_, until)| now < *until);
        let mut no = NoBed::default();
        let mut best: Option<(i32, &FhirId)> = None;
        for (id, kept) in &known.beds {
            let in_room = sexes_in(&known.beds, &kept.offer, patient, now);
            let score = match placement::fit((id.as_str(), &kept.offer), needs, &in_room) {
                // A bed that was held for the patient is meant.
                Ok(score) if kept.bed.is_held_for(patient, now) => score.saturating_add(HELD),
                Ok(score) => score,
                Err(why) => {
                    *no.unfit.entry(why).or_default() += 1;
                    continue;
                }
            };
            let is_others = known.reserved.get(id).is_some_and(|(who, _)| who != encounter);
            if is_others || !kept.bed.is_open_to(patient, now) {
                no.n_taken += 1;
                continue;
            }
            if best.is_none_or(|(other, _)| other < score) {
                best = Some((score, id));
            }
        }
        let Some(id) = best.map(|(_, id)| id.clone()) else { return Err(no) };
        let until = now.checked_add(SignedDuration::from_secs(RESERVED_S)).unwrap_or(now);
        known.reserved.insert(id.clone(), (encounter.to_owned(), until));
        Ok(id)
    }

    fn hear(&self, key: &RecordKey, body: &[u8]) {
        match serde_json::from_slice(body) {
            Ok(kept) => self.put(key.id.clone(), kept),
            Err(_) => self.forget(&key.id),
        }
    }

    fn put(&self, id: FhirId, kept: BedKept) {
        let mut known = self.known.write().unwrap_or_else(PoisonError::into_inner);
        known.beds.insert(id, kept);
    }

    fn forget(&self, id: &FhirId) {
        let mut known = self.known.write().unwrap_or_else(PoisonError::into_inner);
        known.beds.remove(id);
    }
}

/// The beds cannot be read.
#[derive(Debug, thiserror::Error)]
pub enum LoadError {
    #[error(transparent)]
    Read(#[from] ReadError),
    #[error(transparent)]
    Commit(#[from] CommitError),
}

/// The sexes of who else lies in a room, or is expected there.
fn sexes_in<'b>(
    beds: &'b BTreeMap<FhirId, BedKept>,
    offer: &Offer,
    patient: &str,
    now: Timestamp,
) -> Vec<Option<&'b str>> {
    if offer.room.is_empty() || offer.sex != placement::SexPolicy::SameInRoom {
        return Vec::new();
    }
    let room = beds.values().filter(|kept| kept.offer.room == offer.room);
    let claims = room.flat_map(|kept| kept.bed.claims.iter());
    let claims = claims.filter(|claim| claim.is_live(now) && claim.patient != patient);
    claims.map(|claim| claim.sex.as_deref()).collect()
}

/// The claim of a stay on a bed, and the bed's next version.
pub(crate) fn claimed(
    (id, mut kept, version): (FhirId, BedKept, u32),
    claim: Claim,
    now: Timestamp,
) -> Option<Write> {
    kept.bed.claim(claim, now).ok()?;
    own_write(RecordKey::new(ResourceType::BED, id), Some(version), None, &kept).ok()
}

/// Ends the claim of a stay; nothing when it has none.
pub(crate) fn released(
    reader: &Reader<'_>,
    id: &FhirId,
    encounter: &str,
    now: Timestamp,
) -> Result<Option<Write>, ReadError> {
    let key = RecordKey::new(ResourceType::BED, id.clone());
    let Some((mut kept, version)) = own_read::<BedKept>(reader, &key)? else { return Ok(None) };
    match kept.bed.release(encounter, now) {
        Ok(_) => Ok(own_write(key, Some(version), None, &kept).ok()),
        Err(_) => Ok(None),
    }
}
