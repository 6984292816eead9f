//! What the patient has.

use serde_json::Value;
use ward_rules::medication::context::{Condition, Patient, Pregnancy, system};

use super::read::{Reading, codes, has_code, place, text, timestamp, words};

/// Pregnancy: SNOMED CT.
const PREGNANT: &[&str] = &["77386006", "72892002", "47200007"];

/// ICD-10 codes of a pregnancy that runs.
const PREGNANT_ICD10: &[&str] = &["Z33", "Z34", "O09"];

/// Breast-feeding: SNOMED CT.
const LACTATING: &[&str] = &["169741004", "413712001", "290124007"];

pub(super) fn read(
    reading: &mut Reading<'_>,
    patient: &mut Patient,
    resources: &[&Value],
) -> Vec<Condition> {
    let mut found = Vec::new();
    for resource in resources {
        let verified = resource.get("verificationStatus");
        if verified.is_some_and(|it| has_code(it, &["refuted", "entered-in-error"])) {
            continue;
        }
        let clinical = resource.get("clinicalStatus");
        if clinical.is_some_and(|it| has_code(it, &["inactive", "remission", "resolved"])) {
            continue;
        }
        let is_over = resource
            .get("abatementDateTime")
            .and_then(Value::as_str)
            .and_then(|it| timestamp(it, &reading.zone))
            .is_some_and(|at| at <= reading.now);
        if is_over {
            continue;
        }
        let id = place(resource);
        let Some(code) = resource.get("code") else {
            reading.gap(id, "the condition has no code");
            continue;
        };
        let condition = Condition { id, codes: codes(code), text: words(code) };
        if condition.codes.is_empty() && condition.text.is_empty() {
            reading.gap(condition.id, "the condition has neither code nor text");
            continue;
        }
        notice(patient, &condition);
        found.push(condition);
    }
    found
}

fn notice(patient: &mut Patient, condition: &Condition) {
    let has = |snomed: &[&str], icd10: &[&str]| {
        condition.codes.iter().any(|it| match it.system.as_str() {
            system::SNOMED => snomed.contains(&it.code.as_str()),
            system::ICD10 | system::ICD10_CM => {
                icd10.iter().any(|begin| it.code.starts_with(begin))
            }
            _ => false,
        })
    };
    let is_text = |word: &str| condition.codes.is_empty() && text_is(&condition.text, word);
    let is_pregnant = has(PREGNANT, PREGNANT_ICD10) || is_text("pregnant") || is_text("pregnancy");
    if is_pregnant && !matches!(patient.pregnancy, Pregnancy::Pregnant { .. }) {
        patient.pregnancy = Pregnancy::Pregnant { weeks: None };
    }
    if has(LACTATING, &["Z39.1"]) || is_text("breastfeeding") {
        patient.lactating = Some(true);
    }
}

fn text_is(text: &str, word: &str) -> bool {
    text.trim().eq_ignore_ascii_case(word)
}

/// Whether a status is one of what was never so.
pub(super) fn is_void(resource: &Value) -> bool {
    matches!(text(resource, "status"), "entered-in-error" | "cancelled")
}
