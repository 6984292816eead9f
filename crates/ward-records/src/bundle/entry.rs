//! One entry of a batch or transaction: what it asks for.

use ward_core::{Kind, RecordKey, ResourceType};
use ward_fhir::{
    Json,
    outcome::{Issue, IssueCode},
};

use crate::RecordsError;

/// An entry, understood.
pub(super) struct Entry<'a> {
    /// What other entries call it.
    pub(super) full_url: Option<String>,
    pub(super) request: Request,
    pub(super) resource: Option<Json<'a>>,
}

#[derive(Clone, PartialEq, Eq, Debug)]
pub(super) enum Request {
    Create {
        kind: ResourceType,
        if_none_exist: Option<String>,
    },
    Update {
        key: RecordKey,
        if_match: Option<u32>,
    },
    ConditionalUpdate {
        kind: ResourceType,
        query: String,
    },
    /// JSON Patch in a Binary, or Parameters.
    Patch {
        key: RecordKey,
        if_match: Option<u32>,
    },
    Delete {
        key: RecordKey,
        if_match: Option<u32>,
    },
    ConditionalDelete {
        kind: ResourceType,
        query: String,
    },
    Read {
        key: RecordKey,
    },
    Vread {
        key: RecordKey,
        version: u32,
    },
    Search {
        kind: ResourceType,
        query: String,
    },
}

/// Reads one entry.
pub(super) fn parse<'a>(mut entry: Json<'a>, base: &str) -> Result<Entry<'a>, RecordsError> {
    let full_url = entry.get("fullUrl").and_then(Json::as_str).map(str::to_owned);
    let resource = entry.as_object_mut().and_then(|object| object.remove("resource"));
    let request = entry.get("request").ok_or_else(|| wrong("`request` is required"))?;
    let text = |name: &str| request.get(name).and_then(Json::as_str);
    let method = text("method").ok_or_else(|| wrong("`request.method` is required"))?;
    let url = text("url").ok_or_else(|| wrong("`request.url` is required"))?;
    // An absolute address of this very server is the same as a relative one.
    let url = url.strip_prefix(base).unwrap_or(url).trim_start_matches('/');
    let (path, query) = match url.split_once('?') {
        Some((path, query)) => (path, Some(query.to_owned())),
        None => (url, None),
    };
    let segments: Vec<&str> = path.split('/').collect();
    let request = match (method, segments.as_slice(), query) {
        ("POST", [kind], None) => Request::Create {
            kind: kind_of(kind)?,
            if_none_exist: text("ifNoneExist").map(str::to_owned),
        },
        ("PUT", [kind, id], None) => Request::Update {
            key: key_of(kind, id)?,
            if_match: text("ifMatch").map(version_of).transpose()?,
        },
        ("PUT", [kind], Some(query)) => Request::ConditionalUpdate { kind: kind_of(kind)?, query },
        ("PATCH", [kind, id], None) => Request::Patch {
            key: key_of(kind, id)?,
            if_match: text("ifMatch").map(version_of).transpose()?,
        },
        ("DELETE", [kind, id], None) => Request::Delete {
            key: key_of(kind, id)?,
            if_match: text("ifMatch").map(version_of).transpose()?,
        },
        ("DELETE", [kind], Some(query)) => {
            Request::ConditionalDelete { kind: kind_of(kind)?, query }
        }
        ("GET" | "HEAD", [kind, id], None) => Request::Read { key: key_of(kind, id)? },
        ("GET" | "HEAD", [kind, id, "_history", version], None) => Request::Vread {
            key: key_of(kind, id)?,
            version: version.parse().map_err(|_| wrong("`request.url` names no version"))?,
        },
        ("GET" | "HEAD", [kind], query) => {
            Request::Search { kind: kind_of(kind)?, query: query.unwrap_or_default() }
        }
        _ => {
            let issue = Issue::error(
                IssueCode::NotSupported,
                "this method and address are not understood in a bundle",
            );
            return Err(RecordsError::with_issues(Kind::Invalid, vec![issue]));
        }
    };
    let needs = matches!(
        request,
        Request::Create { .. }
            | Request::Update { .. }
            | Request::ConditionalUpdate { .. }
            | Request::Patch { .. }
    );
    if needs && resource.is_none() {
        return Err(wrong("`resource` is required for this method"));
    }
    Ok(Entry { full_url, request, resource })
}

/// The number in `W/"3"`.
pub(super) fn version_of(etag: &str) -> Result<u32, RecordsError> {
    let bare = etag.trim().trim_start_matches("W/").trim_matches('"');
    bare.parse().map_err(|_| wrong("a version is written `W/\"3\"`"))
}

fn kind_of(name: &str) -> Result<ResourceType, RecordsError> {
    name.parse().map_err(|_| wrong("the address names no resource type of FHIR R4"))
}

fn key_of(kind: &str, id: &str) -> Result<RecordKey, RecordsError> {
    let id = id.parse().map_err(|_| wrong("the address has no valid id"))?;
    Ok(RecordKey::new(kind_of(kind)?, id))
}

fn wrong(diagnostics: &str) -> RecordsError {
    RecordsError::new(Kind::Invalid, diagnostics)
}
