//! Paths: `PID-3[2].4.2`, `OBX[3]-5`, `PATIENT_RESULT.ORDER_OBSERVATION[2].OBX[3]-5`.

use std::{fmt, str::FromStr};

use crate::{
    location::SegmentId,
    message::{Part, Segment},
};

/// Names one part of a message.
///
/// - Shape: `[GROUP[n].]...SEG[n][-field[[n]][.component[.subcomponent]]]`; everything counts
///   from 1, and what is left out is the first.
#[derive(Clone, PartialEq, Eq, Hash, Debug)]
pub struct Path {
    groups: Vec<GroupStep>,
    segment: SegmentId,
    occurrence: Option<usize>,
    /// INVARIANT: a deeper level is there only if the ones above it are.
    field: Option<usize>,
    repetition: Option<usize>,
    component: Option<usize>,
    subcomponent: Option<usize>,
}

/// A group on the way to a segment.
#[derive(Clone, PartialEq, Eq, Hash, Debug)]
pub struct GroupStep {
    pub name: Box<str>,
    pub occurrence: Option<usize>,
}

/// Text is not a path.
#[derive(Clone, Copy, PartialEq, Eq, Debug, thiserror::Error)]
#[error("{kind} at byte {at}")]
pub struct PathError {
    pub kind: PathErrorKind,
    pub at: usize,
}

#[derive(Clone, Copy, PartialEq, Eq, Debug, thiserror::Error)]
pub enum PathErrorKind {
    #[error("a segment or group name was expected")]
    Name,
    #[error("a number from 1 was expected")]
    Number,
    #[error("a closing bracket was expected")]
    Bracket,
    #[error("something after the end of the path")]
    Trailing,
    #[error("more than 16 groups")]
    Depth,
}

/// Most groups in a path.
/// LIMIT: the deepest structure of the standard has seven.
const GROUPS_MAX: usize = 16;

impl Path {
    pub fn of_segment(segment: SegmentId) -> Path {
        Path {
            groups: Vec::new(),
            segment,
            occurrence: None,
            field: None,
            repetition: None,
            component: None,
            subcomponent: None,
        }
    }

    pub fn of_field(segment: SegmentId, field: usize) -> Path {
        Path { field: Some(field.max(1)), ..Path::of_segment(segment) }
    }

    /// The field that this path is in, all of it.
    #[must_use]
    pub fn whole_field(&self) -> Path {
        Path { repetition: None, component: None, subcomponent: None, ..self.clone() }
    }

    pub fn groups(&self) -> &[GroupStep] {
        &self.groups
    }

    pub fn segment(&self) -> SegmentId {
        self.segment
    }

    pub fn occurrence(&self) -> Option<usize> {
        self.occurrence
    }

    pub fn field(&self) -> Option<usize> {
        self.field
    }

    pub fn repetition(&self) -> Option<usize> {
        self.repetition
    }

    pub fn component(&self) -> Option<usize> {
        self.component
    }

    pub fn subcomponent(&self) -> Option<usize> {
        self.subcomponent
    }

    /// What the path names inside `segment`; `None` where the segment does not reach it.
    pub fn within<'m>(&self, segment: Segment<'m>) -> Option<Part<'m>> {
        let Some(n) = self.field else { return Some(Part::Segment(segment)) };
        let field = segment.field(n)?;
        if self.repetition.is_none() && self.component.is_none() {
            return Some(Part::Field(field));
        }
        let repetition = field.repetition(self.repetition.unwrap_or(1))?;
        let Some(n) = self.component else { return Some(Part::Repetition(repetition)) };
        let component = repetition.component(n)?;
        let Some(n) = self.subcomponent else { return Some(Part::Component(component)) };
        component.subcomponent(n).map(Part::Subcomponent)
    }
}

impl FromStr for Path {
    type Err = PathError;

    fn from_str(text: &str) -> Result<Path, PathError> {
        let mut reader = Reader { text, at: 0 };
        let parsed = reader.path();
        parsed.map_err(|kind| PathError { kind, at: reader.at })
    }
}

struct Reader<'t> {
    text: &'t str,
    at: usize,
}

impl<'t> Reader<'t> {
    fn rest(&self) -> &'t str {
        self.text.get(self.at..).unwrap_or_default()
    }

    fn skip(&mut self, c: char) -> bool {
        let found = self.rest().starts_with(c);
        self.at += usize::from(found);
        found
    }

    fn path(&mut self) -> Result<Path, PathErrorKind> {
        let mut groups = Vec::new();
        loop {
            let from = self.at;
            let name = self.name()?;
            let occurrence = self.bracket()?;
            if self.skip('.') {
                if GROUPS_MAX <= groups.len() {
                    return Err(PathErrorKind::Depth);
                }
                groups.push(GroupStep { name: name.into(), occurrence });
                continue;
            }
            let Some(segment) = SegmentId::new(name.as_bytes()) else {
                self.at = from;
                return Err(PathErrorKind::Name);
            };
            let mut path = Path { groups, occurrence, ..Path::of_segment(segment) };
            if self.skip('-') {
                path.field = Some(self.number()?);
                path.repetition = self.bracket()?;
                if self.skip('.') {
                    path.component = Some(self.number()?);
                    if self.skip('.') {
                        path.subcomponent = Some(self.number()?);
                    }
                }
            }
            return if self.rest().is_empty() { Ok(path) } else { Err(PathErrorKind::Trailing) };
        }
    }

    fn name(&mut self) -> Result<&'t str, PathErrorKind> {
        let rest = self.rest();
        let inside = |b: u8| b.is_ascii_uppercase() || b.is_ascii_digit() || b == b'_';
        let end = rest.bytes().position(|b| !inside(b)).unwrap_or(rest.len());
        match rest.get(..end) {
            Some(name) if name.starts_with(|c: char| c.is_ascii_uppercase()) => {
                self.at += end;
                Ok(name)
            }
            _ => Err(PathErrorKind::Name),
        }
    }

    fn bracket(&mut self) -> Result<Option<usize>, PathErrorKind> {
        if !self.skip('[') {
            return Ok(None);
        }
        let number = self.number()?;
        if self.skip(']') { Ok(Some(number)) } else { Err(PathErrorKind::Bracket) }
    }

    fn number(&mut self) -> Result<usize, PathErrorKind> {
        let rest = self.rest();
        let end = rest.bytes().position(|b| !b.is_ascii_digit()).unwrap_or(rest.len());
        let number = rest.get(..end).and_then(|digits| digits.parse::<u32>().ok());
        let number = number.filter(|n| *n != 0).and_then(|n| usize::try_from(n).ok());
        let number = number.ok_or(PathErrorKind::Number)?;
        self.at += end;
        Ok(number)
    }
}

/// The path again; what was left out stays out.
impl fmt::Display for Path {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let bracket = |f: &mut fmt::Formatter<'_>, n: Option<usize>| match n {
            Some(n) => write!(f, "[{n}]"),
            None => Ok(()),
        };
        for group in &self.groups {
            f.write_str(&group.name)?;
            bracket(f, group.occurrence)?;
            f.write_str(".")?;
        }
        write!(f, "{}", self.segment)?;
        bracket(f, self.occurrence)?;
        if let Some(field) = self.field {
            write!(f, "-{field}")?;
        }
        bracket(f, self.repetition)?;
        if let Some(component) = self.component {
            write!(f, ".{component}")?;
        }
        if let Some(subcomponent) = self.subcomponent {
            write!(f, ".{subcomponent}")?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn paths_are_read_and_written_again() {
        for text in [
            "PID",
            "PID-3",
            "PID-3[2].4.2",
            "OBX[3]-5",
            "PATIENT_RESULT.ORDER_OBSERVATION[2].OBX[3]-5.1",
        ] {
            assert_eq!(text.parse::<Path>().unwrap().to_string(), text);
        }
    }

    #[test]
    fn what_is_not_a_path_is_named_with_its_place() {
        use PathErrorKind as K;
        for (text, kind, at) in [
            ("", K::Name, 0),
            ("pid-3", K::Name, 0),
            ("PATIENT-3", K::Name, 0),
            ("PATIENT.", K::Name, 8),
            ("PID-", K::Number, 4),
            ("PID-0", K::Number, 4),
            ("PID-99999999999", K::Number, 4),
            ("PID-3[2", K::Bracket, 7),
            ("PID-3[]", K::Number, 6),
            ("PID-3.1.2.3", K::Trailing, 9),
            ("PID-3é", K::Trailing, 5),
        ] {
            assert_eq!(text.parse::<Path>(), Err(PathError { kind, at }), "{text}");
        }
        let deep = "G.".repeat(17) + "PID";
        assert_eq!(deep.parse::<Path>().unwrap_err().kind, K::Depth);
    }

    proptest! {
        #[test]
        fn every_text_gets_an_answer(text in r"[A-Z0-9_\[\].\-é]{0,30}") {
            if let Ok(path) = text.parse::<Path>() {
                prop_assert_eq!(path.to_string().parse::<Path>().unwrap(), path);
            }
        }
    }
}
