//! A message: its bytes, its text, and an index of its segments and fields.

mod index;
mod read;
mod scan;
mod typed;
mod view;

use std::{borrow::Cow, fmt};

use index::Index;

use crate::{
    charset::Charset,
    location::{Location, SegmentId},
    path::Path,
    separators::Separators,
};

pub use index::Terminator;
pub(crate) use index::segment_id;
pub use read::{LENIENCIES, ReadSettings};
pub(crate) use scan::{Envelope, Wide};
pub use view::{Component, Field, Part, Presence, Repetition, Segment, Subcomponent};

/// Most bytes of one message.
/// LIMIT: offsets are 32 bits wide, and text can be three times as long as its bytes. A listener
/// sets a much smaller limit on its frames.
pub const MESSAGE_BYTES_MAX: usize = 1 << 30;

/// Most segments of one message.
/// LIMIT: the longest reports have tens of thousands; each costs memory many times its shortest
/// form when it is put into groups.
pub const SEGMENTS_MAX: usize = 500_000;

/// One HL7 v2 message.
///
/// - Shape: the bytes as they came, their text, and the offsets of segments and fields. What lies
///   below a field is split when it is asked for.
/// - Source: HL7 v2.8, 2.5 Message framework.
#[derive(Clone)]
pub struct Message<'a> {
    raw: Cow<'a, [u8]>,
    /// Bytes before MSH: a byte order mark, white space.
    lead: usize,
    text: Cow<'a, str>,
    coding: Coding,
    terminator: Terminator,
    index: Index,
}

/// What is needed to understand a value.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct Coding {
    pub separators: Separators,
    pub charset: Charset,
    opaque: Opaque,
}

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Opaque {
    No,
    /// MSH-1 and MSH-2, which are delimiters and have none.
    Yes,
}

struct Splits {
    repetition: Option<u8>,
    component: Option<u8>,
    subcomponent: Option<u8>,
}

impl Coding {
    const OPAQUE: Coding = Coding {
        separators: Separators::RECOMMENDED,
        charset: Charset::Ascii,
        opaque: Opaque::Yes,
    };

    pub fn new(separators: Separators, charset: Charset) -> Coding {
        Coding { separators, charset, opaque: Opaque::No }
    }

    fn is_opaque(&self) -> bool {
        self.opaque == Opaque::Yes
    }

    fn splits(&self) -> Splits {
        if self.is_opaque() {
            return Splits { repetition: None, component: None, subcomponent: None };
        }
        Splits {
            repetition: self.separators.repetition(),
            component: Some(self.separators.component()),
            subcomponent: self.separators.subcomponent(),
        }
    }
}

impl<'a> Message<'a> {
    /// The bytes as they came.
    pub fn raw(&self) -> &[u8] {
        &self.raw
    }

    /// The bytes before MSH.
    pub fn lead(&self) -> &[u8] {
        self.raw.get(..self.lead).unwrap_or_default()
    }

    /// The bytes from MSH on.
    pub(crate) fn body(&self) -> &[u8] {
        self.raw.get(self.lead..).unwrap_or_default()
    }

    /// The message as text, from MSH on.
    pub fn text(&self) -> &str {
        &self.text
    }

    pub fn charset(&self) -> Charset {
        self.coding.charset
    }

    pub fn separators(&self) -> &Separators {
        &self.coding.separators
    }

    pub fn terminator(&self) -> Terminator {
        self.terminator
    }

    pub fn n_segments(&self) -> usize {
        self.index.segments.len()
    }

    /// Segment at `place`, from 0.
    pub fn segment_at(&self, place: usize) -> Option<Segment<'_>> {
        Segment::new(self, place)
    }

    pub fn segments(&self) -> impl ExactSizeIterator<Item = Segment<'_>> + Clone {
        (0..self.n_segments()).map(|at| Segment::at(self, at))
    }

    /// The segments of that name, in order.
    pub fn all(&self, id: SegmentId) -> impl Iterator<Item = Segment<'_>> + Clone {
        self.segments().filter(move |segment| segment.is(id))
    }

    /// The first segment of that name.
    pub fn first(&self, id: SegmentId) -> Option<Segment<'_>> {
        self.all(id).next()
    }

    /// MSH.
    pub fn header(&self) -> Option<Segment<'_>> {
        self.segment_at(0)
    }

    /// What stands at `path`; groups in it are not looked at.
    pub fn find(&self, path: &Path) -> Option<Part<'_>> {
        let nth = path.occurrence().unwrap_or(1).checked_sub(1)?;
        path.within(self.all(path.segment()).nth(nth)?)
    }

    /// Plain text of the first value at `path`.
    pub fn text_at(&self, path: &Path) -> Option<Cow<'_, str>> {
        self.find(path)?.text()
    }

    /// Where segment `place` stands, by its name and how often the name came before.
    pub fn location_of(&self, place: usize) -> Location {
        let line = u32::try_from(place + 1).unwrap_or(u32::MAX);
        let Some(id) = self.segment_at(place).and_then(|segment| segment.id()) else {
            return Location::MESSAGE.on_line(line);
        };
        let before = self.segments().take(place + 1).filter(|segment| segment.is(id)).count();
        Location::segment(id, u32::try_from(before).unwrap_or(u32::MAX)).on_line(line)
    }

    /// A message that borrows nothing.
    pub fn into_owned(self) -> Message<'static> {
        Message {
            raw: Cow::Owned(self.raw.into_owned()),
            lead: self.lead,
            text: Cow::Owned(self.text.into_owned()),
            coding: self.coding,
            terminator: self.terminator,
            index: self.index,
        }
    }

    fn between(&self, from: u32, to: u32) -> &str {
        let place = |n: u32| usize::try_from(n).unwrap_or(usize::MAX);
        self.text.get(place(from)..place(to)).unwrap_or_default()
    }
}

/// Says nothing of what is in it.
impl fmt::Debug for Message<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Message")
            .field("n_bytes", &self.raw.len())
            .field("n_segments", &self.n_segments())
            .field("charset", &self.charset())
            .finish_non_exhaustive()
    }
}
