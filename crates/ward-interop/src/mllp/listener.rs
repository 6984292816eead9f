//! Listening for MLLP.

use std::{io, net::SocketAddr, sync::Arc};

use tokio::sync::watch;

use super::connection::{self, Shared};
use crate::{
    contract::{Interface, Receiver},
    listen::{ListenSettings, Socket, Stop, Tls, accept},
};

/// A listener that accepts; `run` until told to stop.
pub struct Listening {
    socket: Socket,
    tls: Tls,
    shared: Arc<Shared>,
}

impl Listening {
    /// Nothing is accepted before [`Listening::run`].
    pub fn new(
        socket: Socket,
        receiver: Receiver,
        interface: watch::Receiver<Arc<Interface>>,
        settings: ListenSettings,
        tls: Tls,
    ) -> Listening {
        let shared = Shared::new(receiver, interface, settings);
        Listening { socket, tls, shared: Arc::new(shared) }
    }

    pub fn address(&self) -> io::Result<SocketAddr> {
        self.socket.address()
    }

    /// Serves until told to stop, then lets messages that have been read be answered.
    pub async fn run(self, stop: Stop) {
        let Listening { socket, tls, shared } = self;
        let settings = shared.settings;
        let address = socket.address().map(|it| it.to_string()).unwrap_or_default();
        let open = shared.open(address);
        accept(socket, tls, settings, stop, move |stream, peer, acceptor, stop| {
            let one = open.connection();
            let serving = connection::serve(Arc::clone(&shared), stream, peer, acceptor, stop);
            async move {
                let _one = one;
                serving.await;
            }
        })
        .await;
    }
}
