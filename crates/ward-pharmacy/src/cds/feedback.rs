//! What became of cards: accepted, or overridden and why.

use std::{
    collections::{BTreeMap, VecDeque},
    sync::{Mutex, PoisonError},
};

use jiff::Timestamp;
use serde_json::{Value, json};
use ward_core::FhirId;
use ward_rules::medication::{Issue, issue::OverrideReason};
use ward_store::values::{put, text};

use super::shown::{OVERRIDE_REASON, detected_issue};

/// Under which a DetectedIssue names the card that it was shown as.
pub const CARD: &str = "urn:ward:card";

/// Cards that are remembered until somebody says what became of them.
/// LIMIT: a day of a hospital that overrides a hundred cards an hour, ten times over.
pub const CARDS_MAX: usize = 24_000;

/// Most outcomes in one feedback.
/// LIMIT: the cards of one answer, four times over.
pub const OUTCOMES_MAX: usize = 200;

/// Most characters of a comment that are kept.
/// LIMIT: a page of writing; what is longer is no reason for an override.
const COMMENT_CHARS_MAX: usize = 2_000;

/// Cards that were shown, by UUID, the oldest forgotten first.
#[derive(Debug, Default)]
pub struct Shown(Mutex<Remembered>);

#[derive(Debug, Default)]
struct Remembered {
    cards: BTreeMap<String, ShownCard>,
    order: VecDeque<String>,
}

/// What a card was about. It holds no more of the patient than the id.
#[derive(Clone, Debug)]
pub struct ShownCard {
    pub service: &'static str,
    pub patient: FhirId,
    pub issue: Issue,
}

impl Shown {
    pub fn keep(&self, cards: BTreeMap<String, ShownCard>) {
        let mut kept = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        for (uuid, card) in cards {
            if kept.cards.insert(uuid.clone(), card).is_none() {
                kept.order.push_back(uuid);
            }
        }
        while CARDS_MAX < kept.order.len() {
            if let Some(oldest) = kept.order.pop_front() {
                kept.cards.remove(&oldest);
            }
        }
    }

    /// The card, when this service has shown it.
    pub fn get(&self, service: &str, uuid: &str) -> Option<ShownCard> {
        let kept = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        kept.cards.get(uuid).filter(|it| it.service == service).cloned()
    }
}

/// What somebody did with one card.
#[derive(Clone, PartialEq, Debug)]
pub struct Outcome {
    pub card: String,
    pub is_overridden: bool,
    pub reason: Option<OverrideReason>,
    /// A code of another system, or of ours that nobody knows.
    pub other_reason: Option<Value>,
    pub comment: Option<String>,
    pub at: Option<Timestamp>,
}

/// Reads a feedback.
///
/// - Errors: what is wrong and where.
/// - Source: CDS Hooks 2.0.1, feedback.
pub fn read(body: &Value) -> Result<Vec<Outcome>, String> {
    let list = body.get("feedback").and_then(Value::as_array);
    let list = list.ok_or("feedback: a list is required")?;
    if OUTCOMES_MAX < list.len() {
        return Err(format!("feedback: more than {OUTCOMES_MAX} outcomes"));
    }
    let mut outcomes = Vec::new();
    for (n, it) in list.iter().enumerate() {
        let at = |name: &str| format!("feedback[{n}].{name}");
        let card = text(it, "card").ok_or_else(|| format!("{}: it is required", at("card")))?;
        let is_overridden = match text(it, "outcome") {
            Some("accepted") => false,
            Some("overridden") => true,
            _ => return Err(format!("{}: `accepted` or `overridden`", at("outcome"))),
        };
        let time = match text(it, "outcomeTimestamp") {
            None => None,
            Some(time) => Some(
                time.parse().map_err(|_| format!("{}: not an instant", at("outcomeTimestamp")))?,
            ),
        };
        let given = it.get("overrideReason");
        let coding = given.and_then(|it| it.get("reason"));
        let reason = coding
            .filter(|it| text(it, "system").is_none_or(|it| it == OVERRIDE_REASON))
            .and_then(|it| OverrideReason::of_code(text(it, "code")?));
        let comment = given.and_then(|it| text(it, "userComment"));
        let comment = comment.map(|it| it.chars().take(COMMENT_CHARS_MAX).collect());
        outcomes.push(Outcome {
            card: card.to_owned(),
            is_overridden,
            reason,
            other_reason: coding.filter(|_| reason.is_none()).cloned(),
            comment,
            at: time,
        });
    }
    Ok(outcomes)
}

/// The DetectedIssue that a card and its outcome are kept as.
///
/// - Shape: an override is a mitigation that was carried out; an accepted card has none, because
///   the order was taken back.
pub fn record(card: &ShownCard, outcome: &Outcome, actor: &Value, now: Timestamp) -> Value {
    let mut issue = detected_issue(&card.issue, &card.patient, outcome.at.unwrap_or(now));
    put(&mut issue, "status", json!("final"));
    if let Some(identifiers) = issue.get_mut("identifier").and_then(Value::as_array_mut) {
        identifiers.push(json!({ "system": CARD, "value": outcome.card }));
    }
    // Drafts of another system are no records here.
    let implicated = issue.get("implicated").and_then(Value::as_array).cloned().unwrap_or_default();
    let named: Vec<Value> = implicated
        .into_iter()
        .map(|it| match text(&it, "reference") {
            Some(reference) => json!({ "display": reference }),
            None => it,
        })
        .collect();
    if !named.is_empty() {
        put(&mut issue, "implicated", json!(named));
    }
    if outcome.is_overridden {
        let coding = match (outcome.reason, &outcome.other_reason) {
            (Some(reason), _) => {
                vec![
                    json!({ "system": OVERRIDE_REASON, "code": reason.code(), "display": reason.display() }),
                ]
            }
            (None, Some(other)) => vec![other.clone()],
            (None, None) => Vec::new(),
        };
        let said = outcome.comment.clone().or(outcome.reason.map(|it| it.display().to_owned()));
        let mut action = json!({ "text": said.unwrap_or_else(|| "no reason given".to_owned()) });
        if !coding.is_empty() {
            put(&mut action, "coding", json!(coding));
        }
        let date = outcome.at.unwrap_or(now).to_string();
        put(&mut issue, "mitigation", json!([{ "action": action, "date": date, "author": actor }]));
    }
    issue
}
