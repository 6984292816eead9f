//! What a hospital sets: its clock, the windows of its wards, its list of high-alert drugs.

use std::{collections::BTreeMap, sync::Arc};

use jiff::tz::TimeZone;
use serde::Deserialize;
use ward_rules::medication_order::schedule::Window;
use ward_store::workflow::{EngineError, Interrupt, Moment};

use crate::order::{MedsError, OrderRequest};

/// The list that Ward comes with, in our own words.
const HIGH_ALERT: &str = include_str!("../data/high-alert.toml");

/// Settings of the closed loop.
#[derive(Clone)]
pub struct Settings {
    /// The clock of the wards.
    pub zone: TimeZone,
    /// How far from its time a dose may be given, where a ward has no window of its own.
    pub window: Window,
    /// By ward.
    pub windows: BTreeMap<String, Window>,
    pub high_alert: HighAlert,
    /// Which orders of other systems wait for the pharmacist here.
    pub orders_of_others: Take,
    /// Breaks off work, for tests of what survives that.
    pub interrupt: Option<Arc<dyn Interrupt>>,
}

/// Which orders of other systems this pharmacy verifies.
#[derive(Clone, Copy, PartialEq, Eq, Default, Debug)]
pub enum Take {
    /// Those with a placer number, as every order of HL7 v2 has; those for inpatients; and of
    /// patients who are in the house those that are not for elsewhere.
    #[default]
    All,
    /// Those with a placer number.
    Placed,
    None,
}

impl Take {
    pub const ALL: [Take; 3] = [Take::All, Take::Placed, Take::None];

    pub const fn as_str(self) -> &'static str {
        match self {
            Take::All => "all",
            Take::Placed => "placed",
            Take::None => "none",
        }
    }

    pub fn from_word(word: &str) -> Option<Take> {
        Take::ALL.into_iter().find(|it| it.as_str() == word)
    }
}

/// Drugs that a second person checks before they are given.
#[derive(Clone, PartialEq, Eq, Debug, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct HighAlert {
    /// Words of a name, in lower case, whatever the route.
    pub always: Vec<String>,
    /// Words of a name that count when they go into a vein or to the spine.
    pub by_injection: Vec<String>,
}

/// A list cannot be read.
#[derive(Debug, thiserror::Error)]
#[error("the list of high-alert drugs: {0}")]
pub struct ListError(String);

impl HighAlert {
    /// - Shape: as `data/high-alert.toml`.
    pub fn from_toml(text: &str) -> Result<HighAlert, ListError> {
        toml::from_str(text).map_err(|error| ListError(error.message().to_owned()))
    }

    /// Whether an order is of one of them.
    pub fn has(&self, name: &str, routes: &str) -> bool {
        let (name, routes) = (name.to_lowercase(), routes.to_lowercase());
        let has = |list: &[String]| list.iter().any(|word| name.contains(word.as_str()));
        let is_injected =
            ["iv", "intraven", "intrathecal", "epidural", "inject", "infus", "47625008"]
                .iter()
                .any(|word| routes.contains(word));
        has(&self.always) || (is_injected && has(&self.by_injection))
    }
}

impl Default for Settings {
    fn default() -> Settings {
        // A defect in our own list is found by its test; here everything is high-alert then.
        let all = || HighAlert { always: vec![String::new()], by_injection: Vec::new() };
        Settings {
            zone: TimeZone::UTC,
            window: Window::default(),
            windows: BTreeMap::new(),
            high_alert: HighAlert::from_toml(HIGH_ALERT).unwrap_or_else(|_| all()),
            orders_of_others: Take::default(),
            interrupt: None,
        }
    }
}

impl Settings {
    pub(crate) fn is_high_alert(&self, request: &OrderRequest) -> bool {
        let routes: String = request
            .dosage
            .iter()
            .filter_map(|it| it.get("route").map(ToString::to_string))
            .collect();
        self.high_alert.has(&request.medication.text, &routes)
    }

    pub(crate) fn window_of(&self, ward: Option<&str>) -> Window {
        ward.and_then(|ward| self.windows.get(ward)).copied().unwrap_or(self.window)
    }

    pub(crate) fn stop_at(&self, word: &str, moment: Moment) -> Result<(), MedsError> {
        match &self.interrupt {
            Some(interrupt) if interrupt.stops(word, moment) => {
                Err(MedsError::Engine(EngineError::Interrupted))
            }
            _ => Ok(()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn our_own_list_is_read_and_knows_routes() {
        let list = HighAlert::from_toml(HIGH_ALERT).unwrap();
        assert!(list.has("Insulin lispro 100 units/mL", "subcutaneous"));
        assert!(list.has("Morphine 10 mg/mL", "Intravenous route"));
        assert!(!list.has("Morphine 10 mg tablet", "Oral route"));
        assert!(!list.has("Amoxicillin 500 mg capsule", "IV"));
    }
}
