//! What a barcode on a unit dose says: GS1 element strings, and plain NDC in linear codes.

use jiff::civil::Date;
use serde::Serialize;

/// Longest barcode read.
/// LIMIT: a GS1 DataMatrix holds 2,335 characters; a unit dose carries four elements.
pub const SCAN_BYTES_MAX: usize = 512;

/// FNC1 as scanners send it between elements of no fixed length.
const FNC1: char = '\u{1d}';

/// What a scan says.
#[derive(Clone, PartialEq, Eq, Default, Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Scan {
    /// Fourteen digits, element (01).
    #[serde(skip_serializing_if = "Option::is_none")]
    pub gtin: Option<String>,
    /// Ten digits that the labeler's code and the product's make together, where it can be told.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub ndc10: Option<String>,
    /// Element (17).
    #[serde(skip_serializing_if = "Option::is_none")]
    pub expires: Option<Date>,
    /// Element (10).
    #[serde(skip_serializing_if = "Option::is_none")]
    pub lot: Option<String>,
    /// Element (21).
    #[serde(skip_serializing_if = "Option::is_none")]
    pub serial: Option<String>,
    /// Whatever it is besides: a wristband, a label of the house.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub text: Option<String>,
}

/// A barcode that cannot be read.
#[derive(Clone, Copy, PartialEq, Eq, Debug, thiserror::Error)]
pub enum ScanError {
    #[error("nothing was scanned")]
    Empty,
    #[error("it has more than {SCAN_BYTES_MAX} bytes")]
    TooLong,
    #[error("the check digit is wrong: scan it again")]
    CheckDigit,
    #[error("element ({0}) is broken off")]
    BrokenOff(&'static str),
    #[error("element (17) is no day")]
    Day,
    #[error("an element is not known here")]
    Element,
}

/// Reads what a scanner sent.
///
/// - Shape: a symbology identifier in front (`]d2`, `]C1`, `]E0`) is skipped; elements in
///   parentheses, as people read them, are understood too.
/// - Source: GS1 General Specifications 24, 3.2, 7.8 and 7.9; 21 CFR 201.25.
pub fn read(text: &str) -> Result<Scan, ScanError> {
    let text = text.trim_matches(['\r', '\n', ' ', '\t']);
    if SCAN_BYTES_MAX < text.len() {
        return Err(ScanError::TooLong);
    }
    let (marked, body) = match symbology(text) {
        Some(rest) => (true, rest),
        None => (false, text),
    };
    let body = body.trim_start_matches(FNC1);
    if body.is_empty() {
        return Err(ScanError::Empty);
    }
    if body.starts_with('(') {
        return elements(&without_parentheses(body));
    }
    let is_digits = body.bytes().all(|b| b.is_ascii_digit());
    match body.len() {
        // UPC-A and EAN-13, as on cartons and on many unit doses; GTIN-14 alone.
        12..=14 if is_digits => {
            let gtin = format!("{body:0>14}");
            checked(&gtin)?;
            Ok(Scan { ndc10: ndc_of(&gtin), gtin: Some(gtin), ..Scan::default() })
        }
        // An NDC alone.
        10 if is_digits => Ok(Scan { ndc10: Some(body.to_owned()), ..Scan::default() }),
        _ if marked || looks_like_elements(body) => elements(body),
        _ => Ok(Scan { text: Some(body.to_owned()), ..Scan::default() }),
    }
}

/// What is after the symbology identifier.
fn symbology(text: &str) -> Option<&str> {
    let rest = text.strip_prefix(']')?;
    let mut chars = rest.chars();
    let (code, modifier) = (chars.next()?, chars.next()?);
    (code.is_ascii_alphabetic() && modifier.is_ascii_alphanumeric()).then_some(chars.as_str())
}

/// Begins with a GTIN whose check digit is right.
fn looks_like_elements(body: &str) -> bool {
    body.strip_prefix("01")
        .and_then(|rest| rest.get(..14))
        .is_some_and(|gtin| checked(gtin).is_ok())
}

fn elements(body: &str) -> Result<Scan, ScanError> {
    let mut scan = Scan::default();
    let mut rest = body;
    while !rest.is_empty() {
        let (id, after) = rest.split_at_checked(2).ok_or(ScanError::Element)?;
        match id {
            "01" => {
                let (gtin, after) = after.split_at_checked(14).ok_or(ScanError::BrokenOff("01"))?;
                checked(gtin)?;
                (scan.gtin, scan.ndc10) = (Some(gtin.to_owned()), ndc_of(gtin));
                rest = after;
            }
            "17" => {
                let (day, after) = after.split_at_checked(6).ok_or(ScanError::BrokenOff("17"))?;
                scan.expires = Some(day_of(day)?);
                rest = after;
            }
            "10" | "21" => {
                let (value, after) = after.split_once(FNC1).unwrap_or((after, ""));
                let is_lot = id == "10";
                // SPEC: (10) and (21) have one to twenty characters.
                if value.is_empty() || 20 < value.len() {
                    return Err(ScanError::BrokenOff(if is_lot { "10" } else { "21" }));
                }
                let place = if is_lot { &mut scan.lot } else { &mut scan.serial };
                *place = Some(value.to_owned());
                rest = after;
            }
            _ => return Err(ScanError::Element),
        }
        rest = rest.trim_start_matches(FNC1);
    }
    Ok(scan)
}

/// The same element string with FNC1 where the parentheses have parted it.
fn without_parentheses(body: &str) -> String {
    let mut plain = String::with_capacity(body.len());
    for (n, part) in body.split('(').enumerate() {
        if 1 < n {
            plain.push(FNC1);
        }
        plain.push_str(&part.replacen(')', "", 1));
    }
    plain
}

/// Whether a number of digits ends with the digit that its others ask for.
///
/// - Source: GS1 General Specifications 24, 7.9.1.
fn checked(digits: &str) -> Result<(), ScanError> {
    let mut sum = 0u32;
    for (n, c) in digits.chars().rev().enumerate() {
        let digit = c.to_digit(10).ok_or(ScanError::CheckDigit)?;
        sum = sum.saturating_add(digit.saturating_mul(if n.is_multiple_of(2) { 1 } else { 3 }));
    }
    if sum.is_multiple_of(10) { Ok(()) } else { Err(ScanError::CheckDigit) }
}

/// The NDC within a GTIN: GS1 gives drugs of the United States the prefix 03.
fn ndc_of(gtin: &str) -> Option<String> {
    let body = gtin.get(1..13)?;
    body.strip_prefix("03").map(str::to_owned)
}

/// - Source: GS1 General Specifications 24, 3.4.7 and 7.12: day 00 is the last of the month, and
///   of two possible centuries the nearer one is meant.
fn day_of(text: &str) -> Result<Date, ScanError> {
    let part = |at: std::ops::Range<usize>| text.get(at).and_then(|it| it.parse::<i8>().ok());
    let (Some(year), Some(month), Some(day)) = (part(0..2), part(2..4), part(4..6)) else {
        return Err(ScanError::Day);
    };
    let year = 2000 + i16::from(year);
    if !(1..=12).contains(&month) {
        return Err(ScanError::Day);
    }
    match day {
        0 => Date::new(year, month, 1).map(Date::last_of_month).map_err(|_| ScanError::Day),
        day => Date::new(year, month, day).map_err(|_| ScanError::Day),
    }
}

/// The three ways in which ten digits of an NDC can be eleven.
///
/// - Shape: nobody can tell from ten digits alone which of them is meant.
pub fn ndc11_of(ndc10: &str) -> Vec<String> {
    let part = |at: std::ops::Range<usize>| ndc10.get(at).unwrap_or_default();
    if ndc10.len() != 10 || !ndc10.bytes().all(|b| b.is_ascii_digit()) {
        return Vec::new();
    }
    vec![
        format!("0{}", ndc10),
        format!("{}0{}", part(0..5), part(5..10)),
        format!("{}0{}", part(0..9), part(9..10)),
    ]
}
