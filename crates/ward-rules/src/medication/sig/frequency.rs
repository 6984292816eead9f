//! How often: `q6h`, `BID`, `every 4 to 6 hours`, `three times a day`.

use jiff::civil::{Time, Weekday, time};

use super::words::Words;
use crate::medication::timing::{Abbreviation, PeriodUnit, Repeat, WhenEvent};

/// Whether a word begins a frequency.
pub(super) fn begins(word: &str) -> bool {
    matches!(
        word,
        "every"
            | "daily"
            | "once"
            | "twice"
            | "nightly"
            | "weekly"
            | "monthly"
            | "hourly"
            | "thrice"
    ) || Abbreviation::parse(word).is_some()
        || every(word).is_some()
}

/// Hours in one of a word for time.
pub(super) fn hours_of(word: &str) -> Option<f64> {
    unit(word).map(PeriodUnit::hours)
}

fn unit(word: &str) -> Option<PeriodUnit> {
    Some(match word {
        "sec" | "second" | "seconds" => PeriodUnit::Second,
        "min" | "mins" | "minute" | "minutes" => PeriodUnit::Minute,
        "h" | "hr" | "hrs" | "hour" | "hours" => PeriodUnit::Hour,
        "d" | "day" | "days" => PeriodUnit::Day,
        "wk" | "wks" | "week" | "weeks" => PeriodUnit::Week,
        "mo" | "month" | "months" => PeriodUnit::Month,
        "year" | "years" => PeriodUnit::Year,
        _ => return None,
    })
}

/// `q6h`, `q4-6h`, `q3d`, `q2wk`: low, high, unit.
fn every(word: &str) -> Option<(f64, Option<f64>, PeriodUnit)> {
    let rest = word.strip_prefix('q')?;
    let end = rest.find(|c: char| !(c.is_ascii_digit() || matches!(c, '-' | '.')))?;
    let (number, of) = rest.split_at_checked(end)?;
    let of = unit(of)?;
    let plain = |text: &str| text.parse::<f64>().ok().filter(|n| n.is_finite() && 0.0 < *n);
    match number.split_once('-') {
        Some((low, high)) => {
            let (low, high) = (plain(low)?, plain(high)?);
            Some((low.min(high), Some(high.max(low)), of))
        }
        None => Some((plain(number)?, None, of)),
    }
}

pub(super) fn read(
    words: &mut Words,
    repeat: &mut Repeat,
    code: &mut Option<Abbreviation>,
) -> bool {
    let Some(word) = words.peek(0) else { return false };
    if days(words, repeat) || times(words, repeat) {
        return true;
    }
    if word == "at" && words.peek_is(1, "bedtime") || word == "nightly" || word == "bedtime" {
        words.skip(if word == "at" { 2 } else { 1 });
        let is_open = code.is_none() && repeat.period.is_none();
        if is_open || *code == Some(Abbreviation::Qd) {
            *code = Some(Abbreviation::Bed);
        } else {
            repeat.when.push(WhenEvent::BeforeSleep);
        }
        return true;
    }
    let is_set = code.is_some() || repeat.period.is_some();
    if let Some(found) = Abbreviation::parse(&word)
        && word.len() < 8
    {
        words.skip(1);
        if !is_set {
            *code = Some(found);
        } else if matches!(found, Abbreviation::Bed) {
            repeat.when.push(WhenEvent::BeforeSleep);
        } else if matches!(found, Abbreviation::Am | Abbreviation::Pm) {
            let event =
                if found == Abbreviation::Am { WhenEvent::Morning } else { WhenEvent::Evening };
            repeat.when.push(event);
        } else if found != Abbreviation::Qd {
            return false;
        }
        return true;
    }
    if is_set {
        return false;
    }
    let mut set = |frequency: u32, most: Option<u32>, low: f64, high: Option<f64>, of| {
        repeat.frequency = Some(frequency);
        repeat.frequency_max = most;
        repeat.period = Some(low);
        repeat.period_max = high;
        repeat.period_unit = Some(of);
    };
    if let Some((low, high, of)) = every(&word) {
        words.skip(1);
        set(1, None, low, high, of);
        return true;
    }
    match word.as_str() {
        "q" | "every" => {
            if words.peek_is(1, "other") && words.next_is(2, &["day", "d"]) {
                words.skip(3);
                *code = Some(Abbreviation::Qod);
                return true;
            }
            let part = words.peek(1);
            let named = match part.as_deref() {
                Some("morning") => Some(Abbreviation::Am),
                Some("evening") => Some(Abbreviation::Pm),
                Some("night" | "bedtime") => Some(Abbreviation::Bed),
                Some("day") => Some(Abbreviation::Qd),
                _ => None,
            };
            if let Some(named) = named {
                words.skip(2);
                *code = Some(named);
                return true;
            }
            if let Some((low, high, used)) = words.range_at(1)
                && let Some(of) = words.peek(1 + used).as_deref().and_then(unit)
                && 0.0 < low
            {
                words.skip(2 + used);
                set(1, None, low, high, of);
                return true;
            }
            if let Some(of) = part.as_deref().and_then(unit) {
                words.skip(2);
                set(1, None, 1.0, None, of);
                return true;
            }
            false
        }
        "weekly" => {
            words.skip(1);
            set(1, None, 1.0, None, PeriodUnit::Week);
            true
        }
        "monthly" => {
            words.skip(1);
            set(1, None, 1.0, None, PeriodUnit::Month);
            true
        }
        "hourly" => {
            words.skip(1);
            set(1, None, 1.0, None, PeriodUnit::Hour);
            true
        }
        "once" | "twice" | "thrice" => {
            let n = match word.as_str() {
                "once" => 1,
                "twice" => 2,
                _ => 3,
            };
            per(words, 1).is_some_and(|(of, used)| {
                words.skip(1 + used);
                set(n, None, 1.0, None, of);
                true
            })
        }
        _ => {
            let Some((low, high, used)) = words.range_at(0) else { return false };
            if !words.next_is(used, &["times", "time", "x"]) {
                return false;
            }
            let Some((of, more)) = per(words, used + 1) else { return false };
            let whole = |n: f64| format!("{n:.0}").parse::<u32>().ok().filter(|n| 0 < *n);
            let Some(n) = whole(low) else { return false };
            words.skip(used + 1 + more);
            set(n, high.and_then(whole), 1.0, None, of);
            true
        }
    }
}

/// `daily`, `a day`, `per week`: the unit, and how many words.
fn per(words: &Words, at: usize) -> Option<(PeriodUnit, usize)> {
    match words.peek(at)?.as_str() {
        "daily" => Some((PeriodUnit::Day, 1)),
        "weekly" => Some((PeriodUnit::Week, 1)),
        "monthly" => Some((PeriodUnit::Month, 1)),
        "a" | "per" | "each" | "every" => Some((unit(&words.peek(at + 1)?)?, 2)),
        _ => None,
    }
}

fn days(words: &mut Words, repeat: &mut Repeat) -> bool {
    let skipped = usize::from(words.peek_is(0, "on"));
    let Some(word) = words.peek(skipped) else { return false };
    let found: Option<Vec<Weekday>> = word.split('/').map(weekday).collect();
    let Some(found) = found.filter(|it| !it.is_empty()) else { return false };
    for day in found {
        if !repeat.days_of_week.contains(&day) {
            repeat.days_of_week.push(day);
        }
    }
    words.skip(skipped + 1);
    true
}

fn weekday(word: &str) -> Option<Weekday> {
    Some(match word {
        "mon" | "monday" | "mondays" => Weekday::Monday,
        "tue" | "tues" | "tuesday" | "tuesdays" => Weekday::Tuesday,
        "wed" | "wednesday" | "wednesdays" => Weekday::Wednesday,
        "thu" | "thur" | "thurs" | "thursday" | "thursdays" => Weekday::Thursday,
        "fri" | "friday" | "fridays" => Weekday::Friday,
        "sat" | "saturday" | "saturdays" => Weekday::Saturday,
        "sun" | "sunday" | "sundays" => Weekday::Sunday,
        _ => return None,
    })
}

/// `08:00`, `at 20:00`.
fn times(words: &mut Words, repeat: &mut Repeat) -> bool {
    let skipped = usize::from(words.peek_is(0, "at"));
    let Some(word) = words.peek(skipped) else { return false };
    let Some(at) = clock(&word) else { return false };
    repeat.times_of_day.push(at);
    words.skip(skipped + 1);
    true
}

fn clock(word: &str) -> Option<Time> {
    let (hour, minute) = word.split_once(':')?;
    let (hour, minute): (i8, i8) = (hour.parse().ok()?, minute.parse().ok()?);
    let is_time = (0..24).contains(&hour) && (0..60).contains(&minute);
    is_time.then(|| time(hour, minute, 0, 0))
}
