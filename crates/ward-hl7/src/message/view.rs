//! Looking into a message without copying: segment, field, repetition, component, sub-component.

use std::{borrow::Cow, fmt};

use super::{Coding, Message, index::segment_id};
use crate::{escape::plain, location::SegmentId};

/// Whether there is a value.
///
/// A field that the segment does not reach is absent: its getter gives `None`.
///
/// - Source: HL7 v2.8, 2.5.3.4 and 2.5.3.5: empty leaves the receiver's value, `""` deletes it.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum Presence {
    /// Nothing between the delimiters: the receiver's value stays.
    Empty,
    /// `""`: the receiver's value is to be deleted.
    Null,
    Valued,
}

/// One segment of a message.
#[derive(Clone, Copy)]
pub struct Segment<'m> {
    message: &'m Message<'m>,
    at: usize,
}

impl<'m> Segment<'m> {
    pub(super) fn new(message: &'m Message<'m>, at: usize) -> Option<Segment<'m>> {
        (at < message.index.segments.len()).then_some(Segment { message, at })
    }

    /// `at` is the place of a segment.
    pub(super) fn at(message: &'m Message<'m>, at: usize) -> Segment<'m> {
        Segment { message, at }
    }

    /// Its place in the message, from 0.
    pub fn place(&self) -> usize {
        self.at
    }

    /// `None` where the line does not begin with a valid name.
    pub fn id(&self) -> Option<SegmentId> {
        segment_id(self.raw().as_bytes(), self.message.coding.separators.field())
    }

    pub fn is(&self, id: SegmentId) -> bool {
        self.id() == Some(id)
    }

    /// The whole segment as it is written, without its terminator.
    pub fn raw(&self) -> &'m str {
        let Some(at) = self.message.index.segments.get(self.at) else { return "" };
        self.message.between(at.start, at.end)
    }

    /// How many fields are written.
    pub fn n_fields(&self) -> usize {
        let shift = usize::from(self.has_delimiters());
        self.message.index.delimiters_of(self.at).len() + shift
    }

    /// Field `n`, from 1; `None` where the segment does not reach that far.
    ///
    /// - Shape: MSH-1 is the delimiter itself and MSH-2 the others; neither is split further.
    pub fn field(&self, n: usize) -> Option<Field<'m>> {
        let coding = &self.message.coding;
        let delimiters = self.message.index.delimiters_of(self.at);
        let has_delimiters = self.has_delimiters();
        let before = match (has_delimiters, n) {
            (_, 0) => return None,
            (true, 1) => {
                let at = *delimiters.first()?;
                let raw = self.message.between(at, at.saturating_add(1));
                return Some(Field { raw, coding: &Coding::OPAQUE });
            }
            (true, n) => n - 2,
            (false, n) => n - 1,
        };
        let from = delimiters.get(before)?.saturating_add(1);
        let end = || self.message.index.segments.get(self.at).map_or(from, |s| s.end);
        let to = delimiters.get(before + 1).copied().unwrap_or_else(end);
        let coding = if has_delimiters && n == 2 { &Coding::OPAQUE } else { coding };
        Some(Field { raw: self.message.between(from, to), coding })
    }

    /// Every field with its number, from 1.
    pub fn fields(&self) -> impl Iterator<Item = (usize, Field<'m>)> + use<'m> {
        let segment = *self;
        (1..=self.n_fields()).filter_map(move |n| segment.field(n).map(|field| (n, field)))
    }

    fn has_delimiters(&self) -> bool {
        matches!(self.raw().as_bytes(), [b'M', b'S', b'H', ..] | [b'B' | b'F', b'H', b'S', ..])
    }
}

impl fmt::Debug for Segment<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:?}({} fields)", self.id(), self.n_fields())
    }
}

macro_rules! part {
    ($(#[$doc:meta])* $name:ident) => {
        $(#[$doc])*
        #[derive(Clone, Copy)]
        pub struct $name<'m> {
            raw: &'m str,
            coding: &'m Coding,
        }

        impl<'m> $name<'m> {
            /// As it is written, escapes and all.
            pub fn raw(&self) -> &'m str {
                self.raw
            }

            pub fn presence(&self) -> Presence {
                match self.raw {
                    "" => Presence::Empty,
                    "\"\"" => Presence::Null,
                    _ => Presence::Valued,
                }
            }
        }

        /// Says nothing of the value.
        impl fmt::Debug for $name<'_> {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                write!(f, concat!(stringify!($name), "({:?})"), self.presence())
            }
        }
    };
}

part! {
    /// One field of a segment, with its repetitions.
    Field
}
part! {
    /// One repetition of a field, with its components.
    Repetition
}
part! {
    /// One component, with its sub-components.
    Component
}
part! {
    /// One sub-component: what cannot be split.
    Subcomponent
}

/// What lies between two delimiters; the whole where the delimiter is not in use.
fn split<'m>(raw: &'m str, delimiter: Option<u8>) -> Split<'m> {
    Split { rest: Some(raw), delimiter }
}

#[derive(Clone)]
struct Split<'m> {
    rest: Option<&'m str>,
    delimiter: Option<u8>,
}

impl<'m> Iterator for Split<'m> {
    type Item = &'m str;

    fn next(&mut self) -> Option<&'m str> {
        let rest = self.rest.take()?;
        let found = self.delimiter.and_then(|d| position(d, rest.as_bytes()));
        let Some(at) = found else { return Some(rest) };
        self.rest = rest.get(at + 1..);
        rest.get(..at)
    }
}

/// Most parts are a few bytes long, where a plain loop is faster than a search by registers.
fn position(delimiter: u8, bytes: &[u8]) -> Option<usize> {
    if bytes.len() < 32 {
        bytes.iter().position(|b| *b == delimiter)
    } else {
        memchr::memchr(delimiter, bytes)
    }
}

impl<'m> Field<'m> {
    pub fn repetitions(&self) -> impl Iterator<Item = Repetition<'m>> + Clone + use<'m> {
        let coding = self.coding;
        split(self.raw, coding.splits().repetition).map(move |raw| Repetition { raw, coding })
    }

    /// Repetition `n`, from 1.
    pub fn repetition(&self, n: usize) -> Option<Repetition<'m>> {
        self.repetitions().nth(n.checked_sub(1)?)
    }

    /// Component `n` of the first repetition.
    pub fn component(&self, n: usize) -> Option<Component<'m>> {
        self.repetition(1)?.component(n)
    }

    /// The first sub-component of the first component of the first repetition, as plain text.
    pub fn text(&self) -> Option<Cow<'m, str>> {
        self.component(1)?.text()
    }
}

impl<'m> Repetition<'m> {
    pub fn components(&self) -> impl Iterator<Item = Component<'m>> + Clone + use<'m> {
        let coding = self.coding;
        split(self.raw, coding.splits().component).map(move |raw| Component { raw, coding })
    }

    /// Component `n`, from 1.
    pub fn component(&self, n: usize) -> Option<Component<'m>> {
        self.components().nth(n.checked_sub(1)?)
    }

    /// The first component, as plain text.
    pub fn text(&self) -> Option<Cow<'m, str>> {
        self.component(1)?.text()
    }
}

impl<'m> Component<'m> {
    pub fn subcomponents(&self) -> impl Iterator<Item = Subcomponent<'m>> + Clone + use<'m> {
        let coding = self.coding;
        split(self.raw, coding.splits().subcomponent).map(move |raw| Subcomponent { raw, coding })
    }

    /// Sub-component `n`, from 1.
    pub fn subcomponent(&self, n: usize) -> Option<Subcomponent<'m>> {
        self.subcomponents().nth(n.checked_sub(1)?)
    }

    /// The first sub-component, as plain text.
    ///
    /// - Source: HL7 v2.8, 2.6.2: a receiver that knows no sub-components takes the first.
    pub fn text(&self) -> Option<Cow<'m, str>> {
        self.subcomponent(1)?.text()
    }
}

impl<'m> Subcomponent<'m> {
    /// Plain text, with escapes done; `None` where it is empty or the explicit null.
    pub fn text(&self) -> Option<Cow<'m, str>> {
        match (self.presence(), self.coding.is_opaque()) {
            (Presence::Valued, true) => Some(Cow::Borrowed(self.raw)),
            (Presence::Valued, false) => {
                Some(plain(self.raw, &self.coding.separators, self.coding.charset))
            }
            _ => None,
        }
    }
}

/// Any part of a message, as a path finds it.
#[derive(Clone, Copy, Debug)]
pub enum Part<'m> {
    Segment(Segment<'m>),
    Field(Field<'m>),
    Repetition(Repetition<'m>),
    Component(Component<'m>),
    Subcomponent(Subcomponent<'m>),
}

impl<'m> Part<'m> {
    pub fn raw(&self) -> &'m str {
        match self {
            Part::Segment(it) => it.raw(),
            Part::Field(it) => it.raw(),
            Part::Repetition(it) => it.raw(),
            Part::Component(it) => it.raw(),
            Part::Subcomponent(it) => it.raw(),
        }
    }

    pub fn presence(&self) -> Presence {
        match self {
            Part::Segment(_) => Presence::Valued,
            Part::Field(it) => it.presence(),
            Part::Repetition(it) => it.presence(),
            Part::Component(it) => it.presence(),
            Part::Subcomponent(it) => it.presence(),
        }
    }

    /// The first value inside, as plain text; a segment has none.
    pub fn text(&self) -> Option<Cow<'m, str>> {
        match self {
            Part::Segment(_) => None,
            Part::Field(it) => it.text(),
            Part::Repetition(it) => it.text(),
            Part::Component(it) => it.text(),
            Part::Subcomponent(it) => it.text(),
        }
    }
}
