//! The server: accepting, limiting, routing, answering.

use std::{
    convert::Infallible,
    io,
    net::SocketAddr,
    os::unix::fs::PermissionsExt,
    path::PathBuf,
    sync::Arc,
    time::{Duration, Instant},
};

use axum::body::Body;
use http_body_util::{BodyExt, LengthLimitError, Limited};
use hyper::{HeaderMap, Request, Response, body::Incoming, header, service::service_fn};
use hyper_util::{
    rt::{TokioExecutor, TokioIo, TokioTimer},
    server::conn::auto,
};
use tokio::{
    io::{AsyncRead, AsyncWrite},
    net::{TcpListener, UnixListener},
    sync::{Semaphore, watch},
    task::JoinSet,
};
use tokio_rustls::TlsAcceptor;
use ward_core::{AuditOutcome, CareScope, Ctx, Kind, PurposeOfUse, Role};
use ward_records::RecordsError;
use ward_store::Interaction;

use crate::{
    App, AuthError,
    auth::{Principal, system_ctx, trace_id},
    clock,
    endpoints::{self, Access, Endpoint, Found},
    handlers::access::COOKIE,
    request::Asked,
    respond::{self, Answer, auth_error},
};

/// Where and how to listen.
pub struct ServeOptions {
    pub http: SocketAddr,
    pub tls: Option<Arc<rustls::ServerConfig>>,
    /// A socket file whose peer is the operator of this machine.
    pub socket: Option<PathBuf>,
}

#[derive(Debug, thiserror::Error)]
pub enum ServeError {
    #[error("listening on `{0}`")]
    Listen(String, #[source] io::Error),
}

/// A server that accepts; `run` until told to stop.
pub struct Listening {
    app: App,
    tcp: TcpListener,
    unix: Option<UnixListener>,
    tls: Option<TlsAcceptor>,
    requests: Arc<Semaphore>,
}

/// Opens the sockets; nothing is accepted before [`Listening::run`].
pub async fn serve(app: App, options: ServeOptions) -> Result<Listening, ServeError> {
    let failed = |what: &str| {
        let what = what.to_owned();
        move |source| ServeError::Listen(what, source)
    };
    let tcp = TcpListener::bind(options.http).await.map_err(failed(&options.http.to_string()))?;
    let unix = match &options.socket {
        None => None,
        Some(path) => {
            let name = path.display().to_string();
            // The chart's lock says that no other server lives; a socket left over is stale.
            if path.exists() {
                std::fs::remove_file(path).map_err(failed(&name))?;
            }
            let listener = UnixListener::bind(path).map_err(failed(&name))?;
            std::fs::set_permissions(path, std::fs::Permissions::from_mode(0o600))
                .map_err(failed(&name))?;
            Some(listener)
        }
    };
    let requests = Arc::new(Semaphore::new(app.limits.requests));
    let tls = options.tls.map(TlsAcceptor::from);
    Ok(Listening { app, tcp, unix, tls, requests })
}

impl Listening {
    pub fn address(&self) -> io::Result<SocketAddr> {
        self.tcp.local_addr()
    }

    /// Serves until `stop` turns true, then lets running requests end.
    pub async fn run(self, mut stop: watch::Receiver<bool>) {
        let connections = Arc::new(Semaphore::new(self.app.limits.connections));
        let mut tasks = JoinSet::new();
        loop {
            while tasks.try_join_next().is_some() {}
            let Ok(permit) = Arc::clone(&connections).acquire_owned().await else { break };
            let unix = async {
                match &self.unix {
                    Some(listener) => listener.accept().await.map(|(stream, _)| stream),
                    None => std::future::pending().await,
                }
            };
            tokio::select! {
                () = stopped(&mut stop) => break,
                accepted = self.tcp.accept() => {
                    let Ok((stream, peer)) = accepted else { continue };
                    let (app, requests) = (self.app.clone(), Arc::clone(&self.requests));
                    let (tls, stop) = (self.tls.clone(), stop.clone());
                    tasks.spawn(async move {
                        let _held = permit;
                        let _nodelay = stream.set_nodelay(true);
                        let source: Arc<str> = Arc::from(peer.ip().to_string());
                        match tls {
                            None => connection(app, requests, stream, Peer::Network(source), stop).await,
                            Some(tls) => {
                                let limit = Duration::from_secs(app.limits.header_s);
                                if let Ok(Ok(stream)) = tokio::time::timeout(limit, tls.accept(stream)).await {
                                    connection(app, requests, stream, Peer::Network(source), stop).await;
                                }
                            }
                        }
                    });
                }
                accepted = unix => {
                    let Ok(stream) = accepted else { continue };
                    let (app, requests) = (self.app.clone(), Arc::clone(&self.requests));
                    let stop = stop.clone();
                    tasks.spawn(async move {
                        let _held = permit;
                        connection(app, requests, stream, Peer::Operator, stop).await;
                    });
                }
            }
        }
        while tasks.join_next().await.is_some() {}
    }
}

/// Ends when the server is told to stop, or nobody is left who could tell it.
async fn stopped(stop: &mut watch::Receiver<bool>) {
    let _told = stop.wait_for(|stop| *stop).await.is_ok();
}

/// Who is at the other end of a connection, before any header.
#[derive(Clone)]
enum Peer {
    Network(Arc<str>),
    /// The owner of the data folder, through the socket file.
    Operator,
}

async fn connection(
    app: App,
    requests: Arc<Semaphore>,
    stream: impl AsyncRead + AsyncWrite + Unpin + Send + 'static,
    peer: Peer,
    mut stop: watch::Receiver<bool>,
) {
    let limits = app.limits;
    let service = service_fn(move |request| {
        let (app, requests, peer) = (app.clone(), Arc::clone(&requests), peer.clone());
        async move { Ok::<_, Infallible>(answer(app, requests, peer, request).await) }
    });
    let mut builder = auto::Builder::new(TokioExecutor::new());
    builder
        .http1()
        .timer(TokioTimer::new())
        .header_read_timeout(Duration::from_secs(limits.header_s));
    builder.http2().timer(TokioTimer::new());
    let connection = builder.serve_connection(TokioIo::new(stream), service);
    tokio::pin!(connection);
    tokio::select! {
        // A broken connection is the peer's business; there is nobody left to tell.
        _ended = connection.as_mut() => {}
        () = stopped(&mut stop) => {
            connection.as_mut().graceful_shutdown();
            let _ended = connection.await;
        }
    }
}

async fn answer(
    app: App,
    requests: Arc<Semaphore>,
    peer: Peer,
    request: Request<Incoming>,
) -> Response<Body> {
    let started = Instant::now();
    let limit = Duration::from_secs(app.limits.request_s);
    let method = request.method().clone();
    let found = endpoints::find(method.as_str(), request.uri().path());
    let route = match &found {
        Found::Row(row, _) => (row.path, row.method),
        _ => ("other", "other"),
    };
    let metrics = Arc::clone(&app.metrics);
    let outcome = match requests.try_acquire() {
        Err(_) => Err(RecordsError::new(Kind::Busy, "too many requests at once")),
        Ok(_held) => {
            // A task of its own, so that a defect ends one request and not the connection.
            let work = tokio::spawn(handle(app, peer, found, request));
            match tokio::time::timeout(limit, work).await {
                Ok(Ok(outcome)) => outcome,
                Ok(Err(_)) => {
                    tracing::error!(route = route.0, "request panicked");
                    Err(RecordsError::new(Kind::Bug, "internal error"))
                }
                Err(_) => Err(RecordsError::new(Kind::Unavailable, "the request took too long")),
            }
        }
    };
    let mut response = match outcome {
        Ok(response) => response,
        Err(error) => {
            if error.kind == Kind::Bug {
                let cause: &dyn std::error::Error = &error;
                tracing::error!(route = route.0, cause = chain_of(cause), "request failed");
            }
            respond::failure(&error)
        }
    };
    respond::add_security_headers(response.headers_mut());
    let status = response.status().as_u16();
    metrics.answered(route.0, route.1, status, started.elapsed().as_secs_f64());
    if method == hyper::Method::HEAD {
        *response.body_mut() = Body::empty();
    }
    response
}

async fn handle(app: App, peer: Peer, found: Found, request: Request<Incoming>) -> Answer {
    let (row, values) = match found {
        Found::Row(row, values) => (row, values),
        Found::OtherMethod => {
            return Err(RecordsError::new(Kind::Invalid, "this address has no such method"));
        }
        Found::Nothing => {
            return Err(RecordsError::new(Kind::NotFound, "no such address"));
        }
    };
    let (parts, body) = request.into_parts();
    let cx = context(&app, &peer, row, &parts.headers).await?;
    let body = whole(body, &parts.headers, app.limits.body_bytes).await?;
    let query = parts.uri.query().unwrap_or_default().to_owned();
    let asked = Asked { cx, headers: parts.headers, query, body, values };
    (row.handler)(&app, &asked).await
}

/// Lets the caller in, or not.
async fn context(
    app: &App,
    peer: &Peer,
    row: &'static Endpoint,
    headers: &HeaderMap,
) -> Result<Ctx, RecordsError> {
    let now = clock::now();
    let random = app.random.as_ref();
    let source = match peer {
        Peer::Operator => return Ok(system_ctx(now, random, "socket")),
        Peer::Network(source) => source,
    };
    if row.access == Access::Public {
        return Ok(Ctx { source: Arc::clone(source), ..system_ctx(now, random, "") });
    }
    let principal = principal_of(app, headers, now, source).await?;
    let purpose = purpose_of(headers, principal.role)?;
    let care = match principal.role {
        // Roles of the whole house; the policy limits what of it they see.
        Role::Integration | Role::System | Role::Auditor | Role::Administrator => {
            CareScope::Everyone
        }
        _ => match &principal.practitioner {
            None => CareScope::Patients(Arc::default()),
            Some(id) => {
                let cx = system_ctx(now, random, source);
                CareScope::Patients(app.records.patients_in_care(&cx, id).await?)
            }
        },
    };
    let cx = Ctx {
        actor: principal.actor,
        role: principal.role,
        purpose,
        care,
        now,
        trace: trace_id(now, random),
        source: Arc::clone(source),
    };
    if let Access::House(action) = row.access
        && !app.records.chart().policy().allows(&cx, action)
    {
        if let Some(audit) = row.audit {
            let act = Interaction::new(audit);
            app.records.chart().audit(&cx, act, AuditOutcome::MinorFailure).await?;
        }
        return Err(RecordsError::new(Kind::Refused, "not allowed"));
    }
    Ok(cx)
}

async fn principal_of(
    app: &App,
    headers: &HeaderMap,
    now: jiff::Timestamp,
    source: &str,
) -> Result<Principal, RecordsError> {
    let bearer = headers.get(header::AUTHORIZATION).and_then(|value| value.to_str().ok());
    if let Some(token) = bearer.and_then(|value| value.strip_prefix("Bearer ")) {
        let principal = app.gate.bearer(token.trim(), now, app.random.as_ref(), source).await;
        return principal.map_err(auth_error);
    }
    let cookie = Asked::cookie(headers, COOKIE).ok_or_else(|| auth_error(AuthError::Needed))?;
    // A page of another site cannot ask in this one's name.
    let text = |name| headers.get(name).and_then(|value: &header::HeaderValue| value.to_str().ok());
    if let (Some(origin), Some(host)) = (text(header::ORIGIN), text(header::HOST))
        && origin.split_once("://").map(|(_, rest)| rest) != Some(host)
    {
        return Err(RecordsError::new(Kind::Refused, "the request comes from another site"));
    }
    app.gate.session(cookie, now).map_err(auth_error)
}

fn purpose_of(headers: &HeaderMap, role: Role) -> Result<PurposeOfUse, RecordsError> {
    match headers.get("ward-purpose").map(|value| value.to_str()) {
        Some(Ok(word)) => PurposeOfUse::from_word(word)
            .ok_or_else(|| RecordsError::new(Kind::Invalid, "`Ward-Purpose` is not a purpose")),
        Some(Err(_)) => Err(RecordsError::new(Kind::Invalid, "`Ward-Purpose` is not a purpose")),
        None => Ok(match role {
            Role::Billing => PurposeOfUse::Payment,
            Role::Auditor => PurposeOfUse::Operations,
            Role::Administrator | Role::System => PurposeOfUse::SystemAdministration,
            _ => PurposeOfUse::Treatment,
        }),
    }
}

async fn whole(
    body: Incoming,
    headers: &HeaderMap,
    bytes_max: usize,
) -> Result<hyper::body::Bytes, RecordsError> {
    if headers.contains_key(header::CONTENT_ENCODING) {
        return Err(RecordsError::new(Kind::Invalid, "compressed bodies are not taken"));
    }
    let too_large =
        || RecordsError::new(Kind::TooLarge, format!("a body has at most {bytes_max} bytes"));
    let said = headers.get(header::CONTENT_LENGTH).and_then(|value| value.to_str().ok());
    if said.and_then(|n| n.parse::<usize>().ok()).is_some_and(|n| bytes_max < n) {
        return Err(too_large());
    }
    match Limited::new(body, bytes_max).collect().await {
        Ok(whole) => Ok(whole.to_bytes()),
        Err(error) if error.is::<LengthLimitError>() => Err(too_large()),
        Err(_) => Err(RecordsError::new(Kind::Invalid, "the body ended too early")),
    }
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
