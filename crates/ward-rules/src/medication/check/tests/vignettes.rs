//! `tests/data/medication/vignettes.txt`: every line is a case.

use std::collections::BTreeSet;

use jiff::ToSpan;

use super::{ago, kb, now, order, somebody};
use crate::medication::{
    CheckContext, Issue, Tier, check,
    context::{
        Allergies, Allergy, AllergyCategory, AllergyKind, Coded, Condition, Criticality, Drug, Lab,
        Measured, Pregnancy, Quantity, Reaction, Sex, system,
    },
    lab::Analyte,
};

const FILE: &str = include_str!("../../../../tests/data/medication/vignettes.txt");

struct Case<'a> {
    id: &'a str,
    fields: Vec<(&'a str, &'a str)>,
}

impl<'a> Case<'a> {
    fn all(&self, key: &str) -> impl Iterator<Item = &'a str> {
        self.fields
            .iter()
            .filter(move |(name, _)| *name == key)
            .flat_map(|(_, value)| value.split(';'))
            .map(str::trim)
            .filter(|it| !it.is_empty())
    }
}

fn cases() -> Vec<Case<'static>> {
    let lines = FILE.lines().filter(|line| !line.is_empty() && !line.starts_with('#'));
    lines
        .map(|line| {
            let mut parts = line.split(" | ");
            let id = parts.next().unwrap().trim();
            let _title = parts.next().unwrap();
            let fields = parts.map(|part| {
                let (key, value) = part.split_once('=').unwrap_or_else(|| panic!("{id}: {part}"));
                (key.trim(), value.trim())
            });
            Case { id, fields: fields.collect() }
        })
        .collect()
}

/// `16kg@180d`: a value, and how long ago.
fn aged(text: &str) -> (&str, Option<jiff::Timestamp>) {
    let Some((value, age)) = text.split_once('@') else { return (text, Some(ago(1.day()))) };
    let n: i64 = age.trim_end_matches(['d', 'h']).parse().unwrap();
    let span = if age.ends_with('d') { n.days() } else { n.hours() };
    (value, Some(ago(span)))
}

fn patient(cx: &mut CheckContext, text: &str) {
    cx.patient.weights.clear();
    cx.patient.heights.clear();
    for word in text.split_whitespace() {
        let (word, at) = aged(word);
        let number = |unit: &str| word.strip_suffix(unit).and_then(|it| it.parse::<f64>().ok());
        let whole = |unit: &str| word.strip_suffix(unit).and_then(|it| it.parse::<i64>().ok());
        let birth = |span: jiff::Span| {
            Some(ago(span).to_zoned_datetime(jiff::tz::TimeZone::UTC).date().yesterday().unwrap())
        };
        if word == "male" || word == "female" {
            cx.patient.sex = Some(if word == "male" { Sex::Male } else { Sex::Female });
        } else if word == "pregnant" {
            cx.patient.pregnancy = Pregnancy::Pregnant { weeks: None };
        } else if let Some(weeks) = word.strip_prefix("pregnant:") {
            cx.patient.pregnancy = Pregnancy::Pregnant { weeks: weeks.parse().ok() };
        } else if word == "not-pregnant" {
            cx.patient.pregnancy = Pregnancy::NotPregnant { at: Some(now()) };
        } else if word == "lactating" {
            cx.patient.lactating = Some(true);
        } else if let Some(years) = whole("y") {
            cx.patient.birth_date = birth(years.years());
        } else if let Some(months) = whole("mo") {
            cx.patient.birth_date = birth(months.months());
        } else if let Some(days) = whole("d") {
            cx.patient.birth_date = birth((days - 1).days());
        } else if let Some(kg) = number("kg") {
            cx.patient.weights.push(Measured { quantity: Quantity::new(kg, "kg"), at });
        } else if let Some(cm) = number("cm") {
            cx.patient.heights.push(Measured { quantity: Quantity::new(cm, "cm"), at });
        } else {
            assert_eq!(word, "-", "no such word of a patient");
        }
    }
}

fn lab(text: &str) -> Lab {
    let (text, at) = aged(text);
    let mut words = text.splitn(3, ' ');
    let name = words.next().unwrap();
    let analyte = Analyte::named(name).unwrap_or_else(|| panic!("no analyte {name}"));
    let value = words.next().unwrap().parse().unwrap();
    let unit = words.next().unwrap_or(analyte.unit());
    Lab { analyte, quantity: Quantity::new(value, unit), at }
}

fn allergy(n: usize, text: &str) -> Allergy {
    let mut parts = text.split(',').map(str::trim);
    let mut made = Allergy {
        id: format!("AllergyIntolerance/{n}"),
        to: Drug { text: parts.next().unwrap().to_owned(), ..Drug::default() },
        category: AllergyCategory::Unknown,
        kind: AllergyKind::Unknown,
        criticality: None,
        is_held: true,
        reactions: Vec::new(),
    };
    for part in parts {
        match part {
            "allergy" => made.kind = AllergyKind::Allergy,
            "intolerance" => made.kind = AllergyKind::Intolerance,
            "high" => made.criticality = Some(Criticality::High),
            "low" => made.criticality = Some(Criticality::Low),
            "food" => made.category = AllergyCategory::Food,
            "environment" => made.category = AllergyCategory::Environment,
            "refuted" => made.is_held = false,
            text => made.reactions.push(Reaction {
                codes: Vec::new(),
                text: text.to_owned(),
                is_severe: false,
            }),
        }
    }
    made
}

fn context(case: &Case<'_>) -> CheckContext {
    let mut cx = somebody();
    for (key, value) in &case.fields {
        match *key {
            "patient" => patient(&mut cx, value),
            "labs" => {
                let all = value.split(';').map(str::trim).filter(|it| *it != "-");
                cx.labs = all.map(lab).collect();
            }
            "allergy" if *value == "?" => cx.allergies = Allergies::NotAssessed,
            "allergy" => cx.allergies = Allergies::Known([allergy(1, value)].into()),
            "has" => {
                let is_code = value.starts_with(|c: char| c.is_ascii_uppercase());
                let codes = match is_code {
                    true => {
                        [Coded { system: system::ICD10_CM.into(), code: (*value).into() }].into()
                    }
                    false => Vec::new(),
                };
                let text = (*value).to_owned();
                cx.conditions.push(Condition { id: "Condition/1".into(), codes, text });
            }
            "gets" => {
                for (n, text) in value.split(';').enumerate() {
                    cx.active.push(order(&format!("active-{n}"), text.trim()));
                }
            }
            "ended" => {
                let (days, text) = value.split_once(' ').unwrap();
                let mut made = order("ended", text);
                made.end = Some(ago(days.parse::<i64>().unwrap().days()));
                cx.recent.push(made);
            }
            "order" => {
                let n = cx.proposed.len();
                let mut made = order(&format!("new-{n}"), value.trim_start_matches('~'));
                made.replaces = value.starts_with('~').then(|| "active-0".to_owned());
                cx.proposed.push(made);
            }
            "expect" | "shows" | "silent" => {}
            other => panic!("{}: no such field {other}", case.id),
        }
    }
    cx
}

fn shown(issue: &Issue) -> String {
    let why = issue.why.map_or(String::new(), |why| format!(" {}", why.name()));
    let (tier, kind) = (issue.tier.name(), issue.kind.name());
    format!("{tier} {kind}{why} [{}] {}", issue.rule.id, issue.message.summary)
}

fn wrong(case: &Case<'_>) -> Option<String> {
    let issues = check(kb(), &context(case));
    let said = |it: &Issue| format!("{} {}", it.tier.name(), it.kind.name());
    let loud: BTreeSet<String> =
        issues.iter().filter(|it| Tier::Interruptive <= it.tier).map(said).collect();
    let expected: BTreeSet<String> = case.all("expect").map(str::to_owned).collect();
    let mut faults = Vec::new();
    if loud != expected {
        faults.push(format!("said {loud:?}, expected {expected:?}"));
    }
    for wanted in case.all("shows").filter(|wanted| !issues.iter().any(|it| said(it) == *wanted)) {
        faults.push(format!("{wanted} is not there"));
    }
    for kind in case.all("silent").filter(|kind| issues.iter().any(|it| it.kind.name() == *kind)) {
        faults.push(format!("{kind} is there"));
    }
    let all: Vec<String> = issues.iter().map(|it| format!("    {}", shown(it))).collect();
    (!faults.is_empty()).then(|| format!("{}: {}\n{}", case.id, faults.join("; "), all.join("\n")))
}

#[test]
fn every_vignette_is_as_expected() {
    let cases = cases();
    let ids: BTreeSet<&str> = cases.iter().map(|it| it.id).collect();
    assert_eq!(ids.len(), cases.len(), "an id is there twice");
    assert!(150 <= cases.len(), "{} vignettes", cases.len());
    let wrong: Vec<String> = cases.iter().filter_map(wrong).collect();
    let n_wrong = wrong.len();
    assert!(wrong.is_empty(), "{n_wrong} of {}:\n{}", cases.len(), wrong.join("\n"));
}

#[test]
fn every_issue_names_rule_and_version_and_holds_its_key() {
    for case in cases() {
        let cx = context(&case);
        let issues = check(kb(), &cx);
        let again = check(kb(), &cx);
        assert_eq!(issues, again, "{}", case.id);
        for issue in issues {
            assert!(
                !issue.rule.id.is_empty() && issue.rule.knowledge_base.contains("ward-starter")
            );
            assert_eq!(issue.key.len(), 16);
            assert!(!issue.message.summary.is_empty(), "{}", case.id);
        }
    }
}
