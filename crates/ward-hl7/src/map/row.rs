//! One row of a map.

use std::fmt;

use super::{Condition, Expression, RowId, Target};
use crate::location::SegmentId;

/// A row of a segment's or data type's map.
#[derive(Clone, PartialEq, Debug)]
pub struct Row {
    pub id: RowId,
    pub source: Source,
    pub when: Option<Condition>,
    /// The guide has words where a condition should be: the row does not run until the overlay
    /// takes it.
    pub is_asleep: bool,
    pub to: Target,
    /// The map of a data type that goes on from here.
    pub by: Option<Box<str>>,
    pub codes: Option<Box<str>>,
    pub assign: Option<Expression>,
}

/// What of the segment or data type a row reads.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Source {
    /// Nothing: the row runs once for each element of its map.
    Nothing,
    /// The whole segment or value.
    Whole,
    /// A field or component, and components in it.
    Part(Vec<u16>),
}

/// A row of a message's map.
#[derive(Clone, PartialEq, Debug)]
pub struct MessageRow {
    pub id: RowId,
    /// Names of the groups around the segment, the outermost first, without the message itself.
    pub groups: Vec<Box<str>>,
    pub segment: SegmentId,
    /// `ADT_A01:follow:PID.ROL`: the segment it comes after.
    pub after: Option<SegmentId>,
    pub when: Option<Condition>,
    pub is_asleep: bool,
    pub slot: Slot,
    /// The map of the segment; none where the row only links.
    pub by: Option<Box<str>>,
    pub links: Vec<Link>,
}

/// A place for a resource of a message: `Observation[2]`.
#[derive(Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Debug)]
pub struct Slot {
    pub kind: Box<str>,
    pub label: u16,
}

impl Slot {
    /// Reads `Patient[1]`; without a number, 1.
    pub fn parse(text: &str) -> Option<Slot> {
        let text = text.trim();
        let (kind, label) = match text.split_once('[') {
            Some((kind, label)) => (kind, label.strip_suffix(']')?.parse().ok()?),
            None => (text, 1),
        };
        let is_kind = kind.starts_with(|c: char| c.is_ascii_uppercase())
            && kind.bytes().all(|b| b.is_ascii_alphanumeric());
        is_kind.then(|| Slot { kind: kind.into(), label })
    }
}

impl fmt::Display for Slot {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}[{}]", self.kind, self.label)
    }
}

/// A reference from one resource of a message to another, or a fixed value.
#[derive(Clone, PartialEq, Debug)]
pub struct Link {
    /// The resource that refers; `None` is the one of the row.
    pub from: Option<Slot>,
    pub path: Target,
    pub to: LinkTo,
}

#[derive(Clone, PartialEq, Debug)]
pub enum LinkTo {
    Slot(Slot),
    Text(Box<str>),
}
