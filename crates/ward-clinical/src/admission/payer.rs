//! The fourth step: does somebody pay for the stay? It never holds up care.

use jiff::SignedDuration;
use serde_json::{Value, json};
use ward_core::{FhirId, ResourceType};
use ward_rules::payer::{ORIGIN_SYSTEM, Origin, RESPONSE};
use ward_store::{
    Reader,
    workflow::{At, Outcome, Trouble, Work},
};

use super::request::AdmissionRequest;
use crate::records::{self, put, search, text};

/// How long a request waits before somebody is reminded.
const REMIND_S: i64 = 24 * 3600;

/// Most coverages of one patient that are looked at.
/// LIMIT: nobody is insured more often; one that pays is among the first.
const COVERAGES_MAX: usize = 20;

/// What the payer, or whoever spoke with the payer, decided.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Decision {
    Granted,
    Denied,
}

impl Decision {
    pub const fn as_str(self) -> &'static str {
        match self {
            Decision::Granted => "granted",
            Decision::Denied => "denied",
        }
    }

    pub fn from_word(word: &str) -> Option<Decision> {
        [Decision::Granted, Decision::Denied].into_iter().find(|it| it.as_str() == word)
    }
}

/// Asks, and once somebody has answered, writes the answer down.
pub(super) fn ask(at: &At<'_>, request: &AdmissionRequest) -> Result<Work, Trouble> {
    let now = at.cx.now;
    let claim_key = records::key(ResourceType::CLAIM, &claim_id(at));
    if let Some(decision) = at.instance.data("decision").and_then(Decision::from_word) {
        return answered(at, decision);
    }
    let until = now.checked_add(SignedDuration::from_secs(REMIND_S)).unwrap_or(now);
    let why = "the payer has not answered".to_owned();
    if at.chart.current(&claim_key)?.is_some() {
        return Ok(Work::ended(Outcome::Waiting { why, until }));
    }
    let Some(patient) = at.instance.data_id("patient") else {
        return Ok(Work::ended(Outcome::Skipped("there is no patient".to_owned())));
    };
    let covers = coverages(at.reader, &patient)?;
    let Some(cover) = covers.first() else {
        let why = "no active coverage is on file".to_owned();
        return Ok(Work::ended(Outcome::Skipped(why)).with("authorization", "no-coverage"));
    };
    let claim = claim(at, request, (&patient, cover));
    let writes = records::write(&claim, &claim_key, None, now, at.base).into_iter().collect();
    let work = Work { writes, outcome: Outcome::Waiting { why, until }, ..Work::default() };
    Ok(work.with("authorization", "pended").with("claim", claim_key.id.as_str()))
}

/// The request is taken back.
pub(super) fn withdraw(at: &At<'_>) -> Result<Work, Trouble> {
    let key = records::key(ResourceType::CLAIM, &claim_id(at));
    let Some((mut claim, version)) = records::read(at.reader, &key)? else {
        return Ok(Work::default());
    };
    put(&mut claim, "status", json!("cancelled"));
    let write = records::write(&claim, &key, Some(version), at.cx.now, at.base);
    Ok(Work::done(write.into_iter().collect()).with("authorization", "withdrawn"))
}

/// What the payer said is in the chart already; what a person entered is written down here, over
/// whatever was there.
fn answered(at: &At<'_>, decision: Decision) -> Result<Work, Trouble> {
    let now = at.cx.now;
    let claim_key = records::key(ResourceType::CLAIM, &claim_id(at));
    let id = at.chart.derived_id(&[RESPONSE, claim_key.id.as_str()]);
    let key = records::key(ResourceType::CLAIM_RESPONSE, &id);
    let base = at.chart.current(&key)?.map(|(version, _)| version);
    let claim = records::read(at.reader, &claim_key)?;
    let Some((claim, _)) = claim else {
        let why = "nothing was asked of a payer".to_owned();
        return Ok(Work::ended(Outcome::Skipped(why)));
    };
    let origin = at.instance.data("decisionOrigin").and_then(Origin::from_code);
    let origin = origin.unwrap_or(Origin::Hand);
    let reference = at.instance.data("decisionReference");
    let mut response = json!({
        "resourceType": "ClaimResponse",
        "meta": { "tag": [{
            "system": ORIGIN_SYSTEM,
            "code": origin.code(),
            "display": origin.words(),
        }] },
        "status": "active",
        "type": claim.get("type"),
        "use": "preauthorization",
        "patient": claim.get("patient"),
        "created": now.to_string(),
        "insurer": claim.get("insurer"),
        "request": { "reference": claim_key.to_string() },
        "outcome": "complete",
        "disposition": format!("{} ({})", decision.as_str(), origin.words()),
    });
    if let Some(reference) = reference {
        put(&mut response, "preAuthRef", json!(reference));
    }
    let writes = match origin {
        Origin::Hand => records::write(&response, &key, base, now, at.base).into_iter().collect(),
        _ => Vec::new(),
    };
    let outcome = match decision {
        Decision::Granted => Outcome::Done,
        Decision::Denied => Outcome::Failed(format!("the stay is denied ({})", origin.words())),
    };
    let work = Work { writes, outcome, ..Work::default() };
    let work = work.with("authorization", decision.as_str());
    let work = work.with("authorizationOrigin", origin.words());
    Ok(match reference {
        Some(reference) => work.with("authorizationReference", reference.to_owned()),
        None => work,
    })
}

fn claim(at: &At<'_>, request: &AdmissionRequest, (patient, cover): (&FhirId, &Value)) -> Value {
    let now = at.cx.now.to_string();
    let coverage = text(cover, "id").unwrap_or_default();
    let payer = cover.pointer("/payor/0").cloned();
    let payer = payer.unwrap_or_else(|| json!({ "display": "unknown payer" }));
    let reasons =
        request.reasons.iter().zip(1..).map(
            |(reason, n)| json!({ "sequence": n, "diagnosisCodeableConcept": reason.concept() }),
        );
    let reasons: Vec<Value> = reasons.collect();
    let mut item = json!({
        "sequence": 1,
        "productOrService": { "text": "inpatient stay" },
    });
    if let Some(encounter) = at.instance.data("encounter") {
        let encounter = json!([{ "reference": format!("Encounter/{encounter}") }]);
        put(&mut item, "encounter", encounter);
    }
    let mut claim = json!({
        "resourceType": "Claim",
        "identifier": [{ "system": "urn:ward:admission", "value": at.instance.id.as_str() }],
        "status": "active",
        "type": { "coding": [{
            "system": "http://terminology.hl7.org/CodeSystem/claim-type",
            "code": "institutional",
        }] },
        "use": "preauthorization",
        "patient": { "reference": format!("Patient/{patient}") },
        "created": now,
        "insurer": payer,
        "provider": { "display": "this hospital" },
        "priority": { "coding": [{
            "system": "http://terminology.hl7.org/CodeSystem/processpriority",
            "code": "normal",
        }] },
        "insurance": [{
            "sequence": 1,
            "focal": true,
            "coverage": { "reference": format!("Coverage/{coverage}") },
        }],
        "item": [item],
    });
    if !reasons.is_empty() {
        put(&mut claim, "diagnosis", Value::Array(reasons));
    }
    claim
}

/// Active coverages, the one that pays first in front.
fn coverages(reader: &Reader<'_>, patient: &FhirId) -> Result<Vec<Value>, Trouble> {
    let query = format!("beneficiary=Patient/{patient}&status=active");
    let found = search(reader, ResourceType::COVERAGE, &query, (COVERAGES_MAX, None))?;
    let mut covers = Vec::new();
    for hit in &found.hits {
        let stored = reader.fetch(hit)?;
        covers.extend(serde_json::from_slice::<Value>(&stored.body));
    }
    covers.sort_by_key(|cover| cover.get("order").and_then(Value::as_u64).unwrap_or(u64::MAX));
    Ok(covers)
}

fn claim_id(at: &At<'_>) -> FhirId {
    at.chart.derived_id(&["admission", "claim", at.instance.id.as_str()])
}
