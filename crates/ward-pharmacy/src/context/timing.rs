//! FHIR's Timing.

use jiff::civil::{Time, Weekday};
use serde_json::Value;
use ward_rules::medication::timing::{Abbreviation, Bounds, PeriodUnit, Repeat, Timing, WhenEvent};

use super::read::{Reading, list, text, timestamp, unit_of, words};

pub(super) fn read(reading: &mut Reading<'_>, place: &str, written: &Value) -> Timing {
    let mut timing = Timing::default();
    for (n, event) in list(written, "event").enumerate() {
        match event.as_str().and_then(|it| timestamp(it, &reading.zone)) {
            Some(at) => timing.events.push(at),
            None => reading.gap(format!("{place}.event[{n}]"), "it is no date or time"),
        }
    }
    if let Some(code) = written.get("code") {
        let by_code = list(code, "coding").find_map(|it| Abbreviation::parse(text(it, "code")));
        timing.code = by_code.or_else(|| Abbreviation::parse(&words(code)));
    }
    if let Some(of) = written.get("repeat") {
        timing.repeat = Some(repeat(reading, &format!("{place}.repeat"), of));
    }
    let is_code_unread = written.get("code").is_some() && timing.code.is_none();
    if is_code_unread && timing.repeat.is_none() && timing.events.is_empty() {
        reading.gap(format!("{place}.code"), "it is no schedule that is known");
    }
    timing
}

fn repeat(reading: &mut Reading<'_>, place: &str, written: &Value) -> Repeat {
    let whole = |reading: &mut Reading<'_>, member: &str| -> Option<u32> {
        let value = written.get(member)?;
        let read = value.as_u64().and_then(|it| u32::try_from(it).ok()).filter(|it| 0 < *it);
        if read.is_none() {
            reading.gap(format!("{place}.{member}"), "it is no number above zero");
        }
        read
    };
    let unit = |reading: &mut Reading<'_>, member: &str| -> Option<PeriodUnit> {
        let value = written.get(member)?;
        let read = value.as_str().and_then(PeriodUnit::of_code);
        if read.is_none() {
            reading.gap(format!("{place}.{member}"), "it is no unit of time");
        }
        read
    };
    let count = whole(reading, "count");
    let count_max = whole(reading, "countMax");
    let frequency = whole(reading, "frequency");
    let frequency_max = whole(reading, "frequencyMax");
    let period = reading.number(place, written, "period");
    let period_max = reading.number(place, written, "periodMax");
    let period_unit = unit(reading, "periodUnit");
    let duration_unit = unit(reading, "durationUnit");
    let in_hours = |n: Option<f64>| n.zip(duration_unit).map(|(n, unit)| n * unit.hours());
    let duration_h = in_hours(reading.number(place, written, "duration"));
    let duration_max_h = in_hours(reading.number(place, written, "durationMax"));
    let offset_min = whole(reading, "offset");
    let mut made = Repeat {
        bounds: bounds(reading, place, written),
        count,
        count_max,
        duration_h,
        duration_max_h,
        frequency,
        frequency_max,
        period,
        period_max,
        period_unit,
        offset_min,
        ..Repeat::default()
    };
    if period.is_some() && period_unit.is_none() {
        reading.gap(format!("{place}.period"), "it has no unit");
    }
    for day in list(written, "dayOfWeek") {
        match day.as_str().and_then(weekday) {
            Some(day) => made.days_of_week.push(day),
            None => reading.gap(format!("{place}.dayOfWeek"), "it is no day of the week"),
        }
    }
    for time in list(written, "timeOfDay") {
        match time.as_str().and_then(|it| it.parse::<Time>().ok()) {
            Some(time) => made.times_of_day.push(time),
            None => reading.gap(format!("{place}.timeOfDay"), "it is no time of the day"),
        }
    }
    for when in list(written, "when") {
        match when.as_str().and_then(WhenEvent::of_code) {
            Some(when) => made.when.push(when),
            None => reading.gap(format!("{place}.when"), "it is no event that is known"),
        }
    }
    made
}

fn bounds(reading: &mut Reading<'_>, place: &str, written: &Value) -> Option<Bounds> {
    if let Some(period) = written.get("boundsPeriod") {
        let place = format!("{place}.boundsPeriod");
        let start = reading.time(&place, period, "start");
        let end = reading.time(&place, period, "end").map(|end| {
            // A date alone is over when the day is.
            let is_date = text(period, "end").len() <= 10;
            let day = jiff::SignedDuration::from_hours(24);
            if is_date { end.checked_add(day).unwrap_or(end) } else { end }
        });
        return Some(Bounds::Period { start, end });
    }
    let days = |quantity: &Value| -> Option<(f64, PeriodUnit)> {
        let value = quantity.get("value").and_then(Value::as_f64)?;
        let unit = match unit_of(quantity) {
            "days" | "day" => PeriodUnit::Day,
            "weeks" | "week" => PeriodUnit::Week,
            "hours" | "hour" => PeriodUnit::Hour,
            code => PeriodUnit::of_code(code)?,
        };
        Some((value, unit))
    };
    let made = |(value, unit): (f64, PeriodUnit)| match unit {
        PeriodUnit::Day => Bounds::Days(value),
        PeriodUnit::Week => Bounds::Days(value * 7.0),
        PeriodUnit::Month | PeriodUnit::Year => Bounds::Days(value * unit.hours() / 24.0),
        _ => Bounds::Hours { low: value * unit.hours(), high: value * unit.hours() },
    };
    let (member, quantity) = match (written.get("boundsDuration"), written.get("boundsRange")) {
        (Some(duration), _) => ("boundsDuration", Some(duration)),
        (None, Some(range)) => ("boundsRange", range.get("high").or_else(|| range.get("low"))),
        (None, None) => return None,
    };
    let read = quantity.and_then(days).map(made);
    if read.is_none() {
        reading.gap(format!("{place}.{member}"), "it is no length of time");
    }
    read
}

fn weekday(code: &str) -> Option<Weekday> {
    Some(match code {
        "mon" => Weekday::Monday,
        "tue" => Weekday::Tuesday,
        "wed" => Weekday::Wednesday,
        "thu" => Weekday::Thursday,
        "fri" => Weekday::Friday,
        "sat" => Weekday::Saturday,
        "sun" => Weekday::Sunday,
        _ => return None,
    })
}
