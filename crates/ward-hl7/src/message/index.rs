//! Where segments and fields begin: one pass, four bytes a delimiter.

use crate::location::SegmentId;

/// How segments end.
///
/// The terminator of the first segment decides for the whole message: a line feed inside a field
/// of a message with carriage returns is data, even where what follows looks like a segment.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum Terminator {
    /// What the standard says.
    CarriageReturn,
    LineFeed,
    CarriageReturnLineFeed,
}

impl Terminator {
    /// Of a message that begins with `bytes`.
    pub fn of(bytes: &[u8]) -> Terminator {
        match memchr::memchr2(b'\r', b'\n', bytes).and_then(|at| bytes.get(at..)) {
            Some([b'\r', b'\n', ..]) => Terminator::CarriageReturnLineFeed,
            Some([b'\n', ..]) => Terminator::LineFeed,
            _ => Terminator::CarriageReturn,
        }
    }

    pub const fn as_str(self) -> &'static str {
        match self {
            Terminator::CarriageReturn => "\r",
            Terminator::LineFeed => "\n",
            Terminator::CarriageReturnLineFeed => "\r\n",
        }
    }
}

/// A segment in the text.
#[derive(Clone, Copy, Debug)]
pub(crate) struct SegmentAt {
    pub start: u32,
    /// Before the terminator.
    pub end: u32,
    /// Its first field delimiter, as a place in `Index::delimiters`.
    pub first: u32,
}

/// The offsets of a message.
#[derive(Clone, Default, Debug)]
pub(crate) struct Index {
    pub segments: Vec<SegmentAt>,
    /// Offsets of field delimiters, in order.
    pub delimiters: Vec<u32>,
    pub blank_lines: u32,
    /// A line feed that ends no segment, and the line it is on.
    pub stray_line_feed: Option<u32>,
    pub is_last_open: bool,
}

/// Offsets fit because [`super::MESSAGE_BYTES_MAX`] does.
fn offset(at: usize) -> u32 {
    u32::try_from(at).unwrap_or(u32::MAX)
}

impl Index {
    pub fn build(text: &str, field: u8, terminator: Terminator) -> Index {
        let bytes = text.as_bytes();
        let mut index = Index {
            segments: Vec::with_capacity(16 + bytes.len() / 256),
            delimiters: Vec::with_capacity(16 + bytes.len() / 6),
            ..Index::default()
        };
        let mut start = 0;
        let mut first = 0;
        match terminator {
            Terminator::LineFeed => {
                for at in memchr::memchr3_iter(field, b'\n', b'\r', bytes) {
                    if bytes.get(at) == Some(&field) {
                        index.delimiters.push(offset(at));
                    } else {
                        index.close(start, at, first);
                        (start, first) = (at + 1, index.delimiters.len());
                    }
                }
            }
            Terminator::CarriageReturn | Terminator::CarriageReturnLineFeed => {
                for at in memchr::memchr2_iter(field, b'\r', bytes) {
                    if bytes.get(at) == Some(&field) {
                        index.delimiters.push(offset(at));
                        continue;
                    }
                    index.close(start, at, first);
                    let feed = usize::from(bytes.get(at + 1) == Some(&b'\n'));
                    (start, first) = (at + 1 + feed, index.delimiters.len());
                }
            }
        }
        index.is_last_open = start < bytes.len();
        if index.is_last_open {
            index.close(start, bytes.len(), first);
        }
        if terminator != Terminator::LineFeed {
            index.find_stray(bytes);
        }
        index
    }

    fn close(&mut self, start: usize, end: usize, first: usize) {
        if start == end {
            self.blank_lines = self.blank_lines.saturating_add(1);
            return;
        }
        let segment = SegmentAt { start: offset(start), end: offset(end), first: offset(first) };
        self.segments.push(segment);
    }

    fn find_stray(&mut self, bytes: &[u8]) {
        let stray = memchr::memchr_iter(b'\n', bytes)
            .find(|at| at.checked_sub(1).and_then(|before| bytes.get(before)) != Some(&b'\r'));
        self.stray_line_feed = stray.map(offset);
    }

    /// The field delimiters of segment `at`.
    pub fn delimiters_of(&self, at: usize) -> &[u32] {
        let place = |n: u32| usize::try_from(n).unwrap_or(usize::MAX);
        let from = self.segments.get(at).map_or(usize::MAX, |s| place(s.first));
        let to = self.segments.get(at + 1).map_or(self.delimiters.len(), |s| place(s.first));
        self.delimiters.get(from..to).unwrap_or_default()
    }

    /// The segment, and its field from 1, that the byte at `offset` of the text belongs to.
    pub fn field_at(&self, offset: u32) -> Option<(usize, u32)> {
        let after = self.segments.partition_point(|segment| segment.start <= offset);
        let at = after.checked_sub(1)?;
        let before = self.delimiters_of(at).partition_point(|delimiter| *delimiter < offset);
        Some((at, u32::try_from(before).unwrap_or(u32::MAX)))
    }
}

/// The name at the start of a line, if it is one and a delimiter or the end follows.
pub(crate) fn segment_id(line: &[u8], field: u8) -> Option<SegmentId> {
    let (name, rest) = line.split_at_checked(3)?;
    let ends = rest.first().is_none_or(|b| *b == field);
    SegmentId::new(name).filter(|_| ends)
}
