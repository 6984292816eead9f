//! Which form of answer a client takes. Ward speaks JSON.

use hyper::{HeaderMap, StatusCode, header};
use ward_fhir::outcome::IssueCode;

use crate::respond::Refusal;

/// Refuses a request for a form that Ward does not speak. `_format` counts before `Accept`.
///
/// - Source: FHIR R4, 3.1.0.1.9 content types and encodings, and 3.1.0.1.11.1 `_format`.
pub(crate) fn check(headers: &HeaderMap, query: &str) -> Result<(), Refusal> {
    let format = query.split('&').find_map(|pair| pair.strip_prefix("_format="));
    let speaks = match format {
        Some(format) => {
            let format = format.replace("%2F", "/").replace("%2f", "/").replace("%2B", "+");
            // An unescaped plus reads as a blank.
            is_json(format.replace("%2b", "+").replace(' ', "+").split(';').next().unwrap_or(""))
        }
        None => accepts_json(headers),
    };
    if speaks {
        return Ok(());
    }
    Err(Refusal::new(
        StatusCode::NOT_ACCEPTABLE,
        IssueCode::NotSupported,
        "answers are `application/fhir+json` only",
    ))
}

fn accepts_json(headers: &HeaderMap) -> bool {
    let mut values = headers.get_all(header::ACCEPT).iter().peekable();
    if values.peek().is_none() {
        return true;
    }
    values.filter_map(|value| value.to_str().ok()).flat_map(|value| value.split(',')).any(|range| {
        let mut parts = range.split(';').map(str::trim);
        let kind = parts.next().unwrap_or_default();
        let refused = parts.any(|part| matches!(part, "q=0" | "q=0.0" | "q=0.00" | "q=0.000"));
        !refused && (matches!(kind, "*/*" | "application/*" | "text/*") || is_json(kind))
    })
}

fn is_json(kind: &str) -> bool {
    ["application/fhir+json", "application/json", "json", "text/json", "application/json+fhir"]
        .iter()
        .any(|known| kind.trim().eq_ignore_ascii_case(known))
}

#[cfg(test)]
mod tests {
    use hyper::header::HeaderValue;

    use super::*;

    #[test]
    fn json_in_its_spellings_and_nothing_else() {
        let with = |accept: &'static str| {
            let mut headers = HeaderMap::new();
            headers.insert(header::ACCEPT, HeaderValue::from_static(accept));
            headers
        };
        let fine = |headers: &HeaderMap, query: &str| check(headers, query).is_ok();
        assert!(fine(&HeaderMap::new(), ""));
        for accept in [
            "application/fhir+json",
            "application/fhir+json; fhirVersion=4.0",
            "application/json, text/plain, */*",
            "text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8",
        ] {
            assert!(fine(&with(accept), ""), "{accept}");
        }
        for accept in ["application/fhir+xml", "text/turtle", "application/json;q=0"] {
            assert!(!fine(&with(accept), ""), "{accept}");
        }
        let xml = with("application/fhir+xml");
        for query in [
            "_format=json",
            "a=b&_format=application/fhir+json",
            "_format=application%2Ffhir%2Bjson",
        ] {
            assert!(fine(&xml, query), "{query}");
        }
        assert!(!fine(&with("*/*"), "_format=xml"));
        assert!(!fine(&HeaderMap::new(), "name=x&_format=application/fhir+xml"));
    }
}
