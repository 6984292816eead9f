//! The knowledge base as it is asked: each answer is one look-up.

use std::collections::HashMap;

use super::{
    Class, ConditionGroup, CrossGroup, Limit, Ndc11, Parts, Problem, Product, Rule, Rxcui,
    Substance, Term,
};

/// Parts that were held against each other, with indexes over them. It never changes.
#[derive(Clone, Debug)]
pub struct KnowledgeBase {
    parts: Parts,
    substance_by_id: HashMap<Rxcui, usize>,
    substance_by_name: HashMap<String, usize>,
    substance_by_unii: HashMap<String, usize>,
    substances_by_atc: HashMap<String, Vec<usize>>,
    product_by_id: HashMap<Rxcui, usize>,
    product_by_ndc: HashMap<Ndc11, usize>,
    product_by_name: HashMap<String, usize>,
    class_by_id: HashMap<String, usize>,
    classes_of: HashMap<Rxcui, Vec<usize>>,
    groups_of: HashMap<Rxcui, Vec<usize>>,
    group_by_name: HashMap<String, usize>,
    condition_by_id: HashMap<String, usize>,
    rules_of: HashMap<Rxcui, Vec<usize>>,
    rules_right_of: HashMap<Rxcui, Vec<usize>>,
    limits_of: HashMap<Rxcui, Vec<usize>>,
    rule_by_id: HashMap<String, usize>,
    words_max: usize,
}

impl KnowledgeBase {
    /// Holds the parts together.
    ///
    /// - Errors: everything that points nowhere or is there twice; nothing is left out silently.
    /// - Cost: one pass over everything; done once for each version.
    pub fn build(parts: Parts) -> Result<KnowledgeBase, Vec<Problem>> {
        let problems = parts.problems();
        if problems.is_empty() { Ok(KnowledgeBase::index(parts)) } else { Err(problems) }
    }

    fn index(parts: Parts) -> KnowledgeBase {
        let mut kb = KnowledgeBase {
            substance_by_id: HashMap::new(),
            substance_by_name: HashMap::new(),
            substance_by_unii: HashMap::new(),
            substances_by_atc: HashMap::new(),
            product_by_id: HashMap::new(),
            product_by_ndc: HashMap::new(),
            product_by_name: HashMap::new(),
            class_by_id: HashMap::new(),
            classes_of: HashMap::new(),
            groups_of: HashMap::new(),
            group_by_name: HashMap::new(),
            condition_by_id: HashMap::new(),
            rules_of: HashMap::new(),
            rules_right_of: HashMap::new(),
            limits_of: HashMap::new(),
            rule_by_id: HashMap::new(),
            words_max: 1,
            parts: Parts::default(),
        };
        for (at, substance) in parts.substances.iter().enumerate() {
            kb.substance_by_id.insert(substance.rxcui, at);
            for id in &substance.also {
                kb.substance_by_id.entry(*id).or_insert(at);
            }
            if let Some(unii) = &substance.unii {
                kb.substance_by_unii.insert(unii.as_str().to_owned(), at);
            }
            for code in &substance.atc {
                kb.substances_by_atc.entry(code.clone()).or_default().push(at);
            }
        }
        // A substance's own name wins over what another one is also called.
        for (at, substance) in parts.substances.iter().enumerate() {
            let name = fold(&substance.name);
            kb.words_max = kb.words_max.max(name.split(' ').count());
            kb.substance_by_name.insert(name, at);
        }
        for (at, substance) in parts.substances.iter().enumerate() {
            for name in &substance.names {
                let name = fold(name);
                kb.words_max = kb.words_max.max(name.split(' ').count());
                kb.substance_by_name.entry(name).or_insert(at);
            }
        }
        for (at, product) in parts.products.iter().enumerate() {
            if let Some(id) = product.rxcui {
                kb.product_by_id.insert(id, at);
            }
            for ndc in &product.ndc {
                kb.product_by_ndc.insert(ndc.clone(), at);
            }
            kb.product_by_name.entry(fold(&product.name)).or_insert(at);
            if let Some(brand) = &product.brand {
                kb.product_by_name.entry(fold(brand)).or_insert(at);
            }
        }
        for (at, class) in parts.classes.iter().enumerate() {
            kb.class_by_id.insert(class.id.clone(), at);
            for id in &class.members {
                kb.classes_of.entry(*id).or_default().push(at);
            }
        }
        for (at, group) in parts.cross_groups.iter().enumerate() {
            for id in &group.members {
                kb.groups_of.entry(*id).or_default().push(at);
            }
            for name in group.names.iter().chain([&group.id, &group.name]) {
                let name = fold(name);
                kb.words_max = kb.words_max.max(name.split(' ').count());
                kb.group_by_name.entry(name).or_insert(at);
            }
        }
        for (at, group) in parts.condition_groups.iter().enumerate() {
            kb.condition_by_id.insert(group.id.clone(), at);
        }
        for (at, rule) in parts.rules.iter().enumerate() {
            kb.rule_by_id.insert(rule.id.clone(), at);
            let members = |term: &Term| -> Vec<Rxcui> {
                match term {
                    Term::Substance(id) => [*id].into(),
                    Term::Class(id) => kb
                        .class_by_id
                        .get(id)
                        .and_then(|at| parts.classes.get(*at))
                        .map(|class| class.members.clone())
                        .unwrap_or_default(),
                }
            };
            let left = members(&rule.left);
            let right = rule.right.as_ref().map(members).unwrap_or_default();
            for id in left {
                kb.rules_of.entry(id).or_default().push(at);
            }
            for id in right {
                kb.rules_right_of.entry(id).or_default().push(at);
            }
        }
        for (at, limit) in parts.limits.iter().enumerate() {
            kb.limits_of.entry(limit.substance).or_default().push(at);
        }
        kb.parts = parts;
        kb
    }

    pub fn parts(&self) -> &Parts {
        &self.parts
    }

    pub fn name(&self) -> &str {
        &self.parts.name
    }

    pub fn version(&self) -> &str {
        &self.parts.version
    }

    /// Name and version, as issues carry them.
    pub fn label(&self) -> String {
        format!("{} {}", self.parts.name, self.parts.version)
    }

    /// By RXCUI of the ingredient, or of a precise ingredient that means it.
    pub fn substance(&self, id: Rxcui) -> Option<&Substance> {
        self.parts.substances.get(*self.substance_by_id.get(&id)?)
    }

    pub fn substance_of_unii(&self, unii: &str) -> Option<&Substance> {
        self.parts.substances.get(*self.substance_by_unii.get(unii)?)
    }

    /// The only substance with this code of ATC; a code that several share says nothing.
    pub fn substance_of_atc(&self, code: &str) -> Option<&Substance> {
        match self.substances_by_atc.get(code)?.as_slice() {
            [at] => self.parts.substances.get(*at),
            _ => None,
        }
    }

    /// By the whole of a name, a brand or a salt.
    pub fn substance_named(&self, name: &str) -> Option<&Substance> {
        self.parts.substances.get(*self.substance_by_name.get(&fold(name))?)
    }

    /// Every substance that a text names, the longest names first; each word is used once.
    pub fn substances_in(&self, text: &str) -> Vec<&Substance> {
        let folded = fold(text);
        let words: Vec<&str> = folded.split(' ').filter(|word| !word.is_empty()).collect();
        let mut found: Vec<&Substance> = Vec::new();
        let mut at = 0;
        while at < words.len() {
            let longest = self.words_max.min(words.len().saturating_sub(at));
            let hit = (1..=longest).rev().find_map(|n| {
                let name = words.get(at..at + n)?.join(" ");
                self.substance_by_name.get(&name).map(|place| (n, *place))
            });
            match hit.and_then(|(n, place)| Some((n, self.parts.substances.get(place)?))) {
                Some((n, substance)) => {
                    if !found.iter().any(|it| it.rxcui == substance.rxcui) {
                        found.push(substance);
                    }
                    at += n;
                }
                None => at += 1,
            }
        }
        found
    }

    /// By RXCUI of a clinical or branded drug.
    pub fn product(&self, id: Rxcui) -> Option<&Product> {
        self.parts.products.get(*self.product_by_id.get(&id)?)
    }

    pub fn product_of_ndc(&self, ndc: &Ndc11) -> Option<&Product> {
        self.parts.products.get(*self.product_by_ndc.get(ndc)?)
    }

    pub fn product_named(&self, name: &str) -> Option<&Product> {
        self.parts.products.get(*self.product_by_name.get(&fold(name))?)
    }

    pub fn class(&self, id: &str) -> Option<&Class> {
        self.parts.classes.get(*self.class_by_id.get(id)?)
    }

    pub fn classes_of(&self, id: Rxcui) -> impl Iterator<Item = &Class> {
        pick(&self.parts.classes, self.classes_of.get(&id))
    }

    pub fn is_in(&self, id: Rxcui, term: &Term) -> bool {
        match term {
            Term::Substance(other) => id == *other,
            Term::Class(class) => self.classes_of(id).any(|it| it.id == *class),
        }
    }

    pub fn cross_groups_of(&self, id: Rxcui) -> impl Iterator<Item = &CrossGroup> {
        pick(&self.parts.cross_groups, self.groups_of.get(&id))
    }

    /// An allergy to a whole group, such as `penicillins`.
    pub fn cross_group_named(&self, name: &str) -> Option<&CrossGroup> {
        self.parts.cross_groups.get(*self.group_by_name.get(&fold(name))?)
    }

    /// Groups that a text names as whole words: `allergic to sulfa drugs`.
    pub fn cross_groups_in(&self, text: &str) -> Vec<&CrossGroup> {
        let folded = format!(" {} ", fold(text));
        let is_named = |group: &&CrossGroup| {
            group.names.iter().any(|name| folded.contains(&format!(" {} ", fold(name))))
        };
        self.parts.cross_groups.iter().filter(is_named).collect()
    }

    pub fn condition_group(&self, id: &str) -> Option<&ConditionGroup> {
        self.parts.condition_groups.get(*self.condition_by_id.get(id)?)
    }

    pub fn rule(&self, id: &str) -> Option<&Rule> {
        self.parts.rules.get(*self.rule_by_id.get(id)?)
    }

    /// Rules with the substance on their left side.
    pub fn rules_of(&self, id: Rxcui) -> impl Iterator<Item = &Rule> {
        pick(&self.parts.rules, self.rules_of.get(&id))
    }

    /// Rules with the substance on their right side.
    pub fn rules_right_of(&self, id: Rxcui) -> impl Iterator<Item = &Rule> {
        pick(&self.parts.rules, self.rules_right_of.get(&id))
    }

    pub fn limits_of(&self, id: Rxcui) -> impl Iterator<Item = &Limit> {
        pick(&self.parts.limits, self.limits_of.get(&id))
    }
}

fn pick<'a, T>(all: &'a [T], places: Option<&'a Vec<usize>>) -> impl Iterator<Item = &'a T> {
    places.into_iter().flatten().filter_map(|at| all.get(*at))
}

/// Lower case, words apart by one space; what is between words is no letter, digit or inner hyphen.
pub(crate) fn fold(text: &str) -> String {
    let mut folded = String::with_capacity(text.len());
    let is_word = |c: char| c.is_alphanumeric() || c == '-' || c == '\'' || c == '.';
    for word in text.split(|c: char| !is_word(c)) {
        let word = word.trim_matches(['-', '\'', '.']);
        if word.is_empty() {
            continue;
        }
        if !folded.is_empty() {
            folded.push(' ');
        }
        folded.extend(word.chars().flat_map(char::to_lowercase).map(|c| match c {
            '’' => '\'',
            c => c,
        }));
    }
    folded
}
