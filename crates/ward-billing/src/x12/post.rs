//! Payments: an 835 becomes a PaymentReconciliation, and an answer to each claim that it pays.

use serde_json::{Value, json};
use ward_core::{Amount, ResourceType};
use ward_rules::payer::{ORIGIN_SYSTEM, Origin};
use ward_store::{
    CommitUnit,
    values::{key, put, read, write},
};
use ward_x12::remittance::{Adjustment, PaidClaim, Remittance};

use super::trace;
use crate::{BillingError, answer::response_key, facts::Facts, payers::Payer, tell::Desk};

/// What payers' reasons for paying less are named in.
///
/// - Source: X12 external code list 139, claim adjustment reason codes.
const REASONS: &str = "https://x12.org/codes/claim-adjustment-reason-codes";
const GROUPS: &str = "https://x12.org/codes/claim-adjustment-group-codes";

/// Posts a payment. Answers the numbers of claims that are none of ours.
///
/// - Source: FHIR R4, PaymentReconciliation and ClaimResponse.
pub(crate) fn remittance(
    desk: &Desk<'_>,
    payer: &Payer,
    told: &Remittance,
    unit: &mut CommitUnit,
) -> Result<Vec<String>, BillingError> {
    let mut unknown = Vec::new();
    let mut details = Vec::new();
    let mut odd = told.has_bad_amount || !told.balances();
    for paid in &told.claims {
        odd |= !paid.balances();
        let claim = trace::claim_of(desk.chart, desk.reader, &paid.number)?;
        let facts = match &claim {
            Some(claim) => Facts::read(desk.reader, claim)?,
            None => None,
        };
        let mut detail = json!({
            "type": { "coding": [{
                "system": "http://terminology.hl7.org/CodeSystem/payment-type",
                "code": "payment",
            }] },
            "identifier": { "system": "urn:ward:x12-claim", "value": paid.number },
            "amount": money(paid.paid),
        });
        if let Some(facts) = facts {
            let answer_key = response_key(desk.chart, &facts.key);
            let before = read(desk.reader, &answer_key)?;
            let base = before.map(|(_, version)| version);
            let response = response(desk, &facts, paid, told);
            put(&mut detail, "request", json!({ "reference": facts.key.to_string() }));
            put(&mut detail, "response", json!({ "reference": answer_key.to_string() }));
            // One claim may be named twice, as when it is taken back and paid anew.
            unit.writes.retain(|it| it.key != answer_key);
            unit.writes.extend(write(&response, &answer_key, base, desk.now, desk.base));
            if matches!(paid.status.as_str(), "4" | "22") {
                let why = format!("claim status {} in a payment", paid.status);
                let title = "The payer did not pay a claim";
                unit.writes.extend(desk.asks(&facts, ("claim-not-paid", title), &why)?);
            }
        } else {
            unknown.push(paid.number.clone());
        }
        details.push(detail);
    }
    let posted = reconciliation(desk, payer, told, details);
    let id = desk.chart.derived_id(&["x12-payment", &payer.name, told.payer.number(), &told.trace]);
    let posted_key = key(ResourceType::PAYMENT_RECONCILIATION, &id);
    let base = desk.chart.current(&posted_key)?.map(|(version, _)| version);
    unit.writes.extend(write(&posted, &posted_key, base, desk.now, desk.base));
    if odd {
        let why = "a payment does not add up: charges, adjustments and payments disagree";
        unit.writes.extend(desk.of_partner(&payer.name, "x12-unbalanced", why)?);
    }
    if !unknown.is_empty() {
        let why = format!("a payment names {} claims that are none of ours", unknown.len());
        unit.writes.extend(desk.of_partner(&payer.name, "x12-unknown-claim", &why)?);
    }
    Ok(unknown)
}

fn response(desk: &Desk<'_>, facts: &Facts, paid: &PaidClaim, told: &Remittance) -> Value {
    let category = |code: &str| {
        json!({ "coding": [{
            "system": "http://terminology.hl7.org/CodeSystem/adjudication",
            "code": code,
        }] })
    };
    let adjusted = |it: &Adjustment| {
        json!({
            "category": { "coding": [{ "system": GROUPS, "code": it.group }] },
            "reason": { "coding": [{ "system": REASONS, "code": it.reason }] },
            "amount": money(it.amount),
        })
    };
    let total =
        |code: &str, amount: Amount| json!({ "category": category(code), "amount": money(amount) });
    let lines = paid.lines.iter().zip(1_u32..).map(|(line, n)| {
        let mut all = vec![
            json!({ "category": category("submitted"), "amount": money(line.charged) }),
            json!({ "category": category("benefit"), "amount": money(line.paid) }),
        ];
        all.extend(line.adjustments.iter().map(adjusted));
        json!({ "itemSequence": n, "adjudication": all })
    });
    let lines: Vec<Value> = lines.collect();
    let words = match paid.status.as_str() {
        "1" | "2" | "3" | "19" | "20" | "21" => "processed",
        "4" => "denied",
        "22" => "taken back",
        _ => "answered",
    };
    let mut response = json!({
        "resourceType": "ClaimResponse",
        "meta": { "tag": [{
            "system": ORIGIN_SYSTEM,
            "code": Origin::Remittance.code(),
            "display": Origin::Remittance.words(),
        }] },
        "status": "active",
        "type": facts.claim.get("type"),
        "use": facts.claim.get("use"),
        "patient": facts.claim.get("patient"),
        "created": desk.now.to_string(),
        "insurer": facts.claim.get("insurer"),
        "request": { "reference": facts.key.to_string() },
        "outcome": "complete",
        "disposition": format!("{words} (status {}, {})", paid.status, Origin::Remittance.words()),
        "total": [
            total("submitted", paid.charged),
            total("benefit", paid.paid),
            total("copay", paid.patient_pays),
        ],
        "payment": {
            "type": { "coding": [{
                "system": "http://terminology.hl7.org/CodeSystem/ex-paymenttype",
                "code": "complete",
            }] },
            "amount": money(paid.paid),
            "identifier": { "system": "urn:ward:x12-payment", "value": told.trace },
        },
    });
    if let Some(number) = &paid.payer_number {
        let identifier = json!([{ "system": "urn:ward:payer-claim", "value": number }]);
        put(&mut response, "identifier", identifier);
    }
    if let Some(day) = told.date.as_deref().and_then(dashed)
        && let Some(payment) = response.get_mut("payment")
    {
        put(payment, "date", json!(day));
    }
    if !paid.adjustments.is_empty() {
        let all: Vec<Value> = paid.adjustments.iter().map(adjusted).collect();
        put(&mut response, "adjudication", Value::Array(all));
    }
    if !lines.is_empty() {
        put(&mut response, "item", Value::Array(lines));
    }
    response
}

fn reconciliation(desk: &Desk<'_>, payer: &Payer, told: &Remittance, details: Vec<Value>) -> Value {
    let now = desk.now.to_string();
    let day = told.date.as_deref().and_then(dashed);
    let day = day.unwrap_or_else(|| now.get(..10).unwrap_or_default().to_owned());
    let paid = if told.is_credit { told.paid } else { -told.paid };
    let mut posted = json!({
        "resourceType": "PaymentReconciliation",
        "identifier": [{ "system": "urn:ward:x12-payment", "value": told.trace }],
        "meta": { "tag": [{
            "system": ORIGIN_SYSTEM,
            "code": Origin::Remittance.code(),
            "display": Origin::Remittance.words(),
        }] },
        "status": "active",
        "created": now,
        "paymentIssuer": { "display": if told.payer.name.is_empty() { &payer.name } else { &told.payer.name } },
        "outcome": "complete",
        "paymentDate": day,
        "paymentAmount": money(paid),
        "paymentIdentifier": { "value": told.trace },
    });
    if !details.is_empty() {
        put(&mut posted, "detail", Value::Array(details));
    }
    let notes = told.provider_adjustments.iter().map(|(reason, amount)| {
        json!({ "type": "display", "text": format!("adjusted without a claim: {reason} {amount}") })
    });
    let notes: Vec<Value> = notes.collect();
    if !notes.is_empty() {
        put(&mut posted, "processNote", Value::Array(notes));
    }
    posted
}

pub(crate) fn money(amount: Amount) -> Value {
    // A decimal of JSON keeps the digits that are written.
    let value = serde_json::from_str::<Value>(&amount.to_string()).unwrap_or_default();
    json!({ "value": value, "currency": "USD" })
}

/// `2026-01-10` from eight digits.
fn dashed(day: &str) -> Option<String> {
    Some(format!("{}-{}-{}", day.get(..4)?, day.get(4..6)?, day.get(6..8)?))
}
