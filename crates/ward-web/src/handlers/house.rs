//! The house itself: health, metrics, description.

use hyper::StatusCode;
use ward_core::{Kind, RecordKey, ResourceType};
use ward_records::RecordsError;

use crate::{app::App, chart_figures, request::Asked, respond, respond::Answer};

/// How long the figures wait for what was just committed to be counted.
const COUNTED: std::time::Duration = std::time::Duration::from_secs(2);

pub(crate) async fn healthz(_: &App, _: &Asked) -> Answer {
    Ok(respond::text(StatusCode::OK, "ok\n".to_owned()))
}

pub(crate) async fn readyz(app: &App, _: &Asked) -> Answer {
    if app.records.chart().is_search_ready() {
        Ok(respond::text(StatusCode::OK, "ready\n".to_owned()))
    } else {
        let says = "the index is being rebuilt; reads by id go on\n".to_owned();
        Ok(respond::text(StatusCode::SERVICE_UNAVAILABLE, says))
    }
}

pub(crate) async fn metrics(app: &App, _: &Asked) -> Answer {
    let chart = app.records.chart();
    if let Some(events) = &app.events {
        // Whoever asks after something happened finds it counted; a page that is late is no page.
        let caught_up = events.figures.wait_for(chart.told());
        let _in_time = tokio::time::timeout(COUNTED, caught_up).await.is_ok();
    }
    let figures = chart.figures()?;
    let page = app.metrics.page(app.started.elapsed().as_secs(), figures.seq);
    let store = chart_figures::page(&figures);
    let stays = app.stays.as_ref().map(|stays| stays.figures.page()).unwrap_or_default();
    let events = app.events.as_ref().map(|events| events.figures.page()).unwrap_or_default();
    let house = events + &stays;
    let page = format!("{}{house}{store}{page}", app.care.page());
    Ok(respond::text(StatusCode::OK, page))
}

pub(crate) async fn openapi(_: &App, _: &Asked) -> Answer {
    Ok(respond::json(StatusCode::OK, crate::openapi().to_string().into_bytes()))
}

/// Loads a transaction once: its mark is made in its own commit.
pub(crate) async fn import_load(app: &App, asked: &Asked) -> Answer {
    let key = import_key(asked)?;
    match app.records.load(&asked.cx, &asked.body, &key).await? {
        Some(reply) => respond::reply(reply),
        None => Ok(respond::json(StatusCode::ALREADY_REPORTED, br#"{"done":true}"#.to_vec())),
    }
}

fn import_key(asked: &Asked) -> Result<RecordKey, RecordsError> {
    let id = asked.value("id")?.parse();
    let id = id.map_err(|_| RecordsError::new(Kind::Invalid, "not a mark"))?;
    Ok(RecordKey::new(ResourceType::IMPORT, id))
}
