//! Which drug an order is of: a code, a contained or a referenced Medication.

use serde_json::Value;
use ward_rules::medication::{
    context::{Drug, DrugIngredient},
    knowledge::Strength,
};

use super::read::{Reading, codes, list, text, unit_of, words};

/// The drug of a request or a statement; one without a name where there is none, with a gap.
pub(super) fn read(reading: &mut Reading<'_>, place: &str, resource: &Value) -> Drug {
    if let Some(concept) = resource.get("medicationCodeableConcept") {
        return Drug { codes: codes(concept), text: words(concept), ..Drug::default() };
    }
    let Some(reference) = resource.get("medicationReference") else {
        reading.gap(place, "there is no medication");
        return Drug::default();
    };
    let display = text(reference, "display");
    match reading.resolve(text(reference, "reference"), resource) {
        Some(medication) => {
            let mut drug = medication_of(reading, place, medication);
            if drug.text.is_empty() {
                drug.text = display.to_owned();
            }
            drug
        }
        None => {
            reading.gap(
                format!("{place}.medicationReference"),
                "the Medication it refers to is not there",
            );
            Drug { text: display.to_owned(), ..Drug::default() }
        }
    }
}

fn medication_of(reading: &mut Reading<'_>, place: &str, medication: &Value) -> Drug {
    let concept = medication.get("code");
    let ingredients: Vec<DrugIngredient> = list(medication, "ingredient")
        .enumerate()
        .filter_map(|(n, it)| {
            let place = format!("{place}.medication.ingredient[{n}]");
            ingredient(reading, &place, medication, it)
        })
        .collect();
    let named = ingredients.iter().map(|it| it.text.as_str()).collect::<Vec<_>>().join(" / ");
    let text = concept.map(words).filter(|it| !it.is_empty()).unwrap_or(named);
    Drug {
        codes: concept.map(codes).unwrap_or_default(),
        text,
        ingredients,
        form: medication.get("form").map(words).filter(|it| !it.is_empty()),
    }
}

fn ingredient(
    reading: &mut Reading<'_>,
    place: &str,
    medication: &Value,
    written: &Value,
) -> Option<DrugIngredient> {
    let (codes_of, text_of) =
        match (written.get("itemCodeableConcept"), written.get("itemReference")) {
            (Some(concept), _) => (codes(concept), words(concept)),
            (None, Some(reference)) => {
                let target = reading.resolve(text(reference, "reference"), medication);
                match target.and_then(|it| it.get("code")) {
                    Some(concept) => (codes(concept), words(concept)),
                    None => {
                        reading.gap(place, "the ingredient it refers to is not there");
                        (Vec::new(), text(reference, "display").to_owned())
                    }
                }
            }
            (None, None) => {
                reading.gap(place, "the ingredient has no name");
                return None;
            }
        };
    let strength = written.get("strength").and_then(|ratio| {
        let (above, below) = (ratio.get("numerator")?, ratio.get("denominator")?);
        let value = above.get("value").and_then(Value::as_f64)?;
        let per_value = below.get("value").and_then(Value::as_f64).unwrap_or(1.0);
        let per_unit = Some(unit_of(below)).filter(|it| !it.is_empty()).unwrap_or("1");
        Some(Strength {
            value,
            unit: unit_of(above).to_owned(),
            per_value,
            per_unit: per_unit.to_owned(),
        })
    });
    if written.get("strength").is_some() && strength.is_none() {
        reading.gap(format!("{place}.strength"), "it is no ratio of two amounts");
    }
    let is_active = written.get("isActive").and_then(Value::as_bool).unwrap_or(true);
    Some(DrugIngredient { codes: codes_of, text: text_of, is_active, strength })
}
