//! What is wrong with a message: how bad, what, where. Never the value itself.

use std::fmt;

use crate::location::Location;

/// One finding about a message.
///
/// It says where and what rule, and holds no value of the message, so it may be logged.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub struct Problem {
    pub severity: Severity,
    pub kind: ProblemKind,
    pub at: Location,
}

/// How bad it is.
///
/// - Source: HL7 table 0516, Error severity.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Debug)]
pub enum Severity {
    /// Worth knowing; the meaning is not in doubt.
    Information,
    /// Taken, but somebody should look.
    Warning,
    /// The message breaks a rule and is not accepted.
    Error,
    /// The message cannot be read at all.
    Fatal,
}

impl Severity {
    /// The code of table 0516.
    pub const fn code(self) -> &'static str {
        match self {
            Severity::Information => "I",
            Severity::Warning => "W",
            Severity::Error => "E",
            Severity::Fatal => "F",
        }
    }
}

/// The reason, as ERR-3 tells the sender.
///
/// - Source: HL7 table 0357, Message error condition codes.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Debug)]
pub enum ErrorCode {
    MessageAccepted,
    SegmentSequenceError,
    RequiredFieldMissing,
    DataTypeError,
    TableValueNotFound,
    ValueTooLong,
    NonConformantCardinality,
    OtherHl7Error,
    UnsupportedMessageType,
    UnsupportedEventCode,
    UnsupportedProcessingId,
    UnsupportedVersionId,
    UnknownKeyIdentifier,
    DuplicateKeyIdentifier,
    ApplicationRecordLocked,
    ApplicationInternalError,
}

impl ErrorCode {
    pub const ALL: [ErrorCode; 16] = [
        ErrorCode::MessageAccepted,
        ErrorCode::SegmentSequenceError,
        ErrorCode::RequiredFieldMissing,
        ErrorCode::DataTypeError,
        ErrorCode::TableValueNotFound,
        ErrorCode::ValueTooLong,
        ErrorCode::NonConformantCardinality,
        ErrorCode::OtherHl7Error,
        ErrorCode::UnsupportedMessageType,
        ErrorCode::UnsupportedEventCode,
        ErrorCode::UnsupportedProcessingId,
        ErrorCode::UnsupportedVersionId,
        ErrorCode::UnknownKeyIdentifier,
        ErrorCode::DuplicateKeyIdentifier,
        ErrorCode::ApplicationRecordLocked,
        ErrorCode::ApplicationInternalError,
    ];

    /// The number of table 0357.
    pub const fn number(self) -> u16 {
        self.row().0
    }

    /// The words of table 0357.
    pub const fn text(self) -> &'static str {
        self.row().1
    }

    const fn row(self) -> (u16, &'static str) {
        match self {
            ErrorCode::MessageAccepted => (0, "Message accepted"),
            ErrorCode::SegmentSequenceError => (100, "Segment sequence error"),
            ErrorCode::RequiredFieldMissing => (101, "Required field missing"),
            ErrorCode::DataTypeError => (102, "Data type error"),
            ErrorCode::TableValueNotFound => (103, "Table value not found"),
            ErrorCode::ValueTooLong => (104, "Value too long"),
            ErrorCode::NonConformantCardinality => (198, "Non-conformant cardinality"),
            ErrorCode::OtherHl7Error => (199, "Other HL7 error"),
            ErrorCode::UnsupportedMessageType => (200, "Unsupported message type"),
            ErrorCode::UnsupportedEventCode => (201, "Unsupported event code"),
            ErrorCode::UnsupportedProcessingId => (202, "Unsupported processing id"),
            ErrorCode::UnsupportedVersionId => (203, "Unsupported version id"),
            ErrorCode::UnknownKeyIdentifier => (204, "Unknown key identifier"),
            ErrorCode::DuplicateKeyIdentifier => (205, "Duplicate key identifier"),
            ErrorCode::ApplicationRecordLocked => (206, "Application record locked"),
            ErrorCode::ApplicationInternalError => (207, "Application internal error"),
        }
    }

    /// Whether the message was refused for what it is, not for what it says: AR and CR.
    ///
    /// - Source: HL7 v2.8, 2.9.2.2 and 2.9.3.2: MSH-9, MSH-11 and MSH-12 only.
    pub const fn is_rejection(self) -> bool {
        matches!(self.number(), 200..=203)
    }
}

macro_rules! kinds {
    ($($(#[$doc:meta])* $variant:ident = ($code:ident, $word:literal, $text:literal)),+ $(,)?) => {
        /// What rule a message breaks, or what was taken although no standard allows it.
        #[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Debug)]
        pub enum ProblemKind { $($(#[$doc])* $variant),+ }

        impl ProblemKind {
            pub const ALL: &'static [ProblemKind] = &[$(ProblemKind::$variant),+];

            pub const fn code(self) -> ErrorCode {
                match self { $(ProblemKind::$variant => ErrorCode::$code),+ }
            }

            /// The word used in settings, profiles and reports.
            pub const fn word(self) -> &'static str {
                match self { $(ProblemKind::$variant => $word),+ }
            }

            /// For people; without any value of the message.
            pub const fn text(self) -> &'static str {
                match self { $(ProblemKind::$variant => $text),+ }
            }
        }
    };
}

kinds! {
    // The envelope.
    NoHeader = (SegmentSequenceError, "no-header", "the message does not begin with MSH"),
    TooLarge = (OtherHl7Error, "too-large", "the message is larger than allowed"),
    DelimiterCharacter = (DataTypeError, "delimiter-character", "a delimiter is not a printable ASCII sign"),
    DelimiterTwice = (DataTypeError, "delimiter-twice", "one character stands for two delimiters"),
    DelimiterCount = (DataTypeError, "delimiter-count", "MSH-2 names no delimiter, or more than five"),
    UnknownCharset = (TableValueNotFound, "unknown-charset", "the character set is not in table 0211"),
    UnsupportedCharset = (DataTypeError, "unsupported-charset", "the character set cannot be read here"),
    Undecodable = (DataTypeError, "undecodable", "bytes that are not text in the character set of the message"),
    // What is taken although the standard does not allow it.
    ByteOrderMark = (OtherHl7Error, "byte-order-mark", "a byte order mark stands before the message"),
    LeadingSpace = (OtherHl7Error, "leading-space", "white space stands before the message"),
    DoubledEscape = (DataTypeError, "doubled-escape", "MSH-2 has its escape character twice"),
    LineFeed = (OtherHl7Error, "line-feed", "segments end with a line feed"),
    CarriageReturnLineFeed = (OtherHl7Error, "carriage-return-line-feed", "segments end with a carriage return and a line feed"),
    BlankLine = (OtherHl7Error, "blank-line", "there are empty lines between segments"),
    NoLastTerminator = (OtherHl7Error, "no-last-terminator", "the last segment is not ended"),
    LineFeedInField = (DataTypeError, "line-feed-in-field", "a field has a line feed that is not escaped"),
    ControlCharacter = (DataTypeError, "control-character", "a field has a control character that is not escaped"),
    UndeclaredCharset = (DataTypeError, "undeclared-charset", "text is Unicode and MSH-18 does not say so"),
    CharsetAlias = (TableValueNotFound, "charset-alias", "MSH-18 has a name that is not in table 0211 but is understood"),
    WindowsCodePage = (DataTypeError, "windows-code-page", "bytes 80 to 9F are read as the Windows code page beside the ISO one"),
    ShiftJis = (DataTypeError, "shift-jis", "text is Shift-JIS and MSH-18 names a Japanese ISO-IR set"),
    // Lines and escapes.
    SegmentName = (SegmentSequenceError, "segment-name", "a line does not begin with a segment name"),
    SecondHeader = (SegmentSequenceError, "second-header", "a second MSH stands inside the message"),
    EscapeOpen = (DataTypeError, "escape-open", "an escape sequence is not closed"),
    EscapeUnknown = (DataTypeError, "escape-unknown", "an escape sequence that is not defined"),
    EscapeUndecodable = (DataTypeError, "escape-undecodable", "an escape sequence that is no text in its character set"),
    // Structure.
    UnsupportedVersion = (UnsupportedVersionId, "unsupported-version", "the version is not known"),
    UnknownStructure = (UnsupportedMessageType, "unknown-structure", "the message type is not known in its version"),
    UnknownEvent = (UnsupportedEventCode, "unknown-event", "the trigger event is not known in its version"),
    UnknownSegment = (SegmentSequenceError, "unknown-segment", "the segment is not known in its version"),
    UnexpectedSegment = (SegmentSequenceError, "unexpected-segment", "the segment has no place in this message"),
    SegmentOrder = (SegmentSequenceError, "segment-order", "the segment stands in the wrong place"),
    MissingSegment = (SegmentSequenceError, "missing-segment", "a required segment is missing"),
    MissingGroup = (SegmentSequenceError, "missing-group", "a required group is missing; its first required segment is named"),
    SegmentCardinality = (NonConformantCardinality, "segment-cardinality", "the segment stands more often than allowed"),
    // Fields and below.
    MissingField = (RequiredFieldMissing, "missing-field", "a required value is missing"),
    MissingComponent = (RequiredFieldMissing, "missing-component", "a required component is missing"),
    MissingControlId = (RequiredFieldMissing, "missing-control-id", "MSH-10 is empty"),
    NotUsed = (OtherHl7Error, "not-used", "a value that must not be there"),
    ExtraField = (OtherHl7Error, "extra-field", "a field beyond the definition of the segment"),
    ExtraComponent = (OtherHl7Error, "extra-component", "a component beyond the definition of the data type"),
    FieldCardinality = (NonConformantCardinality, "field-cardinality", "the field repeats more often than allowed"),
    TooLong = (ValueTooLong, "too-long", "the value is longer than allowed"),
    DataType = (DataTypeError, "data-type", "the value does not fit its data type"),
    TableValue = (TableValueNotFound, "table-value", "the code is not in the table of the field"),
    // Batches.
    BatchCount = (OtherHl7Error, "batch-count", "the number of messages is not the one in BTS-1"),
    FileCount = (OtherHl7Error, "file-count", "the number of batches is not the one in FTS-1"),
    BatchOrder = (SegmentSequenceError, "batch-order", "a batch segment stands in the wrong place"),
    BatchOpen = (SegmentSequenceError, "batch-open", "a batch or file has no trailer"),
    Outside = (SegmentSequenceError, "outside", "lines outside any message"),
    // What was taken to the chart.
    ControlIdReused = (DuplicateKeyIdentifier, "control-id-reused", "the sender gave this MSH-10 to another message before"),
    OutOfSequence = (OtherHl7Error, "out-of-sequence", "MSH-13 is not the number that is expected; MSA-4 says which is"),
    UnknownRecord = (UnknownKeyIdentifier, "unknown-record", "the message is about a record that is not there"),
    AmbiguousRecord = (DuplicateKeyIdentifier, "ambiguous-record", "several records have this identifier"),
    InvalidRecord = (OtherHl7Error, "invalid-record", "the message does not make a valid FHIR resource"),
    WrongState = (OtherHl7Error, "wrong-state", "the event does not follow the state of the encounter"),
    ScriptFailed = (OtherHl7Error, "script-failed", "the script of the channel could not work on the message"),
    NotNow = (ApplicationInternalError, "not-now", "the message cannot be stored now"),
    // The list itself.
    MoreProblems = (OtherHl7Error, "more-problems", "there are more problems than are listed"),
}

impl ProblemKind {
    pub fn from_word(word: &str) -> Option<ProblemKind> {
        Self::ALL.iter().copied().find(|kind| kind.word() == word)
    }
}

impl Problem {
    pub const fn new(severity: Severity, kind: ProblemKind, at: Location) -> Problem {
        Problem { severity, kind, at }
    }

    pub const fn code(&self) -> ErrorCode {
        self.kind.code()
    }
}

/// `E 101 PID[1]-3: a required value is missing`.
impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (severity, code) = (self.severity.code(), self.code().number());
        write!(f, "{severity} {code} {}: {}", self.at, self.kind.text())
    }
}

/// Most problems that are listed for one message.
/// LIMIT: past this a person reads none of them, and a hostile message must not fill memory.
pub const PROBLEMS_MAX: usize = 1_000;

/// A list of problems with a limit; past it, one line says that there are more.
#[derive(Default)]
pub(crate) struct Problems {
    list: Vec<Problem>,
    worst_left_out: Option<Severity>,
}

impl Problems {
    pub fn push(&mut self, problem: Problem) {
        if self.list.len() < PROBLEMS_MAX {
            self.list.push(problem);
        } else {
            self.worst_left_out = self.worst_left_out.max(Some(problem.severity));
        }
    }

    pub fn note(&mut self, severity: Severity, kind: ProblemKind, at: Location) {
        self.push(Problem::new(severity, kind, at));
    }

    pub fn into_vec(mut self) -> Vec<Problem> {
        // An error past the limit still makes the message one with errors.
        if let Some(severity) = self.worst_left_out {
            let kind = ProblemKind::MoreProblems;
            self.list.push(Problem::new(severity, kind, Location::MESSAGE));
        }
        self.list
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::SegmentId;

    #[test]
    fn words_are_different_and_found_again() {
        for kind in ProblemKind::ALL {
            assert_eq!(ProblemKind::from_word(kind.word()), Some(*kind));
        }
        let numbers: Vec<u16> = ErrorCode::ALL.iter().map(|code| code.number()).collect();
        assert!(numbers.is_sorted());
    }

    #[test]
    fn a_problem_says_where_and_what() {
        let at = Location::segment(SegmentId::MSH, 1).field(18).repetition(2).component(1);
        let problem = Problem::new(Severity::Error, ProblemKind::UnknownCharset, at);
        let text = "E 103 MSH[1]-18[2].1: the character set is not in table 0211";
        assert_eq!(problem.to_string(), text);
    }

    #[test]
    fn the_list_ends_and_keeps_the_worst() {
        let mut problems = Problems::default();
        for _ in 0..PROBLEMS_MAX {
            problems.note(Severity::Information, ProblemKind::BlankLine, Location::MESSAGE);
        }
        problems.note(Severity::Error, ProblemKind::DataType, Location::MESSAGE);
        problems.note(Severity::Warning, ProblemKind::TooLong, Location::MESSAGE);
        let list = problems.into_vec();
        assert_eq!(list.len(), PROBLEMS_MAX + 1);
        let last = list[PROBLEMS_MAX];
        assert_eq!((last.severity, last.kind), (Severity::Error, ProblemKind::MoreProblems));
    }
}
