//! The third step: a bed.

use jiff::SignedDuration;
use serde_json::{Value, json};
use ward_core::{FhirId, ResourceType};
use ward_rules::{
    bed::Claim,
    encounter::{Change, Status, after},
};
use ward_store::{
    ReadError, Reader,
    workflow::{At, Outcome, Trouble, Work, own_read, own_write},
};

use super::request::{AdmissionRequest, IfNoBed};
use crate::{
    beds::{self, Beds},
    records::{self, put, search, text},
    stay::{self, StayKept},
};

/// How long who waits for a bed waits for the next look, when no bed is freed.
const LOOK_S: i64 = 60;

/// Most admissions that are looked at when a bed is freed.
/// LIMIT: the first of them takes it; the others go on waiting.
const WAITING_MAX: usize = 200;

/// Why nothing more is done for who has gone.
pub(super) const OVER: &str = "the stay was over before there was a bed";

pub(super) fn assign(
    at: &At<'_>,
    request: &AdmissionRequest,
    beds: &Beds,
) -> Result<Work, Trouble> {
    let now = at.cx.now;
    let failed = |why: &str| Ok(Work::ended(Outcome::Failed(why.to_owned())));
    let (Some(patient), Some(encounter)) =
        (at.instance.data_id("patient"), at.instance.data_id("encounter"))
    else {
        return failed("there is no encounter");
    };
    let key = records::key(ResourceType::ENCOUNTER, &encounter);
    let Some((mut resource, version)) = records::read(at.reader, &key)? else {
        return failed("the encounter is gone");
    };
    let status = text(&resource, "status").and_then(Status::from_code);
    let Some(Ok(next)) = status.map(|from| after(from, Change::Admit)) else {
        // The patient left, or was entered in error: there is nobody to put in a bed.
        let gone = Work::ended(Outcome::Skipped(OVER.to_owned()));
        return Ok(gone.with("over", "true"));
    };
    let stay_key = records::key(ResourceType::STAY, &patient);
    let stay = own_read::<StayKept>(at.reader, &stay_key)?;
    let Some((mut kept, stay_version)) =
        stay.filter(|(stay, _)| stay.is_open && stay.encounter == encounter.as_str())
    else {
        return failed("the stay is gone");
    };
    put(&mut resource, "status", json!(next.as_str()));
    // Somebody was faster, and has put the patient in a bed by hand.
    if let Some(bed) = &kept.bed {
        let write = records::write(&resource, &key, Some(version), now, at.base);
        return Ok(Work::done(write.into_iter().collect()).with("bed", bed.as_str()));
    }
    let mut needs = request.needs.clone();
    needs.sex = at.instance.data("sex").map(str::to_owned);
    let who = (encounter.as_str(), patient.as_str());
    let (id, bed, bed_version) = match beds.find(at.reader, &needs, who, now)? {
        Ok(found) => found,
        Err(no) if request.if_no_bed == IfNoBed::Refuse => {
            return Ok(Work::ended(Outcome::Failed(format!("no bed: {no}"))));
        }
        Err(no) => {
            let until = now.checked_add(SignedDuration::from_secs(LOOK_S)).unwrap_or(now);
            let why = format!("waits for a bed: {no}");
            return Ok(Work::ended(Outcome::Waiting { why, until }));
        }
    };
    let claim = Claim::lying(encounter.as_str(), patient.as_str(), needs.sex, now);
    let Some(bed) = beds::claimed((id.clone(), bed, bed_version), claim, now) else {
        return Err(Trouble::Again);
    };
    stay::put_in(&mut resource, &id, now);
    kept.bed = Some(id.to_string());
    let own = own_write(stay_key, Some(stay_version), Some(&patient), &kept);
    let write = records::write(&resource, &key, Some(version), now, at.base);
    match (own, write) {
        (Ok(own), Some(write)) => Ok(Work::done(vec![write, bed, own]).with("bed", id.as_str())),
        _ => failed("the encounter cannot be written"),
    }
}

/// The bed is given back: the patient is there and lies nowhere. That the stay never was is said by
/// the step before.
pub(super) fn give_back(at: &At<'_>) -> Result<Work, Trouble> {
    let now = at.cx.now;
    let (Some(patient), Some(encounter)) =
        (at.instance.data_id("patient"), at.instance.data_id("encounter"))
    else {
        return Ok(Work::default());
    };
    let mut writes = Vec::new();
    // The bed that the stay is in now, which may be another.
    let stay_key = records::key(ResourceType::STAY, &patient);
    if let Some((mut stay, version)) = own_read::<StayKept>(at.reader, &stay_key)?
        && stay.encounter == encounter.as_str()
        && let Some(bed) = stay.bed.take().and_then(|bed| bed.parse::<FhirId>().ok())
    {
        writes.extend(beds::released(at.reader, &bed, encounter.as_str(), now)?);
        writes.extend(own_write(stay_key, Some(version), Some(&patient), &stay));
        let key = records::key(ResourceType::ENCOUNTER, &encounter);
        if let Some((mut resource, version)) = records::read(at.reader, &key)? {
            stay::take_out(&mut resource, now);
            if text(&resource, "status") == Some(Status::InProgress.as_str()) {
                put(&mut resource, "status", json!(Status::Arrived.as_str()));
            }
            writes.extend(records::write(&resource, &key, Some(version), now, at.base));
        }
    }
    Ok(Work { data: vec![("bed", None)], ..Work::done(writes) })
}

/// Instances that wait for a bed, oldest first.
pub(super) fn waiting(reader: &Reader<'_>) -> Result<Vec<FhirId>, ReadError> {
    instances(reader, "code=urn:ward:workflow|assign-room&status=on-hold", WAITING_MAX)
}

/// Instances by where the whole of each stands, the newest first.
pub(super) fn listed(reader: &Reader<'_>, which: super::Which) -> Result<Vec<FhirId>, ReadError> {
    let status = match which {
        super::Which::All => "",
        super::Which::Open => "&status=requested,in-progress,on-hold",
        super::Which::Over => "&status=completed,cancelled",
    };
    let query = format!("code=urn:ward:workflow|admission{status}&_sort=-authored-on");
    let mut found = instances(reader, &query, super::LISTED_MAX)?;
    found.reverse();
    Ok(found)
}

/// Instances whose Tasks a search finds, oldest first.
fn instances(reader: &Reader<'_>, query: &str, most: usize) -> Result<Vec<FhirId>, ReadError> {
    // While the index is made anew nobody is woken; each looks again by itself.
    let found = search(reader, ResourceType::TASK, query, (most, None));
    let Ok(found) = found else { return Ok(Vec::new()) };
    let mut tasks = Vec::new();
    for hit in &found.hits {
        let stored = reader.fetch(hit)?;
        let Ok(task) = serde_json::from_slice::<Value>(&stored.body) else { continue };
        let id = task.pointer("/identifier/0/value").and_then(Value::as_str);
        let since = text(&task, "authoredOn").unwrap_or_default().to_owned();
        tasks.extend(id.and_then(|id| id.parse::<FhirId>().ok()).map(|id| (since, id)));
    }
    tasks.sort();
    Ok(tasks.into_iter().map(|(_, id)| id).collect())
}
