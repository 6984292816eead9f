//! The searchset: stored bytes put together, not parsed.

use ward_fhir::{
    Json,
    json::write::write_string,
    outcome::operation_outcome,
    search::{SearchRequest, SummaryMode},
};
use ward_store::Stored;

/// One entry of the page.
pub(super) struct Entry {
    pub(super) stored: Stored,
    is_match: bool,
}

impl Entry {
    pub(super) fn matched(stored: Stored) -> Entry {
        Entry { stored, is_match: true }
    }

    pub(super) fn included(stored: Stored) -> Entry {
        Entry { stored, is_match: false }
    }
}

pub(super) fn bundle(
    base: &str,
    request: &SearchRequest,
    links: &[(&'static str, String)],
    total: Option<u64>,
    entries: Vec<Entry>,
) -> Vec<u8> {
    let size: usize = entries.iter().map(|entry| entry.stored.body.len() + 160).sum();
    let mut out = Vec::with_capacity(512 + size);
    out.extend_from_slice(br#"{"resourceType":"Bundle","type":"searchset""#);
    if let Some(total) = total {
        out.extend_from_slice(format!(r#","total":{total}"#).as_bytes());
    }
    out.extend_from_slice(br#","link":["#);
    for (at, (relation, url)) in links.iter().enumerate() {
        if at != 0 {
            out.push(b',');
        }
        out.extend_from_slice(format!(r#"{{"relation":"{relation}","url":"#).as_bytes());
        write_string(url, &mut out);
        out.push(b'}');
    }
    out.push(b']');
    let mut is_first = true;
    let mut begin = |out: &mut Vec<u8>| {
        out.extend_from_slice(if is_first { br#","entry":["#.as_slice() } else { b"," });
        is_first = false;
    };
    for entry in &entries {
        begin(&mut out);
        out.extend_from_slice(br#"{"fullUrl":""#);
        out.extend_from_slice(base.as_bytes());
        out.extend_from_slice(format!("/{}", entry.stored.key).as_bytes());
        out.extend_from_slice(br#"","resource":"#);
        match subset(request, &entry.stored.body) {
            None => out.extend_from_slice(&entry.stored.body),
            Some(part) => out.extend_from_slice(&part),
        }
        out.extend_from_slice(match entry.is_match {
            true => br#","search":{"mode":"match"}}"#.as_slice(),
            false => br#","search":{"mode":"include"}}"#.as_slice(),
        });
    }
    if !request.warnings.is_empty() {
        begin(&mut out);
        out.extend_from_slice(br#"{"resource":"#);
        out.extend_from_slice(&operation_outcome(&request.warnings));
        out.extend_from_slice(br#","search":{"mode":"outcome"}}"#);
    }
    out.extend_from_slice(if is_first { b"}".as_slice() } else { b"]}" });
    out
}

/// The part of a resource that `_elements` or `_summary` asks for; `None` for the whole.
///
/// - Source: FHIR R4, 3.1.1.5.8 and 3.1.1.5.9: the rest is marked SUBSETTED.
fn subset(request: &SearchRequest, body: &[u8]) -> Option<Vec<u8>> {
    if request.elements.is_empty() && request.summary == SummaryMode::False {
        return None;
    }
    let mut tree = Json::parse(body).ok()?;
    let kind = tree.get("resourceType").and_then(Json::as_str)?.to_owned();
    let definition = ward_fhir::definitions::schema().resource(&kind);
    let is_required =
        |name: &str| definition.and_then(|it| it.element(name)).is_some_and(|it| 0 < it.min);
    let object = tree.as_object_mut()?;
    object.retain(|name, _| {
        let name = name.trim_start_matches('_');
        let always = matches!(name, "resourceType" | "id" | "meta") || is_required(name);
        let asked = request.elements.iter().any(|element| {
            // `value` asks for `valueQuantity` too.
            name.strip_prefix(&**element)
                .is_some_and(|rest| rest.is_empty() || rest.starts_with(char::is_uppercase))
        });
        match request.summary {
            SummaryMode::Text => always || name == "text",
            SummaryMode::Data => name != "text",
            SummaryMode::True => always || !matches!(name, "text" | "contained" | "extension"),
            SummaryMode::Count => false,
            SummaryMode::False => always || asked,
        }
    });
    if let Some(meta) = object.get_mut("meta").and_then(Json::as_object_mut) {
        let subsetted = Json::Object(
            [
                (
                    "system",
                    Json::string("http://terminology.hl7.org/CodeSystem/v3-ObservationValue"),
                ),
                ("code", Json::string("SUBSETTED")),
            ]
            .into_iter()
            .collect(),
        );
        match meta.get_mut("tag") {
            Some(Json::Array(tags)) => tags.push(subsetted),
            _ => meta.insert("tag", Json::Array(vec![subsetted])),
        }
    }
    Some(tree.to_bytes())
}
