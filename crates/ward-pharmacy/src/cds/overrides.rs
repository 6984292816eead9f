//! How often each rule fired and was overridden, from the DetectedIssues of the chart.

use std::collections::BTreeMap;

use serde::Serialize;
use serde_json::Value;
use ward_core::ResourceType;
use ward_store::{
    ReadError, Reader, SearchError,
    values::{self, text},
};

use super::shown::{KNOWLEDGE_BASE, OVERRIDE_REASON, RULE};

/// Most DetectedIssues that one report looks at.
/// LIMIT: a year of a hospital with 500 beds; the report says when there were more.
pub const ISSUES_MAX: usize = 200_000;

/// Read at once.
const PAGE: usize = 1_000;

/// One rule.
#[derive(Clone, PartialEq, Default, Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct RuleRate {
    pub rule: String,
    pub fired: u64,
    pub overridden: u64,
    /// Of a hundred.
    pub override_percent: f64,
    /// How often each reason was given.
    pub reasons: BTreeMap<String, u64>,
    /// By severity.
    pub severities: BTreeMap<String, u64>,
    pub knowledge_bases: Vec<String>,
}

#[derive(Clone, PartialEq, Default, Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct OverrideReport {
    pub rules: Vec<RuleRate>,
    pub fired: u64,
    pub overridden: u64,
    /// There were more than were looked at.
    pub is_cut: bool,
}

#[derive(Debug, thiserror::Error)]
pub enum ReportError {
    #[error(transparent)]
    Read(#[from] ReadError),
    #[error(transparent)]
    Search(#[from] SearchError),
}

/// Counts what the caller may see, since a day when one is given.
///
/// - Cost: opens every DetectedIssue with a rule of ours since then.
pub fn report(reader: &Reader<'_>, since: Option<&str>) -> Result<OverrideReport, ReportError> {
    let mut query = format!("identifier={RULE}|");
    if let Some(since) = since {
        query.push_str(&format!("&identified=ge{since}"));
    }
    let mut rates: BTreeMap<String, RuleRate> = BTreeMap::new();
    let mut out = OverrideReport::default();
    let mut after = None;
    let mut n = 0;
    loop {
        let kind = ResourceType::DETECTED_ISSUE;
        let found = values::search(reader, kind, &query, (PAGE, after.take()))?;
        for hit in &found.hits {
            let stored = reader.fetch(hit)?;
            if let Ok(issue) = serde_json::from_slice(&stored.body) {
                count(&issue, &mut rates);
            }
        }
        n += found.hits.len();
        match found.next {
            Some(_) if ISSUES_MAX <= n => {
                out.is_cut = true;
                break;
            }
            Some(next) => after = Some(next),
            None => break,
        }
    }
    for rate in rates.values_mut() {
        rate.override_percent = percent(rate.overridden, rate.fired);
        rate.knowledge_bases.sort();
        out.fired += rate.fired;
        out.overridden += rate.overridden;
    }
    out.rules = rates.into_values().collect();
    out.rules.sort_by(|a, b| b.fired.cmp(&a.fired).then_with(|| a.rule.cmp(&b.rule)));
    Ok(out)
}

pub(super) fn count(issue: &Value, rates: &mut BTreeMap<String, RuleRate>) {
    let identifiers = issue.get("identifier").and_then(Value::as_array);
    let valued = |system: &str| {
        let all = identifiers.into_iter().flatten();
        all.filter(|it| text(it, "system") == Some(system)).find_map(|it| text(it, "value"))
    };
    let Some(rule) = valued(RULE) else { return };
    // Orders of the house write the knowledge base behind the rule.
    let (rule, behind) = match rule.split_once(' ') {
        Some((rule, base)) => (rule, Some(base)),
        None => (rule, None),
    };
    // What was entered in error never fired.
    if text(issue, "status") == Some("entered-in-error") {
        return;
    }
    let rate = rates.entry(rule.to_owned()).or_default();
    rate.rule = rule.to_owned();
    rate.fired += 1;
    if let Some(severity) = text(issue, "severity") {
        *rate.severities.entry(severity.to_owned()).or_default() += 1;
    }
    if let Some(base) = valued(KNOWLEDGE_BASE).or(behind)
        && !rate.knowledge_bases.iter().any(|it| it == base)
    {
        rate.knowledge_bases.push(base.to_owned());
    }
    let mitigation = issue.get("mitigation").and_then(Value::as_array);
    let Some(mitigation) = mitigation.filter(|it| !it.is_empty()) else { return };
    rate.overridden += 1;
    let codings = mitigation
        .iter()
        .filter_map(|it| it.get("action")?.get("coding")?.as_array())
        .flatten()
        .filter(|it| text(it, "system") == Some(OVERRIDE_REASON))
        .filter_map(|it| text(it, "code"));
    let mut is_coded = false;
    for code in codings {
        is_coded = true;
        *rate.reasons.entry(code.to_owned()).or_default() += 1;
    }
    if !is_coded {
        *rate.reasons.entry("not-coded".to_owned()).or_default() += 1;
    }
}

fn percent(part: u64, whole: u64) -> f64 {
    // Counts stay far below what a double holds exactly.
    let number = |n: u64| u32::try_from(n).map_or(f64::from(u32::MAX), f64::from);
    if whole == 0 { 0.0 } else { (1_000.0 * number(part) / number(whole)).round() / 10.0 }
}
