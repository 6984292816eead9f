//! The audit log as it is kept, for the operator's `ward audit list`.

use std::collections::BTreeMap;

use hyper::StatusCode;
use serde::{Deserialize, Serialize};
use serde_json::json;
use ward_store::{AuditEntry, AuditFilter, AuditPage};

use super::access::invalid;
use crate::{
    app::App,
    auth::system_ctx,
    request::Asked,
    respond,
    respond::{Answer, auth_error},
};

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
    /// What the account of who did it is called now.
    #[serde(default)]
    pub name: Option<String>,
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
            name: None,
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
    let mut lines: Vec<AuditLine> = entries.iter().map(AuditLine::from).collect();
    // Who may see who did something is told who that is.
    let own = system_ctx(asked.cx.now, app.random.as_ref(), "audit");
    let accounts = app.gate.accounts(&own).await.map_err(auth_error)?;
    let names: BTreeMap<&str, &str> =
        accounts.iter().map(|it| (it.actor.as_str(), it.name.as_str())).collect();
    for line in &mut lines {
        line.name = names.get(line.actor.as_str()).map(|name| (*name).to_owned());
    }
    Ok(respond::value(StatusCode::OK, &json!({ "entries": lines, "next": next })))
}
