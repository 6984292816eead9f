//! The audit log as it is kept, for the operator's `ward audit list`.

use hyper::StatusCode;
use serde::{Deserialize, Serialize};
use serde_json::json;
use ward_store::{AuditEntry, AuditFilter, AuditPage};

use super::access::invalid;
use crate::{app::App, request::Asked, respond, respond::Answer};

/// One entry, without its detail and the patients shown: these are in the AuditEvent.
#[derive(Serialize, Deserialize)]
pub struct AuditLine {
    pub n: u64,
    pub time: String,
    pub action: String,
    pub outcome: String,
    pub role: String,
    pub purpose: String,
    pub actor: String,
    pub target: Option<String>,
}

impl From<&AuditEntry> for AuditLine {
    fn from(entry: &AuditEntry) -> AuditLine {
        AuditLine {
            n: entry.n,
            time: entry.time.to_string(),
            action: entry.action.to_string(),
            outcome: entry.outcome.to_string(),
            role: entry.role.to_string(),
            purpose: entry.purpose.to_string(),
            actor: entry.actor.id.to_string(),
            target: entry.target.as_ref().map(ToString::to_string),
        }
    }
}

/// One page, newest first: `patient`, `limit` and `before` say which.
pub(crate) async fn list(app: &App, asked: &Asked) -> Answer {
    let mut filter = AuditFilter::default();
    for pair in asked.query.split('&').filter(|pair| !pair.is_empty()) {
        let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
        match name {
            "patient" => {
                let id = value.parse().map_err(|_| invalid("`patient` is not an id"))?;
                filter.patient = Some(id);
            }
            "limit" => {
                filter.limit = value.parse().map_err(|_| invalid("`limit` is not a number"))?;
            }
            "before" => {
                let n = value.parse().map_err(|_| invalid("`before` is not a number"))?;
                filter.before = Some(n);
            }
            _ => return Err(invalid("only `patient`, `limit` and `before` are asked for")),
        }
    }
    let AuditPage { entries, next } = app.records.chart().audit_entries(&asked.cx, &filter).await?;
    let lines: Vec<AuditLine> = entries.iter().map(AuditLine::from).collect();
    Ok(respond::value(StatusCode::OK, &json!({ "entries": lines, "next": next })))
}
