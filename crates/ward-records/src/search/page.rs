//! The searchset: stored bytes put together, not parsed.

use ward_fhir::{json::write::write_string, outcome::operation_outcome, search::SearchRequest};
use ward_store::Stored;

use super::subset::subset;

/// One entry of the page.
pub(crate) struct Entry {
    pub(super) stored: Stored,
    is_match: bool,
}

impl Entry {
    pub(crate) fn matched(stored: Stored) -> Entry {
        Entry { stored, is_match: true }
    }

    pub(super) fn included(stored: Stored) -> Entry {
        Entry { stored, is_match: false }
    }
}

pub(crate) fn bundle(
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
