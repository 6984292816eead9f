//! Two drugs.

use super::{
    drug::{Part, Resolved},
    found::Finder,
    truth::{Grounds, Scene, Subject, Truth, all_hold},
};
use crate::medication::{
    Tier,
    knowledge::{Predicate, Rule, RuleKind, Side, WhenUnknown},
};

/// `it` against each of `others`: orders that run, and orders signed with it.
pub(super) fn check(
    finder: &mut Finder<'_>,
    it: &Resolved<'_>,
    others: &[&Resolved<'_>],
    all: &[&Resolved<'_>],
) {
    for other in others {
        both_ways(finder, it, other, all, |rule, _| rule.kind == RuleKind::Interaction);
    }
}

/// `it` against orders that ended, by rules that have a washout.
pub(super) fn check_washout(
    finder: &mut Finder<'_>,
    it: &Resolved<'_>,
    recent: &[Resolved<'_>],
    all: &[&Resolved<'_>],
) {
    let now = finder.cx.now;
    for other in recent {
        let Some(end) = other.order.end else { continue };
        let days_ago = now.duration_since(end).as_secs_f64() / 86_400.0;
        both_ways(finder, it, other, all, |rule, is_other_right| {
            rule.kind == RuleKind::Interaction
                && is_other_right
                && rule.washout_days.is_some_and(|days| days_ago < f64::from(days))
        });
    }
}

fn both_ways(
    finder: &mut Finder<'_>,
    it: &Resolved<'_>,
    other: &Resolved<'_>,
    all: &[&Resolved<'_>],
    is_meant: impl Fn(&Rule, bool) -> bool,
) {
    let kb = finder.kb;
    for mine in &it.ingredients {
        for theirs in &other.ingredients {
            if mine.substance.rxcui == theirs.substance.rxcui {
                continue;
            }
            for rule in kb.rules_of(mine.substance.rxcui).filter(|rule| is_meant(rule, true)) {
                if is_right(kb, rule, theirs) {
                    one(finder, rule, (it, mine), (other, theirs), it, other, all);
                }
            }
            for rule in kb.rules_of(theirs.substance.rxcui).filter(|rule| is_meant(rule, false)) {
                if is_right(kb, rule, mine) {
                    one(finder, rule, (other, theirs), (it, mine), it, other, all);
                }
            }
        }
    }
}

fn is_right(kb: &crate::medication::KnowledgeBase, rule: &Rule, part: &Part<'_>) -> bool {
    rule.right.as_ref().is_some_and(|term| kb.is_in(part.substance.rxcui, term))
}

fn one<'a>(
    finder: &mut Finder<'_>,
    rule: &Rule,
    left: (&Resolved<'a>, &Part<'a>),
    right: (&Resolved<'a>, &Part<'a>),
    it: &Resolved<'a>,
    other: &Resolved<'a>,
    all: &[&Resolved<'a>],
) {
    // What stays in the eye or on the skin meets nothing, unless the rule speaks of routes.
    let speaks_of = |at: Side| {
        rule.when.iter().any(|it| {
            matches!(it, Predicate::Route(side, _) | Predicate::NotRoute(side, _) if *side == at)
        })
    };
    if (left.0.is_local() && !speaks_of(Side::Left))
        || (right.0.is_local() && !speaks_of(Side::Right))
    {
        return;
    }
    let scene = Scene {
        left: Subject { order: left.0, substance: left.1.substance.rxcui },
        right: Some(Subject { order: right.0, substance: right.1.substance.rxcui }),
        all,
    };
    let mut grounds = Grounds::default();
    let (tier, unknown) = match all_hold(finder, scene, &rule.when, &mut grounds) {
        Truth::Yes => (rule.tier, None),
        Truth::No => return,
        Truth::Unknown(why) => match rule.when_unknown {
            WhenUnknown::Fire => (rule.tier, None),
            WhenUnknown::Skip => return,
            WhenUnknown::Say => (rule.tier.min(Tier::Interruptive), Some(why)),
        },
    };
    let names = format!("{} with {}", left.1.substance.name, right.1.substance.name);
    if let Some(why) = unknown {
        let summary = format!("Whether {names} is safe could not be checked: {}.", why.text());
        finder.not_checkable(why, tier.min(Tier::Passive), &[it, other], summary);
        return;
    }
    let mut issue = finder.of_rule(rule, &[it, other]);
    issue.message.summary = format!("{names}.");
    let ended = other.order.end.filter(|end| *end <= finder.cx.now);
    if let Some(end) = ended.filter(|_| rule.washout_days.is_some()) {
        let days = finder.cx.now.duration_since(end).as_hours() / 24;
        issue.message.summary = format!(
            "{names}: the latter ended {days} days ago and counts for {} days.",
            rule.washout_days.unwrap_or_default()
        );
    }
    let mut orders = issue.orders.clone();
    issue.orders.extend(grounds.orders.into_iter().filter(|id| !orders.contains(id)));
    issue.others = grounds.others;
    issue.used = grounds.used;
    let mut substances = [left.1.substance.rxcui, right.1.substance.rxcui];
    substances.sort();
    issue.substances = substances.into();
    orders.truncate(2);
    finder.lift(rule, &orders);
    finder.add(issue);
}
