//! The second step: the Encounter, and the patient's one stay.

use serde_json::{Value, json};
use ward_core::{FhirId, ResourceType};
use ward_rules::encounter::{Change, Status, after};
use ward_store::workflow::{At, Outcome, Trouble, Work, own_read, own_write};

use super::request::{AdmissionRequest, CLASSES, Reason};
use crate::{
    records::{self, end, id_of, put, text},
    stay::StayKept,
};

pub(super) fn create(at: &At<'_>, request: &AdmissionRequest) -> Result<Work, Trouble> {
    let failed = |why: &str| Ok(Work::ended(Outcome::Failed(why.to_owned())));
    let Some(patient) = at.instance.data_id("patient") else { return failed("no patient") };
    let id = at.chart.derived_id(&["admission", "encounter", at.instance.id.as_str()]);
    let stay_key = records::key(ResourceType::STAY, &patient);
    let stay = own_read::<StayKept>(at.reader, &stay_key)?;
    if stay.as_ref().is_some_and(|(stay, _)| stay.is_open && stay.encounter != id.as_str()) {
        return failed("the patient is in a stay already");
    }
    let next = StayKept { encounter: id.to_string(), bed: None, is_open: true };
    let own = own_write(stay_key, stay.map(|(_, version)| version), Some(&patient), &next);
    let key = records::key(ResourceType::ENCOUNTER, &id);
    let base = at.chart.current(&key)?.map(|(version, _)| version);
    let encounter = encounter(at, request, &patient);
    let write = records::write(&encounter, &key, base, at.cx.now, at.base);
    match (own, write) {
        (Ok(own), Some(write)) => Ok(Work::done(vec![write, own]).with("encounter", id.as_str())),
        _ => failed("the encounter cannot be written"),
    }
}

/// The stay never was: the Encounter says so, and the patient is free to come again.
pub(super) fn cancel(at: &At<'_>) -> Result<Work, Trouble> {
    let now = at.cx.now;
    let mut writes = Vec::new();
    if let Some(id) = at.instance.data_id("encounter") {
        let key = records::key(ResourceType::ENCOUNTER, &id);
        if let Some((mut encounter, version)) = records::read(at.reader, &key)? {
            let from = text(&encounter, "status").and_then(Status::from_code);
            match from.map(|from| after(from, Change::CancelAdmission)) {
                Some(Ok(to)) => {
                    put(&mut encounter, "status", json!(to.as_str()));
                    end(&mut encounter, &now.to_string());
                    writes.extend(records::write(&encounter, &key, Some(version), now, at.base));
                }
                // Cancelled by other ways before.
                Some(Err(_)) if from == Some(Status::Cancelled) => {}
                _ => {
                    let why = "the stay is over and cannot be taken back".to_owned();
                    return Ok(Work::ended(Outcome::Failed(why)));
                }
            }
        }
        if let Some(patient) = at.instance.data_id("patient") {
            let key = records::key(ResourceType::STAY, &patient);
            if let Some((mut stay, version)) = own_read::<StayKept>(at.reader, &key)?
                && stay.encounter == id.as_str()
            {
                stay.is_open = false;
                stay.bed = None;
                writes.extend(own_write(key, Some(version), Some(&patient), &stay));
            }
        }
    }
    Ok(Work::done(writes))
}

fn encounter(at: &At<'_>, request: &AdmissionRequest, patient: &FhirId) -> Value {
    let class = request.class.as_deref().unwrap_or("IMP");
    let display = CLASSES.iter().find(|(code, _)| *code == class).map_or("", |(_, it)| it);
    let now = at.cx.now.to_string();
    let mut encounter = json!({
        "resourceType": "Encounter",
        "identifier": [{ "system": "urn:ward:admission", "value": at.instance.id.as_str() }],
        "status": Status::Arrived.as_str(),
        "class": {
            "system": "http://terminology.hl7.org/CodeSystem/v3-ActCode",
            "code": class,
            "display": display,
        },
        "subject": { "reference": format!("Patient/{patient}") },
        "period": { "start": now },
    });
    if let Some(service) = &request.needs.service {
        put(&mut encounter, "serviceType", json!({ "text": service }));
    }
    if let Some(id) = request.attending.as_ref().and_then(|it| id_of(it, "Practitioner")) {
        let attending = json!([{
            "type": [{ "coding": [{
                "system": "http://terminology.hl7.org/CodeSystem/v3-ParticipationType",
                "code": "ATND",
                "display": "attender",
            }] }],
            "individual": { "reference": format!("Practitioner/{id}") },
        }]);
        put(&mut encounter, "participant", attending);
    }
    if !request.reasons.is_empty() {
        let reasons = request.reasons.iter().map(Reason::concept).collect();
        put(&mut encounter, "reasonCode", Value::Array(reasons));
    }
    encounter
}
