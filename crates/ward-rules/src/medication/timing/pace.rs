//! How many doses a Timing means at most.

use super::{Bounds, Repeat, Timing};

/// Doses at their most, as checks count them.
#[derive(Clone, Copy, PartialEq, Debug)]
pub struct Pace {
    /// In any 24 hours.
    pub per_day: f64,
    /// In any seven days.
    pub per_week: f64,
    /// The shortest time between two, in hours; none where there is only one dose.
    pub interval_h: Option<f64>,
    /// Of the whole course, where it ends.
    pub total: Option<f64>,
    /// Days of the course, where it ends.
    pub days: Option<f64>,
}

/// The pace of a Timing; nothing where it does not say how often.
///
/// - Shape: of ranges the more frequent end; as needed is as often as it may be.
pub fn pace(timing: &Timing) -> Option<Pace> {
    let of_events = || {
        let mut events = timing.events.clone();
        events.sort();
        let count = number(events.len());
        let gaps = events.windows(2).filter_map(|pair| {
            let [a, b] = pair else { return None };
            Some(b.duration_since(*a).as_secs_f64() / 3600.0)
        });
        let days = events
            .last()
            .zip(events.first())
            .map(|(last, first)| (last.duration_since(*first).as_secs_f64() / 86_400.0).max(1.0));
        Pace {
            per_day: densest(&events, 24.0),
            per_week: densest(&events, 168.0),
            interval_h: gaps.min_by(f64::total_cmp),
            total: Some(count),
            days,
        }
    };
    let empty = Repeat::default();
    let repeat = timing.repeat.as_ref().unwrap_or(&empty);
    let Some((per_day, per_week, interval_h)) = rhythm(timing, repeat) else {
        if !timing.events.is_empty() {
            return Some(of_events());
        }
        let count = repeat.count_max.or(repeat.count)?;
        let count = f64::from(count);
        // So many doses, and nobody says when: one is one, more could all be today.
        return Some(Pace {
            per_day: count,
            per_week: count,
            interval_h: None,
            total: Some(count),
            days: (count <= 1.0).then_some(1.0),
        });
    };
    let count = repeat.count_max.or(repeat.count).map(f64::from);
    let bound_days = match &repeat.bounds {
        Some(Bounds::Hours { high, .. }) => Some(high / 24.0),
        Some(Bounds::Days(days)) => Some(*days),
        Some(Bounds::Period { start: Some(start), end: Some(end) }) => {
            Some(end.duration_since(*start).as_secs_f64() / 86_400.0)
        }
        _ => None,
    };
    let per_long_day = per_week / 7.0;
    let by_bounds = bound_days.map(|days| (days * per_long_day).max(per_day.min(1.0)).ceil());
    let total = match (count, by_bounds) {
        (Some(a), Some(b)) => Some(a.min(b)),
        (a, b) => a.or(b),
    };
    let days = match (bound_days, count) {
        (Some(days), None) => Some(days),
        (days, Some(count)) => {
            let by_count = (count / per_long_day).ceil().max(1.0);
            Some(days.map_or(by_count, |days| days.min(by_count)))
        }
        (None, None) => None,
    };
    let at_most = |n: f64| total.map_or(n, |total| n.min(total));
    Some(Pace {
        per_day: at_most(per_day),
        per_week: at_most(per_week),
        interval_h: interval_h.filter(|_| total.is_none_or(|total| 1.0 < total)),
        total,
        days,
    })
}

/// Doses in a day, in a week, and the shortest interval.
fn rhythm(timing: &Timing, repeat: &Repeat) -> Option<(f64, f64, Option<f64>)> {
    let days_a_week =
        if repeat.days_of_week.is_empty() { 7.0 } else { number(repeat.days_of_week.len()) };
    let period_h = repeat
        .period
        .zip(repeat.period_unit)
        .map(|(n, unit)| n * unit.hours())
        .filter(|h| h.is_finite() && 0.0 < *h);
    // A schedule of days: what is due on one of them, and how many of them a week has.
    let on_days = |per_day: f64, interval_h: f64| {
        let every = period_h.map_or(1.0, |h| (h / 24.0).max(1.0));
        let days = if repeat.days_of_week.is_empty() { 7.0 / every } else { days_a_week };
        (per_day, (per_day * days).ceil(), Some(interval_h))
    };
    if !repeat.times_of_day.is_empty() {
        let mut minutes: Vec<f64> = repeat
            .times_of_day
            .iter()
            .map(|time| f64::from(time.hour()) * 60.0 + f64::from(time.minute()))
            .collect();
        minutes.sort_by(f64::total_cmp);
        minutes.dedup();
        let gaps = minutes.iter().zip(minutes.iter().cycle().skip(1)).map(|(a, b)| {
            let gap = (b - a).rem_euclid(1440.0);
            if gap == 0.0 { 24.0 } else { gap / 60.0 }
        });
        let interval_h = gaps.min_by(f64::total_cmp).unwrap_or(24.0);
        return Some(on_days(number(minutes.len()), interval_h));
    }
    if !repeat.when.is_empty() && !repeat.is_when_decoration(timing.code) {
        let per_day: u32 = repeat.when.iter().map(|event| event.per_day()).sum();
        let per_day = f64::from(per_day);
        return Some(on_days(per_day, 24.0 / per_day));
    }
    let (frequency, period_h) = match (timing.code, period_h) {
        (Some(code), _) => {
            let (frequency, hours) = code.per_hours();
            (f64::from(frequency), hours)
        }
        (None, Some(period_h)) => {
            let most = repeat.frequency_max.max(repeat.frequency).unwrap_or(1).max(1);
            (f64::from(most), period_h)
        }
        (None, None) if !repeat.days_of_week.is_empty() => {
            let most = repeat.frequency_max.max(repeat.frequency).unwrap_or(1).max(1);
            return Some((f64::from(most), f64::from(most) * days_a_week, Some(24.0)));
        }
        (None, None) => return None,
    };
    let within = |hours: f64| {
        if period_h <= hours {
            frequency * ceil(hours / period_h)
        } else {
            // Spread over the period, as far as that can be.
            ceil(frequency * hours / period_h).max(1.0)
        }
    };
    let per_day = within(24.0);
    let per_week =
        if repeat.days_of_week.is_empty() { within(168.0) } else { per_day * days_a_week };
    Some((per_day, per_week, Some(period_h / frequency)))
}

/// The most events in any window of so many hours.
fn densest(events: &[jiff::Timestamp], hours: f64) -> f64 {
    let within = |from: &jiff::Timestamp| {
        let inside = events.iter().filter(|it| {
            let after_s = it.duration_since(*from).as_secs_f64();
            (0.0..hours * 3600.0).contains(&after_s)
        });
        number(inside.count())
    };
    events.iter().map(within).fold(0.0, f64::max)
}

/// Rounded up, but for what the division of floats adds.
fn ceil(n: f64) -> f64 {
    (n - 1e-9).ceil()
}

fn number(n: usize) -> f64 {
    u32::try_from(n).map_or(f64::INFINITY, f64::from)
}

#[cfg(test)]
mod tests {
    use super::{Timing, pace};
    use crate::medication::sig;

    fn per_day_and_week(text: &str) -> Option<(f64, f64)> {
        let timing: Timing = sig::parse(text).dosing.timing;
        pace(&timing).map(|it| (it.per_day, it.per_week))
    }

    #[test]
    fn the_more_frequent_end_counts() {
        for (text, expected) in [
            ("BID", (2.0, 14.0)),
            ("q6h", (4.0, 28.0)),
            ("q4-6h", (6.0, 42.0)),
            ("q5h", (5.0, 34.0)),
            ("daily", (1.0, 7.0)),
            ("every other day", (1.0, 4.0)),
            ("weekly", (1.0, 1.0)),
            ("q72h", (1.0, 3.0)),
            ("2-3 times a day", (3.0, 21.0)),
            ("TID with meals", (3.0, 21.0)),
            ("at 08:00 and 20:00", (2.0, 14.0)),
            ("daily on Mon, Wed, Fri", (1.0, 3.0)),
            ("once", (1.0, 1.0)),
            ("q6h x 2 doses", (2.0, 2.0)),
        ] {
            assert_eq!(per_day_and_week(text), Some(expected), "{text}");
        }
        assert_eq!(per_day_and_week("10 mg PO"), None);
    }

    #[test]
    fn a_course_ends() {
        let of = |text: &str| pace(&sig::parse(text).dosing.timing).unwrap();
        assert_eq!(of("BID x7d").days, Some(7.0));
        assert_eq!(of("BID x7d").total, Some(14.0));
        assert_eq!(of("q6h x 8 doses").days, Some(2.0));
        assert_eq!(of("q6h").days, None);
        assert_eq!(of("q8h").interval_h, Some(8.0));
        assert_eq!(of("at 08:00 and 14:00").interval_h, Some(6.0));
        assert_eq!(of("once").interval_h, None);
    }
}
