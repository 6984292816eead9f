//! What is asked for, and what is kept of an order.

use std::collections::BTreeMap;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use ward_core::FhirId;
use ward_rules::medication_order::{
    Quantity, bedside::VitalRule, dose, order::State, prepare, schedule::AsNeeded, supply::Supply,
    titration::Titration,
};
use ward_store::{values::id_of, workflow::Instance};

use super::error::MedsError;
use crate::checker::Found;

/// Longest text of an order.
/// LIMIT: a remark to the pharmacy is a paragraph, not a letter.
const TEXT_MAX: usize = 2_000;

/// Most lines of dosing of one order.
/// LIMIT: a taper over a month, day by day.
const DOSING_MAX: usize = 32;

/// Most doses kept with one order.
/// LIMIT: every hour for six weeks; then somebody has to order anew.
pub const DOSES_MAX: usize = 1_024;

/// What somebody orders.
#[derive(Clone, PartialEq, Default, Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct OrderRequest {
    /// `Patient/ID`, or the id.
    pub patient: String,
    /// `Encounter/ID`, or the id.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub encounter: Option<String>,
    pub medication: Drug,
    /// As FHIR's Dosage.
    pub dosage: Vec<Value>,
    /// `routine` if absent, `urgent`, `asap`, `stat`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub priority: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub start: Option<Timestamp>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub end: Option<Timestamp>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub reasons: Vec<Coded>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub note: Option<String>,
    /// Limits of what is given as needed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub as_needed: Option<AsNeeded>,
    /// Vital signs that are looked at before each dose.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub vital_signs: Vec<VitalRule>,
    /// An infusion that is titrated.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub titration: Option<Titration>,
    /// The order that this one takes the place of.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub replaces: Option<String>,
}

/// A drug as it is ordered.
#[derive(Clone, PartialEq, Eq, Default, Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Drug {
    pub text: String,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub codes: Vec<Coded>,
}

#[derive(Clone, PartialEq, Eq, Default, Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Coded {
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub system: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub code: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub text: Option<String>,
}

impl Coded {
    pub(crate) fn concept(&self) -> Value {
        let mut concept = json!({});
        if let Some(text) = &self.text {
            concept = json!({ "text": text });
        }
        if let (Some(code), Some(object)) = (&self.code, concept.as_object_mut()) {
            let mut coding = json!({ "code": code });
            if let (Some(system), Some(coding)) = (&self.system, coding.as_object_mut()) {
                coding.insert("system".to_owned(), json!(system));
            }
            object.insert("coding".to_owned(), json!([coding]));
        }
        concept
    }
}

/// What the pharmacist gives for it.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Chosen {
    /// Id in the stock.
    pub product: String,
    pub name: String,
    /// So much of it is one dose.
    pub per_dose: Quantity,
    pub unit: String,
    pub is_high_alert: bool,
    /// `CII` to `CV`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub schedule: Option<String>,
    /// It has to be made.
    #[serde(default)]
    pub is_compounded: bool,
    /// Why it is another drug than was ordered.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub substitution: Option<String>,
}

/// Something made ready for this order.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Batch {
    /// What its label says; it is dispensed as a lot of this name.
    pub id: String,
    pub made: Timestamp,
    pub by: String,
    /// Until when it may be used.
    pub beyond_use: Timestamp,
    pub category: prepare::Category,
    pub storage: prepare::Storage,
    pub components: Vec<prepare::Component>,
    pub quantity: Quantity,
    /// Handed out so far.
    pub dispensed: Quantity,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub checked_by: Option<String>,
}

/// What was handed out.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct DispenseKept {
    /// Id of the MedicationDispense.
    pub id: String,
    pub product: String,
    pub lot: String,
    pub quantity: Quantity,
    pub at: Timestamp,
    pub by: String,
    pub location: String,
}

/// One dose, as far as it is recorded.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct DoseKept {
    /// Id of the MedicationAdministration.
    pub id: String,
    /// When it was due; absent when it was given as needed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub due: Option<Timestamp>,
    pub state: dose::State,
    pub at: Timestamp,
    #[serde(default)]
    pub quantity: Quantity,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub product: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub lot: Option<String>,
    pub by: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub second: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
    /// Why it was needed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub needed_for: Option<String>,
    /// Of an infusion: the rate now, and since when.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub rate: Option<(Quantity, Timestamp)>,
    /// What was found when it was looked whether it has helped.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub effect: Option<String>,
    /// Where scanning was bypassed, and why.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub bypassed: BTreeMap<String, String>,
}

/// An issue that somebody went on in spite of.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Overridden {
    /// The finding's key: it holds as long as the grounds are the same.
    pub key: String,
    pub rule: String,
    pub tier: String,
    pub reason: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub text: Option<String>,
    pub by: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub second: Option<String>,
    pub at: Timestamp,
    pub when: String,
}

/// An order that somebody else wrote.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Told {
    /// The version of the MedicationRequest that was looked at last.
    pub version: u32,
}

/// One order, whole.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct OrderKept {
    pub state: State,
    pub request: OrderRequest,
    pub ordered_by: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub signed_at: Option<Timestamp>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub verified_by: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub verified_at: Option<Timestamp>,
    /// Why it was sent back, held or stopped.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub why: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub chosen: Option<Chosen>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub batches: Vec<Batch>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub dispenses: Vec<DispenseKept>,
    #[serde(default)]
    pub supply: Supply,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub doses: Vec<DoseKept>,
    /// What the last check found, and when that was.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub found: Vec<Found>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub checked_at: Option<Timestamp>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub knowledge_base: Option<String>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub overridden: Vec<Overridden>,
    /// Where somebody else keeps its record: what this goes by.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub told: Option<Told>,
    /// Acts that were done under a key, the latest last.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub once: Vec<String>,
}

impl OrderRequest {
    /// The patient, when the request can be meant as it is.
    pub fn check(&self) -> Result<FhirId, MedsError> {
        let wrong = |place: &'static str, why: &'static str| Err(MedsError::Request { place, why });
        let Some(patient) = id_of(&self.patient, "Patient") else {
            return wrong("patient", "is not `Patient/ID`");
        };
        if self.encounter.as_ref().is_some_and(|it| id_of(it, "Encounter").is_none()) {
            return wrong("encounter", "is not `Encounter/ID`");
        }
        if self.medication.text.trim().is_empty() || TEXT_MAX < self.medication.text.len() {
            return wrong("medication.text", "has 1 to 2000 bytes");
        }
        if self.dosage.is_empty() || DOSING_MAX < self.dosage.len() {
            return wrong("dosage", "has 1 to 32 lines");
        }
        if self.dosage.iter().any(|it| !it.is_object()) {
            return wrong("dosage", "is FHIR's Dosage");
        }
        let priority = self.priority.as_deref().unwrap_or("routine");
        if !matches!(priority, "routine" | "urgent" | "asap" | "stat") {
            return wrong("priority", "is none of routine, urgent, asap and stat");
        }
        if self.note.as_ref().is_some_and(|note| TEXT_MAX < note.len()) {
            return wrong("note", "has at most 2000 bytes");
        }
        if let (Some(start), Some(end)) = (self.start, self.end)
            && end <= start
        {
            return wrong("end", "is after `start`");
        }
        if let Some(titration) = &self.titration {
            titration.check()?;
        }
        Ok(patient)
    }

    /// Whether it is given when somebody needs it.
    pub fn is_as_needed(&self) -> bool {
        let says = |it: &Value| {
            it.get("asNeededBoolean").and_then(Value::as_bool).unwrap_or(false)
                || it.get("asNeededCodeableConcept").is_some()
        };
        self.as_needed.is_some() || self.dosage.iter().any(says)
    }
}

impl OrderKept {
    /// The order that an instance is of.
    pub fn of(instance: &Instance) -> Option<OrderKept> {
        serde_json::from_str(instance.data("order")?).ok()
    }

    /// The dose of a time, if something that holds is recorded of it.
    pub fn dose_of(&self, due: Timestamp) -> Option<&DoseKept> {
        let holds = |it: &&DoseKept| it.due == Some(due) && it.state != dose::State::InError;
        self.doses.iter().find(holds)
    }
}
