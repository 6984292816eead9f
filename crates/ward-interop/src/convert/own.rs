//! What rows cannot say: conversions with a name, `!lines`, `!location` and the like.

use std::borrow::Cow;

use base64::{Engine as _, engine::general_purpose::STANDARD};
use ward_fhir::{Json, definitions::schema};
use ward_hl7::{
    ProblemKind, Severity,
    map::{Row, RowId},
};

use super::{
    run::Engine,
    value::Value,
    write::{At, Cursor},
};

/// Every conversion with a name; a test compares the maps with it.
#[cfg(test)]
pub(super) const NAMES: &[&str] = &[
    "!attachment",
    "!assigner",
    "!authority",
    "!digits",
    "!encoded-lines",
    "!hours-as-minutes",
    "!lines",
    "!location",
    "!name",
    "!range",
    "!seconds-as-minutes",
    "!spaced",
    "!texts",
    "!whole",
];

/// Whether it takes all repetitions of its field at once.
pub(super) fn takes_all(name: &str) -> bool {
    matches!(name, "!lines" | "!encoded-lines" | "!texts")
}

pub(super) fn run<'m>(
    engine: &mut Engine<'_, 'm>,
    name: &str,
    value: Value<'m>,
    cursor: &Cursor,
    row: &Row,
) {
    match name {
        "!whole" => put(engine, cursor, value.whole_text(), &row.id),
        "!lines" => {
            let text = lines(engine);
            put(engine, cursor, text, &row.id);
        }
        "!encoded-lines" => {
            let data = lines(engine).map(|text| base64(text.as_bytes()));
            put(engine, cursor, data, &row.id);
        }
        "!texts" => {
            let texts = texts(engine);
            put(engine, cursor, texts, &row.id);
        }
        "!seconds-as-minutes" => put(engine, cursor, scaled(value, 1, 60), &row.id),
        "!hours-as-minutes" => put(engine, cursor, scaled(value, 60, 1), &row.id),
        "!spaced" => {
            let text = value.whole_text().map(|text| text.replace('^', " ").trim().to_owned());
            put(engine, cursor, text, &row.id);
        }
        "!authority" | "!assigner" => {
            let shift = u16::from(name == "!assigner");
            let system = authority(engine, value, shift);
            put(engine, cursor, system, &row.id);
        }
        "!name" => put(engine, cursor, name_text(value), &row.id),
        "!digits" => {
            let digits = value.text().map(|t| t.chars().filter(char::is_ascii_digit).collect());
            put(engine, cursor, digits, &row.id);
        }
        "!location" => location(engine, value, cursor, &row.id),
        "!attachment" => attachment(engine, value, cursor, &row.id),
        "!range" => range(engine, value, cursor, &row.id),
        _ => other_field(engine, name, cursor, &row.id),
    }
}

fn put(engine: &mut Engine<'_, '_>, cursor: &Cursor, text: Option<String>, row: &RowId) {
    if let Some(text) = text.filter(|text| !text.trim().is_empty()) {
        engine.put_text(cursor, &text, row);
    }
}

/// What all repetitions of a coded field say in words, one a line.
fn texts(engine: &Engine<'_, '_>) -> Option<String> {
    let field = engine.scope.segment.field(usize::from(engine.scope.field));
    let said = |it| {
        let value = Value::Repetition(it);
        [9, 2, 5, 1].into_iter().find_map(|n| value.part(n).text())
    };
    let all = field.into_iter().flat_map(|f| f.repetitions());
    let texts: Vec<Cow<'_, str>> = all.filter_map(said).collect();
    Some(texts.join("\n"))
}

/// A whole number in another unit; nothing where it does not come out whole.
fn scaled(value: Value<'_>, times: u32, by: u32) -> Option<String> {
    let number: u32 = value.text()?.parse().ok()?;
    let number = number.checked_mul(times)?;
    (number.checked_rem(by)? == 0).then(|| number.checked_div(by))?.map(|number| number.to_string())
}

/// All repetitions of the field, one a line: a report in TX or FT.
fn lines(engine: &Engine<'_, '_>) -> Option<String> {
    let field = engine.scope.segment.field(usize::from(engine.scope.field));
    let texts = field.into_iter().flat_map(|f| f.repetitions());
    let texts: Vec<String> =
        texts.map(|it| Value::Repetition(it).whole_text().unwrap_or_default()).collect();
    Some(texts.join("\n").trim_end().to_owned())
}

/// `!3:CWE[CodeableConcept]`: another field of the same segment; `!7:text` is all of its text.
fn other_field<'m>(engine: &mut Engine<'_, 'm>, name: &str, cursor: &Cursor, row: &RowId) {
    let Some((number, by)) = name.trim_start_matches('!').split_once(':') else { return };
    let Ok(number) = number.parse::<usize>() else { return };
    let field = engine.scope.segment.field(number).and_then(|field| field.repetition(1));
    let Some(value) = field.map(Value::Repetition).filter(|value| value.is_valued()) else {
        return;
    };
    if by == "text" {
        return put(engine, cursor, value.whole_text(), row);
    }
    if let Some(map) = engine.maps().part(by).cloned() {
        engine.value(&map, value, cursor, row);
    }
}

/// HD as the system of an identifier: its OID or UUID, else what the site says of its name. In EI
/// it stands one further.
fn authority(engine: &Engine<'_, '_>, value: Value<'_>, shift: u16) -> Option<String> {
    let part = |n: u16| value.part(n + shift).text();
    let name = part(1);
    if let Some(uri) = name.as_deref().and_then(|name| engine.maps().authority(name)) {
        return Some(uri.to_owned());
    }
    // Some have a URI that people use instead of their OID.
    let known = |uri: String| engine.maps().authority(&uri).map_or(uri.clone(), ToOwned::to_owned);
    match (part(2), part(3).as_deref()) {
        (Some(id), Some("ISO")) => Some(known(format!("urn:oid:{id}"))),
        (Some(id), Some("UUID" | "GUID")) => Some(format!("urn:uuid:{}", id.to_lowercase())),
        (Some(id), Some("URI" | "URL")) => Some(id.into_owned()),
        (Some(id), Some("DNS")) if name.is_none() => Some(engine.authority(&id)),
        (Some(id), _) if super::code::is_oid(&id) => Some(known(format!("urn:oid:{id}"))),
        (id, _) => name.or(id).map(|name| engine.authority(&name)),
    }
}

/// XPN or XCN without its number, as people say it.
fn name_text(value: Value<'_>) -> Option<String> {
    let part = |n| value.part(n).text();
    let order = [part(5), part(2), part(3), part(1), part(4)];
    let words: Vec<Cow<'_, str>> = order.into_iter().flatten().collect();
    (!words.is_empty()).then(|| words.join(" "))
}

/// The levels of PL, the innermost first: component, physical type.
///
/// - Source: HL7 v2.8, 2.A.53 PL; FHIR R4, location-physical-type.
const LEVELS: [(u16, &str); 6] =
    [(3, "bd"), (2, "ro"), (8, "lvl"), (1, "wa"), (7, "bu"), (4, "si")];

/// A place of PL: one Location for each level, each part of the next; the reference goes to the
/// innermost.
fn location<'m>(engine: &mut Engine<'_, 'm>, value: Value<'m>, cursor: &Cursor, row: &RowId) {
    let Some(def) = schema().resource("Location") else { return };
    let mut at = cursor.clone();
    let mut is_first = true;
    for (component, kind) in LEVELS {
        let part = value.part(component);
        if !part.is_valued() {
            continue;
        }
        let entry = if is_first { Some(at.clone()) } else { engine.inner(&at, "partOf") };
        let Some(entered) = entry.and_then(|entry| engine.enter(&entry, def, row)) else { return };
        at = entered;
        place(engine, part, &at, kind, row);
        if is_first {
            first(engine, value, &at, row);
        }
        is_first = false;
    }
    // Only a description, or the number of the whole place.
    if is_first
        && (value.part(9).is_valued() || value.part(10).is_valued())
        && let Some(entered) = engine.enter(&at, def, row)
    {
        first(engine, value, &entered, row);
    }
}

/// One level: its name and number.
fn place<'m>(engine: &mut Engine<'_, 'm>, part: Value<'m>, at: &Cursor, kind: &str, row: &RowId) {
    let put = |engine: &mut Engine<'_, 'm>, path: &[&str], text: &str| {
        if let Some(cursor) = engine.inner_path(at, path) {
            engine.put_text(&cursor, text, row);
        }
    };
    put(engine, &["mode"], "instance");
    let system = "http://terminology.hl7.org/CodeSystem/location-physical-type";
    put(engine, &["physicalType", "coding", "system"], system);
    put(engine, &["physicalType", "coding", "code"], kind);
    let name = part.part(1).text();
    let number = part.part(2).text();
    if let Some(text) = name.as_deref().or(number.as_deref()) {
        put(engine, &["name"], text);
        put(engine, &["identifier", "value"], text);
    }
    if name.is_some()
        && let Some(number) = number
    {
        let (kind, value) = match part.part(3).text().as_deref() {
            Some("ISO") => ("urn:ietf:rfc:3986", format!("urn:oid:{number}")),
            Some("UUID") => ("urn:ietf:rfc:3986", format!("urn:uuid:{number}")),
            _ => ("", number.into_owned()),
        };
        if let Some(mut second) = engine.inner(at, "identifier") {
            if let Some(key) = second.path.last_mut().and_then(|hop| hop.key.as_mut()) {
                key.label = 2;
            }
            for (name, text) in [("system", kind), ("value", value.as_str())] {
                if !text.is_empty()
                    && let Some(inner) = engine.inner(&second, name)
                {
                    engine.put(&inner, Json::string(text.to_owned()), row);
                }
            }
        }
    }
}

/// What PL says of the whole place.
fn first<'m>(engine: &mut Engine<'_, 'm>, value: Value<'m>, at: &Cursor, row: &RowId) {
    if let (Some(text), Some(cursor)) =
        (value.part(9).whole_text(), engine.inner(at, "description"))
    {
        engine.put_text(&cursor, &text, row);
    }
    if let Some(kind) = value.part(6).text()
        && let Some(cursor) = engine.inner_path(at, &["type", "coding", "code"])
    {
        engine.put_text(&cursor, &kind, row);
    }
    let whole = value.part(10);
    if let (Some(text), Some(mut cursor)) = (whole.part(1).text(), engine.inner(at, "identifier")) {
        if let Some(key) = cursor.path.last_mut().and_then(|hop| hop.key.as_mut()) {
            key.label = 3;
        }
        if let Some(inner) = engine.inner(&cursor, "value") {
            engine.put_text(&inner, &text, row);
        }
    }
}

/// ED and RP: data, or where it is.
///
/// - Source: HL7 v2.8, 2.A.24 ED, 2.A.66 RP.
fn attachment<'m>(engine: &mut Engine<'_, 'm>, value: Value<'m>, cursor: &Cursor, row: &RowId) {
    let At::Complex(_) = cursor.kind else { return };
    let part = |n| value.part(n).text();
    let (kind, sub) = match (part(2), part(3)) {
        (Some(kind), Some(sub)) => (kind.to_lowercase(), sub.to_lowercase()),
        (Some(kind), None) => (kind.to_lowercase(), String::new()),
        (None, Some(sub)) => ("application".to_owned(), sub.to_lowercase()),
        (None, None) => (String::new(), String::new()),
    };
    let content = match (kind.as_str(), sub.as_str()) {
        ("", _) => String::new(),
        // Type and subtype in one, as many write it.
        (_, sub) if sub.contains('/') => sub.to_owned(),
        ("ft" | "tx" | "st", _) => "text/plain".to_owned(),
        ("im" | "image", sub) => format!("image/{}", if sub.is_empty() { "*" } else { sub }),
        ("ap", sub) => format!("application/{}", if sub.is_empty() { "octet-stream" } else { sub }),
        (kind, "") => kind.to_owned(),
        (kind, sub) => format!("{kind}/{sub}"),
    };
    let write = |engine: &mut Engine<'_, 'm>, name: &str, text: &str| {
        if let Some(inner) = engine.inner(cursor, name) {
            engine.put_text(&inner, text, row);
        }
    };
    if !content.is_empty() && !content.contains('*') {
        write(engine, "contentType", &content);
    }
    match (part(4).as_deref(), part(5)) {
        (Some("Base64"), Some(data)) => {
            let data: String = data.chars().filter(|c| !c.is_whitespace()).collect();
            write(engine, "data", &data);
        }
        (Some("Hex"), Some(data)) => match hex(&data) {
            Some(bytes) => write(engine, "data", &base64(&bytes)),
            None => engine.note(Severity::Warning, ProblemKind::DataType),
        },
        (Some("A"), Some(_)) => {
            let text = value.part(5).whole_text().unwrap_or_default();
            write(engine, "data", &base64(text.as_bytes()));
        }
        // RP: the pointer is the first component.
        (_, None) => {
            if let Some(pointer) = part(1) {
                let is_uri = pointer.contains("://") || pointer.starts_with("urn:");
                write(engine, if is_uri { "url" } else { "title" }, &pointer);
            }
        }
        _ => engine.note(Severity::Warning, ProblemKind::DataType),
    }
}

fn hex(text: &str) -> Option<Vec<u8>> {
    let digits: Option<Vec<u32>> =
        text.chars().filter(|c| !c.is_whitespace()).map(|c| c.to_digit(16)).collect();
    let digits = digits?;
    if digits.len() % 2 != 0 {
        return None;
    }
    digits
        .chunks_exact(2)
        .map(|pair| match pair {
            [high, low] => u8::try_from(16 * high + low).ok(),
            _ => None,
        })
        .collect()
}

fn base64(bytes: &[u8]) -> String {
    STANDARD.encode(bytes)
}

/// `3.5 - 4.5`, `<5`, `>= 1`: the numbers of a reference range, where it is nothing else.
fn range<'m>(engine: &mut Engine<'_, 'm>, value: Value<'m>, cursor: &Cursor, row: &RowId) {
    let Some(text) = value.whole_text() else { return };
    let text = text.trim();
    let low_high = match text.strip_prefix(['<', '>']) {
        Some(rest) => {
            let number = rest.trim_start_matches('=').trim();
            if text.starts_with('<') { (None, Some(number)) } else { (Some(number), None) }
        }
        None => match text.get(1..).and_then(|rest| rest.find('-')) {
            Some(at) => (text.get(..at + 1).map(str::trim), text.get(at + 2..).map(str::trim)),
            None => return,
        },
    };
    let is_number =
        |text: Option<&str>| text.is_none_or(|text| super::primitive::decimal(text).is_some());
    if !is_number(low_high.0) || !is_number(low_high.1) {
        return;
    }
    for (name, number) in [("low", low_high.0), ("high", low_high.1)] {
        if let Some(number) = number
            && let Some(inner) = engine.inner_path(cursor, &[name, "value"])
        {
            engine.put_text(&inner, number, row);
        }
    }
}
