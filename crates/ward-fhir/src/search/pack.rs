//! Terms as bytes: what the store seals beside a record's body.

use ward_core::{Kind, ResourceType};

use super::{
    term::{ParamId, Term, TermValue},
    value::ValueRef,
};

/// First byte of every packing; a change of form gets a new one.
const VERSION: u8 = 1;

/// Most components of one composite value.
/// LIMIT: R4 has at most three; more means damaged bytes.
const COMPONENTS_MAX: u64 = 8;

/// Bytes are not packed terms of this version.
#[derive(Clone, Copy, PartialEq, Eq, Debug, thiserror::Error)]
pub enum PackError {
    #[error("packed terms of an unknown version")]
    Version,
    #[error("packed terms are cut short or damaged at byte {at}")]
    Damaged { at: usize },
}

impl PackError {
    pub fn kind(&self) -> Kind {
        Kind::Bug
    }
}

/// Appends the terms' bytes.
///
/// - Shape: version, then each term as parameter (varint), tag, fields; texts with their length.
/// - Cost: one pass, no allocation but the growth of `out`.
pub fn pack(terms: &[Term], out: &mut Vec<u8>) {
    out.push(VERSION);
    for term in terms {
        varint(u64::from(term.param.0), out);
        pack_value(&term.value, out);
    }
}

/// Reads all terms.
///
/// - Errors: damaged bytes; never a panic, and never more memory than a multiple of the input.
pub fn unpack(bytes: &[u8]) -> Result<Vec<Term>, PackError> {
    let mut terms = Vec::new();
    for term in TermsView::new(bytes)? {
        let (param, value) = term?;
        terms.push(Term { param, value: value.to_term_value() });
    }
    Ok(terms)
}

/// Packed terms, read one by one without copying texts.
#[derive(Clone, Debug)]
pub struct TermsView<'a> {
    reader: Reader<'a>,
}

impl<'a> TermsView<'a> {
    pub fn new(bytes: &'a [u8]) -> Result<TermsView<'a>, PackError> {
        let mut reader = Reader { bytes, at: 0 };
        if reader.byte()? != VERSION {
            return Err(PackError::Version);
        }
        Ok(TermsView { reader })
    }

    /// The values of one parameter; damaged bytes end the list.
    pub fn find(&self, param: ParamId) -> impl Iterator<Item = ValueRef<'a>> + use<'a> {
        self.clone().map_while(Result::ok).filter(move |(p, _)| *p == param).map(|(_, v)| v)
    }
}

impl<'a> Iterator for TermsView<'a> {
    type Item = Result<(ParamId, ValueRef<'a>), PackError>;

    fn next(&mut self) -> Option<Self::Item> {
        if self.reader.at == self.reader.bytes.len() {
            return None;
        }
        let term = self.reader.term();
        if term.is_err() {
            self.reader.at = self.reader.bytes.len();
        }
        Some(term)
    }
}

const TOKEN: u8 = 0;
const REFERENCE: u8 = 1;
const URL: u8 = 2;
const IDENTIFIED: u8 = 3;
const STRING: u8 = 4;
const DATE: u8 = 5;
const NUMBER: u8 = 6;
const QUANTITY: u8 = 7;
const COMPOSITE: u8 = 8;

/// The tag is the low four bits; which optional fields follow, the high four.
fn tag(tag: u8, present: [bool; 4]) -> u8 {
    let bit = |at: u8, is: bool| u8::from(is) << (4 + at);
    let [a, b, c, d] = present;
    tag | bit(0, a) | bit(1, b) | bit(2, c) | bit(3, d)
}

fn pack_value(value: &TermValue, out: &mut Vec<u8>) {
    match value {
        TermValue::Token { system, code, text } => {
            let present = [system.is_some(), code.is_some(), text.is_some(), false];
            out.push(tag(TOKEN, present));
            for field in [system, code, text].into_iter().flatten() {
                string(field, out);
            }
        }
        TermValue::Reference { kind, id, version } => {
            out.push(tag(REFERENCE, [version.is_some(), false, false, false]));
            varint(u64::from(kind.number()), out);
            string(id, out);
            if let Some(version) = version {
                varint(u64::from(*version), out);
            }
        }
        TermValue::Url(url) => {
            out.push(URL);
            string(url, out);
        }
        TermValue::Identified { system, value } => {
            out.push(tag(IDENTIFIED, [system.is_some(), value.is_some(), false, false]));
            for field in [system, value].into_iter().flatten() {
                string(field, out);
            }
        }
        TermValue::String(text) => {
            out.push(STRING);
            string(text, out);
        }
        TermValue::Date { from_us, to_us } => {
            out.push(DATE);
            varint(zigzag(*from_us), out);
            varint(zigzag(to_us.wrapping_sub(*from_us)), out);
        }
        TermValue::Number { value, low, high } => {
            let is_range = low != value || high != value;
            out.push(tag(NUMBER, [is_range, false, false, false]));
            numbers(*value, is_range.then_some((*low, *high)), out);
        }
        TermValue::Quantity { value, low, high, system, code, unit } => {
            let is_range = low != value || high != value;
            let present = [is_range, system.is_some(), code.is_some(), unit.is_some()];
            out.push(tag(QUANTITY, present));
            numbers(*value, is_range.then_some((*low, *high)), out);
            for field in [system, code, unit].into_iter().flatten() {
                string(field, out);
            }
        }
        TermValue::Composite(parts) => {
            out.push(COMPOSITE);
            let parts = parts.iter().take(usize::try_from(COMPONENTS_MAX).unwrap_or(usize::MAX));
            varint(u64::try_from(parts.len()).unwrap_or(0), out);
            for part in parts {
                pack_value(part, out);
            }
        }
    }
}

fn numbers(value: f64, range: Option<(f64, f64)>, out: &mut Vec<u8>) {
    out.extend_from_slice(&value.to_le_bytes());
    if let Some((low, high)) = range {
        out.extend_from_slice(&low.to_le_bytes());
        out.extend_from_slice(&high.to_le_bytes());
    }
}

fn string(text: &str, out: &mut Vec<u8>) {
    varint(u64::try_from(text.len()).unwrap_or(0), out);
    out.extend_from_slice(text.as_bytes());
}

fn varint(mut n: u64, out: &mut Vec<u8>) {
    while let Ok(low) = u8::try_from(n & 0x7f)
        && 0x7f < n
    {
        out.push(low | 0x80);
        n >>= 7;
    }
    out.extend(u8::try_from(n));
}

fn zigzag(n: i64) -> u64 {
    ((n << 1) ^ (n >> 63)).cast_unsigned()
}

fn unzigzag(n: u64) -> i64 {
    (n >> 1).cast_signed() ^ -((n & 1).cast_signed())
}

#[derive(Clone, Debug)]
struct Reader<'a> {
    bytes: &'a [u8],
    at: usize,
}

impl<'a> Reader<'a> {
    fn damaged(&self) -> PackError {
        PackError::Damaged { at: self.at }
    }

    fn take(&mut self, n: usize) -> Result<&'a [u8], PackError> {
        let end = self.at.checked_add(n).ok_or(self.damaged())?;
        let bytes = self.bytes.get(self.at..end).ok_or(self.damaged())?;
        self.at = end;
        Ok(bytes)
    }

    fn byte(&mut self) -> Result<u8, PackError> {
        let byte = self.bytes.get(self.at).copied().ok_or(self.damaged())?;
        self.at += 1;
        Ok(byte)
    }

    fn varint(&mut self) -> Result<u64, PackError> {
        let mut n = 0;
        for shift in (0..64).step_by(7) {
            let byte = self.byte()?;
            n |= u64::from(byte & 0x7f) << shift;
            if byte & 0x80 == 0 {
                return Ok(n);
            }
        }
        Err(self.damaged())
    }

    fn small<T: TryFrom<u64>>(&mut self) -> Result<T, PackError> {
        let n = self.varint()?;
        T::try_from(n).map_err(|_| self.damaged())
    }

    fn string(&mut self) -> Result<&'a str, PackError> {
        let len = self.small()?;
        let bytes = self.take(len)?;
        std::str::from_utf8(bytes).map_err(|_| self.damaged())
    }

    fn optional(&mut self, present: bool) -> Result<Option<&'a str>, PackError> {
        present.then(|| self.string()).transpose()
    }

    fn float(&mut self) -> Result<f64, PackError> {
        let bytes = self.take(8)?.try_into().map_err(|_| self.damaged())?;
        Ok(f64::from_le_bytes(bytes))
    }

    fn term(&mut self) -> Result<(ParamId, ValueRef<'a>), PackError> {
        let param = ParamId(self.small()?);
        Ok((param, self.value(false)?))
    }

    fn value(&mut self, inner: bool) -> Result<ValueRef<'a>, PackError> {
        let tag = self.byte()?;
        let has = |at: u8| tag & (1 << (4 + at)) != 0;
        Ok(match tag & 0x0f {
            TOKEN => ValueRef::Token {
                system: self.optional(has(0))?,
                code: self.optional(has(1))?,
                text: self.optional(has(2))?,
            },
            REFERENCE => {
                let number = self.small()?;
                let kind = ResourceType::from_number(number).ok_or(self.damaged())?;
                let id = self.string()?;
                let version = has(0).then(|| self.small()).transpose()?;
                ValueRef::Reference { kind, id, version }
            }
            URL => ValueRef::Url(self.string()?),
            IDENTIFIED => ValueRef::Identified {
                system: self.optional(has(0))?,
                value: self.optional(has(1))?,
            },
            STRING => ValueRef::String(self.string()?),
            DATE => {
                let from_us = unzigzag(self.varint()?);
                let to_us = from_us.wrapping_add(unzigzag(self.varint()?));
                ValueRef::Date { from_us, to_us }
            }
            NUMBER => {
                let (value, low, high) = self.numbers(has(0))?;
                ValueRef::Number { value, low, high }
            }
            QUANTITY => {
                let (value, low, high) = self.numbers(has(0))?;
                ValueRef::Quantity {
                    value,
                    low,
                    high,
                    system: self.optional(has(1))?,
                    code: self.optional(has(2))?,
                    unit: self.optional(has(3))?,
                }
            }
            COMPOSITE if !inner => {
                let n = self.varint()?;
                if COMPONENTS_MAX < n {
                    return Err(self.damaged());
                }
                let parts: Result<_, _> = (0..n).map(|_| self.value(true)).collect();
                ValueRef::Composite(parts?)
            }
            _ => return Err(self.damaged()),
        })
    }

    fn numbers(&mut self, is_range: bool) -> Result<(f64, f64, f64), PackError> {
        let value = self.float()?;
        match is_range {
            false => Ok((value, value, value)),
            true => Ok((value, self.float()?, self.float()?)),
        }
    }
}
