//! The knowledge base: substances, products, classes, rules and limits, with its version.

mod base;
mod ids;
mod limit;
mod load;
mod parts;
mod predicate;
mod rule;
mod substance;
mod term;
mod toml_rules;
mod tsv;

pub use base::KnowledgeBase;
pub(crate) use base::fold;
pub use ids::{IdError, Ndc11, Rxcui, Unii};
pub use limit::{Limit, Measure};
pub use load::{Files, starter, starter_parts};
pub use parts::{Parts, Problem};
pub use predicate::{Cmp, Kidney, Predicate, PredicateError, Side};
pub use rule::{Rule, RuleKind, WhenUnknown};
pub use substance::{
    Class, ConditionGroup, CrossGroup, CrossStrength, Ingredient, Molar, Product, Strength,
    Substance,
};
pub use term::Term;
