//! Everything a knowledge base of the house is made from, as its sources state it.

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};
use ward_rules::medication::knowledge::Parts;

use super::{
    csv_tables::{ClassFact, DoseFact},
    label::Label,
    ndc_directory::Directory,
    pair::PairFact,
    release::Release,
    vista::Vista,
};

/// What was imported, besides the base that every knowledge base begins with.
#[derive(Clone, PartialEq, Default, Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct Facts {
    /// Ward's starter, as it was when this was made.
    pub base: Parts,
    pub sources: Vec<Source>,
    pub release: Release,
    /// Labels by set id, without their products.
    pub labels: BTreeMap<String, Label>,
    /// Products by labeler and product code.
    pub products: BTreeMap<String, HouseProduct>,
    pub pairs: Vec<PairFact>,
    pub classes: Vec<ClassFact>,
    pub doses: Vec<DoseFact>,
    pub vista: Vista,
    /// Findings that somebody has looked at and let stand, by name, with why.
    pub accepted: BTreeMap<String, String>,
}

/// One import.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Source {
    /// `rxnorm`, `spl`, `openfda`, `ndc`, `zwr`, `ddi`, `classes`, `doses`, `fdamdd`.
    pub kind: String,
    /// As the operator calls it; an import under the same kind and name takes its place.
    pub name: String,
    /// The release that it calls itself.
    pub version: String,
    /// Rows, labels or products that were taken.
    pub taken: u64,
    /// What could not be read.
    pub problems: u64,
}

/// A product with who makes it and which label it stands in.
#[derive(Clone, PartialEq, Default, Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct HouseProduct {
    pub product: super::label::LabelProduct,
    pub labeler: String,
    #[serde(skip_serializing_if = "String::is_empty")]
    pub set_id: String,
    /// `kind/name` of the source.
    pub source: String,
}

/// What one import brings.
#[derive(Clone, Debug)]
pub enum Brought {
    Release(Release),
    Labels(Vec<Label>),
    Directory(Directory),
    Vista(Vista),
    Pairs(Vec<PairFact>),
    Classes(Vec<ClassFact>),
    Doses(Vec<DoseFact>),
}

impl Facts {
    /// Nothing but the base.
    pub fn of_base(base: Parts) -> Facts {
        Facts { base, ..Facts::default() }
    }

    /// Takes an import in; what an earlier one under the same kind and name brought is let go.
    pub fn take(&mut self, mut source: Source, brought: Brought) {
        let key = format!("{}/{}", source.kind, source.name);
        self.sources.retain(|it| (&it.kind, &it.name) != (&source.kind, &source.name));
        match brought {
            Brought::Release(release) => {
                // There is one release; another kind of it takes its place too.
                self.sources.retain(|it| it.kind != source.kind);
                source.taken = count(release.concepts.len());
                self.release = release;
            }
            Brought::Labels(labels) => {
                source.taken = count(labels.len());
                let gone: BTreeSet<String> = self
                    .products
                    .values()
                    .filter(|it| it.source == key)
                    .map(|it| it.set_id.clone())
                    .collect();
                self.labels.retain(|set_id, _| !gone.contains(set_id));
                self.products.retain(|_, it| it.source != key);
                for label in labels {
                    self.take_label(label, &key);
                }
            }
            Brought::Directory(directory) => {
                source.taken = count(directory.len());
                self.products.retain(|_, it| it.source != key);
                for (code, listed) in directory {
                    if listed.is_excluded {
                        continue;
                    }
                    let product = HouseProduct {
                        product: listed.product,
                        labeler: listed.labeler,
                        set_id: String::new(),
                        source: key.clone(),
                    };
                    // A label says more: UNIIs and what else is in it.
                    match self.products.get_mut(&code) {
                        Some(had) if !had.set_id.is_empty() => had.complete(product),
                        _ => {
                            self.products.insert(code, product);
                        }
                    }
                }
            }
            Brought::Vista(vista) => {
                source.taken = count(
                    vista.units.len()
                        + vista.conversions.len()
                        + vista.routes.len()
                        + vista.order_checks.len()
                        + vista.interactions.len(),
                );
                if !vista.interactions.is_empty() {
                    self.pairs.retain(|it| it.source != "VistA file 56");
                    self.pairs.extend(PairFact::of_vista(&vista.interactions));
                }
                self.vista.overlay(vista);
            }
            Brought::Pairs(mut pairs) => {
                source.taken = count(pairs.len());
                pairs.iter_mut().for_each(|it| it.import.clone_from(&key));
                self.pairs.retain(|it| it.import != key);
                self.pairs.extend(pairs);
            }
            Brought::Classes(mut classes) => {
                source.taken = count(classes.len());
                classes.iter_mut().for_each(|it| it.import.clone_from(&key));
                self.classes.retain(|it| it.import != key);
                self.classes.extend(classes);
            }
            Brought::Doses(mut doses) => {
                source.taken = count(doses.len());
                doses.iter_mut().for_each(|it| it.import.clone_from(&key));
                self.doses.retain(|it| it.import != key);
                self.doses.extend(doses);
            }
        }
        self.sources.push(source);
    }

    fn take_label(&mut self, mut label: Label, key: &str) {
        let products = std::mem::take(&mut label.products);
        for product in products {
            if product.code.is_empty() {
                continue;
            }
            let new = HouseProduct {
                labeler: label.labeler.clone(),
                set_id: label.set_id.clone(),
                source: key.to_owned(),
                product,
            };
            match self.products.get_mut(&new.product.code) {
                // What only the directory knows stays.
                Some(had) => {
                    let old = std::mem::replace(had, new);
                    had.complete(old);
                }
                None => {
                    self.products.insert(new.product.code.clone(), new);
                }
            }
        }
        if label.set_id.is_empty() {
            return;
        }
        let number = |it: &Label| it.version.parse::<u64>().unwrap_or(0);
        let is_older =
            self.labels.get(&label.set_id).is_some_and(|had| number(&label) < number(had));
        if !is_older {
            self.labels.insert(label.set_id.clone(), label);
        }
    }
}

impl HouseProduct {
    /// Fills what is not known from another source of the same product.
    fn complete(&mut self, other: HouseProduct) {
        let (here, there) = (&mut self.product, other.product);
        for (here, there) in [
            (&mut here.name, there.name),
            (&mut here.generic, there.generic),
            (&mut here.form, there.form),
            (&mut here.schedule, there.schedule),
            (&mut self.labeler, other.labeler),
            (&mut self.set_id, other.set_id),
        ] {
            if here.is_empty() {
                *here = there;
            }
        }
        if here.routes.is_empty() {
            here.routes = there.routes;
        }
        if here.active.is_empty() {
            here.active = there.active;
        }
        if here.classes.is_empty() {
            here.classes = there.classes;
        }
        here.inactive = here.inactive.take().or(there.inactive);
        for package in there.packages {
            if !here.packages.contains(&package) {
                here.packages.push(package);
            }
        }
    }
}

impl Vista {
    /// Takes another export in; a file that is in both is taken from the new one.
    fn overlay(&mut self, other: Vista) {
        fn over<T>(here: &mut Vec<T>, there: Vec<T>) {
            if !there.is_empty() {
                *here = there;
            }
        }
        over(&mut self.units, other.units);
        over(&mut self.conversions, other.conversions);
        over(&mut self.routes, other.routes);
        over(&mut self.order_checks, other.order_checks);
        // They are among the pairs.
        self.interactions.clear();
    }
}

fn count(n: usize) -> u64 {
    u64::try_from(n).unwrap_or(u64::MAX)
}
