//! MSH by itself: what is needed to answer a message, also one that cannot be read.

use std::{borrow::Cow, fmt};

use crate::{
    charset::{Charset, Declared, choose},
    escape::plain,
    location::Location,
    message::{Envelope, Message, ReadSettings, Wide},
    problem::{Problem, ProblemKind, Problems, Severity},
    separators::Separators,
    version::Version,
};

/// The fields of MSH, as text.
///
/// - Source: HL7 v2.8, 2.14.9 MSH.
#[derive(Clone, PartialEq, Eq)]
pub struct Header {
    separators: Separators,
    charset: Charset,
    /// From MSH-3 on, as written.
    fields: Vec<Box<str>>,
}

/// Most fields of MSH that are kept.
/// LIMIT: 2.8 defines 25.
const FIELDS_MAX: usize = 25;

impl Header {
    /// The header of a message that has been read.
    pub fn of(message: &Message<'_>) -> Header {
        let header = message.header();
        let fields = header.iter().flat_map(|msh| msh.fields());
        Header {
            separators: *message.separators(),
            charset: message.charset(),
            fields: fields
                .filter(|(n, _)| (3..=FIELDS_MAX).contains(n))
                .map(|(_, field)| field.raw().into())
                .collect(),
        }
    }

    /// The header alone, of bytes that may not be readable further down.
    ///
    /// - Shape: a field of MSH that is not text is empty. `None` where there are no delimiters.
    pub fn scan(bytes: &[u8], settings: &ReadSettings) -> (Option<Header>, Vec<Problem>) {
        let mut problems = Problems::default();
        let header = match Wide::of(bytes) {
            Some(wide) => Header::scan_wide(bytes, &wide),
            None => Header::scan_bytes(bytes, settings),
        };
        let header = header.map_err(|(kind, at)| problems.note(Severity::Fatal, kind, at)).ok();
        let id = header.as_ref().map(|header| header.raw(10));
        if id == Some("") {
            let kind = ProblemKind::MissingControlId;
            problems.note(Severity::Error, kind, Location::header(10));
        }
        (header, problems.into_vec())
    }

    fn scan_bytes(
        bytes: &[u8],
        settings: &ReadSettings,
    ) -> Result<Header, (ProblemKind, Location)> {
        let envelope = Envelope::of(bytes)?;
        let body = bytes.get(envelope.lead..).unwrap_or_default();
        let declared = Declared::read(envelope.field(18), envelope.separators.repetition());
        let chosen = choose(declared, settings.undeclared, body).map(|choice| choice.charset);
        let charset = settings.charset.or(chosen.ok()).unwrap_or(Charset::Ascii);
        let text = |n: usize| charset.decode(envelope.field(n)).unwrap_or_default();
        Ok(Header {
            separators: envelope.separators,
            charset,
            fields: (3..=FIELDS_MAX).map(|n| text(n).into()).collect(),
        })
    }

    fn scan_wide(bytes: &[u8], wide: &Wide) -> Result<Header, (ProblemKind, Location)> {
        let body = bytes.get(wide.lead..).unwrap_or_default();
        let text = match wide.charset.decode(body) {
            Ok(text) => text,
            // What is before the bad character is enough for most headers.
            Err(bad) => {
                let before = body.get(..bad.at).unwrap_or_default();
                wide.charset.decode(before).unwrap_or_default()
            }
        };
        let envelope = Envelope::of(text.as_bytes())?;
        let field = |n: usize| std::str::from_utf8(envelope.field(n)).unwrap_or_default();
        Ok(Header {
            separators: envelope.separators,
            charset: wide.charset,
            fields: (3..=FIELDS_MAX).map(|n| field(n).into()).collect(),
        })
    }

    pub fn separators(&self) -> &Separators {
        &self.separators
    }

    pub fn charset(&self) -> Charset {
        self.charset
    }

    /// MSH-`n`, from 3, as it is written; empty where it is absent.
    pub fn raw(&self, n: usize) -> &str {
        n.checked_sub(3).and_then(|at| self.fields.get(at)).map_or("", |field| field)
    }

    /// Component `component` of MSH-`n`, as plain text; empty where it is absent.
    pub fn text(&self, n: usize, component: usize) -> Cow<'_, str> {
        let delimiter = char::from(self.separators.component());
        let at = component.checked_sub(1);
        let raw = at.and_then(|at| self.raw(n).split(delimiter).nth(at)).unwrap_or_default();
        plain(raw, &self.separators, self.charset)
    }

    /// MSH-10.
    pub fn control_id(&self) -> Cow<'_, str> {
        plain(self.raw(10), &self.separators, self.charset)
    }

    /// MSH-9.1: `ADT`.
    pub fn message_code(&self) -> Cow<'_, str> {
        self.text(9, 1)
    }

    /// MSH-9.2: `A01`.
    pub fn trigger_event(&self) -> Cow<'_, str> {
        self.text(9, 2)
    }

    /// MSH-9.3: `ADT_A01`.
    pub fn message_structure(&self) -> Cow<'_, str> {
        self.text(9, 3)
    }

    /// MSH-11.1: `P`, `T` or `D`.
    pub fn processing_id(&self) -> Cow<'_, str> {
        self.text(11, 1)
    }

    /// MSH-12.1; `None` where it is absent or not known.
    pub fn version(&self) -> Option<Version> {
        Version::nearest(&self.text(12, 1))
    }

    /// MSH-13; `None` where it is absent or no number.
    pub fn sequence_number(&self) -> Option<i64> {
        self.raw(13).parse().ok()
    }
}

/// Says nothing of the values but the type and the version.
impl fmt::Debug for Header {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Header")
            .field("charset", &self.charset)
            .field("version", &self.version())
            .finish_non_exhaustive()
    }
}
