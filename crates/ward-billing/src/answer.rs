//! What a payer, or somebody for it, said of a Claim, as a ClaimResponse that says who said it.

use jiff::Timestamp;
use serde_json::{Value, json};
use ward_core::{RecordKey, ResourceType};
use ward_rules::payer::{ORIGIN_SYSTEM, Origin, RESPONSE, Verdict, simulated};
use ward_store::{
    Chart,
    values::{key, put, text},
};

use crate::facts::{Facts, list};

/// An answer to a preauthorization.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Answer {
    pub verdict: Verdict,
    pub origin: Origin,
    /// The payer's number of the authorization, or of the case.
    pub reference: Option<String>,
    /// What was said besides, for people.
    pub says: Option<String>,
}

/// Review actions of PAS and X12 278.
///
/// - Source: Da Vinci PAS, extension-reviewActionCode; X12 data element 306.
pub(crate) const REVIEW_ACTIONS: &str = "https://codesystem.x12.org/005010/306";
const REVIEW_ACTION: &str =
    "http://hl7.org/fhir/us/davinci-pas/StructureDefinition/extension-reviewAction";
const REVIEW_ACTION_CODE: &str =
    "http://hl7.org/fhir/us/davinci-pas/StructureDefinition/extension-reviewActionCode";

pub(crate) const fn action_code(verdict: Verdict) -> &'static str {
    match verdict {
        Verdict::Granted => "A1",
        Verdict::Denied => "A3",
        Verdict::Pended => "A4",
    }
}

/// A verdict by its review action; what needs a person there is pended here.
pub(crate) fn verdict_of(action: &str) -> Option<Verdict> {
    match action {
        // Whole, in part, modified: the stay is authorized, and the record says how.
        "A1" | "A2" | "A6" | "NA" => Some(Verdict::Granted),
        "A3" | "C" => Some(Verdict::Denied),
        "A4" | "CT" => Some(Verdict::Pended),
        _ => None,
    }
}

/// An item's adjudication that says what was decided.
pub(crate) fn review_action(code: &str) -> Value {
    json!({
        "extension": [{
            "url": REVIEW_ACTION,
            "extension": [{
                "url": REVIEW_ACTION_CODE,
                "valueCodeableConcept": { "coding": [{ "system": REVIEW_ACTIONS, "code": code }] },
            }],
        }],
        "category": { "coding": [{
            "system": "http://terminology.hl7.org/CodeSystem/adjudication",
            "code": "submitted",
        }] },
    })
}

/// Who gave an answer of the chart.
pub(crate) fn origin_of(response: &Value) -> Option<Origin> {
    let tags = response.pointer("/meta/tag").and_then(Value::as_array);
    let mut tags = tags.into_iter().flatten();
    let own = tags.find(|tag| text(tag, "system") == Some(ORIGIN_SYSTEM))?;
    Origin::from_code(text(own, "code")?)
}

/// Where the one answer to a Claim is.
pub(crate) fn response_key(chart: &Chart, claim: &RecordKey) -> RecordKey {
    key(ResourceType::CLAIM_RESPONSE, &chart.derived_id(&[RESPONSE, claim.id.as_str()]))
}

/// The ClaimResponse of an answer.
///
/// - Shape: `created` stays the time of the first answer, so that it says how long it took.
/// - Source: FHIR R4, ClaimResponse; Da Vinci PAS, Claim Response Base.
pub(crate) fn response(
    facts: &Facts,
    answer: &Answer,
    first: Option<&Value>,
    now: Timestamp,
) -> Value {
    let Facts { claim, key, .. } = facts;
    let created = first.and_then(|it| text(it, "created")).map(str::to_owned);
    let mut disposition = format!("{} ({})", answer.verdict.as_str(), answer.origin.words());
    if answer.origin == Origin::Simulated {
        disposition = format!("{}: {disposition}", simulated::LABEL);
    }
    if let Some(says) = &answer.says {
        disposition = format!("{disposition}: {says}");
    }
    let action = review_action(action_code(answer.verdict));
    let items = list(claim, "item").filter_map(|item| item.get("sequence"));
    let items = items.map(|it| json!({ "itemSequence": it, "adjudication": [action] }));
    let items: Vec<Value> = items.collect();
    let mut response = json!({
        "resourceType": "ClaimResponse",
        "meta": { "tag": [{
            "system": ORIGIN_SYSTEM,
            "code": answer.origin.code(),
            "display": answer.origin.words(),
        }] },
        "status": if facts.is_active() { "active" } else { "cancelled" },
        "type": claim.get("type"),
        "use": claim.get("use"),
        "patient": claim.get("patient"),
        "created": created.unwrap_or_else(|| now.to_string()),
        "insurer": claim.get("insurer"),
        "request": { "reference": key.to_string() },
        "outcome": if answer.verdict == Verdict::Pended { "queued" } else { "complete" },
        "disposition": disposition,
    });
    if let Some(reference) = &answer.reference {
        put(&mut response, "preAuthRef", json!(reference));
    }
    if !items.is_empty() {
        put(&mut response, "item", Value::Array(items));
    }
    response
}

/// What a ClaimResponse of the chart says.
pub(crate) fn verdict_in(response: &Value) -> Option<Verdict> {
    match text(response, "outcome")? {
        "queued" | "partial" => Some(Verdict::Pended),
        "error" => None,
        _ => {
            let at = "/item/0/adjudication/0/extension/0/extension/0/valueCodeableConcept/coding/0";
            let code = response.pointer(at).and_then(|it| text(it, "code"));
            let by_word = || {
                let disposition = text(response, "disposition")?;
                [Verdict::Granted, Verdict::Denied]
                    .into_iter()
                    .find(|it| disposition.contains(it.as_str()))
            };
            code.and_then(verdict_of).or_else(by_word)
        }
    }
}
