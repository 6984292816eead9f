//! What the loop asks of the checks: what speaks against orders, and when doses are due.

use jiff::{SignedDuration, Timestamp, civil::Time, tz::TimeZone};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use ward_core::FhirId;
pub use ward_rules::medication::Tier;
use ward_store::{ReadError, Reader, SearchError};

use crate::cds::gather::GatherError;

/// Most times of one dosage at once.
/// LIMIT: every ten minutes for a week, the longest that a sheet shows.
const TIMES_MAX: usize = 1_008;

/// One finding of a check, as it is kept with the order.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Found {
    pub kind: String,
    pub tier: Tier,
    /// `ID@VERSION` of the rule.
    pub rule: String,
    pub summary: String,
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub mechanism: String,
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub action: String,
    /// Where it is from.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub source: String,
    /// The other orders that are concerned: `MedicationRequest/ID`.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub orders: Vec<String>,
    /// What it rests on, with its age.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub used: Vec<String>,
    /// A number in it was not confirmed against a label.
    #[serde(default)]
    pub illustrative: bool,
    /// The same for the same finding on unchanged grounds.
    pub key: String,
    /// The service of others that says so.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub service: Option<String>,
}

impl Found {
    /// Said where no knowledge base is loaded: the order was not checked, and everybody sees it.
    pub fn no_knowledge_base() -> Found {
        Found {
            kind: "not-checkable".to_owned(),
            tier: Tier::Interruptive,
            rule: "check.no-knowledge-base@1".to_owned(),
            summary: "Not checked: no knowledge base is loaded.".to_owned(),
            mechanism: String::new(),
            action: "Check the order by hand.".to_owned(),
            source: String::new(),
            orders: Vec::new(),
            used: Vec::new(),
            illustrative: false,
            key: "check.no-knowledge-base".to_owned(),
            service: None,
        }
    }

    pub fn is_allergy(&self) -> bool {
        self.kind.contains("allergy")
    }
}

/// What a check found, and what it went by.
#[derive(Clone, PartialEq, Default, Debug)]
pub struct Checked {
    pub found: Vec<Found>,
    pub knowledge_base: Option<String>,
}

#[derive(Debug, thiserror::Error)]
pub enum CheckError {
    #[error(transparent)]
    Read(#[from] ReadError),
    #[error(transparent)]
    Search(#[from] SearchError),
}

impl From<GatherError> for CheckError {
    fn from(error: GatherError) -> CheckError {
        match error {
            GatherError::Read(error) => CheckError::Read(error),
            GatherError::Search(error) => CheckError::Search(error),
            // Only what is sent along can be of somebody else, and nothing is.
            GatherError::OtherPatient(_) => CheckError::Read(ReadError::NotAllowed),
        }
    }
}

/// Checks orders of one patient, and knows when their doses are due.
pub trait Checker: Send + Sync {
    /// What speaks against `proposed`, MedicationRequests that may not be in the chart yet, beside
    /// what the chart says the patient is and gets.
    ///
    /// - Shape: one answer for each of `proposed`, in their order. Where nothing is known the
    ///   answer says so; it is never empty for want of knowledge.
    fn check(
        &self,
        reader: &Reader<'_>,
        patient: &FhirId,
        proposed: &[Value],
        now: Timestamp,
    ) -> Result<Vec<Checked>, CheckError>;

    /// When doses of a Dosage are due from `from` until before `to`, `start` being when the order
    /// begins; `None` when nobody can tell.
    fn due(
        &self,
        dosage: &Value,
        start: Timestamp,
        between: (Timestamp, Timestamp),
        zone: &TimeZone,
    ) -> Option<Vec<Timestamp>>;
}

/// Where no knowledge base is loaded: says of every order that it was not checked.
pub struct NoKnowledge;

impl Checker for NoKnowledge {
    fn check(
        &self,
        _reader: &Reader<'_>,
        _patient: &FhirId,
        proposed: &[Value],
        _now: Timestamp,
    ) -> Result<Vec<Checked>, CheckError> {
        let none = || Checked { found: vec![Found::no_knowledge_base()], knowledge_base: None };
        Ok(proposed.iter().map(|_| none()).collect())
    }

    fn due(
        &self,
        dosage: &Value,
        start: Timestamp,
        between: (Timestamp, Timestamp),
        zone: &TimeZone,
    ) -> Option<Vec<Timestamp>> {
        plain_times(dosage, start, between, zone)
    }
}

/// Times of a dosage that says them plainly: once, so often in so many hours or days, or at times
/// of the day; `None` for everything else.
pub fn plain_times(
    dosage: &Value,
    start: Timestamp,
    (from, to): (Timestamp, Timestamp),
    zone: &TimeZone,
) -> Option<Vec<Timestamp>> {
    let repeat = dosage.pointer("/timing/repeat")?;
    let number = |name: &str| repeat.get(name).and_then(Value::as_i64);
    let is_in = |at: &Timestamp| from <= *at && *at < to && start <= *at;
    if number("count") == Some(1) {
        return Some(Some(start).filter(is_in).into_iter().collect());
    }
    // What is said besides is not understood here.
    let known = ["frequency", "period", "periodUnit", "timeOfDay"];
    if !repeat.as_object()?.keys().all(|name| known.contains(&name.as_str())) {
        return None;
    }
    if let Some(times) = repeat.get("timeOfDay").and_then(Value::as_array) {
        let times: Option<Vec<Time>> =
            times.iter().map(|it| it.as_str().and_then(|it| it.parse().ok())).collect();
        let mut day = zone.to_datetime(from.max(start)).date();
        let last = zone.to_datetime(to).date();
        let mut all = Vec::new();
        let times = times?;
        while day <= last && all.len() < TIMES_MAX {
            for time in &times {
                all.extend(zone.to_timestamp(day.to_datetime(*time)).ok().filter(is_in));
            }
            day = day.tomorrow().ok()?;
        }
        return Some(all);
    }
    let unit_s = match repeat.get("periodUnit")?.as_str()? {
        "min" => 60,
        "h" => 3_600,
        "d" => 86_400,
        _ => return None,
    };
    let frequency = number("frequency").unwrap_or(1);
    let step_s = number("period")?.checked_mul(unit_s)?.checked_div(frequency)?;
    if step_s < 60 {
        return None;
    }
    let past_s = from.duration_since(start).as_secs().max(0);
    let skipped = past_s.checked_div(step_s)?.checked_mul(step_s)?;
    let step = SignedDuration::from_secs(step_s);
    let mut at = start.checked_add(SignedDuration::from_secs(skipped)).ok()?;
    let mut all = Vec::new();
    while at < to && all.len() < TIMES_MAX {
        all.extend(Some(at).filter(is_in));
        at = at.checked_add(step).ok()?;
    }
    Some(all)
}
