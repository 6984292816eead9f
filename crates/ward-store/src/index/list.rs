//! Reading one list: segments on disk and changes in memory, window by window.

use smallvec::SmallVec;

use super::{
    IndexError, IndexView,
    layer::Op,
    segment::{self, ListKey, Segment, WINDOW},
};

/// Segments passed by one after the other before the list is opened again further on.
/// LIMIT: a step costs a fraction of a microsecond, opening a range several; they meet here.
const STEPS_MAX: usize = 16;

/// Segments of one window from which on they are written anew as one.
/// LIMIT: reading a window of so many still takes a few microseconds.
const SEGMENTS_WORN: usize = 8;

/// The numbers of one list in ascending order.
pub(crate) struct ListReader<'v> {
    view: &'v IndexView<'v>,
    list: ListKey,
    /// What is left of each layer's changes, oldest first.
    memory: SmallVec<[&'v [Op]; 8]>,
    disk: Option<Segments<'v>>,
    /// The numbers of the last window read.
    numbers: Vec<u64>,
    at: usize,
    /// The first window not yet read.
    window: u64,
    scratch: Vec<(u64, bool)>,
}

struct Segments<'v> {
    rest: Box<dyn Iterator<Item = Result<Segment, IndexError>> + 'v>,
    peeked: Option<Segment>,
}

impl<'v> ListReader<'v> {
    pub(super) fn new(view: &'v IndexView<'v>, list: ListKey) -> ListReader<'v> {
        let memory = view
            .layers
            .iter()
            .map(|layer| layer.of_list(&list))
            .filter(|ops| !ops.is_empty())
            .collect();
        ListReader {
            view,
            list,
            memory,
            disk: None,
            numbers: Vec::new(),
            at: 0,
            window: 0,
            scratch: Vec::new(),
        }
    }

    /// The smallest number that is at least `target`. Targets never go back.
    ///
    /// - Cost: a window of the list is read at once, however many of its numbers are asked for.
    pub(crate) fn seek(&mut self, target: u64) -> Result<Option<u64>, IndexError> {
        loop {
            let rest = self.numbers.get(self.at..).unwrap_or_default();
            self.at += rest.partition_point(|n| *n < target);
            if let Some(found) = self.numbers.get(self.at) {
                return Ok(Some(*found));
            }
            if !self.read_from(self.window.max(target / WINDOW))? {
                return Ok(None);
            }
        }
    }

    /// Reads the first window from `from` on that anything is known of; `false` at the end.
    fn read_from(&mut self, from: u64) -> Result<bool, IndexError> {
        let mut window = self.next_on_disk(from)?;
        let first = from.saturating_mul(WINDOW);
        for ops in &mut self.memory {
            let passed = ops.partition_point(|op| op.rid < first);
            *ops = ops.get(passed..).unwrap_or_default();
            if let Some(op) = ops.first() {
                let here = op.rid / WINDOW;
                window = Some(window.map_or(here, |window| window.min(here)));
            }
        }
        self.numbers.clear();
        self.at = 0;
        let Some(window) = window else { return Ok(false) };
        self.window = window.saturating_add(1);
        self.scratch.clear();
        let mut n_sources = self.take_segments(window)?;
        let end = self.window.saturating_mul(WINDOW);
        for ops in &mut self.memory {
            let here = ops.get(..ops.partition_point(|op| op.rid < end)).unwrap_or_default();
            if !here.is_empty() {
                self.scratch.extend(here.iter().map(|op| (op.rid, op.removed)));
                n_sources += 1;
            }
        }
        settle(&mut self.scratch, n_sources);
        self.numbers.extend(self.scratch.iter().filter(|op| !op.1).map(|op| op.0));
        Ok(true)
    }

    /// The first window from `from` on that has a segment.
    fn next_on_disk(&mut self, from: u64) -> Result<Option<u64>, IndexError> {
        if let Some(disk) = &mut self.disk {
            for _ in 0..STEPS_MAX {
                match disk.peek()? {
                    None => return Ok(None),
                    Some(window) if from <= window => return Ok(Some(window)),
                    Some(_) => disk.peeked = None,
                }
            }
        }
        let rest = self.view.segments(&self.list, from);
        self.disk.insert(Segments { rest, peeked: None }).peek()
    }

    /// Reads all segments of `window`, oldest first, and answers how many there were.
    fn take_segments(&mut self, window: u64) -> Result<usize, IndexError> {
        let mut n_segments = 0;
        let Some(disk) = &mut self.disk else { return Ok(0) };
        while disk.peek()? == Some(window) {
            let Some(found) = disk.peeked.take() else { break };
            let scratch = &mut self.scratch;
            segment::read(window, &found.value, &mut |rid, removed| scratch.push((rid, removed)))
                .ok_or(IndexError::Entry)?;
            n_segments += 1;
        }
        if SEGMENTS_WORN <= n_segments {
            self.view.note_worn(self.list, window);
        }
        Ok(n_segments)
    }
}

impl Segments<'_> {
    /// The window of the next segment.
    fn peek(&mut self) -> Result<Option<u64>, IndexError> {
        if self.peeked.is_none() {
            self.peeked = self.rest.next().transpose()?;
        }
        Ok(self.peeked.as_ref().map(|segment| segment.window))
    }
}

/// Orders what several sources say, oldest source first, and of each number keeps what was said
/// last.
pub(super) fn settle(ops: &mut Vec<(u64, bool)>, n_sources: usize) {
    if n_sources < 2 {
        return;
    }
    // A stable sort, and a fast one for a few sorted runs.
    ops.sort_by_key(|op| op.0);
    ops.dedup_by(|next, kept| {
        let same = next.0 == kept.0;
        if same {
            *kept = *next;
        }
        same
    });
}
