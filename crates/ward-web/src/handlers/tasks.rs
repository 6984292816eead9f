//! What waits for a person.

use hyper::StatusCode;
use serde::Deserialize;
use serde_json::{Value, json};
use ward_clinical::tasks::{self, Open, TaskError};
use ward_core::Kind;
use ward_records::RecordsError;

use super::access::{body_of, invalid};
use crate::{app::App, request::Asked, respond, respond::Answer};

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Done {
    note: String,
}

pub(crate) async fn list(app: &App, asked: &Asked) -> Answer {
    let open = tasks::open(app.records.chart(), &asked.cx).await.map_err(error_of)?;
    let shown: Vec<Value> = open.iter().map(shown).collect();
    Ok(respond::value(StatusCode::OK, &json!({ "tasks": shown })))
}

pub(crate) async fn close(app: &App, asked: &Asked) -> Answer {
    let Done { note } = body_of(asked)?;
    if note.trim().is_empty() {
        return Err(invalid("`note` says what was found"));
    }
    let id = asked.value("id")?.parse().map_err(|error| invalid(&format!("not an id: {error}")))?;
    let at = (app.records.chart(), app.records.base());
    let written = tasks::close(at, &asked.cx, &id, note.trim()).await.map_err(error_of)?;
    app.records.heard(&written);
    Ok(respond::value(StatusCode::OK, &json!({})))
}

fn shown(open: &Open) -> Value {
    json!({
        "id": open.id,
        "code": open.code,
        "title": open.title,
        "why": open.why,
        "patient": open.patient,
        "admission": open.admission,
        "alike": open.alike,
        "since": open.since,
        "closedByHand": open.is_closed_by_hand,
    })
}

fn error_of(error: TaskError) -> RecordsError {
    match error {
        TaskError::NotFound => RecordsError::new(Kind::NotFound, error.to_string()),
        TaskError::NotByHand => RecordsError::new(Kind::Conflict, error.to_string()),
        TaskError::Contended => RecordsError::new(Kind::Busy, error.to_string()),
        TaskError::Read(error) => error.into(),
        TaskError::Search(error) => error.into(),
        TaskError::Commit(error) => error.into(),
    }
}
