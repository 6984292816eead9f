//! One segment, as it came.

use crate::separators::Separators;

/// A segment with its elements uncut.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Segment {
    /// Its name, such as `NM1`; empty when nothing stood there.
    pub tag: Box<str>,
    /// NM101 is the first.
    pub elements: Vec<Box<str>>,
    /// The byte that it begins at.
    pub at: usize,
    /// Its terminator and the line break after it; empty at a file that breaks off.
    pub end: Box<str>,
}

impl Segment {
    /// An element by its number from 1; empty when it is not there.
    pub fn element(&self, n: usize) -> &str {
        n.checked_sub(1).and_then(|n| self.elements.get(n)).map_or("", |it| it)
    }

    /// A component by its number from 1.
    pub fn component(&self, n: usize, component: usize, separators: &Separators) -> &str {
        let mut components = self.element(n).split(separators.component);
        component.checked_sub(1).and_then(|n| components.nth(n)).unwrap_or("")
    }

    /// The repetitions of an element that say something.
    pub fn repetitions<'s>(
        &'s self,
        n: usize,
        separators: &Separators,
    ) -> impl Iterator<Item = &'s str> + use<'s> {
        self.element(n).split(separators.repetition).filter(|it| !it.is_empty())
    }

    /// The text of an element, when there is any.
    pub fn text(&self, n: usize) -> Option<String> {
        Some(self.element(n).trim()).filter(|it| !it.is_empty()).map(str::to_owned)
    }

    /// The byte that an element begins at.
    pub fn byte_of(&self, n: usize) -> usize {
        let before = self.elements.iter().take(n.saturating_sub(1));
        let lengths: usize = before.map(|it| it.len() + 1).sum();
        self.at + self.tag.len() + usize::from(n != 0) + lengths
    }

    pub(crate) fn write_to(&self, separators: &Separators, out: &mut String) {
        out.push_str(&self.tag);
        for element in &self.elements {
            out.push(separators.element);
            out.push_str(element);
        }
        out.push_str(&self.end);
    }
}
