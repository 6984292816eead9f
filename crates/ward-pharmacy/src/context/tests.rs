//! Bundles of our own, and the examples of FHIR.

use jiff::{Timestamp, tz::TimeZone};
use serde_json::{Value, json};
use ward_rules::medication::{
    Issue, Tier, check,
    context::{Allergies, RouteGiven},
    knowledge::starter,
    route::Route,
    timing::pace,
};

use super::{Source, context_of, dosing_of, source_of_bundle};

fn now() -> Timestamp {
    "2026-11-28T12:00:00Z".parse().unwrap()
}

fn quantity(value: f64, unit: &str) -> Value {
    json!({"value": value, "system": "http://unitsofmeasure.org", "code": unit})
}

fn order(id: &str, status: &str, drug: &str, dose: Value, code: &str) -> Value {
    json!({
        "resourceType": "MedicationRequest", "id": id, "status": status, "intent": "order",
        "subject": {"reference": "Patient/p"},
        "medicationCodeableConcept": {"text": drug},
        "dosageInstruction": [{
            "timing": {"code": {"coding": [{"code": code}]}},
            "route": {"coding": [{"system": "http://snomed.info/sct", "code": "26643006"}]},
            "doseAndRate": [{"doseQuantity": dose}]
        }]
    })
}

fn bundle(resources: Vec<Value>) -> Value {
    let entries: Vec<Value> = resources.into_iter().map(|it| json!({"resource": it})).collect();
    json!({"resourceType": "Bundle", "type": "collection", "entry": entries})
}

fn issues(bundle: &Value) -> Vec<Issue> {
    let source = source_of_bundle(bundle, now()).unwrap();
    check(starter().as_ref().unwrap(), &context_of(&source))
}

fn patient() -> Value {
    json!({"resourceType": "Patient", "id": "p", "gender": "male", "birthDate": "1950-03-01"})
}

#[test]
fn a_bundle_becomes_a_context() {
    let bundle = bundle(vec![
        patient(),
        json!({"resourceType": "AllergyIntolerance", "id": "a", "code": {"text": "penicillin"},
            "type": "allergy", "criticality": "high", "patient": {"reference": "Patient/p"}}),
        json!({"resourceType": "Observation", "id": "w", "status": "final",
            "code": {"coding": [{"system": "http://loinc.org", "code": "29463-7"}]},
            "effectiveDateTime": "2026-11-27T08:00:00+01:00", "valueQuantity": quantity(70.0, "kg")}),
        json!({"resourceType": "Observation", "id": "c", "status": "final",
            "code": {"coding": [{"system": "http://loinc.org", "code": "2160-0"}]},
            "effectiveDateTime": "2026-11-28", "valueQuantity": quantity(1.1, "mg/dL")}),
        json!({"resourceType": "Condition", "id": "d",
            "code": {"coding": [{"system": "http://hl7.org/fhir/sid/icd-10", "code": "J45.9"}]}}),
        order("old", "active", "phenelzine", quantity(15.0, "mg"), "TID"),
        order("gone", "entered-in-error", "warfarin", quantity(5.0, "mg"), "QD"),
        order("new", "draft", "sertraline", quantity(50.0, "mg"), "QD"),
    ]);
    let source = source_of_bundle(&bundle, now()).unwrap();
    let cx = context_of(&source);
    assert_eq!(cx.gaps, []);
    assert_eq!((cx.proposed.len(), cx.active.len(), cx.conditions.len()), (1, 1, 1));
    assert_eq!(cx.patient.weights.len(), 1);
    assert!(matches!(&cx.allergies, Allergies::Known(all) if all.len() == 1));
    let found = check(starter().as_ref().unwrap(), &cx);
    let worst = found.first().unwrap();
    assert_eq!(worst.tier, Tier::HardStop);
    assert_eq!(worst.orders, ["MedicationRequest/new", "MedicationRequest/old"]);
}

#[test]
fn what_cannot_be_taken_is_said_with_its_place() {
    let mut odd = order("odd", "draft", "ibuprofen", quantity(400.0, "mg"), "TID");
    odd["dosageInstruction"][0]["timing"] =
        json!({"repeat": {"frequency": 0, "period": 1, "periodUnit": "fortnight"}});
    odd.as_object_mut().unwrap().remove("medicationCodeableConcept");
    odd["medicationReference"] = json!({"reference": "Medication/nowhere", "display": "ibuprofen"});
    let bundle = bundle(vec![patient(), odd]);
    let source = source_of_bundle(&bundle, now()).unwrap();
    let places: Vec<String> = context_of(&source)
        .gaps
        .into_iter()
        .map(|it| format!("{}: {}", it.place, it.what))
        .collect();
    assert_eq!(
        places,
        [
            "MedicationRequest/odd.dosageInstruction[0].timing.repeat.frequency: it is no number above zero",
            "MedicationRequest/odd.dosageInstruction[0].timing.repeat.periodUnit: it is no unit of time",
            "MedicationRequest/odd.dosageInstruction[0].timing.repeat.period: it has no unit",
            "MedicationRequest/odd.medicationReference: the Medication it refers to is not there",
        ]
    );
    let found = issues(&bundle);
    assert!(found.iter().any(|it| it.message.summary.contains("periodUnit")));
}

#[test]
fn medications_are_found_wherever_they_are() {
    let with = |reference: &str| {
        let mut order = order("m", "draft", "", quantity(1.0, "{tablet}"), "BID");
        order.as_object_mut().unwrap().remove("medicationCodeableConcept");
        order["medicationReference"] = json!({"reference": reference});
        order["contained"] = json!([{"resourceType": "Medication", "id": "in", "code": {"text": "ibuprofen 400 mg tablet"}}]);
        order
    };
    for reference in ["#in", "Medication/out", "http://other/fhir/Medication/out", "urn:uuid:7"] {
        let medication = json!({"resourceType": "Medication", "id": "out",
            "ingredient": [{"itemCodeableConcept": {"text": "ibuprofen"},
                "strength": {"numerator": quantity(400.0, "mg"), "denominator": quantity(1.0, "1")}}]});
        let bundle = json!({"resourceType": "Bundle", "entry": [
            {"resource": patient()},
            {"fullUrl": "urn:uuid:7", "resource": medication},
            {"resource": with(reference)},
        ]});
        let source = source_of_bundle(&bundle, now()).unwrap();
        assert_eq!(context_of(&source).gaps, [], "{reference}");
        let found = check(starter().as_ref().unwrap(), &context_of(&source));
        let whys: Vec<_> = found.iter().filter_map(|it| it.why).map(|it| it.name()).collect();
        assert!(
            !whys.contains(&"unknown-drug") && !whys.contains(&"no-strength"),
            "{reference}: {whys:?}"
        );
    }
}

#[test]
fn a_dosage_is_read_to_the_end() {
    let (dosing, gaps) = dosing_of(
        &json!({
            "asNeededCodeableConcept": {"text": "pain"},
            "timing": {"repeat": {"frequency": 1, "period": 4, "periodMax": 6, "periodUnit": "h",
                "boundsDuration": quantity(5.0, "d")}},
            "route": {"coding": [{"code": "IV"}]},
            "doseAndRate": [{"doseRange": {"low": quantity(2.0, "mg"), "high": quantity(4.0, "mg")},
                "rateRatio": {"numerator": quantity(100.0, "mL"), "denominator": quantity(1.0, "h")}}],
            "maxDosePerPeriod": {"numerator": quantity(20.0, "mg"), "denominator": quantity(24.0, "h")}
        }),
        &TimeZone::UTC,
    );
    assert_eq!(gaps, []);
    assert!(dosing.as_needed);
    assert_eq!(dosing.route, RouteGiven::Known(Route::Intravenous));
    assert_eq!(dosing.dose.unwrap().value, 4.0);
    assert_eq!(dosing.dose_low.unwrap().value, 2.0);
    assert_eq!(dosing.rate.unwrap().unit, "mL/h");
    assert_eq!(dosing.max_per_period.unwrap().period_h, 24.0);
    let pace = pace(&dosing.timing).unwrap();
    assert_eq!((pace.per_day, pace.days), (6.0, Some(5.0)));
}

#[test]
fn words_alone_are_read_as_a_sig() {
    let (dosing, gaps) =
        dosing_of(&json!({"text": "400 mg by mouth three times daily"}), &TimeZone::UTC);
    assert_eq!(gaps, []);
    assert_eq!(dosing.dose.unwrap().value, 400.0);
    let (_, gaps) = dosing_of(&json!({"text": "as the doctor said on the phone"}), &TimeZone::UTC);
    assert_eq!(gaps.len(), 1);
}

#[test]
fn nobody_asked_is_not_none() {
    let with = |resource: Value| {
        let all = [patient(), resource];
        let source = Source::new(all.iter().collect(), Vec::new(), now());
        context_of(&source).allergies
    };
    assert_eq!(with(json!({"resourceType": "Basic"})), Allergies::NotAssessed);
    let none = json!({"resourceType": "AllergyIntolerance", "id": "n",
        "code": {"coding": [{"system": "http://snomed.info/sct", "code": "716186003"}]}});
    assert_eq!(with(none), Allergies::NoneKnown);
    let list = json!({"resourceType": "List", "id": "l", "code": {"coding": [{"code": "52472-8"}]},
        "emptyReason": {"coding": [{"code": "nilknown"}]}});
    assert_eq!(with(list), Allergies::NoneKnown);
}

#[test]
fn examples_of_fhir_are_taken() {
    let shared = std::env::var("WARD_SHARED_DATA").unwrap_or_else(|_| {
        concat!(env!("CARGO_MANIFEST_DIR"), "/../../../shared/data").to_owned()
    });
    let folder = std::path::Path::new(&shared).join("meds/fhir");
    let Ok(entries) = std::fs::read_dir(&folder) else {
        eprintln!("NOT CHECKED: no examples of FHIR in {}", folder.display());
        return;
    };
    let mut n_orders = 0;
    for entry in entries {
        let path = entry.unwrap().path();
        let name = path.file_name().unwrap().to_string_lossy().into_owned();
        if !name.starts_with("MedicationRequest-") {
            continue;
        }
        n_orders += 1;
        let order: Value = serde_json::from_slice(&std::fs::read(&path).unwrap()).unwrap();
        let source = Source::new(Vec::new(), [&order].into(), now());
        let cx = context_of(&source);
        let found = check(starter().as_ref().unwrap(), &cx);
        // An order of which nothing is known of the patient never passes in silence.
        assert!(!found.is_empty(), "{name}");
        let is_known = !cx.proposed.iter().any(|it| it.drug.text.is_empty());
        assert!(is_known || !cx.gaps.is_empty(), "{name}: a drug was lost without a word");
    }
    assert_eq!(n_orders, 40);
}
