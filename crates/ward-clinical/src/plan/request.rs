//! An ActivityDefinition as the request that it defines.

use serde_json::{Value, json};

use super::apply::{ApplyError, Subject};
use crate::records::{put, text};

/// What an element of the definition is called in the request.
type Names = &'static [(&'static str, &'static str)];

const TIMED: Names = &[
    ("timingTiming", "occurrenceTiming"),
    ("timingDateTime", "occurrenceDateTime"),
    ("timingPeriod", "occurrencePeriod"),
];

/// The kinds of request that are made, and what each takes from its definition.
///
/// - Source: FHIR R4, ActivityDefinition, "Applying an ActivityDefinition".
fn names_of(kind: &str) -> Option<Names> {
    Some(match kind {
        "ServiceRequest" => &[
            ("code", "code"),
            ("quantity", "quantityQuantity"),
            ("bodySite", "bodySite"),
            ("location", "locationReference"),
            ("timingTiming", "occurrenceTiming"),
            ("timingDateTime", "occurrenceDateTime"),
            ("timingPeriod", "occurrencePeriod"),
        ],
        "MedicationRequest" => &[
            ("productCodeableConcept", "medicationCodeableConcept"),
            ("productReference", "medicationReference"),
            ("dosage", "dosageInstruction"),
        ],
        "DeviceRequest" => &[("code", "codeCodeableConcept")],
        "CommunicationRequest" => &[],
        "Task" => &[("code", "code")],
        _ => return None,
    })
}

/// A draft of what the definition asks for.
pub(super) fn of(
    definition: &Value,
    subject: &Subject<'_>,
    now: &str,
) -> Result<Value, ApplyError> {
    let kind = text(definition, "kind").unwrap_or_default();
    let names = names_of(kind).ok_or_else(|| ApplyError::Kind(kind.to_owned()))?;
    let who = json!({ "reference": subject.reference() });
    let mut request = json!({ "resourceType": kind, "status": "draft", "intent": "proposal" });
    let (subject_name, encounter_name) =
        if kind == "Task" { ("for", "encounter") } else { ("subject", "encounter") };
    put(&mut request, subject_name, who);
    if let Some(encounter) = subject.encounter_reference() {
        put(&mut request, encounter_name, json!({ "reference": encounter }));
    }
    put(&mut request, "authoredOn", json!(now));
    if let Some(by) = subject.practitioner {
        put(&mut request, "requester", json!({ "reference": by }));
    }
    for name in ["priority", "doNotPerform"] {
        if let Some(value) = definition.get(name) {
            put(&mut request, name, value.clone());
        }
    }
    for (from, to) in names {
        if let Some(value) = definition.get(*from) {
            // `locationReference` repeats.
            let value = if *to == "locationReference" { json!([value]) } else { value.clone() };
            put(&mut request, to, value);
        }
    }
    if kind == "DeviceRequest" {
        for (from, to) in TIMED {
            if let Some(value) = definition.get(*from) {
                put(&mut request, to, value.clone());
            }
        }
    }
    let said = definition.pointer("/code/text").and_then(Value::as_str);
    let said = said.or_else(|| text(definition, "description"));
    match kind {
        "CommunicationRequest" => {
            // It has no intent, and its `authoredOn` and `subject` are the same.
            if let Some(object) = request.as_object_mut() {
                object.remove("intent");
            }
            if let Some(said) = said {
                put(&mut request, "payload", json!([{ "contentString": said }]));
            }
        }
        "Task" => {
            if let Some(said) = said {
                put(&mut request, "description", json!(said));
            }
            if let Some(object) = request.as_object_mut() {
                object.remove("doNotPerform");
            }
        }
        "MedicationRequest" => {
            let is_named = ["medicationCodeableConcept", "medicationReference"];
            if is_named.iter().all(|name| request.get(*name).is_none())
                && let Some(code) = definition.get("code")
            {
                put(&mut request, "medicationCodeableConcept", code.clone());
            }
            if let Some(quantity) = definition.get("quantity") {
                put(&mut request, "dispenseRequest", json!({ "quantity": quantity }));
            }
        }
        _ => {}
    }
    if let Some(url) = text(definition, "url")
        && matches!(kind, "ServiceRequest" | "MedicationRequest" | "DeviceRequest")
    {
        let version = text(definition, "version");
        let canonical = version.map_or(url.to_owned(), |version| format!("{url}|{version}"));
        put(&mut request, "instantiatesCanonical", json!([canonical]));
    }
    Ok(request)
}
