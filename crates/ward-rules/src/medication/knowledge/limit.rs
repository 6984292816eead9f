//! How much of a substance is too much.

use serde::{Deserialize, Serialize};

use super::{Predicate, Rxcui};
use crate::medication::{issue::Tier, route::Route};

/// What is measured.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Debug, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Measure {
    /// One dose.
    Single,
    /// All doses of 24 hours, over every active order that has the substance in it.
    Daily,
    /// All doses that were and will be given.
    Cumulative,
    /// An infusion or an injection, per time.
    Rate,
    /// The shortest time between two doses.
    Interval,
    /// The longest course.
    Duration,
    /// How much in how much of a solution.
    Concentration,
}

/// One limit of one substance under circumstances.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Limit {
    pub id: String,
    pub substance: Rxcui,
    pub measure: Measure,
    /// Any route when empty.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub routes: Vec<Route>,
    /// All of them must hold.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub when: Vec<Predicate>,
    pub value: f64,
    /// `mg`, `mg/kg`, `mg/m2`, `mcg/kg/min`, `h`, `d`, ...
    pub unit: String,
    /// What an adult gets at most, where the limit grows with the body.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cap: Option<f64>,
    pub tier: Tier,
    pub note: String,
    pub source: String,
    pub version: u16,
    /// Not confirmed against a label; said wherever it shows.
    #[serde(default)]
    pub illustrative: bool,
}
