//! Reading JSON.

use std::borrow::Cow;

use ward_core::limits::JSON_DEPTH_MAX;

use super::{Json, Number, Object};

/// Longest number, in bytes.
/// LIMIT: FHIR decimals have at most 18 significant digits; this leaves room for zeros.
const NUMBER_BYTES_MAX: usize = 128;

/// Bytes are not JSON, or not JSON that FHIR allows.
#[derive(Clone, Copy, PartialEq, Eq, Debug, thiserror::Error)]
#[error("{kind} at line {line}, column {column}")]
pub struct JsonError {
    pub kind: JsonErrorKind,
    /// Offset of the byte that was not expected.
    pub at: usize,
    pub line: usize,
    /// Bytes since the line began, from 1.
    pub column: usize,
}

#[derive(Clone, Copy, PartialEq, Eq, Debug, thiserror::Error)]
pub enum JsonErrorKind {
    #[error("the text ends too early")]
    End,
    #[error("a value was expected")]
    Value,
    #[error("a member name in quotes was expected")]
    Name,
    #[error("a colon was expected")]
    Colon,
    #[error("a comma or the closing bracket was expected")]
    Comma,
    #[error("a number that JSON does not know")]
    Number,
    #[error("a number of more than 128 characters")]
    NumberLength,
    #[error("an escape that JSON does not know")]
    Escape,
    #[error("half of a surrogate pair")]
    Surrogate,
    #[error("a control character inside a string")]
    Control,
    #[error("bytes that are not UTF-8")]
    Utf8,
    #[error("nesting deeper than 64 levels")]
    Depth,
    #[error("a member that is there twice")]
    Twice,
    #[error("something after the end of the value")]
    Trailing,
    #[error("a byte order mark")]
    Mark,
}

pub(super) fn parse(bytes: &[u8]) -> Result<Json<'_>, JsonError> {
    if bytes.starts_with(b"\xef\xbb\xbf") {
        return Err(located(bytes, 0, JsonErrorKind::Mark));
    }
    // One check of the whole text is faster than one for each string.
    let text = match std::str::from_utf8(bytes) {
        Ok(text) => text,
        Err(e) => return Err(located(bytes, e.valid_up_to(), JsonErrorKind::Utf8)),
    };
    let mut parser = Parser { text, bytes, at: 0 };
    let parsed = parser.white().value(0).and_then(|value| {
        parser.white();
        if parser.at == bytes.len() { Ok(value) } else { Err(JsonErrorKind::Trailing) }
    });
    parsed.map_err(|kind| located(bytes, parser.at, kind))
}

fn located(bytes: &[u8], at: usize, kind: JsonErrorKind) -> JsonError {
    let before = bytes.get(..at).unwrap_or(bytes);
    let line = 1 + memchr::memchr_iter(b'\n', before).count();
    let column = 1 + before.iter().rev().take_while(|b| **b != b'\n').count();
    JsonError { kind, at, line, column }
}

struct Parser<'a> {
    text: &'a str,
    bytes: &'a [u8],
    at: usize,
}

type Result2<T> = Result<T, JsonErrorKind>;

impl<'a> Parser<'a> {
    fn peek(&self) -> Option<u8> {
        self.bytes.get(self.at).copied()
    }

    fn white(&mut self) -> &mut Parser<'a> {
        while matches!(self.peek(), Some(b' ' | b'\n' | b'\r' | b'\t')) {
            self.at += 1;
        }
        self
    }

    fn value(&mut self, depth: usize) -> Result2<Json<'a>> {
        match self.peek() {
            Some(b'"') => Ok(Json::String(self.string()?)),
            Some(b'{') => self.object(depth),
            Some(b'[') => self.array(depth),
            Some(b'-' | b'0'..=b'9') => self.number(),
            Some(b't') => self.word("true", Json::Bool(true)),
            Some(b'f') => self.word("false", Json::Bool(false)),
            Some(b'n') => self.word("null", Json::Null),
            Some(_) => Err(JsonErrorKind::Value),
            None => Err(JsonErrorKind::End),
        }
    }

    fn word(&mut self, word: &str, value: Json<'a>) -> Result2<Json<'a>> {
        let rest = self.bytes.get(self.at..).unwrap_or_default();
        if rest.starts_with(word.as_bytes()) {
            self.at += word.len();
            Ok(value)
        } else {
            Err(JsonErrorKind::Value)
        }
    }

    fn array(&mut self, depth: usize) -> Result2<Json<'a>> {
        if JSON_DEPTH_MAX <= depth {
            return Err(JsonErrorKind::Depth);
        }
        self.at += 1;
        if self.white().peek() == Some(b']') {
            self.at += 1;
            return Ok(Json::Array(Vec::new()));
        }
        // Most arrays in FHIR have one item.
        let mut items = Vec::with_capacity(1);
        loop {
            items.push(self.white().value(depth + 1)?);
            if self.closes(b']')? {
                return Ok(Json::Array(items));
            }
        }
    }

    fn object(&mut self, depth: usize) -> Result2<Json<'a>> {
        if JSON_DEPTH_MAX <= depth {
            return Err(JsonErrorKind::Depth);
        }
        self.at += 1;
        let mut object = Object::new();
        if self.white().peek() == Some(b'}') {
            self.at += 1;
            return Ok(Json::Object(object));
        }
        let mut names = Names::default();
        loop {
            match self.white().peek() {
                Some(b'"') => {}
                Some(_) => return Err(JsonErrorKind::Name),
                None => return Err(JsonErrorKind::End),
            }
            let name = self.string()?;
            if !names.is_new(&object, &name) {
                return Err(JsonErrorKind::Twice);
            }
            match self.white().peek() {
                Some(b':') => self.at += 1,
                Some(_) => return Err(JsonErrorKind::Colon),
                None => return Err(JsonErrorKind::End),
            }
            let value = self.white().value(depth + 1)?;
            object.push(name, value);
            if self.closes(b'}')? {
                return Ok(Json::Object(object));
            }
        }
    }

    /// Passes a comma or the closing bracket, and tells which.
    fn closes(&mut self, bracket: u8) -> Result2<bool> {
        match self.white().peek() {
            Some(b',') => {
                self.at += 1;
                Ok(false)
            }
            Some(b) if b == bracket => {
                self.at += 1;
                Ok(true)
            }
            Some(_) => Err(JsonErrorKind::Comma),
            None => Err(JsonErrorKind::End),
        }
    }

    fn number(&mut self) -> Result2<Json<'a>> {
        let start = self.at;
        if self.peek() == Some(b'-') {
            self.at += 1;
        }
        match self.peek() {
            Some(b'0') => self.at += 1,
            Some(b'1'..=b'9') => self.digits(),
            _ => return Err(JsonErrorKind::Number),
        }
        if self.peek() == Some(b'.') {
            self.at += 1;
            self.some_digits()?;
        }
        if matches!(self.peek(), Some(b'e' | b'E')) {
            self.at += 1;
            if matches!(self.peek(), Some(b'+' | b'-')) {
                self.at += 1;
            }
            self.some_digits()?;
        }
        if NUMBER_BYTES_MAX < self.at - start {
            return Err(JsonErrorKind::NumberLength);
        }
        let text = self.text.get(start..self.at).ok_or(JsonErrorKind::Number)?;
        Ok(Json::Number(Number(Cow::Borrowed(text))))
    }

    fn digits(&mut self) {
        while matches!(self.peek(), Some(b'0'..=b'9')) {
            self.at += 1;
        }
    }

    fn some_digits(&mut self) -> Result2<()> {
        let start = self.at;
        self.digits();
        if start < self.at { Ok(()) } else { Err(JsonErrorKind::Number) }
    }

    /// Reads a string whose opening quote is next.
    fn string(&mut self) -> Result2<Cow<'a, str>> {
        self.at += 1;
        let plain = self.plain()?;
        if self.peek() == Some(b'"') {
            self.at += 1;
            return Ok(Cow::Borrowed(plain));
        }
        self.escaped(plain.to_owned()).map(Cow::Owned)
    }

    /// Text up to the next quote or escape.
    fn plain(&mut self) -> Result2<&'a str> {
        let start = self.at;
        self.at += plain_len(self.bytes.get(start..).unwrap_or_default());
        match self.peek() {
            Some(b'"' | b'\\') => self.text.get(start..self.at).ok_or(JsonErrorKind::Utf8),
            Some(_) => Err(JsonErrorKind::Control),
            None => Err(JsonErrorKind::End),
        }
    }

    /// The rest of a string from its first escape on.
    fn escaped(&mut self, mut out: String) -> Result2<String> {
        loop {
            match self.peek() {
                None => return Err(JsonErrorKind::End),
                Some(b'"') => {
                    self.at += 1;
                    return Ok(out);
                }
                Some(b'\\') => {
                    self.at += 1;
                    out.push(self.escape()?);
                }
                Some(_) => out.push_str(self.plain()?),
            }
        }
    }

    fn escape(&mut self) -> Result2<char> {
        let escape = self.peek().ok_or(JsonErrorKind::End)?;
        self.at += 1;
        Ok(match escape {
            b'"' => '"',
            b'\\' => '\\',
            b'/' => '/',
            b'b' => '\u{8}',
            b'f' => '\u{c}',
            b'n' => '\n',
            b'r' => '\r',
            b't' => '\t',
            b'u' => {
                let first = self.hex4()?;
                let code = match first {
                    0xd800..=0xdbff => {
                        if self.bytes.get(self.at..self.at + 2) != Some(b"\\u") {
                            return Err(JsonErrorKind::Surrogate);
                        }
                        self.at += 2;
                        match self.hex4()? {
                            low @ 0xdc00..=0xdfff => {
                                0x1_0000 + ((first - 0xd800) << 10) + (low - 0xdc00)
                            }
                            _ => return Err(JsonErrorKind::Surrogate),
                        }
                    }
                    0xdc00..=0xdfff => return Err(JsonErrorKind::Surrogate),
                    other => other,
                };
                char::from_u32(code).ok_or(JsonErrorKind::Surrogate)?
            }
            _ => {
                self.at -= 1;
                return Err(JsonErrorKind::Escape);
            }
        })
    }

    fn hex4(&mut self) -> Result2<u32> {
        let mut code = 0;
        for _ in 0..4 {
            let digit = self.peek().ok_or(JsonErrorKind::End)?;
            let digit = char::from(digit).to_digit(16).ok_or(JsonErrorKind::Escape)?;
            code = code << 4 | digit;
            self.at += 1;
        }
        Ok(code)
    }
}

/// How many bytes come before a quote, a backslash or a control character.
///
/// - Cost: eight bytes a step; FHIR's strings are short, so a call for each would cost more.
fn plain_len(bytes: &[u8]) -> usize {
    const ONES: u64 = 0x0101_0101_0101_0101;
    const HIGH: u64 = 0x8080_8080_8080_8080;
    // A byte below `limit` sets its high bit; a borrow can only wrong the bytes behind it.
    let below = |word: u64, limit: u8| word.wrapping_sub(ONES * u64::from(limit)) & !word & HIGH;
    let mut at = 0;
    let mut rest = bytes;
    while let Some((eight, after)) = rest.split_first_chunk::<8>() {
        let word = u64::from_le_bytes(*eight);
        let quote = below(word ^ (ONES * u64::from(b'"')), 1);
        let escape = below(word ^ (ONES * u64::from(b'\\')), 1);
        let found = below(word, 0x20) | quote | escape;
        if found != 0 {
            return at + usize::try_from(found.trailing_zeros() / 8).unwrap_or(0);
        }
        at += 8;
        rest = after;
    }
    let stops = |b: &u8| *b < 0x20 || matches!(b, b'"' | b'\\');
    at + rest.iter().position(stops).unwrap_or(rest.len())
}

/// Finds a repeated name: by walking while there are few, by a set after that, so that an object
/// of a million members does not take a million walks.
#[derive(Default)]
struct Names {
    many: rustc_hash::FxHashSet<String>,
}

/// LIMIT: no FHIR type has more members than this; only hostile input does.
const WALK_MAX: usize = 48;

impl Names {
    fn is_new(&mut self, object: &Object<'_>, name: &str) -> bool {
        if object.len() < WALK_MAX {
            return !object.contains(name);
        }
        if self.many.is_empty() {
            self.many.extend(object.iter().map(|(name, _)| name.to_owned()));
        }
        self.many.insert(name.to_owned())
    }
}
