//! Page cursors: sealed, so that a link says nothing, and of one length.

use ward_crypto::Random;

use crate::{
    Seq,
    keys::Keyring,
    query::{Cursor, SearchError},
};

/// Where a page ended.
///
/// - Shape: the commit the first page saw, the part of the query, the last record shown, and a
///   digest of the query that the cursor belongs to.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) struct Place {
    pub(super) seq: Seq,
    pub(super) part: u16,
    pub(super) rid: u64,
    pub(super) query: u64,
}

const PLAIN: usize = 26;

pub(super) fn seal(keyring: &Keyring, random: &dyn Random, place: Place) -> Cursor {
    let mut plain = Vec::with_capacity(PLAIN);
    plain.extend_from_slice(&place.seq.0.to_be_bytes());
    plain.extend_from_slice(&place.part.to_be_bytes());
    plain.extend_from_slice(&place.rid.to_be_bytes());
    plain.extend_from_slice(&place.query.to_be_bytes());
    let sealed = keyring.seal_cursor(random, &plain);
    let mut text = String::with_capacity(2 * sealed.len());
    for byte in sealed {
        for nibble in [byte >> 4, byte & 0xf] {
            text.push(char::from_digit(u32::from(nibble), 16).unwrap_or('0'));
        }
    }
    Cursor(text.into_boxed_str())
}

pub(super) fn open(keyring: &Keyring, cursor: &Cursor) -> Result<Place, SearchError> {
    let digit = |b: &u8| char::from(*b).to_digit(16).and_then(|d| u8::try_from(d).ok());
    let mut sealed = Vec::with_capacity(cursor.0.len() / 2);
    for pair in cursor.0.as_bytes().chunks(2) {
        match pair {
            [high, low] => match (digit(high), digit(low)) {
                (Some(high), Some(low)) => sealed.push(high << 4 | low),
                _ => return Err(SearchError::Cursor),
            },
            _ => return Err(SearchError::Cursor),
        }
    }
    let plain = keyring.open_cursor(&sealed).ok_or(SearchError::Cursor)?;
    let plain: [u8; PLAIN] = plain.try_into().map_err(|_| SearchError::Cursor)?;
    let mut rest = plain.as_slice();
    Ok(Place {
        seq: Seq(u64::from_be_bytes(take(&mut rest)?)),
        part: u16::from_be_bytes(take(&mut rest)?),
        rid: u64::from_be_bytes(take(&mut rest)?),
        query: u64::from_be_bytes(take(&mut rest)?),
    })
}

fn take<const N: usize>(rest: &mut &[u8]) -> Result<[u8; N], SearchError> {
    let (head, tail) = rest.split_first_chunk::<N>().ok_or(SearchError::Cursor)?;
    *rest = tail;
    Ok(*head)
}

/// The part of a query that a cursor is bound to, so that a cursor cannot be carried to another.
pub(super) fn digest_of(keyring: &Keyring, text: &str) -> u64 {
    let token = keyring.tenant_tokens().token8_raw(text.as_bytes());
    u64::from_be_bytes(token)
}
