//! FDA's maximum recommended daily doses, as EPA's DSSTox publishes them: tab-separated.
//!
//! A second opinion on daily maxima: oral, of an adult of 60 kg, from compendia of 1973 to 1999.
//!
//! - Source: FDA CDER, Maximum Recommended Therapeutic Dose database; DSSTox FDAMDD v3b.

use std::io::BufRead;

use super::{
    csv_tables::DoseFact,
    intake::{Intake, Lines, ReadFailed},
    pair::DrugFact,
    problem::said,
};

/// Weight of the adult whom the doses are for, in kilograms.
const ADULT_KG: f64 = 60.0;

pub fn read(
    source: impl BufRead,
    file: &str,
    intake: &mut Intake<'_>,
) -> Result<Vec<DoseFact>, ReadFailed> {
    let mut lines = Lines::new(source, file);
    let format = |why: &str| ReadFailed::Format { file: file.to_owned(), why: why.to_owned() };
    let Some(head) = lines.next(intake)? else { return Err(format("it is empty")) };
    let names: Vec<&str> = head.text.split('\t').collect();
    let at = |name: &str| names.iter().position(|it| *it == name);
    let (Some(name), Some(dose)) = (at("TestSubstance_ChemicalName"), at("Dose_MRDD_mg")) else {
        return Err(format("no columns TestSubstance_ChemicalName and Dose_MRDD_mg"));
    };
    let mut facts = Vec::new();
    while let Some(line) = lines.next(intake)? {
        let row: Vec<&str> = line.text.split('\t').collect();
        let get = |at: usize| row.get(at).map_or("", |it| it.trim().trim_matches('"'));
        let (name, value) = (get(name), get(dose));
        if name.is_empty() {
            continue;
        }
        match value.parse().ok().filter(|n: &f64| n.is_finite() && 0.0 < *n) {
            Some(mg_per_kg) => facts.push(DoseFact {
                drug: DrugFact { name: name.to_owned(), rxcui: String::new() },
                mg_per_day: mg_per_kg * ADULT_KG,
                source: "FDAMDD".to_owned(),
                import: String::new(),
                file: file.to_owned(),
                line: line.number,
            }),
            None => {
                let says = format!("{} is no dose", said(value));
                intake.problems.note(file, line.number, "Dose_MRDD_mg", says);
            }
        }
    }
    Ok(facts)
}
