//! Bytes to a message and its problems.

use std::{borrow::Cow, collections::BTreeSet};

use super::{
    Coding, MESSAGE_BYTES_MAX, Message,
    index::{Index, Terminator, segment_id},
    scan::{Envelope, Wide},
    view::Presence,
};
use crate::{
    charset::{Charset, Declared, Undecodable, choose},
    location::{Location, SegmentId},
    problem::{Problem, ProblemKind, Problems, Severity},
    separators::{Separators, Written},
};

/// What a listener knows about its sender, and what it takes from it.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct ReadSettings {
    /// Whatever MSH-18 says, the text is in this set.
    pub charset: Option<Charset>,
    /// The set where MSH-18 says nothing. ASCII, as the standard has it; UTF-8 is still taken,
    /// with [`ProblemKind::UndeclaredCharset`].
    pub undeclared: Charset,
    /// Leniencies of [`LENIENCIES`] that are not given to this sender: their problems are errors.
    pub refused: BTreeSet<ProblemKind>,
    /// Most bytes of a message.
    pub bytes_max: usize,
}

impl Default for ReadSettings {
    fn default() -> ReadSettings {
        ReadSettings {
            charset: None,
            undeclared: Charset::Ascii,
            refused: BTreeSet::new(),
            bytes_max: MESSAGE_BYTES_MAX,
        }
    }
}

/// What is read although the standard does not allow it, and how it is reported.
///
/// A listener may refuse any of them in [`ReadSettings::refused`]; the message is still read, and
/// the problem is an error.
pub static LENIENCIES: &[(ProblemKind, Severity)] = &[
    (ProblemKind::BlankLine, Severity::Information),
    (ProblemKind::ByteOrderMark, Severity::Information),
    (ProblemKind::CarriageReturnLineFeed, Severity::Information),
    (ProblemKind::CharsetAlias, Severity::Information),
    (ProblemKind::DoubledEscape, Severity::Warning),
    (ProblemKind::LeadingSpace, Severity::Information),
    (ProblemKind::LineFeed, Severity::Information),
    (ProblemKind::LineFeedInField, Severity::Warning),
    (ProblemKind::NoLastTerminator, Severity::Information),
    (ProblemKind::ShiftJis, Severity::Warning),
    (ProblemKind::UndeclaredCharset, Severity::Warning),
    (ProblemKind::WindowsCodePage, Severity::Warning),
];

impl<'a> Message<'a> {
    /// Reads a message.
    ///
    /// - Shape: no message where MSH or its delimiters cannot be read, or where bytes are not text
    ///   in its character set; then one problem is fatal or an error and says where.
    /// - Cost: one check of the text and one pass for the index; borrows UTF-8.
    /// - Source: HL7 v2.8, 2.6 Message construction rules; 2.14.9.18 MSH-18.
    pub fn read(bytes: &'a [u8], settings: &ReadSettings) -> (Option<Message<'a>>, Vec<Problem>) {
        let mut reader = Reader { settings, problems: Problems::default() };
        let message = match reader.message(bytes) {
            Ok(message) => Some(message),
            Err((kind, at)) => {
                let severity = match kind {
                    ProblemKind::Undecodable | ProblemKind::UnsupportedCharset => Severity::Error,
                    _ => Severity::Fatal,
                };
                reader.problems.note(severity, kind, at);
                None
            }
        };
        (message, reader.problems.into_vec())
    }
}

struct Reader<'s> {
    settings: &'s ReadSettings,
    problems: Problems,
}

type Refused = (ProblemKind, Location);

impl Reader<'_> {
    fn message<'a>(&mut self, bytes: &'a [u8]) -> Result<Message<'a>, Refused> {
        if self.settings.bytes_max.min(MESSAGE_BYTES_MAX) < bytes.len() {
            return Err((ProblemKind::TooLarge, Location::MESSAGE));
        }
        if let Some(wide) = Wide::of(bytes) {
            return self.wide(bytes, &wide);
        }
        let envelope = Envelope::of(bytes)?;
        self.envelope(&envelope);
        let body = bytes.get(envelope.lead..).unwrap_or_default();
        let charset = self.charset(&envelope, body)?;
        let separators = envelope.separators;
        let plain = match charset {
            // Chosen for what is ASCII, or no text at all: one look tells.
            Charset::Ascii if self.settings.charset.is_none() => std::str::from_utf8(body).ok(),
            _ => None,
        };
        let text = match plain {
            Some(text) => Cow::Borrowed(text),
            None => charset.decode(body).map_err(|Undecodable { at }| {
                (ProblemKind::Undecodable, place_of(body, at, charset, &separators))
            })?,
        };
        self.indexed(bytes, envelope.lead, text, Coding::new(separators, charset))
    }

    fn wide<'a>(&mut self, bytes: &'a [u8], wide: &Wide) -> Result<Message<'a>, Refused> {
        let body = bytes.get(wide.lead..).unwrap_or_default();
        let text = wide.charset.decode(body).map_err(|Undecodable { at }| {
            let separators = Separators::RECOMMENDED;
            (ProblemKind::Undecodable, place_of(body, at, wide.charset, &separators))
        })?;
        if wide.lead != 0 {
            self.lenient(ProblemKind::ByteOrderMark, Location::MESSAGE);
        }
        let envelope = Envelope::of(text.as_bytes())?;
        self.envelope(&envelope);
        let (separators, lead) = (envelope.separators, envelope.lead);
        let before = text.get(..lead).unwrap_or_default();
        let lead_bytes = 2 * before.encode_utf16().count();
        let text = text.get(lead..).unwrap_or_default().to_owned();
        let coding = Coding::new(separators, wide.charset);
        self.indexed(bytes, wide.lead + lead_bytes, Cow::Owned(text), coding)
    }

    fn envelope(&mut self, envelope: &Envelope<'_>) {
        if envelope.has_mark {
            self.lenient(ProblemKind::ByteOrderMark, Location::MESSAGE);
        }
        if envelope.has_space {
            self.lenient(ProblemKind::LeadingSpace, Location::MESSAGE);
        }
        if envelope.written == Written::DoubledEscape {
            self.lenient(ProblemKind::DoubledEscape, Location::header(2));
        }
    }

    fn charset(&mut self, envelope: &Envelope<'_>, body: &[u8]) -> Result<Charset, Refused> {
        if let Some(charset) = self.settings.charset {
            return Ok(charset);
        }
        let at = Location::header(18).repetition(1);
        let declared = match Declared::read(envelope.field(18), envelope.separators.repetition()) {
            // The mark says so itself.
            Declared::Nothing if envelope.has_mark => Declared::Set(Charset::Utf8),
            declared => declared,
        };
        let choice = choose(declared, self.settings.undeclared, body).map_err(|kind| (kind, at))?;
        match choice.problem {
            Some(ProblemKind::UnknownCharset) => {
                self.problems.note(Severity::Error, ProblemKind::UnknownCharset, at);
            }
            Some(kind) => self.lenient(kind, at),
            None => {}
        }
        Ok(choice.charset)
    }

    fn indexed<'a>(
        &mut self,
        bytes: &'a [u8],
        lead: usize,
        text: Cow<'a, str>,
        coding: Coding,
    ) -> Result<Message<'a>, Refused> {
        let terminator = Terminator::of(text.as_bytes());
        let index = Index::build(&text, coding.separators.field(), terminator);
        if index.is_full {
            return Err((ProblemKind::TooLarge, Location::MESSAGE));
        }
        let message = Message { raw: Cow::Borrowed(bytes), lead, text, coding, terminator, index };
        self.terminators(&message);
        self.lines(&message);
        Ok(message)
    }

    fn terminators(&mut self, message: &Message<'_>) {
        let index = &message.index;
        match message.terminator {
            Terminator::CarriageReturn => {}
            Terminator::LineFeed => self.lenient(ProblemKind::LineFeed, Location::MESSAGE),
            Terminator::CarriageReturnLineFeed => {
                self.lenient(ProblemKind::CarriageReturnLineFeed, Location::MESSAGE);
            }
        }
        if 0 < index.blank_lines {
            self.lenient(ProblemKind::BlankLine, Location::MESSAGE);
        }
        if index.is_last_open {
            let last = index.segments.len().saturating_sub(1);
            self.lenient(ProblemKind::NoLastTerminator, message.location_of(last));
        }
        if let Some((place, field)) = index.stray_line_feed.and_then(|at| index.field_at(at)) {
            let shift = u32::from(place == 0);
            let at = message.location_of(place).field(field + shift);
            self.lenient(ProblemKind::LineFeedInField, at);
        }
    }

    fn lines(&mut self, message: &Message<'_>) {
        let id = message.header().and_then(|msh| msh.field(10));
        if id.is_none_or(|id| id.presence() != Presence::Valued) {
            let kind = ProblemKind::MissingControlId;
            self.problems.note(Severity::Error, kind, Location::header(10));
        }
        let field = message.coding.separators.field();
        let mut n_headers = 0_u32;
        for (line, segment) in (1..).zip(&message.index.segments) {
            let text = message.between(segment.start, segment.end).as_bytes();
            let (kind, at) = match segment_id(text, field) {
                None => (ProblemKind::SegmentName, Location::MESSAGE),
                Some(SegmentId::MSH) => {
                    n_headers = n_headers.saturating_add(1);
                    if n_headers == 1 {
                        continue;
                    }
                    let at = Location::segment(SegmentId::MSH, n_headers);
                    (ProblemKind::SecondHeader, at)
                }
                Some(_) => continue,
            };
            self.problems.note(Severity::Error, kind, at.on_line(line));
        }
    }

    fn lenient(&mut self, kind: ProblemKind, at: Location) {
        let given = LENIENCIES.iter().find(|(known, _)| *known == kind);
        let severity = match given {
            Some((_, severity)) if !self.settings.refused.contains(&kind) => *severity,
            _ => Severity::Error,
        };
        self.problems.note(severity, kind, at);
    }
}

/// Where the byte `at` of `body` stands, found in the text before it.
fn place_of(body: &[u8], at: usize, charset: Charset, separators: &Separators) -> Location {
    let before = body.get(..at).unwrap_or_default();
    let Ok(text) = charset.decode(before) else { return Location::MESSAGE };
    let terminator = Terminator::of(text.as_bytes());
    let text = text.into_owned() + "?";
    let Some(last) = u32::try_from(text.len() - 1).ok() else { return Location::MESSAGE };
    let index = Index::build(&text, separators.field(), terminator);
    let coding = Coding::new(*separators, charset);
    let Some((place, field)) = index.field_at(last) else { return Location::MESSAGE };
    let message = Message {
        raw: Cow::Borrowed(&[]),
        lead: 0,
        text: Cow::Owned(text),
        coding,
        terminator,
        index,
    };
    let at = message.location_of(place);
    let field = field + u32::from(place == 0);
    let number = usize::try_from(field).unwrap_or(usize::MAX);
    let Some(written) = message.segment_at(place).and_then(|s| s.field(number)) else { return at };
    let count = |n: usize| u32::try_from(n).unwrap_or(u32::MAX);
    let at = at.field(field).repetition(count(written.repetitions().count()));
    let Some(repetition) = written.repetitions().last() else { return at };
    let at = at.component(count(repetition.components().count()));
    match repetition.components().last().map(|c| c.subcomponents().count()) {
        Some(n) if 1 < n => at.subcomponent(count(n)),
        _ => at,
    }
}
