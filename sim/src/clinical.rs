//! What happened to them: encounters, problems, measurements, medication.

use crate::{
    bundle::{Bundle, HL7, LOINC, RXNORM, SNOMED, UCUM, concept},
    dice::Dice,
    people::Person,
};

/// A problem with what belongs to it: code, display, share of adults in percent, medication.
type Problem = (&'static str, &'static str, u64, (&'static str, &'static str));

/// - Source: SNOMED CT concept ids; RxNorm ingredient ids.
const PROBLEMS: [Problem; 8] = [
    ("38341003", "Hypertensive disorder", 34, ("29046", "lisinopril")),
    ("44054006", "Diabetes mellitus type 2", 14, ("6809", "metformin")),
    ("55822004", "Hyperlipidemia", 24, ("83367", "atorvastatin")),
    ("195967001", "Asthma", 9, ("435", "albuterol")),
    ("13645005", "Chronic obstructive pulmonary disease", 7, ("69120", "tiotropium")),
    ("49436004", "Atrial fibrillation", 6, ("11289", "warfarin")),
    ("35489007", "Depressive disorder", 12, ("36437", "sertraline")),
    ("40930008", "Hypothyroidism", 8, ("10582", "levothyroxine")),
];

const ALLERGIES: [(&str, &str); 5] = [
    ("764146007", "Penicillin"),
    ("387406002", "Sulfonamide"),
    ("387458008", "Aspirin"),
    ("1003755004", "Allergy to Hevea brasiliensis latex protein"),
    ("256349002", "Peanut"),
];

/// A measurement: LOINC code, display, unit, low, high, decimals shown as tenths.
type Measure = (&'static str, &'static str, &'static str, u64, u64, bool);

const VITALS: [Measure; 5] = [
    ("8867-4", "Heart rate", "/min", 55, 105, false),
    ("9279-1", "Respiratory rate", "/min", 11, 24, false),
    ("59408-5", "Oxygen saturation in Arterial blood by Pulse oximetry", "%", 91, 100, false),
    ("8310-5", "Body temperature", "Cel", 360, 389, true),
    ("29463-7", "Body weight", "kg", 480, 1180, true),
];

const LABS: [Measure; 8] = [
    ("718-7", "Hemoglobin [Mass/volume] in Blood", "g/dL", 95, 172, true),
    ("6690-2", "Leukocytes [#/volume] in Blood by Automated count", "10*3/uL", 35, 145, true),
    ("777-3", "Platelets [#/volume] in Blood by Automated count", "10*3/uL", 130, 420, false),
    ("2160-0", "Creatinine [Mass/volume] in Serum or Plasma", "mg/dL", 6, 21, true),
    ("2951-2", "Sodium [Moles/volume] in Serum or Plasma", "mmol/L", 131, 147, false),
    ("2823-3", "Potassium [Moles/volume] in Serum or Plasma", "mmol/L", 32, 55, true),
    ("2345-7", "Glucose [Mass/volume] in Serum or Plasma", "mg/dL", 68, 240, false),
    ("4548-4", "Hemoglobin A1c/Hemoglobin.total in Blood", "%", 48, 96, true),
];

pub(crate) fn coverage(bundle: &mut Bundle, dice: &mut Dice, patient: &str, n: u64) {
    let payor = ["Commonwealth Health Plan", "Bay Mutual", "Medicare", "Medicaid"];
    let payor = dice.pick(&payor);
    bundle.post(
        &dice.uuid(),
        "Coverage",
        &format!(
            r#""status":"active","subscriberId":"S{:09}","beneficiary":{{"reference":"urn:uuid:{patient}"}},"payor":[{{"display":"{payor}"}}]"#,
            100_000 + n * 3
        ),
    );
}

/// Problems, allergies and a few encounters with what was found and given in them.
pub(crate) fn story(
    bundle: &mut Bundle,
    dice: &mut Dice,
    person: &Person,
    patient: &str,
    physician: &str,
    year: u64,
) {
    let subject = format!(r#""subject":{{"reference":"urn:uuid:{patient}"}}"#);
    let is_adult = person.birth_year + 18 <= year;
    let mut medication = Vec::new();
    for (code, display, share, drug) in PROBLEMS {
        if is_adult && dice.chance(share) {
            medication.push(drug);
            let onset = dice.between((person.birth_year + 18).max(year.saturating_sub(15)), year);
            bundle.post(
                &dice.uuid(),
                "Condition",
                &format!(
                    r#""clinicalStatus":{},"verificationStatus":{},"category":[{}],"code":{},{subject},"onsetDateTime":"{onset}-{:02}-{:02}""#,
                    concept(&format!("{HL7}/condition-clinical"), "active", "Active"),
                    concept(&format!("{HL7}/condition-ver-status"), "confirmed", "Confirmed"),
                    concept(&format!("{HL7}/condition-category"), "problem-list-item", "Problem List Item"),
                    concept(SNOMED, code, display),
                    dice.between(1, 12),
                    dice.between(1, 28),
                ),
            );
        }
    }
    if dice.chance(22) {
        let (code, display) = dice.pick(&ALLERGIES);
        bundle.post(
            &dice.uuid(),
            "AllergyIntolerance",
            &format!(
                r#""clinicalStatus":{},"verificationStatus":{},"type":"allergy","criticality":"{}","code":{},"patient":{{"reference":"urn:uuid:{patient}"}}"#,
                concept(&format!("{HL7}/allergyintolerance-clinical"), "active", "Active"),
                concept(&format!("{HL7}/allergyintolerance-verification"), "confirmed", "Confirmed"),
                dice.pick(&["low", "high"]),
                concept(SNOMED, code, display),
            ),
        );
    }
    for (code, display) in &medication {
        bundle.post(
            &dice.uuid(),
            "MedicationRequest",
            &format!(
                r#""status":"active","intent":"order","medicationCodeableConcept":{},{subject},"authoredOn":"{year}-01-{:02}","requester":{{"reference":"{physician}"}},"dosageInstruction":[{{"text":"1 daily","timing":{{"repeat":{{"frequency":1,"period":1,"periodUnit":"d"}}}}}}]"#,
                concept(RXNORM, code, display),
                dice.between(1, 28),
            ),
        );
    }
    for _ in 0..dice.between(1, 3) {
        encounter(bundle, dice, patient, physician, year);
    }
}

fn encounter(bundle: &mut Bundle, dice: &mut Dice, patient: &str, physician: &str, year: u64) {
    let (class, display) =
        dice.pick(&[("AMB", "ambulatory"), ("EMER", "emergency"), ("IMP", "inpatient encounter")]);
    let day = format!(
        "{}-{:02}-{:02}",
        year.saturating_sub(dice.below(4)),
        dice.between(1, 10),
        dice.between(1, 28)
    );
    let hour = dice.between(6, 18);
    let uuid = dice.uuid();
    let subject = format!(r#""subject":{{"reference":"urn:uuid:{patient}"}}"#);
    bundle.post(
        &uuid,
        "Encounter",
        &format!(
            r#""status":"finished","class":{{"system":"{HL7}/v3-ActCode","code":"{class}","display":"{display}"}},{subject},"participant":[{{"individual":{{"reference":"{physician}"}}}}],"period":{{"start":"{day}T{hour:02}:00:00Z","end":"{day}T{:02}:30:00Z"}}"#,
            hour + 2
        ),
    );
    let within = format!(r#"{subject},"encounter":{{"reference":"urn:uuid:{uuid}"}}"#);
    let mut minute = 5;
    for measure in VITALS {
        observe(
            bundle,
            dice,
            measure,
            "vital-signs",
            &within,
            &format!("{day}T{hour:02}:{minute:02}:00Z"),
        );
        minute += 1;
    }
    blood_pressure(bundle, dice, &within, &format!("{day}T{hour:02}:{minute:02}:00Z"));
    if dice.chance(70) {
        let mut results = Vec::new();
        for measure in LABS {
            let time = format!("{day}T{hour:02}:40:00Z");
            results.push(observe(bundle, dice, measure, "laboratory", &within, &time));
        }
        let results: Vec<String> =
            results.iter().map(|it| format!(r#"{{"reference":"urn:uuid:{it}"}}"#)).collect();
        bundle.post(
            &dice.uuid(),
            "DiagnosticReport",
            &format!(
                r#""status":"final","category":[{}],"code":{},{within},"effectiveDateTime":"{day}T{hour:02}:40:00Z","result":[{}]"#,
                concept(&format!("{HL7}/v2-0074"), "LAB", "Laboratory"),
                concept(LOINC, "51990-0", "Basic metabolic panel - Blood"),
                results.join(",")
            ),
        );
    }
    if dice.chance(30) {
        bundle.post(
            &dice.uuid(),
            "Procedure",
            &format!(
                r#""status":"completed","code":{},{within},"performedDateTime":"{day}T{:02}:10:00Z""#,
                concept(SNOMED, "399208008", "Plain chest X-ray"),
                hour + 1
            ),
        );
    }
    if dice.chance(25) {
        bundle.post(
            &dice.uuid(),
            "Immunization",
            &format!(
                r#""status":"completed","vaccineCode":{},"patient":{{"reference":"urn:uuid:{patient}"}},"occurrenceDateTime":"{day}""#,
                concept("http://hl7.org/fhir/sid/cvx", "140", "Influenza, seasonal, injectable, preservative free"),
            ),
        );
    }
}

fn observe(
    bundle: &mut Bundle,
    dice: &mut Dice,
    (code, display, unit, low, high, tenths): Measure,
    category: &str,
    within: &str,
    time: &str,
) -> String {
    let uuid = dice.uuid();
    let value = dice.between(low, high);
    let value = if tenths { format!("{}.{}", value / 10, value % 10) } else { value.to_string() };
    bundle.post(
        &uuid,
        "Observation",
        &format!(
            r#""status":"final","category":[{}],"code":{},{within},"effectiveDateTime":"{time}","valueQuantity":{{"value":{value},"unit":"{unit}","system":"{UCUM}","code":"{unit}"}}"#,
            concept(&format!("{HL7}/observation-category"), category, category),
            concept(LOINC, code, display),
        ),
    );
    uuid
}

fn blood_pressure(bundle: &mut Bundle, dice: &mut Dice, within: &str, time: &str) {
    let systolic = dice.between(98, 172);
    let part = |code: &str, display: &str, value: u64| {
        format!(
            r#"{{"code":{},"valueQuantity":{{"value":{value},"unit":"mm[Hg]","system":"{UCUM}","code":"mm[Hg]"}}}}"#,
            concept(LOINC, code, display)
        )
    };
    bundle.post(
        &dice.uuid(),
        "Observation",
        &format!(
            r#""status":"final","category":[{}],"code":{},{within},"effectiveDateTime":"{time}","component":[{},{}]"#,
            concept(&format!("{HL7}/observation-category"), "vital-signs", "vital-signs"),
            concept(LOINC, "85354-9", "Blood pressure panel with all children optional"),
            part("8480-6", "Systolic blood pressure", systolic),
            part("8462-4", "Diastolic blood pressure", systolic * 6 / 10),
        ),
    );
}
