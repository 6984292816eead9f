//! Answering others: what a Claim that was submitted here is answered with.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use ward_core::{AuditAction, Ctx, RecordKey, ResourceType, Role};
use ward_rules::payer::{
    ORIGIN_SYSTEM, Origin, Verdict,
    simulated::{self, LABEL},
};
use ward_store::{
    CommitUnit, Interaction,
    values::{key, put, text},
    workflow::{own_read, own_write},
};

use super::Operation;
use crate::{
    Billing, BillingError,
    answer::{action_code, review_action},
    facts::list,
    is_contended,
};

/// Most times a submission is tried again when others write the same records.
/// LIMIT: past this the caller hears 503 and asks again.
const TRIES_MAX: usize = 16;

/// Longest text of an identifier or a member's number.
/// LIMIT: what systems and numbers have, and some.
const TEXT_MAX: usize = 256;

/// A submission cannot be answered.
#[derive(Debug, thiserror::Error)]
pub enum PasError {
    /// No payer is played here.
    #[error("nobody decides about Claims here")]
    NoPayer,
    /// What is missing or wrong, and where.
    #[error("{place}: {why}")]
    Request { place: String, why: &'static str },
    /// The identifier was used for a Claim of another member.
    #[error("another Claim of yours had this identifier")]
    OtherClaim,
    #[error(transparent)]
    Billing(#[from] BillingError),
}

/// What is kept of a Claim that others submitted; nothing of the patient.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
struct CaseKept {
    asked: Timestamp,
    /// What the member's number makes of it in the end, so that the number is not kept.
    at_once: String,
    in_the_end: String,
    /// Whether another submission under this identifier is the same Claim.
    mark: String,
    cancelled: Option<Timestamp>,
}

/// A Claim as it was submitted.
#[derive(Clone, Debug)]
pub struct Submission {
    claim: Value,
    /// How the Bundle names the Claim.
    address: Option<String>,
    /// System and value.
    identifier: (String, String),
    member: String,
}

impl Submission {
    /// Takes a Bundle, or the Claim alone, apart.
    ///
    /// - Errors: [`PasError::Request`], with the place.
    pub fn of(body: &Value, operation: Operation) -> Result<Submission, PasError> {
        let wrong = |place: &str, why| Err(PasError::Request { place: place.to_owned(), why });
        let (claim, address, at) = match text(body, "resourceType") {
            Some("Bundle") => match body.pointer("/entry/0/resource") {
                Some(first) if text(first, "resourceType") == Some("Claim") => {
                    let address = body.pointer("/entry/0/fullUrl").and_then(Value::as_str);
                    (first, address.map(str::to_owned), "Bundle.entry[0].resource")
                }
                _ => return wrong("Bundle.entry[0].resource", "is the Claim"),
            },
            Some("Claim") => (body, None, "Claim"),
            _ => return wrong("Bundle", "is what this operation takes"),
        };
        if text(claim, "use") != Some("preauthorization") {
            return wrong(&format!("{at}.use"), "is `preauthorization`");
        }
        let identifier = claim.pointer("/identifier/0");
        let part = |name| identifier.and_then(|it| text(it, name)).unwrap_or_default().to_owned();
        let identifier = (part("system"), part("value"));
        if identifier.1.is_empty() {
            return wrong(&format!("{at}.identifier"), "makes a repeated Claim the same one");
        }
        if TEXT_MAX < identifier.0.len() || TEXT_MAX < identifier.1.len() {
            return wrong(&format!("{at}.identifier"), "is longer than 256 bytes");
        }
        let coverage = claim.pointer("/insurance/0/coverage");
        let reference = coverage.and_then(|it| text(it, "reference"));
        let resources = list(body, "entry").filter_map(|entry| {
            let address = text(entry, "fullUrl").unwrap_or_default();
            Some((address, entry.get("resource")?))
        });
        let mut coverages =
            resources.filter(|(_, it)| text(it, "resourceType") == Some("Coverage"));
        let found = coverages.find(|(address, it)| {
            let own = format!("Coverage/{}", text(it, "id").unwrap_or_default());
            reference.is_some_and(|to| to == *address || to == own || address.ends_with(to))
        });
        let of_coverage = found.and_then(|(_, it)| {
            text(it, "subscriberId").or_else(|| it.pointer("/identifier/0/value")?.as_str())
        });
        let by_identifier = coverage.and_then(|it| it.pointer("/identifier/value")?.as_str());
        let member = of_coverage.or(by_identifier).unwrap_or_default().to_owned();
        // Who only asks again need not send the coverage again.
        if member.is_empty() && operation == Operation::Submit {
            let place = format!("{at}.insurance[0].coverage");
            return wrong(&place, "names a Coverage in the Bundle, with the member's number");
        }
        if TEXT_MAX < member.len() {
            return wrong(&format!("{at}.insurance[0].coverage"), "has too long a number");
        }
        Ok(Submission { claim: claim.clone(), address, identifier, member })
    }

    fn is_cancelled(&self) -> bool {
        text(&self.claim, "status") == Some("cancelled")
    }
}

impl Billing {
    /// Answers a Claim that somebody else submits, or asks about.
    ///
    /// - Shape: a Bundle with the ClaimResponse first; without one when nothing is known of what
    ///   is asked about.
    /// - Errors: see [`PasError`].
    /// - Audit: `operation`, by who asks, in the commit that keeps it.
    /// - Repeat: safe; the same identifier of the same caller is the same Claim.
    pub async fn submitted(
        &self,
        cx: &Ctx,
        operation: Operation,
        submission: &Submission,
    ) -> Result<Value, PasError> {
        if !self.settings().simulated {
            return Err(PasError::NoPayer);
        }
        let (system, value) = &submission.identifier;
        let by = cx.actor.id.to_string();
        let key =
            key(ResourceType::PAYER, &self.chart().derived_id(&["pas-case", &by, system, value]));
        // Whether one may submit was asked at the door.
        let own = Ctx { role: Role::System, care: ward_core::CareScope::Everyone, ..cx.clone() };
        for _ in 0..TRIES_MAX {
            let act =
                Interaction::new(AuditAction::Operation).with_detail(operation.path().to_owned());
            let reader = self.chart().reader(&own, act);
            let kept = own_read::<CaseKept>(&reader, &key).map_err(BillingError::from)?;
            let (case, unit) = match self.case(kept, submission, operation, (&key, cx.now))? {
                Some(found) => found,
                None => {
                    let finished = reader.finish(ward_core::AuditOutcome::Success).await;
                    finished.map_err(BillingError::from)?;
                    return Ok(bundle(Vec::new(), cx.now));
                }
            };
            match reader.commit(&own, unit).await {
                Ok(_) => {
                    let response = response(&case, submission, cx.now);
                    return Ok(bundle(vec![response], cx.now));
                }
                Err(error) if is_contended(&error) => {}
                Err(error) => return Err(BillingError::from(error).into()),
            }
        }
        Err(BillingError::Contended.into())
    }

    /// The case as it is after this, and what that writes.
    fn case(
        &self,
        kept: Option<(CaseKept, u32)>,
        submission: &Submission,
        operation: Operation,
        (key, now): (&RecordKey, Timestamp),
    ) -> Result<Option<(CaseKept, CommitUnit)>, PasError> {
        let mark = self.chart().derived(&["pas-member", &submission.member]);
        let mark: String = mark.iter().map(|byte| format!("{byte:02x}")).collect();
        let Some((mut case, version)) = kept else {
            if operation == Operation::Inquire {
                return Ok(None);
            }
            let member = &submission.member;
            let verdict = |since| simulated::verdict(member, since).as_str().to_owned();
            let case = CaseKept {
                asked: now,
                at_once: verdict(0),
                in_the_end: verdict(simulated::LOOKS_S),
                mark,
                cancelled: submission.is_cancelled().then_some(now),
            };
            let unit = unit(key, None, &case)?;
            return Ok(Some((case, unit)));
        };
        if !submission.member.is_empty() && case.mark != mark {
            return Err(PasError::OtherClaim);
        }
        if operation == Operation::Submit && submission.is_cancelled() && case.cancelled.is_none() {
            case.cancelled = Some(now);
            let unit = unit(key, Some(version), &case)?;
            return Ok(Some((case, unit)));
        }
        Ok(Some((case, CommitUnit::default())))
    }
}

fn unit(key: &RecordKey, base: Option<u32>, case: &CaseKept) -> Result<CommitUnit, PasError> {
    let write = own_write(key.clone(), base, None, case).map_err(BillingError::from)?;
    Ok(CommitUnit { writes: vec![write], ..CommitUnit::default() })
}

fn response(case: &CaseKept, submission: &Submission, now: Timestamp) -> Value {
    let since = now.duration_since(case.asked).as_secs();
    let word = if since < simulated::LOOKS_S { &case.at_once } else { &case.in_the_end };
    let verdict = Verdict::from_word(word).unwrap_or(Verdict::Pended);
    let claim = &submission.claim;
    let (system, value) = &submission.identifier;
    let mut identifier = json!({ "value": value });
    if !system.is_empty() {
        put(&mut identifier, "system", json!(system));
    }
    let mut request = json!({ "identifier": identifier });
    if let Some(address) = &submission.address {
        put(&mut request, "reference", json!(address));
    }
    let mut response = json!({
        "resourceType": "ClaimResponse",
        "meta": { "tag": [{
            "system": ORIGIN_SYSTEM,
            "code": Origin::Simulated.code(),
            "display": Origin::Simulated.words(),
        }] },
        "status": if case.cancelled.is_some() { "cancelled" } else { "active" },
        "type": claim.get("type"),
        "use": "preauthorization",
        "patient": claim.get("patient"),
        "created": case.asked.to_string(),
        "insurer": { "display": LABEL },
        "request": request,
        "outcome": if verdict == Verdict::Pended { "queued" } else { "complete" },
        "disposition": format!("{LABEL}: {}", verdict.as_str()),
    });
    if verdict == Verdict::Granted {
        let end: String = value.chars().rev().filter(char::is_ascii_alphanumeric).take(8).collect();
        put(&mut response, "preAuthRef", json!(format!("SIM-{end}")));
    }
    let items = list(claim, "item").filter_map(|item| item.get("sequence"));
    let items = items.map(|sequence| {
        json!({ "itemSequence": sequence, "adjudication": [review_action(action_code(verdict))] })
    });
    let items: Vec<Value> = items.collect();
    if !items.is_empty() {
        put(&mut response, "item", Value::Array(items));
    }
    response
}

fn bundle(responses: Vec<Value>, now: Timestamp) -> Value {
    let mut bundle = json!({
        "resourceType": "Bundle",
        "type": "collection",
        "timestamp": now.to_string(),
    });
    let entries = responses.into_iter().map(|it| json!({ "resource": it }));
    let entries: Vec<Value> = entries.collect();
    if !entries.is_empty() {
        put(&mut bundle, "entry", Value::Array(entries));
    }
    bundle
}
