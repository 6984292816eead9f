//! The first step: the patient is known, and can be admitted.

use serde_json::Value;
use ward_core::{FhirId, ResourceType};
use ward_store::workflow::{At, Outcome, Trouble, Work, own_read};

use crate::{
    records::{self, id_of, text},
    stay::StayKept,
};

/// Longest chain of merges that is followed.
/// LIMIT: nobody merges the same person more often; a circle ends here.
const LINKS_MAX: usize = 16;

pub(super) fn validate(at: &At<'_>) -> Result<Work, Trouble> {
    let no = |why: &str| Ok(Work::ended(Outcome::Failed(why.to_owned())));
    let Some(mut id) = at.instance.patient() else { return no("there is no such patient") };
    let mut patient = None;
    for _ in 0..LINKS_MAX {
        let found = records::read(at.reader, &records::key(ResourceType::PATIENT, &id))?;
        let Some((found, _)) = found else { return no("there is no such patient") };
        match replaced_by(&found) {
            // Who was merged into another is admitted as that other.
            Some(next) => id = next,
            None => {
                patient = Some(found);
                break;
            }
        }
    }
    let Some(patient) = patient else { return no("the patient's record goes round in a circle") };
    if patient.get("active").and_then(Value::as_bool) == Some(false) {
        return no("the patient's record is not in use");
    }
    let is_dead = patient.get("deceasedBoolean").and_then(Value::as_bool) == Some(true);
    if is_dead || patient.get("deceasedDateTime").is_some() {
        return no("the patient is recorded as deceased");
    }
    let stay = own_read::<StayKept>(at.reader, &records::key(ResourceType::STAY, &id))?;
    if stay.is_some_and(|(stay, _)| stay.is_open) {
        return no("the patient is in a stay already");
    }
    let mut work = Work::default().with("patient", id.as_str());
    if let Some(sex) = text(&patient, "gender") {
        work = work.with("sex", sex);
    }
    Ok(work)
}

/// - Source: FHIR R4, Patient.link, `replaced-by`.
fn replaced_by(patient: &Value) -> Option<FhirId> {
    let links = patient.get("link")?.as_array()?;
    let link = links.iter().find(|link| text(link, "type") == Some("replaced-by"))?;
    id_of(text(link.get("other")?, "reference")?, "Patient")
}
