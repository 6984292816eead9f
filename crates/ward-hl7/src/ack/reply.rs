//! Writing an acknowledgment: MSH, MSA, ERR.

use super::AckCode;
use crate::{
    charset::{Charset, Unmappable},
    escape::escape,
    header::Header,
    location::Location,
    problem::{Problem, Severity},
    time::Dtm,
    version::Version,
};

/// Most problems that an acknowledgment names.
/// LIMIT: a sender shows the first few to a person; the whole list is kept with the message.
pub const ERRORS_MAX: usize = 20;

/// An acknowledgment to be written.
#[derive(Clone, Copy, Debug)]
pub struct Reply<'a> {
    pub code: AckCode,
    /// MSH-10 of the acknowledgment itself: an id of its own, not the one it answers.
    pub control_id: &'a str,
    /// MSH-7.
    pub now: Dtm,
    /// MSA-4.
    pub expected_sequence: Option<i64>,
    /// Goes as an exchange of its own: who gets it says so with an accept acknowledgment.
    pub is_exchange: bool,
    /// For ERR; those below a warning are not told, and a positive answer tells none.
    pub problems: &'a [Problem],
}

impl Reply<'_> {
    /// The acknowledgment of the message with this header.
    ///
    /// - Shape: the sender's delimiters, character set and version; sender and receiver change
    ///   places; ERR by location from 2.5 on, in its older form before.
    /// - Errors: `control_id` has a character that the character set does not have.
    /// - Source: HL7 v2.8, 2.13.1 ACK; 2.14.8 MSA; 2.14.5 ERR; v2.4, 2.16.5 ERR.
    pub fn to_bytes(&self, header: &Header) -> Result<Vec<u8>, Unmappable> {
        let mut writer = Writer { header, out: String::with_capacity(256) };
        writer.msh(self);
        writer.msa(self);
        if !self.code.is_positive() {
            let told = self.problems.iter().filter(|p| Severity::Warning <= p.severity);
            let told: Vec<&Problem> = told.take(ERRORS_MAX).collect();
            match writer.version() < Version::V2_5 {
                true if told.is_empty() => {}
                true => writer.err_old(&told),
                false => told.into_iter().for_each(|problem| writer.err(problem)),
            }
        }
        header.charset().encode_as_read(&writer.out).map(Vec::from)
    }
}

struct Writer<'h> {
    header: &'h Header,
    out: String,
}

impl Writer<'_> {
    fn version(&self) -> Version {
        // A version that is not known is newer than the ones that are.
        self.header.version().unwrap_or(Version::V2_8)
    }

    fn line(&mut self, fields: &[&str]) {
        let field = char::from(self.header.separators().field());
        // What is not there at the end is not written.
        let used = fields.iter().rposition(|f| !f.is_empty()).map_or(0, |last| last + 1);
        for (n, text) in fields.iter().take(used).enumerate() {
            if n != 0 {
                self.out.push(field);
            }
            self.out.push_str(text);
        }
        self.out.push('\r');
    }

    /// Text without delimiters in it; where they cannot be escaped, they are left out.
    fn escaped(&self, text: &str) -> String {
        let separators = self.header.separators();
        match escape(text, separators) {
            Ok(text) => text.into_owned(),
            Err(_) => text.chars().filter(char::is_ascii_alphanumeric).collect(),
        }
    }

    /// A field of the message that is answered, without control characters, which some character
    /// sets cannot hold.
    fn copied(&self, n: usize) -> String {
        self.header.raw(n).chars().filter(|c| !c.is_ascii_control()).collect()
    }

    fn joined(&self, delimiter: Option<u8>, parts: &[&str]) -> String {
        match delimiter {
            Some(delimiter) => parts.join(char::from(delimiter).encode_utf8(&mut [0; 4])),
            None => parts.first().copied().unwrap_or_default().to_owned(),
        }
    }

    fn components(&self, parts: &[&str]) -> String {
        self.joined(Some(self.header.separators().component()), parts)
    }

    fn msh(&mut self, reply: &Reply<'_>) {
        let header = self.header;
        let event = self.escaped(&header.trigger_event());
        let kind = match self.version() {
            Version::V2_1 | Version::V2_2 => "ACK".to_owned(),
            _ if event.is_empty() => "ACK".to_owned(),
            Version::V2_3 => self.components(&["ACK", &event]),
            _ => self.components(&["ACK", &event, "ACK"]),
        };
        let enhanced = !header.raw(15).is_empty() || !header.raw(16).is_empty();
        // An acknowledgment is never answered by an application.
        let never = if enhanced { "NE" } else { "" };
        let accept = if reply.is_exchange { "AL" } else { never };
        let charset = match self.copied(18) {
            none if none.is_empty() && header.charset() != Charset::Ascii => {
                header.charset().name().to_owned()
            }
            declared => declared,
        };
        let [from, from_facility, to, to_facility] = [5, 6, 3, 4].map(|n| self.copied(n));
        let (processing, version) = (self.copied(11), self.copied(12));
        let (encoding, now) = (header.separators().encoding(), reply.now.to_string());
        let control_id = self.escaped(reply.control_id);
        let fields = [
            "MSH",
            &encoding,
            &from,
            &from_facility,
            &to,
            &to_facility,
            &now,
            "",
            &kind,
            &control_id,
            &processing,
            &version,
            "",
            "",
            accept,
            never,
            "",
            &charset,
        ];
        self.line(&fields);
    }

    fn msa(&mut self, reply: &Reply<'_>) {
        let expected = reply.expected_sequence.map(|n| n.to_string()).unwrap_or_default();
        // MSA-3 was the place of words before ERR had one.
        let words = match reply.problems.iter().max_by_key(|p| p.severity) {
            Some(worst) if !reply.code.is_positive() && self.version() < Version::V2_5 => {
                self.escaped(worst.kind.text())
            }
            _ => String::new(),
        };
        self.line(&["MSA", reply.code.as_str(), self.header.raw(10), &words, &expected]);
    }

    fn err(&mut self, problem: &Problem) {
        let code = problem.code();
        let number = code.number().to_string();
        let text = self.escaped(code.text());
        let place = self.place(problem.at);
        let what = self.escaped(problem.kind.text());
        let code = self.components(&[&number, &text, "HL70357"]);
        let word = self.components(&[problem.kind.word(), &what, "L"]);
        let severity = problem.severity.code();
        self.line(&["ERR", "", &place, &code, severity, &word, "", "", &what]);
    }

    fn err_old(&mut self, problems: &[&Problem]) {
        let separators = *self.header.separators();
        let all: Vec<String> = problems
            .iter()
            .map(|problem| {
                let number = problem.code().number().to_string();
                let text = self.escaped(problem.code().text());
                let code = self.joined(separators.subcomponent(), &[&number, &text, "HL70357"]);
                let segment = problem.at.segment;
                let segment = segment.as_ref().map_or("", |segment| segment.as_str());
                let [occurrence, field, ..] = problem.at.levels().map(number_or_nothing);
                self.components(&[segment, &occurrence, &field, &code])
            })
            .collect();
        let all: Vec<&str> = all.iter().map(String::as_str).collect();
        let repeated = self.joined(separators.repetition(), &all);
        self.line(&["ERR", &repeated]);
    }

    /// ERL, without the levels at its end that are not meant.
    fn place(&self, at: Location) -> String {
        let Some(segment) = at.segment else { return String::new() };
        let levels = at.levels().map(number_or_nothing);
        let mut parts = vec![segment.as_str()];
        let used = levels.iter().rposition(|n| !n.is_empty()).map_or(0, |last| last + 1);
        parts.extend(levels.iter().take(used).map(String::as_str));
        self.components(&parts)
    }
}

fn number_or_nothing(n: u32) -> String {
    if n == 0 { String::new() } else { n.to_string() }
}
