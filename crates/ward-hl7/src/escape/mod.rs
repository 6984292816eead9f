//! Escape sequences inside a value.
//!
//! - Source: HL7 v2.8, 2.7 Use of escape sequences in text fields.

mod plain;
#[cfg(test)]
mod tests;

use std::borrow::Cow;

use crate::separators::Separators;

pub use plain::{flaw, plain};

/// One piece of a value.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Piece<'t> {
    Text(&'t str),
    /// A delimiter: `\F\ \S\ \T\ \R\ \E\ \P\`.
    Delimiter(char),
    /// `\Xhh..\`: the digits, an even number of them.
    Hex(&'t str),
    /// `\Cxxyy\`: the digits of a switch to a single-byte set.
    SingleByte(&'t str),
    /// `\Mxxyyzz\`: the digits of a switch to a multi-byte set.
    MultiByte(&'t str),
    /// `\H\`.
    HighlightOn,
    /// `\N\`.
    HighlightOff,
    Format(Format),
    /// `\Zxx\`: what a site agreed on; with its delimiters.
    Local(&'t str),
    /// Not defined; the whole sequence with its delimiters.
    Unknown(&'t str),
    /// An escape character without a second one; the rest of the value.
    Open(&'t str),
}

/// A formatting command of FT.
///
/// - Source: HL7 v2.8, 2.7.6 Formatted text.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Format {
    /// `.br`: begin a new line.
    Break,
    /// `.sp n`: end the line and skip `n` lines.
    Space(u16),
    /// `.sk n`: skip `n` spaces.
    Skip(u16),
    /// `.ce`: end the line and center the next one.
    Center,
    /// `.fi`.
    WrapOn,
    /// `.nf`.
    WrapOff,
    /// `.in n`: indent what follows by `n` spaces.
    Indent(i16),
    /// `.ti n`: indent the next line.
    IndentOnce(i16),
}

/// The pieces of `text`, in order. Together they are the whole of it.
pub fn pieces<'t>(text: &'t str, separators: &Separators) -> Pieces<'t> {
    Pieces { rest: text, separators: *separators }
}

/// An iterator over the pieces of a value.
#[derive(Clone)]
pub struct Pieces<'t> {
    rest: &'t str,
    separators: Separators,
}

impl<'t> Iterator for Pieces<'t> {
    type Item = Piece<'t>;

    fn next(&mut self) -> Option<Piece<'t>> {
        if self.rest.is_empty() {
            return None;
        }
        let all = self.rest;
        let Some(escape) = self.separators.escape().map(char::from) else {
            self.rest = "";
            return Some(Piece::Text(all));
        };
        let Some(inside) = all.strip_prefix(escape) else {
            let (text, rest) = all.split_at_checked(all.find(escape).unwrap_or(all.len()))?;
            self.rest = rest;
            return Some(Piece::Text(text));
        };
        let Some((body, rest)) = inside.split_once(escape) else {
            self.rest = "";
            return Some(Piece::Open(all));
        };
        self.rest = rest;
        let whole = all.get(..all.len() - rest.len()).unwrap_or(all);
        Some(sequence(body, whole, &self.separators).unwrap_or(Piece::Unknown(whole)))
    }
}

fn sequence<'t>(body: &'t str, whole: &'t str, separators: &Separators) -> Option<Piece<'t>> {
    let or = |delimiter: Option<u8>, usual: char| {
        Some(Piece::Delimiter(delimiter.map_or(usual, char::from)))
    };
    match body {
        "F" => or(Some(separators.field()), '|'),
        "S" => or(Some(separators.component()), '^'),
        "T" => or(separators.subcomponent(), '&'),
        "R" => or(separators.repetition(), '~'),
        "E" => or(separators.escape(), '\\'),
        "P" => or(separators.truncation(), '#'),
        "H" => Some(Piece::HighlightOn),
        "N" => Some(Piece::HighlightOff),
        _ => {
            let mut chars = body.chars();
            let kind = chars.next()?;
            let rest = chars.as_str();
            let digits = rest.bytes().all(|b| b.is_ascii_hexdigit());
            match (kind, rest.len()) {
                ('X', n) if digits && 0 < n && n % 2 == 0 => Some(Piece::Hex(rest)),
                ('C', 4) if digits => Some(Piece::SingleByte(rest)),
                // SPEC: `zz` is left out by sets that are chosen with two bytes.
                ('M', 4 | 6) if digits => Some(Piece::MultiByte(rest)),
                ('Z', _) => Some(Piece::Local(whole)),
                ('.', _) => format(rest).map(Piece::Format),
                _ => None,
            }
        }
    }
}

fn format(command: &str) -> Option<Format> {
    let (name, amount) = command.split_at_checked(2)?;
    // A space may stand before the number, and a plus before it.
    let amount = amount.trim();
    let count = |usual: u16| {
        if amount.is_empty() { Some(usual) } else { amount.trim_start_matches('+').parse().ok() }
    };
    let indent = || {
        if amount.is_empty() { Some(0) } else { amount.trim_start_matches('+').parse().ok() }
    };
    match name {
        "br" if amount.is_empty() => Some(Format::Break),
        "ce" if amount.is_empty() => Some(Format::Center),
        "fi" if amount.is_empty() => Some(Format::WrapOn),
        "nf" if amount.is_empty() => Some(Format::WrapOff),
        "sp" => count(1).map(Format::Space),
        "sk" => count(1).map(Format::Skip),
        "in" => indent().map(Format::Indent),
        "ti" => indent().map(Format::IndentOnce),
        _ => None,
    }
}

/// A value cannot be written: it has a delimiter, and MSH-2 names no escape character.
#[derive(Clone, Copy, PartialEq, Eq, Debug, thiserror::Error)]
#[error("the message has no escape character, and the value needs one")]
pub struct NoEscape;

/// `text` as it stands in a message: delimiters and control characters escaped.
///
/// - Shape: read back by [`plain`] it is `text` again. Two quotes alone are the explicit null, so
///   text of two quotes is written in hexadecimal.
/// - Errors: [`NoEscape`].
pub fn escape<'t>(text: &'t str, separators: &Separators) -> Result<Cow<'t, str>, NoEscape> {
    let sequence = |c: char| -> Option<Cow<'static, str>> {
        let byte = u8::try_from(c).ok()?;
        let some = Some(byte);
        if byte == separators.field() {
            Some("F".into())
        } else if byte == separators.component() {
            Some("S".into())
        } else if some == separators.repetition() {
            Some("R".into())
        } else if some == separators.escape() {
            Some("E".into())
        } else if some == separators.subcomponent() {
            Some("T".into())
        } else if some == separators.truncation() {
            Some("P".into())
        } else if byte < 0x20 || byte == 0x7f {
            Some(format!("X{byte:02X}").into())
        } else {
            None
        }
    };
    let is_null = text == "\"\"";
    if !is_null && text.chars().all(|c| sequence(c).is_none()) {
        return Ok(Cow::Borrowed(text));
    }
    let escape = char::from(separators.escape().ok_or(NoEscape)?);
    let mut out = String::with_capacity(text.len() + 8);
    if is_null {
        out.extend([escape, 'X', '2', '2', '2', '2', escape]);
        return Ok(Cow::Owned(out));
    }
    for c in text.chars() {
        match sequence(c) {
            Some(body) => {
                out.push(escape);
                out.push_str(&body);
                out.push(escape);
            }
            None => out.push(c),
        }
    }
    Ok(Cow::Owned(out))
}
