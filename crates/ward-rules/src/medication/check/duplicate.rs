//! The same twice.

use super::{drug::Resolved, found::Finder};
use crate::medication::{IssueKind, Tier};

/// Class of substances that are meant to be in several orders: fluids, electrolytes.
const EXEMPT: &str = "duplicate-exempt";

pub(super) fn check(finder: &mut Finder<'_>, it: &Resolved<'_>, others: &[&Resolved<'_>]) {
    if it.is_local() {
        return;
    }
    let others: Vec<&Resolved<'_>> =
        others.iter().copied().filter(|other| !other.is_local()).collect();
    for other in &others {
        same_substance(finder, it, other);
    }
    same_class(finder, it, &others);
}

fn same_substance(finder: &mut Finder<'_>, it: &Resolved<'_>, other: &Resolved<'_>) {
    let kb = finder.kb;
    for part in &it.ingredients {
        let id = part.substance.rxcui;
        let is_exempt = kb.classes_of(id).any(|class| class.id == EXEMPT);
        if is_exempt || !other.has(id) {
            continue;
        }
        // A loading dose before, or doses between, are meant.
        let tier = match it.is_occasional() || other.is_occasional() {
            true => Tier::Passive,
            false => Tier::Interruptive,
        };
        let mut issue = finder.own(IssueKind::DuplicateDrug, tier, &[it, other]);
        issue.substances = [id].into();
        issue.message.summary = format!(
            "{} is ordered twice: {} and {}.",
            part.substance.name,
            it.name(),
            other.name()
        );
        issue.message.action = "Stop one of them, or say why both are meant.".to_owned();
        finder.add(issue);
    }
}

fn same_class(finder: &mut Finder<'_>, it: &Resolved<'_>, others: &[&Resolved<'_>]) {
    let kb = finder.kb;
    for part in &it.ingredients {
        let id = part.substance.rxcui;
        for class in kb.classes_of(id) {
            let Some(at) = class.duplicate_at else { continue };
            let mut members = [id].to_vec();
            let mut orders: Vec<&Resolved<'_>> = [it].into();
            let mut n_regular = usize::from(!it.is_occasional());
            for other in others {
                let found = other.ingredients.iter().map(|part| part.substance.rxcui);
                for found in found.filter(|found| class.members.contains(found)) {
                    if !members.contains(&found) {
                        members.push(found);
                        orders.push(other);
                        n_regular += usize::from(!other.is_occasional());
                    }
                }
            }
            if members.len() < usize::from(at) {
                continue;
            }
            let tier =
                if usize::from(at) <= n_regular { Tier::Interruptive } else { Tier::Passive };
            let id = format!("class.{}", class.id);
            let mut issue = finder.of_entry(IssueKind::DuplicateClass, tier, &id, 1, &orders);
            members.sort();
            issue.substances = members;
            let mut names: Vec<&str> = issue
                .substances
                .iter()
                .filter_map(|id| kb.substance(*id))
                .map(|it| it.name.as_str())
                .collect();
            names.sort_unstable();
            issue.message.summary = format!("{} are all {}.", names.join(" and "), class.name);
            issue.message.action = "Stop one of them, or say why both are meant.".to_owned();
            issue.message.source = class.source.clone();
            finder.add(issue);
        }
    }
}
