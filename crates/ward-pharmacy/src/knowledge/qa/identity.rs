//! The release itself, and the substances of the base against it.

use super::{Report, Weight};
use crate::knowledge::{
    facts::Facts,
    pair::DrugFact,
    release::TermType,
    resolve::{Against, Resolver},
};

/// Drugs without ingredients that a release may have, one in so many.
/// LIMIT: a few of a full release contain what has no ingredient concept.
const BARE_ONE_IN: usize = 50;

pub(super) fn check(facts: &Facts, resolver: &Resolver<'_>, report: &mut Report) {
    let release = &facts.release;
    report.looked("substances of the base", facts.base.substances.len());
    if release.is_empty() {
        let says = "no RxNorm release is loaded: RXCUIs are only held against the base".to_owned();
        let place = "knowledge base".to_owned();
        report.add(Weight::Notes, "no-release", "release", place, says);
        return;
    }
    report.looked("concepts", release.concepts.len());
    let is_drug = |tty| matches!(tty, TermType::Scd | TermType::Sbd);
    let drugs = release.concepts.values().filter(|it| is_drug(it.tty) && !it.suppressed);
    let (mut n, mut n_bare) = (0_usize, 0_usize);
    for drug in drugs {
        n += 1;
        n_bare += usize::from(drug.ingredients.is_empty());
    }
    if n / BARE_ONE_IN < n_bare {
        let says = format!(
            "{n_bare} of {n} drugs come down to no ingredient: RXNREL.RRF is missing or cut off"
        );
        report.add(Weight::Doubts, "release-incomplete", "release", "release".to_owned(), says);
    }
    for it in &facts.base.substances {
        let fact = DrugFact { name: it.name.clone(), rxcui: it.rxcui.to_string() };
        let id = format!("{}/{}", it.name, it.rxcui);
        // Asked of the release alone: the base may not vouch for itself.
        let against = match release.standing(it.rxcui) {
            crate::knowledge::release::Standing::Unknown => Some(Against::UnknownRxcui),
            _ => resolver.drug(&fact).err(),
        };
        let renamed = release.name(it.rxcui).filter(|name| {
            let is_known = |other: &String| other.eq_ignore_ascii_case(name);
            !name.eq_ignore_ascii_case(&it.name) && !it.names.iter().any(is_known)
        });
        let place = "base".to_owned();
        match (against, renamed) {
            (Some(against), _) => {
                report.add(Weight::Doubts, against.word(), &id, place, against.says(&fact));
            }
            (None, Some(name)) => {
                let says = format!("the release calls {} {name}, the base {}", it.rxcui, it.name);
                report.add(Weight::Notes, "name-differs", &id, place, says);
            }
            (None, None) => {}
        }
    }
}
