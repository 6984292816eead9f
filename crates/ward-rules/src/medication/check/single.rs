//! One drug and the patient: conditions, kidney, liver, pregnancy, age, laboratory, route, times.

use super::{
    drug::Resolved,
    found::Finder,
    truth::{Grounds, Scene, Subject, Truth, all_hold},
};
use crate::medication::{
    Tier,
    knowledge::{Predicate, Rule, RuleKind, Rxcui, WhenUnknown},
};

/// Rules about `it`, and rules about orders that run in which `it` is what is added.
pub(super) fn check(
    finder: &mut Finder<'_>,
    it: &Resolved<'_>,
    others: &[&Resolved<'_>],
    all: &[&Resolved<'_>],
) {
    let kb = finder.kb;
    for part in &it.ingredients {
        for rule in kb.rules_of(part.substance.rxcui).filter(|rule| rule.right.is_none()) {
            one(finder, rule, it, part.substance.rxcui, it, all);
        }
    }
    for other in others {
        for part in &other.ingredients {
            for rule in kb.rules_of(part.substance.rxcui).filter(|rule| rule.right.is_none()) {
                let adds = rule.when.iter().any(|predicate| match predicate {
                    Predicate::With(term) => {
                        it.ingredients.iter().any(|mine| kb.is_in(mine.substance.rxcui, term))
                    }
                    _ => false,
                });
                if adds {
                    one(finder, rule, other, part.substance.rxcui, it, all);
                }
            }
        }
    }
}

fn one<'a>(
    finder: &mut Finder<'_>,
    rule: &Rule,
    about: &Resolved<'a>,
    substance: Rxcui,
    it: &Resolved<'a>,
    all: &[&Resolved<'a>],
) {
    let speaks_of_routes =
        rule.when.iter().any(|it| matches!(it, Predicate::Route(..) | Predicate::NotRoute(..)));
    if about.is_local() && !speaks_of_routes {
        return;
    }
    let scene = Scene { left: Subject { order: about, substance }, right: None, all };
    let mut grounds = Grounds::default();
    let name = finder.kb.substance(substance).map_or("", |it| it.name.as_str());
    match all_hold(finder, scene, &rule.when, &mut grounds) {
        Truth::No => return,
        Truth::Unknown(_) if rule.when_unknown == WhenUnknown::Skip => return,
        Truth::Unknown(why) if rule.when_unknown == WhenUnknown::Say => {
            let tier = if rule.tier < Tier::Interruptive { Tier::Log } else { Tier::Passive };
            let of = topic(rule.kind);
            let summary = format!("{name} could not be checked for {of}: {}.", why.text());
            finder.not_checkable(why, tier, &[it], summary);
            return;
        }
        Truth::Unknown(_) | Truth::Yes => {}
    }
    let mut issue = finder.of_rule(rule, &[it]);
    issue.message.summary = format!("{name}: {}", rule.mechanism);
    issue.message.mechanism = String::new();
    if about.order.id != it.order.id {
        issue.orders.push(about.order.id.clone());
    }
    let mine = finder.of_rule(rule, &[it]).orders;
    for id in grounds.orders {
        if !issue.orders.contains(&id) {
            issue.orders.push(id);
        }
    }
    issue.others = grounds.others;
    issue.used = grounds.used;
    issue.substances = [substance].into();
    finder.lift(rule, &mine);
    finder.add(issue);
}

const fn topic(kind: RuleKind) -> &'static str {
    match kind {
        RuleKind::Interaction => "interactions",
        RuleKind::Condition => "conditions of the patient",
        RuleKind::Renal => "the kidney function",
        RuleKind::Hepatic => "the liver function",
        RuleKind::Pregnancy => "pregnancy",
        RuleKind::Lactation => "breast-feeding",
        RuleKind::Age => "the age",
        RuleKind::Laboratory => "a laboratory value",
        RuleKind::Monitoring => "monitoring",
        RuleKind::Route => "the route",
        RuleKind::Frequency => "how often it is given",
    }
}
