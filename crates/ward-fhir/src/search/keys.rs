//! What is blinded: the bytes by which a term can be found.
//!
//! Soundness: whatever [`super::Test::matches`] accepts shares a key with [`super::Test::lookup`].
//! Each key starts with a byte that tells its family, so that two families never meet.

use super::{
    date::{DAY_US, Interval, year_month},
    fold::{fold, head},
    term::{IndexKey, Term},
    value::ValueRef,
};

/// Shortest start of a text that has a key of its own, in bytes of UTF-8: three Latin letters, or
/// one Chinese character, which is often a whole family name.
/// LIMIT: shorter starts match too much to be worth a list.
pub(super) const PREFIX_BYTES_MIN: usize = 3;

/// Longest start of a text that has a key of its own, in characters.
/// LIMIT: longer ones add little.
pub(super) const PREFIX_MAX: usize = 8;

/// Bytes of a text that its exact key holds.
/// LIMIT: enough to tell names apart; longer texts share a list and are re-checked.
const EXACT_MAX: usize = 40;

/// Most buckets that one value gets, from the finest to the coarsest.
/// LIMIT: a stay of a week is found by day; a longer one by month or year.
const SPREAD_MAX: [i64; 3] = [8, 4, 4];

/// The list that every record of a type is in.
pub fn type_key() -> IndexKey {
    IndexKey::from_slice(b"*")
}

/// Every key a term is findable by.
///
/// - Shape: token `system|code`, `|code`, `code`; reference by type and id, and by id; identifier
///   of a reference; folded text whole and its starts of 3 to 8 letters; date by day, month and
///   year; URL without its version; composite by the keys of each component. Numbers and
///   quantities have none.
pub fn index_keys(term: &Term, out: &mut dyn FnMut(IndexKey)) {
    value_keys(&term.value.as_value(), out);
}

pub(super) fn value_keys(value: &ValueRef<'_>, out: &mut dyn FnMut(IndexKey)) {
    match value {
        ValueRef::Token { system, code: Some(code), .. } => {
            out(token_code(code));
            match system {
                Some(system) => out(token_full(system, code)),
                None => out(token_bare(code)),
            }
        }
        ValueRef::Token { code: None, .. } => {}
        ValueRef::Reference { kind, id, .. } => {
            out(reference(kind.number(), id));
            out(reference_id(id));
        }
        ValueRef::Url(address) => out(url(address)),
        ValueRef::Identified { system, value: Some(value) } => {
            out(identified(None, value));
            if let Some(system) = system {
                out(identified(Some(system), value));
            }
        }
        ValueRef::Identified { value: None, .. } => {}
        ValueRef::String(text) => {
            let folded = fold(text);
            out(exact(&folded));
            let n_chars = folded.chars().take(PREFIX_MAX).count();
            for n in 1..=n_chars {
                let head = head(&folded, n);
                if PREFIX_BYTES_MIN <= head.len() {
                    out(start(head));
                }
            }
        }
        ValueRef::Date { from_us, to_us } => {
            for level in Level::ALL {
                let (first, last) = level.buckets(Interval { from_us: *from_us, to_us: *to_us });
                if last.saturating_sub(first) < level.spread_max() {
                    (first..=last).for_each(|bucket| out(level.key(bucket)));
                } else {
                    out(level.wide());
                }
            }
        }
        ValueRef::Number { .. } | ValueRef::Quantity { .. } => {}
        ValueRef::Composite(parts) => {
            for (at, part) in (b'0'..).zip(parts) {
                value_keys(part, &mut |key| out(component(at, &key)));
            }
        }
    }
}

fn key(family: u8, parts: &[&[u8]]) -> IndexKey {
    let mut key = IndexKey::new();
    key.push(family);
    for part in parts {
        key.extend_from_slice(part);
    }
    key
}

pub(super) fn token_code(code: &str) -> IndexKey {
    let mut key = key(b'c', &[code.as_bytes()]);
    key.make_ascii_lowercase();
    key
}

pub(super) fn token_bare(code: &str) -> IndexKey {
    let mut key = key(b'n', &[code.as_bytes()]);
    key.make_ascii_lowercase();
    key
}

pub(super) fn token_full(system: &str, code: &str) -> IndexKey {
    let mut key = key(b't', &[code.as_bytes(), b"\0", system.as_bytes()]);
    key.make_ascii_lowercase();
    key
}

pub(super) fn reference(kind: u16, id: &str) -> IndexKey {
    key(b'r', &[&kind.to_be_bytes(), id.as_bytes()])
}

pub(super) fn reference_id(id: &str) -> IndexKey {
    key(b'i', &[id.as_bytes()])
}

pub(super) fn url(address: &str) -> IndexKey {
    let base = address.split('|').next().unwrap_or(address);
    key(b'u', &[base.as_bytes()])
}

pub(super) fn identified(system: Option<&str>, value: &str) -> IndexKey {
    let mut key = match system {
        Some(system) => key(b'e', &[value.as_bytes(), b"\0", system.as_bytes()]),
        None => key(b'd', &[value.as_bytes()]),
    };
    key.make_ascii_lowercase();
    key
}

pub(super) fn exact(folded: &str) -> IndexKey {
    let bytes = folded.as_bytes();
    key(b'x', &[bytes.get(..EXACT_MAX).unwrap_or(bytes)])
}

pub(super) fn start(folded: &str) -> IndexKey {
    key(b's', &[folded.as_bytes()])
}

pub(super) fn component(at: u8, inner: &[u8]) -> IndexKey {
    key(b'0', &[&[at], inner])
}

/// The widths of a date's buckets.
#[derive(Clone, Copy)]
pub(super) enum Level {
    Day,
    Month,
    Year,
}

impl Level {
    pub(super) const ALL: [Level; 3] = [Level::Day, Level::Month, Level::Year];

    fn spread_max(self) -> i64 {
        let [day, month, year] = SPREAD_MAX;
        match self {
            Level::Day => day,
            Level::Month => month,
            Level::Year => year,
        }
    }

    /// First and last bucket that an interval touches.
    pub(super) fn buckets(self, interval: Interval) -> (i64, i64) {
        let last_us = interval.to_us.saturating_sub(1).max(interval.from_us);
        (self.bucket(interval.from_us), self.bucket(last_us))
    }

    fn bucket(self, at_us: i64) -> i64 {
        let day = at_us.div_euclid(DAY_US);
        let (year, month) = year_month(day);
        match self {
            Level::Day => day,
            Level::Month => year * 12 + month,
            Level::Year => year,
        }
    }

    fn family(self) -> u8 {
        match self {
            Level::Day => b'D',
            Level::Month => b'M',
            Level::Year => b'Y',
        }
    }

    pub(super) fn key(self, bucket: i64) -> IndexKey {
        key(self.family(), &[&bucket.to_be_bytes()])
    }

    /// The list of values that touch too many buckets to be in each.
    pub(super) fn wide(self) -> IndexKey {
        key(self.family(), &[])
    }
}
