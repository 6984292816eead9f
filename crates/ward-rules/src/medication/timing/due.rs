//! A Timing as points in time.

use jiff::{
    Span, Timestamp, ToSpan, ZonedDateTime,
    civil::{Date, Time},
    tz::TimeZone,
};

use super::{Abbreviation, Bounds, PeriodUnit, Repeat, Schedule, Timing};

/// Due times of one order at once. LIMIT: every minute for a week.
pub const DUE_MAX: usize = 10_080;

/// Days that are looked at between the first dose and the window. LIMIT: ten years of an order.
const DAYS_MAX: usize = 3_660;

#[derive(Clone, Copy, PartialEq, Eq, Debug, thiserror::Error)]
pub enum DueError {
    #[error("the timing does not say how often")]
    NoFrequency,
    #[error("more than {DUE_MAX} doses are due in that time")]
    TooMany,
    #[error("the time is outside of the calendar")]
    Calendar,
}

/// When doses are due from `from` on and before `until`.
///
/// - Shape: `first` is when the order begins: intervals count from it, days from its date. Hours are
///   hours even when a clock is changed; days keep the time of the clock. A time that a clock leaves
///   out is moved after the gap; one that it shows twice is taken the first time.
/// - Errors: see [`DueError`]; a timing without frequency has no due times, which is not none.
/// - Source: FHIR R4, Timing; an abbreviation without interval is at the ward's times.
pub fn due(
    timing: &Timing,
    first: Timestamp,
    from: Timestamp,
    until: Timestamp,
    zone: &TimeZone,
    schedule: &Schedule,
) -> Result<Vec<Timestamp>, DueError> {
    let empty = Repeat::default();
    let repeat = timing.repeat.as_ref().unwrap_or(&empty);
    let (begins, ends) = bounds(repeat, first, zone)?;
    let mut made = Made {
        from,
        until: ends.map_or(until, |end| until.min(end)),
        begins,
        left: repeat.count_max.or(repeat.count).map(|n| usize::try_from(n).unwrap_or(usize::MAX)),
        due: Vec::new(),
    };
    if !timing.events.is_empty() {
        let mut events = timing.events.clone();
        events.sort();
        events.dedup();
        for at in events {
            if !made.push(at)? {
                break;
            }
        }
        return Ok(made.due);
    }
    let times = times_of_day(timing, repeat, schedule);
    match (times, interval(timing, repeat)) {
        (Some(times), _) => by_days(&mut made, timing, repeat, &times, zone)?,
        (None, Some(step)) => by_steps(&mut made, step, zone)?,
        // A count and nothing else: once, at the beginning.
        (None, None) if made.left == Some(1) => {
            made.push(begins)?;
        }
        (None, None) => return Err(DueError::NoFrequency),
    }
    Ok(made.due)
}

/// Due times as they are found, from the first dose on so that a count is right.
struct Made {
    from: Timestamp,
    until: Timestamp,
    begins: Timestamp,
    left: Option<usize>,
    due: Vec<Timestamp>,
}

impl Made {
    /// False when nothing more can come.
    fn push(&mut self, at: Timestamp) -> Result<bool, DueError> {
        if at < self.begins {
            return Ok(true);
        }
        if self.until <= at || self.left == Some(0) {
            return Ok(false);
        }
        if let Some(left) = &mut self.left {
            *left -= 1;
        }
        if self.from <= at {
            if DUE_MAX <= self.due.len() {
                return Err(DueError::TooMany);
            }
            self.due.push(at);
        }
        Ok(true)
    }
}

fn bounds(
    repeat: &Repeat,
    first: Timestamp,
    zone: &TimeZone,
) -> Result<(Timestamp, Option<Timestamp>), DueError> {
    let calendar = |_| DueError::Calendar;
    Ok(match &repeat.bounds {
        None => (first, None),
        Some(Bounds::Period { start, end }) => (start.map_or(first, |it| it.max(first)), *end),
        Some(Bounds::Hours { high, .. }) => {
            let span = jiff::SignedDuration::try_from_secs_f64(high * 3600.0).map_err(calendar)?;
            (first, Some(first.checked_add(span).map_err(calendar)?))
        }
        Some(Bounds::Days(days)) => {
            let (whole, part) = (days.trunc(), days.fract());
            let whole = days_span(whole)?;
            let part =
                jiff::SignedDuration::try_from_secs_f64(part * 86_400.0).map_err(calendar)?;
            let end = first.to_zoned_datetime(zone.clone()).checked_add(whole).map_err(calendar)?;
            (first, Some(end.timestamp().checked_add(part).map_err(calendar)?))
        }
    })
}

fn days_span(days: f64) -> Result<Span, DueError> {
    // Whole days as text: the one way from a float to an integer that cannot wrap.
    let days: i64 = format!("{days:.0}").parse().map_err(|_| DueError::Calendar)?;
    Span::new().try_days(days).map_err(|_| DueError::Calendar)
}

/// The times of a day on which something is due; nothing where it goes by intervals.
fn times_of_day(timing: &Timing, repeat: &Repeat, schedule: &Schedule) -> Option<Vec<Time>> {
    let mut times: Vec<Time> = if !repeat.times_of_day.is_empty() {
        repeat.times_of_day.clone()
    } else if !repeat.when.is_empty() && !repeat.is_when_decoration(timing.code) {
        repeat.when.iter().flat_map(|it| schedule.at(*it, repeat.offset_min)).collect()
    } else if let Some(code) = timing.code {
        schedule.times.get(&code).filter(|it| !it.is_empty())?.clone()
    } else {
        let is_days = repeat.period_unit == Some(PeriodUnit::Day) && repeat.period == Some(1.0);
        let is_on_days = repeat.period.is_none() && !repeat.days_of_week.is_empty();
        let n = repeat.frequency_max.max(repeat.frequency).unwrap_or(1).max(1);
        let code = match n {
            1 => Abbreviation::Qd,
            2 => Abbreviation::Bid,
            3 => Abbreviation::Tid,
            4 => Abbreviation::Qid,
            _ => return None,
        };
        let is_daily = is_days || is_on_days || !repeat.days_of_week.is_empty();
        schedule.times.get(&code).filter(|it| is_daily && !it.is_empty())?.clone()
    };
    times.sort();
    times.dedup();
    Some(times)
}

/// From one dose to the next.
#[derive(Clone, Copy, Debug)]
enum Step {
    Hours(f64),
    Days(i64),
    Months(i64),
}

fn interval(timing: &Timing, repeat: &Repeat) -> Option<Step> {
    if let Some(code) = timing.code {
        return Some(match code {
            Abbreviation::Mo => Step::Months(1),
            Abbreviation::Q24h => Step::Days(1),
            Abbreviation::Q48h => Step::Days(2),
            Abbreviation::Q72h => Step::Days(3),
            code => {
                let (frequency, hours) = code.per_hours();
                Step::Hours(hours / f64::from(frequency))
            }
        });
    }
    let (period, unit) = repeat.period.zip(repeat.period_unit)?;
    let frequency = f64::from(repeat.frequency_max.max(repeat.frequency).unwrap_or(1).max(1));
    if !period.is_finite() || period <= 0.0 {
        return None;
    }
    let whole = |n: f64| {
        let is_whole = frequency == 1.0 && n.fract() == 0.0;
        is_whole.then(|| format!("{n:.0}").parse::<i64>().ok()).flatten()
    };
    let by_calendar = match unit {
        PeriodUnit::Day => whole(period).map(Step::Days),
        PeriodUnit::Week => whole(period * 7.0).map(Step::Days),
        PeriodUnit::Month => whole(period).map(Step::Months),
        PeriodUnit::Year => whole(period * 12.0).map(Step::Months),
        _ => None,
    };
    Some(by_calendar.unwrap_or(Step::Hours(period * unit.hours() / frequency)))
}

/// Every step is counted from the first dose, so that the 31st stays the 31st where there is one.
fn by_steps(made: &mut Made, step: Step, zone: &TimeZone) -> Result<(), DueError> {
    let calendar = |_| DueError::Calendar;
    let first: ZonedDateTime = made.begins.to_zoned_datetime(zone.clone());
    let mut n: i64 = 0;
    if let Step::Hours(hours) = step
        && made.left.is_none()
    {
        // Straight to the window; what is before it needs no counting.
        let gap_h = made.from.duration_since(made.begins).as_secs_f64() / 3600.0;
        let skipped = (gap_h / hours).floor() - 1.0;
        if 0.0 < skipped {
            n = format!("{skipped:.0}").parse().map_err(|_| DueError::Calendar)?;
        }
    }
    let mut n_steps = 0;
    loop {
        let at = match step {
            Step::Hours(hours) => {
                let n = i32::try_from(n).map_err(|_| DueError::Calendar)?;
                let span = jiff::SignedDuration::try_from_secs_f64(f64::from(n) * hours * 3600.0);
                made.begins.checked_add(span.map_err(calendar)?).map_err(calendar)?
            }
            Step::Days(days) => {
                let span = Span::new().try_days(n.saturating_mul(days)).map_err(calendar)?;
                first.checked_add(span).map_err(calendar)?.timestamp()
            }
            Step::Months(months) => {
                let span = Span::new().try_months(n.saturating_mul(months)).map_err(calendar)?;
                first.checked_add(span).map_err(calendar)?.timestamp()
            }
        };
        if !made.push(at)? {
            return Ok(());
        }
        n += 1;
        n_steps += 1;
        if DUE_MAX.max(DAYS_MAX) * 2 < n_steps {
            return Err(DueError::TooMany);
        }
    }
}

fn by_days(
    made: &mut Made,
    timing: &Timing,
    repeat: &Repeat,
    times: &[Time],
    zone: &TimeZone,
) -> Result<(), DueError> {
    let calendar = |_| DueError::Calendar;
    let first: Date = made.begins.to_zoned_datetime(zone.clone()).date();
    // Every so many days or months from the first, where the period says so.
    let step = match (timing.code, interval(timing, repeat)) {
        (Some(Abbreviation::Qod), _) => Step::Days(2),
        (Some(Abbreviation::Wk), _) => Step::Days(7),
        (Some(Abbreviation::Mo), _) => Step::Months(1),
        (Some(_), _) => Step::Days(1),
        (None, Some(Step::Days(days))) if repeat.days_of_week.is_empty() => Step::Days(days),
        (None, Some(Step::Months(months))) => Step::Months(months),
        _ => Step::Days(1),
    };
    for n in 0..DAYS_MAX {
        let n = i64::try_from(n).map_err(|_| DueError::Calendar)?;
        let day = match step {
            Step::Months(months) => first.checked_add((n * months).months()),
            Step::Days(days) => first.checked_add((n * days).days()),
            Step::Hours(_) => first.checked_add(n.days()),
        };
        let day = day.map_err(calendar)?;
        if !repeat.days_of_week.is_empty() && !repeat.days_of_week.contains(&day.weekday()) {
            let begins = zone.to_timestamp(day.at(0, 0, 0, 0)).map_err(calendar)?;
            if made.until <= begins {
                return Ok(());
            }
            continue;
        }
        for time in times {
            let at = zone.to_timestamp(day.to_datetime(*time)).map_err(calendar)?;
            if !made.push(at)? {
                return Ok(());
            }
        }
    }
    Err(DueError::TooMany)
}

#[cfg(test)]
mod tests {
    use jiff::{Timestamp, tz::TimeZone};

    use super::{DueError, due};
    use crate::medication::{sig, timing::Schedule};

    /// Due times on the clock of Vienna.
    fn at(text: &str, first: &str, from: &str, until: &str) -> Result<String, DueError> {
        let zone = TimeZone::get("Europe/Vienna").unwrap();
        let point = |text: &str| -> Timestamp {
            zone.to_timestamp(text.parse::<jiff::civil::DateTime>().unwrap()).unwrap()
        };
        let timing = sig::parse(text).dosing.timing;
        let found =
            due(&timing, point(first), point(from), point(until), &zone, &Schedule::default())?;
        let shown = found
            .iter()
            .map(|it| it.to_zoned_datetime(zone.clone()).strftime("%m-%d %H:%M").to_string());
        Ok(shown.collect::<Vec<_>>().join(", "))
    }

    #[test]
    fn a_name_is_at_the_times_of_the_ward() {
        assert_eq!(
            at("BID", "2026-11-28T15:00", "2026-11-28T00:00", "2026-11-30T00:00").unwrap(),
            "11-28 21:00, 11-29 09:00, 11-29 21:00"
        );
        // Every twelve hours is another thing.
        assert_eq!(
            at("q12h", "2026-11-28T15:00", "2026-11-28T00:00", "2026-11-30T00:00").unwrap(),
            "11-28 15:00, 11-29 03:00, 11-29 15:00"
        );
        assert_eq!(
            at("TID AC", "2026-11-28T00:00", "2026-11-28T00:00", "2026-11-29T00:00").unwrap(),
            "11-28 07:30, 11-28 11:30, 11-28 17:30"
        );
    }

    #[test]
    fn hours_are_hours_when_the_clock_is_changed() {
        assert_eq!(
            at("q6h", "2026-03-28T20:00", "2026-03-28T20:00", "2026-03-29T16:00").unwrap(),
            "03-28 20:00, 03-29 03:00, 03-29 09:00, 03-29 15:00"
        );
        assert_eq!(
            at("q6h", "2026-10-24T20:00", "2026-10-24T20:00", "2026-10-25T14:00").unwrap(),
            "10-24 20:00, 10-25 02:00, 10-25 07:00, 10-25 13:00"
        );
        // A day is a day.
        assert_eq!(
            at("q24h", "2026-03-28T20:00", "2026-03-28T20:00", "2026-03-31T00:00").unwrap(),
            "03-28 20:00, 03-29 20:00, 03-30 20:00"
        );
        // 02:30 is left out on the 29th of March and there twice on the 25th of October.
        assert_eq!(
            at("at 02:30", "2026-03-28T00:00", "2026-03-28T00:00", "2026-03-31T00:00").unwrap(),
            "03-28 02:30, 03-29 03:30, 03-30 02:30"
        );
        assert_eq!(
            at("at 02:30", "2026-10-25T00:00", "2026-10-25T00:00", "2026-10-26T00:00").unwrap(),
            "10-25 02:30"
        );
    }

    #[test]
    fn months_end_where_they_end() {
        assert_eq!(
            at("every month", "2027-01-31T10:00", "2027-01-01T00:00", "2027-06-01T00:00").unwrap(),
            "01-31 10:00, 02-28 10:00, 03-31 10:00, 04-30 10:00, 05-31 10:00"
        );
    }

    #[test]
    fn courses_days_and_counts() {
        assert_eq!(
            at("BID x2d", "2026-11-28T15:00", "2026-11-28T00:00", "2026-12-30T00:00").unwrap(),
            "11-28 21:00, 11-29 09:00, 11-29 21:00, 11-30 09:00"
        );
        assert_eq!(
            at("q8h x 3 doses", "2026-11-28T15:00", "2026-11-29T00:00", "2026-12-30T00:00")
                .unwrap(),
            "11-29 07:00"
        );
        assert_eq!(
            at("daily on Mon, Thu", "2026-11-28T00:00", "2026-11-28T00:00", "2026-12-09T00:00")
                .unwrap(),
            "11-30 09:00, 12-03 09:00, 12-07 09:00"
        );
        assert_eq!(
            at("once", "2026-11-28T15:00", "2026-11-28T00:00", "2026-12-30T00:00").unwrap(),
            "11-28 15:00"
        );
        assert_eq!(
            at("every other day", "2026-11-28T00:00", "2026-11-29T00:00", "2026-12-03T00:00")
                .unwrap(),
            "11-30 09:00, 12-02 09:00"
        );
    }

    #[test]
    fn what_does_not_say_how_often_is_never_none() {
        let of = at("10 mg PO", "2026-11-28T15:00", "2026-11-28T00:00", "2026-12-30T00:00");
        assert_eq!(of, Err(DueError::NoFrequency));
    }
}
