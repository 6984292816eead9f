//! Who belongs to a class: one source against another.

use std::collections::{BTreeMap, BTreeSet};

use ward_rules::medication::knowledge::Rxcui;

use super::{Report, Weight};
use crate::knowledge::{
    facts::Facts,
    resolve::{Resolver, class_key},
};

/// The name of a member among facts.
pub(crate) fn fact_of(class: &str, rxcui: &str, name: &str, file: &str) -> String {
    format!("class/{class}/{}/{file}", if name.is_empty() { rxcui } else { name })
}

/// One source's members of one class.
struct Expansion {
    source: String,
    /// As the source writes the class.
    class: String,
    members: BTreeSet<Rxcui>,
    /// The base vouches for itself.
    is_base: bool,
}

pub(super) fn check(facts: &Facts, resolver: &Resolver<'_>, report: &mut Report) {
    report.looked("members of classes", facts.classes.len());
    let mut expansions: BTreeMap<String, Vec<Expansion>> = BTreeMap::new();
    for class in &facts.base.classes {
        let members: BTreeSet<Rxcui> = class.members.iter().copied().collect();
        let mut of = |key: String| {
            expansions.entry(key).or_default().push(Expansion {
                source: "base".to_owned(),
                class: class.id.clone(),
                members: members.clone(),
                is_base: true,
            });
        };
        let (id, name) = (class_key(&class.id), class_key(&class.name));
        if id != name {
            of(name);
        }
        of(id.clone());
        // A class of the base that says which group of ATC it is, against a release that has ATC.
        if let Some(code) = class.source.strip_prefix("ATC ")
            && !facts.release.atc.is_empty()
        {
            let code = code.split([' ', ',']).next().unwrap_or_default();
            let within = facts.release.atc.iter().filter(|(it, _)| it.starts_with(code));
            let members: BTreeSet<Rxcui> = within.flat_map(|(_, it)| it).copied().collect();
            let source = "ATC of the release".to_owned();
            let class = class.id.clone();
            expansions.entry(id).or_default().push(Expansion {
                source,
                class,
                members,
                is_base: false,
            });
        }
    }
    let mut imported: BTreeMap<(String, String), Expansion> = BTreeMap::new();
    for it in &facts.classes {
        let fact = fact_of(&it.class, &it.member.rxcui, &it.member.name, &it.file);
        let place = format!("{}:{}", it.file, it.line);
        match resolver.drug(&it.member) {
            Ok(rxcui) => {
                let key = (class_key(&it.class), it.file.clone());
                let expansion = imported.entry(key).or_insert_with(|| Expansion {
                    source: it.file.clone(),
                    class: it.class.clone(),
                    members: BTreeSet::new(),
                    is_base: false,
                });
                expansion.members.insert(rxcui);
            }
            Err(against) => {
                let says = against.says(&it.member);
                report.add(Weight::Refuses, against.word(), &fact, place, says);
            }
        }
    }
    for ((key, _), expansion) in imported {
        expansions.entry(key).or_default().push(expansion);
    }
    for sources in expansions.values() {
        compare(sources, facts, resolver, report);
    }
}

fn compare(sources: &[Expansion], facts: &Facts, resolver: &Resolver<'_>, report: &mut Report) {
    for (at, here) in sources.iter().enumerate() {
        // Two classes of the base may have names that are alike; they are not held against each other.
        let is_other = |n: usize, it: &Expansion| n != at && !(here.is_base && it.is_base);
        let others = sources.iter().enumerate().filter(|(n, it)| is_other(*n, it));
        let others: Vec<&Expansion> = others.map(|(_, it)| it).collect();
        if others.is_empty() {
            if !here.is_base {
                let fact = format!("class/{}/{}", here.class, here.source);
                let says = format!("no other source says who belongs to {}", here.class);
                report.add(Weight::Notes, "class-uncompared", &fact, here.source.clone(), says);
            }
            continue;
        }
        for member in &here.members {
            if others.iter().any(|it| it.members.contains(member)) {
                continue;
            }
            let name = resolver.name(*member);
            let against: Vec<&str> = others.iter().map(|it| it.source.as_str()).collect();
            let says = format!(
                "{} counts {name} ({member}) to {}, {} does not",
                here.source,
                here.class,
                against.join(" and ")
            );
            let row = facts.classes.iter().find(|it| {
                it.file == here.source
                    && it.class == here.class
                    && resolver.drug(&it.member).ok() == Some(*member)
            });
            match row {
                // Who is in a class by one source only is not put there.
                Some(row) => {
                    let fact = fact_of(&row.class, &row.member.rxcui, &row.member.name, &row.file);
                    let place = format!("{}:{}", row.file, row.line);
                    report.add(Weight::Refuses, "class-member-alone", &fact, place, says);
                }
                None => {
                    let fact = format!("class/{}/{name}/{}", here.class, here.source);
                    let place = here.source.clone();
                    report.add(Weight::Notes, "class-member-missing", &fact, place, says);
                }
            }
        }
    }
}
