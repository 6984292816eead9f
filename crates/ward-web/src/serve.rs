//! From a request to an answer: routing, limits, timing.

use std::{
    io,
    sync::{Arc, Mutex, atomic::Ordering},
    time::{Duration, Instant},
};

use axum::body::Body;
use hyper::{
    Request, Response, StatusCode, Version,
    body::Incoming,
    header::{self, HeaderValue},
    http::request::Parts,
};
use tokio::{
    runtime,
    sync::{OwnedSemaphorePermit, Semaphore},
};
use ward_core::{AuditAction, Ctx, Kind, ids::TraceId};
use ward_fhir::outcome::IssueCode;
use ward_records::RecordsError;

use crate::{
    App, admit,
    body::{self, Told},
    clock,
    endpoints::{self, Endpoint, Found},
    listen::Peer,
    negotiate,
    request::Asked,
    request_id::RequestId,
    respond::{self, Refusal},
    working::{Promise, Working},
};

/// What all connections share.
pub(crate) struct Server {
    pub(crate) app: App,
    requests: Arc<Semaphore>,
    /// Threads of their own for what may take long, so that a read by id never waits for a search.
    long: Option<runtime::Runtime>,
}

/// LIMIT: more would only take turns on the machine's processors.
const LONG_THREADS_MAX: usize = 16;

impl Server {
    pub(crate) fn new(app: App) -> io::Result<Server> {
        let requests = Arc::new(Semaphore::new(app.limits.requests));
        let n_cores = std::thread::available_parallelism().map_or(2, usize::from);
        let long = runtime::Builder::new_multi_thread()
            .worker_threads((2 * n_cores).min(LONG_THREADS_MAX))
            .thread_name("ward-long")
            .enable_time()
            .build()?;
        Ok(Server { app, requests, long: Some(long) })
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        if let Some(long) = self.long.take() {
            // The last connection may end on a thread that must not wait.
            long.shutdown_background();
        }
    }
}

/// Whether a request of this row may take long.
fn is_long(row: &Endpoint) -> bool {
    use AuditAction as A;
    matches!(
        row.audit,
        Some(
            A::Search
                | A::Transaction
                | A::Batch
                | A::HistorySystem
                | A::HistoryType
                | A::HistoryInstance
                | A::AuditRead
        )
    )
}

/// Whether what a row does is brought to its end once it has begun.
fn is_promised(row: &Endpoint) -> bool {
    !row.path.starts_with("/fhir")
}

/// Answers one request. `of_connection` is its place among those of its connection; the work keeps
/// it until it has really ended.
pub(crate) async fn answer(
    server: Arc<Server>,
    peer: Peer,
    request: Request<Incoming>,
    of_connection: Option<OwnedSemaphorePermit>,
) -> Response<Body> {
    let started = Instant::now();
    let app = &server.app;
    let id = RequestId::of(request.headers(), clock::now(), app.random.as_ref());
    let method = request.method().clone();
    let version = request.version();
    let request = request.map(Told::new);
    let is_read = request.body().is_over();
    let tls = matches!(peer, Peer::Network { tls: true, .. });
    let found = endpoints::find(method.as_str(), request.uri().path());
    let (route, long) = match &found {
        Found::Row(row, _) => ((row.path, row.method), is_long(row)),
        _ => (("other", "other"), false),
    };
    let outcome = match Arc::clone(&server.requests).try_acquire_owned() {
        Err(_) => Err(RecordsError::new(Kind::Busy, "too many requests at once").into()),
        Ok(place) => {
            let (limit, trace) = (Duration::from_secs(app.limits.request_s), id.trace);
            let app = app.clone();
            let promise = Arc::new(Promise::default());
            let of_task = Arc::clone(&promise);
            // A task of its own, so that a defect ends one request and not the connection.
            let work = async move {
                let _places = (place, of_connection);
                handle(app, peer, found, request, (trace, of_task)).await
            };
            let task = match &server.long {
                Some(threads) if long => threads.spawn(work),
                _ => tokio::spawn(work),
            };
            finish(Working::new(task, promise), limit, route.0, &id).await
        }
    };
    let mut response = match outcome {
        Ok(response) => response,
        Err(refusal) => {
            if let Refusal::Records(error) = &refusal
                && error.kind == Kind::Bug
            {
                let cause: &dyn std::error::Error = error;
                let (cause, request) = (chain_of(cause), id.as_str());
                tracing::error!(route = route.0, request, cause, "request failed");
            }
            respond::refused(&refusal, &id)
        }
    };
    respond::add_security_headers(response.headers_mut(), tls);
    id.put(response.headers_mut());
    if version < Version::HTTP_2 && !is_read.load(Ordering::Relaxed) {
        response.headers_mut().insert(header::CONNECTION, HeaderValue::from_static("close"));
    }
    let status = response.status().as_u16();
    let elapsed = started.elapsed();
    app.metrics.answered(route.0, route.1, status, elapsed.as_secs_f64());
    // The template and not the address, which may name a patient.
    tracing::info!(
        target: "ward_web::access",
        method = route.1,
        route = route.0,
        status,
        duration_ms = milliseconds(elapsed),
        request = id.as_str(),
        "request answered"
    );
    if method == hyper::Method::HEAD {
        *response.body_mut() = Body::empty();
    }
    response
}

/// To the microsecond.
fn milliseconds(time: Duration) -> f64 {
    (time.as_secs_f64() * 1e6).round() / 1e3
}

/// Waits for the work, but not for ever.
async fn finish(
    work: Working<Result<Response<Body>, Refusal>>,
    limit: Duration,
    route: &'static str,
    id: &RequestId,
) -> Result<Response<Body>, Refusal> {
    match tokio::time::timeout(limit, work).await {
        Ok(Ok(outcome)) => outcome,
        Ok(Err(_)) => {
            tracing::error!(route, request = id.as_str(), "request panicked");
            Err(RecordsError::new(Kind::Bug, "internal error").into())
        }
        Err(_) => {
            let says = "the request took too long; a write may have been done";
            Err(RecordsError::new(Kind::Unavailable, says).into())
        }
    }
}

async fn handle(
    app: App,
    peer: Peer,
    found: Found,
    mut request: Request<Told<Incoming>>,
    (trace, promise): (TraceId, Arc<Promise>),
) -> Result<Response<Body>, Refusal> {
    let upgrade = Mutex::new(Some(hyper::upgrade::on(&mut request)));
    let (parts, incoming) = request.into_parts();
    let (row, values, cx) = match admitted(&app, &peer, found, &parts, trace).await {
        Ok(admitted) => admitted,
        Err(refusal) => {
            body::leave(incoming, &parts.headers).await;
            return Err(refusal);
        }
    };
    let body = body::whole(incoming, &parts.headers, app.limits.body_bytes).await?;
    let query = parts.uri.query().unwrap_or_default().to_owned();
    let asked = Asked { cx, headers: parts.headers, query, body, values, upgrade };
    // Before this it was asked and not begun, however long the body took to come.
    if is_promised(row) && !promise.keep() {
        return Err(RecordsError::new(Kind::Unavailable, "the request was given up").into());
    }
    Ok((row.handler)(&app, &asked).await?)
}

/// What can be said of a request before its body is read.
async fn admitted(
    app: &App,
    peer: &Peer,
    found: Found,
    parts: &Parts,
    trace: TraceId,
) -> Result<(&'static Endpoint, Vec<(&'static str, String)>, Ctx), Refusal> {
    let (row, values) = match found {
        Found::Row(row, values) => (row, values),
        Found::OtherMethod(methods) => {
            return Err(Refusal::Http {
                status: StatusCode::METHOD_NOT_ALLOWED,
                code: IssueCode::NotSupported,
                says: "this address has no such method",
                allow: Some(methods.join(", ")),
            });
        }
        Found::Nothing => {
            return Err(RecordsError::new(Kind::NotFound, "no such address").into());
        }
    };
    let asks = (&parts.method, &parts.uri, &parts.headers);
    let cx = admit::context(app, peer, row, asks, trace).await?;
    if row.path.starts_with("/fhir") {
        negotiate::check(&parts.headers, parts.uri.query().unwrap_or_default())?;
        if matches!(row.method, "POST" | "PUT" | "PATCH") {
            body::check_type(&parts.headers, row.path.ends_with("/_search"))?;
        }
    }
    Ok((row, values, cx))
}

/// An error with all that lies beneath it, on one line.
fn chain_of(error: &dyn std::error::Error) -> String {
    let mut line = error.to_string();
    let mut next = error.source();
    while let Some(source) = next {
        line.push_str(": ");
        line.push_str(&source.to_string());
        next = source.source();
    }
    line
}
