//! The fourth step: a care plan for what the patient comes with. Everything in it is a draft.

use std::collections::BTreeMap;

use serde_json::{Value, json};
use ward_core::{FhirId, RecordKey, ResourceType};
use ward_store::{
    Write,
    workflow::{At, Outcome, Trouble, Work},
};

use super::request::AdmissionRequest;
use crate::{
    plan::{self, Applied, Subject},
    records::{self, put, text},
};

pub(super) fn propose(at: &At<'_>, request: &AdmissionRequest) -> Result<Work, Trouble> {
    let skipped = |why: &str| Ok(Work::ended(Outcome::Skipped(why.to_owned())));
    let (Some(patient), Some(encounter)) =
        (at.instance.data_id("patient"), at.instance.data_id("encounter"))
    else {
        return skipped("there is no encounter");
    };
    let fitting = plan::fitting(at.reader, &request.reasons)?;
    if fitting.is_empty() {
        return skipped("no plan is kept for this reason");
    }
    let read = |kind, id| records::read(at.reader, &records::key(kind, id));
    let patient = read(ResourceType::PATIENT, &patient)?.map(|(it, _)| it).unwrap_or_default();
    let encounter = read(ResourceType::ENCOUNTER, &encounter)?.map(|(it, _)| it);
    let subject = Subject { patient: &patient, encounter: encounter.as_ref(), practitioner: None };
    let resolve = |canonical: &str| plan::resolve(at.reader, canonical).map_err(drop);
    let (mut writes, mut names, mut refused) = (Vec::new(), Vec::new(), Vec::new());
    for plan in fitting {
        let name = text(&plan, "id").unwrap_or_default();
        match plan::apply(&plan, &subject, &resolve, at.cx.now) {
            Ok(applied) => {
                let (id, made) = kept(at, name, applied)?;
                names.push(id.to_string());
                writes.extend(made);
            }
            // A plan that somebody wrote wrongly holds up neither the others nor the patient.
            Err(error) => refused.push(format!("{name}: {error}")),
        }
    }
    if names.is_empty() {
        return Ok(Work::ended(Outcome::Failed(refused.join("; "))));
    }
    Ok(Work::done(writes).with("carePlan", names.join(" ")))
}

/// What came of a plan as records of their own, under ids made of the admission and the plan.
fn kept(at: &At<'_>, plan: &str, applied: Applied) -> Result<(FhirId, Vec<Write>), Trouble> {
    let key_of = |kind: ResourceType, part: &str| {
        let parts = ["admission", kind.name(), plan, part, at.instance.id.as_str()];
        RecordKey::new(kind, at.chart.derived_id(&parts))
    };
    let Applied { mut care_plan, request_group, requests, goals } = applied;
    put(&mut care_plan, "identifier", json!([{ "system": "urn:ward:plan", "value": plan }]));
    let mut all = Vec::new();
    let parts = request_group.map(|group| ("requests".to_owned(), group)).into_iter();
    for (id, resource) in parts.chain(requests).chain(goals) {
        let kind = text(&resource, "resourceType").and_then(|kind| kind.parse().ok());
        all.extend(kind.map(|kind| (id.clone(), key_of(kind, &id), resource)));
    }
    let keys: BTreeMap<String, String> =
        all.iter().map(|(id, key, _)| (format!("#{id}"), key.to_string())).collect();
    let own = key_of(ResourceType::CARE_PLAN, "");
    all.push((String::new(), own.clone(), care_plan));
    let mut writes = Vec::new();
    for (_, key, mut resource) in all {
        turn(&mut resource, &keys);
        let base = at.chart.current(&key)?.map(|(version, _)| version);
        writes.extend(records::write(&resource, &key, base, at.cx.now, at.base));
    }
    Ok((own.id, writes))
}

/// Has references to the parts of a plan be references to their records.
fn turn(value: &mut Value, keys: &BTreeMap<String, String>) {
    match value {
        Value::Object(object) => {
            for (name, value) in object {
                let to = match value {
                    Value::String(text) if name == "reference" => keys.get(text.as_str()),
                    _ => None,
                };
                match to {
                    Some(to) => *value = json!(to),
                    None => turn(value, keys),
                }
            }
        }
        Value::Array(list) => list.iter_mut().for_each(|value| turn(value, keys)),
        _ => {}
    }
}

/// Drafts that nobody has taken up are revoked; what a clinician has taken up stays the
/// clinician's.
pub(super) fn revoke(at: &At<'_>) -> Result<Work, Trouble> {
    let mut writes = Vec::new();
    let plans = at.instance.data("carePlan").unwrap_or_default().split(' ');
    for id in plans.filter_map(|id| id.parse::<FhirId>().ok()) {
        let mut open = vec![records::key(ResourceType::CARE_PLAN, &id)];
        let mut seen = Vec::new();
        while let Some(key) = open.pop() {
            if seen.contains(&key) {
                continue;
            }
            seen.push(key.clone());
            let Some((mut draft, version)) = records::read(at.reader, &key)? else { continue };
            below(&draft, &mut open);
            if text(&draft, "status") == Some("draft") {
                put(&mut draft, "status", json!("revoked"));
                writes.extend(records::write(&draft, &key, Some(version), at.cx.now, at.base));
            }
        }
    }
    Ok(Work::done(writes))
}

/// The requests that a plan, or a group of them, is made of.
fn below(value: &Value, open: &mut Vec<RecordKey>) {
    for name in ["activity", "action", "reference", "resource"] {
        match value.get(name) {
            Some(Value::Array(list)) => list.iter().for_each(|it| below(it, open)),
            Some(Value::String(reference)) => {
                let made = reference.split_once('/').and_then(|(kind, id)| {
                    Some(RecordKey::new(kind.parse().ok()?, id.parse().ok()?))
                });
                open.extend(made);
            }
            Some(inner @ Value::Object(_)) => below(inner, open),
            _ => {}
        }
    }
}
