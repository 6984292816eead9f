//! Everything that is known of one drug, for people.

use std::fmt;

use serde::Serialize;
use ward_rules::medication::knowledge::{Ndc11, Rxcui, Term};

use super::{
    facts::Facts,
    house::{UseError, build},
    release::{Standing, TermType},
};

/// Most products that are listed; the others are counted.
/// LIMIT: a screen.
const PRODUCTS_MAX: usize = 12;

/// What `ward kb show` shows.
#[derive(Clone, Default, Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Shown {
    pub knowledge_base: String,
    pub rxcui: String,
    pub name: String,
    /// `checked`, or why orders for it are not checkable.
    pub standing: String,
    pub unii: Option<String>,
    pub also_called: Vec<String>,
    pub also_numbered: Vec<String>,
    pub atc: Vec<String>,
    pub classes: Vec<String>,
    pub cross_reactive_with: Vec<String>,
    pub rules: Vec<String>,
    pub limits: Vec<String>,
    pub products: Vec<String>,
    pub more_products: usize,
    /// Of labels: kind of section, label, text.
    pub warnings: Vec<(String, String, String)>,
    pub source: String,
}

/// Looks a drug up by RXCUI, NDC or name; `None` when nothing here is called so.
pub fn show(facts: &Facts, version: &str, what: &str) -> Result<Option<Shown>, UseError> {
    let (kb, _) = build(version, facts)?;
    let release = &facts.release;
    let by_number = what.parse::<Rxcui>().ok();
    let by_package = what.parse::<Ndc11>().ok().and_then(|ndc| {
        let product = kb.product_of_ndc(&ndc)?;
        product.ingredients.first().map(|it| it.substance)
    });
    let at = by_package
        .or(by_number
            .filter(|it| kb.substance(*it).is_some() || release.standing(*it) != Standing::Unknown))
        .or_else(|| kb.substance_named(what).map(|it| it.rxcui))
        .or_else(|| release.named(what));
    let Some(at) = at else { return Ok(None) };
    let name = |it: Rxcui| {
        let known = kb.substance(it).map(|it| it.name.as_str());
        known.or_else(|| release.name(it)).unwrap_or("no name").to_owned()
    };
    let named = |it: Rxcui| format!("{it} {}", name(it));
    let mut shown = Shown {
        knowledge_base: kb.label(),
        rxcui: at.to_string(),
        name: name(at),
        ..Shown::default()
    };
    shown.standing = match (kb.substance(at), release.standing(at)) {
        (Some(_), _) => "checked".to_owned(),
        (None, Standing::Moved(to)) => {
            format!("gone; now {}", to.into_iter().map(named).collect::<Vec<_>>().join(", "))
        }
        (None, Standing::Suppressed) => "suppressed in the release".to_owned(),
        (None, Standing::Other { tty, ingredients }) => format!(
            "{} of {}",
            tty.word(),
            ingredients.into_iter().map(named).collect::<Vec<_>>().join(", ")
        ),
        (None, _) => "known by name alone: orders for it are not checkable".to_owned(),
    };
    let of = kb.substance(at).map_or(at, |it| it.rxcui);
    if let Some(it) = kb.substance(at) {
        shown.unii = it.unii.as_ref().map(|it| it.as_str().to_owned());
        shown.also_called.clone_from(&it.names);
        shown.also_numbered = it.also.iter().map(ToString::to_string).collect();
        shown.atc.clone_from(&it.atc);
        shown.source.clone_from(&it.source);
    }
    shown.classes = kb.classes_of(of).map(|it| format!("{} ({})", it.id, it.source)).collect();
    shown.cross_reactive_with = kb.cross_groups_of(of).map(|it| it.name.clone()).collect();
    let term = |it: &Term| match it {
        Term::Substance(id) => name(*id),
        Term::Class(id) => format!("@{id}"),
    };
    for rule in kb.rules_of(of).chain(kb.rules_right_of(of)) {
        let right = rule.right.as_ref().map(|it| format!(" with {}", term(it))).unwrap_or_default();
        let when: Vec<String> = rule.when.iter().map(ToString::to_string).collect();
        let when =
            if when.is_empty() { String::new() } else { format!(" when {}", when.join(" and ")) };
        let illustrative = if rule.illustrative { " (illustrative)" } else { "" };
        shown.rules.push(format!(
            "{}@{} {}: {}{right}{when}{illustrative} [{}]",
            rule.id,
            rule.version,
            rule.tier.name(),
            term(&rule.left),
            rule.source
        ));
    }
    for limit in kb.limits_of(of) {
        let illustrative = if limit.illustrative { " (illustrative)" } else { "" };
        let measure = serde_json::to_value(limit.measure).ok();
        shown.limits.push(format!(
            "{} {}: {} {}{illustrative} [{}]",
            limit.id,
            measure.as_ref().and_then(serde_json::Value::as_str).unwrap_or_default(),
            limit.value,
            limit.unit,
            limit.source
        ));
    }
    let products: Vec<_> = kb
        .parts()
        .products
        .iter()
        .filter(|it| it.ingredients.iter().any(|it| it.substance == of))
        .collect();
    shown.more_products = products.len().saturating_sub(PRODUCTS_MAX);
    for it in products.into_iter().take(PRODUCTS_MAX) {
        let number = it.rxcui.map(|it| format!("{it} ")).unwrap_or_default();
        let packages = match it.ndc.as_slice() {
            [] => String::new(),
            all => format!(", {} packages", all.len()),
        };
        shown.products.push(format!("{number}{}{packages} [{}]", it.name, it.source));
    }
    let labels = facts.products.values().filter(|it| !it.set_id.is_empty());
    let of_it = labels.filter(|it| it.product.active.len() == 1).find(|it| {
        let resolver = super::resolve::Resolver::new(&facts.base, release);
        let one = it.product.active.first();
        one.and_then(|one| super::qa::ingredient_of(one, &resolver)) == Some(of)
    });
    if let Some(label) = of_it.and_then(|it| facts.labels.get(&it.set_id)) {
        for it in &label.sections {
            let kind = serde_json::to_value(it.kind).ok();
            let kind = kind.as_ref().and_then(serde_json::Value::as_str).unwrap_or_default();
            shown.warnings.push((kind.to_owned(), label.set_id.clone(), it.text.clone()));
        }
    }
    if shown.source.is_empty() && release.concepts.get(&at).is_some_and(|it| it.tty == TermType::In)
    {
        shown.source = format!("RxNorm {}", release.version).trim().to_owned();
    }
    Ok(Some(shown))
}

impl fmt::Display for Shown {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "{} {}: {}", self.rxcui, self.name, self.standing)?;
        writeln!(f, "knowledge base: {}", self.knowledge_base)?;
        for (title, list) in [
            ("also called", &self.also_called),
            ("also numbered", &self.also_numbered),
            ("ATC", &self.atc),
            ("cross-reactive with", &self.cross_reactive_with),
        ] {
            if !list.is_empty() {
                writeln!(f, "{title}: {}", list.join(", "))?;
            }
        }
        if let Some(unii) = &self.unii {
            writeln!(f, "UNII: {unii}")?;
        }
        for (title, list) in [
            ("classes", &self.classes),
            ("rules", &self.rules),
            ("limits", &self.limits),
            ("products", &self.products),
        ] {
            if !list.is_empty() {
                writeln!(f, "{title}:")?;
                for it in list {
                    writeln!(f, "  {it}")?;
                }
            }
        }
        if 0 < self.more_products {
            writeln!(f, "  and {} more products", self.more_products)?;
        }
        for (kind, set_id, text) in &self.warnings {
            let mut short: String = text.chars().take(300).collect();
            if short.len() < text.len() {
                short.push('…');
            }
            writeln!(f, "{kind} (SPL {set_id}):\n  {short}")?;
        }
        write!(f, "source: {}", self.source)
    }
}
