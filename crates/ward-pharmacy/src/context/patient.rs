//! Who it is.

use serde_json::Value;
use ward_rules::medication::{CheckContext, context::Sex};

use super::read::{Reading, date, list, place, text};

/// The sex at birth, by US Core: what formulas ask for where it differs from what is recorded.
const BIRTH_SEX: &str = "http://hl7.org/fhir/us/core/StructureDefinition/us-core-birthsex";

/// Years under which a birth date must be known to the day.
const CHILD_UNDER_Y: i16 = 19;

pub(super) fn read(reading: &mut Reading<'_>, cx: &mut CheckContext, patients: &[&Value]) {
    let Some(patient) = patients.first() else {
        reading.gap("Bundle", "there is no Patient: age and sex are not known");
        return;
    };
    let place = place(patient);
    if 1 < patients.len() {
        reading.gap("Bundle", "there is more than one Patient; the first was taken");
    }
    let written = text(patient, "birthDate");
    if !written.is_empty() {
        let birth = date(written);
        match birth {
            None => reading.gap(format!("{place}.birthDate"), "it is no date"),
            Some(birth) => {
                let year = reading.now.to_zoned_datetime(reading.zone.clone()).year();
                if written.len() < 10 && year - birth.year() < CHILD_UNDER_Y {
                    reading.gap(
                        format!("{place}.birthDate"),
                        "of a child it must be known to the day; its beginning was taken",
                    );
                }
            }
        }
        cx.patient.birth_date = birth;
    }
    let at_birth = list(patient, "extension")
        .find(|it| text(it, "url") == BIRTH_SEX)
        .map(|it| text(it, "valueCode"));
    cx.patient.sex = match at_birth.unwrap_or_else(|| text(patient, "gender")) {
        "F" | "female" => Some(Sex::Female),
        "M" | "male" => Some(Sex::Male),
        _ => None,
    };
    if patient.get("deceasedBoolean").and_then(Value::as_bool) == Some(true)
        || patient.get("deceasedDateTime").is_some()
    {
        reading.gap(place, "the patient is recorded as deceased");
    }
}
