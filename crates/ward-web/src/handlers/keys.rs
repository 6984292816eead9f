//! The keys, for the operator of the machine: through the socket file, beside a running server.

use hyper::StatusCode;
use serde_json::json;
use ward_core::Kind;
use ward_records::RecordsError;

use crate::{app::App, request::Asked, respond, respond::Answer};

/// Makes a new tenant key and wraps every data key under it.
pub(crate) async fn rotate(app: &App, asked: &Asked) -> Answer {
    let rotated = app.records.chart().rotate_keys(&asked.cx).await?;
    let body = json!({ "tenantVersion": rotated.tenant_version, "keys": rotated.n_keys });
    Ok(respond::json(StatusCode::OK, body.to_string().into_bytes()))
}

/// Destroys a patient's key, and everything sealed under it, for good.
pub(crate) async fn shred(app: &App, asked: &Asked) -> Answer {
    let id = asked.value("id")?.parse();
    let id = id.map_err(|_| RecordsError::new(Kind::Invalid, "not an id"))?;
    let shredded = app.records.chart().shred(&asked.cx, &id).await?;
    let body = json!({ "hadKey": shredded.had_key, "records": shredded.n_records });
    Ok(respond::json(StatusCode::OK, body.to_string().into_bytes()))
}
