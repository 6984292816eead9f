//! What goes into one commit, and what comes back.

use jiff::Timestamp;
use smallvec::SmallVec;
use ward_core::{
    AuditAction, EventPriority, FhirId, MedicalEventType, Phi, RecordKey, ResourceType,
    ids::EventId,
};
use ward_fhir::search::{Clause, Term};

use crate::{
    Seq,
    feed::{ConsumerName, FeedPlace},
    message::{MessageId, NewMessage, Restated},
    numbered::Numbered,
    queue::{CommandId, NewCommand},
};

/// One audited interaction: what the audit entry says besides who, why and when.
#[derive(Clone, Debug)]
pub struct Interaction {
    pub action: AuditAction,
    /// The record it is about, when it is about one.
    pub target: Option<RecordKey>,
    /// The type it is about, when it is about a type.
    pub kind: Option<ResourceType>,
    /// What else a reviewer must know, such as the query. Sealed with the entry.
    pub detail: Option<Phi<String>>,
}

impl Interaction {
    /// An interaction about nothing in particular.
    pub fn new(action: AuditAction) -> Interaction {
        Interaction { action, target: None, kind: None, detail: None }
    }

    /// An interaction with one record.
    pub fn on(action: AuditAction, target: RecordKey) -> Interaction {
        let kind = Some(target.kind);
        Interaction { action, target: Some(target), kind, detail: None }
    }

    /// An interaction with a type.
    pub fn of(action: AuditAction, kind: ResourceType) -> Interaction {
        Interaction { action, target: None, kind: Some(kind), detail: None }
    }

    #[must_use]
    pub fn with_detail(mut self, detail: String) -> Interaction {
        self.detail = Some(Phi::new(detail));
        self
    }
}

/// Everything that happens together, or not at all.
#[derive(Clone, Default, Debug)]
pub struct CommitUnit {
    pub writes: Vec<Write>,
    /// Refuses the unit when another commit may have made a match in the meantime.
    pub unless: Vec<Absent>,
    /// What happened besides; it follows the events of the writes.
    pub events: Vec<NewEvent>,
    /// Commands put into the queue.
    pub queue: Vec<NewCommand>,
    /// Commands whose work this unit is; they leave the queue with it.
    pub finished: Vec<CommandId>,
    /// Where the consumer of the event feed stands whose work this unit is.
    pub position: Option<(ConsumerName, FeedPlace)>,
    /// What a consumer is to be told, under numbers of its own; one that is there already stays.
    pub numbered: Vec<Numbered>,
    /// Numbers of a consumer that nobody asks for any more: this one and those before it.
    pub forgotten: Option<(ConsumerName, u64)>,
    /// A message of an interface that this unit is the work of.
    pub message: Option<NewMessage>,
    /// Messages that are to go out.
    pub outgoing: Vec<NewMessage>,
    /// Messages of before, and what became of them.
    pub restated: Vec<Restated>,
    /// A key under which a repetition of this unit is answered instead of done.
    pub idempotency: Option<[u8; 32]>,
    /// What a repetition is answered with; kept sealed for a day.
    pub answer: Option<Phi<Vec<u8>>>,
}

/// One new version of one record.
#[derive(Clone, Debug)]
pub struct Write {
    pub key: RecordKey,
    pub kind: WriteKind,
    /// The new version's number: one more than the base's; 1 when there is no base.
    pub version: u32,
    /// Compact JSON, with id and meta in it; empty for a delete.
    pub body: Vec<u8>,
    /// What search knows of it; empty for a delete.
    pub terms: Vec<Term>,
    /// The patients it is about. A delete takes them from the version it ends.
    pub patients: SmallVec<[FhirId; 1]>,
    /// Labelled restricted or very restricted. A delete takes it from the version it ends.
    pub restricted: bool,
    /// What it is on the feed, if it is to be there: the event is read from the record itself.
    pub event: Option<(MedicalEventType, EventPriority)>,
}

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum WriteKind {
    /// The id must be new.
    Create,
    /// `base` is the version that was seen; `None` means that there must be none.
    Update {
        base: Option<u32>,
    },
    Delete {
        base: u32,
    },
}

impl WriteKind {
    /// The version that must be the current one.
    pub fn base(self) -> Option<u32> {
        match self {
            WriteKind::Create => None,
            WriteKind::Update { base } => base,
            WriteKind::Delete { base } => Some(base),
        }
    }
}

/// "No record matched these clauses as of `seen`".
///
/// The writer refuses with [`crate::CommitError::Changed`] when a later commit wrote something
/// that may match; the caller searches again.
#[derive(Clone, Debug)]
pub struct Absent {
    pub kind: ResourceType,
    pub clauses: Vec<Clause>,
    pub seen: Seq,
}

/// Something that happened, for the feed.
#[derive(Clone, Debug)]
pub struct NewEvent {
    pub id: EventId,
    pub kind: MedicalEventType,
    pub priority: EventPriority,
    pub patient: Option<FhirId>,
    pub time: Timestamp,
    /// The record, interface or device it comes from.
    pub source: Phi<String>,
    pub data: Phi<Vec<u8>>,
}

/// Proof that a unit is durable.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Receipt {
    pub seq: Seq,
    /// The answer kept from the first time, when the unit was a repetition and was not done again.
    pub replayed: Option<Vec<u8>>,
    /// The number of the unit's message.
    pub message: Option<MessageId>,
}
