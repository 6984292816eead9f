//! What a drug is made of, by the knowledge base.

use super::found::Finder;
use crate::medication::{
    context::{Coded, Drug, Order, system},
    issue::NotCheckable,
    knowledge::{KnowledgeBase, Product, Strength, Substance},
};

/// An order whose drug was looked up.
#[derive(Clone, Debug)]
pub(super) struct Resolved<'a> {
    pub order: &'a Order,
    pub ingredients: Vec<Part<'a>>,
    #[expect(dead_code, reason = "routes and doses are checked next")]
    pub product: Option<&'a Product>,
    /// Something in it is not in the knowledge base.
    pub is_unknown: bool,
}

/// An ingredient that is known.
#[derive(Clone, Debug)]
pub(super) struct Part<'a> {
    pub substance: &'a Substance,
    #[expect(dead_code, reason = "doses are checked next")]
    pub strength: Option<Strength>,
}

impl Resolved<'_> {
    pub fn name(&self) -> String {
        if !self.order.drug.text.is_empty() {
            return self.order.drug.text.clone();
        }
        let names: Vec<&str> =
            self.ingredients.iter().map(|it| it.substance.name.as_str()).collect();
        if names.is_empty() { "a drug without a name".to_owned() } else { names.join(" / ") }
    }
}

pub(super) fn resolve<'a>(kb: &'a KnowledgeBase, order: &'a Order) -> Resolved<'a> {
    let made =
        |ingredients, product, is_unknown| Resolved { order, ingredients, product, is_unknown };
    if let Some(product) = product(kb, &order.drug) {
        let parts: Vec<Part<'a>> = product
            .ingredients
            .iter()
            .filter_map(|it| {
                let substance = kb.substance(it.substance)?;
                Some(Part { substance, strength: it.strength.clone() })
            })
            .collect();
        let is_unknown = parts.is_empty() || parts.len() < product.ingredients.len();
        return made(parts, Some(product), is_unknown);
    }
    if !order.drug.ingredients.is_empty() {
        let actives = order.drug.ingredients.iter().filter(|it| it.is_active);
        let found: Vec<(Vec<&Substance>, &Option<Strength>)> =
            actives.map(|it| (substances(kb, &it.codes, &it.text), &it.strength)).collect();
        let is_unknown = found.is_empty() || found.iter().any(|(of, _)| of.is_empty());
        let parts = found
            .into_iter()
            .flat_map(|(of, strength)| {
                of.into_iter().map(|substance| Part { substance, strength: strength.clone() })
            })
            .collect();
        return made(parts, None, is_unknown);
    }
    let parts: Vec<Part<'a>> = substances(kb, &order.drug.codes, &order.drug.text)
        .into_iter()
        .map(|substance| Part { substance, strength: None })
        .collect();
    let is_unknown = parts.is_empty();
    made(parts, None, is_unknown)
}

fn product<'a>(kb: &'a KnowledgeBase, drug: &Drug) -> Option<&'a Product> {
    let coded = drug.codes.iter().find_map(|it| match it.system.as_str() {
        system::RXNORM => kb.product(it.code.parse().ok()?),
        system::NDC => kb.product_of_ndc(&it.code.parse().ok()?),
        _ => None,
    });
    coded.or_else(|| if drug.codes.is_empty() { kb.product_named(&drug.text) } else { None })
}

/// By code, and by the text only where no code is known.
pub(super) fn substances<'a>(
    kb: &'a KnowledgeBase,
    codes: &[Coded],
    text: &str,
) -> Vec<&'a Substance> {
    let by_code = codes.iter().find_map(|it| match it.system.as_str() {
        system::RXNORM => kb.substance(it.code.parse().ok()?),
        system::UNII => kb.substance_of_unii(&it.code),
        system::ATC => kb.substance_of_atc(&it.code),
        _ => None,
    });
    match by_code {
        Some(substance) => [substance].into(),
        None => kb.substances_in(text),
    }
}

/// Says that a drug is not in the knowledge base.
pub(super) fn unknown(finder: &mut Finder<'_>, it: &Resolved<'_>) {
    if !it.is_unknown {
        return;
    }
    finder.not_checkable(
        NotCheckable::UnknownDrug,
        "check.unknown-drug",
        &[&it.order.id],
        format!("{} could not be checked: it is not in the knowledge base.", it.name()),
    );
}
