//! Whether what was imported can be true. What cannot is not loaded, unless somebody accepts it by
//! name.

mod classes;
mod doses;
mod identity;
mod pairs;
mod products;
mod report;
mod vista;

pub(crate) use classes::fact_of as class_fact;
pub(crate) use pairs::fact_of as pair_fact;
pub(crate) use products::ingredient_of;
pub use report::{Finding, Report, Weight};

use super::{facts::Facts, resolve::Resolver};

/// How far two daily maxima of one drug may be apart.
/// LIMIT: other indications, routes and countries explain three times; ten is a slip of the unit.
pub const DOSE_RATIO_MAX: f64 = 3.0;

/// Holds every fact against the release, the base and the other sources.
///
/// - Cost: one pass over the facts.
pub fn check(facts: &Facts) -> Report {
    let resolver = Resolver::new(&facts.base, &facts.release);
    let mut report = Report::new(&facts.accepted);
    identity::check(facts, &resolver, &mut report);
    pairs::check(facts, &resolver, &mut report);
    classes::check(facts, &resolver, &mut report);
    doses::check(facts, &resolver, &mut report);
    products::check(facts, &resolver, &mut report);
    vista::check(facts, &mut report);
    report.finish()
}

#[cfg(test)]
mod tests;
