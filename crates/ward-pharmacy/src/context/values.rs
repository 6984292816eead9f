//! Weights, heights, laboratory values, pregnancy.

use jiff::Timestamp;
use serde_json::Value;
use ward_rules::medication::{
    CheckContext,
    context::{Lab, Measured, Pregnancy, Quantity},
    lab::Analyte,
};

use super::{
    condition::is_void,
    read::{Reading, has_code, list, place, text},
};

const WEIGHT: &[&str] = &["29463-7", "3141-9", "8335-2", "3142-7"];
const HEIGHT: &[&str] = &["8302-2", "3137-7", "8306-3", "8301-4"];
const PREGNANCY_STATUS: &str = "82810-3";
const GESTATIONAL_AGE: &[&str] = &["18185-9", "49051-6", "11884-4"];
const LACTATION_STATUS: &str = "63895-7";

pub(super) fn read(reading: &mut Reading<'_>, cx: &mut CheckContext, resources: &[&Value]) {
    let mut pregnancy: Option<(Option<Timestamp>, bool)> = None;
    let mut weeks: Option<(Option<Timestamp>, f64)> = None;
    for resource in resources.iter().filter(|it| !is_void(it)) {
        let place = place(resource);
        let at = ["effectiveDateTime", "effectiveInstant"]
            .iter()
            .find_map(|member| reading.time(&place, resource, member))
            .or_else(|| {
                let period = resource.get("effectivePeriod")?;
                let place = format!("{place}.effectivePeriod");
                reading
                    .time(&place, period, "end")
                    .or_else(|| reading.time(&place, period, "start"))
            });
        if at.is_some_and(|at| reading.now < at) {
            continue;
        }
        let Some(code) = resource.get("code") else { continue };
        if has_code(code, &[PREGNANCY_STATUS]) {
            let is_so = resource.get("valueCodeableConcept").and_then(|it| {
                let is_yes = has_code(it, &["77386006", "LA15173-0"]);
                let is_no = has_code(it, &["60001007", "LA26683-5"]);
                (is_yes || is_no).then_some(is_yes)
            });
            match is_so {
                Some(is_so) if pregnancy.is_none_or(|(other, _)| other <= at) => {
                    pregnancy = Some((at, is_so));
                }
                Some(_) => {}
                None => reading.gap(format!("{place}.value"), "the pregnancy status is not known"),
            }
            continue;
        }
        if has_code(code, &[LACTATION_STATUS]) {
            let is_yes = resource
                .get("valueCodeableConcept")
                .is_some_and(|it| has_code(it, &["LA33-6", "413712001", "169741004"]));
            cx.patient.lactating = Some(is_yes);
            continue;
        }
        one(reading, cx, &place, code, resource, at, &mut weeks);
        for component in list(resource, "component") {
            if let Some(code) = component.get("code") {
                one(reading, cx, &place, code, component, at, &mut weeks);
            }
        }
    }
    match pregnancy {
        Some((_, true)) => cx.patient.pregnancy = Pregnancy::Pregnant { weeks: None },
        // A condition says pregnant and a test says not: what is graver stands.
        Some((at, false)) if cx.patient.pregnancy == Pregnancy::Unknown => {
            cx.patient.pregnancy = Pregnancy::NotPregnant { at };
        }
        _ => {}
    }
    if let (Pregnancy::Pregnant { weeks: here }, Some((at, of))) =
        (&mut cx.patient.pregnancy, weeks)
    {
        let since = at.map_or(0.0, |at| reading.now.duration_since(at).as_secs_f64() / 604_800.0);
        *here = Some(of + since).filter(|it| *it < 45.0);
    }
}

fn one(
    reading: &mut Reading<'_>,
    cx: &mut CheckContext,
    place: &str,
    code: &Value,
    within: &Value,
    at: Option<Timestamp>,
    weeks: &mut Option<(Option<Timestamp>, f64)>,
) {
    let analyte = list(code, "coding").find_map(|it| Analyte::of_loinc(text(it, "code")));
    let is_weight = has_code(code, WEIGHT);
    let is_height = has_code(code, HEIGHT);
    let is_age = has_code(code, GESTATIONAL_AGE);
    if analyte.is_none() && !is_weight && !is_height && !is_age {
        return;
    }
    // A value that was not measured says why; it is none.
    if within.get("dataAbsentReason").is_some() {
        return;
    }
    let quantity = match (within.get("valueQuantity"), within.get("valueInteger")) {
        (Some(value), _) if value.get("comparator").is_some() && analyte.is_some() => {
            // `< 0.2` is as good as 0.2 for every bound that is checked above it.
            bounded(value)
        }
        (Some(_), _) => reading.quantity(place, within, "valueQuantity"),
        (None, Some(value)) => value.as_f64().map(|it| Quantity::new(it, "")),
        (None, None) => None,
    };
    let Some(quantity) = quantity else {
        reading.gap(place, "the observation has no value that is a quantity");
        return;
    };
    if is_weight {
        cx.patient.weights.push(Measured { quantity, at });
    } else if is_height {
        cx.patient.heights.push(Measured { quantity, at });
    } else if is_age {
        let of = match quantity.unit.as_str() {
            "wk" | "weeks" | "week" => Some(quantity.value),
            "d" | "days" | "day" => Some(quantity.value / 7.0),
            _ => None,
        };
        match of {
            Some(of) if weeks.is_none_or(|(other, _)| other <= at) => *weeks = Some((at, of)),
            Some(_) => {}
            None => reading.gap(place, "a gestational age is in weeks or days"),
        }
    } else if let Some(analyte) = analyte {
        cx.labs.push(Lab { analyte, quantity, at });
    }
}

fn bounded(value: &Value) -> Option<Quantity> {
    let number = value.get("value").and_then(Value::as_f64)?;
    Some(Quantity::new(number, super::read::unit_of(value)))
}
