//! Products of labels and directories against the release.

use std::collections::BTreeSet;

use ward_rules::medication::knowledge::Rxcui;

use super::{Report, Weight};
use crate::knowledge::{facts::Facts, label::LabelIngredient, resolve::Resolver};

pub(super) fn check(facts: &Facts, resolver: &Resolver<'_>, report: &mut Report) {
    report.looked("products", facts.products.len());
    report.looked("labels", facts.labels.len());
    for (code, it) in &facts.products {
        let id = format!("product/{code}");
        let mut known = BTreeSet::new();
        let mut is_whole = true;
        for ingredient in &it.product.active {
            match ingredient_of(ingredient, resolver) {
                Some(rxcui) => {
                    known.insert(rxcui);
                }
                None => {
                    is_whole = false;
                    let says = format!(
                        "{}: {} is no ingredient that is known here",
                        it.product.name, ingredient.name
                    );
                    report.add(Weight::Notes, "ingredient-unknown", &id, it.source.clone(), says);
                }
            }
        }
        if !is_whole || facts.release.is_empty() {
            continue;
        }
        for ndc in &it.product.packages {
            let Some(drug) = facts.release.ndc.get(ndc) else { continue };
            let says: BTreeSet<Rxcui> = facts.release.ingredients(*drug).iter().copied().collect();
            if !says.is_empty() && says != known {
                let names = |of: &BTreeSet<Rxcui>| -> String {
                    of.iter().map(|it| resolver.name(*it)).collect::<Vec<_>>().join(", ")
                };
                let says =
                    format!("{ndc}: the label says {}, RxNorm {}", names(&known), names(&says));
                report.add(Weight::Refuses, "product-contradicts", &id, it.source.clone(), says);
            }
        }
    }
}

/// The ingredient that stands in a label: by UNII, by what acts in it, by its name.
pub(crate) fn ingredient_of(it: &LabelIngredient, resolver: &Resolver<'_>) -> Option<Rxcui> {
    let own = it.unii.as_ref().and_then(|unii| resolver.by_unii(unii));
    let moiety = || {
        let [one] = it.moieties.as_slice() else { return None };
        let by_unii = one.unii.as_ref().and_then(|unii| resolver.by_unii(unii));
        by_unii.or_else(|| resolver.by_name(&one.name).ok())
    };
    own.or_else(moiety).or_else(|| resolver.by_name(&it.name).ok())
}
