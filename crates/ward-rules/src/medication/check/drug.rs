//! What a drug is made of, by the knowledge base.

use super::{
    amount::{self, Line},
    facts::Facts,
    found::Finder,
};
use crate::medication::{
    Tier,
    context::{Coded, Drug, Order, system},
    issue::NotCheckable,
    knowledge::{KnowledgeBase, Product, Rxcui, Strength, Substance},
    units::{Count, Unit},
};

/// An order whose drug was looked up.
#[derive(Clone, Debug)]
pub(super) struct Resolved<'a> {
    pub order: &'a Order,
    pub ingredients: Vec<Part<'a>>,
    pub product: Option<&'a Product>,
    /// Something in it is not in the knowledge base.
    pub is_unknown: bool,
    /// What it gives; filled by [`resolve`].
    pub lines: Vec<Line<'a>>,
}

/// An ingredient that is known.
#[derive(Clone, Debug)]
pub(super) struct Part<'a> {
    pub substance: &'a Substance,
    pub strength: Option<Strength>,
}

impl Resolved<'_> {
    pub fn has(&self, id: Rxcui) -> bool {
        self.ingredients.iter().any(|it| it.substance.rxcui == id)
    }

    pub fn name(&self) -> String {
        if !self.order.drug.text.is_empty() {
            return self.order.drug.text.clone();
        }
        let names: Vec<&str> =
            self.ingredients.iter().map(|it| it.substance.name.as_str()).collect();
        if names.is_empty() { "a drug without a name".to_owned() } else { names.join(" / ") }
    }

    /// Every line is a route of which little reaches the blood.
    pub fn is_local(&self) -> bool {
        !self.order.dosing.is_empty()
            && self.order.dosing.iter().all(|it| it.route.known().is_some_and(|it| it.is_local()))
    }

    /// Given once, or only when it is needed.
    pub fn is_occasional(&self) -> bool {
        let is_once =
            |line: &Line<'_>| line.pace.and_then(|it| it.total).is_some_and(|total| total <= 1.0);
        self.order.is_stat
            || (!self.order.dosing.is_empty() && self.order.dosing.iter().all(|it| it.as_needed))
            || (!self.lines.is_empty() && self.lines.iter().all(is_once))
    }

    /// Form of the product or of the order, in lower case.
    pub fn form(&self) -> String {
        let of = self.order.drug.form.as_deref().or(self.product.map(|it| it.form.as_str()));
        of.unwrap_or_default().to_lowercase()
    }
}

pub(super) fn resolve<'a>(kb: &'a KnowledgeBase, facts: &Facts, order: &'a Order) -> Resolved<'a> {
    let (ingredients, product, is_unknown) = made_of(kb, &order.drug);
    let mut made = Resolved { order, ingredients, product, is_unknown, lines: Vec::new() };
    made.lines = amount::lines(facts, &made);
    made
}

type MadeOf<'a> = (Vec<Part<'a>>, Option<&'a Product>, bool);

fn made_of<'a>(kb: &'a KnowledgeBase, drug: &'a Drug) -> MadeOf<'a> {
    if let Some(product) = product(kb, drug) {
        let parts: Vec<Part<'a>> = product
            .ingredients
            .iter()
            .filter_map(|it| {
                let substance = kb.substance(it.substance)?;
                Some(Part { substance, strength: it.strength.clone() })
            })
            .collect();
        let is_unknown = parts.is_empty() || parts.len() < product.ingredients.len();
        return (parts, Some(product), is_unknown);
    }
    if drug.ingredients.iter().any(|it| it.is_active) {
        let actives = drug.ingredients.iter().filter(|it| it.is_active);
        let found: Vec<(Vec<&Substance>, &Option<Strength>)> =
            actives.map(|it| (substances(kb, &it.codes, &it.text), &it.strength)).collect();
        let is_unknown = found.iter().any(|(of, _)| of.is_empty());
        let parts = found
            .into_iter()
            .flat_map(|(of, strength)| {
                of.into_iter().map(|substance| Part { substance, strength: strength.clone() })
            })
            .collect();
        return (parts, None, is_unknown);
    }
    let found = substances(kb, &drug.codes, &drug.text);
    // A strength in the name is one only where the drug is one substance.
    let strength = match found.as_slice() {
        [_] => strength_in(&drug.text),
        _ => None,
    };
    let is_unknown = found.is_empty();
    let parts =
        found.into_iter().map(|substance| Part { substance, strength: strength.clone() }).collect();
    (parts, None, is_unknown)
}

fn product<'a>(kb: &'a KnowledgeBase, drug: &Drug) -> Option<&'a Product> {
    let coded = drug.codes.iter().find_map(|it| match it.system.as_str() {
        system::RXNORM => kb.product(it.code.parse().ok()?),
        system::NDC => kb.product_of_ndc(&it.code.parse().ok()?),
        _ => None,
    });
    coded.or_else(|| kb.product_named(&drug.text))
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

/// `furosemide 40 MG Oral Tablet`, `morphine 2 MG/ML Injection`, `warfarin 5mg tablet`; hours and
/// volumes before it (`24 HR`, `10 ML`) are none.
fn strength_in(text: &str) -> Option<Strength> {
    let words: Vec<&str> = text.split_whitespace().collect();
    let amounts = words.iter().enumerate().filter_map(|(n, word)| {
        let end = word.find(|c: char| !c.is_ascii_digit() && c != '.').unwrap_or(word.len());
        let (number, rest) = word.split_at_checked(end)?;
        let value = number.parse::<f64>().ok().filter(|n| 0.0 < *n && n.is_finite())?;
        let unit = if rest.is_empty() { *words.get(n + 1)? } else { rest };
        let read = Unit::parse(unit).ok()?;
        let is_drug =
            matches!(read.count, Count::Mass | Count::Unit | Count::Mole | Count::Equivalent);
        is_drug.then_some((value, unit))
    });
    let [(value, unit)]: [(f64, &str); 1] = amounts.collect::<Vec<_>>().try_into().ok()?;
    let (above, per_unit) = match unit.split_once('/') {
        Some((above, below)) => match below.to_ascii_lowercase().as_str() {
            "ml" => (above, "mL"),
            "actuat" | "actuation" | "puff" => (above, "1"),
            _ => return None,
        },
        None => {
            let lower = text.to_lowercase();
            let mut words = lower.split(|c: char| !c.is_alphanumeric());
            words.find(|word| PIECES.contains(&word.trim_end_matches('s')))?;
            (unit, "1")
        }
    };
    Some(Strength { value, unit: above.to_owned(), per_value: 1.0, per_unit: per_unit.to_owned() })
}

/// Forms of which a dose is a piece.
const PIECES: &[&str] =
    &["tablet", "tab", "capsule", "cap", "suppository", "patch", "caplet", "lozenge"];

/// Says that a drug is not in the knowledge base.
pub(super) fn unknown(finder: &mut Finder<'_>, it: &Resolved<'_>, others: &[&Resolved<'_>]) {
    if it.is_unknown {
        finder.not_checkable(
            NotCheckable::UnknownDrug,
            Tier::Interruptive,
            &[it],
            format!("{} could not be checked: it is not in the knowledge base.", it.name()),
        );
    }
    for other in others.iter().filter(|it| it.is_unknown) {
        finder.not_checkable(
            NotCheckable::UnknownDrug,
            Tier::Passive,
            &[it, other],
            format!(
                "{} could not be checked against {}, which is not in the knowledge base.",
                it.name(),
                other.name()
            ),
        );
    }
}
