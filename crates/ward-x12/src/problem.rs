//! What is wrong, and where.

use std::fmt;

/// Where something is wrong.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Default, Debug)]
pub struct Place {
    /// From the start of the file, from 0.
    pub byte: usize,
    /// The segment's number in its interchange, from 1: ISA is the first.
    pub segment: usize,
    /// The segment's number in its transaction, from 1: ST is the first. 0 outside of one.
    pub in_transaction: usize,
    /// Name of the segment, or of the one that is missing there.
    pub tag: String,
    /// From 1; 0 when it is the segment itself.
    pub element: usize,
    /// From 1; 0 when it is the element itself.
    pub component: usize,
}

/// What kind of wrong, with the code that its acknowledgment has for it.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub enum Code {
    /// TA105.
    Interchange(&'static str),
    /// AK905.
    Group(&'static str),
    /// IK502.
    Transaction(&'static str),
    /// IK304.
    Segment(&'static str),
    /// IK403, and the data element's number in IK402.
    Element(&'static str, &'static str),
}

/// Something that is wrong. Nothing of what the file says is repeated.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Problem {
    pub place: Place,
    pub code: Code,
    pub why: &'static str,
}

impl Code {
    pub const fn number(self) -> &'static str {
        match self {
            Code::Interchange(code)
            | Code::Group(code)
            | Code::Transaction(code)
            | Code::Segment(code)
            | Code::Element(code, _) => code,
        }
    }

    /// Where the acknowledgment has it.
    pub const fn field(self) -> &'static str {
        match self {
            Code::Interchange(_) => "TA105",
            Code::Group(_) => "AK905",
            Code::Transaction(_) => "IK502",
            Code::Segment(_) => "IK304",
            Code::Element(..) => "IK403",
        }
    }
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "byte {}, segment {}", self.byte, self.segment)?;
        if !self.tag.is_empty() {
            write!(f, " {}", self.tag)?;
        }
        if self.element != 0 {
            write!(f, "{:02}", self.element)?;
        }
        if self.component != 0 {
            write!(f, "-{}", self.component)?;
        }
        if self.in_transaction != 0 {
            write!(f, " (segment {} of its transaction)", self.in_transaction)?;
        }
        Ok(())
    }
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Problem { place, code, why } = self;
        write!(f, "{place}: {why} ({} {})", code.field(), code.number())
    }
}
