//! Vital signs of one moment, as FHIR Observations.

use std::collections::BTreeMap;

use jiff::{SignedDuration, Timestamp};
use serde::Deserialize;
use serde_json::{Value, json};
use ward_core::FhirId;
use ward_rules::vitals::{self, Seen, Vital, VitalError};

use crate::records::{id_of, put};

/// How far a measurement may be ahead of the server's clock.
const AHEAD_S: i64 = 300;

/// How long ago a measurement may be that is entered now.
/// LIMIT: what is older is history, and is written as such.
const BEHIND_S: i64 = 31 * 86_400;

/// What was measured.
#[derive(Clone, PartialEq, Default, Debug, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Measured {
    /// `Encounter/ID` of the stay.
    #[serde(default)]
    pub encounter: Option<String>,
    /// When; now if absent.
    #[serde(default)]
    pub at: Option<Timestamp>,
    /// By name, such as `heartRate`.
    pub values: BTreeMap<String, Quantity>,
    /// Unlikely values that were looked at again.
    #[serde(default)]
    pub confirmed: Vec<String>,
}

/// A number, in the vital sign's own unit unless it says another.
#[derive(Clone, PartialEq, Debug, Deserialize)]
#[serde(untagged)]
pub enum Quantity {
    Number(f64),
    With { value: f64, unit: String },
}

/// Values that cannot be taken, each with its name.
#[derive(Clone, PartialEq, Debug)]
pub struct Refused(pub Vec<(String, String, Why)>);

/// What whoever entered it can do.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Why {
    /// Enter something else.
    Wrong,
    /// Look again, and confirm it.
    Unlikely,
}

/// A transaction with an Observation for each measurement; the two pressures are one.
///
/// - Errors: every value that cannot be taken. Nothing is written then.
/// - Source: FHIR R4, Vital Signs profiles.
pub fn bundle(
    measured: &Measured,
    patient: &FhirId,
    by: &str,
    now: Timestamp,
) -> Result<Value, Refused> {
    let at = measured.at.unwrap_or(now);
    let mut refused = Vec::new();
    let mut wrong = |name: &str, why: String, kind| refused.push((name.to_owned(), why, kind));
    let age = now.duration_since(at);
    if age < SignedDuration::from_secs(-AHEAD_S) || SignedDuration::from_secs(BEHIND_S) < age {
        wrong("at", "is ahead of now, or longer ago than a month".to_owned(), Why::Wrong);
    }
    let encounter = measured.encounter.as_ref().map(|it| id_of(it, "Encounter"));
    if encounter == Some(None) {
        wrong("encounter", "is not `Encounter/ID`".to_owned(), Why::Wrong);
    }
    if measured.values.is_empty() {
        wrong("values", "nothing was measured".to_owned(), Why::Wrong);
    }
    let mut values: BTreeMap<&'static str, (&'static Vital, f64)> = BTreeMap::new();
    for (name, quantity) in &measured.values {
        let Some(vital) = Vital::by_name(name) else {
            wrong(name, VitalError::Unknown.to_string(), Why::Wrong);
            continue;
        };
        let (number, unit) = match quantity {
            Quantity::Number(number) => (*number, None),
            Quantity::With { value, unit } => (*value, Some(unit.as_str())),
        };
        let seen = if measured.confirmed.contains(name) { Seen::Again } else { Seen::Once };
        match vital.value(number, unit, seen) {
            Ok(value) => {
                values.insert(vital.name, (vital, value));
            }
            Err(error @ VitalError::Unlikely { .. }) => {
                wrong(name, error.to_string(), Why::Unlikely);
            }
            Err(error) => wrong(name, error.to_string(), Why::Wrong),
        }
    }
    let number = |name: &str| values.get(name).map(|(_, value)| *value);
    let has = |name: &str| measured.values.contains_key(name);
    let both = has("systolic") && has("diastolic");
    // A pressure that was refused by itself is not refused twice.
    let is_refused = both && (number("systolic").is_none() || number("diastolic").is_none());
    if !is_refused && let Err(error) = vitals::pressures(number("systolic"), number("diastolic")) {
        wrong("diastolic", error.to_string(), Why::Wrong);
    }
    if !refused.is_empty() {
        return Err(Refused(refused));
    }
    if let (Some(weight), Some(height), None) = (number("weight"), number("height"), number("bmi"))
        && let Some(vital) = Vital::by_name("bmi")
    {
        let index = vitals::body_mass_index(weight, height);
        if vital.value(index, None, Seen::Again).is_ok() {
            values.insert(vital.name, (vital, index));
        }
    }
    let whole = |code: Value| {
        let mut observation = json!({
            "resourceType": "Observation",
            "status": "final",
            "category": [{ "coding": [{
                "system": "http://terminology.hl7.org/CodeSystem/observation-category",
                "code": "vital-signs",
                "display": "Vital Signs",
            }] }],
            "code": code,
            "subject": { "reference": format!("Patient/{patient}") },
            "effectiveDateTime": at.to_string(),
            "issued": now.to_string(),
            "performer": [{ "identifier": { "system": "urn:ward:actor", "value": by } }],
        });
        if let Some(Some(encounter)) = &encounter {
            put(
                &mut observation,
                "encounter",
                json!({ "reference": format!("Encounter/{encounter}") }),
            );
        }
        observation
    };
    let mut observations = Vec::new();
    if let (Some(upper), Some(lower)) = (values.get("systolic"), values.get("diastolic")) {
        let mut pressure = whole(concept("85354-9", "Blood pressure"));
        let part = |(vital, value): &(&Vital, f64)| json!({ "code": concept(vital.loinc, vital.title), "valueQuantity": quantity(vital, *value) });
        put(&mut pressure, "component", json!([part(upper), part(lower)]));
        observations.push(pressure);
    }
    for vital in &vitals::ALL {
        let Some((_, value)) = values.get(vital.name) else { continue };
        if matches!(vital.name, "systolic" | "diastolic") {
            continue;
        }
        let mut observation = whole(concept(vital.loinc, vital.title));
        put(&mut observation, "valueQuantity", quantity(vital, *value));
        observations.push(observation);
    }
    let entries: Vec<Value> = observations
        .into_iter()
        .map(|it| json!({ "resource": it, "request": { "method": "POST", "url": "Observation" } }))
        .collect();
    Ok(json!({ "resourceType": "Bundle", "type": "transaction", "entry": entries }))
}

fn concept(loinc: &str, title: &str) -> Value {
    let mut codings =
        vec![json!({ "system": "http://loinc.org", "code": loinc, "display": title })];
    // SPEC: the profile of oxygen saturation has both codes.
    if loinc == "2708-6" {
        codings.push(json!({ "system": "http://loinc.org", "code": "59408-5" }));
    }
    json!({ "coding": codings, "text": title })
}

fn quantity(vital: &Vital, value: f64) -> Value {
    // A whole number is written as one: `72` and not `72.0`.
    let number = match format!("{value:.0}").parse::<i64>() {
        Ok(whole) if value.fract() == 0.0 => json!(whole),
        _ => json!(value),
    };
    let mut quantity =
        json!({ "value": number, "system": "http://unitsofmeasure.org", "code": vital.ucum });
    if !vital.unit.is_empty() {
        put(&mut quantity, "unit", json!(vital.unit));
    }
    quantity
}

#[cfg(test)]
mod tests {
    use ward_core::ResourceType;
    use ward_fhir::{Json, outcome::Severity, validate::validate};

    use super::*;

    fn now() -> Timestamp {
        "2026-05-31T10:00:00Z".parse().unwrap()
    }

    fn of(measured: Value) -> Result<Value, Refused> {
        let measured: Measured = serde_json::from_value(measured).unwrap();
        bundle(&measured, &"p1".parse().unwrap(), "nurse", now())
    }

    #[test]
    fn a_round_is_one_transaction_of_valid_observations() {
        let made = of(json!({ "encounter": "Encounter/e1", "values": {
            "systolic": 128, "diastolic": 78, "heartRate": 72, "temperature": { "value": 100.4, "unit": "°F" },
            "oxygenSaturation": 97, "weight": 70, "height": 175,
        } }))
        .unwrap();
        let entries = made["entry"].as_array().unwrap();
        let codes: Vec<_> = entries
            .iter()
            .map(|it| it["resource"]["code"]["coding"][0]["code"].as_str().unwrap())
            .collect();
        assert_eq!(
            codes,
            ["85354-9", "8867-4", "8310-5", "2708-6", "8302-2", "29463-7", "39156-5"]
        );
        assert_eq!(entries[1]["resource"]["valueQuantity"]["value"], json!(72));
        assert_eq!(entries[2]["resource"]["valueQuantity"]["value"], json!(38));
        assert_eq!(entries[6]["resource"]["valueQuantity"]["value"], json!(22.9));
        for entry in entries {
            let bytes = serde_json::to_vec(&entry["resource"]).unwrap();
            let json = Json::parse(&bytes).unwrap();
            let issues = validate(&json, Some(ResourceType::OBSERVATION));
            let wrong: Vec<_> = issues.iter().filter(|it| it.severity <= Severity::Error).collect();
            assert!(wrong.is_empty(), "{wrong:?}");
        }
    }

    #[test]
    fn what_cannot_be_taken_is_said_by_name_and_nothing_is_written() {
        let names = |measured: Value| -> Vec<(String, Why)> {
            of(measured).unwrap_err().0.into_iter().map(|(name, _, why)| (name, why)).collect()
        };
        let wrong = |name: &str| (name.to_owned(), Why::Wrong);
        let unlikely = |name: &str| (name.to_owned(), Why::Unlikely);
        let values = json!({ "values": { "heartRate": 28, "temperature": 385, "mood": 3 } });
        assert_eq!(names(values), [unlikely("heartRate"), wrong("mood"), wrong("temperature")]);
        assert_eq!(names(json!({ "values": { "systolic": 120 } })), [wrong("diastolic")]);
        let turned = json!({ "values": { "systolic": 80, "diastolic": 120 } });
        assert_eq!(names(turned), [wrong("diastolic")]);
        assert_eq!(names(json!({ "values": {} })), [wrong("values")]);
        let late = json!({ "values": { "heartRate": 60 }, "at": "2026-05-31T10:10:00Z" });
        assert_eq!(names(late), [wrong("at")]);
        let again = json!({ "values": { "heartRate": 28 }, "confirmed": ["heartRate"] });
        assert!(of(again).is_ok());
    }
}
