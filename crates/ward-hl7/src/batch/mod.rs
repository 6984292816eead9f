//! Files and batches: FHS, BHS, messages, BTS, FTS.
//!
//! - Source: HL7 v2.8, 2.10.3 Batch protocol.

use std::fmt;

use crate::{
    location::{Location, SegmentId},
    message::{Terminator, segment_id},
    problem::{Problem, ProblemKind, Problems, Severity},
};

/// A file of batches, or messages one after the other without any.
///
/// - Shape: the messages are bytes; each has its own delimiters and character set.
#[derive(Clone, PartialEq, Eq, Default)]
pub struct File<'a> {
    /// FHS, as it is written.
    pub header: Option<&'a [u8]>,
    pub batches: Vec<Batch<'a>>,
    /// FTS, as it is written.
    pub trailer: Option<&'a [u8]>,
}

/// A batch; one without header and trailer holds messages that stand outside any.
#[derive(Clone, PartialEq, Eq, Default)]
pub struct Batch<'a> {
    /// BHS, as it is written.
    pub header: Option<&'a [u8]>,
    pub messages: Vec<&'a [u8]>,
    /// BTS, as it is written.
    pub trailer: Option<&'a [u8]>,
}

impl<'a> File<'a> {
    /// Finds batches and messages in `bytes`, and compares the counts in BTS-1 and FTS-1.
    ///
    /// - Shape: no file of UTF-16; its lines are found only after it has been decoded.
    pub fn read(bytes: &'a [u8]) -> (File<'a>, Vec<Problem>) {
        let mut reader = Reader {
            bytes,
            file: File::default(),
            state: State::Outside,
            message: None,
            n_batches: 0,
            n_trailers: 0,
            problems: Problems::default(),
        };
        reader.all();
        (reader.file, reader.problems.into_vec())
    }

    /// Every message, in order.
    pub fn messages(&self) -> impl Iterator<Item = &'a [u8]> {
        self.batches.iter().flat_map(|batch| batch.messages.iter().copied())
    }
}

/// Whether bytes are a file or batch rather than one message.
pub fn is_file(bytes: &[u8]) -> bool {
    let bytes = bytes.strip_prefix(b"\xef\xbb\xbf").unwrap_or(bytes).trim_ascii_start();
    matches!(kind(bytes), Some(SegmentId::FHS | SegmentId::BHS))
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum State {
    Outside,
    InBatch,
    /// After FTS.
    Over,
}

struct Reader<'a> {
    bytes: &'a [u8],
    file: File<'a>,
    state: State,
    /// Where the message at hand begins.
    message: Option<usize>,
    n_batches: u32,
    n_trailers: u32,
    problems: Problems,
}

impl<'a> Reader<'a> {
    fn all(&mut self) {
        let start =
            self.bytes.len() - self.bytes.strip_prefix(b"\xef\xbb\xbf").unwrap_or(self.bytes).len();
        let terminator = Terminator::of(self.bytes);
        let mut at = start;
        while at < self.bytes.len() {
            let rest = self.bytes.get(at..).unwrap_or_default();
            let end = match terminator {
                Terminator::LineFeed => memchr::memchr2(b'\r', b'\n', rest),
                _ => memchr::memchr(b'\r', rest),
            };
            let length = end.unwrap_or(rest.len());
            self.line(rest.get(..length).unwrap_or_default(), at);
            at += length + usize::from(end.is_some());
            at += usize::from(self.bytes.get(at) == Some(&b'\n') && end.is_some());
        }
        self.end_message(self.bytes.len());
        if self.state == State::InBatch || (self.file.header.is_some() && self.state != State::Over)
        {
            self.note(Severity::Warning, ProblemKind::BatchOpen, Location::MESSAGE);
        }
    }

    fn line(&mut self, line: &'a [u8], at: usize) {
        let Some(kind) = kind(line) else {
            if self.message.is_none() && !line.trim_ascii().is_empty() {
                self.note(Severity::Error, ProblemKind::Outside, Location::MESSAGE);
            }
            return;
        };
        self.end_message(at);
        match kind {
            SegmentId::MSH => self.begin_message(at),
            SegmentId::FHS => {
                if self.file.header.is_some() || !self.file.batches.is_empty() {
                    self.misplaced(SegmentId::FHS, 1);
                }
                self.file.header = self.file.header.or(Some(line));
            }
            SegmentId::BHS => {
                self.n_batches = self.n_batches.saturating_add(1);
                if self.state == State::InBatch {
                    let at = Location::segment(SegmentId::BHS, self.n_batches);
                    self.note(Severity::Warning, ProblemKind::BatchOpen, at);
                } else if self.state == State::Over {
                    self.misplaced(SegmentId::BHS, self.n_batches);
                }
                self.state = State::InBatch;
                self.file.batches.push(Batch { header: Some(line), ..Batch::default() });
            }
            SegmentId::BTS => self.end_batch(line),
            _ => self.end_file(line),
        }
    }

    fn begin_message(&mut self, at: usize) {
        self.message = Some(at);
        if self.state == State::Over {
            self.misplaced(SegmentId::MSH, 1);
        }
        // After a trailer begins a batch of messages that stand in none.
        if self.file.batches.last().is_none_or(|batch| batch.trailer.is_some()) {
            self.file.batches.push(Batch::default());
        }
    }

    fn end_message(&mut self, at: usize) {
        let Some(from) = self.message.take() else { return };
        if let Some(batch) = self.file.batches.last_mut() {
            batch.messages.push(self.bytes.get(from..at).unwrap_or_default());
        }
    }

    fn end_batch(&mut self, line: &'a [u8]) {
        self.n_trailers = self.n_trailers.saturating_add(1);
        let place = Location::segment(SegmentId::BTS, self.n_trailers);
        if self.state != State::InBatch {
            self.note(Severity::Error, ProblemKind::BatchOrder, place);
        }
        self.state = State::Outside;
        let Some(batch) = self.file.batches.last_mut() else { return };
        batch.trailer = Some(line);
        let n_messages = batch.messages.len();
        if first_number(line).is_some_and(|said| said != Some(n_messages)) {
            self.note(Severity::Error, ProblemKind::BatchCount, place.field(1));
        }
    }

    fn end_file(&mut self, line: &'a [u8]) {
        let place = Location::segment(SegmentId::FTS, 1);
        match self.state {
            State::Outside if self.file.header.is_some() => {}
            State::InBatch => self.note(Severity::Warning, ProblemKind::BatchOpen, place),
            _ => self.note(Severity::Error, ProblemKind::BatchOrder, place),
        }
        self.state = State::Over;
        self.file.trailer = Some(line);
        let n_batches = self.file.batches.iter().filter(|batch| batch.header.is_some()).count();
        if first_number(line).is_some_and(|said| said != Some(n_batches)) {
            self.note(Severity::Error, ProblemKind::FileCount, place.field(1));
        }
    }

    fn misplaced(&mut self, segment: SegmentId, occurrence: u32) {
        let at = Location::segment(segment, occurrence);
        self.note(Severity::Error, ProblemKind::BatchOrder, at);
    }

    fn note(&mut self, severity: Severity, kind: ProblemKind, at: Location) {
        self.problems.note(severity, kind, at);
    }
}

/// The envelope segment that a line is.
fn kind(line: &[u8]) -> Option<SegmentId> {
    let known = [SegmentId::MSH, SegmentId::FHS, SegmentId::BHS, SegmentId::BTS, SegmentId::FTS];
    let delimiter = line.get(3).copied().unwrap_or(b'|');
    let id = segment_id(line, delimiter).filter(|_| delimiter.is_ascii_punctuation())?;
    known.contains(&id).then_some(id)
}

/// Field 1: `None` where it is not valued, `Some(None)` where it is no number.
fn first_number(line: &[u8]) -> Option<Option<usize>> {
    let delimiter = *line.get(3)?;
    let field = line.split(|b| *b == delimiter).nth(1)?.trim_ascii();
    if field.is_empty() {
        return None;
    }
    Some(std::str::from_utf8(field).ok().and_then(|text| text.parse().ok()))
}

/// Says nothing of what is in it.
impl fmt::Debug for File<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("File")
            .field("has_header", &self.header.is_some())
            .field("batches", &self.batches)
            .field("has_trailer", &self.trailer.is_some())
            .finish()
    }
}

/// Says nothing of what is in it.
impl fmt::Debug for Batch<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Batch")
            .field("has_header", &self.header.is_some())
            .field("n_messages", &self.messages.len())
            .field("has_trailer", &self.trailer.is_some())
            .finish()
    }
}
