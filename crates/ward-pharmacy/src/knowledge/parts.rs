//! From the facts of sources to the parts that checks go by.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use jiff::civil::Date;
use ward_rules::medication::{
    knowledge::{
        Class, Ingredient, Parts, Product, Rule, RuleKind, Rxcui, Strength, Substance, Term,
        WhenUnknown,
    },
    route::Route,
};

use super::{
    csv_tables::ClassFact,
    facts::Facts,
    label::LabelStrength,
    pair::PairFact,
    qa::{Report, class_fact, ingredient_of, pair_fact},
    release::{Concept, Release, TermType},
    resolve::{Resolver, class_key},
    severity::tier_of,
};

/// The first day of what a source does not date.
const UNDATED: Date = jiff::civil::date(1970, 1, 1);

/// Everything that passed the report, on top of the base.
///
/// - Shape: an ingredient of the release that nothing is written about does not become a substance
///   here, but products are named with it, so that an order for one is told to be not checkable.
/// - Cost: one pass over the facts.
pub fn parts(facts: &Facts, report: &Report) -> Parts {
    let resolver = Resolver::new(&facts.base, &facts.release);
    let mut making = Making::new(facts, &resolver);
    for pair in facts.pairs.iter().filter(|it| !report.refuses(&pair_fact(&it.id))) {
        making.pair(pair);
    }
    let is_refused = |it: &ClassFact| {
        report.refuses(&class_fact(&it.class, &it.member.rxcui, &it.member.name, &it.file))
    };
    for member in facts.classes.iter().filter(|it| !is_refused(it)) {
        making.member(member);
    }
    making.identities(&facts.release);
    making.labels(facts, report);
    making.drugs(&facts.release);
    making.finish()
}

struct Making<'f> {
    parts: Parts,
    resolver: &'f Resolver<'f>,
    release_source: String,
    /// Where each substance is among the parts.
    places: HashMap<Rxcui, usize>,
    classes: HashMap<String, usize>,
    /// Packages that a label or the directory describes.
    described: BTreeSet<String>,
}

impl<'f> Making<'f> {
    fn new(facts: &Facts, resolver: &'f Resolver<'f>) -> Making<'f> {
        let parts = facts.base.clone();
        let places = parts.substances.iter().enumerate().map(|(at, it)| (it.rxcui, at)).collect();
        let mut classes = HashMap::new();
        for (at, it) in parts.classes.iter().enumerate() {
            classes.insert(class_key(&it.name), at);
        }
        for (at, it) in parts.classes.iter().enumerate() {
            classes.insert(class_key(&it.id), at);
        }
        let version = &facts.release.version;
        let release_source =
            if version.is_empty() { "RxNorm".to_owned() } else { format!("RxNorm {version}") };
        let described = BTreeSet::new();
        Making { parts, resolver, release_source, places, classes, described }
    }

    fn substance(&mut self, rxcui: Rxcui) -> Option<&mut Substance> {
        let at = *self.places.get(&rxcui)?;
        self.parts.substances.get_mut(at)
    }

    fn know(&mut self, rxcui: Rxcui, name: &str, source: &str) {
        if self.places.contains_key(&rxcui) {
            return;
        }
        self.places.insert(rxcui, self.parts.substances.len());
        self.parts.substances.push(Substance {
            rxcui,
            unii: None,
            name: name.to_owned(),
            names: Vec::new(),
            atc: Vec::new(),
            also: Vec::new(),
            routes: Vec::new(),
            molar: None,
            mg_per_unit: None,
            source: source.to_owned(),
        });
    }

    /// What else substances are called, and their other numbers.
    fn identities(&mut self, release: &Release) {
        let in_use = |it: &(&Rxcui, &Concept)| !it.1.suppressed;
        for (rxcui, concept) in release.concepts.iter().filter(in_use) {
            let [of] = concept.ingredients.as_slice() else { continue };
            let Some(substance) = self.substance(*of) else { continue };
            match concept.tty {
                TermType::Pin => {
                    if !substance.also.contains(rxcui) {
                        substance.also.push(*rxcui);
                    }
                    add_name(substance, &concept.name);
                }
                TermType::Bn | TermType::In => add_name(substance, &concept.name),
                _ => {}
            }
        }
        for (unii, at) in &release.unii {
            if let Some(substance) = self.substance(*at)
                && substance.unii.is_none()
            {
                substance.unii = Some(unii.clone());
            }
        }
        for (code, of) in &release.atc {
            for rxcui in of {
                if let Some(substance) = self.substance(*rxcui)
                    && !substance.atc.contains(code)
                {
                    substance.atc.push(code.clone());
                }
            }
        }
    }

    fn pair(&mut self, pair: &PairFact) {
        let (Ok(left), Ok(right)) =
            (self.resolver.term(&pair.left), self.resolver.term(&pair.right))
        else {
            return;
        };
        let Some(tier) = tier_of(&pair.severity) else { return };
        for (term, fact) in [(&left, &pair.left), (&right, &pair.right)] {
            if let Term::Substance(rxcui) = term {
                let name = self.resolver.name(*rxcui);
                let name = if fact.name.is_empty() { name } else { fact.name.to_lowercase() };
                self.know(*rxcui, &name, &pair.source);
            }
        }
        let said = |text: &str, or: &str| {
            if text.is_empty() { or.to_owned() } else { text.to_owned() }
        };
        self.parts.rules.push(Rule {
            id: format!("house-{}", pair.id),
            kind: RuleKind::Interaction,
            left,
            right: Some(right),
            when: Vec::new(),
            when_unknown: WhenUnknown::Say,
            tier,
            lifts: Vec::new(),
            washout_days: None,
            mechanism: pair.mechanism.clone(),
            action: said(&pair.action, "See the source."),
            evidence: said(&pair.evidence, "as imported"),
            source: format!("{} ({})", pair.source, pair.severity),
            valid_from: UNDATED,
            version: 1,
            illustrative: false,
        });
    }

    fn member(&mut self, fact: &ClassFact) {
        let Ok(rxcui) = self.resolver.drug(&fact.member) else { return };
        let name = self.resolver.name(rxcui);
        self.know(rxcui, &name, &fact.file);
        let key = class_key(&fact.class);
        let at = match self.classes.get(&key) {
            Some(at) => *at,
            None => {
                let at = self.parts.classes.len();
                self.classes.insert(key.clone(), at);
                self.parts.classes.push(Class {
                    id: key,
                    scheme: "house".to_owned(),
                    name: fact.class.clone(),
                    members: Vec::new(),
                    duplicate_at: None,
                    source: fact.file.clone(),
                });
                at
            }
        };
        if let Some(class) = self.parts.classes.get_mut(at)
            && !class.members.contains(&rxcui)
        {
            class.members.push(rxcui);
        }
    }

    /// Products of labels and of the directory, each ingredient of which is known.
    fn labels(&mut self, facts: &Facts, report: &Report) {
        for (code, it) in &facts.products {
            if report.refuses(&format!("product/{code}")) || it.product.active.is_empty() {
                continue;
            }
            let product = &it.product;
            let ingredients: Option<Vec<Ingredient>> = product
                .active
                .iter()
                .map(|one| {
                    let substance = ingredient_of(one, self.resolver)?;
                    let strength = one.strength.as_ref().map(strength_of);
                    Some(Ingredient { substance, strength })
                })
                .collect();
            let Some(ingredients) = ingredients else { continue };
            self.described.extend(product.packages.iter().map(ToString::to_string));
            let excipients = product.inactive.as_ref().map(|all| {
                let mut names: Vec<String> = all.iter().map(|it| it.name.to_lowercase()).collect();
                names.sort();
                names.dedup();
                names
            });
            let name = if product.generic.is_empty() { &product.name } else { &product.generic };
            let some = |text: &str| Some(text.to_owned()).filter(|it| !it.is_empty());
            self.parts.products.push(Product {
                rxcui: None,
                ndc: product.packages.clone(),
                // Two strengths of one name are two products.
                name: format!("{} {code}", name.to_lowercase()),
                brand: None,
                form: product.form.clone(),
                routes: product.routes.iter().filter_map(|it| Route::parse(it)).collect(),
                ingredients,
                excipients,
                manufacturer: some(&it.labeler),
                schedule: some(&product.schedule),
                source: match it.set_id.as_str() {
                    "" => it.source.clone(),
                    set_id => format!("SPL {set_id}"),
                },
            });
        }
    }

    /// Clinical and branded drugs of the release.
    fn drugs(&mut self, release: &Release) {
        let mut packages: BTreeMap<Rxcui, Vec<_>> = BTreeMap::new();
        for (ndc, of) in &release.ndc {
            if !self.described.contains(ndc.as_str()) {
                packages.entry(*of).or_default().push(ndc.clone());
            }
        }
        let known: BTreeSet<Rxcui> = self.parts.products.iter().filter_map(|it| it.rxcui).collect();
        for (rxcui, concept) in &release.concepts {
            let is_drug = matches!(concept.tty, TermType::Scd | TermType::Sbd);
            if !is_drug || concept.suppressed || known.contains(rxcui) {
                continue;
            }
            if concept.ingredients.is_empty() {
                continue;
            }
            let ingredients = concept
                .ingredients
                .iter()
                .map(|substance| Ingredient {
                    substance: *substance,
                    strength: strength_in(release, concept, *substance),
                })
                .collect();
            let form = concept.forms.first().map(|it| it.to_lowercase()).unwrap_or_default();
            self.parts.products.push(Product {
                rxcui: Some(*rxcui),
                ndc: packages.remove(rxcui).unwrap_or_default(),
                name: concept.name.clone(),
                brand: None,
                routes: routes_of(&form),
                form,
                ingredients,
                excipients: None,
                manufacturer: None,
                schedule: None,
                source: self.release_source.clone(),
            });
        }
    }

    fn finish(self) -> Parts {
        self.parts
    }
}

fn add_name(substance: &mut Substance, name: &str) {
    let name = name.to_lowercase();
    let is_own = substance.name.to_lowercase() == name;
    if !is_own && !substance.names.contains(&name) {
        substance.names.push(name);
    }
}

fn strength_of(it: &LabelStrength) -> Strength {
    Strength {
        value: it.value,
        unit: unit_of(&it.unit),
        per_value: if 0.0 < it.per_value { it.per_value } else { 1.0 },
        per_unit: if it.per_unit.is_empty() { "1".to_owned() } else { unit_of(&it.per_unit) },
    }
}

/// The strength of one ingredient, as the component of a drug has it in its name.
fn strength_in(release: &Release, drug: &Concept, of: Rxcui) -> Option<Strength> {
    let mut matching = drug.components.iter().filter_map(|it| {
        let component = release.concepts.get(it)?;
        (component.ingredients == [of]).then_some(component)
    });
    let (Some(component), None) = (matching.next(), matching.next()) else { return None };
    strength_at_end(&component.name)
}

/// `bumetanide 0.25 MG/ML`, `insulin lispro 100 UNT/ML`.
pub(crate) fn strength_at_end(name: &str) -> Option<Strength> {
    let mut words = name.rsplit(' ');
    let (unit, value) = (words.next()?, words.next()?);
    let value: f64 = value.parse().ok().filter(|n: &f64| n.is_finite() && 0.0 < *n)?;
    let (unit, per_unit) = match unit.split_once('/') {
        Some((unit, per)) => (unit, unit_of(per)),
        None => (unit, "1".to_owned()),
    };
    if unit.is_empty() || !unit.chars().all(|c| c.is_ascii_uppercase() || c == '%') {
        return None;
    }
    Some(Strength { value, unit: unit_of(unit), per_value: 1.0, per_unit })
}

/// Units of RxNorm and of labels as UCUM and people write them.
fn unit_of(unit: &str) -> String {
    match unit {
        "MG" => "mg",
        "MCG" => "mcg",
        "G" => "g",
        "ML" => "mL",
        "UNT" => "units",
        "MEQ" => "mEq",
        "MMOL" => "mmol",
        "HR" => "h",
        "ACTUAT" | "1" => "1",
        "[USP'U]" | "[iU]" | "[IU]" | "U" => "units",
        "ug" => "mcg",
        other => other,
    }
    .to_owned()
}

/// Routes that a dose form of RxNorm allows; none where it leaves them open.
fn routes_of(form: &str) -> Vec<Route> {
    const FORMS: [(&str, &[Route]); 14] = [
        ("sublingual", &[Route::Sublingual]),
        ("buccal", &[Route::Buccal]),
        ("oral", &[Route::Oral, Route::Enteral]),
        ("chewable", &[Route::Oral]),
        ("rectal", &[Route::Rectal]),
        ("vaginal", &[Route::Vaginal]),
        ("ophthalmic", &[Route::Ophthalmic]),
        ("otic", &[Route::Otic]),
        ("nasal", &[Route::Nasal]),
        ("inhal", &[Route::Inhaled]),
        ("transdermal", &[Route::Transdermal]),
        ("topical", &[Route::Topical]),
        ("intrathecal", &[Route::Intrathecal]),
        ("irrigation", &[Route::Irrigation]),
    ];
    let found = FORMS.iter().find(|(word, _)| form.contains(word));
    found.map(|(_, routes)| routes.to_vec()).unwrap_or_default()
}
