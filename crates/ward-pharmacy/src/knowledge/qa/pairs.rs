//! Interactions that were imported: who they are of, how grave, and whether they are told twice.

use std::collections::{BTreeMap, BTreeSet};

use ward_rules::medication::{
    Tier,
    knowledge::{RuleKind, Rxcui, Term},
};

use super::{Report, Weight};
use crate::knowledge::{facts::Facts, resolve::Resolver, severity::tier_of};

/// The name of a pair among facts.
pub(crate) fn fact_of(id: &str) -> String {
    format!("pair/{id}")
}

pub(super) fn check(facts: &Facts, resolver: &Resolver<'_>, report: &mut Report) {
    report.looked("interactions", facts.pairs.len());
    let base = base_pairs(facts, resolver);
    let mut ids = BTreeSet::new();
    let mut told: BTreeMap<(Term, Term), (String, Option<Tier>)> = BTreeMap::new();
    for pair in &facts.pairs {
        let fact = fact_of(&pair.id);
        let place = format!("{}:{}", pair.file, pair.line);
        let mut refuse = |check: &'static str, says: String| {
            report.add(Weight::Refuses, check, &fact, place.clone(), says);
        };
        if !ids.insert(pair.id.clone()) {
            refuse("id-twice", format!("another interaction is called {} too", pair.id));
            continue;
        }
        let tier = tier_of(&pair.severity);
        if tier.is_none() {
            let says = format!("nobody knows how grave `{}` is", pair.severity);
            refuse("severity-unknown", says);
        }
        let mut terms = Vec::new();
        for side in [&pair.left, &pair.right] {
            match resolver.term(side) {
                Ok(term) => terms.push(term),
                Err(against) => refuse(against.word(), against.says(side)),
            }
        }
        terms.sort();
        let Ok([left, right]) = <[Term; 2]>::try_from(terms) else { continue };
        if left == right && matches!(left, Term::Substance(_)) {
            refuse("same-twice", format!("{} with itself", pair.left.name));
            continue;
        }
        if let (Term::Substance(a), Term::Substance(b)) = (&left, &right)
            && let Some((rule, had)) = base.get(&(*a, *b))
            && let Some(tier) = tier.filter(|tier| tier != had)
        {
            let says = format!(
                "rule {rule} of the base says {}, this {} ({}); the graver one shows",
                had.name(),
                tier.name(),
                pair.severity
            );
            report.add(Weight::Doubts, "base-contradicts", &fact, place.clone(), says);
        }
        match told.get(&(left.clone(), right.clone())) {
            None => {
                told.insert((left, right), (pair.id.clone(), tier));
            }
            Some((first, had)) if *had == tier => {
                let says = format!("{first} says the same");
                report.add(Weight::Refuses, "told-twice", &fact, place, says);
            }
            Some((first, had)) => {
                let word = |tier: &Option<Tier>| tier.map_or("unknown", Tier::name);
                let says = format!(
                    "{first} says {}, this {}; the graver one shows",
                    word(had),
                    word(&tier)
                );
                report.add(Weight::Doubts, "contradicts", &fact, place, says);
            }
        }
    }
}

/// Rules of the base about two drugs, member by member, with the gravest tier.
fn base_pairs(facts: &Facts, resolver: &Resolver<'_>) -> BTreeMap<(Rxcui, Rxcui), (String, Tier)> {
    let mut pairs: BTreeMap<(Rxcui, Rxcui), (String, Tier)> = BTreeMap::new();
    // A rule with circumstances says something else than a source without.
    let plain = |rule: &&ward_rules::medication::knowledge::Rule| {
        rule.kind == RuleKind::Interaction && rule.when.is_empty()
    };
    for rule in facts.base.rules.iter().filter(plain) {
        let Some(right) = &rule.right else { continue };
        let right = resolver.members(right);
        for a in resolver.members(&rule.left) {
            for b in &right {
                let key = if a < *b { (a, *b) } else { (*b, a) };
                let new = (rule.id.clone(), rule.tier);
                let had = pairs.entry(key).or_insert_with(|| new.clone());
                if had.1 < rule.tier {
                    *had = new;
                }
            }
        }
    }
    pairs
}
