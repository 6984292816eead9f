//! HL7 v2 messages to FHIR R4 resources, by the maps of `ward-hl7`.
//!
//! The maps say what becomes what; this runs them: it puts the segments into their groups, makes
//! the resources, fills them, wires their references, and says for every value which row it is
//! from. A value that cannot be said in FHIR is left out and reported with its place; nothing is
//! invented.

mod bundle;
mod code;
mod element;
mod event;
mod finish;
mod groups;
mod identity;
mod message;
mod own;
mod primitive;
mod rows;
mod run;
mod same;
mod scope;
#[cfg(test)]
mod tests;
mod value;
mod write;

use std::sync::Arc;

use jiff::{Timestamp, tz::Offset};
use ward_fhir::{Json, json::Object};
use ward_hl7::{
    Message, Problem,
    map::{Maps, Overlay, OverlayError, standard},
};

pub use bundle::bundle;
pub(crate) use code::is_oid;
pub use event::{EncounterTransition, Trigger, Wanted};
pub use rows::Rows;

/// The maps, ready to run.
///
/// - Cost: cheap to clone.
#[derive(Clone, Debug)]
pub struct Converter {
    maps: Arc<Maps>,
    settings: Settings,
}

/// What a site knows that a message does not say.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Settings {
    /// The clock of times that have no offset. UTC unless the site says otherwise.
    pub zone: jiff::tz::TimeZone,
    /// What names of authorities and code systems without a URI begin with.
    pub local_base: Arc<str>,
}

impl Default for Settings {
    fn default() -> Settings {
        Settings { zone: Offset::UTC.to_time_zone(), local_base: "urn:v2:".into() }
    }
}

/// What a message says, in FHIR.
#[derive(Clone, PartialEq, Debug, Default)]
pub struct Converted {
    pub resources: Vec<Drafted>,
    /// What was left out or not understood. Places, never values.
    pub problems: Vec<Problem>,
    /// What happened; `None` where MSH-9 does not say.
    pub event: Option<Trigger>,
}

/// One resource of a message.
#[derive(Clone, PartialEq, Debug)]
pub struct Drafted {
    /// `urn:uuid:...`, what references of the other resources point to. The same message gives the
    /// same.
    pub slot: String,
    /// The name of the FHIR type.
    pub kind: &'static str,
    /// With `resourceType`, without `id`.
    pub resource: Json<'static>,
    pub identity: Identity,
    /// Paths of elements that the sender deletes, with `""`.
    pub cleared: Vec<String>,
    /// Each value's path, and the row it is from.
    pub rows: Rows,
    /// Only of an Encounter.
    pub transition: Option<EncounterTransition>,
}

/// How the chart finds the record that a resource belongs to.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Identity {
    /// By any of its identifiers, (system, value), the best first.
    Identifiers(Vec<(String, String)>),
    /// By what makes it the same thing in a later message.
    Key(Vec<String>),
    /// One for each message.
    Message,
}

impl Converter {
    /// The maps that come with Ward.
    pub fn standard() -> Converter {
        Converter { maps: Arc::new(standard().clone()), settings: Settings::default() }
    }

    /// With a site's rows on top.
    ///
    /// - Errors: a row of the overlay that cannot be read.
    pub fn with_overlay(self, overlay: &Overlay) -> Result<Converter, OverlayError> {
        let maps = Maps::clone(&self.maps).with(overlay)?;
        Ok(Converter { maps: Arc::new(maps), ..self })
    }

    #[must_use]
    pub fn with_settings(self, settings: Settings) -> Converter {
        Converter { settings, ..self }
    }

    pub fn maps(&self) -> &Maps {
        &self.maps
    }

    /// The clock of times that have no offset.
    pub fn zone(&self) -> &jiff::tz::TimeZone {
        &self.settings.zone
    }

    /// What names of authorities and code systems without a URI begin with.
    pub fn local_base(&self) -> &str {
        &self.settings.local_base
    }

    /// The resources of a message.
    ///
    /// - Shape: in the order the message brings them; MessageHeader and Provenance are among them,
    ///   with [`Identity::Message`]. `now` is when the conversion takes place.
    /// - Cost: one pass over the segments, and the rows of the maps for each.
    /// - Source: HL7 Version 2 to FHIR, STU 1.
    pub fn to_fhir(&self, message: &Message<'_>, now: Timestamp) -> Converted {
        message::convert(self, message, now)
    }
}

/// Members of a JSON object.
type Members = Object<'static>;
