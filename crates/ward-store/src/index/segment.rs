//! The bytes of the index on disk.
//!
//! A list is cut into windows of [`WINDOW`] record numbers. Each time memory goes to disk, every
//! list and window that changed gets one segment: the numbers put in and taken out. Of segments of
//! one window the one with the highest run is the newest.

use std::{cmp::Ordering, ops::RangeInclusive};

use crate::postings::Posting;

/// Record numbers of one window.
/// LIMIT: reading one window of the longest list takes a few microseconds.
pub(super) const WINDOW: u64 = 4096;

/// Bytes of a patient's pseudonym that lead the lists of the patient.
pub(super) const SCOPE_BYTES: usize = 8;

/// The list that a posting names, in the order of the index.
///
/// - Shape: family 1 | 8 or 16 bytes of the posting; zero after 8.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub(super) struct ListKey([u8; 17]);

impl Ord for ListKey {
    /// As the bytes, but as two numbers: a list that is looked up in memory is compared with a
    /// hundred others.
    fn cmp(&self, other: &ListKey) -> Ordering {
        self.numbers().cmp(&other.numbers())
    }
}

impl PartialOrd for ListKey {
    fn partial_cmp(&self, other: &ListKey) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

/// What leads the keys of the index. Families lie in this order.
const MARK: u8 = 0;
const POPULATION: u8 = 1;
const PATIENT: u8 = 2;
const PLACE: u8 = 3;

/// The key of the high-water mark.
pub(super) const MARK_KEY: [u8; 1] = [MARK];

impl ListKey {
    pub(super) fn of(posting: &Posting) -> ListKey {
        let mut key = [0; 17];
        match posting {
            Posting::Population(token) => {
                put(&mut key, 0, &[POPULATION]);
                put(&mut key, 1, token);
            }
            Posting::Patient(scope, token) => {
                put(&mut key, 0, &[PATIENT]);
                put(&mut key, 1, scope);
                put(&mut key, 9, token);
            }
        }
        ListKey(key)
    }

    fn numbers(&self) -> (u128, u8) {
        let [first @ .., last] = self.0;
        (u128::from_be_bytes(first), last)
    }

    /// Whose list it is.
    pub(super) fn scope(&self) -> Option<&[u8; SCOPE_BYTES]> {
        match self.0.split_first() {
            Some((&PATIENT, rest)) => rest.first_chunk(),
            _ => None,
        }
    }

    fn prefix(&self) -> &[u8] {
        match &self.0 {
            [POPULATION, ..] => self.0.get(..9).unwrap_or_default(),
            _ => &self.0,
        }
    }

    /// The key of one segment: the list's bytes, window 4, run 4.
    pub(super) fn segment(&self, window: u64, run: u32) -> Vec<u8> {
        let prefix = self.prefix();
        let mut key = Vec::with_capacity(prefix.len() + 8);
        key.extend_from_slice(prefix);
        // LIMIT: 2^44 records.
        key.extend_from_slice(&u32::try_from(window).unwrap_or(u32::MAX).to_be_bytes());
        key.extend_from_slice(&run.to_be_bytes());
        key
    }
}

/// The keys of all segments of a patient's lists.
pub(super) fn of_patient(scope: &[u8; SCOPE_BYTES]) -> RangeInclusive<Vec<u8>> {
    let key = |fill: u8| {
        let mut key = vec![fill; 1 + SCOPE_BYTES + 8 + 8];
        put(&mut key, 0, &[PATIENT]);
        put(&mut key, 1, scope);
        key
    };
    key(0)..=key(u8::MAX)
}

/// One segment as it is read back.
pub(super) struct Segment {
    pub(super) window: u64,
    pub(super) value: fjall::UserValue,
}

/// The window in a segment's key.
pub(super) fn window_of(key: &[u8]) -> Option<u64> {
    let (rest, _run) = key.split_last_chunk::<4>()?;
    Some(u64::from(u32::from_be_bytes(*rest.last_chunk::<4>()?)))
}

/// The key of a record's place.
pub(super) fn place_key(rid: u64) -> [u8; 9] {
    let mut key = [PLACE; 9];
    put(&mut key, 1, &rid.to_be_bytes());
    key
}

/// A place's value: the number of the current version, 0 for a deleted record.
pub(super) fn place_value(vid: Option<u64>) -> [u8; 8] {
    vid.unwrap_or(0).to_be_bytes()
}

pub(super) fn read_place(value: &[u8]) -> Option<Option<u64>> {
    let vid = u64::from_be_bytes(*value.first_chunk::<8>()?);
    Some((vid != 0).then_some(vid))
}

/// The mark's value: the last commit that the index on disk holds, and the last run.
pub(super) fn mark_value(seq: u64, run: u32) -> [u8; 12] {
    let mut value = [0; 12];
    put(&mut value, 0, &seq.to_be_bytes());
    put(&mut value, 8, &run.to_be_bytes());
    value
}

pub(super) fn read_mark(value: &[u8]) -> Option<(u64, u32)> {
    let (seq, rest) = value.split_first_chunk::<8>()?;
    let run = rest.first_chunk::<4>()?;
    Some((u64::from_be_bytes(*seq), u32::from_be_bytes(*run)))
}

/// Appends one number of a segment; numbers are given in ascending order.
///
/// - Shape: LEB128 of (distance from the last number << 1 | taken out).
pub(super) fn write(out: &mut Vec<u8>, last: &mut u64, rid: u64, removed: bool) {
    let low = rid % WINDOW;
    let mut rest = (low - (*last).min(low)) << 1 | u64::from(removed);
    *last = low;
    loop {
        let seven = u8::try_from(rest & 0x7f).unwrap_or(0);
        rest >>= 7;
        if rest == 0 {
            out.push(seven);
            return;
        }
        out.push(seven | 0x80);
    }
}

/// Reads a segment of `window`: each number, and whether it was taken out. `None` if it is not one.
pub(super) fn read(window: u64, value: &[u8], each: &mut impl FnMut(u64, bool)) -> Option<()> {
    let base = window.checked_mul(WINDOW)?;
    let mut low = 0u64;
    let mut n = 0u64;
    let mut shift = 0;
    for byte in value {
        n |= u64::from(byte & 0x7f) << shift;
        if byte & 0x80 != 0 {
            shift += 7;
            if 21 < shift {
                return None;
            }
            continue;
        }
        low += n >> 1;
        if WINDOW <= low {
            return None;
        }
        each(base + low, n & 1 == 1);
        (n, shift) = (0, 0);
    }
    (shift == 0).then_some(())
}

fn put(to: &mut [u8], at: usize, from: &[u8]) {
    for (to, from) in to.iter_mut().skip(at).zip(from) {
        *to = *from;
    }
}
