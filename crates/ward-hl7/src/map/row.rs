//! One row of a map.

use std::fmt;

use super::{Condition, Expression, RowId, Target, Test};
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
    /// Whether it says something where its own value is missing: `HD.3 [IF NOT VALUED] -> ... = "x"`.
    pub runs_without_value: bool,
}

impl Row {
    /// Whether the row assigns something on the condition that its own value is missing.
    pub(super) fn asks_for_nothing(&self) -> bool {
        self.assign.is_some() && self.when.as_ref().is_some_and(|when| self.asks(when))
    }

    fn asks(&self, when: &Condition) -> bool {
        match when {
            Condition::All(all) | Condition::Any(all) => all.iter().any(|one| self.asks(one)),
            Condition::Is(of, Test::NotValued) => {
                // `OBR-2 [ORC-2 NOT VALUED]` asks for another segment's.
                let is_here = |name: &str| self.id.as_str().split('[').next() == Some(name);
                let own = match &self.source {
                    Source::Part(parts) => *parts == of.parts,
                    _ => false,
                };
                of.name.as_deref().is_none_or(|name| own && is_here(name))
            }
            Condition::Is(..) => false,
        }
    }
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
