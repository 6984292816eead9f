//! Rules as they are written: one `[[rule]]` each, drugs by name, classes as `@ID`.

use jiff::civil::Date;
use serde::Deserialize;
use toml::Spanned;

use super::{Predicate, Problem, Rule, RuleKind, Term, WhenUnknown};
use crate::medication::issue::Tier;

/// What the file says.
#[derive(Default)]
pub(super) struct Head {
    pub name: String,
    pub version: String,
    pub notice: String,
    pub rules: Vec<Rule>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    name: String,
    version: String,
    notice: String,
    #[serde(default)]
    rule: Vec<Written>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Written {
    id: Spanned<String>,
    kind: RuleKind,
    left: String,
    right: Option<String>,
    #[serde(default)]
    when: Vec<String>,
    #[serde(default)]
    unknown: WhenUnknown,
    tier: Tier,
    #[serde(default)]
    lifts: Vec<String>,
    washout_days: Option<u16>,
    mechanism: String,
    action: String,
    evidence: String,
    source: String,
    #[serde(default = "first_day")]
    valid_from: Date,
    #[serde(default = "first")]
    version: u16,
    #[serde(default)]
    illustrative: bool,
}

const fn first() -> u16 {
    1
}

/// When the starter knowledge base was written.
const fn first_day() -> Date {
    jiff::civil::date(2026, 11, 28)
}

pub(super) fn read(
    file: &str,
    text: &str,
    term: &dyn Fn(&str) -> Option<Term>,
) -> Result<Head, Vec<Problem>> {
    let line_at = |offset: usize| {
        let before = text.as_bytes().get(..offset).unwrap_or_default();
        1 + before.iter().filter(|b| **b == b'\n').count()
    };
    let written: File = toml::from_str(text).map_err(|error| {
        let line = error.span().map_or(1, |span| line_at(span.start));
        [Problem::new(format!("{file}:{line}"), error.message().to_owned())]
    })?;
    let mut rules = Vec::new();
    let mut problems = Vec::new();
    for it in written.rule {
        let place = format!("{file}:{}", line_at(it.id.span().start));
        match rule(it, term) {
            Ok(rule) => rules.push(rule),
            Err(what) => problems.push(Problem { place, what }),
        }
    }
    if !problems.is_empty() {
        return Err(problems);
    }
    Ok(Head { name: written.name, version: written.version, notice: written.notice, rules })
}

fn rule(it: Written, term: &dyn Fn(&str) -> Option<Term>) -> Result<Rule, String> {
    let named =
        |name: &str| term(name).ok_or_else(|| format!("{name} is neither substance nor class"));
    let is_pair = it.kind == RuleKind::Interaction;
    if is_pair != it.right.is_some() {
        return Err("an interaction has two sides, any other rule one".to_owned());
    }
    let when = it
        .when
        .iter()
        .map(|text| Predicate::parse(text, term))
        .collect::<Result<_, _>>()
        .map_err(|e| e.to_string())?;
    Ok(Rule {
        id: it.id.into_inner(),
        kind: it.kind,
        left: named(&it.left)?,
        right: it.right.as_deref().map(named).transpose()?,
        when,
        when_unknown: it.unknown,
        tier: it.tier,
        lifts: it.lifts,
        washout_days: it.washout_days,
        mechanism: it.mechanism,
        action: it.action,
        evidence: it.evidence,
        source: it.source,
        valid_from: it.valid_from,
        version: it.version,
        illustrative: it.illustrative,
    })
}
