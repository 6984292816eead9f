//! Sorted streams of record numbers, and their unions and intersections.

use crate::{
    index::{IndexError, IndexView},
    postings::Posting,
};

/// Steps taken one by one before a list is opened again further on.
/// LIMIT: a step costs a fraction of a microsecond, opening a range several; they meet here.
const STEPS_MAX: usize = 24;

/// A source of record numbers in ascending order.
pub(super) enum Stream<'v> {
    Nothing,
    List(List<'v>),
    Numbers {
        numbers: Vec<u64>,
        at: usize,
    },
    /// The numbers already read from a stream, then the rest of it from `next` on.
    Chained {
        first: Box<Stream<'v>>,
        then: Box<Stream<'v>>,
        next: u64,
    },
    Union(Vec<Stream<'v>>),
    Both(Vec<Stream<'v>>),
}

pub(super) struct List<'v> {
    view: &'v IndexView<'v>,
    posting: Posting,
    entries: Box<dyn Iterator<Item = Result<u64, IndexError>> + 'v>,
    peeked: Option<u64>, // INVARIANT: the entry that `entries` gave last, not yet passed by.
    ended: bool,
}

impl<'v> Stream<'v> {
    pub(super) fn list(view: &'v IndexView<'v>, posting: Posting, after: u64) -> Stream<'v> {
        let entries = Box::new(view.list(&posting, after));
        Stream::List(List { view, posting, entries, peeked: None, ended: false })
    }

    /// Sorts and removes doubles.
    pub(super) fn numbers(mut numbers: Vec<u64>) -> Stream<'v> {
        numbers.sort_unstable();
        numbers.dedup();
        Stream::Numbers { numbers, at: 0 }
    }

    /// The smallest number that is at least `target`. Targets never go back.
    pub(super) fn seek(&mut self, target: u64) -> Result<Option<u64>, IndexError> {
        match self {
            Stream::Nothing => Ok(None),
            Stream::List(list) => list.seek(target),
            Stream::Numbers { numbers, at } => {
                let rest = numbers.get(*at..).unwrap_or_default();
                *at += rest.partition_point(|n| *n < target);
                Ok(numbers.get(*at).copied())
            }
            Stream::Chained { first, then, next } => match first.seek(target)? {
                Some(found) => Ok(Some(found)),
                None => then.seek(target.max(*next)),
            },
            Stream::Union(parts) => {
                let mut least = None;
                for part in parts {
                    let found = part.seek(target)?;
                    least = match (least, found) {
                        (Some(a), Some(b)) => Some(std::cmp::min::<u64>(a, b)),
                        (a, b) => a.or(b),
                    };
                }
                Ok(least)
            }
            Stream::Both(parts) => {
                // A part that moves the target sends the walk back to the first one: those before
                // it have only agreed on the old target.
                let mut target = target;
                loop {
                    let start = target;
                    for part in parts.iter_mut() {
                        match part.seek(target)? {
                            None => return Ok(None),
                            Some(found) => target = found,
                        }
                    }
                    if target == start {
                        return Ok(Some(target));
                    }
                }
            }
        }
    }

    /// Reads up to `limit` numbers; `true` when that was all.
    pub(super) fn sample(&mut self, limit: usize) -> Result<(Vec<u64>, bool), IndexError> {
        let mut numbers = Vec::new();
        let mut target = 0;
        while numbers.len() < limit {
            match self.seek(target)? {
                None => return Ok((numbers, true)),
                Some(found) => {
                    numbers.push(found);
                    target = found.saturating_add(1);
                }
            }
        }
        Ok((numbers, false))
    }
}

impl List<'_> {
    fn seek(&mut self, target: u64) -> Result<Option<u64>, IndexError> {
        if let Some(peeked) = self.peeked
            && target <= peeked
        {
            return Ok(Some(peeked));
        }
        if self.ended {
            return Ok(None);
        }
        for _ in 0..STEPS_MAX {
            match self.entries.next().transpose()? {
                None => {
                    self.ended = true;
                    self.peeked = None;
                    return Ok(None);
                }
                Some(rid) if target <= rid => {
                    self.peeked = Some(rid);
                    return Ok(Some(rid));
                }
                Some(_) => {}
            }
        }
        self.entries = Box::new(self.view.list(&self.posting, target.saturating_sub(1)));
        self.peeked = self.entries.next().transpose()?;
        self.ended = self.peeked.is_none();
        Ok(self.peeked)
    }
}

#[cfg(test)]
mod tests;
