//! What is asked of an admission, and what came of it.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use ward_core::FhirId;
use ward_rules::{placement::Needs, workflow::State};
use ward_store::workflow::Instance;

use crate::records::{id_of, put};

/// Longest text of a request.
/// LIMIT: a reason for admission is a line, not a letter.
const TEXT_MAX: usize = 1_000;

/// Most reasons of one admission.
/// LIMIT: as many as a claim has room for, and some.
const REASONS_MAX: usize = 32;

/// Who is to be admitted, and how.
#[derive(Clone, PartialEq, Eq, Default, Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct AdmissionRequest {
    /// `Patient/ID`, or the id.
    pub patient: String,
    /// Class of the stay: `IMP` (inpatient) if absent, or `ACUTE`, `NONAC`, `EMER`, `OBSENC`, `SS`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub class: Option<String>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub reasons: Vec<Reason>,
    /// `Practitioner/ID` of who is responsible.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub attending: Option<String>,
    #[serde(default)]
    pub needs: Needs,
    #[serde(default)]
    pub if_no_bed: IfNoBed,
}

/// Why a patient comes.
#[derive(Clone, PartialEq, Eq, Default, Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Reason {
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub system: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub code: Option<String>,
    pub text: String,
}

/// What to do where no bed fits.
#[derive(Clone, Copy, PartialEq, Eq, Default, Debug, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum IfNoBed {
    /// The patient is there and waits for one.
    #[default]
    Wait,
    /// The admission is taken back.
    Refuse,
}

/// A request cannot be meant so.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
#[error("`{place}`: {why}")]
pub struct RequestError {
    pub place: &'static str,
    pub why: &'static str,
}

/// Classes of stays.
///
/// - Source: HL7 v3 ActCode, ActEncounterCode.
pub(super) const CLASSES: [(&str, &str); 6] = [
    ("IMP", "inpatient encounter"),
    ("ACUTE", "inpatient acute"),
    ("NONAC", "inpatient non-acute"),
    ("EMER", "emergency"),
    ("OBSENC", "observation encounter"),
    ("SS", "short stay"),
];

impl Reason {
    /// As FHIR says it.
    pub(super) fn concept(&self) -> Value {
        let mut concept = json!({ "text": self.text });
        if let Some(code) = &self.code {
            let mut coding = json!({ "code": code });
            if let Some(system) = &self.system {
                put(&mut coding, "system", json!(system));
            }
            put(&mut concept, "coding", json!([coding]));
        }
        concept
    }
}

impl AdmissionRequest {
    /// The request that an instance began with.
    pub(super) fn of(instance: &Instance) -> AdmissionRequest {
        serde_json::from_value(instance.kept.input.clone()).unwrap_or_default()
    }

    /// The patient, when the request can be meant as it is.
    pub fn check(&self) -> Result<FhirId, RequestError> {
        let wrong = |place, why| RequestError { place, why };
        let patient = id_of(&self.patient, "Patient");
        let patient = patient.ok_or(wrong("patient", "is not `Patient/ID`"))?;
        if self.class.as_ref().is_some_and(|class| CLASSES.iter().all(|(it, _)| it != class)) {
            return Err(wrong("class", "is none of IMP, ACUTE, NONAC, EMER, OBSENC and SS"));
        }
        if self.attending.as_ref().is_some_and(|it| id_of(it, "Practitioner").is_none()) {
            return Err(wrong("attending", "is not `Practitioner/ID`"));
        }
        if REASONS_MAX < self.reasons.len() {
            return Err(wrong("reasons", "are more than 32"));
        }
        for reason in &self.reasons {
            if reason.text.trim().is_empty() || TEXT_MAX < reason.text.len() {
                return Err(wrong("reasons.text", "has 1 to 1000 bytes"));
            }
            let is_uri = |system: &String| system.contains(':') && system.len() < TEXT_MAX;
            if !reason.system.as_ref().is_none_or(is_uri) {
                return Err(wrong("reasons.system", "is not a URI"));
            }
            let is_code = |code: &String| {
                !code.is_empty() && code.len() < TEXT_MAX && code.trim() == code.as_str()
            };
            if !reason.code.as_ref().is_none_or(is_code) {
                return Err(wrong("reasons.code", "is not a code"));
            }
        }
        Ok(patient)
    }
}

/// How far an admission is.
#[derive(Clone, PartialEq, Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct AdmissionResult {
    pub id: String,
    pub state: State,
    /// Why it is taken back.
    pub why: Option<String>,
    pub patient: String,
    /// `Encounter/ID`.
    pub encounter: Option<String>,
    /// `Location/ID` of the bed.
    pub bed: Option<String>,
    /// `CarePlan/ID` of each plan that was proposed.
    pub care_plans: Vec<String>,
    /// Where the authorization of the stay stands.
    pub authorization: Option<String>,
    /// Who decided it, such as `local rules`.
    pub authorization_origin: Option<String>,
    /// The payer's number of it.
    pub authorization_reference: Option<String>,
    pub started: Timestamp,
    pub steps: Vec<StepShown>,
}

/// One step, for people.
#[derive(Clone, PartialEq, Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct StepShown {
    pub name: String,
    pub title: String,
    pub state: ward_rules::workflow::StepState,
    pub at: Option<Timestamp>,
    pub why: Option<String>,
}

impl AdmissionResult {
    pub fn of(instance: &Instance) -> AdmissionResult {
        let reference =
            |kind: &str, name: &str| instance.data(name).map(|id| format!("{kind}/{id}"));
        let steps = instance.kept.steps.iter().zip(super::ADMISSION.steps);
        AdmissionResult {
            id: instance.id.to_string(),
            state: instance.kept.state,
            why: instance.kept.why.clone(),
            patient: format!("Patient/{}", instance.kept.patient),
            encounter: reference("Encounter", "encounter"),
            bed: reference("Location", "bed"),
            care_plans: instance
                .data("carePlan")
                .into_iter()
                .flat_map(|ids| ids.split(' '))
                .map(|id| format!("CarePlan/{id}"))
                .collect(),
            authorization: instance.data("authorization").map(str::to_owned),
            authorization_origin: instance.data("authorizationOrigin").map(str::to_owned),
            authorization_reference: instance.data("authorizationReference").map(str::to_owned),
            started: instance.kept.started,
            steps: steps
                .map(|(step, definition)| StepShown {
                    name: step.name.clone(),
                    title: definition.title.to_owned(),
                    state: step.state,
                    at: step.at,
                    why: step.why.clone(),
                })
                .collect(),
        }
    }
}
