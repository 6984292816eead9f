//! Listening for messages over HTTP.

use std::{
    convert::Infallible,
    io,
    net::IpAddr,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use hyper::{header, header::HeaderValue, server::conn::http1, service::service_fn};
use hyper_util::rt::{TokioIo, TokioTimer};
use tokio::{
    io::{AsyncRead, AsyncWrite},
    net::TcpStream,
    sync::watch,
    time::timeout,
};
use tokio_rustls::TlsAcceptor;
use ward_crypto::sha256;

use super::respond::respond;
use crate::{
    contract::{Interface, Receiver},
    listen::{ListenSettings, RETIRED_SILENT, Room, Socket, Stop, Tls, accept},
};

/// Header fields of one request.
/// LIMIT: senders of messages write about ten.
const HEADERS_MAX: usize = 100;

/// Bytes of the head of one request.
/// LIMIT: a long token and some proxies' fields.
const HEAD_BYTES_MAX: usize = 32 * 1024;

/// What a sender has to show as `Authorization: Bearer`; only its hash is held.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct Token([u8; 32]);

impl Token {
    pub fn of(text: &str) -> Token {
        Token(sha256(text.trim().as_bytes()))
    }

    /// Compares hashes, so that the time it takes says nothing of the token.
    pub(super) fn is(&self, shown: &[u8]) -> bool {
        self.0 == sha256(shown)
    }
}

/// A listener that accepts; `run` until told to stop.
pub struct HttpListening {
    socket: Socket,
    tls: Tls,
    shared: Arc<Shared>,
}

/// What all connections of a listener share.
pub(super) struct Shared {
    pub(super) receiver: Receiver,
    pub(super) interface: watch::Receiver<Arc<Interface>>,
    pub(super) settings: ListenSettings,
    pub(super) token: Option<Token>,
    pub(super) room: Room,
}

impl HttpListening {
    /// Nothing is accepted before [`HttpListening::run`].
    pub fn new(
        socket: Socket,
        receiver: Receiver,
        interface: watch::Receiver<Arc<Interface>>,
        settings: ListenSettings,
        tls: Tls,
        token: Option<Token>,
    ) -> HttpListening {
        let room = Room::new(settings.held_bytes, settings.block_bytes);
        let shared = Shared { receiver, interface, settings, token, room };
        HttpListening { socket, tls, shared: Arc::new(shared) }
    }

    pub fn address(&self) -> io::Result<std::net::SocketAddr> {
        self.socket.address()
    }

    /// Serves until told to stop, then lets requests that have begun be answered.
    pub async fn run(self, stop: Stop) {
        let HttpListening { socket, tls, shared } = self;
        let settings = shared.settings;
        let address = socket.address().map(|it| it.to_string()).unwrap_or_default();
        let name = shared.interface.borrow().name.clone();
        let open = shared.receiver.figures().open(&name, address);
        accept(socket, tls, settings, stop, move |stream, peer, acceptor, stop| {
            let one = open.connection();
            let serving = connection(Arc::clone(&shared), stream, peer, acceptor, stop);
            async move {
                let _one = one;
                serving.await;
            }
        })
        .await;
    }
}

async fn connection(
    shared: Arc<Shared>,
    stream: TcpStream,
    peer: IpAddr,
    tls: Option<TlsAcceptor>,
    stop: Stop,
) {
    let Some(acceptor) = tls else { return serve(shared, stream, peer, stop).await };
    let limit = Duration::from_secs(shared.settings.peer_s);
    match timeout(limit, acceptor.accept(stream)).await {
        Ok(Ok(stream)) => serve(shared, stream, peer, stop).await,
        Ok(Err(error)) => {
            let interface = shared.interface.borrow().name.clone();
            tracing::warn!(%interface, %error, "TLS handshake failed");
        }
        Err(_) => tracing::warn!("a TLS handshake took too long"),
    }
}

async fn serve<S>(shared: Arc<Shared>, stream: S, peer: IpAddr, mut stop: Stop)
where
    S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
{
    let patience = Duration::from_secs(shared.settings.peer_s);
    let is_last = Arc::new(AtomicBool::new(false));
    let peer = peer.to_string();
    let service = {
        let is_last = Arc::clone(&is_last);
        service_fn(move |request| {
            let (shared, peer, is_last) = (Arc::clone(&shared), peer.clone(), Arc::clone(&is_last));
            async move {
                let mut response = respond(&shared, &peer, request).await;
                if is_last.load(Ordering::Relaxed) {
                    let close = HeaderValue::from_static("close");
                    response.headers_mut().insert(header::CONNECTION, close);
                }
                Ok::<_, Infallible>(response)
            }
        })
    };
    let connection = http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(patience)
        .max_buf_size(HEAD_BYTES_MAX)
        .max_headers(HEADERS_MAX)
        .serve_connection(TokioIo::new(stream), service);
    tokio::pin!(connection);
    let mut replaced = stop.clone();
    tokio::select! {
        // A broken connection is the peer's business; there is nobody left to tell.
        _ended = connection.as_mut() => return,
        () = stop.ended() => {}
        () = replaced.retired() => {
            // The next answer says that it is the last one; a request on its way is answered.
            is_last.store(true, Ordering::Relaxed);
            tokio::select! {
                _ended = connection.as_mut() => return,
                () = stop.ended() => {}
                () = tokio::time::sleep(RETIRED_SILENT) => {}
            }
        }
    }
    connection.as_mut().graceful_shutdown();
    let _ended = connection.await;
}
