//! Batch and transaction.

mod conditions;
mod entry;
mod load;
mod plan;
mod rewrite;
mod transaction;

use ward_core::{Ctx, Kind, RecordKey, limits::BUNDLE_ENTRIES_MAX};
use ward_fhir::{
    Json,
    outcome::{Issue, IssueCode},
};

use self::entry::Entry;
use crate::{Prefer, Records, RecordsError, Reply, SearchTarget, instant, patch, prepare};

impl Records {
    /// Does every entry of a transaction or none, or each entry of a batch by itself.
    ///
    /// - Audit: one `transaction` entry for all writes of a transaction; one per entry of a batch.
    /// - Source: FHIR R4, 3.1.0.11 batch/transaction.
    pub async fn bundle(&self, cx: &Ctx, body: &[u8]) -> Result<Reply, RecordsError> {
        self.bundle_marked(cx, body, None).await
    }

    /// The same, with a mark made in the commit of a transaction.
    async fn bundle_marked(
        &self,
        cx: &Ctx,
        body: &[u8],
        mark: Option<&RecordKey>,
    ) -> Result<Reply, RecordsError> {
        let Batch { is_transaction, entries } = read(body, &self.base)?;
        if mark.is_some() && !is_transaction {
            return Err(RecordsError::new(
                Kind::Invalid,
                "only a transaction is loaded as a whole",
            ));
        }
        let replies = if is_transaction {
            let entries: Result<Vec<_>, _> = entries.into_iter().collect();
            self.transaction(cx, entries?, body, mark).await?
        } else {
            let mut replies = Vec::with_capacity(entries.len());
            for entry in entries {
                replies.push(match entry {
                    Err(error) => Err(error),
                    Ok(entry) => self.one(cx, entry).await,
                });
            }
            replies
        };
        let kind = if is_transaction { "transaction-response" } else { "batch-response" };
        Ok(Reply::body(200, response_of(kind, &replies)))
    }

    /// Does one entry by itself.
    async fn one(&self, cx: &Ctx, entry: Entry<'_>) -> Result<Reply, RecordsError> {
        use entry::Request as R;
        let prefer = Prefer::Minimal;
        let body = entry.resource.map(|resource| resource.to_bytes()).unwrap_or_default();
        match entry.request {
            R::Create { kind, if_none_exist } => {
                self.create(cx, kind, &body, if_none_exist.as_deref(), prefer).await
            }
            R::Update { key, if_match } => self.update(cx, &key, &body, if_match, prefer).await,
            R::ConditionalUpdate { kind, query } => {
                self.conditional_update(cx, kind, &query, &body, prefer).await
            }
            R::Patch { key, if_match } => {
                let (format, patch) = patch::sent_in_bundle(&body)?;
                self.patch(cx, &key, format, &patch, if_match, prefer).await
            }
            R::Delete { key, if_match } => self.delete(cx, &key, if_match).await,
            R::ConditionalDelete { kind, query } => self.conditional_delete(cx, kind, &query).await,
            R::Read { key } => self.read(cx, &key).await,
            R::Vread { key, version } => self.vread(cx, &key, version).await,
            R::Search { kind, query } => {
                self.search(cx, &SearchTarget::Type(kind), &query, false).await
            }
        }
    }
}

/// What a bundle asks for.
struct Batch<'a> {
    is_transaction: bool,
    entries: Vec<Result<Entry<'a>, RecordsError>>,
}

/// Reads a bundle and takes it apart.
fn read<'a>(body: &'a [u8], base: &str) -> Result<Batch<'a>, RecordsError> {
    let refused = |code, says: &str, at: &str| {
        RecordsError::with_issues(Kind::Invalid, vec![Issue::error(code, says).at(at)])
    };
    // A bundle may be larger than a resource; the wire has limited it already.
    let mut bundle = Json::parse(body).map_err(|error| {
        let issue = Issue::error(IssueCode::Structure, format!("not JSON: {error}"));
        RecordsError::with_issues(Kind::Invalid, vec![issue])
    })?;
    if prepare::type_of(&bundle)? != ward_core::ResourceType::BUNDLE {
        return Err(RecordsError::new(Kind::Invalid, "a Bundle is expected here"));
    }
    let is_transaction = match bundle.get("type").and_then(Json::as_str) {
        Some("transaction") => true,
        Some("batch") => false,
        _ => {
            let says = "`type` must be `batch` or `transaction`";
            return Err(refused(IssueCode::Value, says, "Bundle.type"));
        }
    };
    let entries = match bundle.as_object_mut().and_then(|it| it.remove("entry")) {
        None => Vec::new(),
        Some(Json::Array(entries)) => entries,
        Some(_) => {
            return Err(refused(IssueCode::Structure, "`entry` must be an array", "Bundle.entry"));
        }
    };
    if BUNDLE_ENTRIES_MAX < entries.len() {
        return Err(RecordsError::new(
            Kind::TooLarge,
            format!("a bundle has at most {BUNDLE_ENTRIES_MAX} entries"),
        ));
    }
    let entry = |(at, entry)| entry::parse(entry, base).map_err(|error| error.in_entry(at));
    let entries = entries.into_iter().enumerate().map(entry).collect();
    Ok(Batch { is_transaction, entries })
}

fn response_of(kind: &str, replies: &[Result<Reply, RecordsError>]) -> Vec<u8> {
    let mut out = Vec::with_capacity(128 + 220 * replies.len());
    out.extend_from_slice(br#"{"resourceType":"Bundle","type":""#);
    out.extend_from_slice(kind.as_bytes());
    out.extend_from_slice(br#"","entry":["#);
    for (at, reply) in replies.iter().enumerate() {
        if at != 0 {
            out.push(b',');
        }
        out.push(b'{');
        match reply {
            Ok(reply) => {
                if let Some(body) = &reply.body {
                    out.extend_from_slice(br#""resource":"#);
                    out.extend_from_slice(body);
                    out.push(b',');
                }
                out.extend_from_slice(br#""response":{"status":""#);
                out.extend_from_slice(reply.status.to_string().as_bytes());
                out.push(b'"');
                if let Some(location) = &reply.location {
                    out.extend_from_slice(br#","location":"#);
                    ward_fhir::json::write::write_string(location, &mut out);
                }
                if let Some(version) = reply.etag {
                    out.extend_from_slice(format!(r#","etag":"W/\"{version}\"""#).as_bytes());
                }
                if let Some(time) = reply.last_modified {
                    out.extend_from_slice(
                        format!(r#","lastModified":"{}""#, instant(time)).as_bytes(),
                    );
                }
                out.push(b'}');
            }
            Err(error) => {
                out.extend_from_slice(br#""response":{"status":""#);
                out.extend_from_slice(error.status().to_string().as_bytes());
                out.extend_from_slice(br#"","outcome":"#);
                out.extend_from_slice(&error.outcome());
                out.push(b'}');
            }
        }
        out.push(b'}');
    }
    out.extend_from_slice(b"]}");
    out
}
