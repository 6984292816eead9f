//! When a ward gives what is ordered `BID`, `at bedtime` or `with meals`.

use std::collections::BTreeMap;

use jiff::civil::{Time, time};
use serde::{Deserialize, Serialize};

use super::{Abbreviation, WhenEvent};

/// The times of the day of one ward. What is not in it goes by the hour of the first dose.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", default)]
pub struct Schedule {
    /// For each abbreviation its times; one without times goes by intervals.
    pub times: BTreeMap<Abbreviation, Vec<Time>>,
    pub events: BTreeMap<WhenEvent, Time>,
    /// Minutes between a meal and what is taken before or after it.
    pub meal_offset_min: u16,
}

impl Default for Schedule {
    fn default() -> Schedule {
        let at = |hours: &[i8]| hours.iter().map(|hour| time(*hour, 0, 0, 0)).collect();
        let times = BTreeMap::from([
            (Abbreviation::Am, at(&[9])),
            (Abbreviation::Pm, at(&[17])),
            (Abbreviation::Qd, at(&[9])),
            (Abbreviation::Bid, at(&[9, 21])),
            (Abbreviation::Tid, at(&[9, 14, 21])),
            (Abbreviation::Qid, at(&[9, 13, 17, 21])),
            (Abbreviation::Bed, at(&[21])),
            (Abbreviation::Qod, at(&[9])),
            (Abbreviation::Wk, at(&[9])),
            (Abbreviation::Mo, at(&[9])),
        ]);
        let events = BTreeMap::from([
            (WhenEvent::Morning, time(9, 0, 0, 0)),
            (WhenEvent::MorningEarly, time(6, 0, 0, 0)),
            (WhenEvent::MorningLate, time(11, 0, 0, 0)),
            (WhenEvent::Noon, time(12, 0, 0, 0)),
            (WhenEvent::Afternoon, time(14, 0, 0, 0)),
            (WhenEvent::AfternoonEarly, time(13, 0, 0, 0)),
            (WhenEvent::AfternoonLate, time(16, 0, 0, 0)),
            (WhenEvent::Evening, time(18, 0, 0, 0)),
            (WhenEvent::EveningEarly, time(17, 0, 0, 0)),
            (WhenEvent::EveningLate, time(20, 0, 0, 0)),
            (WhenEvent::Night, time(22, 0, 0, 0)),
            (WhenEvent::AfterSleepBegins, time(23, 0, 0, 0)),
            (WhenEvent::BeforeSleep, time(21, 0, 0, 0)),
            (WhenEvent::Waking, time(6, 0, 0, 0)),
            (WhenEvent::Breakfast, time(8, 0, 0, 0)),
            (WhenEvent::Lunch, time(12, 0, 0, 0)),
            (WhenEvent::Dinner, time(18, 0, 0, 0)),
        ]);
        Schedule { times, events, meal_offset_min: 30 }
    }
}

impl Schedule {
    /// The times of an event on one day, with the offset in minutes that the order gives.
    pub fn at(&self, event: WhenEvent, offset_min: Option<u32>) -> Vec<Time> {
        use WhenEvent as E;
        let meals: &[E] = &[E::Breakfast, E::Lunch, E::Dinner];
        let (of, sign, is_meal): (&[E], i64, bool) = match event {
            E::Meals => (meals, 0, true),
            E::BeforeMeals => (meals, -1, true),
            E::AfterMeals => (meals, 1, true),
            E::BeforeBreakfast => (&[E::Breakfast], -1, true),
            E::BeforeLunch => (&[E::Lunch], -1, true),
            E::BeforeDinner => (&[E::Dinner], -1, true),
            E::AfterBreakfast => (&[E::Breakfast], 1, true),
            E::AfterLunch => (&[E::Lunch], 1, true),
            E::AfterDinner => (&[E::Dinner], 1, true),
            E::BeforeSleep => (&[E::BeforeSleep], -1, false),
            _ => (&[], 1, false),
        };
        let default_min = if is_meal { i64::from(self.meal_offset_min) } else { 0 };
        let minutes = sign * offset_min.map_or(default_min, i64::from);
        let own = [event];
        let of: &[E] = if of.is_empty() { &own } else { of };
        of.iter()
            .filter_map(|event| self.events.get(event))
            .map(|time| time.wrapping_add(jiff::Span::new().minutes(minutes.clamp(-1440, 1440))))
            .collect()
    }
}
