//! The maps from HL7 v2 to FHIR as a site has them.

use std::{fs, path::Path};

use ward_hl7::map::Overlay;
use ward_interop::convert::Converter;

use crate::Failure;

/// Ward's maps, with the rows of a site's file on top.
///
/// - Errors: the file cannot be read, or has a row that means nothing.
pub fn converter(overlay: Option<&Path>) -> Result<Converter, Failure> {
    let Some(path) = overlay else { return Ok(Converter::standard()) };
    let text = fs::read_to_string(path).map_err(|e| Failure::Io("the maps of the site", e))?;
    let wrong = |error: &dyn std::error::Error| {
        let cause = error.source().map_or_else(String::new, |source| format!(": {source}"));
        Failure::Usage(format!("{}: {error}{cause}", path.display()))
    };
    let overlay: Overlay = text.parse().map_err(|error| wrong(&error))?;
    Converter::standard().with_overlay(&overlay).map_err(|error| wrong(&error))
}
