//! FHIR dates of any precision as half-open intervals.

/// A half-open interval of time.
///
/// - Units: microseconds since 1970 UTC.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Interval {
    pub from_us: i64,
    pub to_us: i64,
}

impl Interval {
    /// An end that is not known is as far away as can be said.
    pub const OPEN_FROM: i64 = i64::MIN;
    pub const OPEN_TO: i64 = i64::MAX;

    pub fn overlaps(self, other: Interval) -> bool {
        self.from_us < other.to_us && other.from_us < self.to_us
    }

    pub fn contains(self, other: Interval) -> bool {
        self.from_us <= other.from_us && other.to_us <= self.to_us && other.from_us < self.to_us
    }
}

const SECOND_US: i64 = 1_000_000;
const MINUTE_US: i64 = 60 * SECOND_US;
const HOUR_US: i64 = 60 * MINUTE_US;
/// One day. FHIR has no leap seconds in intervals.
pub(super) const DAY_US: i64 = 24 * HOUR_US;

/// Reads `YYYY`, `YYYY-MM`, `YYYY-MM-DD`, or a time to the minute, second or fraction.
///
/// - Shape: a date without a zone is taken as UTC.
/// - Source: FHIR R4, Datatypes, `dateTime`; Search, 3.1.1.4.7.
pub fn interval(text: &str) -> Option<Interval> {
    let mut reader = Reader { bytes: text.as_bytes() };
    let year = reader.digits(4)?;
    if !reader.skip(b'-') {
        let to = days(year.checked_add(1)?, 1, 1);
        return reader.end(days(year, 1, 1) * DAY_US, to * DAY_US);
    }
    let month = reader.digits(2).filter(|month| (1..=12).contains(month))?;
    if !reader.skip(b'-') {
        let (next_year, next_month) = if month == 12 { (year + 1, 1) } else { (year, month + 1) };
        let to = days(next_year, next_month, 1);
        return reader.end(days(year, month, 1) * DAY_US, to * DAY_US);
    }
    let day = reader.digits(2).filter(|day| (1..=month_days(year, month)).contains(day))?;
    let date_us = days(year, month, day) * DAY_US;
    if !reader.skip(b'T') {
        return reader.end(date_us, date_us + DAY_US);
    }
    let hour = reader.digits(2).filter(|hour| *hour < 24)?;
    if !reader.skip(b':') {
        return None;
    }
    let minute = reader.digits(2).filter(|minute| *minute < 60)?;
    let mut at = date_us + hour * HOUR_US + minute * MINUTE_US;
    let mut width = MINUTE_US;
    if reader.skip(b':') {
        // SPEC: second 60 is allowed by FHIR's pattern; it is the first moment of the next minute.
        at += reader.digits(2).filter(|second| *second <= 60)? * SECOND_US;
        width = SECOND_US;
        if reader.skip(b'.') {
            let (fraction, unit) = reader.fraction()?;
            at += fraction;
            width = unit;
        }
    }
    at -= reader.zone()?;
    reader.end(at, at + width)
}

struct Reader<'a> {
    bytes: &'a [u8],
}

impl Reader<'_> {
    fn digits(&mut self, n: usize) -> Option<i64> {
        let (digits, rest) = self.bytes.split_at_checked(n)?;
        let mut value = 0;
        for digit in digits {
            if !digit.is_ascii_digit() {
                return None;
            }
            value = value * 10 + i64::from(digit - b'0');
        }
        self.bytes = rest;
        Some(value)
    }

    fn skip(&mut self, byte: u8) -> bool {
        match self.bytes.split_first() {
            Some((first, rest)) if *first == byte => {
                self.bytes = rest;
                true
            }
            _ => false,
        }
    }

    /// Microseconds, and the width of the last digit. Digits past the sixth are dropped.
    fn fraction(&mut self) -> Option<(i64, i64)> {
        let mut unit = SECOND_US;
        let mut value = 0;
        let mut any = false;
        while let Some(digit) = self.digits(1) {
            any = true;
            if 1 < unit {
                unit /= 10;
                value += digit * unit;
            }
        }
        any.then_some((value, unit))
    }

    fn zone(&mut self) -> Option<i64> {
        if self.bytes.is_empty() || self.skip(b'Z') {
            return Some(0);
        }
        let sign = if self.skip(b'-') {
            -1
        } else if self.skip(b'+') || self.skip(b' ') {
            // A plus that a client did not escape arrives as a space.
            1
        } else {
            return None;
        };
        let hour = self.digits(2).filter(|hour| *hour <= 14)?;
        if !self.skip(b':') {
            return None;
        }
        let minute = self.digits(2).filter(|minute| *minute < 60)?;
        Some(sign * (hour * HOUR_US + minute * MINUTE_US))
    }

    fn end(&self, from_us: i64, to_us: i64) -> Option<Interval> {
        self.bytes.is_empty().then_some(Interval { from_us, to_us })
    }
}

fn is_leap(year: i64) -> bool {
    year % 4 == 0 && (year % 100 != 0 || year % 400 == 0)
}

fn month_days(year: i64, month: i64) -> i64 {
    match month {
        2 if is_leap(year) => 29,
        2 => 28,
        4 | 6 | 9 | 11 => 30,
        _ => 31,
    }
}

/// Days since 1970-01-01 of a day of the proleptic Gregorian calendar.
///
/// - Source: Howard Hinnant, chrono-Compatible Low-Level Date Algorithms, `days_from_civil`.
fn days(year: i64, month: i64, day: i64) -> i64 {
    let year = if month <= 2 { year - 1 } else { year };
    let era = year.div_euclid(400);
    let of_era = year.rem_euclid(400);
    let of_year = (153 * ((month + 9) % 12) + 2) / 5 + day - 1;
    era * 146_097 + of_era * 365 + of_era / 4 - of_era / 100 + of_year - 719_468
}

/// Year and month of a day, the inverse of [`days`].
pub(super) fn year_month(day: i64) -> (i64, i64) {
    let shifted = day + 719_468;
    let era = shifted.div_euclid(146_097);
    let of_era = shifted.rem_euclid(146_097);
    let year_of_era = (of_era - of_era / 1460 + of_era / 36_524 - of_era / 146_096) / 365;
    let of_year = of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let shifted_month = (5 * of_year + 2) / 153;
    let month = if shifted_month < 10 { shifted_month + 3 } else { shifted_month - 9 };
    let year = year_of_era + era * 400 + i64::from(month <= 2);
    (year, month)
}
