//! One call of a service, understood.

use serde_json::Value;
use ward_core::FhirId;
use ward_store::values::{id_of, text};

use super::services::Hook;

/// Most drafts in one call.
/// LIMIT: the largest order sets have some 60 orders.
pub const DRAFTS_MAX: usize = 200;

/// A call that says what it has to.
#[derive(Clone, Debug)]
pub struct Call {
    pub hook: Hook,
    pub instance: String,
    pub patient: FhirId,
    pub encounter: Option<FhirId>,
    /// Orders of the session that are not signed yet; MedicationRequests only.
    pub drafts: Vec<Value>,
    /// Of these, the ones that the cards are to be about, as `MedicationRequest/ID`.
    pub selected: Vec<String>,
    /// Drugs in the Bundle of the orders, with their addresses there.
    pub drugs: Vec<(Option<String>, Value)>,
    /// What was sent along, by key.
    pub prefetch: Vec<(String, Value)>,
}

/// What is wrong with a call, and where.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
#[error("{place}: {says}")]
pub struct CallError {
    pub place: String,
    pub says: String,
}

/// Reads a call of the service for `hook`.
///
/// - Errors: everything that the standard asks for and that is not there.
/// - Source: CDS Hooks 2.0.1, calling a CDS service; contexts of the hooks.
pub fn read(hook: Hook, body: &Value) -> Result<Call, CallError> {
    let wrong =
        |place: &str, says: &str| CallError { place: place.to_owned(), says: says.to_owned() };
    let said = text(body, "hook").ok_or_else(|| wrong("hook", "it is required"))?;
    if said != hook.name() {
        let says = format!("this service is for `{}`", hook.name());
        return Err(wrong("hook", &says));
    }
    let instance = text(body, "hookInstance").filter(|it| !it.is_empty());
    let instance = instance.ok_or_else(|| wrong("hookInstance", "it is required: a UUID"))?;
    let context = body.get("context").filter(|it| it.is_object());
    let context = context.ok_or_else(|| wrong("context", "it is required"))?;
    let within = |name: &str| format!("context.{name}");
    let required = |name: &str| {
        let found = text(context, name).filter(|it| !it.is_empty());
        found.ok_or_else(|| wrong(&within(name), "it is required"))
    };
    required("userId")?;
    let patient = id_of(required("patientId")?, "Patient")
        .ok_or_else(|| wrong("context.patientId", "not the id of a Patient"))?;
    let encounter = match text(context, "encounterId").filter(|it| !it.is_empty()) {
        None if hook == Hook::EncounterStart => {
            return Err(wrong("context.encounterId", "it is required"));
        }
        None => None,
        Some(id) => Some(
            id_of(id, "Encounter")
                .ok_or_else(|| wrong("context.encounterId", "not the id of an Encounter"))?,
        ),
    };
    let mut call = Call {
        hook,
        instance: instance.to_owned(),
        patient,
        encounter,
        drafts: Vec::new(),
        selected: Vec::new(),
        drugs: Vec::new(),
        prefetch: Vec::new(),
    };
    if hook.has_orders() {
        let bundle =
            context.get("draftOrders").filter(|it| text(it, "resourceType") == Some("Bundle"));
        let bundle = bundle.ok_or_else(|| wrong("context.draftOrders", "a Bundle is required"))?;
        (call.drafts, call.drugs) = drafts(bundle, &call.patient)?;
        call.selected = call.drafts.iter().map(name_of).collect();
    }
    if hook == Hook::OrderSelect {
        let selections = context.get("selections").and_then(Value::as_array);
        let selections = selections.ok_or_else(|| {
            wrong("context.selections", "the references of the chosen orders are required")
        })?;
        let mut selected = Vec::new();
        for (n, it) in selections.iter().enumerate() {
            let place = format!("context.selections[{n}]");
            let reference = it
                .as_str()
                .ok_or_else(|| wrong(&place, "a reference such as `MedicationRequest/1`"))?;
            selected.push(reference.to_owned());
        }
        call.selected.retain(|it| selected.contains(it));
    }
    let prefetch = body.get("prefetch").and_then(Value::as_object);
    let sent = prefetch.into_iter().flatten().filter(|(_, value)| !value.is_null());
    call.prefetch = sent.map(|(key, value)| (key.clone(), value.clone())).collect();
    Ok(call)
}

type Drugs = Vec<(Option<String>, Value)>;

/// The MedicationRequests of a Bundle and their drugs; other orders are not ours to judge.
///
/// - Errors: an order of another patient: what is known of one says nothing about the other.
fn drafts(bundle: &Value, patient: &FhirId) -> Result<(Vec<Value>, Drugs), CallError> {
    let entries = bundle.get("entry").and_then(Value::as_array);
    let (mut drafts, mut drugs) = (Vec::new(), Drugs::new());
    for (n, entry) in entries.into_iter().flatten().enumerate() {
        let place = format!("context.draftOrders.entry[{n}].resource");
        let wrong = |says: &str| CallError { place: place.clone(), says: says.to_owned() };
        let resource = entry.get("resource").ok_or_else(|| wrong("it is required"))?;
        match text(resource, "resourceType") {
            Some("MedicationRequest") => {
                let subject = resource.get("subject").and_then(|it| text(it, "reference"));
                let of = subject.and_then(|it| id_of(it, "Patient"));
                if of.is_some_and(|of| of != *patient) {
                    return Err(wrong("it is of another patient than `context.patientId`"));
                }
                drafts.push(resource.clone());
            }
            Some("Medication") => {
                drugs.push((text(entry, "fullUrl").map(ToOwned::to_owned), resource.clone()));
            }
            Some(_) => {}
            None => return Err(wrong("a resource says its type")),
        }
        if DRAFTS_MAX < drafts.len().max(drugs.len()) {
            return Err(wrong("more orders than are checked at once"));
        }
    }
    // A draft that nobody numbered is still told apart from the others.
    for (n, draft) in drafts.iter_mut().enumerate() {
        if text(draft, "id").is_none() {
            ward_store::values::put(draft, "id", Value::String(format!("draft-{}", n + 1)));
        }
    }
    Ok((drafts, drugs))
}

/// `MedicationRequest/ID`.
pub fn name_of(request: &Value) -> String {
    format!("MedicationRequest/{}", text(request, "id").unwrap_or_default())
}
