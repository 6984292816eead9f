//! Findings as cards.

use std::collections::BTreeMap;

use serde_json::{Value, json};
use ward_core::FhirId;
use ward_rules::medication::{Issue, IssueKind, Tier, issue::OverrideReason};

use super::{
    call::Call,
    shown::{KIND, OVERRIDE_REASON, rule_of},
};
use crate::knowledge::InUse;

/// Most characters of a summary.
/// LIMIT: CDS Hooks 2.0.1, card attributes: "less than 140 characters".
pub const SUMMARY_CHARS_MAX: usize = 139;

/// Most cards of one answer.
/// LIMIT: nobody reads more; the last one says how many were left out.
pub const CARDS_MAX: usize = 50;

/// A card, with the finding it shows.
#[derive(Clone, Debug)]
pub struct Card {
    pub uuid: String,
    pub value: Value,
}

/// - Source: CDS Hooks 2.0.1, card attributes: `indicator`.
const fn indicator(tier: Tier) -> Option<&'static str> {
    match tier {
        Tier::HardStop => Some("critical"),
        Tier::Interruptive => Some("warning"),
        Tier::Passive => Some("info"),
        Tier::Log => None,
    }
}

/// Cards for what was found, the gravest first.
///
/// - Shape: findings that are only logged have none. The same call gives the same cards.
pub fn cards(issues: &[Issue], call: &Call, knowledge: &InUse, base: &str) -> Vec<Card> {
    let mut cards = Vec::new();
    let mut n_left = 0_usize;
    for issue in issues {
        let Some(indicator) = indicator(issue.tier) else { continue };
        if CARDS_MAX - 1 <= cards.len() {
            n_left += 1;
            continue;
        }
        cards.push(card(issue, indicator, call, knowledge, base));
    }
    if 0 < n_left {
        let uuid = uuid_of(&[&call.instance, "left-out"]);
        let value = json!({
            "uuid": uuid,
            "summary": format!("{n_left} more findings are not shown here"),
            "indicator": "warning",
            "source": { "label": "Ward medication checks" },
        });
        cards.push(Card { uuid, value });
    }
    cards
}

fn card(issue: &Issue, indicator: &str, call: &Call, knowledge: &InUse, base: &str) -> Card {
    let uuid = uuid_of(&[&call.instance, &issue.key]);
    let message = &issue.message;
    let label = match message.source.as_str() {
        "" => "Ward medication checks".to_owned(),
        source => cut(source, SUMMARY_CHARS_MAX),
    };
    let topic = issue.kind.name();
    let mut value = json!({
        "uuid": uuid,
        "summary": cut(&message.summary, SUMMARY_CHARS_MAX),
        "detail": markdown(issue),
        "indicator": indicator,
        "source": {
            "label": label,
            "topic": { "system": KIND, "code": topic, "display": topic },
        },
    });
    let Some(object) = value.as_object_mut() else { return Card { uuid, value } };
    // What may be taken back is what is not signed yet.
    let drafts: Vec<&String> =
        issue.orders.iter().filter(|it| call.selected.contains(it)).collect();
    if !drafts.is_empty() {
        let suggestions: Vec<Value> = drafts
            .iter()
            .map(|it| {
                let name = drug_of(call, it);
                json!({
                    "label": cut(&format!("Remove {name}"), SUMMARY_CHARS_MAX),
                    "uuid": uuid_of(&[&call.instance, &issue.key, it]),
                    "actions": [{
                        "type": "delete",
                        "description": format!("Remove the order for {name}"),
                        "resourceId": [it],
                    }],
                })
            })
            .collect();
        object.insert("suggestions".to_owned(), json!(suggestions));
        object.insert("selectionBehavior".to_owned(), json!("any"));
    }
    if Tier::Interruptive <= issue.tier {
        let reasons: Vec<Value> = OverrideReason::ALL
            .into_iter()
            .map(|it| json!({ "code": it.code(), "system": OVERRIDE_REASON, "display": it.display() }))
            .collect();
        object.insert("overrideReasons".to_owned(), json!(reasons));
    }
    let mut links: Vec<Value> = Vec::new();
    for substance in &issue.substances {
        if let Some(set_id) = knowledge.labels.get(substance) {
            links.push(json!({
                "label": "Label (DailyMed)",
                "url": format!("https://dailymed.nlm.nih.gov/dailymed/drugInfo.cfm?setid={set_id}"),
                "type": "absolute",
            }));
        }
    }
    let in_chart = issue.others.iter().filter(|it| it.contains('/'));
    links.extend(
        in_chart
            .take(4)
            .map(|it| json!({ "label": it, "url": format!("{base}/{it}"), "type": "absolute" })),
    );
    if !links.is_empty() {
        object.insert("links".to_owned(), json!(links));
    }
    Card { uuid, value }
}

/// Detail as GitHub Flavored Markdown; what a source says cannot become a link or markup of ours.
fn markdown(issue: &Issue) -> String {
    let message = &issue.message;
    let mut lines = Vec::new();
    for (title, text) in
        [("", &message.summary), ("Why", &message.mechanism), ("What to do", &message.action)]
    {
        if !text.is_empty() {
            let text = plain(text);
            lines.push(if title.is_empty() { text } else { format!("**{title}:** {text}") });
        }
    }
    for it in &issue.used {
        let aged = it.age_h.map(|h| format!(" ({h} h old)")).unwrap_or_default();
        lines.push(format!("- {}: {}{aged}", plain(&it.what), plain(&it.value)));
    }
    if issue.kind == IssueKind::NotCheckable {
        lines.push("This could **not be checked**; check it by hand.".to_owned());
    }
    if issue.tier == Tier::HardStop {
        lines.push("Going on needs a second authorized person.".to_owned());
    }
    if issue.illustrative {
        lines.push("*Illustrative: not confirmed against a label.*".to_owned());
    }
    if !message.evidence.is_empty() {
        lines.push(format!("Evidence: {}", plain(&message.evidence)));
    }
    lines.push(format!("Rule {}, {}", plain(&rule_of(issue)), plain(&issue.rule.knowledge_base)));
    lines.join("\n\n")
}

/// Text without what Markdown or HTML would make something of.
fn plain(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        if matches!(c, '\\' | '`' | '*' | '_' | '[' | ']' | '<' | '>' | '#' | '|' | '!' | '~') {
            out.push('\\');
        }
        out.push(if c.is_control() { ' ' } else { c });
    }
    out
}

/// The drug of a draft, as it is shown.
fn drug_of(call: &Call, reference: &str) -> String {
    let draft = call.drafts.iter().find(|it| super::call::name_of(it) == *reference);
    let concept = draft.and_then(|it| it.get("medicationCodeableConcept"));
    let text = concept.and_then(|it| it.get("text")).and_then(Value::as_str);
    let display = || {
        let codings = concept?.get("coding")?.as_array()?;
        codings.iter().find_map(|it| it.get("display")).and_then(Value::as_str)
    };
    text.or_else(display).unwrap_or("this order").to_owned()
}

fn cut(text: &str, chars_max: usize) -> String {
    if text.chars().count() <= chars_max {
        return text.to_owned();
    }
    let mut cut: String = text.chars().take(chars_max.saturating_sub(1)).collect();
    cut.push('…');
    cut
}

/// The same words make the same UUID.
pub(super) fn uuid_of(parts: &[&str]) -> String {
    let mut bytes = Vec::new();
    for part in parts {
        bytes.extend_from_slice(&u64::try_from(part.len()).unwrap_or(0).to_le_bytes());
        bytes.extend_from_slice(part.as_bytes());
    }
    let digest = ward_crypto::sha256(&bytes);
    let mut id = [0; 16];
    id.copy_from_slice(digest.first_chunk::<16>().unwrap_or(&[0; 16]));
    FhirId::derived(id).to_string()
}

/// What a feedback is matched with: the cards of a call, by UUID.
pub fn kept(cards: &[Card], issues: &[Issue], call: &Call) -> BTreeMap<String, Issue> {
    let of = |card: &Card| {
        let is_it = |issue: &&Issue| uuid_of(&[&call.instance, &issue.key]) == card.uuid;
        issues.iter().find(is_it).map(|issue| (card.uuid.clone(), issue.clone()))
    };
    cards.iter().filter_map(of).collect()
}
