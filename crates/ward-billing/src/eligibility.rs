//! What the plan table says of a stay, as the pair of records that FHIR has for it.

use jiff::Timestamp;
use serde_json::{Value, json};
use ward_core::ResourceType;
use ward_rules::payer::{Authorization, Decision, ORIGIN_SYSTEM, Origin};
use ward_store::{
    Chart, ReadError, Write,
    values::{key, put, write},
};
use ward_x12::eligibility::Benefits;

use crate::{facts::Facts, tell::Desk};

/// CoverageEligibilityRequest and -Response of a Claim, made once.
///
/// - Source: FHIR R4, CoverageEligibilityResponse; benefit types of `benefit-type`.
pub(crate) fn records(
    (chart, base): (&Chart, &str),
    facts: &Facts,
    decision: &Decision<'_>,
    in_force: bool,
    now: Timestamp,
) -> Vec<Write> {
    let claim_id = facts.key.id.as_str();
    let asked = chart.derived_id(&["eligibility-request", claim_id]);
    let asked = key(ResourceType::COVERAGE_ELIGIBILITY_REQUEST, &asked);
    let told = chart.derived_id(&["eligibility-response", claim_id]);
    let told = key(ResourceType::COVERAGE_ELIGIBILITY_RESPONSE, &told);
    let coverage = facts.claim.pointer("/insurance/0/coverage");
    let request = json!({
        "resourceType": "CoverageEligibilityRequest",
        "status": "active",
        "purpose": ["auth-requirements", "benefits", "validation"],
        "patient": facts.claim.get("patient"),
        "created": now.to_string(),
        "insurer": facts.claim.get("insurer"),
        "insurance": [{ "focal": true, "coverage": coverage }],
    });
    let response = json!({
        "resourceType": "CoverageEligibilityResponse",
        "meta": { "tag": [{
            "system": ORIGIN_SYSTEM,
            "code": Origin::LocalRules.code(),
            "display": Origin::LocalRules.words(),
        }] },
        "status": "active",
        "purpose": ["auth-requirements", "benefits", "validation"],
        "patient": facts.claim.get("patient"),
        "created": now.to_string(),
        "request": { "reference": asked.to_string() },
        "outcome": "complete",
        "disposition": format!("{}: {}", Origin::LocalRules.words(), decision.why()),
        "insurer": facts.claim.get("insurer"),
        "insurance": [{
            "coverage": coverage,
            "inforce": in_force,
            "item": [item(decision)],
        }],
    });
    let pairs = [(asked, request), (told, response)];
    pairs.iter().filter_map(|(key, value)| write(value, key, None, now, base)).collect()
}

/// What a payer's 271 says of a Claim's coverage.
///
/// - Source: FHIR R4, CoverageEligibilityResponse; X12 data element 1390 for the benefits.
pub(crate) fn of_payer(
    desk: &Desk<'_>,
    facts: &Facts,
    told: &Benefits,
) -> Result<Vec<Write>, ReadError> {
    let claim_id = facts.key.id.as_str();
    let asked = desk.chart.derived_id(&["eligibility-request", claim_id]);
    let asked = key(ResourceType::COVERAGE_ELIGIBILITY_REQUEST, &asked);
    let own = desk.chart.derived_id(&["eligibility-of-payer", claim_id]);
    let own = key(ResourceType::COVERAGE_ELIGIBILITY_RESPONSE, &own);
    let base = desk.chart.current(&own)?.map(|(version, _)| version);
    let has_code = |code: &str| told.benefits.iter().any(|it| it.code == code);
    let benefits = [("B", "copay"), ("C", "deductible")].into_iter().flat_map(|(code, kind)| {
        let of_code = told.benefits.iter().filter(move |it| it.code == code);
        of_code.filter_map(move |it| {
            let value = serde_json::from_str::<Value>(it.amount.as_deref()?).ok()?;
            let money = json!({ "value": value, "currency": "USD" });
            Some(json!({ "type": typed(kind), "allowedMoney": money }))
        })
    });
    let benefits: Vec<Value> = benefits.collect();
    let needs = told.benefits.iter().any(|it| it.authorization.as_deref() == Some("Y"));
    let is_active = ["1", "2", "3", "4", "5"].iter().any(|code| has_code(code));
    let mut item = json!({
        "name": "inpatient stay",
        "excluded": has_code("I"),
        "authorizationRequired": needs,
    });
    if !benefits.is_empty() {
        put(&mut item, "benefit", Value::Array(benefits));
    }
    let notes = told.benefits.iter().filter_map(|it| it.message.clone());
    let notes = notes.collect::<Vec<_>>().join("; ");
    let origin = Origin::X12Eligibility;
    let mut response = json!({
        "resourceType": "CoverageEligibilityResponse",
        "meta": { "tag": [{
            "system": ORIGIN_SYSTEM,
            "code": origin.code(),
            "display": origin.words(),
        }] },
        "status": "active",
        "purpose": ["auth-requirements", "benefits", "validation"],
        "patient": facts.claim.get("patient"),
        "created": desk.now.to_string(),
        "request": { "reference": asked.to_string() },
        "outcome": if told.rejections.is_empty() { "complete" } else { "error" },
        "disposition": format!("{} {notes}", origin.words()).trim(),
        "insurer": facts.claim.get("insurer"),
        "insurance": [{
            "coverage": facts.claim.pointer("/insurance/0/coverage"),
            "inforce": is_active,
            "item": [item],
        }],
    });
    let errors = told.rejections.iter().map(|it| {
        json!({ "code": { "coding": [{
            "system": "https://codesystem.x12.org/005010/901",
            "code": it.reason,
        }] } })
    });
    let errors: Vec<Value> = errors.collect();
    if !errors.is_empty() {
        put(&mut response, "error", Value::Array(errors));
    }
    Ok(write(&response, &own, base, desk.now, desk.base).into_iter().collect())
}

fn typed(code: &str) -> Value {
    json!({ "coding": [{
        "system": "http://terminology.hl7.org/CodeSystem/benefit-type",
        "code": code,
    }] })
}

fn item(decision: &Decision<'_>) -> Value {
    let plan = decision.plan;
    let amounts = decision.patient_pays().into_iter().filter_map(|(code, amount)| {
        let value = serde_json::from_str::<Value>(&amount?.to_string()).ok()?;
        let money = json!({ "value": value, "currency": plan.currency });
        Some(json!({ "type": typed(code), "allowedMoney": money }))
    });
    let mut benefits: Vec<Value> = amounts.collect();
    if let Some(pct) = plan.coinsurance_pct {
        benefits.push(json!({ "type": typed("copay-percent"), "allowedUnsignedInt": pct }));
    }
    let mut item = json!({
        "name": "inpatient stay",
        "description": plan.name,
        "excluded": !decision.covered,
        "authorizationRequired":
            decision.covered && decision.authorization == Authorization::Needed,
    });
    if !benefits.is_empty() {
        put(&mut item, "benefit", Value::Array(benefits));
    }
    item
}
