//! Accepting connections, whatever is spoken on them: who may come, how many, with how much
//! memory, and how a listener ends.

mod peers;
mod room;
mod stop;

use std::{
    io,
    net::{IpAddr, SocketAddr},
    sync::Arc,
    time::Duration,
};

use tokio::{
    net::{TcpListener, TcpStream},
    sync::{Semaphore, watch},
    task::JoinSet,
};
use tokio_rustls::TlsAcceptor;

use self::peers::Peers;
pub(crate) use self::room::{Held, Room};
pub use self::stop::Stop;
pub(crate) use self::stop::{RETIRED_MAX, RETIRED_SILENT};

/// The certificates in use; what is sent later is used by later connections. `None` is plain TCP.
pub type Tls = watch::Receiver<Option<Certificate>>;

/// A certificate with its key, ready to be shown.
pub type Certificate = Arc<rustls::ServerConfig>;

/// How much one listener takes on.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct ListenSettings {
    /// Most bytes of one block, or of one body.
    pub block_bytes: usize,
    /// Most bytes of unfinished blocks, over all connections; more are not read before others end.
    pub held_bytes: usize,
    /// Connections at once; more wait to be accepted.
    pub connections: usize,
    pub connections_per_peer: usize,
    /// Seconds for a block, from its first byte to its last.
    pub block_s: u64,
    /// Seconds that a connection may be silent between blocks; 0 is for ever, as many senders keep
    /// one open all day.
    pub idle_s: u64,
    /// Seconds for a TLS handshake, and for an answer to be taken.
    pub peer_s: u64,
}

impl Default for ListenSettings {
    fn default() -> ListenSettings {
        ListenSettings {
            // LIMIT: reports with embedded documents reach tens of megabytes.
            block_bytes: 50 * 1024 * 1024,
            // LIMIT: one largest block and many small ones.
            held_bytes: 64 * 1024 * 1024,
            connections: 1024,
            connections_per_peer: 256,
            block_s: 60,
            idle_s: 0,
            peer_s: 30,
        }
    }
}

#[derive(Debug, thiserror::Error)]
#[error("listening on `{address}`")]
pub struct ListenError {
    pub address: SocketAddr,
    #[source]
    pub source: io::Error,
}

/// An open socket. Two listeners may have the same one: what the first no longer accepts, the next
/// one does.
#[derive(Clone)]
pub struct Socket(Arc<TcpListener>);

impl Socket {
    /// Opens the socket; what comes waits until somebody accepts it.
    pub async fn bind(address: SocketAddr) -> Result<Socket, ListenError> {
        let bound = TcpListener::bind(address).await;
        bound.map(|tcp| Socket(Arc::new(tcp))).map_err(|source| ListenError { address, source })
    }

    pub fn address(&self) -> io::Result<SocketAddr> {
        self.0.local_addr()
    }
}

/// Gives every connection to `serve` until told to stop, then waits for those that are open.
pub(crate) async fn accept<F, Fut>(
    socket: Socket,
    tls: Tls,
    settings: ListenSettings,
    mut stop: Stop,
    serve: F,
) where
    F: Fn(TcpStream, IpAddr, Option<TlsAcceptor>, Stop) -> Fut,
    Fut: Future<Output = ()> + Send + 'static,
{
    let places = Arc::new(Semaphore::new(settings.connections));
    let peers = Arc::new(Peers::new(settings.connections_per_peer));
    let mut tasks = JoinSet::new();
    loop {
        while tasks.try_join_next().is_some() {}
        // The place is taken first, so that more than fit wait in the kernel's queue.
        let place = tokio::select! {
            () = stop.told() => break,
            place = Arc::clone(&places).acquire_owned() => place,
        };
        let Ok(place) = place else { break };
        let accepted = tokio::select! {
            () = stop.told() => break,
            accepted = socket.0.accept() => accepted,
        };
        let (stream, peer) = match accepted {
            Ok(accepted) => accepted,
            Err(error) => {
                // Out of file handles or the like: a moment for connections to end.
                tracing::warn!(%error, "connection not accepted");
                tokio::time::sleep(Duration::from_millis(50)).await;
                continue;
            }
        };
        let Some(of_peer) = peers.place(peer.ip()) else {
            tracing::warn!("too many connections of one peer");
            continue;
        };
        // Answers are short, and each is waited for.
        let _best_effort = stream.set_nodelay(true);
        let acceptor = tls.borrow().clone().map(TlsAcceptor::from);
        let serving = serve(stream, peer.ip(), acceptor, stop.clone());
        tasks.spawn(async move {
            let _places = (place, of_peer);
            serving.await;
        });
    }
    // A socket that nobody else has is closed here, before the connections end.
    drop(socket);
    while tasks.join_next().await.is_some() {}
}
