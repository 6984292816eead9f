//! How much of a substance an order gives: in one dose, in a day, in an hour.

use super::{
    drug::{Part, Resolved},
    facts::Facts,
};
use crate::medication::{
    context::{Dosing, Quantity},
    issue::NotCheckable,
    knowledge::{Rxcui, Substance},
    route::Route,
    timing::{Pace, pace},
    units::{Count, Counted, Unconvertible, Unit, UnitError},
};

/// An amount, or why it is not known.
pub(super) type Amount = Result<Counted, NotCheckable>;

/// One line of dosing, worked out for one ingredient.
#[derive(Clone, Debug)]
pub(super) struct Line<'a> {
    pub dosing: &'a Dosing,
    pub substance: &'a Substance,
    pub route: Option<Route>,
    pub pace: Option<Pace>,
    /// The upper end of one dose.
    pub single: Amount,
    /// As it was ordered, where it was ordered by the kilogram.
    pub single_per_kg: Option<Counted>,
    /// Per hour.
    pub rate: Option<Amount>,
    pub rate_per_kg: Option<Counted>,
    /// In the worst 24 hours.
    pub daily: Amount,
    pub daily_per_kg: Option<Counted>,
}

/// Every line of every ingredient of an order.
pub(super) fn lines<'a>(facts: &Facts, order: &Resolved<'a>) -> Vec<Line<'a>> {
    let parts = order.ingredients.iter();
    parts
        .flat_map(|part| order.order.dosing.iter().map(move |dosing| line(facts, part, dosing)))
        .collect()
}

fn line<'a>(facts: &Facts, part: &Part<'a>, dosing: &'a Dosing) -> Line<'a> {
    let mut pace = pace(&dosing.timing);
    let single = dosing.dose.as_ref().map(|dose| absolute(facts, part, dose));
    let rate = dosing.rate.as_ref().map(|rate| absolute(facts, part, rate));
    let of_body = |quantity: &Option<Quantity>| {
        let (counted, unit) = Counted::of(quantity.as_ref()?).ok()?;
        unit.per.kg.then_some(counted)
    };
    let single_per_kg = of_body(&dosing.dose);
    let rate_per_kg = of_body(&dosing.rate);
    // `max 3 doses per day` is a pace, too.
    let max = dosing.max_per_period.as_ref();
    if let Some(max) = max.filter(|it| it.amount.unit == "dose" && 0.0 < it.period_h) {
        let per_day = max.amount.value * (24.0 / max.period_h).max(1.0);
        pace = pace.map(|it| Pace { per_day: it.per_day.min(per_day), ..it });
    }
    let over_day = |one: &Amount, pace: Option<Pace>| -> Amount {
        let one = (*one)?;
        let pace = pace.ok_or(NotCheckable::NoFrequency)?;
        Ok(Counted { value: one.value * pace.per_day, count: one.count })
    };
    let mut daily = match (&single, &rate) {
        (Some(single), _) => over_day(single, pace),
        // What runs, runs all day unless it says for how long.
        (None, Some(rate)) => rate.map(|rate| {
            let hours =
                dosing.timing.repeat.as_ref().and_then(|it| it.duration_max_h.or(it.duration_h));
            let hours =
                hours.map_or(24.0, |hours| (hours * pace.map_or(1.0, |it| it.per_day)).min(24.0));
            Counted { value: rate.value * hours, count: rate.count }
        }),
        (None, None) => Err(NotCheckable::NoDose),
    };
    if let Some(max) = max.filter(|it| it.amount.unit != "dose" && 0.0 < it.period_h)
        && let Ok(most) = absolute(facts, part, &max.amount)
    {
        let most_a_day = most.value * (24.0 / max.period_h).max(1.0);
        daily = match daily {
            Ok(of) if of.count == most.count => {
                Ok(Counted { value: of.value.min(most_a_day), count: of.count })
            }
            Err(NotCheckable::NoFrequency) => Ok(Counted { value: most_a_day, count: most.count }),
            other => other,
        };
    }
    let daily_per_kg = match (single_per_kg, rate_per_kg) {
        (Some(one), _) => {
            pace.map(|pace| Counted { value: one.value * pace.per_day, count: one.count })
        }
        (None, Some(rate)) => Some(Counted { value: rate.value * 24.0, count: rate.count }),
        _ => None,
    };
    Line {
        dosing,
        substance: part.substance,
        route: dosing.route.known(),
        single: single.unwrap_or(Err(NotCheckable::NoDose)),
        pace,
        single_per_kg,
        rate,
        rate_per_kg,
        daily,
        daily_per_kg,
    }
}

/// What a quantity is for this patient: by the kilogram times the kilograms.
fn absolute(facts: &Facts, part: &Part<'_>, quantity: &Quantity) -> Amount {
    let (mut counted, unit) = Counted::of(quantity).map_err(why)?;
    if unit.per.volume || unit.per.piece {
        return Err(NotCheckable::UnknownUnit);
    }
    if unit.per.kg {
        counted.value *= facts.weight_kg.as_ref().map_err(|why| *why)?.value;
    }
    if unit.per.m2 {
        counted.value *= facts.surface_m2.as_ref().map_err(|why| *why)?.value;
    }
    counted.through(part.strength.as_ref()).map_err(why)
}

pub(super) const fn why(error: Unconvertible) -> NotCheckable {
    match error {
        Unconvertible::NoStrength => NotCheckable::NoStrength,
        Unconvertible::Unit(UnitError::Empty) | Unconvertible::Value => NotCheckable::NoDose,
        Unconvertible::Unit(_) | Unconvertible::NoRelation => NotCheckable::UnknownUnit,
    }
}

/// What a limit allows this patient, in what it counts.
pub(super) fn allowed(
    facts: &Facts,
    value: f64,
    unit: &Unit,
    cap: Option<f64>,
) -> Result<f64, NotCheckable> {
    let mut most = value * unit.factor;
    if unit.per.kg {
        most *= facts.weight_kg.as_ref().map_err(|why| *why)?.value;
    }
    if unit.per.m2 {
        most *= facts.surface_m2.as_ref().map_err(|why| *why)?.value;
    }
    // A cap is in the unit above the line: of `15 mg/kg` it is in milligrams.
    Ok(cap.map_or(most, |cap| most.min(cap * unit.factor)))
}

/// Lines one after the other do not add up; lines side by side do.
pub(super) fn daily_of(lines: &[Line<'_>], id: Rxcui, wanted: Count) -> Amount {
    let mut by_sequence: Vec<(Option<i64>, f64)> = Vec::new();
    let mut is_any = false;
    for line in lines.iter().filter(|it| it.substance.rxcui == id) {
        is_any = true;
        let amount = line.daily?.into(wanted, line.substance).map_err(why)?;
        let at = line.dosing.sequence;
        match by_sequence.iter_mut().find(|(sequence, _)| *sequence == at) {
            Some((_, sum)) => *sum += amount.value,
            None => by_sequence.push((at, amount.value)),
        }
    }
    if !is_any {
        return Err(NotCheckable::NoDose);
    }
    let unnumbered: f64 =
        by_sequence.iter().filter(|(at, _)| at.is_none()).map(|(_, sum)| sum).sum();
    let numbered = by_sequence.iter().filter(|(at, _)| at.is_some()).map(|(_, sum)| *sum);
    Ok(Counted { value: unnumbered + numbered.fold(0.0, f64::max), count: wanted })
}
