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
    /// There were more segments than are kept.
    pub is_full: bool,
}

/// The segment at hand: where it begins, and its first delimiter.
struct Line {
    start: usize,
    first: usize,
}

/// Eight times the same byte.
const fn eight(byte: u8) -> u64 {
    u64::from_le_bytes([byte; 8])
}

/// The high bit of every byte of `word` that is the one in `eight`.
///
/// Delimiters are a few bytes apart, so that eight bytes at a time are faster than a search for
/// the next one.
#[inline]
fn places(word: u64, eight: u64) -> u64 {
    const LOW: u64 = 0x7f7f_7f7f_7f7f_7f7f;
    let other = word ^ eight;
    // Exactly the bytes that are zero in `other` keep their high bit clear in the sum.
    !(((other & LOW) + LOW) | other | LOW)
}

/// Offsets fit because [`super::MESSAGE_BYTES_MAX`] does.
fn offset(at: usize) -> u32 {
    u32::try_from(at).unwrap_or(u32::MAX)
}

impl Index {
    pub fn build(text: &str, field: u8, terminator: Terminator) -> Index {
        match terminator {
            Terminator::LineFeed => Index::scan::<true>(text, field),
            _ => Index::scan::<false>(text, field),
        }
    }

    /// A carriage return always ends a segment; a line feed where the first segment says so.
    fn scan<const LINE_FEED_ENDS: bool>(text: &str, field: u8) -> Index {
        let bytes = text.as_bytes();
        let mut index = Index {
            segments: Vec::with_capacity(16 + bytes.len() / 256),
            delimiters: Vec::with_capacity(16 + bytes.len() / 6),
            ..Index::default()
        };
        let mut line = Line { start: 0, first: 0 };
        let (words, rest) = bytes.as_chunks::<8>();
        let mut base = 0_u32;
        for word in words {
            let word = u64::from_le_bytes(*word);
            let mut fields = places(word, eight(field));
            let mut ends = places(word, eight(b'\r'));
            if LINE_FEED_ENDS {
                ends |= places(word, eight(b'\n'));
            }
            // Few words have an end; what stands before it belongs to the line that it ends.
            while ends != 0 {
                let below = (ends & ends.wrapping_neg()) - 1;
                index.fields(fields & below, base);
                fields &= !below;
                let at = base + (ends.trailing_zeros() >> 3);
                index.end::<LINE_FEED_ENDS>(bytes, at, &mut line);
                ends &= ends - 1;
            }
            index.fields(fields, base);
            base += 8;
        }
        for (at, byte) in (base..).zip(rest) {
            if *byte == field {
                index.delimiters.push(at);
            } else if *byte == b'\r' || (LINE_FEED_ENDS && *byte == b'\n') {
                index.end::<LINE_FEED_ENDS>(bytes, at, &mut line);
            }
        }
        let Line { start, first } = line;
        index.is_last_open = start < bytes.len();
        if index.is_last_open {
            index.close(start, bytes.len(), first);
        }
        if !LINE_FEED_ENDS {
            index.find_stray(bytes);
        }
        index
    }

    /// Field delimiters at the high bits of `found`.
    #[inline]
    fn fields(&mut self, mut found: u64, base: u32) {
        while found != 0 {
            self.delimiters.push(base + (found.trailing_zeros() >> 3));
            found &= found - 1;
        }
    }

    /// A segment ends at `at`.
    fn end<const LINE_FEED_ENDS: bool>(&mut self, bytes: &[u8], at: u32, line: &mut Line) {
        let at = usize::try_from(at).unwrap_or(usize::MAX);
        self.close(line.start, at, line.first);
        let is_pair = !LINE_FEED_ENDS && bytes.get(at + 1) == Some(&b'\n');
        *line = Line { start: at + 1 + usize::from(is_pair), first: self.delimiters.len() };
    }

    fn close(&mut self, start: usize, end: usize, first: usize) {
        if start == end {
            self.blank_lines = self.blank_lines.saturating_add(1);
            return;
        }
        if super::SEGMENTS_MAX <= self.segments.len() {
            self.is_full = true;
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

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// The fields of every segment, found one character at a time.
    fn plainly(text: &str, terminator: Terminator) -> Vec<Vec<String>> {
        let text = match terminator {
            Terminator::LineFeed => text.replace('\n', "\r"),
            _ => text.replace("\r\n", "\r"),
        };
        let lines = text.split('\r').filter(|line| !line.is_empty());
        lines.map(|line| line.split('|').map(str::to_owned).collect()).collect()
    }

    fn indexed(text: &str, terminator: Terminator) -> Vec<Vec<String>> {
        let index = Index::build(text, b'|', terminator);
        let cut = |from: u32, to: u32| text[from as usize..to as usize].to_owned();
        let segments = index.segments.iter().enumerate();
        segments
            .map(|(at, segment)| {
                let mut fields = Vec::new();
                let mut from = segment.start;
                for delimiter in index.delimiters_of(at) {
                    fields.push(cut(from, *delimiter));
                    from = delimiter + 1;
                }
                fields.push(cut(from, segment.end));
                fields
            })
            .collect()
    }

    proptest! {
        #[test]
        fn the_index_splits_as_a_plain_reader_does(text in "[|\r\n}\u{7f}é検a\u{0}{]{0,80}") {
            for terminator in [
                Terminator::CarriageReturn,
                Terminator::LineFeed,
                Terminator::CarriageReturnLineFeed,
            ] {
                prop_assert_eq!(indexed(&text, terminator), plainly(&text, terminator));
            }
        }

        #[test]
        fn every_offset_is_in_a_field(text in "[|\ra]{1,40}", at in 0_u32..40) {
            let index = Index::build(&text, b'|', Terminator::CarriageReturn);
            if let Some((place, field)) = index.field_at(at) {
                prop_assert!(place < index.segments.len());
                prop_assert!(field as usize <= index.delimiters_of(place).len());
            }
        }
    }
}
