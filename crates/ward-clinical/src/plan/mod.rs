//! Care plans: PlanDefinitions, and what comes of one for a patient.
//!
//! Everything that a plan makes is a draft; nobody is treated by it before a clinician has made it
//! more.

pub mod apply;
mod house;
mod request;
mod value;

use serde_json::{Value, json};
use ward_core::{RecordKey, ResourceType};
use ward_store::{ReadError, Reader, workflow::Trouble};

pub use self::apply::{Applied, ApplyError, Subject, apply};
use crate::{
    admission::Reason,
    records::{self, search, text},
};

/// Most plans of a house that are looked at for one patient.
/// LIMIT: a hospital keeps some tens; who keeps more chooses by hand.
const PLANS_MAX: usize = 500;

/// The plans that Ward comes with, as a start that a hospital has to review.
///
/// - Shape: PlanDefinitions; their ids are their names.
pub fn house_plans() -> &'static [Value] {
    house::plans()
}

/// A transaction that puts the plans of the house into the chart.
pub fn house_bundle() -> Value {
    let entry = |plan: &Value| {
        let url = format!("PlanDefinition/{}", text(plan, "id").unwrap_or_default());
        json!({ "resource": plan, "request": { "method": "PUT", "url": url } })
    };
    let entries: Vec<Value> = house_plans().iter().map(entry).collect();
    json!({ "resourceType": "Bundle", "type": "transaction", "entry": entries })
}

/// The plans in use for any of these reasons, in the order of their names.
///
/// - Shape: a plan of the house counts until the chart says something else under its id.
pub(crate) fn fitting(reader: &Reader<'_>, reasons: &[Reason]) -> Result<Vec<Value>, Trouble> {
    let mut plans = Vec::new();
    for plan in house_plans() {
        let Ok(id) = text(plan, "id").unwrap_or_default().parse() else { continue };
        let key = records::key(ResourceType::PLAN_DEFINITION, &id);
        if reader.get(&key)?.is_none() {
            plans.push(plan.clone());
        }
    }
    let found = search(reader, ResourceType::PLAN_DEFINITION, "status=active", (PLANS_MAX, None))?;
    for hit in &found.hits {
        let stored = reader.fetch(hit)?;
        plans.extend(serde_json::from_slice::<Value>(&stored.body));
    }
    plans.retain(|plan| reasons.iter().any(|reason| is_for(plan, reason)));
    plans.sort_by(|a, b| text(a, "name").cmp(&text(b, "name")));
    Ok(plans)
}

/// What a definition refers to, out of the chart: `ActivityDefinition/x`, or a canonical URL.
pub fn resolve(reader: &Reader<'_>, canonical: &str) -> Result<Option<Value>, ReadError> {
    let plain = canonical.split(['|', '#']).next().unwrap_or_default();
    for kind in [ResourceType::ACTIVITY_DEFINITION, ResourceType::PLAN_DEFINITION] {
        if let Some(id) = plain.contains('/').then(|| records::id_of(plain, kind.name())).flatten()
            && let Some((found, _)) = records::read(reader, &RecordKey::new(kind, id))?
        {
            return Ok(Some(found));
        }
        let plain_query = plain.bytes().all(|b| b.is_ascii_alphanumeric() || b":/.-_".contains(&b));
        if !plain_query {
            continue;
        }
        if let Ok(found) = search(reader, kind, &format!("url={plain}"), (1, None))
            && let Some(hit) = found.hits.first()
        {
            let stored = reader.fetch(hit)?;
            return Ok(serde_json::from_slice(&stored.body).ok());
        }
    }
    Ok(None)
}

/// Whether a plan is for a reason: by its codes, or by its words for a reason that has no code.
///
/// - Source: FHIR R4, PlanDefinition.useContext with `focus`.
fn is_for(plan: &Value, reason: &Reason) -> bool {
    let contexts = plan.get("useContext").and_then(Value::as_array).into_iter().flatten();
    let focus = contexts
        .filter(|it| it.pointer("/code/code").and_then(Value::as_str) == Some("focus"))
        .filter_map(|it| it.get("valueCodeableConcept"));
    let Some(code) = &reason.code else {
        let words = reason.text.to_lowercase();
        let mut said = focus.filter_map(|it| text(it, "text"));
        return said.any(|word| words.contains(word));
    };
    let codings = focus.filter_map(|it| it.get("coding")?.as_array()).flatten();
    let system = reason.system.as_deref().unwrap_or_default();
    codings.into_iter().any(|coding| {
        let known = text(coding, "code").unwrap_or_default();
        match text(coding, "system").unwrap_or_default() {
            // One list of ICD-10 is kept for its kinds.
            of if of.contains("icd-10") && system.contains("icd-10") => is_below(code, known),
            of => of == system && known == code,
        }
    })
}

/// `I50` is for `I50` and `I50.1`, and `W1` is not for `W19`; below `E11.1` is all that begins so.
fn is_below(code: &str, known: &str) -> bool {
    let code = code.to_uppercase();
    code.strip_prefix(known)
        .is_some_and(|rest| rest.is_empty() || rest.starts_with('.') || known.contains('.'))
}

#[cfg(test)]
mod tests {
    use ward_fhir::{Json, outcome::Severity, validate::validate};

    use super::*;

    #[test]
    fn every_plan_of_the_house_is_valid_and_found_by_its_words() {
        assert_eq!(house_plans().len(), 10);
        for plan in house_plans() {
            let bytes = serde_json::to_vec(plan).unwrap();
            let json = Json::parse(&bytes).unwrap();
            let issues = validate(&json, Some(ResourceType::PLAN_DEFINITION));
            let wrong: Vec<_> = issues.iter().filter(|it| it.severity <= Severity::Error).collect();
            assert!(wrong.is_empty(), "{wrong:?}");
            let contexts = plan["useContext"].as_array().unwrap();
            let word = contexts.iter().find_map(|it| it["valueCodeableConcept"]["text"].as_str());
            let by_words = Reason { text: word.unwrap().to_uppercase(), ..Reason::default() };
            assert!(is_for(plan, &by_words), "{}", plan["name"]);
        }
    }

    #[test]
    fn a_plan_is_found_by_code_and_a_code_beats_words() {
        let of = |system: &str, code: &str, text: &str| -> Vec<&str> {
            let reason = Reason {
                system: Some(system.to_owned()),
                code: Some(code.to_owned()),
                text: text.to_owned(),
            };
            let plans = house_plans().iter().filter(|it| is_for(it, &reason));
            plans.map(|it| it["id"].as_str().unwrap()).collect()
        };
        let icd = "http://hl7.org/fhir/sid/icd-10-cm";
        assert_eq!(of(icd, "J18.9", ""), ["pneumonia"]);
        assert_eq!(of(icd, "E11.10", ""), ["dka"]);
        assert_eq!(of(icd, "E11.9", "no ketoacidosis"), [""; 0]);
        assert_eq!(of(icd, "I501", ""), [""; 0], "not a code of ICD-10");
        assert_eq!(of("http://snomed.info/sct", "84114007", ""), ["heart-failure"]);
        assert_eq!(of("urn:own", "J18", "pneumonia"), [""; 0]);
    }
}
