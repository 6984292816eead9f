//! The house itself: health, metrics, description.

use hyper::StatusCode;

use crate::{app::App, request::Asked, respond, respond::Answer};

pub(crate) async fn healthz(_: &App, _: &Asked) -> Answer {
    Ok(respond::text(StatusCode::OK, "ok\n".to_owned()))
}

pub(crate) async fn readyz(app: &App, _: &Asked) -> Answer {
    if app.records.chart().is_ready() {
        Ok(respond::text(StatusCode::OK, "ready\n".to_owned()))
    } else {
        let says = "the index is being rebuilt; reads by id go on\n".to_owned();
        Ok(respond::text(StatusCode::SERVICE_UNAVAILABLE, says))
    }
}

pub(crate) async fn metrics(app: &App, _: &Asked) -> Answer {
    let page = app.metrics.page(app.started.elapsed().as_secs(), app.records.chart().seq().0);
    Ok(respond::text(StatusCode::OK, page))
}

pub(crate) async fn openapi(_: &App, _: &Asked) -> Answer {
    Ok(respond::json(StatusCode::OK, crate::openapi().to_string().into_bytes()))
}
