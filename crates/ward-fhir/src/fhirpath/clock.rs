//! Dates and times plus and minus durations.
//!
//! - Source: FHIRPath N1, 6.7.2 and 6.7.5, "Date/Time Arithmetic".

use jiff::{Span, civil};

use super::{item::Moment, number::Number};

/// Of what a duration is.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Unit {
    Year,
    Month,
    Day,
    Second,
}

/// A moment that much later, or earlier for a negative number; `None` where the unit is none of
/// time, or the result is past what a calendar has.
///
/// - Shape: as precise as the moment was; what is finer than that is left off towards zero.
pub(super) fn moved(moment: &Moment, number: Number, unit: &str) -> Option<Moment> {
    let (unit, times) = unit_of(unit)?;
    let whole = |number: Number| towards_zero(number).to_integer();
    let text = match unit {
        Unit::Year => months_on(&moment.text, whole(number)?.checked_mul(12)?)?,
        Unit::Month => months_on(&moment.text, whole(number)?)?,
        Unit::Day => days_on(&moment.text, whole(number)?.checked_mul(times)?)?,
        Unit::Second => {
            let ms = number.times(Number::from_integer(times))?;
            ms_on(&moment.text, whole(ms)?)?
        }
    };
    Moment::parse(&text)
}

/// Of whole units the fraction is ignored.
fn towards_zero(number: Number) -> Number {
    match number < Number::from_integer(0) {
        true => number.negated().floor().negated(),
        false => number.floor(),
    }
}

/// - Shape: of days the number of them, of seconds the number of milliseconds.
fn unit_of(unit: &str) -> Option<(Unit, i64)> {
    Some(match unit {
        "year" | "years" => (Unit::Year, 1),
        "month" | "months" => (Unit::Month, 1),
        "week" | "weeks" | "wk" => (Unit::Day, 7),
        "day" | "days" | "d" => (Unit::Day, 1),
        "hour" | "hours" | "h" => (Unit::Second, 3_600_000),
        "minute" | "minutes" | "min" => (Unit::Second, 60_000),
        "second" | "seconds" | "s" => (Unit::Second, 1_000),
        "millisecond" | "milliseconds" | "ms" => (Unit::Second, 1),
        _ => return None,
    })
}

/// The date and what follows it.
fn parts(text: &str) -> (&str, &str) {
    text.find('T').map_or((text, ""), |at| text.split_at(at))
}

fn months_on(text: &str, months: i64) -> Option<String> {
    let (date, rest) = parts(text);
    let mut fields = date.split('-');
    let year: i64 = fields.next()?.parse().ok()?;
    let Some(month) = fields.next() else {
        // Of a year only whole years are known.
        return year_text(year.checked_add(months / 12)?).map(|year| format!("{year}{rest}"));
    };
    let from = year.checked_mul(12)?.checked_add(month.parse::<i64>().ok()?.checked_sub(1)?)?;
    let to = from.checked_add(months)?;
    let (year, month) = (to.div_euclid(12), to.rem_euclid(12) + 1);
    let start = format!("{}-{month:02}", year_text(year)?);
    let Some(day) = fields.next() else { return Some(format!("{start}{rest}")) };
    let first: civil::Date = format!("{start}-01").parse().ok()?;
    // The last day of a month that is shorter.
    let day = day.parse::<i8>().ok()?.min(first.days_in_month());
    Some(format!("{start}-{day:02}{rest}"))
}

fn days_on(text: &str, days: i64) -> Option<String> {
    let (date, rest) = parts(text);
    match date.split('-').count() {
        1 => months_on(text, (days / 365).checked_mul(12)?),
        2 => months_on(text, days / 30),
        _ => {
            let date: civil::Date = date.parse().ok()?;
            Some(format!("{}{rest}", date.checked_add(Span::new().try_days(days).ok()?).ok()?))
        }
    }
}

fn ms_on(text: &str, ms: i64) -> Option<String> {
    let (date, rest) = parts(text);
    let Some(time) = rest.strip_prefix('T').filter(|time| !time.is_empty()) else {
        return days_on(text, ms / 86_400_000);
    };
    let zone_at = time.find(['Z', '+', '-']).unwrap_or(time.len());
    let (clock, zone) = time.split_at(zone_at);
    let full = match clock.split(':').count() {
        1 => format!("{clock}:00:00"),
        2 => format!("{clock}:00"),
        _ => clock.to_owned(),
    };
    let at: civil::DateTime = format!("{date}T{full}").parse().ok()?;
    let at = at.checked_add(Span::new().try_milliseconds(ms).ok()?).ok()?;
    let said = match clock.split(':').count() {
        1 => at.strftime("%Y-%m-%dT%H").to_string(),
        2 => at.strftime("%Y-%m-%dT%H:%M").to_string(),
        _ => at.to_string(),
    };
    Some(format!("{said}{zone}"))
}

fn year_text(year: i64) -> Option<String> {
    (1..=9999).contains(&year).then(|| format!("{year:04}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn dates_move_by_the_calendar() {
        let moved = |text: &str, number: &str, unit: &str| {
            let number = Number::parse(number).unwrap();
            super::moved(&Moment::parse(text).unwrap(), number, unit).map(|it| it.text)
        };
        let is = |text: &str, number: &str, unit: &str, expected: &str| {
            assert_eq!(
                moved(text, number, unit).as_deref(),
                Some(expected),
                "{text} {number} {unit}"
            );
        };
        is("2024-02-29", "-1", "year", "2023-02-28");
        is("2024-01-31", "1", "month", "2024-02-29");
        is("2024-05-31", "-65", "years", "1959-05-31");
        is("1970", "24", "months", "1972");
        is("1970-11", "3", "months", "1971-02");
        is("2024-02-28", "2", "days", "2024-03-01");
        is("2024-02-28", "1.9", "weeks", "2024-03-06");
        is("2024-05-31T10:00:00Z", "-36", "hours", "2024-05-29T22:00:00Z");
        is("2024-05-31T23:59+02:00", "1", "min", "2024-06-01T00:00+02:00");
        is("2024-05-31", "25", "hours", "2024-06-01");
        assert_eq!(moved("2024-05-31", "1", "mg"), None);
        assert_eq!(moved("9999-12-31", "1", "day"), None);
    }
}
