//! `RXNREL.RRF`: what is made of what.

use super::{Builder, RELATIONS_MAX, Row, SAB, Wrong};
use crate::knowledge::release::TermType;

/// RXCUI1, RXAUI1, STYPE1, REL, RXCUI2, RXAUI2, STYPE2, RELA, RUI, SRUI, SAB, SL, RG, DIR,
/// SUPPRESS, CVF.
pub(super) const COLUMNS: usize = 16;

/// What the second concept has to the first, where the first says less.
///
/// - Source: RxNorm technical documentation, 12.5 (direction) and appendix 1 (RELA). Each relation
///   stands in the file in both directions; one of them is enough.
const TOWARD: [&str; 11] = [
    "consists_of",
    "has_ingredient",
    "has_ingredients",
    "has_precise_ingredient",
    "form_of",
    "has_part",
    "tradename_of",
    "contains",
    "quantified_form_of",
    "has_component",
    "reformulation_of",
];

pub(super) fn take(builder: &mut Builder, row: &Row<'_>) -> Result<(), Wrong> {
    if row.get(10) != SAB || row.get(2) != "CUI" || row.get(6) != "CUI" {
        return Ok(());
    }
    if !matches!(row.get(14), "" | "N") {
        return Ok(());
    }
    let (less, rela, more) = (row.rxcui(0, "RXCUI1")?, row.get(7), row.rxcui(4, "RXCUI2")?);
    if rela == "has_dose_form" {
        let form = builder.release.concepts.get(&less).map(|it| it.name.clone());
        if let (Some(form), Some(drug)) = (form, builder.release.concepts.get_mut(&more))
            && !drug.forms.contains(&form)
        {
            drug.forms.push(form);
        }
        return Ok(());
    }
    if !TOWARD.contains(&rela) {
        return Ok(());
    }
    if RELATIONS_MAX <= builder.n_relations {
        return Err(("RXCUI1", format!("more than {RELATIONS_MAX} relations")));
    }
    builder.n_relations += 1;
    builder.toward.entry(more).or_default().push(less);
    let is_component =
        builder.release.concepts.get(&less).is_some_and(|it| it.tty == TermType::Scdc);
    if is_component
        && rela == "consists_of"
        && let Some(drug) = builder.release.concepts.get_mut(&more)
        && !drug.components.contains(&less)
    {
        drug.components.push(less);
    }
    Ok(())
}
