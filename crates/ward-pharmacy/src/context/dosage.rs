//! FHIR's Dosage.

use serde_json::Value;
use ward_rules::medication::{
    context::{Dosing, MaxPerPeriod, Quantity, RouteGiven},
    route::Route,
    sig,
    timing::PeriodUnit,
};

use super::{
    read::{Reading, codes, list, text, unit_of, words},
    timing,
};

/// A line of dosing, and whether it is to be given at once.
pub(super) struct Made {
    pub dosing: Dosing,
    pub is_stat: bool,
}

pub(super) fn read(reading: &mut Reading<'_>, place: &str, written: &Value) -> Made {
    let own_text = text(written, "text").trim().to_owned();
    let mut dosing = Dosing {
        sequence: written.get("sequence").and_then(Value::as_i64),
        route: written.get("route").map_or(RouteGiven::Absent, route),
        as_needed: written.get("asNeededBoolean").and_then(Value::as_bool).unwrap_or_default(),
        text: Some(own_text.clone()).filter(|it| !it.is_empty()),
        ..Dosing::default()
    };
    if let Some(why) = written.get("asNeededCodeableConcept") {
        dosing.as_needed = true;
        dosing.as_needed_for = Some(words(why)).filter(|it| !it.is_empty());
    }
    if let Some(of) = written.get("timing") {
        dosing.timing = timing::read(reading, &format!("{place}.timing"), of);
    }
    for (n, part) in list(written, "doseAndRate").enumerate() {
        amount(reading, &format!("{place}.doseAndRate[{n}]"), part, &mut dosing);
    }
    dosing.max_per_dose = reading.quantity(place, written, "maxDosePerAdministration");
    if let Some(ratio) = written.get("maxDosePerPeriod") {
        dosing.max_per_period = max_per_period(ratio);
        if dosing.max_per_period.is_none() {
            reading.gap(format!("{place}.maxDosePerPeriod"), "it is no amount in a time");
        }
    }
    let is_bare = dosing.dose.is_none() && dosing.rate.is_none() && dosing.timing.is_empty();
    if !is_bare || own_text.is_empty() {
        return Made { dosing, is_stat: false };
    }
    // Only words: they are read as a sig, and what is not understood is said.
    let sig = sig::parse(&own_text);
    if !sig.unread.is_empty() {
        reading.gap(format!("{place}.text"), "not every word of it is understood");
    }
    let route = match dosing.route {
        RouteGiven::Absent => sig.dosing.route.clone(),
        given => given,
    };
    let as_needed = dosing.as_needed || sig.dosing.as_needed;
    let dosing = Dosing {
        route,
        as_needed,
        sequence: dosing.sequence,
        as_needed_for: dosing.as_needed_for.or(sig.dosing.as_needed_for.clone()),
        max_per_dose: dosing.max_per_dose.or(sig.dosing.max_per_dose.clone()),
        max_per_period: dosing.max_per_period.or(sig.dosing.max_per_period.clone()),
        ..sig.dosing
    };
    Made { dosing, is_stat: sig.is_stat }
}

/// By code where one is known, else by what people read.
fn route(concept: &Value) -> RouteGiven {
    let by_code = codes(concept).iter().find_map(|it| Route::parse(&it.code));
    let by_words = || {
        let texts =
            list(concept, "coding").map(|it| text(it, "display")).chain([text(concept, "text")]);
        texts.filter_map(Route::parse).next()
    };
    match by_code.or_else(by_words) {
        Some(route) => RouteGiven::Known(route),
        None => RouteGiven::Unknown(words(concept)),
    }
}

fn amount(reading: &mut Reading<'_>, place: &str, part: &Value, dosing: &mut Dosing) {
    let mut one = (None, None);
    if part.get("doseQuantity").is_some() {
        one = (None, reading.quantity(place, part, "doseQuantity"));
    } else if let Some(range) = part.get("doseRange") {
        one = range_of(reading, &format!("{place}.doseRange"), range);
    }
    let rate = if part.get("rateQuantity").is_some() {
        reading.quantity(place, part, "rateQuantity")
    } else if let Some(range) = part.get("rateRange") {
        range_of(reading, &format!("{place}.rateRange"), range).1
    } else if let Some(ratio) = part.get("rateRatio") {
        let rate = ratio_of(ratio);
        if rate.is_none() {
            reading.gap(format!("{place}.rateRatio"), "it is no amount in a time");
        }
        rate
    } else {
        None
    };
    // Several are calculated and ordered ones: the largest is checked.
    let is_more = |new: &Option<Quantity>, here: &Option<Quantity>| match (new, here) {
        (Some(new), Some(here)) => here.unit == new.unit && here.value < new.value,
        (Some(_), None) => true,
        _ => false,
    };
    if is_more(&one.1, &dosing.dose) {
        (dosing.dose_low, dosing.dose) = one;
    }
    if is_more(&rate, &dosing.rate) {
        dosing.rate = rate;
    }
}

/// Low and high; the only end where there is one.
fn range_of(
    reading: &mut Reading<'_>,
    place: &str,
    range: &Value,
) -> (Option<Quantity>, Option<Quantity>) {
    let low = reading.quantity(place, range, "low");
    let high = reading.quantity(place, range, "high");
    match (low, high) {
        (low, Some(high)) => (low, Some(high)),
        (Some(low), None) => {
            reading.gap(place, "a range without an upper end: the lower one was taken");
            (None, Some(low))
        }
        (None, None) => (None, None),
    }
}

/// `100 mL / 1 h`, `2 ug/kg / 1 min` as a quantity.
fn ratio_of(ratio: &Value) -> Option<Quantity> {
    let (above, below) = (ratio.get("numerator")?, ratio.get("denominator")?);
    let value = above.get("value").and_then(Value::as_f64)?;
    let per = below.get("value").and_then(Value::as_f64).unwrap_or(1.0);
    if per <= 0.0 {
        return None;
    }
    Some(Quantity::new(value / per, format!("{}/{}", unit_of(above), unit_of(below))))
}

fn max_per_period(ratio: &Value) -> Option<MaxPerPeriod> {
    let (above, below) = (ratio.get("numerator")?, ratio.get("denominator")?);
    let value = above.get("value").and_then(Value::as_f64)?;
    let per = below.get("value").and_then(Value::as_f64).unwrap_or(1.0);
    let unit = match unit_of(below) {
        "day" | "days" => Some(PeriodUnit::Day),
        "hour" | "hours" => Some(PeriodUnit::Hour),
        "week" | "weeks" => Some(PeriodUnit::Week),
        code => PeriodUnit::of_code(code),
    }?;
    let period_h = per * unit.hours();
    (0.0 < period_h)
        .then(|| MaxPerPeriod { amount: Quantity::new(value, unit_of(above)), period_h })
}
