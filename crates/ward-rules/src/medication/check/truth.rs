//! Whether circumstances hold: yes, no, or not known.

use super::{
    amount::{self, Amount, Line},
    drug::Resolved,
    facts::Facts,
    found::Finder,
};
use crate::medication::{
    context::{Pregnancy, Sex},
    issue::{NotCheckable, Used},
    knowledge::{Cmp, Kidney, Predicate, Rxcui, Side, Term},
    route::Route,
    units::Unit,
};

/// What came of all circumstances of a rule.
#[derive(Clone, PartialEq, Debug)]
pub(super) enum Truth {
    Yes,
    No,
    Unknown(NotCheckable),
}

/// An order and the substance in it that a rule is about.
#[derive(Clone, Copy)]
pub(super) struct Subject<'s, 'a> {
    pub order: &'s Resolved<'a>,
    pub substance: Rxcui,
}

/// The two sides of a rule, and all that the patient gets beside them.
#[derive(Clone, Copy)]
pub(super) struct Scene<'s, 'a> {
    pub left: Subject<'s, 'a>,
    pub right: Option<Subject<'s, 'a>>,
    pub all: &'s [&'s Resolved<'a>],
}

/// Values that circumstances went by, and other orders and conditions that they found.
#[derive(Default)]
pub(super) struct Grounds {
    pub used: Vec<Used>,
    pub orders: Vec<String>,
    pub others: Vec<String>,
}

/// All of them: one that does not hold ends it, whatever is not known.
pub(super) fn all_hold(
    finder: &Finder<'_>,
    scene: Scene<'_, '_>,
    when: &[Predicate],
    grounds: &mut Grounds,
) -> Truth {
    let mut unknown = None;
    for predicate in when {
        match holds(finder, scene, predicate, grounds) {
            Truth::Yes => {}
            Truth::No => return Truth::No,
            Truth::Unknown(why) => unknown = unknown.or(Some(why)),
        }
    }
    unknown.map_or(Truth::Yes, Truth::Unknown)
}

fn yes(is_so: bool) -> Truth {
    if is_so { Truth::Yes } else { Truth::No }
}

fn holds(
    finder: &Finder<'_>,
    scene: Scene<'_, '_>,
    predicate: &Predicate,
    grounds: &mut Grounds,
) -> Truth {
    let facts = &finder.facts;
    let side = |side: &Side| match side {
        Side::Left => Some(scene.left),
        Side::Right => scene.right,
    };
    match predicate {
        Predicate::Age(cmp, years) => compare(facts.age_y, *cmp, *years),
        Predicate::Weight(cmp, kg) => match &facts.weight_kg {
            Ok(fact) => {
                grounds.used.extend(fact.used.iter().cloned());
                yes(cmp.holds(fact.value, *kg))
            }
            Err(why) => Truth::Unknown(*why),
        },
        Predicate::Sex(sex) => match facts.sex {
            Ok(of) => yes(of == *sex),
            Err(why) => Truth::Unknown(why),
        },
        Predicate::Pregnant(weeks) => pregnant(finder, weeks.as_ref()),
        Predicate::CanBePregnant => match finder.cx.patient.pregnancy {
            Pregnancy::Unknown => yes(may_be_pregnant(facts)),
            _ => Truth::No,
        },
        Predicate::Lactating => match finder.cx.patient.lactating {
            Some(is_so) => yes(is_so),
            None if may_be_pregnant(facts) => Truth::Unknown(NotCheckable::NoPregnancyStatus),
            None => Truth::No,
        },
        Predicate::Kidney(of, cmp, bound) => {
            let fact = match of {
                Kidney::CrCl => &facts.crcl,
                Kidney::Egfr => &facts.egfr,
            };
            match fact {
                Ok(fact) => {
                    grounds.used.extend(fact.used.iter().cloned());
                    yes(cmp.holds(fact.value, *bound))
                }
                Err(why) => Truth::Unknown(*why),
            }
        }
        Predicate::Lab(analyte, cmp, bound, hours) => match facts.lab(*analyte, *hours) {
            Ok(fact) => {
                grounds.used.extend(fact.used);
                yes(cmp.holds(fact.value, *bound))
            }
            Err(why) => Truth::Unknown(why),
        },
        Predicate::NoLab(analyte, hours) => match facts.lab(*analyte, Some(*hours)) {
            Ok(_) => Truth::No,
            // A value that cannot be read is none that was looked at.
            Err(_) => Truth::Yes,
        },
        Predicate::With(term) => with(finder, scene, term, grounds),
        Predicate::Without(term) => match with(finder, scene, term, &mut Grounds::default()) {
            Truth::Yes => Truth::No,
            _ => Truth::Yes,
        },
        Predicate::Condition(group) => match facts.condition(group) {
            Some(ids) => {
                grounds.others.extend(ids.iter().cloned());
                Truth::Yes
            }
            None => Truth::No,
        },
        Predicate::NoCondition(group) => yes(facts.condition(group).is_none()),
        Predicate::Route(at, routes) => side(at).map_or(Truth::No, |it| on(it, routes)),
        Predicate::NotRoute(at, routes) => match side(at).map_or(Truth::No, |it| on(it, routes)) {
            Truth::Yes => Truth::No,
            Truth::No => Truth::Yes,
            unknown => unknown,
        },
        Predicate::Daily(at, cmp, bound, unit) => side(at).map_or(Truth::No, |it| {
            let Ok(unit) = Unit::parse(unit) else {
                return Truth::Unknown(NotCheckable::UnknownUnit);
            };
            let of = amount::daily_of(&it.order.lines, it.substance, unit.count);
            measured(of, *cmp, *bound * unit.factor)
        }),
        Predicate::Single(at, cmp, bound, unit) => side(at).map_or(Truth::No, |it| {
            let Ok(unit) = Unit::parse(unit) else {
                return Truth::Unknown(NotCheckable::UnknownUnit);
            };
            let of = mine(it).map(|line| {
                let one = line.single?;
                one.into(unit.count, line.substance).map_err(amount::why)
            });
            let most = of.reduce(|a, b| match (a, b) {
                (Ok(a), Ok(b)) => Ok(if a.value < b.value { b } else { a }),
                (Err(why), _) | (_, Err(why)) => Err(why),
            });
            measured(most.unwrap_or(Err(NotCheckable::NoDose)), *cmp, *bound * unit.factor)
        }),
        Predicate::PerWeek(at, cmp, bound) => side(at).map_or(Truth::No, |it| {
            let paces: Option<Vec<f64>> =
                mine(it).map(|line| line.pace.map(|pace| pace.per_week)).collect();
            match paces {
                Some(paces) if !paces.is_empty() => yes(cmp.holds(paces.iter().sum(), *bound)),
                _ => Truth::Unknown(NotCheckable::NoFrequency),
            }
        }),
        Predicate::Days(cmp, bound) => {
            let days = mine(scene.left).filter_map(|line| line.pace.and_then(|it| it.days));
            days.max_by(f64::total_cmp).map_or(Truth::No, |days| yes(cmp.holds(days, *bound)))
        }
        Predicate::AsNeeded(at) => {
            yes(side(at).is_some_and(|it| mine(it).all(|line| line.dosing.as_needed)))
        }
        Predicate::Together => yes(!is_apart(scene)),
        Predicate::Ended => yes(scene
            .right
            .is_some_and(|it| it.order.order.end.is_some_and(|end| end <= finder.cx.now))),
        Predicate::Form(at, word) => yes(side(at).is_some_and(|it| {
            it.order.form().contains(word) || it.order.name().to_lowercase().contains(word)
        })),
    }
}

fn mine<'s, 'a>(it: Subject<'s, 'a>) -> impl Iterator<Item = &'s Line<'a>> {
    it.order.lines.iter().filter(move |line| line.substance.rxcui == it.substance)
}

fn compare(value: Result<f64, NotCheckable>, cmp: Cmp, bound: f64) -> Truth {
    match value {
        Ok(value) => yes(cmp.holds(value, bound)),
        Err(why) => Truth::Unknown(why),
    }
}

fn measured(amount: Amount, cmp: Cmp, bound: f64) -> Truth {
    // A hair's breadth is what floats add when units are turned into each other.
    let slack = bound.abs() * 1e-9;
    let bound = if matches!(cmp, Cmp::Above | Cmp::AtMost) { bound + slack } else { bound - slack };
    compare(amount.map(|it| it.value), cmp, bound)
}

fn with(finder: &Finder<'_>, scene: Scene<'_, '_>, term: &Term, grounds: &mut Grounds) -> Truth {
    let mut found = Truth::No;
    for other in scene.all {
        let is_subject = other.order.id == scene.left.order.order.id;
        if is_subject || other.is_local() {
            continue;
        }
        if other.ingredients.iter().any(|it| finder.kb.is_in(it.substance.rxcui, term)) {
            grounds.orders.push(other.order.id.clone());
            found = Truth::Yes;
        }
    }
    found
}

/// On one of the routes; not known where a line has none that is known.
fn on(it: Subject<'_, '_>, routes: &[Route]) -> Truth {
    let known: Vec<Option<Route>> = mine(it).map(|line| line.route).collect();
    if known.iter().flatten().any(|route| routes.contains(route)) {
        return Truth::Yes;
    }
    match known.is_empty() || known.iter().any(Option::is_none) {
        true => Truth::Unknown(NotCheckable::NoRoute),
        false => Truth::No,
    }
}

/// Both at written times, all of them two hours apart.
fn is_apart(scene: Scene<'_, '_>) -> bool {
    const APART_MIN: i32 = 120;
    let times = |it: Subject<'_, '_>| -> Option<Vec<i32>> {
        let mut all = Vec::new();
        for line in mine(it) {
            let of = &line.dosing.timing.repeat.as_ref()?.times_of_day;
            if of.is_empty() {
                return None;
            }
            all.extend(of.iter().map(|at| i32::from(at.hour()) * 60 + i32::from(at.minute())));
        }
        Some(all)
    };
    let Some(right) = scene.right else { return false };
    let (Some(left), Some(right)) = (times(scene.left), times(right)) else { return false };
    left.iter().all(|a| {
        right.iter().all(|b| {
            let gap = (a - b).rem_euclid(1440);
            APART_MIN <= gap.min(1440 - gap)
        })
    })
}

fn may_be_pregnant(facts: &Facts) -> bool {
    facts.sex != Ok(Sex::Male) && facts.age_y.is_ok_and(|age| (12.0..51.0).contains(&age))
}

fn pregnant(finder: &Finder<'_>, weeks: Option<&(Cmp, f64)>) -> Truth {
    let facts = &finder.facts;
    match &finder.cx.patient.pregnancy {
        Pregnancy::Pregnant { weeks: Some(of) } => {
            yes(weeks.is_none_or(|(cmp, bound)| cmp.holds(*of, *bound)))
        }
        Pregnancy::Pregnant { weeks: None } => match weeks {
            None => Truth::Yes,
            Some(_) => Truth::Unknown(NotCheckable::NoPregnancyStatus),
        },
        Pregnancy::NotPregnant { at } => {
            let max_h = f64::from(finder.cx.freshness.pregnancy_test_h);
            let is_old = at
                .is_some_and(|at| max_h * 3600.0 < finder.cx.now.duration_since(at).as_secs_f64());
            match is_old && may_be_pregnant(facts) {
                true => Truth::Unknown(NotCheckable::NoPregnancyStatus),
                false => Truth::No,
            }
        }
        Pregnancy::Unknown if may_be_pregnant(facts) => {
            Truth::Unknown(NotCheckable::NoPregnancyStatus)
        }
        Pregnancy::Unknown => Truth::No,
    }
}
