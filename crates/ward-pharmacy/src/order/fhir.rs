//! Orders and what becomes of them, as FHIR R4.

use serde_json::{Map, Value, json};
use ward_core::{Ctx, FhirId};
use ward_rules::medication::Tier;
use ward_store::Write;

use super::{
    commit::Second,
    flow::SYSTEM,
    kept::{Coded, OrderKept, Overridden},
};
use crate::checker::Found;

/// Who somebody is, as the audit log names them.
pub(crate) fn actor(id: &str) -> Value {
    json!({ "identifier": { "system": "urn:ward:actor", "value": id } })
}

/// - Source: FHIR R4, MedicationRequest.
pub(crate) fn request(id: &FhirId, patient: &FhirId, kept: &OrderKept) -> Value {
    let asked = &kept.request;
    let mut out = Map::new();
    let mut put = |name: &str, value: Value| out.insert(name.to_owned(), value);
    put("resourceType", json!("MedicationRequest"));
    put("identifier", json!([{ "system": SYSTEM, "value": id.as_str() }]));
    put("status", json!(kept.state.fhir()));
    if let Some(why) = &kept.why {
        put("statusReason", json!({ "text": why }));
    }
    put("intent", json!("order"));
    put("priority", json!(asked.priority.as_deref().unwrap_or("routine")));
    put("medicationCodeableConcept", drug(&asked.medication.text, &asked.medication.codes));
    put("subject", json!({ "reference": format!("Patient/{patient}") }));
    if let Some(encounter) = kept.encounter() {
        put("encounter", json!({ "reference": format!("Encounter/{encounter}") }));
    }
    if let Some(at) = kept.signed_at {
        put("authoredOn", json!(at.to_string()));
    }
    put("requester", actor(&kept.ordered_by));
    if !asked.reasons.is_empty() {
        put("reasonCode", asked.reasons.iter().map(Coded::concept).collect());
    }
    if let Some(note) = &asked.note {
        put("note", json!([{ "text": note }]));
    }
    put("dosageInstruction", Value::Array(asked.dosage.clone()));
    let mut period = Map::new();
    for (name, at) in [("start", asked.start), ("end", asked.end)] {
        if let Some(at) = at {
            period.insert(name.to_owned(), json!(at.to_string()));
        }
    }
    if !period.is_empty() {
        put("dispenseRequest", json!({ "validityPeriod": period }));
    }
    if let Some(why) = kept.chosen.as_ref().and_then(|it| it.substitution.as_ref()) {
        put("substitution", json!({ "allowedBoolean": true, "reason": { "text": why } }));
    }
    if let Some(before) = &asked.replaces {
        let before = before.trim_start_matches("MedicationRequest/");
        put("priorPrescription", json!({ "reference": format!("MedicationRequest/{before}") }));
    }
    Value::Object(out)
}

/// A drug as a concept.
pub(crate) fn drug(text: &str, codes: &[Coded]) -> Value {
    let mut concept = json!({ "text": text });
    let codings: Vec<Value> = codes
        .iter()
        .filter_map(|it| {
            let mut coding = json!({ "code": it.code.as_ref()? });
            let object = coding.as_object_mut()?;
            if let Some(system) = &it.system {
                object.insert("system".to_owned(), json!(system));
            }
            if let Some(text) = &it.text {
                object.insert("display".to_owned(), json!(text));
            }
            Some(coding)
        })
        .collect();
    if let (false, Some(object)) = (codings.is_empty(), concept.as_object_mut()) {
        object.insert("coding".to_owned(), Value::Array(codings));
    }
    concept
}

/// - Source: FHIR R4, DetectedIssue; severity by detectedissue-severity.
pub(crate) fn issue(
    order: &FhirId,
    patient: &FhirId,
    found: &Found,
    overridden: Option<&Overridden>,
    cx: &Ctx,
) -> Value {
    let severity = match found.tier {
        Tier::HardStop => "high",
        Tier::Interruptive => "moderate",
        Tier::Passive | Tier::Log => "low",
    };
    let own = format!("MedicationRequest/{order}");
    let mut implicated = vec![json!({ "reference": own })];
    let others = found.orders.iter().filter(|it| it.contains('/') && **it != own);
    implicated.extend(others.map(|it| json!({ "reference": it })));
    let mut detail = found.summary.clone();
    for more in [&found.mechanism, &found.action] {
        if !more.is_empty() {
            detail = format!("{detail} {more}");
        }
    }
    if found.illustrative {
        detail.push_str(" (Illustrative: not confirmed against a label.)");
    }
    let code = json!({
        "coding": [{ "system": "urn:ward:check-kind", "code": found.kind }],
        "text": found.summary,
    });
    let mut issue = json!({
        "resourceType": "DetectedIssue",
        "identifier": [{ "system": "urn:ward:check", "value": found.rule }],
        "status": "final",
        "code": code,
        "severity": severity,
        "patient": { "reference": format!("Patient/{patient}") },
        "identifiedDateTime": cx.now.to_string(),
        "author": { "display": format!("Ward, {}", found.tier.name()) },
        "implicated": implicated,
        "detail": detail,
    });
    if let (Some(it), Some(object)) = (overridden, issue.as_object_mut()) {
        let reason = json!({
            "coding": [{ "system": "urn:ward:override-reason", "code": it.reason }],
            "text": it.text.as_deref().unwrap_or(&it.reason),
        });
        let date = it.at.to_string();
        let mut mitigation =
            vec![json!({ "action": reason, "date": date, "author": actor(&it.by) })];
        if let Some(second) = &it.second {
            let action = json!({ "text": "agreed by a second authorized person" });
            mitigation.push(json!({ "action": action, "date": date, "author": actor(second) }));
        }
        object.insert("mitigation".to_owned(), Value::Array(mitigation));
    }
    issue
}

/// Who did what with which records, and who else was there.
///
/// - Source: FHIR R4, Provenance.
pub(crate) fn provenance(
    written: &[Write],
    (order, version, word): (&FhirId, u32, &str),
    cx: &Ctx,
    second: Option<Second>,
) -> Option<Value> {
    let targets: Vec<Value> = written
        .iter()
        .filter(|write| write.key.kind.is_fhir() && !write.body.is_empty())
        .map(|write| json!({ "reference": format!("{}/_history/{}", write.key, write.version) }))
        .collect();
    if targets.is_empty() {
        return None;
    }
    let agent = |code: &str, id: String| {
        let kind = json!({ "coding": [{
            "system": "http://terminology.hl7.org/CodeSystem/provenance-participant-type",
            "code": code,
        }] });
        json!({ "type": kind, "who": actor(&id) })
    };
    let mut agents = vec![agent("author", cx.actor.id.to_string())];
    agents.extend(second.map(|it| agent("verifier", it.actor.to_string())));
    let source = format!("{order}/{version}");
    Some(json!({
        "resourceType": "Provenance",
        "target": targets,
        "recorded": cx.now.to_string(),
        "activity": { "coding": [{ "system": SYSTEM, "code": word }] },
        "agent": agents,
        "entity": [{
            "role": "source",
            "what": { "identifier": { "system": SYSTEM, "value": source } },
        }],
    }))
}
