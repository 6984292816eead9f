//! Cards of others as issues.

use serde_json::Value;
use ward_rules::medication::{
    Issue, IssueKind, Tier,
    issue::{Message, RuleRef},
};
use ward_store::values::text;

use crate::cds::cards::CARDS_MAX;

/// Most characters of a summary that are taken over.
/// LIMIT: the standard asks for less than 140; who writes more is still heard.
const SUMMARY_CHARS_MAX: usize = 400;
/// Most characters of a detail that are taken over.
/// LIMIT: two pages; nobody reads more beside an order.
const DETAIL_CHARS_MAX: usize = 4_000;

/// Reads the answer of a service.
///
/// - Shape: each card is an issue in the service's own words. An answer that is not what the
///   standard asks for is an error as a whole: half of what a service says may leave out the half
///   that matters.
/// - Source: CDS Hooks 2.0.1, CDS service response.
pub fn read_cards(service: &str, bytes: &[u8]) -> Result<Vec<Issue>, String> {
    let body: Value =
        serde_json::from_slice(bytes).map_err(|_| "its answer is not JSON".to_owned())?;
    let cards = body.get("cards").and_then(Value::as_array);
    let cards = cards.ok_or_else(|| "its answer has no `cards`".to_owned())?;
    if CARDS_MAX < cards.len() {
        return Err(format!("it answered with more than {CARDS_MAX} cards"));
    }
    cards.iter().enumerate().map(|(n, card)| issue(service, n, card)).collect()
}

fn issue(service: &str, n: usize, card: &Value) -> Result<Issue, String> {
    let wrong = |what: &str| format!("cards[{n}].{what} of its answer is wrong");
    let summary = text(card, "summary").map(str::trim).filter(|it| !it.is_empty());
    let summary = cut(summary.ok_or_else(|| wrong("summary"))?, SUMMARY_CHARS_MAX);
    let tier = match text(card, "indicator") {
        Some("critical") => Tier::HardStop,
        Some("warning") => Tier::Interruptive,
        Some("info") => Tier::Passive,
        _ => return Err(wrong("indicator")),
    };
    let source = card.get("source").ok_or_else(|| wrong("source"))?;
    let label = text(source, "label").ok_or_else(|| wrong("source.label"))?;
    let topic = source.get("topic").and_then(|it| text(it, "code"));
    let rule = match topic {
        Some(topic) => format!("remote.{service}.{topic}"),
        None => format!("remote.{service}"),
    };
    let key = format!("{rule}|{summary}");
    Ok(Issue {
        kind: IssueKind::Remote,
        tier,
        why: None,
        rule: RuleRef { id: cut(&rule, 200), version: 1, knowledge_base: service.to_owned() },
        orders: Vec::new(),
        others: Vec::new(),
        substances: Vec::new(),
        message: Message {
            summary,
            mechanism: cut(text(card, "detail").unwrap_or_default(), DETAIL_CHARS_MAX),
            action: String::new(),
            evidence: format!("service {service}"),
            source: cut(label, SUMMARY_CHARS_MAX),
        },
        used: Vec::new(),
        illustrative: false,
        key,
    })
}

fn cut(text: &str, chars_max: usize) -> String {
    text.chars().filter(|c| !c.is_control() || *c == '\n').take(chars_max).collect()
}
