//! Changing a message, or making a new one. What is not changed is written byte for byte as it came.

mod lines;
mod read;
#[cfg(test)]
mod tests;

use std::{borrow::Cow, fmt};

use lines::lines;

use crate::{
    charset::Charset,
    escape::escape,
    location::SegmentId,
    message::{Message, Terminator, segment_id},
    path::Path,
    separators::Separators,
};

/// A message that is being written.
///
/// - Shape: lines that are not touched keep their bytes: character set, trailing delimiters, odd
///   terminators, blank lines. A changed line is encoded anew; in the sets whose encoding is not
///   one to one (ISO 2022, Big5, Shift-JIS) its untouched fields may change bytes, never
///   characters; one that has a character its set can read but not write cannot be changed.
#[derive(Clone)]
pub struct Draft<'m> {
    lead: Cow<'m, [u8]>,
    separators: Separators,
    charset: Charset,
    terminator: Terminator,
    lines: Vec<Line<'m>>,
}

#[derive(Clone)]
struct Line<'m> {
    text: Cow<'m, str>,
    /// As it came; the body is used only while the text is untouched.
    raw: Option<Raw<'m>>,
    is_changed: bool,
}

#[derive(Clone)]
struct Raw<'m> {
    body: Cow<'m, [u8]>,
    tail: Cow<'m, [u8]>,
}

/// What is put at a path.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Put<'t> {
    /// Plain text: what has to be escaped is escaped.
    Text(&'t str),
    /// `""`: the receiver is to delete its value.
    Null,
    /// Nothing: the receiver keeps its value.
    Empty,
    /// Already written: components, repetitions and escapes are as they stand.
    Written(&'t str),
}

/// A change cannot be made. The draft is as it was.
#[derive(Clone, Copy, PartialEq, Eq, Debug, thiserror::Error)]
pub enum EditError {
    #[error("there is no such segment")]
    NoSegment,
    #[error("a change names a segment by its place, not by its groups")]
    Groups,
    #[error("a change names a field")]
    NoField,
    #[error("MSH-1, MSH-2 and MSH-18 say how the message is written and are not set like values")]
    Delimiters,
    #[error("the number is larger than 1,000")]
    TooFar,
    #[error("the message has no delimiter for that level")]
    NoDelimiter,
    #[error("the message has no escape character, and the value needs one")]
    NoEscape,
    #[error("the value has a field delimiter or the end of a segment in it")]
    Breaks,
    #[error("the value has a character that the character set of the message does not have")]
    Unmappable,
}

/// The draft has a character that its character set does not have.
#[derive(Clone, Copy, PartialEq, Eq, Debug, thiserror::Error)]
#[error("line {line} has a character that the character set of the message does not have")]
pub struct WriteError {
    /// From 1.
    pub line: usize,
}

/// Largest field, repetition, component or sub-component number that a change may name.
/// LIMIT: no segment of the standard has 100 fields; the delimiters before it are all written.
const NUMBER_MAX: usize = 1_000;

impl<'m> Draft<'m> {
    /// The message as it is.
    pub fn of(message: &'m Message<'_>) -> Draft<'m> {
        let raw = lines(message.body(), message.charset(), message.terminator());
        let is_same = raw.len() == message.n_segments();
        let owned = |it: lines::RawLine<'m>| Raw { body: it.body.into(), tail: it.tail.into() };
        let mut raw = raw.into_iter().map(owned).map(Some);
        let lines = message.segments().map(|segment| Line {
            text: Cow::Borrowed(segment.raw()),
            raw: raw.next().flatten().filter(|_| is_same),
            is_changed: false,
        });
        Draft {
            lead: Cow::Borrowed(message.lead()),
            separators: *message.separators(),
            charset: message.charset(),
            terminator: message.terminator(),
            lines: lines.collect(),
        }
    }

    /// A new message: MSH with its delimiters, and MSH-18 where the set is not ASCII.
    pub fn new(separators: Separators, charset: Charset) -> Draft<'static> {
        let field = char::from(separators.field());
        let mut draft = Draft {
            lead: Cow::Borrowed(&[]),
            separators,
            charset,
            terminator: Terminator::CarriageReturn,
            lines: vec![Line::new(format!("MSH{field}{}", separators.encoding()))],
        };
        if charset != Charset::Ascii {
            draft.name_charset();
        }
        draft
    }

    pub fn n_lines(&self) -> usize {
        self.lines.len()
    }

    /// The name of the line at `place`, from 0.
    pub fn segment_at(&self, place: usize) -> Option<SegmentId> {
        let line = self.lines.get(place)?;
        segment_id(line.text.as_bytes(), self.separators.field())
    }

    /// Puts a value at `path`; what the segment lacks before it is filled with delimiters.
    ///
    /// - Shape: a path that ends at a field replaces all its repetitions.
    pub fn set(&mut self, path: &Path, put: Put<'_>) -> Result<(), EditError> {
        if !path.groups().is_empty() {
            return Err(EditError::Groups);
        }
        let place = self.place(path).ok_or(EditError::NoSegment)?;
        self.set_at(place, path, put)
    }

    /// Puts a value into the line at `place`, from 0; the segment of `path` is not looked at.
    pub fn set_at(&mut self, place: usize, path: &Path, put: Put<'_>) -> Result<(), EditError> {
        let field = path.field().ok_or(EditError::NoField)?;
        let written = self.written(put)?;
        let separators = self.separators;
        let line = self.lines.get_mut(place).ok_or(EditError::NoSegment)?;
        let has_delimiters =
            matches!(line.text.as_bytes(), [b'M', b'S', b'H', ..] | [b'B' | b'F', b'H', b'S', ..]);
        if has_delimiters && matches!(field, 1 | 2 | 18) {
            return Err(EditError::Delimiters);
        }
        // Between delimiters, the name comes before field 1, and MSH-2 stands where field 1 would.
        let nth = if has_delimiters { field } else { field + 1 };
        let mut levels = vec![(Some(separators.field()), nth)];
        if path.repetition().is_some() || path.component().is_some() {
            let repetition = path.repetition().unwrap_or(1);
            levels.push((separators.repetition(), repetition));
        }
        levels.extend(path.component().map(|n| (Some(separators.component()), n)));
        levels.extend(path.subcomponent().map(|n| (separators.subcomponent(), n)));
        let text = replaced(&line.text, &levels, &written)?;
        line.is_changed = line.is_changed || text != line.text;
        line.text = Cow::Owned(text);
        Ok(())
    }

    /// A new segment at the end; its place is given.
    pub fn push(&mut self, segment: SegmentId) -> usize {
        self.lines.push(Line::new(segment.as_str().to_owned()));
        self.lines.len() - 1
    }

    /// A new segment before the line at `place`, which is not 0.
    pub fn insert(&mut self, place: usize, segment: SegmentId) -> Result<(), EditError> {
        if place == 0 || self.lines.len() < place {
            return Err(EditError::NoSegment);
        }
        self.lines.insert(place, Line::new(segment.as_str().to_owned()));
        Ok(())
    }

    /// Takes the line at `place` out; MSH stays.
    pub fn remove(&mut self, place: usize) -> Result<(), EditError> {
        if place == 0 || self.lines.len() <= place {
            return Err(EditError::NoSegment);
        }
        self.lines.remove(place);
        Ok(())
    }

    /// Writes the message in another character set, and says so in MSH-18.
    pub fn recode(&mut self, charset: Charset) {
        self.charset = charset;
        self.lead = Cow::Borrowed(&[]);
        for line in &mut self.lines {
            line.raw = None;
        }
        self.name_charset();
    }

    /// The message.
    ///
    /// - Errors: a line cannot be written in the character set of the message.
    pub fn to_bytes(&self) -> Result<Vec<u8>, WriteError> {
        let mut out = self.lead.to_vec();
        let encode = |text: &str, at: usize| -> Result<Vec<u8>, WriteError> {
            let bytes = self.charset.encode_as_read(text);
            bytes.map(Vec::from).map_err(|_| WriteError { line: at + 1 })
        };
        for (at, line) in self.lines.iter().enumerate() {
            match &line.raw {
                Some(raw) if !line.is_changed => out.extend_from_slice(&raw.body),
                _ => out.extend(encode(&line.text, at)?),
            }
            match &line.raw {
                // A last line without terminator gets one when something follows it.
                Some(raw) if !raw.tail.is_empty() || at + 1 == self.lines.len() => {
                    out.extend_from_slice(&raw.tail);
                }
                _ => out.extend(encode(self.terminator.as_str(), at)?),
            }
        }
        Ok(out)
    }

    fn is(&self, place: usize, segment: SegmentId) -> bool {
        self.segment_at(place) == Some(segment)
    }

    fn written(&self, put: Put<'_>) -> Result<String, EditError> {
        let field = char::from(self.separators.field());
        let written = match put {
            Put::Text(text) => {
                escape(text, &self.separators).map_err(|_| EditError::NoEscape)?.into_owned()
            }
            Put::Null => "\"\"".to_owned(),
            Put::Empty => String::new(),
            Put::Written(text) if text.contains([field, '\r', '\n']) => {
                return Err(EditError::Breaks);
            }
            Put::Written(text) => text.to_owned(),
        };
        match self.charset.encode(&written) {
            Ok(_) => Ok(written),
            Err(_) => Err(EditError::Unmappable),
        }
    }

    fn name_charset(&mut self) {
        let levels = [(Some(self.separators.field()), 18)];
        if let Some(line) = self.lines.first_mut()
            && let Ok(text) = replaced(&line.text, &levels, self.charset.name())
        {
            line.text = Cow::Owned(text);
            line.is_changed = true;
        }
    }
}

impl Line<'_> {
    fn new(text: String) -> Line<'static> {
        Line { text: Cow::Owned(text), raw: None, is_changed: true }
    }
}

/// `text` with the part that `levels` name replaced; each level is a delimiter and a number from 1.
fn replaced(text: &str, levels: &[(Option<u8>, usize)], new: &str) -> Result<String, EditError> {
    let Some(((delimiter, n), deeper)) = levels.split_first() else { return Ok(new.to_owned()) };
    if NUMBER_MAX < *n {
        return Err(EditError::TooFar);
    }
    let Some(delimiter) = delimiter.map(char::from) else {
        return if *n == 1 { replaced(text, deeper, new) } else { Err(EditError::NoDelimiter) };
    };
    let mut out = String::with_capacity(text.len() + new.len());
    let mut parts = text.split(delimiter);
    for at in 1..=*n {
        let part = parts.next().unwrap_or_default();
        if at != 1 {
            out.push(delimiter);
        }
        if at == *n {
            out.push_str(&replaced(part, deeper, new)?);
        } else {
            out.push_str(part);
        }
    }
    for part in parts {
        out.push(delimiter);
        out.push_str(part);
    }
    Ok(out)
}

/// Says nothing of the values.
impl fmt::Debug for Draft<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Draft({} lines, {:?})", self.lines.len(), self.charset)
    }
}

/// Says nothing of the value.
impl fmt::Debug for Put<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Put::Text(_) => "Text",
            Put::Null => "Null",
            Put::Empty => "Empty",
            Put::Written(_) => "Written",
        })
    }
}
