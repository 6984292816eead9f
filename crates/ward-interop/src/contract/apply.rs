//! What a message brings, in one commit with the message.

use std::hash::{Hash, Hasher};

use jiff::Timestamp;
use rustc_hash::FxHasher;
use ward_core::{Ctx, FhirId, ResourceType};
use ward_hl7::{Location, Problem, ProblemKind, Severity};
use ward_store::{
    CommitError, CommitUnit, Interaction, MessageId, MessageState, NewMessage, ReadError, Receipt,
    Restated, SearchError,
};

use super::{Note, Receiver, compose, lanes::Lane, sequence::Numbering};
use crate::convert::{Converted, Identity};

/// Most times a message is tried again when others write the same records.
/// LIMIT: past this the sender hears that it should come again.
const TRIES_MAX: usize = 16;

/// Why a message did not reach the chart.
pub(super) enum Trouble {
    /// It is in the message.
    Content(Vec<Problem>),
    /// It is in the chart, and may pass.
    Chart(CommitError),
}

impl From<CommitError> for Trouble {
    fn from(source: CommitError) -> Trouble {
        Trouble::Chart(source)
    }
}

impl From<ReadError> for Trouble {
    fn from(source: ReadError) -> Trouble {
        match source {
            ReadError::Destroyed => Trouble::unknown_key(),
            source => {
                tracing::warn!(error = %source, "reading for a message failed");
                Trouble::Chart(CommitError::Unavailable("reading what is there"))
            }
        }
    }
}

impl From<SearchError> for Trouble {
    fn from(source: SearchError) -> Trouble {
        tracing::warn!(error = %source, "search for a message failed");
        Trouble::Chart(CommitError::Unavailable("the index"))
    }
}

impl Trouble {
    pub(super) fn content(kind: ProblemKind, at: Location) -> Trouble {
        Trouble::Content(vec![Problem::new(Severity::Error, kind, at)])
    }

    /// It speaks of somebody whom the chart must not know any more.
    fn unknown_key() -> Trouble {
        Trouble::content(ProblemKind::UnknownRecord, Location::MESSAGE)
    }
}

/// What a message says, and how the audit log calls it.
pub(super) struct Said<'a> {
    pub(super) act: Interaction,
    pub(super) converted: &'a Converted,
    /// When it was written down.
    pub(super) when: Option<Timestamp>,
    pub(super) note: &'a Note,
    /// What goes out with it.
    pub(super) outgoing: &'a [NewMessage],
    /// What it changes of its link.
    pub(super) numbering: &'a Numbering,
}

impl Receiver {
    /// Brings what was converted into the chart, with the message as `keep` makes it; with
    /// `instead_of`, in the place of a message that was kept before.
    pub(super) async fn apply(
        &self,
        cx: &Ctx,
        said: Said<'_>,
        keep: &(dyn Fn(Option<FhirId>, &Note) -> NewMessage + Sync),
        instead_of: Option<(MessageId, MessageState)>,
    ) -> Result<Receipt, Trouble> {
        let Said { act, converted, when, note, outgoing, numbering } = said;
        let _lanes = self.inner.lanes.enter(lanes_of(converted)).await;
        let mut tried = 0;
        loop {
            tried += 1;
            let reader = self.inner.chart.reader(cx, act.clone());
            let composed = compose::compose(self, &reader, cx, converted, when)?;
            let patient = composed.patient.clone();
            let note = note.clone().with_records(composed.writes.iter().map(|write| &write.key));
            let message = keep(patient.clone(), &note);
            let heard = composed.writes.clone();
            let mut unit = CommitUnit {
                writes: composed.writes,
                unless: composed.unless,
                outgoing: outgoing
                    .iter()
                    .map(|it| NewMessage { patient: patient.clone(), ..it.clone() })
                    .collect(),
                ..CommitUnit::default()
            };
            numbering.join(&mut unit);
            match instead_of {
                None => unit.message = Some(message),
                Some((id, from)) => unit.restated.push(Restated { id, from, to: message }),
            }
            match reader.commit(cx, unit).await {
                Ok(receipt) => {
                    (self.inner.heard)(&heard);
                    if !outgoing.is_empty() {
                        self.inner.outgoing.notify_waiters();
                    }
                    return Ok(receipt);
                }
                Err(
                    CommitError::Stale { .. } | CommitError::Exists { .. } | CommitError::Changed,
                ) if tried < TRIES_MAX => {}
                Err(CommitError::Gone { .. }) => return Err(Trouble::unknown_key()),
                Err(error) => {
                    // Whether it is on disk may not be known.
                    (self.inner.heard)(&heard);
                    return Err(error.into());
                }
            }
        }
    }
}

/// The lanes of every patient that a message speaks of: one for each number it gives.
fn lanes_of(converted: &Converted) -> Vec<Lane> {
    let patients = converted.resources.iter().filter(|it| it.kind == ResourceType::PATIENT.name());
    let mut lanes = Vec::new();
    for patient in patients {
        if let Identity::Identifiers(identifiers) = &patient.identity {
            lanes.extend(identifiers.iter().map(lane_of));
        }
    }
    lanes
}

fn lane_of(identifier: &(String, String)) -> Lane {
    let mut hasher = FxHasher::default();
    identifier.hash(&mut hasher);
    hasher.finish()
}
