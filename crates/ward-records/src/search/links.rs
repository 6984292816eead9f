//! `self` and `next`.

use ward_fhir::search::SearchRequest;

/// Relation and address of each link.
pub(crate) fn of(
    here: &str,
    request: &SearchRequest,
    next: Option<String>,
) -> Vec<(&'static str, String)> {
    let mut applied = String::new();
    for (name, value) in &request.applied {
        applied.push(if applied.is_empty() { '?' } else { '&' });
        encode(name, &mut applied);
        applied.push('=');
        encode(value, &mut applied);
    }
    let mut links = vec![("self", format!("{here}{applied}"))];
    if let Some(cursor) = next {
        let join = if applied.is_empty() { '?' } else { '&' };
        links.push(("next", format!("{here}{applied}{join}_cursor={cursor}")));
    }
    links
}

/// Percent-encodes what a query may not hold as it is; `:`, `,`, `/`, `$` and `|` stay readable
/// where the standard allows them.
///
/// - Source: RFC 3986, 3.4.
pub(crate) fn encode(text: &str, out: &mut String) {
    for byte in text.bytes() {
        match byte {
            b'A'..=b'Z' | b'a'..=b'z' | b'0'..=b'9' => out.push(char::from(byte)),
            b'-' | b'.' | b'_' | b'~' | b':' | b',' | b'/' | b'$' | b'*' => {
                out.push(char::from(byte));
            }
            other => out.push_str(&format!("%{other:02X}")),
        }
    }
}
