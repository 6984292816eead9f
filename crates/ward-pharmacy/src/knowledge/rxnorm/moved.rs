//! `RXNCUI.RRF` and `RXNATOMARCHIVE.RRF`: concepts that are gone, and what took their place.

use super::{Builder, Row, Wrong};
use ward_rules::medication::knowledge::Rxcui;

/// CUI1, VER_START, VER_END, CARDINALITY, CUI2.
pub(super) const CUI_COLUMNS: usize = 5;

/// RXAUI, AUI, STR, ARCHIVE_TIMESTAMP, CREATED_TIMESTAMP, UPDATED_TIMESTAMP, CODE, IS_BRAND, LAT,
/// LAST_RELEASED, SAUI, VSAB, RXCUI, SAB, TTY, MERGED_TO_RXCUI.
pub(super) const ARCHIVE_COLUMNS: usize = 16;

pub(super) fn take_cui(builder: &mut Builder, row: &Row<'_>) -> Result<(), Wrong> {
    let from = row.rxcui(0, "CUI1")?;
    // Without a second it is retired for good.
    match row.get(4) {
        "" => note(builder, from, None),
        _ => note(builder, from, Some(row.rxcui(4, "CUI2")?)),
    }
    Ok(())
}

pub(super) fn take_archive(builder: &mut Builder, row: &Row<'_>) -> Result<(), Wrong> {
    // Atoms of other sources are archived without an RXCUI.
    if row.get(12).is_empty() || row.get(15).is_empty() {
        return Ok(());
    }
    let (from, to) = (row.rxcui(12, "RXCUI")?, row.rxcui(15, "MERGED_TO_RXCUI")?);
    if from != to {
        note(builder, from, Some(to));
    }
    Ok(())
}

fn note(builder: &mut Builder, from: Rxcui, to: Option<Rxcui>) {
    let moved = builder.release.moved.entry(from).or_default();
    if let Some(to) = to.filter(|to| *to != from && !moved.contains(to)) {
        moved.push(to);
    }
}
