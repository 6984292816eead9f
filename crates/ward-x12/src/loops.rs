//! A transaction cut by its levels.

use crate::segment::Segment;

/// One level: an HL and the segments up to the next.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct Level<'s> {
    pub(crate) number: &'s str,
    pub(crate) parent: &'s str,
    /// HL03, such as `22`.
    pub(crate) code: &'s str,
    pub(crate) segments: &'s [Segment],
}

/// The levels of a transaction, in their order.
pub(crate) fn levels(segments: &[Segment]) -> Vec<Level<'_>> {
    let starts = segments.iter().enumerate().filter(|(_, it)| &*it.tag == "HL").map(|(n, _)| n);
    let starts: Vec<usize> = starts.collect();
    let is_end = |it: &Segment| &*it.tag == "SE";
    let last = segments.iter().position(is_end).unwrap_or(segments.len());
    let ends = starts.iter().skip(1).copied().chain([last]);
    let cut = starts.iter().zip(ends).filter_map(|(start, end)| {
        let within = segments.get(*start..end)?;
        let (hl, rest) = within.split_first()?;
        let (number, parent, code) = (hl.element(1), hl.element(2), hl.element(3));
        Some(Level { number, parent, code, segments: rest })
    });
    cut.collect()
}

impl<'s> Level<'s> {
    pub(crate) fn first(&self, tag: &str) -> Option<&'s Segment> {
        self.segments.iter().find(|it| &*it.tag == tag)
    }

    pub(crate) fn all(&self, tag: &'static str) -> impl Iterator<Item = &'s Segment> + use<'s> {
        self.segments.iter().filter(move |it| &*it.tag == tag)
    }
}

/// The nearest level above one that has a code.
pub(crate) fn above<'l, 's>(
    levels: &'l [Level<'s>],
    of: &Level<'s>,
    code: &str,
) -> Option<&'l Level<'s>> {
    let mut parent = of.parent;
    // No deeper than there are levels, however they point at each other.
    for _ in 0..levels.len() {
        let level = levels.iter().find(|it| it.number == parent)?;
        if level.code == code {
            return Some(level);
        }
        parent = level.parent;
    }
    None
}
