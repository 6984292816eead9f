//! MLLP: blocks of bytes in a stream. Reads no socket and keeps no clock.
//!
//! - Source: HL7 Implementation Support Guide, appendix C.4; HL7 Transport: MLLP release 2.

mod deframer;

pub use deframer::{AfterEnd, Deframer, Dropped, Event, Why};

/// Before a block.
pub const START: u8 = 0x0b;
/// After a block, followed by [`CARRIAGE_RETURN`].
pub const END: u8 = 0x1c;
pub const CARRIAGE_RETURN: u8 = 0x0d;

/// Release 2: the block is in safe storage.
const ACK: u8 = 0x06;
/// Release 2: the block could not be stored.
const NAK: u8 = 0x15;

/// `content` as a block.
///
/// - Errors: `None` where the content has a start or end byte, which would break the framing. No
///   character set but UTF-16 has them inside text.
pub fn frame(content: &[u8]) -> Option<Vec<u8>> {
    if memchr::memchr2(START, END, content).is_some() {
        return None;
    }
    let mut out = Vec::with_capacity(content.len() + 3);
    out.push(START);
    out.extend_from_slice(content);
    out.extend_from_slice(&[END, CARRIAGE_RETURN]);
    Some(out)
}

/// The answer of release 2 to a block, before any acknowledgment of HL7.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum Commit {
    Acknowledged,
    NotAcknowledged,
}

impl Commit {
    /// Whether the content of a block is such an answer.
    pub fn of(content: &[u8]) -> Option<Commit> {
        match content {
            [ACK] => Some(Commit::Acknowledged),
            [NAK] => Some(Commit::NotAcknowledged),
            _ => None,
        }
    }

    /// The answer, framed.
    pub const fn to_bytes(self) -> [u8; 4] {
        match self {
            Commit::Acknowledged => [START, ACK, END, CARRIAGE_RETURN],
            Commit::NotAcknowledged => [START, NAK, END, CARRIAGE_RETURN],
        }
    }
}
