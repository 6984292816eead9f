//! Messages of interfaces, kept whole: the bytes as they came, what became of them, and the answer
//! that was given.
//!
//! A message joins the commit of what it brought. It is sealed under its patient's key, so that it
//! goes when the patient's key goes; it leaves the chart when its time is over.

mod chart;
pub(crate) mod control;
pub(crate) mod count;
pub(crate) mod rows;
mod runs;
pub(crate) mod sealing;
mod seen;
#[cfg(test)]
mod tests;

use jiff::Timestamp;
use ward_core::{FhirId, Phi};

pub use self::count::MessageCount;

use crate::Seq;

/// The number of a message. Numbers grow and are never used again.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub struct MessageId(pub u64);

#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum Direction {
    /// Somebody sent it to us.
    In,
    /// We send it, or sent it.
    Out,
}

/// What became of a message.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub enum MessageState {
    /// Safe, and not yet worked on.
    Received,
    /// In the chart.
    Applied,
    /// Nobody here wanted it; it was acknowledged all the same.
    Ignored,
    /// It was answered with an error; its sender knows.
    Refused,
    /// It was acknowledged and could not be worked on: a person has to look at it.
    Dead,
    /// Bytes that were no message and could not be answered.
    Quarantined,
    /// On its way out.
    Waiting,
    /// Its receiver has taken it.
    Sent,
}

impl MessageState {
    /// A state's number on disk is its place here: new ones go to the end.
    pub const ALL: &'static [MessageState] = &[
        MessageState::Received,
        MessageState::Applied,
        MessageState::Ignored,
        MessageState::Refused,
        MessageState::Dead,
        MessageState::Quarantined,
        MessageState::Waiting,
        MessageState::Sent,
    ];

    pub const fn as_str(self) -> &'static str {
        match self {
            MessageState::Received => "received",
            MessageState::Applied => "applied",
            MessageState::Ignored => "ignored",
            MessageState::Refused => "refused",
            MessageState::Dead => "dead",
            MessageState::Quarantined => "quarantined",
            MessageState::Waiting => "waiting",
            MessageState::Sent => "sent",
        }
    }

    pub fn from_word(word: &str) -> Option<MessageState> {
        Self::ALL.iter().copied().find(|it| it.as_str() == word)
    }

    /// Whether nobody has to do anything about it any more.
    pub const fn is_over(self) -> bool {
        matches!(
            self,
            MessageState::Applied
                | MessageState::Ignored
                | MessageState::Refused
                | MessageState::Sent
        )
    }
}

/// What to do with another message under a control id that its sender has used before.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum Reuse {
    Accept,
    /// Refuse the unit with [`crate::CommitError::Reused`].
    Refuse,
}

/// A message to keep.
#[derive(Clone, Debug)]
pub struct NewMessage {
    pub direction: Direction,
    pub state: MessageState,
    /// The interface that it came by, or goes by.
    pub channel: String,
    /// Its type, such as `ADT^A01`.
    pub kind: String,
    /// The id that its sender gave it; empty where there is none.
    pub control_id: Phi<String>,
    /// Who sent it, as far as the message says: the same message again comes from the same sender.
    pub sender: Phi<String>,
    pub patient: Option<FhirId>,
    pub time: Timestamp,
    pub raw: Phi<Vec<u8>>,
    /// What the interface says of it besides.
    pub detail: Phi<Vec<u8>>,
    /// The answer that it got; the same message again gets the same answer.
    pub answer: Phi<Vec<u8>>,
    pub reuse: Reuse,
}

/// A message of the chart, without its bytes.
#[derive(Clone, Debug)]
pub struct MessageHead {
    pub id: MessageId,
    /// The commit that it joined, or that last changed it.
    pub seq: Seq,
    pub time: Timestamp,
    pub direction: Direction,
    pub state: MessageState,
    pub channel: String,
    pub kind: String,
    pub control_id: Phi<String>,
    pub sender: Phi<String>,
    pub patient: Option<FhirId>,
    pub detail: Phi<Vec<u8>>,
    pub answer: Phi<Vec<u8>>,
}

/// A message of the chart.
#[derive(Clone, Debug)]
pub struct KeptMessage {
    pub head: MessageHead,
    pub raw: Phi<Vec<u8>>,
}

impl KeptMessage {
    /// The same message in another state.
    #[must_use]
    pub fn in_state(&self, state: MessageState) -> NewMessage {
        let head = &self.head;
        NewMessage {
            direction: head.direction,
            state,
            channel: head.channel.clone(),
            kind: head.kind.clone(),
            control_id: head.control_id.clone(),
            sender: head.sender.clone(),
            patient: head.patient.clone(),
            time: head.time,
            raw: self.raw.clone(),
            detail: head.detail.clone(),
            answer: head.answer.clone(),
            reuse: Reuse::Accept,
        }
    }
}

/// What becomes of a message that was kept before.
///
/// - Errors: [`CommitError::Changed`](crate::CommitError::Changed) where it is gone, or somebody
///   else has brought it into another state since `from` was read.
#[derive(Clone, Debug)]
pub struct Restated {
    pub id: MessageId,
    pub from: MessageState,
    pub to: NewMessage,
}

/// Which messages. Empty lists and absent values mean all.
#[derive(Clone, Default, Debug)]
pub struct MessageFilter {
    pub direction: Option<Direction>,
    pub states: Vec<MessageState>,
    pub channel: Option<String>,
    pub kind: Option<String>,
    pub control_id: Option<Phi<String>>,
    pub patient: Option<FhirId>,
    pub since: Option<Timestamp>,
    pub until: Option<Timestamp>,
    /// Only what is after this number: oldest first then; otherwise newest first.
    pub after: Option<MessageId>,
    /// Only what is before this number.
    pub before: Option<MessageId>,
    pub limit: usize,
}
