//! Subscriptions: what a Subscription asks for, whether a record is that, and how it is told.
//!
//! R4's own criteria, and topics as the R5 backport for R4 has them.
//!
//! - Source: FHIR R4, Subscription; HL7 Subscriptions R5 Backport 1.1.0, R4.

mod criteria;
mod notice;
mod read;
mod topic;

#[cfg(test)]
mod tests;

use jiff::Timestamp;

pub use self::{
    criteria::{Criterion, Happened},
    notice::{Change, Notice, NoticeKind, Told, bundle, status_of},
    read::{Rules, read},
    topic::{TOPICS, Topic},
};

/// Where the profiles and extensions of the backport stand.
pub(crate) const BACKPORT: &str =
    "http://hl7.org/fhir/uv/subscriptions-backport/StructureDefinition/";

/// Filters of one subscription.
/// LIMIT: each is asked of every event of the topic.
pub const FILTERS_MAX: usize = 20;

/// Headers that a receiver wants with each notification.
/// LIMIT: one to sign in with, and a few for the way there.
pub const HEADERS_MAX: usize = 10;

/// Events in one notification.
/// LIMIT: a few megabytes of resources of the usual size.
pub const EVENTS_MAX: u32 = 100;

/// Events in one notification when the subscription does not say.
pub const EVENTS_DEFAULT: u32 = 10;

/// Seconds a receiver may be given to answer.
/// LIMIT: a receiver that needs longer takes what it is told and works on it afterwards.
pub const TIMEOUT_S_MAX: u32 = 60;

/// Seconds a receiver is given when the subscription does not say.
pub const TIMEOUT_S_DEFAULT: u32 = 20;

/// Fewest seconds between two heartbeats.
/// LIMIT: more often is a load and tells nobody more.
pub const HEARTBEAT_S_MIN: u32 = 5;

/// A Subscription, read.
#[derive(Clone, Debug)]
pub struct Subscription {
    pub status: Status,
    /// When it ends by itself.
    pub end: Option<Timestamp>,
    pub wanted: Wanted,
    pub channel: Channel,
}

/// - Source: FHIR R4, subscription-status.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Status {
    Requested,
    Active,
    Error,
    Off,
}

impl Status {
    pub const fn as_str(self) -> &'static str {
        match self {
            Status::Requested => "requested",
            Status::Active => "active",
            Status::Error => "error",
            Status::Off => "off",
        }
    }

    pub fn from_code(code: &str) -> Option<Status> {
        [Status::Requested, Status::Active, Status::Error, Status::Off]
            .into_iter()
            .find(|it| it.as_str() == code)
    }
}

/// What is to be told.
#[derive(Clone, Debug)]
pub enum Wanted {
    /// R4's own: what matches a search after it was written.
    Criteria(Criterion),
    Topic {
        topic: &'static Topic,
        filters: Vec<Criterion>,
    },
}

impl Wanted {
    /// Whether an event is to be told.
    pub fn takes(&self, happened: &Happened<'_>) -> bool {
        match self {
            // SPEC: R4 tells of what was created or updated; there is no word for a deletion.
            Wanted::Criteria(criterion) => !happened.is_delete && criterion.takes(happened),
            Wanted::Topic { topic, filters } => {
                if !topic.takes(happened) {
                    return false;
                }
                // SPEC: several filters of a type must all hold; those of other types say nothing.
                let mut own = filters.iter().filter(|it| it.kind == happened.kind).peekable();
                let is_free = topic.is_of_events();
                (own.peek().is_some() || is_free) && own.all(|it| it.takes(happened))
            }
        }
    }

    /// The types that it speaks of; each is authorized as a search.
    pub fn kinds(&self) -> Vec<ward_core::ResourceType> {
        match self {
            Wanted::Criteria(criterion) => vec![criterion.kind],
            Wanted::Topic { topic, filters } if topic.kinds().is_empty() => {
                filters.iter().map(|it| it.kind).collect()
            }
            Wanted::Topic { topic, .. } => topic.kinds().to_vec(),
        }
    }

    /// The topic's canonical URL.
    pub fn topic(&self) -> Option<&'static str> {
        match self {
            Wanted::Criteria(_) => None,
            Wanted::Topic { topic, .. } => Some(topic.url),
        }
    }
}

/// How it is told.
#[derive(Clone, Debug)]
pub struct Channel {
    pub way: Way,
    pub content: Content,
    /// R4's own form: whether the record itself is wanted.
    pub has_payload: bool,
    pub heartbeat_s: Option<u32>,
    pub timeout_s: u32,
    pub events_max: u32,
}

#[derive(Clone, Debug)]
pub enum Way {
    RestHook { endpoint: String, headers: Vec<(String, String)> },
    WebSocket,
}

/// How much of the records a notification carries.
///
/// - Source: backport-content-value-set.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Content {
    Empty,
    IdOnly,
    Full,
}

impl Content {
    pub const fn as_str(self) -> &'static str {
        match self {
            Content::Empty => "empty",
            Content::IdOnly => "id-only",
            Content::Full => "full-resource",
        }
    }

    pub fn from_code(code: &str) -> Option<Content> {
        [Content::Empty, Content::IdOnly, Content::Full].into_iter().find(|it| it.as_str() == code)
    }
}
