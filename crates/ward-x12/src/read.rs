//! From bytes to interchanges. Nothing is lost: what was read is written byte for byte.

use std::borrow::Cow;

use crate::{
    envelope::Interchange,
    problem::{Code, Place, Problem},
    segment::Segment,
    separators::Separators,
};

/// A file of interchanges.
#[derive(Clone, PartialEq, Eq, Default, Debug)]
pub struct Document {
    /// Line breaks before the first interchange.
    pub before: String,
    pub interchanges: Vec<Interchange>,
    /// What came after the last interchange, or instead of one.
    pub rest: String,
    /// What is wrong outside of every interchange.
    pub problems: Vec<Problem>,
}

/// Why bytes that are not UTF-8 are refused: nobody knows what they mean.
const NO_TEXT: &str = "this is no text";

/// Elements of an ISA.
const ISA_ELEMENTS: usize = 16;

/// Most bytes of an ISA.
/// LIMIT: the standard's has 106; one with wrong widths is still found, to be answered.
const ISA_BYTES_MAX: usize = 400;

/// Reads a file of interchanges.
///
/// - Shape: text that is not UTF-8 is read with its bad bytes replaced, and said so.
/// - Cost: one pass.
/// - Source: X12.5, interchange control structures.
pub fn read(bytes: &[u8]) -> Document {
    let text = String::from_utf8_lossy(bytes);
    let mut document = Document::default();
    let start = text.len() - text.trim_start_matches(is_break).len();
    document.before = text.get(..start).unwrap_or_default().to_owned();
    let mut at = start;
    while let Some(found) = interchange(&text, at) {
        let (segments, separators, end) = found;
        let mut it = Interchange::of(segments, separators);
        let is_lossy = matches!(text, Cow::Owned(_));
        let own = text.get(at..end).unwrap_or_default();
        if let Some(bad) = own.find(char::REPLACEMENT_CHARACTER).filter(|_| is_lossy) {
            let n = it.segments.iter().rposition(|segment| segment.at <= at + bad).unwrap_or(0);
            let mut place = it.place(n, 0);
            place.byte = at + bad;
            it.problems.push(Problem { place, code: Code::Interchange("024"), why: NO_TEXT });
        }
        document.interchanges.push(it);
        at = end;
    }
    document.rest = text.get(at..).unwrap_or_default().to_owned();
    if !document.rest.is_empty() || document.interchanges.is_empty() {
        let place = Place { byte: at, ..Place::default() };
        let why = "an interchange begins with ISA, its 16 elements and the terminator";
        document.problems.push(Problem { place, code: Code::Interchange("022"), why });
    }
    document
}

impl Document {
    /// The file as it came.
    pub fn to_text(&self) -> String {
        let mut out = self.before.clone();
        out.extend(self.interchanges.iter().map(Interchange::to_text));
        out.push_str(&self.rest);
        out
    }

    /// Everything that is wrong, in the order of the file.
    pub fn all_problems(&self) -> Vec<Problem> {
        let mut all = self.problems.clone();
        all.extend(self.interchanges.iter().flat_map(Interchange::all_problems));
        all.sort_by(|a, b| a.place.cmp(&b.place));
        all
    }
}

/// The segments of the interchange at a byte, and where it ends: after its IEA, before the next
/// ISA, or where the file breaks off.
fn interchange(text: &str, start: usize) -> Option<(Vec<Segment>, Separators, usize)> {
    let rest = text.get(start..)?;
    let separators = separators_of(rest)?;
    let mut segments = Vec::new();
    let mut at = start;
    while let Some(rest) = text.get(at..).filter(|rest| !rest.is_empty()) {
        let is_next = !segments.is_empty()
            && rest.strip_prefix("ISA").is_some_and(|it| it.starts_with(separators.element));
        if is_next {
            break;
        }
        let (body, end) = match rest.find(separators.segment) {
            Some(n) => {
                let body = rest.get(..n).unwrap_or_default();
                let after = rest.get(n + separators.segment.len_utf8()..).unwrap_or_default();
                let breaks = after.len() - after.trim_start_matches(is_break).len();
                let end = rest.get(n..n + separators.segment.len_utf8() + breaks);
                (body, end.unwrap_or_default())
            }
            None => (rest, ""),
        };
        let mut parts = body.split(separators.element);
        let tag: Box<str> = parts.next().unwrap_or_default().into();
        let is_last = &*tag == "IEA" || end.is_empty();
        let elements = parts.map(Box::from).collect();
        segments.push(Segment { tag, elements, at, end: end.into() });
        at += body.len() + end.len();
        if is_last {
            break;
        }
    }
    Some((segments, separators, at))
}

/// What an ISA says of its separators, wherever its elements end.
fn separators_of(text: &str) -> Option<Separators> {
    let after = text.strip_prefix("ISA")?;
    let element = after.chars().next().filter(|c| !c.is_alphanumeric() && !c.is_whitespace())?;
    let mut n_seen = 0;
    for (at, c) in after.char_indices().take_while(|(at, _)| *at < ISA_BYTES_MAX) {
        n_seen += usize::from(c == element);
        if n_seen == ISA_ELEMENTS {
            let mut tail = after.get(at + element.len_utf8()..)?.chars();
            let (component, segment) = (tail.next()?, tail.next()?);
            let repetition = after.split(element).nth(11)?.chars().next().unwrap_or('^');
            if segment.is_alphanumeric() || segment == element || segment == ' ' {
                return None;
            }
            return Some(Separators { element, repetition, component, segment });
        }
    }
    None
}

fn is_break(c: char) -> bool {
    matches!(c, '\r' | '\n')
}
