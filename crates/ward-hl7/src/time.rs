//! Times as HL7 v2 writes them, with the precision they have.

use std::{fmt, str::FromStr};

use jiff::{
    Timestamp,
    civil::{Date, DateTime, Time},
    tz::Offset,
};

/// A point in time of some precision: DTM, the first component of TS, DT.
///
/// - Shape: `YYYY[MM[DD[HH[MM[SS[.S[S[S[S]]]]]]]]][+/-ZZZZ]`.
/// - Source: HL7 v2.8, 2.A.22 DTM; 2.A.21 DT; v2.5, 2.A.77 TS.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub struct Dtm {
    start: DateTime,
    precision: Precision,
    offset: Option<Offset>,
}

/// How much of a time is said.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Debug)]
pub enum Precision {
    Year,
    Month,
    Day,
    Hour,
    Minute,
    Second,
    /// That many digits after the second, 1 to 9.
    Fraction(u8),
}

/// Text is not a time.
#[derive(Clone, Copy, PartialEq, Eq, Debug, thiserror::Error)]
#[error("not a time of HL7 v2")]
pub struct TimeError;

/// Most digits of a fraction of a second.
/// LIMIT: the standard has four; nine are what our own times hold.
const FRACTION_MAX: usize = 9;

impl Dtm {
    /// The time `at`, as it is on a clock with that offset.
    pub fn new(at: Timestamp, offset: Offset, precision: Precision) -> Dtm {
        Dtm { start: offset.to_datetime(at), precision, offset: Some(offset) }
    }

    /// The first moment that this can mean, on the clock it was written by.
    pub fn start(&self) -> DateTime {
        self.start
    }

    pub fn precision(&self) -> Precision {
        self.precision
    }

    /// The offset that was written.
    pub fn offset(&self) -> Option<Offset> {
        self.offset
    }

    /// The first moment that this can mean; `clock` is used where no offset was written.
    ///
    /// - Errors: `None` for the first and last hours that can be said at all.
    pub fn timestamp(&self, clock: Offset) -> Option<Timestamp> {
        self.offset.unwrap_or(clock).to_timestamp(self.start).ok()
    }
}

impl FromStr for Dtm {
    type Err = TimeError;

    fn from_str(text: &str) -> Result<Dtm, TimeError> {
        Reader { bytes: text.as_bytes() }.dtm().ok_or(TimeError)
    }
}

/// A time of day: TM.
///
/// - Shape: `HH[MM[SS[.S[S[S[S]]]]]][+/-ZZZZ]`.
/// - Source: HL7 v2.8, 2.A.75 TM.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub struct Tm {
    pub start: Time,
    pub precision: Precision,
    pub offset: Option<Offset>,
}

impl FromStr for Tm {
    type Err = TimeError;

    fn from_str(text: &str) -> Result<Tm, TimeError> {
        let mut reader = Reader { bytes: text.as_bytes() };
        let (start, precision) = reader.time().flatten().ok_or(TimeError)?;
        let offset = reader.zone().ok_or(TimeError)?;
        if reader.bytes.is_empty() { Ok(Tm { start, precision, offset }) } else { Err(TimeError) }
    }
}

struct Reader<'t> {
    bytes: &'t [u8],
}

impl Reader<'_> {
    fn dtm(&mut self) -> Option<Dtm> {
        let year = i16::try_from(self.number(4)?).ok()?;
        let mut precision = Precision::Year;
        let (mut month, mut day) = (1, 1);
        let mut time = Time::midnight();
        if self.has_digit() {
            month = self.two()?;
            precision = Precision::Month;
            if self.has_digit() {
                day = self.two()?;
                precision = Precision::Day;
                if let Some((start, finer)) = self.time()? {
                    (time, precision) = (start, finer);
                }
            }
        }
        let offset = self.zone()?;
        // Year 0 exists on our calendar and in no hospital.
        let date = Date::new(year, month, day).ok().filter(|_| 0 < year)?;
        let start = date.to_datetime(time);
        self.bytes.is_empty().then_some(Dtm { start, precision, offset })
    }

    /// `Some(None)` where no time begins.
    fn time(&mut self) -> Option<Option<(Time, Precision)>> {
        if !self.has_digit() {
            return Some(None);
        }
        let hour = self.two()?;
        let (mut minute, mut second, mut nanosecond) = (0, 0, 0);
        let mut precision = Precision::Hour;
        if self.has_digit() {
            minute = self.two()?;
            precision = Precision::Minute;
            if self.has_digit() {
                second = self.two()?;
                precision = Precision::Second;
                if let [b'.', rest @ ..] = self.bytes {
                    self.bytes = rest;
                    let n = rest.iter().take_while(|b| b.is_ascii_digit()).count();
                    if n == 0 || FRACTION_MAX < n {
                        return None;
                    }
                    let scale = 10_i32.pow(u32::try_from(FRACTION_MAX - n).ok()?);
                    nanosecond = self.number(n)?.checked_mul(scale)?;
                    precision = Precision::Fraction(u8::try_from(n).ok()?);
                }
            }
        }
        let time = Time::new(hour, minute, second, nanosecond).ok()?;
        Some(Some((time, precision)))
    }

    /// `Some(None)` where no offset is written.
    fn zone(&mut self) -> Option<Option<Offset>> {
        let sign = match self.bytes {
            [b'+', rest @ ..] => {
                self.bytes = rest;
                1
            }
            [b'-', rest @ ..] => {
                self.bytes = rest;
                -1
            }
            _ => return Some(None),
        };
        let (hour, minute) = (self.number(2)?, self.number(2)?);
        if 14 < hour || 59 < minute {
            return None;
        }
        Offset::from_seconds(sign * 60 * (60 * hour + minute)).ok().map(Some)
    }

    fn has_digit(&self) -> bool {
        self.bytes.first().is_some_and(u8::is_ascii_digit)
    }

    fn two(&mut self) -> Option<i8> {
        i8::try_from(self.number(2)?).ok()
    }

    fn number(&mut self, n: usize) -> Option<i32> {
        let (digits, rest) = self.bytes.split_at_checked(n)?;
        let mut value = 0_i32;
        for digit in digits {
            if !digit.is_ascii_digit() {
                return None;
            }
            value = value.checked_mul(10)?.checked_add(i32::from(digit - b'0'))?;
        }
        self.bytes = rest;
        Some(value)
    }
}

/// The text again.
impl fmt::Display for Dtm {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (at, precision) = (self.start, self.precision);
        write!(f, "{:04}", at.year())?;
        let parts = [
            (Precision::Month, at.month()),
            (Precision::Day, at.day()),
            (Precision::Hour, at.hour()),
            (Precision::Minute, at.minute()),
            (Precision::Second, at.second()),
        ];
        for (_, part) in parts.into_iter().take_while(|(needs, _)| *needs <= precision) {
            write!(f, "{part:02}")?;
        }
        if let Precision::Fraction(n) = precision {
            let digits = format!("{:09}", at.subsec_nanosecond());
            write!(f, ".{}", digits.get(..usize::from(n)).unwrap_or(&digits))?;
        }
        let Some(offset) = self.offset else { return Ok(()) };
        let seconds = offset.seconds();
        let sign = if seconds < 0 { '-' } else { '+' };
        let minutes = seconds.abs() / 60;
        write!(f, "{sign}{:02}{:02}", minutes / 60, minutes % 60)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn times_keep_their_precision() {
        use Precision as P;
        for (text, precision) in [
            ("2024", P::Year),
            ("202402", P::Month),
            ("20240229", P::Day),
            ("2024022923", P::Hour),
            ("202402292359", P::Minute),
            ("20240229235959", P::Second),
            ("20240229235959.1", P::Fraction(1)),
            ("20240229235959.0500-0330", P::Fraction(4)),
            ("20240229+1400", P::Day),
        ] {
            let time: Dtm = text.parse().unwrap();
            assert_eq!((time.precision(), time.to_string().as_str()), (precision, text));
        }
    }

    #[test]
    fn what_is_not_a_time_is_refused() {
        for text in [
            "",
            "24",
            "00000000",
            "20230229",
            "20241301",
            "2024-02-29",
            "2024022924",
            "202402292360",
            "20240229235959.",
            "20240229235959.1234567890",
            "20240229+1",
            "20240229+1500",
            "20240229 2359",
            "2024022",
            "20240229Z",
            "２０２４",
        ] {
            assert_eq!(text.parse::<Dtm>(), Err(TimeError), "{text}");
        }
    }

    #[test]
    fn a_moment_needs_a_clock() {
        let zone = Offset::from_seconds(-5 * 3600).unwrap();
        let at = |text: &str| text.parse::<Dtm>().unwrap().timestamp(zone).unwrap().to_string();
        assert_eq!(at("20240311083000"), "2024-03-11T13:30:00Z");
        assert_eq!(at("20240311083000+0100"), "2024-03-11T07:30:00Z");
        let now: Timestamp = "2024-03-11T13:30:00.5Z".parse().unwrap();
        assert_eq!(Dtm::new(now, zone, Precision::Second).to_string(), "20240311083000-0500");
    }

    #[test]
    fn a_time_of_day_has_no_date() {
        assert_eq!("0830".parse::<Tm>().unwrap().precision, Precision::Minute);
        assert!("2530".parse::<Tm>().is_err() && "".parse::<Tm>().is_err());
    }

    proptest! {
        #[test]
        fn every_text_gets_an_answer(text in r"[0-9]{0,15}\.?[0-9]{0,10}[+\-]?[0-9]{0,4}") {
            if let Ok(time) = text.parse::<Dtm>() {
                prop_assert_eq!(time.to_string().parse::<Dtm>(), Ok(time));
            }
        }
    }
}
