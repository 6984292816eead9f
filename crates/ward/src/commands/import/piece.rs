//! What is sent as one transaction, and what may be cut smaller when it is refused.

use ward_core::{FhirId, RecordKey, ResourceType};
use ward_fhir::json::write::write_string;

/// One piece of a file.
pub(super) struct Piece {
    /// Position of the file among those given, from 1.
    pub(super) file: usize,
    pub(super) rank: usize,
    /// The line it starts at, from 1.
    pub(super) line: usize,
    /// How far the file has been read with it.
    pub(super) bytes: u64,
    /// The same content may be there more than once; this is its number, from 0.
    pub(super) copy: u32,
    pub(super) load: Result<Load, String>,
}

pub(super) enum Load {
    /// A transaction as it was written: all of it, or nothing.
    Whole(Whole),
    /// Entries that do not depend on each other: one that is refused takes none with it.
    Each(Vec<Item>),
}

pub(super) struct Whole {
    pub(super) text: Vec<u8>,
    pub(super) kinds: Vec<ResourceType>,
    /// The records it writes under ids of its own.
    pub(super) keys: Vec<RecordKey>,
    /// Whether it asks what other transactions decide, so that it must not overtake any.
    pub(super) is_ordered: bool,
}

/// One entry.
pub(super) struct Item {
    pub(super) line: usize,
    /// `None` when it carries no resource.
    pub(super) kind: Option<ResourceType>,
    /// The record it writes, if its id is known.
    pub(super) key: Option<RecordKey>,
    /// The entry as JSON.
    pub(super) entry: Vec<u8>,
}

impl Item {
    /// An entry that puts a resource where its id says; `resource` is its own text.
    pub(super) fn put(
        line: usize,
        kind: ResourceType,
        id: Option<FhirId>,
        full_url: Option<&str>,
        resource: &[u8],
    ) -> Item {
        let mut entry = Vec::with_capacity(resource.len() + 160);
        entry.push(b'{');
        if let Some(url) = full_url {
            entry.extend_from_slice(br#""fullUrl":"#);
            write_string(url, &mut entry);
            entry.push(b',');
        }
        entry.extend_from_slice(br#""resource":"#);
        entry.extend_from_slice(resource);
        let request = match &id {
            Some(id) => format!(r#","request":{{"method":"PUT","url":"{kind}/{id}"}}}}"#),
            None => format!(r#","request":{{"method":"POST","url":"{kind}"}}}}"#),
        };
        entry.extend_from_slice(request.as_bytes());
        Item { line, kind: Some(kind), key: id.map(|id| RecordKey::new(kind, id)), entry }
    }
}

/// One transaction of these entries.
pub(super) fn transaction_of<'a>(entries: impl IntoIterator<Item = &'a [u8]>) -> Vec<u8> {
    let mut out = br#"{"resourceType":"Bundle","type":"transaction","entry":["#.to_vec();
    for (at, entry) in entries.into_iter().enumerate() {
        if at != 0 {
            out.push(b',');
        }
        out.extend_from_slice(entry);
    }
    out.extend_from_slice(b"]}");
    out
}

/// Names a transaction by its content and place, so that a second run knows it.
pub(super) fn mark_of(transaction: &[u8], line: usize, copy: u32) -> String {
    let mut named = ward_crypto::sha256(transaction).to_vec();
    named.extend_from_slice(&u64::try_from(line).unwrap_or(u64::MAX).to_be_bytes());
    named.extend_from_slice(&copy.to_be_bytes());
    ward_crypto::sha256(&named).iter().map(|byte| format!("{byte:02x}")).collect()
}
