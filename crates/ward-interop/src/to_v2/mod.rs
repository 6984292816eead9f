//! FHIR R4 resources to HL7 v2 messages, by the same maps run backwards.
//!
//! A plan says which segments a message has and which resources they are from; each segment is
//! filled by the rows of the maps that lead to those resources. Where a row backwards would say
//! something else than what was meant, `back.map` has rows of its own. What v2 has no place for is
//! left out; nothing is invented.

mod bind;
mod code;
mod fill;
mod header;
mod line;
mod own;
mod source;
#[cfg(test)]
mod tests;
mod text;
mod write;

use jiff::Timestamp;
use ward_fhir::Json;
use ward_hl7::{
    Charset, Draft, Separators,
    draft::{EditError, WriteError},
    map::RowId,
};

pub use header::{Event, Header, Party};
pub(crate) use line::{Line, Place};

use self::{source::Source, write::Writer};
use crate::convert::Converter;

/// A message in v2, and which rows of the maps its values are from.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Written {
    pub bytes: Vec<u8>,
    /// Each segment's name, and the rows.
    pub rows: Vec<(String, Vec<RowId>)>,
}

/// A message cannot be written.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
pub enum NotWritten {
    #[error("the resources do not say what happened, and nobody else does")]
    NoEvent,
    #[error("no plan says how a message of type {0} is written")]
    NoPlan(String),
    #[error("a value cannot be put into the message")]
    Edit(#[from] EditError),
    #[error("the message cannot be written in its character set")]
    Write(#[from] WriteError),
}

impl Converter {
    /// The message that a bundle, or a single resource, makes.
    ///
    /// - Shape: in UTF-8, version 2.5.1. What `header` leaves open comes from the MessageHeader of
    ///   the bundle, else from what the resources are.
    /// - Cost: each segment runs the rows of its maps once over its resources.
    /// - Source: HL7 Version 2 to FHIR, STU 1, backwards.
    pub fn to_v2(
        &self,
        bundle: &Json<'_>,
        header: &Header,
        now: Timestamp,
    ) -> Result<Written, NotWritten> {
        let source = Source::new(bundle);
        let event = match &header.event {
            Some(event) => event.clone(),
            None => header::event(&source).ok_or(NotWritten::NoEvent)?,
        };
        let separators = Separators::RECOMMENDED;
        let mut lines = self.lines(&source, &event)?;
        header::complete(&mut lines, &event, header, bundle, now);
        let mut draft = Draft::new(separators, Charset::Utf8);
        for line in &lines {
            line.write(&mut draft, &separators)?;
        }
        let rows = lines.into_iter().map(|line| (line.id.as_str().to_owned(), line.rows)).collect();
        Ok(Written { bytes: draft.to_bytes()?, rows })
    }

    /// The PID segment of a patient.
    pub(crate) fn pid(&self, patient: &Json<'_>) -> Option<Line> {
        let lines = self.lines(&Source::new(patient), &Event::new("ADT", "A31")).ok()?;
        lines.into_iter().find(|line| line.id.as_str() == "PID")
    }

    /// The segments of a message, without what every message has.
    fn lines(&self, source: &Source<'_>, event: &Event) -> Result<Vec<Line>, NotWritten> {
        let no_plan = || NotWritten::NoPlan(event.code.clone());
        let maps = self.maps();
        let plan = maps
            .plan(&format!("{}_{}", event.code, event.event))
            .or_else(|| maps.plan(&event.code))
            .ok_or_else(no_plan)?;
        let map = maps
            .message(&event.structure())
            .or_else(|| maps.message(&format!("{}_{}", event.code, event.event)))
            .ok_or_else(no_plan)?;
        let mut writer = Writer::new(maps, self.local_base(), source, map.clone());
        writer.run(&plan.steps, header::patient(source));
        Ok(writer.lines)
    }
}
