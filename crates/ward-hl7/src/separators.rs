//! The characters that part a message: MSH-1 and MSH-2.

use crate::problem::ProblemKind;

/// The delimiters of one message.
///
/// - Shape: ASCII, printable, no letters or digits, each different. A delimiter that MSH-2 does
///   not name is not in use: nothing is split at it.
/// - Source: HL7 v2.8, 2.5.4 Message delimiters; 2.5.5.2 the truncation character.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub struct Separators {
    field: u8,
    component: u8,
    repetition: Option<u8>,
    escape: Option<u8>,
    subcomponent: Option<u8>,
    truncation: Option<u8>,
}

/// How MSH-2 was written.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Written {
    AsDefined,
    /// `^~\\&`: the escape character twice, as senders do that escape MSH-2 itself.
    DoubledEscape,
}

impl Separators {
    /// The recommended ones, without truncation: `|^~\&`.
    pub const RECOMMENDED: Separators = Separators {
        field: b'|',
        component: b'^',
        repetition: Some(b'~'),
        escape: Some(b'\\'),
        subcomponent: Some(b'&'),
        truncation: None,
    };

    /// The recommended ones of 2.7 and later, with truncation: `|^~\&#`.
    pub const WITH_TRUNCATION: Separators =
        Separators { truncation: Some(b'#'), ..Separators::RECOMMENDED };

    /// From MSH-1 and MSH-2.
    ///
    /// - Errors: a delimiter that is a letter, a digit, a space, a control character or not ASCII;
    ///   one that stands for two things; more than five in MSH-2, or none.
    pub fn new(field: u8, encoding: &[u8]) -> Result<(Separators, Written), ProblemKind> {
        let (encoding, written) = match encoding {
            // SPEC: not in the standard. The second backslash would be the sub-component
            // separator and the escape character at once; senders mean `^~\&`.
            [c, r, e, again, rest @ ..] if e == again && !rest.is_empty() => {
                let kept = [&[*c, *r, *e], rest].concat();
                (kept, Written::DoubledEscape)
            }
            other => (other.to_vec(), Written::AsDefined),
        };
        let mut all = Vec::with_capacity(6);
        for delimiter in std::iter::once(field).chain(encoding.iter().copied()) {
            if !delimiter.is_ascii_punctuation() {
                return Err(ProblemKind::DelimiterCharacter);
            }
            if all.contains(&delimiter) {
                return Err(ProblemKind::DelimiterTwice);
            }
            all.push(delimiter);
        }
        match *encoding.as_slice() {
            [component, ref rest @ ..] if rest.len() <= 4 => {
                let mut rest = rest.iter().copied();
                let separators = Separators {
                    field,
                    component,
                    repetition: rest.next(),
                    escape: rest.next(),
                    subcomponent: rest.next(),
                    truncation: rest.next(),
                };
                Ok((separators, written))
            }
            _ => Err(ProblemKind::DelimiterCount),
        }
    }

    pub const fn field(&self) -> u8 {
        self.field
    }

    pub const fn component(&self) -> u8 {
        self.component
    }

    pub const fn repetition(&self) -> Option<u8> {
        self.repetition
    }

    pub const fn escape(&self) -> Option<u8> {
        self.escape
    }

    pub const fn subcomponent(&self) -> Option<u8> {
        self.subcomponent
    }

    pub const fn truncation(&self) -> Option<u8> {
        self.truncation
    }

    /// MSH-2, as it is written.
    pub fn encoding(&self) -> String {
        let rest = [self.repetition, self.escape, self.subcomponent, self.truncation];
        let all = std::iter::once(self.component).chain(rest.into_iter().map_while(|d| d));
        all.map(char::from).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn msh_2_is_read_with_four_five_or_fewer_characters() {
        let read = |text: &[u8]| Separators::new(b'|', text);
        assert_eq!(read(br"^~\&"), Ok((Separators::RECOMMENDED, Written::AsDefined)));
        assert_eq!(read(br"^~\&#"), Ok((Separators::WITH_TRUNCATION, Written::AsDefined)));
        assert_eq!(read(br"^~\\&"), Ok((Separators::RECOMMENDED, Written::DoubledEscape)));
        let (few, _) = read(b"^~").unwrap();
        assert_eq!((few.escape(), few.subcomponent(), few.encoding().as_str()), (None, None, "^~"));
        for (bad, why) in [
            (&b""[..], ProblemKind::DelimiterCount),
            (br"^~\&#!", ProblemKind::DelimiterCount),
            (b"^~^&", ProblemKind::DelimiterTwice),
            (br"^~\|", ProblemKind::DelimiterTwice),
            (b"^A", ProblemKind::DelimiterCharacter),
            (b"^\xc3\xa9", ProblemKind::DelimiterCharacter),
        ] {
            assert_eq!(read(bad), Err(why));
        }
        assert_eq!(Separators::WITH_TRUNCATION.encoding(), r"^~\&#");
    }
}
