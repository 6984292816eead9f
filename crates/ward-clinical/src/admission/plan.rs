//! The fourth step: a care plan for what the patient comes with. Everything in it is a draft.
//!
//! - Source: FHIR R4, PlanDefinition `$apply`: conditions are FHIRPath, what comes of a plan is a
//!   CarePlan with draft requests.

use std::sync::LazyLock;

use jiff::{Timestamp, civil::Date};
use serde::Deserialize;
use serde_json::{Value, json};
use ward_core::{FhirId, RecordKey, ResourceType};
use ward_fhir::{
    Json,
    fhirpath::{Env, Expression, Item},
};
use ward_store::workflow::{At, Outcome, Trouble, Work};

use super::request::{AdmissionRequest, Reason};
use crate::records::{self, put, text};

/// The plans of the house.
static PLANS: LazyLock<Result<Vec<Plan>, toml::de::Error>> = LazyLock::new(|| {
    let file = toml::from_str::<File>(include_str!("../../data/plans.toml"));
    file.map(|file| file.plan)
});

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    plan: Vec<Plan>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Plan {
    name: String,
    title: String,
    icd10: Vec<String>,
    snomed: Vec<String>,
    words: Vec<String>,
    goals: Vec<String>,
    orders: Vec<Line>,
    care: Vec<Line>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Line {
    text: String,
    when: Option<String>,
}

impl Plan {
    fn is_for(&self, reason: &Reason) -> bool {
        let Some(code) = &reason.code else {
            let words = reason.text.to_lowercase();
            return self.words.iter().any(|word| words.contains(word.as_str()));
        };
        match reason.system.as_deref() {
            Some("http://snomed.info/sct") => self.snomed.contains(code),
            Some(system) if system.contains("icd-10") => {
                let plain = code.to_uppercase();
                self.icd10.iter().any(|prefix| {
                    let rest = plain.strip_prefix(prefix.as_str());
                    // `I50` is for `I50` and `I50.1`, `W1` is not for `W19`.
                    rest.is_some_and(|rest| {
                        rest.is_empty() || rest.starts_with('.') || prefix.contains('.')
                    })
                })
            }
            _ => false,
        }
    }
}

pub(super) fn propose(at: &At<'_>, request: &AdmissionRequest) -> Result<Work, Trouble> {
    let skipped = |why: &str| Ok(Work::ended(Outcome::Skipped(why.to_owned())));
    let (Some(patient), Some(encounter)) =
        (at.instance.data_id("patient"), at.instance.data_id("encounter"))
    else {
        return skipped("there is no encounter");
    };
    let Ok(plans) = PLANS.as_ref() else { return skipped("the plans cannot be read") };
    let fitting: Vec<&Plan> = plans
        .iter()
        .filter(|plan| request.reasons.iter().any(|reason| plan.is_for(reason)))
        .collect();
    if fitting.is_empty() {
        return skipped("no plan is kept for this reason");
    }
    let context = context(at, (&patient, &encounter))?;
    let mut writes = Vec::new();
    let mut names = Vec::new();
    for plan in fitting {
        let mut activities = Vec::new();
        for (n, line) in
            plan.orders.iter().enumerate().filter(|(_, line)| holds(line, &context, at.cx.now))
        {
            let key = key_of(at, ResourceType::SERVICE_REQUEST, &plan.name, n);
            let order = json!({
                "resourceType": "ServiceRequest",
                "status": "draft",
                "intent": "proposal",
                "code": { "text": line.text },
                "subject": { "reference": format!("Patient/{patient}") },
                "encounter": { "reference": format!("Encounter/{encounter}") },
                "authoredOn": at.cx.now.to_string(),
            });
            activities.push(json!({ "reference": { "reference": key.to_string() } }));
            let base = at.chart.current(&key)?.map(|(version, _)| version);
            writes.extend(records::write(&order, &key, base, at.cx.now, at.base));
        }
        let care = plan.care.iter().filter(|line| holds(line, &context, at.cx.now));
        activities.extend(care.map(
            |line| json!({ "detail": { "status": "not-started", "description": line.text } }),
        ));
        let goals = plan.goals.iter().enumerate().map(|(n, goal)| {
            let key = key_of(at, ResourceType::GOAL, &plan.name, n);
            let goal = json!({
                "resourceType": "Goal",
                "lifecycleStatus": "proposed",
                "description": { "text": goal },
                "subject": { "reference": format!("Patient/{patient}") },
            });
            (key, goal)
        });
        let mut goals_of = Vec::new();
        for (key, goal) in goals {
            let base = at.chart.current(&key)?.map(|(version, _)| version);
            goals_of.push(json!({ "reference": key.to_string() }));
            writes.extend(records::write(&goal, &key, base, at.cx.now, at.base));
        }
        let key = key_of(at, ResourceType::CARE_PLAN, &plan.name, 0);
        let care_plan = json!({
            "resourceType": "CarePlan",
            "identifier": [{ "system": "urn:ward:plan", "value": plan.name }],
            "status": "draft",
            "intent": "plan",
            "title": plan.title,
            "subject": { "reference": format!("Patient/{patient}") },
            "encounter": { "reference": format!("Encounter/{encounter}") },
            "created": at.cx.now.to_string(),
            "goal": goals_of,
            "activity": activities,
        });
        let base = at.chart.current(&key)?.map(|(version, _)| version);
        writes.extend(records::write(&care_plan, &key, base, at.cx.now, at.base));
        names.push(key.id.to_string());
    }
    Ok(Work::done(writes).with("carePlan", names.join(" ")))
}

/// Drafts that nobody has taken up are revoked; what a clinician has taken up stays the clinician's.
pub(super) fn revoke(at: &At<'_>) -> Result<Work, Trouble> {
    let mut writes = Vec::new();
    let plans = at.instance.data("carePlan").unwrap_or_default().split(' ');
    for id in plans.filter_map(|id| id.parse::<FhirId>().ok()) {
        let key = records::key(ResourceType::CARE_PLAN, &id);
        let Some((mut plan, version)) = records::read(at.reader, &key)? else { continue };
        let activities = plan.get("activity").and_then(Value::as_array).cloned();
        for activity in activities.into_iter().flatten() {
            let order = activity.pointer("/reference/reference").and_then(Value::as_str);
            let Some(id) = order.and_then(|it| records::id_of(it, "ServiceRequest")) else {
                continue;
            };
            let key = records::key(ResourceType::SERVICE_REQUEST, &id);
            if let Some((mut order, version)) = records::read(at.reader, &key)?
                && text(&order, "status") == Some("draft")
            {
                put(&mut order, "status", json!("revoked"));
                writes.extend(records::write(&order, &key, Some(version), at.cx.now, at.base));
            }
        }
        if text(&plan, "status") == Some("draft") {
            put(&mut plan, "status", json!("revoked"));
            writes.extend(records::write(&plan, &key, Some(version), at.cx.now, at.base));
        }
    }
    Ok(Work::done(writes))
}

fn key_of(at: &At<'_>, kind: ResourceType, plan: &str, n: usize) -> RecordKey {
    let parts = ["admission", kind.name(), plan, &n.to_string(), at.instance.id.as_str()];
    RecordKey::new(kind, at.chart.derived_id(&parts))
}

/// What conditions are asked of.
fn context(
    at: &At<'_>,
    (patient, encounter): (&FhirId, &FhirId),
) -> Result<Json<'static>, Trouble> {
    let read = |kind, id| records::read(at.reader, &records::key(kind, id));
    let patient = read(ResourceType::PATIENT, patient)?.map(|(it, _)| it).unwrap_or_default();
    let encounter = read(ResourceType::ENCOUNTER, encounter)?.map(|(it, _)| it);
    let born = text(&patient, "birthDate").and_then(|it| it.parse::<Date>().ok());
    let today = jiff::tz::Offset::UTC.to_datetime(at.cx.now).date();
    let age = born.and_then(|born| born.until((jiff::Unit::Year, today)).ok());
    let mut context = json!({ "patient": patient, "encounter": encounter });
    if let Some(age) = age {
        put(&mut context, "age_years", json!(age.get_years()));
    }
    let bytes = serde_json::to_vec(&context).unwrap_or_default();
    Ok(Json::parse(&bytes).map(Json::into_owned).unwrap_or(Json::Null))
}

/// A condition that has no answer, such as one on the age of somebody of unknown age, does not
/// hold back what it is about: it is a proposal, and a person looks at it.
fn holds(line: &Line, context: &Json<'_>, now: Timestamp) -> bool {
    let Some(when) = &line.when else { return true };
    let Ok(expression) = Expression::parse(when) else { return true };
    let env = Env { resource: context, now, variables: &[] };
    expression.holds_at(Item::root(context), &env).unwrap_or(true)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_plan_can_be_used() {
        let plans = PLANS.as_ref().unwrap();
        assert_eq!(plans.len(), 10);
        for plan in plans {
            for line in plan.orders.iter().chain(&plan.care) {
                if let Some(when) = &line.when {
                    Expression::parse(when).unwrap();
                }
            }
            let by_words = Reason { text: plan.words[0].clone(), ..Reason::default() };
            assert!(plan.is_for(&by_words), "{}", plan.name);
        }
    }

    #[test]
    fn a_plan_is_found_by_code_and_a_code_beats_words() {
        let plans = PLANS.as_ref().unwrap();
        let of = |system: &str, code: &str, text: &str| -> Vec<&str> {
            let reason = Reason {
                system: Some(system.to_owned()),
                code: Some(code.to_owned()),
                text: text.to_owned(),
            };
            plans.iter().filter(|it| it.is_for(&reason)).map(|it| it.name.as_str()).collect()
        };
        let icd = "http://hl7.org/fhir/sid/icd-10-cm";
        assert_eq!(of(icd, "J18.9", ""), ["pneumonia"]);
        assert_eq!(of(icd, "E11.10", ""), ["dka"]);
        assert_eq!(of(icd, "E11.9", "no ketoacidosis"), [""; 0]);
        assert_eq!(of(icd, "I501", ""), [""; 0], "not a code of ICD-10");
        assert_eq!(of("http://snomed.info/sct", "84114007", ""), ["heart-failure"]);
        assert_eq!(of("urn:own", "J18", "pneumonia"), [""; 0]);
    }

    #[test]
    fn conditions_ask_the_patient() {
        let line = |when: &str| Line { text: String::new(), when: Some(when.to_owned()) };
        let holds_now =
            |line: &Line, context: &Json<'_>| holds(line, context, Timestamp::UNIX_EPOCH);
        let of = |age: Option<i64>| {
            let text = match age {
                Some(age) => format!(r#"{{"patient":{{"gender":"female"}},"age_years":{age}}}"#),
                None => r#"{"patient":{}}"#.to_owned(),
            };
            Json::parse(text.as_bytes()).unwrap().into_owned()
        };
        assert!(holds_now(&line("age_years >= 65"), &of(Some(65))));
        assert!(!holds_now(&line("age_years >= 65"), &of(Some(64))));
        assert!(holds_now(&line("age_years >= 65"), &of(None)), "nobody knows");
        let fertile = "patient.gender = 'female' and age_years >= 12 and age_years <= 55";
        assert!(
            holds_now(&line(fertile), &of(Some(30))) && !holds_now(&line(fertile), &of(Some(60)))
        );
    }
}
