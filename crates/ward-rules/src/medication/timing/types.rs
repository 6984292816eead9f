//! The parts of a Timing.

use jiff::{
    Timestamp,
    civil::{Time, Weekday},
};
use serde::{Deserialize, Serialize};

/// When something is given.
///
/// - Source: FHIR R4, Timing.
#[derive(Clone, PartialEq, Default, Debug)]
pub struct Timing {
    /// Points in time that were written out.
    pub events: Vec<Timestamp>,
    pub repeat: Option<Repeat>,
    pub code: Option<Abbreviation>,
}

impl Timing {
    /// Nothing is said of when.
    pub fn is_empty(&self) -> bool {
        self.events.is_empty() && self.repeat.is_none() && self.code.is_none()
    }

    /// Once.
    pub fn once() -> Timing {
        Timing { repeat: Some(Repeat { count: Some(1), ..Repeat::default() }), ..Timing::default() }
    }
}

#[derive(Clone, PartialEq, Default, Debug)]
pub struct Repeat {
    pub bounds: Option<Bounds>,
    pub count: Option<u32>,
    pub count_max: Option<u32>,
    /// Of one dose: an infusion over 30 minutes.
    pub duration_h: Option<f64>,
    pub duration_max_h: Option<f64>,
    pub frequency: Option<u32>,
    pub frequency_max: Option<u32>,
    pub period: Option<f64>,
    pub period_max: Option<f64>,
    pub period_unit: Option<PeriodUnit>,
    pub days_of_week: Vec<Weekday>,
    pub times_of_day: Vec<Time>,
    pub when: Vec<WhenEvent>,
    /// Minutes from the event, before or after as the event says.
    pub offset_min: Option<u32>,
}

impl Repeat {
    /// Whether a single event only says how a dose is taken, since the frequency is another:
    /// twice a day with meals is no three times.
    pub(super) fn is_when_decoration(&self, code: Option<Abbreviation>) -> bool {
        let [event] = self.when.as_slice() else { return false };
        let per_day = f64::from(event.per_day());
        let said = match (code, self.frequency, self.period.zip(self.period_unit)) {
            (Some(code), ..) => {
                let (frequency, hours) = code.per_hours();
                f64::from(frequency) * 24.0 / hours
            }
            (None, Some(frequency), Some((period, unit))) => {
                f64::from(frequency) * 24.0 / (period * unit.hours())
            }
            _ => return false,
        };
        1.0 <= said && said != per_day
    }
}

#[derive(Clone, PartialEq, Debug)]
pub enum Bounds {
    Hours {
        low: f64,
        high: f64,
    },
    /// Days of the calendar, which are not always 24 hours.
    Days(f64),
    Period {
        start: Option<Timestamp>,
        end: Option<Timestamp>,
    },
}

#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Debug, Serialize, Deserialize)]
pub enum PeriodUnit {
    #[serde(rename = "s")]
    Second,
    #[serde(rename = "min")]
    Minute,
    #[serde(rename = "h")]
    Hour,
    #[serde(rename = "d")]
    Day,
    #[serde(rename = "wk")]
    Week,
    #[serde(rename = "mo")]
    Month,
    #[serde(rename = "a")]
    Year,
}

impl PeriodUnit {
    pub fn of_code(code: &str) -> Option<PeriodUnit> {
        Some(match code {
            "s" => PeriodUnit::Second,
            "min" => PeriodUnit::Minute,
            "h" => PeriodUnit::Hour,
            "d" => PeriodUnit::Day,
            "wk" => PeriodUnit::Week,
            "mo" => PeriodUnit::Month,
            "a" => PeriodUnit::Year,
            _ => return None,
        })
    }

    /// Hours in one; months and years as they are on average.
    pub const fn hours(self) -> f64 {
        match self {
            PeriodUnit::Second => 1.0 / 3600.0,
            PeriodUnit::Minute => 1.0 / 60.0,
            PeriodUnit::Hour => 1.0,
            PeriodUnit::Day => 24.0,
            PeriodUnit::Week => 168.0,
            PeriodUnit::Month => 730.5,
            PeriodUnit::Year => 8766.0,
        }
    }
}

/// A name of a schedule. When its doses are due is a matter of the ward.
///
/// - Source: FHIR R4 value set timing-abbreviation, and what HL7 v2 and prescribers write. `PRN` and
///   `STAT` are none: the one is `asNeeded`, the other a priority.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Debug, Serialize, Deserialize)]
#[serde(rename_all = "UPPERCASE")]
pub enum Abbreviation {
    /// In the morning.
    Am,
    /// In the evening.
    Pm,
    /// Every day.
    Qd,
    /// Every other day.
    Qod,
    Bid,
    Tid,
    Qid,
    Q1h,
    Q2h,
    Q3h,
    Q4h,
    Q6h,
    Q8h,
    Q12h,
    Q24h,
    Q48h,
    Q72h,
    /// At bedtime.
    Bed,
    /// Every week.
    Wk,
    /// Every month.
    Mo,
}

impl Abbreviation {
    /// The abbreviation that a code or a word means, in any case.
    pub fn parse(text: &str) -> Option<Abbreviation> {
        let text = text.trim().to_ascii_uppercase().replace('.', "");
        Some(match text.as_str() {
            "AM" | "QAM" => Abbreviation::Am,
            "PM" | "QPM" => Abbreviation::Pm,
            "QD" | "DAILY" | "QDAY" | "Q1D" => Abbreviation::Qd,
            "QOD" | "Q2D" => Abbreviation::Qod,
            "BID" => Abbreviation::Bid,
            "TID" => Abbreviation::Tid,
            "QID" => Abbreviation::Qid,
            "Q1H" | "QH" => Abbreviation::Q1h,
            "Q2H" => Abbreviation::Q2h,
            "Q3H" => Abbreviation::Q3h,
            "Q4H" => Abbreviation::Q4h,
            "Q6H" => Abbreviation::Q6h,
            "Q8H" => Abbreviation::Q8h,
            "Q12H" => Abbreviation::Q12h,
            "Q24H" => Abbreviation::Q24h,
            "Q48H" => Abbreviation::Q48h,
            "Q72H" => Abbreviation::Q72h,
            "BED" | "HS" | "QHS" => Abbreviation::Bed,
            "WK" | "QWK" | "QWEEK" => Abbreviation::Wk,
            "MO" | "QMO" | "QMONTH" => Abbreviation::Mo,
            _ => return None,
        })
    }

    /// How often in how many hours.
    pub const fn per_hours(self) -> (u32, f64) {
        match self {
            Abbreviation::Am | Abbreviation::Pm | Abbreviation::Qd | Abbreviation::Bed => (1, 24.0),
            Abbreviation::Qod => (1, 48.0),
            Abbreviation::Bid => (2, 24.0),
            Abbreviation::Tid => (3, 24.0),
            Abbreviation::Qid => (4, 24.0),
            Abbreviation::Q1h => (1, 1.0),
            Abbreviation::Q2h => (1, 2.0),
            Abbreviation::Q3h => (1, 3.0),
            Abbreviation::Q4h => (1, 4.0),
            Abbreviation::Q6h => (1, 6.0),
            Abbreviation::Q8h => (1, 8.0),
            Abbreviation::Q12h => (1, 12.0),
            Abbreviation::Q24h => (1, 24.0),
            Abbreviation::Q48h => (1, 48.0),
            Abbreviation::Q72h => (1, 72.0),
            Abbreviation::Wk => (1, 168.0),
            Abbreviation::Mo => (1, 730.5),
        }
    }
}

impl WhenEvent {
    /// By the code of FHIR's value set.
    pub fn of_code(code: &str) -> Option<WhenEvent> {
        WHEN_CODES.iter().find(|(name, _)| *name == code).map(|(_, event)| *event)
    }

    /// How many of it a day has.
    pub const fn per_day(self) -> u32 {
        match self {
            WhenEvent::Meals | WhenEvent::BeforeMeals | WhenEvent::AfterMeals => 3,
            _ => 1,
        }
    }
}

const WHEN_CODES: &[(&str, WhenEvent)] = &[
    ("MORN", WhenEvent::Morning),
    ("MORN.early", WhenEvent::MorningEarly),
    ("MORN.late", WhenEvent::MorningLate),
    ("NOON", WhenEvent::Noon),
    ("AFT", WhenEvent::Afternoon),
    ("AFT.early", WhenEvent::AfternoonEarly),
    ("AFT.late", WhenEvent::AfternoonLate),
    ("EVE", WhenEvent::Evening),
    ("EVE.early", WhenEvent::EveningEarly),
    ("EVE.late", WhenEvent::EveningLate),
    ("NIGHT", WhenEvent::Night),
    ("PHS", WhenEvent::AfterSleepBegins),
    ("HS", WhenEvent::BeforeSleep),
    ("WAKE", WhenEvent::Waking),
    ("C", WhenEvent::Meals),
    ("CM", WhenEvent::Breakfast),
    ("CD", WhenEvent::Lunch),
    ("CV", WhenEvent::Dinner),
    ("AC", WhenEvent::BeforeMeals),
    ("ACM", WhenEvent::BeforeBreakfast),
    ("ACD", WhenEvent::BeforeLunch),
    ("ACV", WhenEvent::BeforeDinner),
    ("PC", WhenEvent::AfterMeals),
    ("PCM", WhenEvent::AfterBreakfast),
    ("PCD", WhenEvent::AfterLunch),
    ("PCV", WhenEvent::AfterDinner),
];

/// An event of the day that a dose goes by.
///
/// - Source: FHIR R4 value set event-timing.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Debug, Serialize, Deserialize)]
pub enum WhenEvent {
    #[serde(rename = "MORN")]
    Morning,
    #[serde(rename = "MORN.early")]
    MorningEarly,
    #[serde(rename = "MORN.late")]
    MorningLate,
    #[serde(rename = "NOON")]
    Noon,
    #[serde(rename = "AFT")]
    Afternoon,
    #[serde(rename = "AFT.early")]
    AfternoonEarly,
    #[serde(rename = "AFT.late")]
    AfternoonLate,
    #[serde(rename = "EVE")]
    Evening,
    #[serde(rename = "EVE.early")]
    EveningEarly,
    #[serde(rename = "EVE.late")]
    EveningLate,
    #[serde(rename = "NIGHT")]
    Night,
    #[serde(rename = "PHS")]
    AfterSleepBegins,
    #[serde(rename = "HS")]
    BeforeSleep,
    #[serde(rename = "WAKE")]
    Waking,
    #[serde(rename = "C")]
    Meals,
    #[serde(rename = "CM")]
    Breakfast,
    #[serde(rename = "CD")]
    Lunch,
    #[serde(rename = "CV")]
    Dinner,
    #[serde(rename = "AC")]
    BeforeMeals,
    #[serde(rename = "ACM")]
    BeforeBreakfast,
    #[serde(rename = "ACD")]
    BeforeLunch,
    #[serde(rename = "ACV")]
    BeforeDinner,
    #[serde(rename = "PC")]
    AfterMeals,
    #[serde(rename = "PCM")]
    AfterBreakfast,
    #[serde(rename = "PCD")]
    AfterLunch,
    #[serde(rename = "PCV")]
    AfterDinner,
}
