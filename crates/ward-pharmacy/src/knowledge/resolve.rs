//! Which substance or class a source means, and what speaks against it.

use std::collections::{BTreeMap, HashMap};

use ward_rules::medication::knowledge::{Parts, Rxcui, Term, Unii};

use super::{
    pair::DrugFact,
    release::{Release, Standing, folded},
};

/// Names and numbers of the base and of the release, side by side.
pub struct Resolver<'f> {
    base: &'f Parts,
    release: &'f Release,
    base_names: HashMap<String, Rxcui>,
    base_ids: HashMap<Rxcui, &'f str>,
    classes: BTreeMap<String, &'f str>,
}

/// What speaks against a drug as a source states it.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Against {
    /// Not an RXCUI at all.
    Malformed,
    /// The release does not have it.
    UnknownRxcui,
    /// It is no ingredient; the ingredients it comes down to.
    NotIngredient {
        tty: &'static str,
        ingredients: Vec<(Rxcui, String)>,
    },
    Suppressed,
    /// What took its place.
    Moved(Vec<(Rxcui, String)>),
    /// The number is another drug than the name.
    NameDisagrees {
        is: String,
        named: Option<Rxcui>,
    },
    /// No drug or class of that name.
    UnknownName,
    /// The name means several ingredients.
    Several(Vec<(Rxcui, String)>),
}

impl<'f> Resolver<'f> {
    pub fn new(base: &'f Parts, release: &'f Release) -> Resolver<'f> {
        let mut base_names = HashMap::new();
        for it in &base.substances {
            for name in &it.names {
                base_names.entry(folded(name)).or_insert(it.rxcui);
            }
        }
        for it in &base.substances {
            base_names.insert(folded(&it.name), it.rxcui);
        }
        let base_ids = base.substances.iter().map(|it| (it.rxcui, it.name.as_str())).collect();
        let mut classes = BTreeMap::new();
        for it in &base.classes {
            for name in [&it.id, &it.name] {
                classes.insert(class_key(name), it.id.as_str());
            }
        }
        Resolver { base, release, base_names, base_ids, classes }
    }

    pub fn has_release(&self) -> bool {
        !self.release.is_empty()
    }

    pub fn name(&self, rxcui: Rxcui) -> String {
        let name = self.base_ids.get(&rxcui).copied().or_else(|| self.release.name(rxcui));
        name.unwrap_or("no name").to_owned()
    }

    /// The class of the base that a name means.
    pub fn class(&self, name: &str) -> Option<&'f str> {
        self.classes.get(&class_key(name)).copied()
    }

    /// The ingredient of a substance of FDA.
    pub fn by_unii(&self, unii: &Unii) -> Option<Rxcui> {
        let known = self.base.substances.iter().find(|it| it.unii.as_ref() == Some(unii));
        if let Some(it) = known {
            return Some(it.rxcui);
        }
        let at = *self.release.unii.get(unii)?;
        match self.release.ingredients(at) {
            [one] => Some(*one),
            _ => None,
        }
    }

    /// The ingredient that a name means.
    pub fn by_name(&self, name: &str) -> Result<Rxcui, Against> {
        let name = folded(name);
        if let Some(it) = self.base_names.get(&name) {
            return Ok(*it);
        }
        let Some(at) = self.release.named(&name) else { return Err(Against::UnknownName) };
        match self.release.ingredients(at) {
            [one] => Ok(*one),
            [] => Err(Against::UnknownName),
            many => Err(Against::Several(self.shown(many))),
        }
    }

    /// The ingredient that a source means.
    ///
    /// - Errors: everything that speaks against it; the number decides, and the name must agree.
    pub fn drug(&self, fact: &DrugFact) -> Result<Rxcui, Against> {
        if fact.rxcui.is_empty() {
            return self.by_name(&fact.name);
        }
        let rxcui: Rxcui = fact.rxcui.parse().map_err(|_| Against::Malformed)?;
        if self.has_release() {
            match self.release.standing(rxcui) {
                Standing::Ingredient => {}
                // The snapshot may lack what the base knows.
                Standing::Unknown if self.base_ids.contains_key(&rxcui) => {}
                Standing::Unknown => return Err(Against::UnknownRxcui),
                Standing::Suppressed => return Err(Against::Suppressed),
                Standing::Moved(to) => return Err(Against::Moved(self.shown(&to))),
                Standing::Other { tty, ingredients } => {
                    let ingredients = self.shown(&ingredients);
                    return Err(Against::NotIngredient { tty: tty.word(), ingredients });
                }
            }
        }
        if fact.name.is_empty() {
            return Ok(rxcui);
        }
        let disagrees = |named| Against::NameDisagrees { is: self.name(rxcui), named };
        match self.by_name(&fact.name) {
            Ok(named) if named == rxcui => Ok(rxcui),
            Ok(named) => Err(disagrees(Some(named))),
            Err(Against::Several(_)) => Err(disagrees(None)),
            // Nobody here knows the name: a number that a release confirms may stand without it,
            // unless the release calls it otherwise and knows no such synonym.
            Err(_) if self.has_release() => Err(disagrees(None)),
            Err(_) if self.base_ids.contains_key(&rxcui) => Err(disagrees(None)),
            Err(_) => Ok(rxcui),
        }
    }

    /// One side of an interaction: a drug, or `@class` or `class:class`.
    pub fn term(&self, fact: &DrugFact) -> Result<Term, Against> {
        let class = fact.name.strip_prefix('@').or_else(|| fact.name.strip_prefix("class:"));
        match class {
            Some(class) => {
                let found = self.class(class).ok_or(Against::UnknownName)?;
                Ok(Term::Class(found.to_owned()))
            }
            None => self.drug(fact).map(Term::Substance),
        }
    }

    /// Members of a class of the base.
    pub fn members(&self, term: &Term) -> Vec<Rxcui> {
        match term {
            Term::Substance(it) => vec![*it],
            Term::Class(id) => {
                let found = self.base.classes.iter().find(|it| it.id == *id);
                found.map(|it| it.members.clone()).unwrap_or_default()
            }
        }
    }

    fn shown(&self, found: &[Rxcui]) -> Vec<(Rxcui, String)> {
        found.iter().map(|it| (*it, self.name(*it))).collect()
    }
}

impl Against {
    /// The word of it that names findings.
    pub const fn word(&self) -> &'static str {
        match self {
            Against::Malformed => "rxcui-malformed",
            Against::UnknownRxcui => "rxcui-unknown",
            Against::NotIngredient { .. } => "rxcui-not-ingredient",
            Against::Suppressed => "rxcui-suppressed",
            Against::Moved(_) => "rxcui-moved",
            Against::NameDisagrees { .. } => "name-disagrees",
            Against::UnknownName => "drug-unknown",
            Against::Several(_) => "drug-ambiguous",
        }
    }

    pub fn says(&self, fact: &DrugFact) -> String {
        let list = |found: &[(Rxcui, String)]| -> String {
            let shown: Vec<String> =
                found.iter().map(|(id, name)| format!("{id} ({name})")).collect();
            if shown.is_empty() { "nothing".to_owned() } else { shown.join(", ") }
        };
        let DrugFact { name, rxcui } = fact;
        match self {
            Against::Malformed => format!("{rxcui} is no RXCUI"),
            Against::UnknownRxcui => format!("{name}: {rxcui} is not in the loaded release"),
            Against::NotIngredient { tty, ingredients } => {
                format!(
                    "{name}: {rxcui} is {tty}, not an ingredient; it comes down to {}",
                    list(ingredients)
                )
            }
            Against::Suppressed => format!("{name}: {rxcui} is suppressed in the loaded release"),
            Against::Moved(to) => {
                format!("{name}: {rxcui} is gone from the release; now {}", list(to))
            }
            Against::NameDisagrees { is, named: Some(named) } => {
                format!("{name} is {named}, but {rxcui} is {is}")
            }
            Against::NameDisagrees { is, named: None } => {
                format!("{rxcui} is {is}, and nothing here calls it {name}")
            }
            Against::UnknownName => format!("no drug or class is called {name}"),
            Against::Several(found) => format!("{name} is several: {}", list(found)),
        }
    }
}

/// A class's name as it is compared: `NSAIDs`, `nsaid` and `NSAID` are one.
pub fn class_key(name: &str) -> String {
    let mut key: String =
        name.chars().filter(|c| c.is_alphanumeric()).flat_map(char::to_lowercase).collect();
    if 3 < key.len() && key.ends_with('s') && !key.ends_with("ss") {
        key.pop();
    }
    key
}
