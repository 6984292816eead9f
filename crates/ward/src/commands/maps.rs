//! The maps from HL7 v2 to FHIR as a site has them.

use std::{fs, path::Path};

use jiff::tz::TimeZone;
use ward_hl7::map::Overlay;
use ward_interop::convert::{Converter, Settings};

use crate::Failure;

/// Ward's maps, with the rows of a site's file on top.
///
/// - Shape: `zone` is the clock of times without an offset, such as `Europe/Vienna`; UTC if absent.
/// - Errors: the file cannot be read, or has a row that means nothing; no such zone.
pub fn converter(overlay: Option<&Path>, zone: Option<&str>) -> Result<Converter, Failure> {
    let converter = with_overlay(overlay)?;
    let Some(zone) = zone else { return Ok(converter) };
    let zone = TimeZone::get(zone)
        .map_err(|_| Failure::Usage(format!("{zone} is no time zone of the IANA database")))?;
    Ok(converter.with_settings(Settings { zone, ..Settings::default() }))
}

fn with_overlay(overlay: Option<&Path>) -> Result<Converter, Failure> {
    let Some(path) = overlay else { return Ok(Converter::standard()) };
    let text = fs::read_to_string(path).map_err(|e| Failure::Io("the maps of the site", e))?;
    let wrong = |error: &dyn std::error::Error| {
        let cause = error.source().map_or_else(String::new, |source| format!(": {source}"));
        Failure::Usage(format!("{}: {error}{cause}", path.display()))
    };
    let overlay: Overlay = text.parse().map_err(|error| wrong(&error))?;
    Converter::standard().with_overlay(&overlay).map_err(|error| wrong(&error))
}
