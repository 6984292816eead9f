//! `RXNCONSO.RRF`: concepts and their names.

use super::{Builder, CONCEPTS_MAX, Row, SAB, Wrong};
use crate::knowledge::release::{Concept, TermType};

/// RXCUI, LAT, TS, LUI, STT, SUI, ISPREF, RXAUI, SAUI, SCUI, SDUI, SAB, TTY, CODE, STR, SRL,
/// SUPPRESS, CVF.
pub(super) const COLUMNS: usize = 18;

pub(super) fn take(builder: &mut Builder, row: &Row<'_>) -> Result<(), Wrong> {
    let rxcui = row.rxcui(0, "RXCUI")?;
    let (sab, tty, code, name) = (row.get(11), row.get(12), row.get(13), row.get(14));
    // `N` is in use; `O` obsolete, `E` and `Y` withdrawn.
    let is_suppressed = !matches!(row.get(16), "" | "N");
    match sab {
        SAB => {
            // Synonyms and the names of prescriptions repeat concepts that are there.
            let Some(tty) = TermType::parse(tty) else { return Ok(()) };
            if name.is_empty() {
                return Err(("STR", "a concept without a name".to_owned()));
            }
            if CONCEPTS_MAX <= builder.release.concepts.len() {
                return Err(("RXCUI", format!("more than {CONCEPTS_MAX} concepts")));
            }
            let new = Concept {
                name: name.to_owned(),
                tty,
                suppressed: is_suppressed,
                ingredients: Vec::new(),
                forms: Vec::new(),
                components: Vec::new(),
            };
            match builder.release.concepts.entry(rxcui) {
                std::collections::btree_map::Entry::Vacant(free) => {
                    free.insert(new);
                }
                std::collections::btree_map::Entry::Occupied(mut had) => {
                    // An atom in use says more than a suppressed one of the same concept.
                    if had.get().suppressed && !is_suppressed {
                        had.insert(new);
                    } else if !had.get().suppressed && !is_suppressed && had.get().tty != tty {
                        let says = format!("{} and {} at once", had.get().tty.word(), tty.word());
                        return Err(("TTY", says));
                    }
                }
            }
        }
        // FDA's substances stand under the ingredient with their UNII as code.
        "MTHSPL" if tty == "SU" && !is_suppressed => {
            if let Ok(unii) = code.parse() {
                builder.release.unii.entry(unii).or_insert(rxcui);
            }
        }
        "ATC" if tty == "IN" && !is_suppressed => {
            builder.release.atc.entry(code.to_owned()).or_default().push(rxcui);
        }
        _ => {}
    }
    Ok(())
}
