//! Where in a message something stands.

use std::fmt;

/// The name of a segment: a capital letter and two capital letters or digits.
///
/// - Source: HL7 v2.8, 2.5.2 Segments.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct SegmentId([u8; 3]); // INVARIANT: ASCII, `[A-Z][A-Z0-9][A-Z0-9]`.

impl SegmentId {
    pub const MSH: SegmentId = SegmentId(*b"MSH");
    pub const MSA: SegmentId = SegmentId(*b"MSA");
    pub const ERR: SegmentId = SegmentId(*b"ERR");
    pub const FHS: SegmentId = SegmentId(*b"FHS");
    pub const BHS: SegmentId = SegmentId(*b"BHS");
    pub const BTS: SegmentId = SegmentId(*b"BTS");
    pub const FTS: SegmentId = SegmentId(*b"FTS");

    pub fn new(name: &[u8]) -> Option<SegmentId> {
        match name {
            [a, b, c] => {
                let rest = |it: &u8| it.is_ascii_uppercase() || it.is_ascii_digit();
                (a.is_ascii_uppercase() && rest(b) && rest(c)).then_some(SegmentId([*a, *b, *c]))
            }
            _ => None,
        }
    }

    pub fn as_str(&self) -> &str {
        std::str::from_utf8(&self.0).unwrap_or("???")
    }

    /// Whether a site defined it: its name begins with Z.
    pub const fn is_local(&self) -> bool {
        matches!(self.0, [b'Z', ..])
    }
}

impl fmt::Display for SegmentId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl fmt::Debug for SegmentId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// A place in a message, as ERR-2 names it.
///
/// - Shape: everything counts from 1; 0 says that the level is not meant.
/// - Source: HL7 v2.8, 2.A.28 ERL.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Default, Debug)]
pub struct Location {
    /// `None` where the line has no valid name.
    pub segment: Option<SegmentId>,
    /// Which of the segments of that name.
    pub occurrence: u32,
    pub field: u32,
    pub repetition: u32,
    pub component: u32,
    pub subcomponent: u32,
    /// Which line of the message, whatever its name. Not part of ERR-2.
    pub line: u32,
}

impl Location {
    /// The whole message.
    pub const MESSAGE: Location = Location {
        segment: None,
        occurrence: 0,
        field: 0,
        repetition: 0,
        component: 0,
        subcomponent: 0,
        line: 0,
    };

    pub const fn segment(segment: SegmentId, occurrence: u32) -> Location {
        Location { segment: Some(segment), occurrence, ..Location::MESSAGE }
    }

    /// A field of the one MSH segment.
    pub const fn header(field: u32) -> Location {
        Location::segment(SegmentId::MSH, 1).on_line(1).field(field)
    }

    #[must_use]
    pub const fn on_line(mut self, line: u32) -> Location {
        self.line = line;
        self
    }

    #[must_use]
    pub const fn field(mut self, field: u32) -> Location {
        self.field = field;
        self
    }

    #[must_use]
    pub const fn repetition(mut self, repetition: u32) -> Location {
        self.repetition = repetition;
        self
    }

    #[must_use]
    pub const fn component(mut self, component: u32) -> Location {
        self.component = component;
        self
    }

    #[must_use]
    pub const fn subcomponent(mut self, subcomponent: u32) -> Location {
        self.subcomponent = subcomponent;
        self
    }

    /// The six levels, for ERR-2; the last ones that are not meant are left out by the writer.
    pub const fn levels(&self) -> [u32; 5] {
        [self.occurrence, self.field, self.repetition, self.component, self.subcomponent]
    }
}

/// As a path: `PID[1]-3[2].4.1`; `line 7` where the segment has no valid name.
impl fmt::Display for Location {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.segment {
            Some(segment) => write!(f, "{segment}")?,
            None if self.line == 0 => return f.write_str("message"),
            None => return write!(f, "line {}", self.line),
        }
        if self.occurrence != 0 {
            write!(f, "[{}]", self.occurrence)?;
        }
        if self.field != 0 {
            write!(f, "-{}", self.field)?;
        }
        if self.repetition != 0 {
            write!(f, "[{}]", self.repetition)?;
        }
        if self.component != 0 {
            write!(f, ".{}", self.component)?;
        }
        if self.subcomponent != 0 {
            write!(f, ".{}", self.subcomponent)?;
        }
        Ok(())
    }
}
