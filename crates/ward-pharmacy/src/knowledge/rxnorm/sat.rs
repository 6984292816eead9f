//! `RXNSAT.RRF`: attributes; of them packages (NDC) and substances (UNII).

use super::{Builder, Row, SAB, Wrong};
use crate::knowledge::problem::said;

/// RXCUI, LUI, SUI, RXAUI, STYPE, CODE, ATUI, SATUI, ATN, SAB, ATV, SUPPRESS, CVF.
pub(super) const COLUMNS: usize = 13;

pub(super) fn take(builder: &mut Builder, row: &Row<'_>) -> Result<(), Wrong> {
    let (name, sab, value) = (row.get(8), row.get(9), row.get(10));
    if !matches!(row.get(11), "" | "N") {
        return Ok(());
    }
    match (name, sab) {
        // RxNorm's own have 11 digits; those of its sources come in other forms.
        ("NDC", SAB) => {
            let rxcui = row.rxcui(0, "RXCUI")?;
            let ndc =
                value.parse().map_err(|error| ("ATV", format!("{}: {error}", said(value))))?;
            builder.release.ndc.entry(ndc).or_insert(rxcui);
        }
        ("UNII_CODE", _) => {
            let rxcui = row.rxcui(0, "RXCUI")?;
            let unii =
                value.parse().map_err(|error| ("ATV", format!("{}: {error}", said(value))))?;
            builder.release.unii.entry(unii).or_insert(rxcui);
        }
        _ => {}
    }
    Ok(())
}
