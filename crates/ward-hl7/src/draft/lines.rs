//! The lines of a message as bytes, so that what is not changed is written as it came.

use crate::{charset::Charset, message::Terminator};

/// A segment as bytes, and what follows it up to the next one: terminator, blank lines.
#[derive(Clone, Copy)]
pub(super) struct RawLine<'m> {
    pub body: &'m [u8],
    pub tail: &'m [u8],
}

/// The lines of `bytes`, split where the index of the text splits them.
///
/// In no character set here but UTF-16 is a carriage return or line feed byte part of another
/// character, so bytes and text have the same lines.
pub(super) fn lines(bytes: &[u8], charset: Charset, terminator: Terminator) -> Vec<RawLine<'_>> {
    let width = if charset.is_ascii_based() { 1 } else { 2 };
    let is = |at: usize, wanted: u8| match (charset, bytes.get(at), bytes.get(at + 1)) {
        (Charset::Utf16Be, Some(0), Some(unit)) => *unit == wanted,
        (Charset::Utf16Le, Some(unit), Some(0)) => *unit == wanted,
        (Charset::Utf16Be | Charset::Utf16Le, ..) | (_, None, _) => false,
        (_, Some(byte), _) => *byte == wanted,
    };
    let mut lines: Vec<RawLine<'_>> = Vec::new();
    let (mut start, mut at) = (0, 0);
    let mut close = |start: usize, end: usize, next: usize| {
        if start == end {
            // A blank line belongs to the segment before it.
            if let Some(last) = lines.last_mut() {
                let before = start - last.tail.len();
                last.tail = bytes.get(before..next).unwrap_or_default();
            }
            return;
        }
        let body = bytes.get(start..end).unwrap_or_default();
        lines.push(RawLine { body, tail: bytes.get(end..next).unwrap_or_default() });
    };
    while at < bytes.len() {
        let mut next = at + width;
        let ends = match terminator {
            Terminator::LineFeed => is(at, b'\n') || is(at, b'\r'),
            _ if is(at, b'\r') => {
                next += if is(next, b'\n') { width } else { 0 };
                true
            }
            _ => false,
        };
        if ends {
            close(start, at, next);
            start = next;
        }
        at = next;
    }
    if start < bytes.len() {
        close(start, bytes.len(), bytes.len());
    }
    lines
}
