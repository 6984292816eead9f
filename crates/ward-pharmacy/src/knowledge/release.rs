//! One release of RxNorm as far as it is needed: which concepts there are, what they are called,
//! and which ingredients each one comes down to.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use serde::{Deserialize, Serialize};

use ward_rules::medication::knowledge::{Ndc11, Rxcui, Unii};

/// How many steps from a concept to its ingredients are followed.
/// LIMIT: a pack holds drugs, a branded drug is one of a clinical drug, that consists of
/// components, and those have ingredients: six at most.
const STEPS_MAX: usize = 8;

macro_rules! term_types {
    ($($(#[doc = $doc:literal])+ $name:ident = $word:literal),+ $(,)?) => {
        /// What a concept is.
        ///
        /// - Source: RxNorm technical documentation, appendix 5 (term types of SAB=RXNORM).
        #[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Debug, Serialize, Deserialize)]
        #[serde(rename_all = "UPPERCASE")]
        pub enum TermType { $($(#[doc = $doc])+ $name),+ }

        impl TermType {
            pub const ALL: &'static [TermType] = &[$(TermType::$name),+];

            pub const fn word(self) -> &'static str {
                match self { $(TermType::$name => $word),+ }
            }

            pub fn parse(word: &str) -> Option<TermType> {
                TermType::ALL.iter().copied().find(|it| it.word() == word)
            }
        }
    };
}

term_types! {
    /// An ingredient.
    In = "IN",
    /// A salt or another precise form of one.
    Pin = "PIN",
    /// Several together.
    Min = "MIN",
    /// A brand name.
    Bn = "BN",
    /// An ingredient with its strength.
    Scdc = "SCDC",
    /// An ingredient with its form.
    Scdf = "SCDF",
    /// An ingredient with a group of forms.
    Scdg = "SCDG",
    /// The same with precise ingredients.
    Scdfp = "SCDFP",
    /// The same with precise ingredients.
    Scdgp = "SCDGP",
    /// A clinical drug.
    Scd = "SCD",
    /// A brand with its strength.
    Sbdc = "SBDC",
    /// A brand with its form.
    Sbdf = "SBDF",
    /// A brand with its precise form.
    Sbdfp = "SBDFP",
    /// A brand with a group of forms.
    Sbdg = "SBDG",
    /// A branded drug.
    Sbd = "SBD",
    /// A pack of clinical drugs.
    Gpck = "GPCK",
    /// A pack of branded drugs.
    Bpck = "BPCK",
    /// A dose form.
    Df = "DF",
    /// A group of dose forms.
    Dfg = "DFG",
}

/// One concept.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Concept {
    pub name: String,
    pub tty: TermType,
    /// Not to be used: obsolete, or withdrawn by an editor.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub suppressed: bool,
    /// The IN concepts it comes down to; itself when it is one.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub ingredients: Vec<Rxcui>,
    /// Names of dose forms.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub forms: Vec<String>,
    /// Components with a strength (SCDC), of a clinical or branded drug.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub components: Vec<Rxcui>,
}

/// What one release knows.
#[derive(Clone, PartialEq, Default, Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct Release {
    /// As it calls itself, such as `2025-10-06`; empty where it does not say.
    pub version: String,
    pub concepts: BTreeMap<Rxcui, Concept>,
    /// Concepts that are gone, with what took their place.
    pub moved: BTreeMap<Rxcui, Vec<Rxcui>>,
    pub unii: BTreeMap<Unii, Rxcui>,
    pub ndc: BTreeMap<Ndc11, Rxcui>,
    /// Ingredients by code of ATC; only a full release has them.
    pub atc: BTreeMap<String, Vec<Rxcui>>,
    #[serde(skip)]
    pub(crate) names: HashMap<String, Rxcui>,
}

/// What a release says of an RXCUI that is to be an ingredient.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Standing {
    /// It is an ingredient in use.
    Ingredient,
    /// It means something else; the ingredients that it comes down to are named.
    Other {
        tty: TermType,
        ingredients: Vec<Rxcui>,
    },
    /// It is there and not to be used.
    Suppressed,
    /// It is gone; what took its place is named.
    Moved(Vec<Rxcui>),
    Unknown,
}

impl Release {
    pub fn is_empty(&self) -> bool {
        self.concepts.is_empty()
    }

    pub fn name(&self, rxcui: Rxcui) -> Option<&str> {
        self.concepts.get(&rxcui).map(|it| it.name.as_str())
    }

    pub fn standing(&self, rxcui: Rxcui) -> Standing {
        match (self.concepts.get(&rxcui), self.moved.get(&rxcui)) {
            (Some(concept), _) if concept.suppressed => Standing::Suppressed,
            (Some(concept), _) if concept.tty == TermType::In => Standing::Ingredient,
            (Some(concept), _) => {
                Standing::Other { tty: concept.tty, ingredients: concept.ingredients.clone() }
            }
            (None, Some(to)) => Standing::Moved(to.clone()),
            (None, None) => Standing::Unknown,
        }
    }

    /// The ingredients of whatever concept this is.
    pub fn ingredients(&self, rxcui: Rxcui) -> &[Rxcui] {
        self.concepts.get(&rxcui).map_or(&[], |it| it.ingredients.as_slice())
    }

    /// The concept of that name, whatever its case; an ingredient before anything else.
    pub fn named(&self, name: &str) -> Option<Rxcui> {
        self.names.get(&folded(name)).copied()
    }

    /// Makes what is looked up by name; to be called when the concepts are complete.
    pub fn index(&mut self) {
        let mut names: HashMap<String, Rxcui> = HashMap::with_capacity(self.concepts.len());
        for (rxcui, concept) in &self.concepts {
            if concept.suppressed {
                continue;
            }
            let name = folded(&concept.name);
            let rank = |it: &Rxcui| self.concepts.get(it).map(|it| it.tty);
            let is_better = names.get(&name).is_none_or(|had| Some(concept.tty) < rank(had));
            if is_better {
                names.insert(name, *rxcui);
            }
        }
        self.names = names;
    }

    /// Follows what each concept is made of down to its ingredients.
    ///
    /// - Shape: `toward` leads from a concept to those that say less: a drug to its components, a
    ///   component to its ingredient, a brand to what it is a brand of.
    pub(crate) fn resolve(&mut self, toward: &HashMap<Rxcui, Vec<Rxcui>>) {
        let is_in = |it: &Rxcui| self.concepts.get(it).is_some_and(|it| it.tty == TermType::In);
        let mut found: Vec<(Rxcui, Vec<Rxcui>)> = Vec::with_capacity(self.concepts.len());
        for (rxcui, concept) in &self.concepts {
            if concept.tty == TermType::In {
                found.push((*rxcui, vec![*rxcui]));
                continue;
            }
            let (mut seen, mut ingredients) = (BTreeSet::from([*rxcui]), BTreeSet::new());
            let mut edge = vec![*rxcui];
            for _ in 0..STEPS_MAX {
                let mut next = Vec::new();
                for to in edge.iter().filter_map(|it| toward.get(it)).flatten() {
                    if is_in(to) {
                        ingredients.insert(*to);
                    } else if seen.insert(*to) {
                        next.push(*to);
                    }
                }
                if next.is_empty() {
                    break;
                }
                edge = next;
            }
            found.push((*rxcui, ingredients.into_iter().collect()));
        }
        for (rxcui, ingredients) in found {
            if let Some(concept) = self.concepts.get_mut(&rxcui) {
                concept.ingredients = ingredients;
            }
        }
    }
}

/// A name as it is compared.
pub(crate) fn folded(name: &str) -> String {
    name.trim().to_lowercase()
}
