//! Sorted streams of record numbers, and their unions and intersections.

use crate::index::{IndexError, ListReader};

/// A source of record numbers in ascending order.
pub(super) enum Stream<'v> {
    Nothing,
    List(Box<ListReader<'v>>),
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

impl<'v> Stream<'v> {
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

#[cfg(test)]
mod tests;
