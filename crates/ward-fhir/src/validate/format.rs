//! The formats of primitive values.

use crate::definitions::Primitive;

/// Whether a JSON string is a value of that type. Numbers and booleans are not asked.
///
/// - Source: FHIR R4, Datatypes, Primitive Types (the regular expressions, by hand).
pub fn fits(kind: Primitive, text: &str) -> bool {
    match kind {
        Primitive::Base64Binary => is_base64(text.as_bytes()),
        Primitive::Canonical | Primitive::Uri | Primitive::Url => is_uri(text),
        Primitive::Code => is_code(text),
        Primitive::Date => matches!(date(text.as_bytes()), Some((_, b""))),
        Primitive::DateTime => is_date_time(text.as_bytes()),
        Primitive::Id => is_id(text.as_bytes()),
        Primitive::Instant => is_instant(text.as_bytes()),
        Primitive::Oid => text.strip_prefix("urn:oid:").is_some_and(is_oid),
        Primitive::Time => matches!(time(text.as_bytes()), Some(b"")),
        Primitive::Uuid => text.strip_prefix("urn:uuid:").is_some_and(|u| is_uuid(u.as_bytes())),
        _ => true,
    }
}

/// Whether the text of a number is an integer of that type.
pub fn is_integer(kind: Primitive, text: &str) -> bool {
    let Ok(value) = text.parse::<i32>() else { return false };
    match kind {
        Primitive::PositiveInt => 0 < value,
        Primitive::UnsignedInt => 0 <= value && !text.starts_with('-'),
        _ => true,
    }
}

pub(super) fn is_id(bytes: &[u8]) -> bool {
    let allowed = |b: &u8| b.is_ascii_alphanumeric() || *b == b'-' || *b == b'.';
    (1..=64).contains(&bytes.len()) && bytes.iter().all(allowed)
}

fn is_uri(text: &str) -> bool {
    // Nearly every URI is ASCII; the slow way is for the rest.
    if text.is_ascii() {
        !text.bytes().any(|b| b.is_ascii_whitespace() || b == 0x0b)
    } else {
        !text.chars().any(char::is_whitespace)
    }
}

/// No white space at the ends, and single spaces between words.
fn is_code(text: &str) -> bool {
    let mut was_white = true;
    for c in text.chars() {
        let white = c.is_whitespace();
        if white && was_white {
            return false;
        }
        was_white = white;
    }
    !was_white
}

fn is_base64(bytes: &[u8]) -> bool {
    let (mut n, mut padding) = (0usize, 0usize);
    for byte in bytes {
        match byte {
            b'A'..=b'Z' | b'a'..=b'z' | b'0'..=b'9' | b'+' | b'/' if padding == 0 => n += 1,
            b'=' => padding += 1,
            b' ' | b'\t' | b'\r' | b'\n' => {}
            _ => return false,
        }
    }
    padding <= 2 && (n + padding).is_multiple_of(4) && 0 < n
}

fn is_oid(text: &str) -> bool {
    let mut arcs = text.split('.');
    let number = |arc: &str| {
        !arc.is_empty()
            && arc.bytes().all(|b| b.is_ascii_digit())
            && (arc == "0" || !arc.starts_with('0'))
    };
    matches!(arcs.next(), Some("0" | "1" | "2")) && text.contains('.') && arcs.all(number)
}

fn is_uuid(bytes: &[u8]) -> bool {
    bytes.len() == 36
        && bytes.iter().enumerate().all(|(at, b)| match at {
            8 | 13 | 18 | 23 => *b == b'-',
            _ => b.is_ascii_hexdigit(),
        })
}

fn is_date_time(bytes: &[u8]) -> bool {
    match date(bytes) {
        Some((_, b"")) => true,
        Some((3, [b'T', rest @ ..])) => time(rest).is_some_and(is_zone),
        _ => false,
    }
}

fn is_instant(bytes: &[u8]) -> bool {
    match date(bytes) {
        Some((3, [b'T', rest @ ..])) => time(rest).is_some_and(is_zone),
        _ => false,
    }
}

/// How many parts a leading date has (1 year, 2 month, 3 day), and what follows it.
fn date(bytes: &[u8]) -> Option<(u8, &[u8])> {
    let [a, b, c, d, rest @ ..] = bytes else { return None };
    let year = u16::from(two(*a, *b)?) * 100 + u16::from(two(*c, *d)?);
    if year == 0 {
        return None;
    }
    let [b'-', a, b, rest @ ..] = rest else { return Some((1, rest)) };
    let month = two(*a, *b)?;
    if !(1..=12).contains(&month) {
        return None;
    }
    let [b'-', a, b, rest @ ..] = rest else { return Some((2, rest)) };
    let day = two(*a, *b)?;
    (1 <= day && day <= days_in(year, month)).then_some((3, rest))
}

fn days_in(year: u16, month: u8) -> u8 {
    let leap = year.is_multiple_of(4) && (!year.is_multiple_of(100) || year.is_multiple_of(400));
    match month {
        2 if leap => 29,
        2 => 28,
        4 | 6 | 9 | 11 => 30,
        _ => 31,
    }
}

/// What follows a leading time of day.
fn time(bytes: &[u8]) -> Option<&[u8]> {
    let [h, i, b':', m, j, b':', s, k, rest @ ..] = bytes else { return None };
    // SPEC: second 60 is allowed, for leap seconds; hour 24 is not.
    if 23 < two(*h, *i)? || 59 < two(*m, *j)? || 60 < two(*s, *k)? {
        return None;
    }
    let [b'.', fraction @ ..] = rest else { return Some(rest) };
    let n = fraction.iter().take_while(|b| b.is_ascii_digit()).count();
    if n == 0 { None } else { fraction.get(n..) }
}

fn is_zone(bytes: &[u8]) -> bool {
    match bytes {
        b"Z" => true,
        [b'+' | b'-', h, i, b':', m, j] => match (two(*h, *i), two(*m, *j)) {
            (Some(14), Some(0)) => true,
            (Some(hours), Some(minutes)) => hours < 14 && minutes < 60,
            _ => false,
        },
        _ => false,
    }
}

fn two(tens: u8, ones: u8) -> Option<u8> {
    let digit = |b: u8| b.is_ascii_digit().then(|| b - b'0');
    Some(digit(tens)? * 10 + digit(ones)?)
}
