//! Lines of a file, each within a limit.

use std::io::{self, BufRead, Read};

/// Longest line, in bytes.
/// LIMIT: the largest resource that a chart takes.
pub(super) const LINE_BYTES_MAX: usize = ward_core::limits::RESOURCE_BYTES_MAX;

/// One line without its end.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Line {
    Text(Vec<u8>),
    /// Longer than [`LINE_BYTES_MAX`]; it was skipped.
    TooLong,
}

/// Reads lines as bytes; memory holds one of them.
pub(super) struct Lines<R> {
    reader: R,
    max: usize,
    /// Lines read.
    pub(super) n: usize,
    /// Bytes read.
    pub(super) bytes: u64,
}

impl<R: BufRead> Lines<R> {
    pub(super) fn new(reader: R, max: usize) -> Lines<R> {
        Lines { reader, max, n: 0, bytes: 0 }
    }

    /// The next line; `None` at the end.
    pub(super) fn next_line(&mut self) -> io::Result<Option<Line>> {
        let mut text = self.part(self.max.saturating_add(2))?;
        if text.is_empty() {
            return Ok(None);
        }
        self.n = self.n.saturating_add(1);
        let mut is_whole = strip_end(&mut text);
        if is_whole && text.len() <= self.max {
            return Ok(Some(Line::Text(text)));
        }
        if !is_whole && text.len() <= self.max {
            // The last line has no end of its own.
            return Ok(Some(Line::Text(text)));
        }
        drop(text);
        while !is_whole {
            let mut rest = self.part(64 * 1024)?;
            is_whole = rest.is_empty() || strip_end(&mut rest);
        }
        Ok(Some(Line::TooLong))
    }

    /// Up to `max` bytes, up to and with the end of the line.
    fn part(&mut self, max: usize) -> io::Result<Vec<u8>> {
        let mut text = Vec::new();
        let max = u64::try_from(max).unwrap_or(u64::MAX);
        let n = self.reader.by_ref().take(max).read_until(b'\n', &mut text)?;
        self.bytes = self.bytes.saturating_add(u64::try_from(n).unwrap_or(0));
        Ok(text)
    }
}

/// Takes the end of the line off, if it is there.
fn strip_end(text: &mut Vec<u8>) -> bool {
    if text.last() != Some(&b'\n') {
        return false;
    }
    text.pop();
    if text.last() == Some(&b'\r') {
        text.pop();
    }
    true
}

#[cfg(test)]
mod tests {
    use super::*;

    fn all(text: &[u8], max: usize) -> Vec<Line> {
        // A small buffer, so that lines lie across its ends.
        let mut lines = Lines::new(io::BufReader::with_capacity(3, text), max);
        let mut found = Vec::new();
        while let Some(line) = lines.next_line().unwrap() {
            found.push(line);
        }
        assert_eq!((lines.n, lines.bytes), (found.len(), text.len() as u64));
        found
    }

    fn text(text: &str) -> Line {
        Line::Text(text.into())
    }

    #[test]
    fn lines_end_as_files_of_every_system_end_them() {
        assert_eq!(all(b"a\nbc\r\n\nd", 9), [text("a"), text("bc"), text(""), text("d")]);
        assert_eq!(all(b"", 9), []);
    }

    #[test]
    fn a_line_too_long_is_skipped_alone() {
        let long = [&[b'x'; 200_000][..], b"\nabcd\nabcde\nabc"].concat();
        assert_eq!(all(&long, 4), [Line::TooLong, text("abcd"), Line::TooLong, text("abc")]);
        assert_eq!(all(&[b'x'; 70_000], 4), [Line::TooLong]);
        assert_eq!(all(b"abcd\r\nabcde\r\n", 4), [text("abcd"), Line::TooLong]);
    }

    #[test]
    fn bytes_that_are_no_text_pass_as_they_are() {
        assert_eq!(all(b"\xff\xfe\n\x00", 9), [Line::Text(vec![0xff, 0xfe]), Line::Text(vec![0])]);
    }
}
