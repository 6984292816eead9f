//! Accepting connections: who may come, how many, and with how much memory.

use std::{io, net::SocketAddr, sync::Arc, time::Duration};

use tokio::{
    net::TcpListener,
    sync::{Semaphore, watch},
    task::JoinSet,
};
use tokio_rustls::TlsAcceptor;

use super::{
    connection::{self, Shared},
    peers::Peers,
};
use crate::contract::{Interface, Receiver};

/// The certificates in use; what is sent later is used by later connections. `None` is plain TCP.
pub type Tls = watch::Receiver<Option<Certificate>>;

/// A certificate with its key, ready to be shown.
pub type Certificate = Arc<rustls::ServerConfig>;

/// How much one listener takes on.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct ListenSettings {
    /// Most bytes of one block.
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

/// A listener that accepts; `run` until told to stop.
pub struct Listening {
    tcp: TcpListener,
    tls: Tls,
    shared: Arc<Shared>,
}

impl Listening {
    /// Opens the socket; nothing is accepted before [`Listening::run`].
    pub async fn bind(
        address: SocketAddr,
        receiver: Receiver,
        interface: watch::Receiver<Arc<Interface>>,
        settings: ListenSettings,
        tls: Tls,
    ) -> Result<Listening, ListenError> {
        let tcp =
            TcpListener::bind(address).await.map_err(|source| ListenError { address, source })?;
        let shared = Shared::new(receiver, interface, settings);
        Ok(Listening { tcp, tls, shared: Arc::new(shared) })
    }

    pub fn address(&self) -> io::Result<SocketAddr> {
        self.tcp.local_addr()
    }

    /// Serves until `stop` turns true, then lets messages that have been read be answered.
    pub async fn run(self, mut stop: watch::Receiver<bool>) {
        let settings = self.shared.settings;
        let places = Arc::new(Semaphore::new(settings.connections));
        let peers = Arc::new(Peers::new(settings.connections_per_peer));
        let mut tasks = JoinSet::new();
        loop {
            while tasks.try_join_next().is_some() {}
            // The place is taken first, so that more than fit wait in the kernel's queue.
            let place = tokio::select! {
                () = stopped(&mut stop) => break,
                place = Arc::clone(&places).acquire_owned() => place,
            };
            let Ok(place) = place else { break };
            let accepted = tokio::select! {
                () = stopped(&mut stop) => break,
                accepted = self.tcp.accept() => accepted,
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
                tracing::warn!(interface = %self.shared.name(), "too many connections of one peer");
                continue;
            };
            let acceptor = self.tls.borrow().clone().map(TlsAcceptor::from);
            let (shared, stop) = (Arc::clone(&self.shared), stop.clone());
            tasks.spawn(async move {
                let _places = (place, of_peer);
                connection::serve(shared, stream, peer.ip(), acceptor, stop).await;
            });
        }
        while tasks.join_next().await.is_some() {}
    }
}

/// Ends when the listener is told to stop, or nobody is left who could tell it.
pub(super) async fn stopped(stop: &mut watch::Receiver<bool>) {
    let _told = stop.wait_for(|stop| *stop).await.is_ok();
}
