//! The last step: those who care for the patient are told, once.

use serde_json::{Value, json};
use ward_core::ResourceType;
use ward_store::workflow::{At, Trouble, Work};

use crate::records::{self, put};

pub(super) fn admitted(at: &At<'_>) -> Result<Work, Trouble> {
    tell(at, "admitted", "A patient was admitted.")
}

pub(super) fn cancelled(at: &At<'_>) -> Result<Work, Trouble> {
    tell(at, "admission-cancelled", "An admission was taken back.")
}

/// One Communication for each topic of one admission: its id is made of both, so that a
/// repetition is the same one.
fn tell(at: &At<'_>, topic: &str, text: &str) -> Result<Work, Trouble> {
    let now = at.cx.now;
    let id = at.chart.derived_id(&["admission", topic, at.instance.id.as_str()]);
    let key = records::key(ResourceType::COMMUNICATION, &id);
    if at.chart.current(&key)?.is_some() {
        return Ok(Work::default());
    }
    let attending = at.instance.data_id("encounter").and_then(|encounter| {
        let key = records::key(ResourceType::ENCOUNTER, &encounter);
        let (encounter, _) = records::read(at.reader, &key).ok().flatten()?;
        encounter.pointer("/participant/0/individual").cloned()
    });
    let patient = at.instance.data("patient").unwrap_or(&at.instance.kept.patient);
    let mut message = json!({
        "resourceType": "Communication",
        "identifier": [{ "system": "urn:ward:notification", "value": id.as_str() }],
        "status": "completed",
        "category": [{ "coding": [{
            "system": "http://terminology.hl7.org/CodeSystem/communication-category",
            "code": "notification",
        }] }],
        "topic": { "coding": [{ "system": "urn:ward:workflow", "code": topic }], "text": text },
        "subject": { "reference": format!("Patient/{patient}") },
        "sent": now.to_string(),
        "payload": [{ "contentString": text }],
    });
    if let Some(encounter) = at.instance.data("encounter") {
        put(&mut message, "encounter", json!({ "reference": format!("Encounter/{encounter}") }));
    }
    if let Some(attending) = attending {
        put(&mut message, "recipient", Value::Array(vec![attending]));
    }
    let write = records::write(&message, &key, None, now, at.base);
    Ok(Work::done(write.into_iter().collect()))
}
