//! What a knowledge base is made from, before its parts are held against each other.

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};

use super::{
    Class, ConditionGroup, CrossGroup, Limit, Measure, Predicate, Product, Rule, Rxcui, Substance,
    Term,
};
use crate::medication::units::{Count, Unit};

/// Parts from files, importers or the chart. [`super::KnowledgeBase::build`] holds them together.
#[derive(Clone, PartialEq, Default, Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct Parts {
    /// Such as `ward-starter`.
    pub name: String,
    /// Such as `2026.11.1`; issues carry it.
    pub version: String,
    /// Shown wherever its findings show: what it is not.
    pub notice: String,
    pub substances: Vec<Substance>,
    pub products: Vec<Product>,
    pub classes: Vec<Class>,
    pub cross_groups: Vec<CrossGroup>,
    pub condition_groups: Vec<ConditionGroup>,
    pub rules: Vec<Rule>,
    pub limits: Vec<Limit>,
}

/// Something that is wrong with a knowledge base, and where.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Debug, Serialize, thiserror::Error)]
#[error("{place}: {what}")]
pub struct Problem {
    /// `rules.toml:17`, `rule onc-high-04`.
    pub place: String,
    pub what: String,
}

impl Problem {
    pub fn new(place: impl Into<String>, what: impl Into<String>) -> Problem {
        Problem { place: place.into(), what: what.into() }
    }
}

impl Parts {
    /// Puts `other` on top: what has the same identifier takes the place of what is here.
    pub fn merge(&mut self, other: Parts) {
        fn over<T, K: Ord>(base: &mut Vec<T>, top: Vec<T>, key: impl Fn(&T) -> K) {
            let mut places: BTreeMap<K, usize> =
                base.iter().enumerate().map(|(at, it)| (key(it), at)).collect();
            for it in top {
                let id = key(&it);
                match places.get(&id).and_then(|at| base.get_mut(*at)) {
                    Some(here) => *here = it,
                    None => {
                        places.insert(id, base.len());
                        base.push(it);
                    }
                }
            }
        }
        over(&mut self.substances, other.substances, |it| it.rxcui);
        over(&mut self.products, other.products, |it| (it.rxcui, it.ndc.clone(), it.name.clone()));
        over(&mut self.classes, other.classes, |it| it.id.clone());
        over(&mut self.cross_groups, other.cross_groups, |it| it.id.clone());
        over(&mut self.condition_groups, other.condition_groups, |it| it.id.clone());
        over(&mut self.rules, other.rules, |it| it.id.clone());
        over(&mut self.limits, other.limits, |it| it.id.clone());
        for (here, there) in [
            (&mut self.name, other.name),
            (&mut self.version, other.version),
            (&mut self.notice, other.notice),
        ] {
            if !there.is_empty() {
                *here = there;
            }
        }
    }

    /// Everything in it that points nowhere, is there twice, or can never be true.
    pub fn problems(&self) -> Vec<Problem> {
        let mut problems = Vec::new();
        let known: BTreeSet<Rxcui> = self.substances.iter().map(|it| it.rxcui).collect();
        let classes: BTreeSet<&str> = self.classes.iter().map(|it| it.id.as_str()).collect();
        let conditions: BTreeSet<&str> =
            self.condition_groups.iter().map(|it| it.id.as_str()).collect();
        let mut say = |place: String, what: String| problems.push(Problem { place, what });

        twice(self.substances.iter().map(|it| it.rxcui.to_string()), "substance", &mut say);
        twice(self.classes.iter().map(|it| it.id.clone()), "class", &mut say);
        twice(self.cross_groups.iter().map(|it| it.id.clone()), "cross-reactive group", &mut say);
        twice(self.rules.iter().map(|it| it.id.clone()), "rule", &mut say);
        twice(self.limits.iter().map(|it| it.id.clone()), "limit", &mut say);

        let mut member = |place: String, id: Rxcui| {
            if !known.contains(&id) {
                say(place, format!("{id} is no substance of this knowledge base"));
            }
        };
        for class in &self.classes {
            class.members.iter().for_each(|id| member(format!("class {}", class.id), *id));
        }
        for group in &self.cross_groups {
            let place = format!("cross-reactive group {}", group.id);
            group.members.iter().for_each(|id| member(place.clone(), *id));
        }
        // A product may have an ingredient of which nothing is known here: an order for it is not
        // checkable, and an index of all products would otherwise be left out with it.
        for limit in &self.limits {
            member(format!("limit {}", limit.id), limit.substance);
        }
        let mut term = |place: &str, term: &Term| {
            let what = match term {
                Term::Substance(id) if known.contains(id) => return,
                Term::Class(id) if classes.contains(id.as_str()) => return,
                Term::Substance(id) => format!("{id} is no substance of this knowledge base"),
                Term::Class(id) => format!("there is no class {id}"),
            };
            problems.push(Problem::new(place, what));
        };
        for rule in &self.rules {
            let place = format!("rule {}", rule.id);
            term(&place, &rule.left);
            rule.right.iter().for_each(|right| term(&place, right));
            for predicate in &rule.when {
                if let Predicate::With(it) | Predicate::Without(it) = predicate {
                    term(&place, it);
                }
            }
        }
        let rules: BTreeSet<&str> = self.rules.iter().map(|it| it.id.as_str()).collect();
        for rule in &self.rules {
            for lifted in rule.lifts.iter().filter(|id| !rules.contains(id.as_str())) {
                let what = format!("it lifts {lifted}, which is no rule");
                problems.push(Problem::new(format!("rule {}", rule.id), what));
            }
        }
        let circumstances = self.rules.iter().map(|it| (format!("rule {}", it.id), &it.when));
        let circumstances = circumstances
            .chain(self.limits.iter().map(|it| (format!("limit {}", it.id), &it.when)));
        for (place, when) in circumstances {
            for predicate in when {
                if let Predicate::Condition(id) | Predicate::NoCondition(id) = predicate
                    && !conditions.contains(id.as_str())
                {
                    let what = format!("there is no group of conditions {id}");
                    problems.push(Problem::new(place.clone(), what));
                }
            }
        }
        for limit in &self.limits {
            if !limit.value.is_finite() || limit.value <= 0.0 {
                let what = "a limit is a number above zero";
                problems.push(Problem::new(format!("limit {}", limit.id), what));
            }
        }
        for limit in &self.limits {
            if let Some(what) = wrong_unit(limit) {
                problems.push(Problem::new(format!("limit {}", limit.id), what));
            }
        }
        problems.sort();
        problems
    }
}

/// A unit that no dose can be held against.
fn wrong_unit(limit: &Limit) -> Option<String> {
    let unit = match Unit::parse(&limit.unit) {
        Ok(unit) => unit,
        Err(error) => return Some(format!("the unit {}: {error}", limit.unit)),
    };
    let is_right = match limit.measure {
        Measure::Interval | Measure::Duration => unit.count == Count::Time && unit.is_plain(),
        Measure::Rate => unit.per.time && !unit.per.volume,
        Measure::Concentration => unit.per.volume && !unit.per.time,
        _ => !unit.per.time && !unit.per.volume && unit.count != Count::Time,
    };
    (!is_right).then(|| format!("the unit {} does not fit what is measured", limit.unit))
}

fn twice(ids: impl Iterator<Item = String>, what: &str, say: &mut impl FnMut(String, String)) {
    let mut seen = BTreeSet::new();
    for id in ids {
        if !seen.insert(id.clone()) {
            say(format!("{what} {id}"), "it is there twice".to_owned());
        }
    }
}
