//! Units and routes of VistA against those that checks know.

use std::collections::BTreeMap;

use ward_rules::medication::route::Route;

use super::{Report, Weight};
use crate::knowledge::facts::Facts;

/// How far a factor and that of the way back may be from 1 together.
const FACTOR_SLACK: f64 = 1e-3;

pub(super) fn check(facts: &Facts, report: &mut Report) {
    let vista = &facts.vista;
    if !vista.conversions.is_empty() {
        report.looked("conversions of units", vista.conversions.len());
    }
    let mut factors: BTreeMap<(&str, &str), f64> = BTreeMap::new();
    for it in &vista.conversions {
        let key = (it.from.as_str(), it.to.as_str());
        let fact = format!("unit/{}/{}", it.from, it.to);
        let place = "VistA file 51.25".to_owned();
        if let Some(had) = factors.insert(key, it.factor)
            && had != it.factor
        {
            let says = format!("one {} is {had} and {} {}", it.from, it.factor, it.to);
            report.add(Weight::Doubts, "unit-contradicts", &fact, place.clone(), says);
        }
        if let Some(back) = factors.get(&(it.to.as_str(), it.from.as_str()))
            && FACTOR_SLACK < (back * it.factor - 1.0).abs()
        {
            let says = format!("one {} is {} {}, and back it is {back}", it.from, it.factor, it.to);
            report.add(Weight::Doubts, "unit-contradicts", &fact, place, says);
        }
    }
    for it in &vista.routes {
        if Route::parse(&it.name).is_none() && Route::parse(&it.maps_to).is_none() {
            let fact = format!("route/{}", it.name);
            let says = format!("checks know no route {}", it.name);
            let place = "VistA file 51.23".to_owned();
            report.add(Weight::Notes, "route-unknown", &fact, place, says);
        }
    }
}
