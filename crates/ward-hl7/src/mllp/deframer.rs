//! Finding blocks in bytes that come in pieces.

use std::{collections::VecDeque, fmt, mem};

use super::{CARRIAGE_RETURN, END, START};

/// Most bytes of dropped data that are handed out at once.
/// LIMIT: enough to see what a peer does wrong; a peer that sends garbage for ever must not fill
/// memory or quarantine.
const DROPPED_BYTES_MAX: usize = 64 * 1024;

/// A block at hand that is larger is not moved to make room for more.
/// LIMIT: hardly any message is larger, and few connections can hold one at a time.
const MOVED_BYTES_MAX: usize = 4 * 1024 * 1024;

/// What a carriage return is missing after the end byte means.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Default, Debug)]
pub enum AfterEnd {
    /// The block is dropped: it may have been cut, or the end byte is part of its text.
    #[default]
    MustReturn,
    /// The block is taken. For peers that are known to leave the carriage return out.
    MayReturn,
}

/// Finds blocks in a byte stream.
///
/// - Shape: [`Deframer::push`] takes bytes as they come, [`Deframer::next`] gives what they made.
/// - Cost: every byte is looked at once, however it comes in.
pub struct Deframer {
    block_bytes_max: usize,
    after_end: AfterEnd,
    state: State,
    /// The block or the garbage at hand.
    held: Vec<u8>,
    /// Bytes dropped beyond what is held.
    n_more: usize,
    events: VecDeque<Event>,
}

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum State {
    Outside,
    Inside,
    /// The end byte came; the carriage return has not.
    Ended,
    /// A block that grew too large: until its end byte.
    Skipping,
}

/// What the stream had.
#[derive(Clone, PartialEq, Eq)]
pub enum Event {
    /// A whole block, without its framing.
    Block(Vec<u8>),
    Dropped(Dropped),
}

/// Bytes that were no block. Nothing that was dropped is ever acknowledged.
#[derive(Clone, PartialEq, Eq)]
pub struct Dropped {
    pub why: Why,
    /// The first of the bytes, for quarantine.
    pub bytes: Vec<u8>,
    /// How many bytes there were.
    pub n_bytes: usize,
}

#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Debug)]
pub enum Why {
    /// Bytes before a start byte that are not white space or zeros.
    Outside,
    /// A start byte inside a block: the block before it has no end.
    NestedStart,
    /// The end byte was not followed by a carriage return.
    NoCarriageReturn,
    /// More bytes than a block may have.
    TooLarge,
    /// The stream ended inside a block.
    EndOfStream,
}

impl Why {
    pub const fn as_str(self) -> &'static str {
        match self {
            Why::Outside => "outside",
            Why::NestedStart => "nested-start",
            Why::NoCarriageReturn => "no-carriage-return",
            Why::TooLarge => "too-large",
            Why::EndOfStream => "end-of-stream",
        }
    }
}

impl Deframer {
    pub fn new(block_bytes_max: usize, after_end: AfterEnd) -> Deframer {
        Deframer {
            block_bytes_max,
            after_end,
            state: State::Outside,
            held: Vec::new(),
            n_more: 0,
            events: VecDeque::new(),
        }
    }

    /// Takes the next bytes of the stream.
    pub fn push(&mut self, mut bytes: &[u8]) {
        while let [first, rest @ ..] = bytes {
            bytes = match self.state {
                State::Outside => self.outside(bytes),
                State::Inside => self.inside(bytes),
                State::Ended => {
                    if *first == CARRIAGE_RETURN {
                        self.block();
                        rest
                    } else {
                        match self.after_end {
                            AfterEnd::MayReturn => self.block(),
                            AfterEnd::MustReturn => self.drop_held(Why::NoCarriageReturn),
                        }
                        bytes
                    }
                }
                State::Skipping => self.skip(bytes),
            };
        }
    }

    /// What came of the bytes so far.
    #[expect(clippy::should_implement_trait, reason = "an empty queue is not the end of a stream")]
    pub fn next(&mut self) -> Option<Event> {
        self.events.pop_front()
    }

    /// The stream is over.
    pub fn finish(&mut self) {
        match (self.state, self.after_end) {
            (State::Outside, _) => self.drop_outside(),
            // The carriage return can no longer come.
            (State::Ended, AfterEnd::MayReturn) => self.block(),
            (State::Ended, AfterEnd::MustReturn) => self.drop_held(Why::NoCarriageReturn),
            (State::Inside, _) => self.drop_held(Why::EndOfStream),
            (State::Skipping, _) => self.drop_held(Why::TooLarge),
        }
    }

    /// Whether a block has begun that is not yet whole.
    pub fn is_inside(&self) -> bool {
        self.state != State::Outside
    }

    /// Whether the block at hand is larger than allowed already: its rest is only passed over.
    pub fn is_too_large(&self) -> bool {
        self.state == State::Skipping
    }

    fn outside<'b>(&mut self, bytes: &'b [u8]) -> &'b [u8] {
        let at = memchr::memchr(START, bytes);
        let (garbage, rest) = bytes.split_at_checked(at.unwrap_or(bytes.len())).unwrap_or_default();
        self.hold(garbage, DROPPED_BYTES_MAX);
        // Garbage without an end is told as it comes.
        if 0 < self.n_more {
            self.drop_held(Why::Outside);
        }
        if at.is_some() {
            self.drop_outside();
            self.state = State::Inside;
        }
        rest.split_first().map_or(rest, |(_, rest)| rest)
    }

    fn inside<'b>(&mut self, bytes: &'b [u8]) -> &'b [u8] {
        let at = memchr::memchr2(START, END, bytes);
        let (text, rest) = bytes.split_at_checked(at.unwrap_or(bytes.len())).unwrap_or_default();
        if self.block_bytes_max < self.held.len().saturating_add(text.len()) {
            self.hold(text, DROPPED_BYTES_MAX);
            self.shrink();
            self.state = State::Skipping;
            return rest;
        }
        self.grow(text.len());
        self.held.extend_from_slice(text);
        match rest.split_first() {
            Some((&END, rest)) => {
                self.state = State::Ended;
                rest
            }
            Some((_, rest)) => {
                self.drop_held(Why::NestedStart);
                self.state = State::Inside;
                rest
            }
            None => rest,
        }
    }

    fn skip<'b>(&mut self, bytes: &'b [u8]) -> &'b [u8] {
        let at = memchr::memchr2(START, END, bytes);
        let (text, rest) = bytes.split_at_checked(at.unwrap_or(bytes.len())).unwrap_or_default();
        self.hold(text, DROPPED_BYTES_MAX);
        match rest.split_first() {
            Some((&END, after)) => {
                self.drop_held(Why::TooLarge);
                // The carriage return of the dropped block is white space outside.
                after
            }
            Some((_, after)) => {
                self.drop_held(Why::TooLarge);
                self.state = State::Inside;
                after
            }
            None => rest,
        }
    }

    fn hold(&mut self, bytes: &[u8], bytes_max: usize) {
        let room = bytes_max.saturating_sub(self.held.len());
        let kept = bytes.get(..room).unwrap_or(bytes);
        self.held.extend_from_slice(kept);
        self.n_more = self.n_more.saturating_add(bytes.len() - kept.len());
    }

    /// Makes room for more of a block: doubled while it is small, then all that a block may have,
    /// because each move of a large block holds it twice, and room is no memory before it is used.
    fn grow(&mut self, n_more: usize) {
        let (room, needed) = (self.held.capacity(), self.held.len().saturating_add(n_more));
        if room < needed {
            let doubled = room.saturating_mul(2);
            let wanted = if doubled < MOVED_BYTES_MAX { doubled } else { self.block_bytes_max };
            let wanted = wanted.min(self.block_bytes_max).max(needed);
            self.held.reserve_exact(wanted.saturating_sub(self.held.len()));
        }
    }

    /// Gives back the room of a block that grew too large.
    fn shrink(&mut self) {
        if let Some(more) = self.held.len().checked_sub(DROPPED_BYTES_MAX) {
            self.n_more = self.n_more.saturating_add(more);
            self.held.truncate(DROPPED_BYTES_MAX);
            self.held.shrink_to_fit();
        }
    }

    fn block(&mut self) {
        self.state = State::Outside;
        self.events.push_back(Event::Block(mem::take(&mut self.held)));
    }

    fn drop_held(&mut self, why: Why) {
        self.state = State::Outside;
        self.shrink();
        let bytes = mem::take(&mut self.held);
        let n_bytes = bytes.len().saturating_add(mem::take(&mut self.n_more));
        self.events.push_back(Event::Dropped(Dropped { why, bytes, n_bytes }));
    }

    fn drop_outside(&mut self) {
        // White space and zeros between blocks are common and mean nothing.
        let quiet = |b: &u8| b.is_ascii_whitespace() || *b == 0;
        if self.n_more == 0 && self.held.iter().all(quiet) {
            self.held.clear();
        } else {
            self.drop_held(Why::Outside);
        }
    }
}

/// Says nothing of the bytes.
impl fmt::Debug for Deframer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Deframer")
            .field("state", &self.state)
            .field("n_held", &self.held.len())
            .field("n_events", &self.events.len())
            .finish_non_exhaustive()
    }
}

/// Says nothing of the bytes.
impl fmt::Debug for Event {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Event::Block(bytes) => write!(f, "Block({} bytes)", bytes.len()),
            Event::Dropped(dropped) => dropped.fmt(f),
        }
    }
}

/// Says nothing of the bytes.
impl fmt::Debug for Dropped {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Dropped({}, {} bytes)", self.why.as_str(), self.n_bytes)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_block_takes_no_more_room_than_it_may_have() {
        let max = 100_000;
        let mut deframer = Deframer::new(max, AfterEnd::MustReturn);
        deframer.push(&[START]);
        let mut rooms = 0;
        let mut before = 0;
        for _ in 0..max {
            deframer.push(b"A");
            rooms += usize::from(deframer.held.capacity() != before);
            before = deframer.held.capacity();
            assert!(before <= max, "{before}");
        }
        // Few moves: a block that comes in small pieces costs no more than a whole one.
        assert!(rooms < 20, "{rooms}");
        deframer.push(b"A");
        assert!(deframer.is_too_large() && deframer.held.capacity() <= max);
    }
}
