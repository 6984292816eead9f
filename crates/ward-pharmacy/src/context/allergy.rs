//! What the patient does not stand, and whether anybody asked.

use serde_json::Value;
use ward_rules::medication::context::{
    Allergies, Allergy, AllergyCategory, AllergyKind, Criticality, Drug, Reaction,
};

use super::read::{Reading, codes, has_code, list, place, text, words};

/// No known allergy, no known drug allergy: SNOMED CT.
const NONE_KNOWN: &[&str] = &["716186003", "409137002"];

/// Codes of lists of allergies: LOINC.
const ALLERGY_LIST: &[&str] = &["48765-2", "52472-8"];

pub(super) fn read(reading: &mut Reading<'_>, resources: &[&Value], lists: &[&Value]) -> Allergies {
    let mut known = Vec::new();
    let mut is_none = lists.iter().any(|it| {
        it.get("code").is_some_and(|code| has_code(code, ALLERGY_LIST))
            && it.get("emptyReason").is_some_and(|why| has_code(why, &["nilknown"]))
    });
    for resource in resources {
        let verified = resource.get("verificationStatus");
        let is_refuted = verified.is_some_and(|it| has_code(it, &["refuted", "entered-in-error"]));
        let is_over = resource
            .get("clinicalStatus")
            .is_some_and(|it| has_code(it, &["inactive", "resolved"]));
        let code = resource.get("code");
        if code.is_some_and(|it| has_code(it, NONE_KNOWN)) {
            is_none = is_none || !is_refuted;
            continue;
        }
        let allergy = one(reading, resource, !is_refuted && !is_over);
        known.extend(allergy);
    }
    match (known.is_empty(), is_none) {
        (true, true) => Allergies::NoneKnown,
        (true, false) => Allergies::NotAssessed,
        (false, _) => Allergies::Known(known),
    }
}

fn one(reading: &mut Reading<'_>, resource: &Value, is_held: bool) -> Option<Allergy> {
    let id = place(resource);
    let substances = list(resource, "reaction").filter_map(|it| it.get("substance"));
    let concepts: Vec<&Value> = resource.get("code").into_iter().chain(substances).collect();
    let Some(first) = concepts.first() else {
        reading.gap(id, "the allergy does not say to what");
        return None;
    };
    let to = Drug {
        codes: concepts.iter().flat_map(|it| codes(it)).collect(),
        text: words(first),
        ..Drug::default()
    };
    if to.codes.is_empty() && to.text.is_empty() {
        reading.gap(id, "the allergy does not say to what");
        return None;
    }
    let category =
        list(resource, "category").find_map(Value::as_str).map_or(AllergyCategory::Unknown, |it| {
            match it {
                "medication" => AllergyCategory::Medication,
                "biologic" => AllergyCategory::Biologic,
                "food" => AllergyCategory::Food,
                "environment" => AllergyCategory::Environment,
                _ => AllergyCategory::Unknown,
            }
        });
    let reactions = list(resource, "reaction")
        .flat_map(|reaction| {
            let is_severe = text(reaction, "severity") == "severe";
            list(reaction, "manifestation").map(move |it| Reaction {
                codes: codes(it),
                text: words(it),
                is_severe,
            })
        })
        .collect();
    Some(Allergy {
        id,
        to,
        category,
        kind: match text(resource, "type") {
            "allergy" => AllergyKind::Allergy,
            "intolerance" => AllergyKind::Intolerance,
            _ => AllergyKind::Unknown,
        },
        criticality: match text(resource, "criticality") {
            "high" => Some(Criticality::High),
            "low" => Some(Criticality::Low),
            _ => None,
        },
        is_held,
        reactions,
    })
}
