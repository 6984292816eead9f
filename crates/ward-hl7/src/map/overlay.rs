//! What a site adds to the maps, as a TOML file: Z segments, local codes, names of systems.
//!
//! ```toml
//! name = "north"
//!
//! [authorities]                 # the first component of HD, to the URI of the identifier
//! NORTH = "urn:oid:2.16.840.1.113883.3.9999"
//!
//! [systems]                     # the third component of CWE, to the URI of the code system
//! NLAB = "https://north.example/codes/lab"
//!
//! [codes.Relationship]
//! BF = { code = "BFF", system = "https://north.example/codes/relation", display = "Friend" }
//!
//! [segments]
//! "ZPI[Patient]" = ['ZPI-2 -> communication.language : CWE[CodeableConcept]']
//!
//! [messages]
//! ADT_A01 = ['ZPI -> Patient[1] : ZPI[Patient]']
//! ```

use std::{collections::BTreeMap, fmt::Write as _, str::FromStr};

use super::{Maps, load};

/// A site's additions to the maps.
#[derive(Clone, PartialEq, Eq, Debug, serde::Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct Overlay {
    pub name: String,
    #[serde(default)]
    authorities: BTreeMap<String, String>,
    #[serde(default)]
    systems: BTreeMap<String, String>,
    #[serde(default)]
    codes: BTreeMap<String, BTreeMap<String, SiteCode>>,
    #[serde(default)]
    types: BTreeMap<String, Vec<String>>,
    #[serde(default)]
    segments: BTreeMap<String, Vec<String>>,
    #[serde(default)]
    messages: BTreeMap<String, Vec<String>>,
}

#[derive(Clone, PartialEq, Eq, Debug, serde::Deserialize)]
#[serde(deny_unknown_fields)]
struct SiteCode {
    code: String,
    #[serde(default)]
    system: String,
    #[serde(default)]
    display: String,
}

/// An overlay cannot be used.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
pub enum OverlayError {
    #[error("not an overlay: {0}")]
    Toml(String),
    #[error("overlay row cannot be read")]
    Row(#[source] load::LoadError),
    #[error("the name of an overlay is made of letters, digits and `-`")]
    Name,
}

impl FromStr for Overlay {
    type Err = OverlayError;

    fn from_str(text: &str) -> Result<Overlay, OverlayError> {
        let overlay: Overlay =
            toml::from_str(text).map_err(|e| OverlayError::Toml(e.message().to_owned()))?;
        let allowed = |b: u8| b.is_ascii_alphanumeric() || b == b'-';
        if overlay.name.is_empty() || !overlay.name.bytes().all(allowed) {
            return Err(OverlayError::Name);
        }
        Ok(overlay)
    }
}

impl Overlay {
    pub(super) fn apply(&self, maps: &mut Maps) -> Result<(), OverlayError> {
        let mut text = String::new();
        for (what, sections) in
            [("type", &self.types), ("segment", &self.segments), ("message", &self.messages)]
        {
            for (name, rows) in sections {
                let _ = writeln!(text, "{what} {name}");
                for row in rows {
                    let _ = writeln!(text, "{row}");
                }
            }
        }
        for (name, codes) in &self.codes {
            let _ = writeln!(text, "codes {name}");
            for (from, to) in codes {
                let _ = writeln!(text, "{from} -> {}|{}|{}", to.code, to.system, to.display);
            }
        }
        for (what, names) in [("systems", &self.systems), ("authorities", &self.authorities)] {
            let _ = writeln!(text, "{what}");
            for (from, to) in names {
                let _ = writeln!(text, "{from} -> {to}");
            }
        }
        match load::read(maps, &self.name, &text).into_iter().next() {
            Some(fault) => Err(OverlayError::Row(fault)),
            None => Ok(()),
        }
    }
}
