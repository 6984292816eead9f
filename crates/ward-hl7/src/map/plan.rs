//! Which segments a message that is written has, and which resource each is from.
//!
//! ```text
//! plan ADT
//! PID
//! NK1 each RelatedPerson[2] by patient @ Patient[1]
//! each DiagnosticReport[1] by subject @ Patient[1]
//!   bind ServiceRequest[1] of DiagnosticReport[1].basedOn
//!   OBR
//!   NTE items ServiceRequest[1].note
//! end
//! ```
//!
//! `by` are the resources that refer to the slot after `@`, `of` those that the slot refers to.
//! `having PATH`, with `= VALUE` or `!= VALUE`, takes only some of them. A segment is filled by every row of the message's map that has a slot with a resource.

use super::Slot;
use crate::location::SegmentId;

/// The segments of a message, in their order.
#[derive(Clone, PartialEq, Debug)]
pub struct Plan {
    pub name: Box<str>,
    pub steps: Vec<PlanStep>,
}

#[derive(Clone, PartialEq, Debug)]
pub enum PlanStep {
    /// One segment, or one for each resource.
    Segment(SegmentId, Option<Pick>),
    /// One segment for each item of a list.
    Items(SegmentId, Slot, Box<str>),
    /// The first resource, where there is one.
    Bind(Pick),
    /// Steps for each resource.
    Each(Pick, Vec<PlanStep>),
}

/// Resources for a slot.
#[derive(Clone, PartialEq, Debug)]
pub struct Pick {
    pub slot: Slot,
    pub how: Related,
    pub having: Option<Having>,
}

/// Which of the resources are meant.
#[derive(Clone, PartialEq, Debug)]
pub struct Having {
    pub path: Box<str>,
    pub what: Had,
}

#[derive(Clone, PartialEq, Debug)]
pub enum Had {
    Anything,
    Is(Box<str>),
    IsNot(Box<str>),
}

#[derive(Clone, PartialEq, Debug)]
pub enum Related {
    /// Those whose element refers to the other.
    By(Box<str>, Slot),
    /// Those that an element of the other refers to.
    Of(Slot, Box<str>),
    /// All of the type.
    All,
}

/// Reads the lines of a plan, which come one by one.
pub(super) struct PlanReader {
    // INVARIANT: never empty while a plan is read; the last is the innermost.
    open: Vec<(Option<Pick>, Vec<PlanStep>)>,
}

impl PlanReader {
    /// Goes on after the steps of another plan.
    pub fn after(steps: Vec<PlanStep>) -> PlanReader {
        PlanReader { open: vec![(None, steps)] }
    }

    /// Takes one line; `None` where it is none of a plan.
    pub fn line(&mut self, line: &str) -> Option<()> {
        if line == "end" {
            let (pick, steps) = self.open.pop()?;
            let step = PlanStep::Each(pick?, steps);
            self.open.last_mut()?.1.push(step);
            return Some(());
        }
        if let Some(rest) = line.strip_prefix("each ") {
            self.open.push((Some(pick(rest)?), Vec::new()));
            return Some(());
        }
        let step = if let Some(rest) = line.strip_prefix("bind ") {
            PlanStep::Bind(pick(rest)?)
        } else {
            let (name, rest) = line.split_once(' ').unwrap_or((line, ""));
            let id = SegmentId::new(name.as_bytes())?;
            match rest.split_once(' ') {
                None if rest.is_empty() => PlanStep::Segment(id, None),
                Some(("each", rest)) => PlanStep::Segment(id, Some(pick(rest)?)),
                Some(("items", rest)) => {
                    let (slot, path) = rest.split_once('.')?;
                    PlanStep::Items(id, Slot::parse(slot)?, path.into())
                }
                _ => return None,
            }
        };
        self.open.last_mut()?.1.push(step);
        Some(())
    }

    /// Takes the steps of another plan; `None` where it has none.
    pub fn take(&mut self, steps: &[PlanStep]) -> Option<()> {
        self.open.last_mut()?.1.extend(steps.iter().cloned());
        Some(())
    }

    /// The steps so far; `None` while an `each` is open.
    pub fn steps(&self) -> Option<Vec<PlanStep>> {
        match self.open.as_slice() {
            [(None, steps)] => Some(steps.clone()),
            _ => None,
        }
    }
}

fn pick(text: &str) -> Option<Pick> {
    let (text, having) = match text.split_once(" having ") {
        Some((text, having)) => {
            let (path, what) = if let Some((path, value)) = having.split_once(" = ") {
                (path, Had::Is(value.into()))
            } else if let Some((path, value)) = having.split_once(" != ") {
                (path, Had::IsNot(value.into()))
            } else {
                (having, Had::Anything)
            };
            (text, Some(Having { path: path.into(), what }))
        }
        None => (text, None),
    };
    let (slot, rest) = text.split_once(' ').unwrap_or((text, ""));
    let slot = Slot::parse(slot)?;
    let how = match rest.split_once(' ') {
        None if rest.is_empty() => Related::All,
        Some(("by", rest)) => {
            let (path, other) = rest.split_once(" @ ")?;
            Related::By(path.into(), Slot::parse(other)?)
        }
        Some(("of", rest)) => {
            let (other, path) = rest.split_once('.')?;
            Related::Of(Slot::parse(other)?, path.into())
        }
        _ => return None,
    };
    Some(Pick { slot, how, having })
}
