//! How much, how fast, how often, how long.

use super::{
    amount::{self, Amount, Line, allowed, daily_of},
    drug::{Part, Resolved},
    facts::{ADULT_FROM_Y, shown},
    found::Finder,
    truth::{Grounds, Scene, Subject, Truth, all_hold},
};
use crate::medication::{
    IssueKind, Tier,
    issue::{NotCheckable, Used},
    knowledge::{Limit, Measure},
    units::{Counted, Unit},
};

/// So many times a limit is no dose that anybody meant.
const ABSURD_FROM: f64 = 10.0;

pub(super) fn check(finder: &mut Finder<'_>, it: &Resolved<'_>, all: &[&Resolved<'_>]) {
    for part in &it.ingredients {
        complete(finder, it, part);
        let kb = finder.kb;
        let mut n_amounts = 0;
        let mut worst: Vec<Exceeded<'_>> = Vec::new();
        for limit in kb.limits_of(part.substance.rxcui) {
            match applies(finder, it, part, limit, all) {
                None => continue,
                Some(Truth::Yes) => {}
                Some(Truth::Unknown(why)) => {
                    let summary = format!(
                        "{}: whether a lower limit of the dose holds could not be checked: {}.",
                        part.substance.name,
                        why.text()
                    );
                    finder.not_checkable(why, Tier::Passive, &[it], summary);
                    continue;
                }
                Some(Truth::No) => continue,
            }
            n_amounts += usize::from(matches!(limit.measure, Measure::Single | Measure::Daily));
            match exceeded(finder, it, part, limit, all) {
                Ok(None) => {}
                Ok(Some(found)) => {
                    match worst.iter_mut().find(|it| it.measure() == limit.measure) {
                        // Of several limits the one that is broken worst is said.
                        Some(here) => {
                            if here.rank() < found.rank() {
                                *here = found;
                            }
                        }
                        None => worst.push(found),
                    }
                }
                Err(why) => unchecked(finder, it, part, limit, why),
            }
        }
        for found in worst {
            found.say(finder, it, part, all);
        }
        uncounted(finder, it, part, all);
        let is_child = finder.facts.age_y.is_ok_and(|age| age < ADULT_FROM_Y);
        let has_child_limit = kb
            .limits_of(part.substance.rxcui)
            .any(|limit| Unit::parse(&limit.unit).is_ok_and(|unit| unit.per.kg || unit.per.m2));
        if n_amounts == 0 || (is_child && !has_child_limit && !it.is_local()) {
            let of_child = if 0 < n_amounts { " of a child" } else { "" };
            finder.not_checkable(
                NotCheckable::NoDoseLimit,
                Tier::Passive,
                &[it],
                format!(
                    "The dose{of_child} of {} could not be checked: the knowledge base has no limit for it.",
                    part.substance.name
                ),
            );
        }
    }
    let is_child = finder.facts.age_y.is_ok_and(|age| age < ADULT_FROM_Y);
    if is_child
        && !it.is_local()
        && let Err(why) = finder.facts.weight_kg
    {
        finder.not_checkable(
            why,
            Tier::Interruptive,
            &[it],
            format!("The dose of {} for a child could not be checked: {}.", it.name(), why.text()),
        );
    }
}

/// Other orders of the substance of which nobody knows how much they give.
fn uncounted(finder: &mut Finder<'_>, it: &Resolved<'_>, part: &Part<'_>, all: &[&Resolved<'_>]) {
    let id = part.substance.rxcui;
    let mut daily = finder.kb.limits_of(id).filter(|it| it.measure == Measure::Daily);
    let Some(unit) = daily.find_map(|it| Unit::parse(&it.unit).ok()) else { return };
    for other in all.iter().filter(|other| other.has(id) && other.order.id != it.order.id) {
        if other.is_local() {
            continue;
        }
        if let Err(why) = daily_of(&other.lines, id, unit.count) {
            let summary = format!(
                "What {} gives of {} a day could not be counted: {}.",
                other.name(),
                part.substance.name,
                why.text()
            );
            finder.not_checkable(why, Tier::Passive, &[it, other], summary);
        }
    }
}

/// What an order must say for any check of its dose.
fn complete(finder: &mut Finder<'_>, it: &Resolved<'_>, part: &Part<'_>) {
    let name = part.substance.name.as_str();
    let mut said: Vec<NotCheckable> = Vec::new();
    for line in it.lines.iter().filter(|line| line.substance.rxcui == part.substance.rxcui) {
        let is_rate = line.rate.is_some();
        if let Err(why) = line.single
            && !is_rate
            && !line.route.is_some_and(|route| route.is_local() && why == NotCheckable::NoStrength)
        {
            said.push(why);
        }
        if let Some(Err(why)) = line.rate {
            said.push(why);
        }
        if line.pace.is_none() && !is_rate && !it.order.is_stat {
            said.push(NotCheckable::NoFrequency);
        }
    }
    said.sort();
    said.dedup();
    for why in said {
        let summary = format!("The dose of {name} could not be checked: {}.", why.text());
        finder.not_checkable(why, Tier::Interruptive, &[it], summary);
    }
}

/// Nothing where the limit is of another route; else whether its circumstances hold.
fn applies(
    finder: &Finder<'_>,
    it: &Resolved<'_>,
    part: &Part<'_>,
    limit: &Limit,
    all: &[&Resolved<'_>],
) -> Option<Truth> {
    let is_on = |line: &&Line<'_>| on_route(line, limit);
    let mut mine = it.lines.iter().filter(|line| line.substance.rxcui == part.substance.rxcui);
    mine.find(is_on)?;
    let subject = Subject { order: it, substance: part.substance.rxcui };
    let scene = Scene { left: subject, right: None, all };
    Some(all_hold(finder, scene, &limit.when, &mut Grounds::default()))
}

/// A limit without routes is of the whole body. Where no route is known, which is said, a limit of
/// one route would only be a guess.
fn on_route(line: &Line<'_>, limit: &Limit) -> bool {
    match line.route {
        None => limit.routes.is_empty(),
        Some(route) if limit.routes.is_empty() => !route.is_local(),
        Some(route) => limit.routes.contains(&route),
    }
}

/// A limit that an order goes beyond.
struct Exceeded<'a> {
    limit: &'a Limit,
    /// How many times the limit.
    times: f64,
    summary: String,
    used: Vec<Used>,
    others: Vec<String>,
}

impl<'a> Exceeded<'a> {
    /// A value that is above what a limit allows; `says` gets both as they are shown.
    fn of(
        limit: &'a Limit,
        (value, most): (f64, f64),
        says: impl FnOnce(String, String) -> String,
    ) -> Option<Exceeded<'a>> {
        above(value, most).then(|| Exceeded {
            limit,
            times: value / most,
            summary: says(shown(value), shown(most)),
            used: Vec::new(),
            others: Vec::new(),
        })
    }

    /// With the weight or the surface that the limit grows with.
    fn by_body(self, finder: &Finder<'_>, unit: &Unit) -> Exceeded<'a> {
        Exceeded { used: body_used(finder, unit), ..self }
    }

    fn measure(&self) -> Measure {
        self.limit.measure
    }

    fn tier(&self) -> Tier {
        let is_amount = matches!(
            self.limit.measure,
            Measure::Single | Measure::Daily | Measure::Rate | Measure::Cumulative
        );
        if is_amount && ABSURD_FROM <= self.times { Tier::HardStop } else { self.limit.tier }
    }

    fn rank(&self) -> (Tier, f64) {
        (self.tier(), self.times)
    }

    fn say(
        self,
        finder: &mut Finder<'_>,
        it: &Resolved<'_>,
        part: &Part<'_>,
        all: &[&Resolved<'_>],
    ) {
        let kind = match self.limit.measure {
            Measure::Single => IssueKind::SingleDose,
            Measure::Daily => IssueKind::DailyDose,
            Measure::Cumulative => IssueKind::CumulativeDose,
            Measure::Rate => IssueKind::Rate,
            Measure::Interval => IssueKind::Interval,
            Measure::Duration => IssueKind::Duration,
            Measure::Concentration => IssueKind::Concentration,
        };
        let mut issue =
            finder.of_entry(kind, self.tier(), &self.limit.id, self.limit.version, &[it]);
        issue.orders.extend(self.others);
        issue.substances = [part.substance.rxcui].into();
        issue.illustrative = self.limit.illustrative;
        issue.used = self.used;
        let mut grounds = Grounds::default();
        let subject = Subject { order: it, substance: part.substance.rxcui };
        let scene = Scene { left: subject, right: None, all };
        all_hold(finder, scene, &self.limit.when, &mut grounds);
        issue.used.extend(grounds.used);
        let hint = if self.limit.illustrative { " (illustrative)" } else { "" };
        issue.message.summary = format!("{}: {}{hint}.", part.substance.name, self.summary);
        issue.message.mechanism = self.limit.note.clone();
        issue.message.source = self.limit.source.clone();
        finder.add(issue);
    }
}

type Found<'a> = Result<Option<Exceeded<'a>>, NotCheckable>;

fn exceeded<'a>(
    finder: &Finder<'_>,
    it: &Resolved<'_>,
    part: &Part<'_>,
    limit: &'a Limit,
    all: &[&Resolved<'_>],
) -> Found<'a> {
    let unit = Unit::parse(&limit.unit).map_err(|_| NotCheckable::UnknownUnit)?;
    let lines: Vec<&Line<'_>> = it
        .lines
        .iter()
        .filter(|line| line.substance.rxcui == part.substance.rxcui && on_route(line, limit))
        .collect();
    match limit.measure {
        Measure::Single => single(finder, limit, &unit, &lines),
        Measure::Daily => daily(finder, it, part, limit, &unit, all),
        Measure::Cumulative => cumulative(finder, limit, &unit, &lines),
        Measure::Rate => rate(finder, limit, &unit, &lines),
        Measure::Concentration => concentration(limit, &unit, part),
        Measure::Interval => {
            let shortest = lines.iter().filter_map(|line| line.pace.and_then(|it| it.interval_h));
            let Some(hours) = shortest.min_by(f64::total_cmp) else { return Ok(None) };
            // The other way round: what is too short is exceeded by what must be.
            let pair = (limit.value * unit.factor, hours.max(1e-9));
            Ok(Exceeded::of(limit, pair, |least, hours| {
                format!("every {hours} h, at least {least} h must lie between doses")
            }))
        }
        Measure::Duration => {
            let longest = lines.iter().filter_map(|line| line.pace.and_then(|it| it.days));
            let Some(days) = longest.max_by(f64::total_cmp) else { return Ok(None) };
            let pair = (days, limit.value * unit.factor / 24.0);
            Ok(Exceeded::of(limit, pair, |days, most| {
                format!("for {days} days, at most {most} days")
            }))
        }
    }
}

/// More, beyond what floats add when units are turned into each other.
fn above(value: f64, most: f64) -> bool {
    most * (1.0 + 1e-9) < value
}

/// Of a value and its limit the pair that is worst.
fn worse(worst: Option<(f64, f64)>, (value, most): (f64, f64)) -> Option<(f64, f64)> {
    worst.filter(|(here, of)| value / most <= here / of).or(Some((value, most)))
}

fn single<'a>(
    finder: &Finder<'_>,
    limit: &'a Limit,
    unit: &Unit,
    lines: &[&Line<'_>],
) -> Found<'a> {
    let mut worst: Option<(f64, f64)> = None;
    for line in lines.iter().filter(|line| line.dosing.dose.is_some()) {
        let pair = match (line.single_per_kg, unit.per.kg, &finder.facts.weight_kg) {
            // By the kilogram against by the kilogram needs no weight.
            (Some(per_kg), true, Err(_)) if per_kg.count == unit.count => {
                (per_kg.value, limit.value * unit.factor)
            }
            _ => {
                let Ok(one) = line.single else { continue };
                let one = one.into(unit.count, line.substance).map_err(amount::why)?;
                (one.value, allowed(&finder.facts, limit.value, unit, limit.cap)?)
            }
        };
        worst = worse(worst, pair);
    }
    let (name, body) = (unit.count.unit(), by_body(limit, unit));
    let found = worst.and_then(|pair| {
        Exceeded::of(limit, pair, |value, most| {
            format!("a single dose of {value} {name} is above the maximum of {most} {name}{body}")
        })
    });
    Ok(found.map(|it| it.by_body(finder, unit)))
}

fn daily<'a>(
    finder: &Finder<'_>,
    it: &Resolved<'_>,
    part: &Part<'_>,
    limit: &'a Limit,
    unit: &Unit,
    all: &[&Resolved<'_>],
) -> Found<'a> {
    let id = part.substance.rxcui;
    let most = allowed(&finder.facts, limit.value, unit, limit.cap);
    let mut sum = 0.0;
    let mut others = Vec::new();
    for other in all.iter().filter(|other| other.has(id)) {
        let is_it = other.order.id == it.order.id;
        let lines: Vec<Line<'_>> = other
            .lines
            .iter()
            .filter(|line| line.substance.rxcui == id && on_route(line, limit))
            .cloned()
            .collect();
        if lines.is_empty() {
            continue;
        }
        match daily_of(&lines, id, unit.count) {
            Ok(amount) => sum += amount.value,
            // Of another order it is said when that one is checked; what is known still counts.
            Err(_) if !is_it => continue,
            Err(why) => match (&most, lines.iter().find_map(|line| line.daily_per_kg)) {
                (Err(_), Some(per_kg)) if unit.per.kg && per_kg.count == unit.count => {
                    return Ok(per_kg_exceeded(limit, unit, per_kg));
                }
                // Dose or times are missing, which is said already.
                _ if matches!(why, NotCheckable::NoRate) => return Err(why),
                _ => return Ok(None),
            },
        }
        if !is_it {
            others.push(other.order.id.clone());
        }
    }
    others.sort();
    let over = if others.is_empty() { "" } else { " over all orders" };
    let (name, body) = (unit.count.unit(), by_body(limit, unit));
    let found = Exceeded::of(limit, (sum, most?), |sum, most| {
        format!("{sum} {name} a day{over} is above the daily maximum of {most} {name}{body}")
    });
    Ok(found.map(|it| Exceeded { others, ..it.by_body(finder, unit) }))
}

fn per_kg_exceeded<'a>(limit: &'a Limit, unit: &Unit, amount: Counted) -> Option<Exceeded<'a>> {
    let name = unit.count.unit();
    Exceeded::of(limit, (amount.value, limit.value * unit.factor), |value, most| {
        format!("{value} {name}/kg a day is above the daily maximum of {most} {name}/kg")
    })
}

fn cumulative<'a>(
    finder: &Finder<'_>,
    limit: &'a Limit,
    unit: &Unit,
    lines: &[&Line<'_>],
) -> Found<'a> {
    let most = allowed(&finder.facts, limit.value, unit, limit.cap)?;
    let mut sum = 0.0;
    for line in lines {
        let (Ok(one), Some(total)) = (line.single, line.pace.and_then(|it| it.total)) else {
            continue;
        };
        sum += one.into(unit.count, line.substance).map_err(amount::why)?.value * total;
    }
    let (name, body) = (unit.count.unit(), by_body(limit, unit));
    let found = Exceeded::of(limit, (sum, most), |sum, most| {
        format!("{sum} {name} in the whole course is above the maximum of {most} {name}{body}")
    });
    Ok(found.map(|it| it.by_body(finder, unit)))
}

fn rate<'a>(finder: &Finder<'_>, limit: &'a Limit, unit: &Unit, lines: &[&Line<'_>]) -> Found<'a> {
    let most = allowed(&finder.facts, limit.value, unit, limit.cap);
    let mut worst: Option<(f64, f64)> = None;
    for line in lines {
        let over_h = line.dosing.timing.repeat.as_ref().and_then(|it| it.duration_h);
        let of: Amount = match (line.rate, over_h) {
            (Some(rate), _) => rate,
            (None, Some(hours)) if 0.0 < hours => {
                line.single.map(|it| Counted { value: it.value / hours, count: it.count })
            }
            (None, _) => return Err(NotCheckable::NoRate),
        };
        let pair = match (line.rate_per_kg, &most) {
            (Some(per_kg), Err(_)) if unit.per.kg && per_kg.count == unit.count => {
                (per_kg.value, limit.value * unit.factor)
            }
            (_, most) => {
                let Ok(of) = of else { continue };
                let of = of.into(unit.count, line.substance).map_err(amount::why)?;
                (of.value, (*most)?)
            }
        };
        worst = worse(worst, pair);
    }
    let (name, body) = (unit.count.unit(), by_body(limit, unit));
    let found = worst.and_then(|pair| {
        Exceeded::of(limit, pair, |value, most| {
            format!("{value} {name}/h is faster than the maximum of {most} {name}/h{body}")
        })
    });
    Ok(found.map(|it| it.by_body(finder, unit)))
}

fn concentration<'a>(limit: &'a Limit, unit: &Unit, part: &Part<'_>) -> Found<'a> {
    let Some(strength) = &part.strength else { return Ok(None) };
    let per = Unit::parse(&strength.per_unit).map_err(|_| NotCheckable::UnknownUnit)?;
    let above_line = Unit::parse(&strength.unit).map_err(|_| NotCheckable::UnknownUnit)?;
    if !unit.per.volume || per.count != crate::medication::units::Count::Volume {
        return Ok(None);
    }
    let amount = Counted { value: strength.value * above_line.factor, count: above_line.count };
    let amount = amount.into(unit.count, part.substance).map_err(amount::why)?;
    let pair = (amount.value / (strength.per_value * per.factor), limit.value * unit.factor);
    let name = unit.count.unit();
    Ok(Exceeded::of(limit, pair, |value, most| {
        format!("{value} {name}/mL is stronger than the maximum of {most} {name}/mL")
    }))
}

/// ` (15 mg/kg, at most 1000 mg)`.
fn by_body(limit: &Limit, unit: &Unit) -> String {
    if !unit.per.kg && !unit.per.m2 {
        return String::new();
    }
    let cap = limit.cap.map_or(String::new(), |cap| {
        format!(", at most {} {}", shown(cap * unit.factor), unit.count.unit())
    });
    format!(" ({} {}{cap})", shown(limit.value), limit.unit)
}

fn body_used(finder: &Finder<'_>, unit: &Unit) -> Vec<Used> {
    let of = match (unit.per.kg, unit.per.m2) {
        (true, _) => &finder.facts.weight_kg,
        (_, true) => &finder.facts.surface_m2,
        _ => return Vec::new(),
    };
    of.as_ref().map(|fact| fact.used.clone()).unwrap_or_default()
}

fn unchecked(
    finder: &mut Finder<'_>,
    it: &Resolved<'_>,
    part: &Part<'_>,
    limit: &Limit,
    why: NotCheckable,
) {
    let name = part.substance.name.as_str();
    let what = match limit.measure {
        Measure::Rate => "rate",
        Measure::Concentration => "concentration",
        _ => "dose",
    };
    let summary = format!("The {what} of {name} could not be checked: {}.", why.text());
    let tier = limit.tier.min(Tier::Interruptive);
    finder.not_checkable(why, tier, &[it], summary);
}
