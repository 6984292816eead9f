//! Codes of FHIR as codes of v2, and URIs as the names that v2 has for them.

use ward_fhir::{Json, json::Object};
use ward_hl7::map::{CodeMap, Coded, Maps};

/// A table of codes, backwards.
#[derive(Clone, Copy)]
pub(super) struct CodesBack<'m> {
    there: &'m CodeMap,
    /// The code of v2 where several became one: `codes back:NAME`.
    chosen: Option<&'m CodeMap>,
}

impl<'m> CodesBack<'m> {
    pub fn new(maps: &'m Maps, name: &str) -> Option<CodesBack<'m>> {
        let there = maps.codes(name)?;
        let chosen = maps.codes(&format!("back:{name}")).map(|map| &**map);
        Some(CodesBack { there, chosen })
    }

    /// The code of v2 for a code of FHIR.
    ///
    /// - Shape: the one that was chosen; else of several the same code, then one that begins with
    ///   the same letter, then the first.
    pub fn code(self, code: &str, system: Option<&str>) -> Option<&'m str> {
        let fits = |coded: &Coded| {
            *coded.code == *code
                && system.is_none_or(|system| coded.system.is_empty() || *coded.system == *system)
        };
        if let Some(chosen) = self.chosen.and_then(|map| map.rows.get(code)) {
            let is_there = self.there.rows.values().any(fits);
            return is_there.then_some(&*chosen.code);
        }
        let rank = |name: &str| {
            let first = |text: &str| text.chars().next().map(|c| c.to_ascii_lowercase());
            if name.eq_ignore_ascii_case(code) {
                0
            } else if first(name) == first(code) {
                1
            } else {
                2
            }
        };
        let found = self.there.rows.iter().filter(|(name, coded)| {
            // What nobody knows is said by a code that says so, or not at all.
            fits(coded) && (code != "unknown" || rank(name) < 2)
        });
        found.min_by_key(|(name, _)| (rank(name), name.len())).map(|(name, _)| &**name)
    }
}

/// A CodeableConcept or Coding with the codes of v2 in place of those that they became.
///
/// - Shape: a code that was made from one beside it is left out.
pub(super) fn concept_back(map: CodesBack<'_>, concept: &Json<'_>) -> Json<'static> {
    let is_coding = concept.get("coding").is_none();
    let codings = match is_coding {
        true => std::slice::from_ref(concept),
        false => concept.get("coding").map(Json::items).unwrap_or_default(),
    };
    let text =
        |coding: &Json<'_>, name: &str| coding.get(name).and_then(Json::as_str).map(str::to_owned);
    let mut back: Vec<Json<'static>> = Vec::new();
    for coding in codings {
        // A code of no system is what a message said, not what was made of it.
        let system = text(coding, "system");
        let made = text(coding, "code")
            .filter(|_| system.is_some())
            .and_then(|code| map.code(&code, system.as_deref()));
        let Some(made) = made else {
            back.push(coding.clone().into_owned());
            continue;
        };
        let is_beside = codings.iter().any(|other| {
            !std::ptr::eq(other, coding)
                && text(other, "code").is_some_and(|code| {
                    map.there
                        .rows
                        .get(code.as_str())
                        .is_some_and(|coded| Some(&*coded.code) == text(coding, "code").as_deref())
                })
        });
        if is_beside {
            continue;
        }
        let is_same = text(coding, "code").as_deref() == Some(made);
        let mut own = match is_same {
            true => coding.as_object().cloned().map(Object::into_owned).unwrap_or_default(),
            false => Object::new(),
        };
        own.insert("code", Json::string(made.to_owned()));
        // The same letter of another system: the table of the field is meant.
        if is_same && text(coding, "system").is_some_and(|system| !system.contains("/v2-")) {
            own.remove("system");
        }
        if !is_same && let Some(display) = text(coding, "display") {
            own.insert("display", Json::string(display));
        }
        back.push(Json::Object(own));
    }
    if is_coding {
        return back.into_iter().next().unwrap_or(Json::Object(Object::new()));
    }
    let mut out = concept.as_object().cloned().map(Object::into_owned).unwrap_or_default();
    out.insert("coding", Json::Array(back));
    Json::Object(out)
}

/// The name in v2 of a code system.
///
/// - Source: HL7 table 0396; tables of HL7 itself are `HL70001`.
pub(super) fn system_back(maps: &Maps, local_base: &str, uri: &str) -> String {
    if let Some(name) = maps.system_name(uri) {
        return name.to_owned();
    }
    let table = uri.strip_prefix("http://terminology.hl7.org/CodeSystem/v2-");
    if let Some(table) = table.filter(|it| it.len() == 4 && it.bytes().all(|b| b.is_ascii_digit()))
    {
        return format!("HL7{table}");
    }
    if let Some(name) = local_name(local_base, uri) {
        return name;
    }
    uri.strip_prefix("urn:oid:").unwrap_or(uri).to_owned()
}

/// The name that a URI was made from.
pub(super) fn local_name(local_base: &str, uri: &str) -> Option<String> {
    let rest = uri.strip_prefix(local_base)?;
    let name = rest.strip_prefix("authority:").or_else(|| rest.strip_prefix("codes:"))?;
    Some(unescaped(name))
}

/// HD: name, number, kind of number.
pub(super) struct Authority {
    pub name: Option<String>,
    pub number: Option<(String, &'static str)>,
}

/// The authority that a URI of an identifier's system names.
pub(super) fn authority_back(maps: &Maps, local_base: &str, uri: &str) -> Authority {
    let number = |uri: &str| {
        if let Some(oid) = uri.strip_prefix("urn:oid:") {
            return (oid.to_owned(), "ISO");
        }
        match uri.strip_prefix("urn:uuid:") {
            Some(uuid) => (uuid.to_owned(), "UUID"),
            None => (uri.to_owned(), "URI"),
        }
    };
    if let Some(name) = uri.strip_prefix(local_base).and_then(|it| it.strip_prefix("authority:")) {
        return Authority { name: Some(unescaped(name)), number: None };
    }
    // No URI: what somebody wrote as the name.
    if !uri.contains(':') && !uri.contains('.') {
        return Authority { name: Some(uri.to_owned()), number: None };
    }
    match maps.authority_name(uri) {
        // Some have a URI that people use instead of their OID.
        Some(own) if own.starts_with("urn:") => Authority { name: None, number: Some(number(own)) },
        Some(name) => Authority { name: Some(name.to_owned()), number: None },
        None => Authority { name: None, number: Some(number(uri)) },
    }
}

/// `%20` as the character it stands for.
fn unescaped(text: &str) -> String {
    let mut out = Vec::with_capacity(text.len());
    let mut bytes = text.bytes();
    while let Some(byte) = bytes.next() {
        let mut ahead = bytes.clone();
        let digits = (ahead.next(), ahead.next());
        let hex = |b: Option<u8>| b.and_then(|b| char::from(b).to_digit(16));
        match (byte, hex(digits.0), hex(digits.1)) {
            (b'%', Some(high), Some(low)) => {
                out.push(u8::try_from(16 * high + low).unwrap_or(b'?'));
                bytes = ahead;
            }
            _ => out.push(byte),
        }
    }
    String::from_utf8_lossy(&out).into_owned()
}
