//! The question, and what the payer's answer says.

use serde_json::{Value, json};
use ward_rules::payer::{Origin, Verdict};
use ward_store::values::{put, text};

use super::Operation;
use crate::{
    answer::{Answer, verdict_in, verdict_of},
    facts::{Facts, list},
};

/// The system of the identifier that makes a repeated question the same one.
pub(crate) const CLAIM_ID: &str = "urn:ward:claim";

/// The Bundle that is sent: the Claim, and everything that it is about.
///
/// - Shape: the Claim is first; each entry has the address that references name it by. The same
///   Claim has the same identifier each time.
pub(crate) fn request(facts: &Facts, base: &str, operation: Operation) -> Value {
    let mut claim = facts.claim.clone();
    let identifier = json!({ "system": CLAIM_ID, "value": facts.key.id.as_str() });
    put(&mut claim, "identifier", json!([identifier]));
    if operation == Operation::Inquire
        && let Some(object) = claim.as_object_mut()
    {
        // A question about a Claim needs no more of it.
        object.remove("item");
        object.remove("diagnosis");
    }
    let resources = [&claim, &facts.patient, &facts.coverage, &facts.payer, &facts.encounter];
    let entries = resources.into_iter().filter_map(|resource| {
        let (kind, id) = (text(resource, "resourceType")?, text(resource, "id")?);
        let mut resource = resource.clone();
        if let Some(object) = resource.as_object_mut() {
            // Ours alone.
            object.remove("meta");
        }
        Some(json!({ "fullUrl": format!("{base}/{kind}/{id}"), "resource": resource }))
    });
    let entries: Vec<Value> = entries.collect();
    json!({
        "resourceType": "Bundle",
        "identifier": identifier,
        "type": "collection",
        "timestamp": text(&facts.claim, "created"),
        "entry": entries,
    })
}

/// What an answer says; `None` when it says nothing of this Claim.
pub(crate) fn answer_in(body: &[u8], facts: &Facts) -> Option<Answer> {
    let bundle: Value = serde_json::from_slice(body).ok()?;
    // Some payers answer with Parameters around the Bundle.
    let bundle = bundle.pointer("/parameter/0/resource").cloned().unwrap_or(bundle);
    let own = facts.key.id.as_str();
    let is_ours = |response: &&Value| {
        let asked = response.pointer("/request/identifier/value").and_then(Value::as_str);
        let reference = response.pointer("/request/reference").and_then(Value::as_str);
        asked == Some(own) || reference.is_some_and(|it| it.ends_with(&format!("Claim/{own}")))
    };
    let resources = list(&bundle, "entry").filter_map(|entry| entry.get("resource"));
    let mut responses = resources.filter(|it| text(it, "resourceType") == Some("ClaimResponse"));
    let response = match text(&bundle, "resourceType") {
        Some("ClaimResponse") => Some(&bundle).filter(is_ours),
        _ => responses.find(is_ours),
    }?;
    let verdict = match text(response, "outcome") {
        Some("error") => None,
        _ => actions(response).or_else(|| verdict_in(response)),
    };
    let disposition = text(response, "disposition").map(str::to_owned);
    let errors = list(response, "error").filter_map(|it| {
        let code = it.get("code")?;
        text(code, "text").or_else(|| code.pointer("/coding/0/code")?.as_str())
    });
    let errors = errors.collect::<Vec<_>>().join(", ");
    let says = match (verdict, disposition) {
        (None, _) => Some(format!("the payer cannot decide ({errors})")),
        (Some(_), disposition) => disposition,
    };
    Some(Answer {
        verdict: verdict.unwrap_or(Verdict::Pended),
        origin: Origin::Pas,
        reference: text(response, "preAuthRef").map(str::to_owned),
        says,
    })
}

/// What the review actions of the items say together: one denial denies, one that is pended pends.
fn actions(response: &Value) -> Option<Verdict> {
    let adjudications = list(response, "item").flat_map(|it| list(it, "adjudication"));
    let extensions = adjudications.flat_map(|it| list(it, "extension"));
    let inner = extensions.flat_map(|it| list(it, "extension"));
    let codes = inner.filter_map(|it| it.pointer("/valueCodeableConcept/coding/0/code")?.as_str());
    let verdicts: Vec<Verdict> = codes.filter_map(verdict_of).collect();
    [Verdict::Denied, Verdict::Pended, Verdict::Granted]
        .into_iter()
        .find(|it| verdicts.contains(it))
}
