//! Daily maxima: one source against another.

use std::collections::BTreeMap;

use ward_rules::medication::{
    knowledge::{Limit, Measure, Predicate, Rxcui},
    route::Route,
};

use super::{DOSE_RATIO_MAX, Report, Weight};
use crate::knowledge::{facts::Facts, resolve::Resolver};

/// The name of a dose among facts.
pub(crate) fn fact_of(name: &str, rxcui: &str, file: &str) -> String {
    format!("dose/{}/{file}", if name.is_empty() { rxcui } else { name })
}

pub(super) fn check(facts: &Facts, resolver: &Resolver<'_>, report: &mut Report) {
    report.looked("daily maxima", facts.doses.len());
    let mut imported: BTreeMap<Rxcui, Vec<(f64, String, String, String)>> = BTreeMap::new();
    for it in &facts.doses {
        let fact = fact_of(&it.drug.name, &it.drug.rxcui, &it.file);
        let place = format!("{}:{}", it.file, it.line);
        match resolver.drug(&it.drug) {
            Ok(rxcui) => {
                let entry = (it.mg_per_day, it.source.clone(), fact, place);
                imported.entry(rxcui).or_default().push(entry);
            }
            // A list of a thousand drugs has many that nobody orders: only a wrong number is told.
            Err(_) if it.drug.rxcui.is_empty() => {}
            Err(against) => {
                let says = against.says(&it.drug);
                report.add(Weight::Refuses, against.word(), &fact, place, says);
            }
        }
    }
    for (rxcui, entries) in &imported {
        let name = resolver.name(*rxcui);
        for limit in facts.base.limits.iter().filter(|it| it.substance == *rxcui) {
            let Some(base) = plain_daily_mg(limit) else { continue };
            for (mg, source, fact, place) in entries {
                if apart(base, *mg) <= DOSE_RATIO_MAX {
                    continue;
                }
                let says = format!(
                    "{name}: {source} says {} mg a day, limit {} of the base {} mg: {:.0} times",
                    shown(*mg),
                    limit.id,
                    shown(base),
                    apart(base, *mg)
                );
                report.add(Weight::Refuses, "dose-outlier", fact, place.clone(), says.clone());
                let id = format!("limit/{}", limit.id);
                report.add(Weight::Doubts, "limit-outlier", &id, "base".to_owned(), says);
            }
        }
        for (n, (mg, source, fact, place)) in entries.iter().enumerate() {
            for (other, of, ..) in entries.iter().skip(n + 1) {
                if DOSE_RATIO_MAX < apart(*mg, *other) {
                    let (mg, other) = (shown(*mg), shown(*other));
                    let says = format!("{name}: {source} says {mg} mg a day, {of} {other} mg");
                    report.add(Weight::Doubts, "doses-apart", fact, place.clone(), says);
                }
            }
        }
    }
}

fn apart(a: f64, b: f64) -> f64 {
    let (low, high) = if a < b { (a, b) } else { (b, a) };
    if 0.0 < low { high / low } else { f64::INFINITY }
}

/// Without what floats add.
fn shown(mg: f64) -> f64 {
    (mg * 1e6).round() / 1e6
}

/// A limit of the whole day for any adult by mouth, in milligrams; one that spares what is given a
/// few times a week is one of the day too. Tables of daily maxima are of what is swallowed.
fn plain_daily_mg(limit: &Limit) -> Option<f64> {
    let factor = match limit.unit.as_str() {
        "mg" => 1.0,
        "g" => 1_000.0,
        "mcg" => 0.001,
        _ => return None,
    };
    let is_of_adults = limit.when.iter().all(|it| matches!(it, Predicate::PerWeek(..)));
    let is_by_mouth = limit.routes.is_empty() || limit.routes.contains(&Route::Oral);
    let is_plain = limit.measure == Measure::Daily && is_of_adults && is_by_mouth;
    is_plain.then_some(limit.value * factor)
}
