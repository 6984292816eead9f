//! History of a resource, of a type, of everything.

use jiff::Timestamp;
use ward_core::{
    AuditAction, AuditOutcome, Ctx, Kind,
    limits::{PAGE_DEFAULT, PAGE_MAX},
};
use ward_fhir::{json::write::write_string, search::decode_query};
use ward_store::{HistoryOf, HistoryPlace, Interaction, Method, Stored};

use crate::{Records, RecordsError, Reply, instant};

/// What may be asked of a history.
///
/// - Source: FHIR R4, 3.1.0.9 history.
#[derive(Clone, Copy, PartialEq, Eq, Default, Debug)]
pub struct HistoryParams {
    pub count: Option<usize>,
    pub since: Option<Timestamp>,
    pub at: Option<Timestamp>,
    /// Where the page before ended.
    pub before: Option<HistoryPlace>,
}

impl HistoryParams {
    /// Reads what comes after `?`.
    pub fn parse(query: &str) -> Result<HistoryParams, RecordsError> {
        let wrong =
            |name: &str| RecordsError::new(Kind::Invalid, format!("`{name}` cannot be read"));
        let pairs = decode_query(query)
            .map_err(|issue| RecordsError::with_issues(Kind::Invalid, vec![issue]))?;
        let mut params = HistoryParams::default();
        for (name, value) in &pairs {
            let time = || {
                let interval = ward_fhir::search::interval(value)?;
                Timestamp::from_microsecond(interval.from_us).ok()
            };
            match name.as_str() {
                "_count" => params.count = Some(value.parse().map_err(|_| wrong("_count"))?),
                "_since" => params.since = Some(time().ok_or_else(|| wrong("_since"))?),
                "_at" => params.at = Some(time().ok_or_else(|| wrong("_at"))?),
                "_before" => {
                    let place = value.parse().map_err(|_| wrong("_before"))?;
                    params.before = Some(HistoryPlace(place));
                }
                "_format" | "_pretty" => {}
                _ => {
                    return Err(RecordsError::new(
                        Kind::Invalid,
                        "a history takes `_count`, `_since` and `_at`",
                    ));
                }
            }
        }
        Ok(params)
    }
}

impl Records {
    /// Versions, newest first.
    ///
    /// - Errors: 404 for a resource that never was, or not for this caller.
    /// - Audit: `history-…`, durable before the answer.
    pub async fn history(
        &self,
        cx: &Ctx,
        of: HistoryOf,
        params: HistoryParams,
    ) -> Result<Reply, RecordsError> {
        let (act, here) = match &of {
            HistoryOf::Instance(key) => (
                Interaction::on(AuditAction::HistoryInstance, key.clone()),
                format!("{}/{key}/_history", self.base),
            ),
            HistoryOf::Type(kind) => (
                Interaction::of(AuditAction::HistoryType, *kind),
                format!("{}/{kind}/_history", self.base),
            ),
            HistoryOf::System => {
                (Interaction::new(AuditAction::HistorySystem), format!("{}/_history", self.base))
            }
        };
        let count = params.count.unwrap_or(PAGE_DEFAULT).clamp(1, PAGE_MAX);
        let reader = self.chart.reader(cx, act);
        // One more than the page tells whether there is another.
        let found = reader.history(&of, params.since, params.at, params.before, count + 1);
        let outcome =
            if found.is_ok() { AuditOutcome::Success } else { AuditOutcome::SeriousFailure };
        reader.finish(outcome).await?;
        let mut found = found?;
        let is_first_page = params == HistoryParams { count: params.count, ..Default::default() };
        if found.is_empty() && is_first_page && matches!(of, HistoryOf::Instance(_)) {
            return Err(RecordsError::not_found());
        }
        let has_more = count < found.len();
        found.truncate(count);
        let next = found.last().filter(|_| has_more).map(|last| {
            let mut url = format!("{here}?_count={count}&_before={}", last.place.0);
            if let Some(since) = params.since {
                url.push_str(&format!("&_since={}", instant(since)));
            }
            if let Some(at) = params.at {
                url.push_str(&format!("&_at={}", instant(at)));
            }
            url
        });
        Ok(Reply::body(200, bundle(&self.base, &here, next, &found)))
    }
}

fn bundle(base: &str, here: &str, next: Option<String>, found: &[Stored]) -> Vec<u8> {
    let mut out = Vec::with_capacity(1024);
    out.extend_from_slice(
        br#"{"resourceType":"Bundle","type":"history","link":[{"relation":"self","url":"#,
    );
    write_string(here, &mut out);
    out.push(b'}');
    if let Some(next) = next {
        out.extend_from_slice(br#",{"relation":"next","url":"#);
        write_string(&next, &mut out);
        out.push(b'}');
    }
    out.extend_from_slice(br#"],"entry":["#);
    for (at, stored) in found.iter().enumerate() {
        if at != 0 {
            out.push(b',');
        }
        let Stored { key, version, .. } = stored;
        out.extend_from_slice(format!(r#"{{"fullUrl":"{base}/{key}""#).as_bytes());
        if !stored.deleted {
            out.extend_from_slice(br#","resource":"#);
            out.extend_from_slice(&stored.body);
        }
        let (method, url, status) = match stored.method {
            Method::Create => ("POST", key.kind.to_string(), 201),
            Method::Update => ("PUT", key.to_string(), 200),
            Method::Delete => ("DELETE", key.to_string(), 204),
        };
        out.extend_from_slice(
            format!(
                r#","request":{{"method":"{method}","url":"{url}"}},"response":{{"status":"{status}","etag":"W/\"{version}\"","lastModified":"{}"}}}}"#,
                instant(stored.last_updated)
            )
            .as_bytes(),
        );
    }
    out.extend_from_slice(b"]}");
    out
}
