//! Sockets: who may connect, how many, and how long a silent one may stay.

use std::{
    convert::Infallible,
    io,
    net::{IpAddr, SocketAddr},
    os::unix::fs::{DirBuilderExt, PermissionsExt},
    path::{Path, PathBuf},
    sync::Arc,
    time::Duration,
};

use hyper::service::service_fn;
use hyper_util::rt::{TokioExecutor, TokioIo, TokioTimer};
use tokio::{
    io::{AsyncRead, AsyncWrite},
    net::{TcpListener, TcpStream, UnixListener},
    sync::{OwnedSemaphorePermit, Semaphore, watch},
    task::JoinSet,
    time::timeout,
};
use tokio_rustls::TlsAcceptor;

use crate::{
    App,
    peers::{PeerPlace, Peers},
    serve::{Server, answer},
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
    #[error("starting the threads of long requests")]
    Threads(#[source] io::Error),
}

/// A server that accepts; `run` until told to stop.
pub struct Listening {
    server: Arc<Server>,
    tcp: TcpListener,
    unix: Option<UnixListener>,
    tls: Option<TlsAcceptor>,
}

/// Opens the sockets; nothing is accepted before [`Listening::run`].
pub async fn serve(app: App, options: ServeOptions) -> Result<Listening, ServeError> {
    let failed = |what: String| move |source| ServeError::Listen(what, source);
    let tcp = TcpListener::bind(options.http).await.map_err(failed(options.http.to_string()))?;
    let unix = match &options.socket {
        None => None,
        Some(path) => Some(bind_private(path).map_err(failed(path.display().to_string()))?),
    };
    let tls = options.tls.map(TlsAcceptor::from);
    let server = Arc::new(Server::new(app).map_err(ServeError::Threads)?);
    Ok(Listening { server, tcp, unix, tls })
}

/// A socket file that was never open to others: it is made in a folder of its own and moved into
/// place when only the owner may use it. One left over is replaced; the chart's lock says that no
/// other server lives.
fn bind_private(path: &Path) -> io::Result<UnixListener> {
    let folder = path.with_extension(format!("{}.new", std::process::id()));
    std::fs::DirBuilder::new().mode(0o700).create(&folder)?;
    let bound = folder.join("s");
    let result = UnixListener::bind(&bound).and_then(|listener| {
        std::fs::set_permissions(&bound, std::fs::Permissions::from_mode(0o600))?;
        std::fs::rename(&bound, path)?;
        Ok(listener)
    });
    std::fs::remove_dir_all(&folder)?;
    result
}

impl Listening {
    pub fn address(&self) -> io::Result<SocketAddr> {
        self.tcp.local_addr()
    }

    /// Serves until `stop` turns true, then lets running requests end.
    pub async fn run(self, mut stop: watch::Receiver<bool>) {
        let limits = self.server.app.limits;
        let connections = Arc::new(Semaphore::new(limits.connections));
        let peers = Arc::new(Peers::new(limits.connections_per_peer));
        let mut tasks = JoinSet::new();
        loop {
            while tasks.try_join_next().is_some() {}
            // The place is taken first, so that more than fit wait in the kernel's queue.
            let place = tokio::select! {
                () = stopped(&mut stop) => break,
                place = Arc::clone(&connections).acquire_owned() => place,
            };
            let Ok(place) = place else { break };
            let unix = async {
                match &self.unix {
                    Some(listener) => listener.accept().await.map(|(stream, _)| stream),
                    None => std::future::pending().await,
                }
            };
            tokio::select! {
                () = stopped(&mut stop) => break,
                accepted = self.tcp.accept() => match accepted {
                    Ok((stream, peer)) => {
                        let Some(of_peer) = peers.place(peer.ip()) else { continue };
                        let places = (place, of_peer);
                        let (server, tls) = (Arc::clone(&self.server), self.tls.clone());
                        tasks.spawn(network(server, tls, stream, peer.ip(), places, stop.clone()));
                    }
                    Err(error) => accept_failed(&error).await,
                },
                accepted = unix => match accepted {
                    Ok(stream) => {
                        let (server, stop) = (Arc::clone(&self.server), stop.clone());
                        tasks.spawn(async move {
                            let _place = place;
                            http1(server, stream, Peer::Operator, stop).await;
                        });
                    }
                    Err(error) => accept_failed(&error).await,
                },
            }
        }
        while tasks.join_next().await.is_some() {}
    }
}

/// Out of file handles or the like: a moment for connections to end, instead of a hot loop.
async fn accept_failed(error: &io::Error) {
    tracing::warn!(%error, "connection not accepted");
    tokio::time::sleep(Duration::from_millis(50)).await;
}

/// Ends when the server is told to stop, or nobody is left who could tell it.
async fn stopped(stop: &mut watch::Receiver<bool>) {
    let _told = stop.wait_for(|stop| *stop).await.is_ok();
}

/// Who is at the other end of a connection, before any header.
#[derive(Clone)]
pub(crate) enum Peer {
    Network {
        source: Arc<str>,
        tls: bool,
    },
    /// The owner of the data folder, through the socket file.
    Operator,
}

async fn network(
    server: Arc<Server>,
    tls: Option<TlsAcceptor>,
    stream: TcpStream,
    ip: IpAddr,
    _places: (OwnedSemaphorePermit, PeerPlace),
    stop: watch::Receiver<bool>,
) {
    let _nodelay = stream.set_nodelay(true);
    let source: Arc<str> = Arc::from(ip.to_string());
    let Some(tls) = tls else {
        // Without TLS there is no agreement on a version: HTTP/1.1, which has a deadline for its
        // first byte.
        return http1(server, stream, Peer::Network { source, tls: false }, stop).await;
    };
    let patience = Duration::from_secs(server.app.limits.header_s);
    let Ok(Ok(stream)) = timeout(patience, tls.accept(stream)).await else { return };
    let peer = Peer::Network { source, tls: true };
    match stream.get_ref().1.alpn_protocol() {
        Some(b"h2") => http2(server, stream, peer, stop).await,
        _ => http1(server, stream, peer, stop).await,
    }
}

async fn http1(
    server: Arc<Server>,
    stream: impl AsyncRead + AsyncWrite + Unpin + Send + 'static,
    peer: Peer,
    mut stop: watch::Receiver<bool>,
) {
    let limits = server.app.limits;
    let service = service_fn(move |request| {
        let (server, peer) = (Arc::clone(&server), peer.clone());
        async move { Ok::<_, Infallible>(answer(server, peer, request, None).await) }
    });
    let connection = hyper::server::conn::http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(Duration::from_secs(limits.header_s))
        .max_buf_size(limits.header_bytes)
        .max_headers(HEADERS_MAX)
        .serve_connection(TokioIo::new(stream), service)
        .with_upgrades();
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

/// Header fields of one request.
/// LIMIT: browsers send about twenty.
const HEADERS_MAX: usize = 100;

/// Requests at once on one HTTP/2 connection.
/// LIMIT: a page's worth; interfaces open more connections.
const STREAMS_MAX: u32 = 100;

async fn http2(
    server: Arc<Server>,
    stream: impl AsyncRead + AsyncWrite + Unpin + Send + 'static,
    peer: Peer,
    mut stop: watch::Receiver<bool>,
) {
    let limits = server.app.limits;
    let patience = Duration::from_secs(limits.header_s);
    // HTTP/2 counts a stream no longer once it is reset; its work counts here until it has ended.
    let n_max = usize::try_from(STREAMS_MAX).unwrap_or(1);
    let places = Arc::new(Semaphore::new(n_max));
    let service = service_fn(move |request| {
        let (server, peer, places) = (Arc::clone(&server), peer.clone(), Arc::clone(&places));
        async move {
            let place = places.acquire_owned().await.ok();
            Ok::<_, Infallible>(answer(server, peer, request, place).await)
        }
    });
    let connection = hyper::server::conn::http2::Builder::new(TokioExecutor::new())
        .timer(TokioTimer::new())
        .keep_alive_interval(patience)
        .keep_alive_timeout(patience)
        .max_concurrent_streams(STREAMS_MAX)
        .max_header_list_size(u32::try_from(limits.header_bytes).unwrap_or(u32::MAX))
        .serve_connection(
            TokioIo::new(crate::impatient::Impatient::new(stream, PREFACE_BYTES, patience)),
            service,
        );
    tokio::pin!(connection);
    tokio::select! {
        _ended = connection.as_mut() => {}
        () = stopped(&mut stop) => {
            connection.as_mut().graceful_shutdown();
            let _ended = connection.await;
        }
    }
}

/// - Source: RFC 9113, 3.4.
const PREFACE_BYTES: usize = 24;
