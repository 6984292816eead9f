//! How a listener ends: with the server, or because another one has taken its place.

use std::time::Duration;

use tokio::sync::watch;

/// Tells a listener and its connections that they are to end.
#[derive(Clone)]
pub struct Stop {
    server: watch::Receiver<bool>,
    retired: Option<watch::Receiver<bool>>,
}

/// How long a connection of a listener that was replaced may be silent.
/// LIMIT: a sender that is at work writes its next message sooner than this.
pub(crate) const RETIRED_SILENT: Duration = Duration::from_secs(2);

/// How long a connection of a listener that was replaced may go on at most.
/// LIMIT: time for a largest block on a slow line has its own deadline.
pub(crate) const RETIRED_MAX: Duration = Duration::from_secs(10);

impl Stop {
    /// - Shape: when `server` turns true, connections end between two messages. When `retired` does,
    ///   nothing more is accepted, and connections go on until they are silent, ten seconds at most.
    pub fn new(server: watch::Receiver<bool>, retired: Option<watch::Receiver<bool>>) -> Stop {
        Stop { server, retired }
    }

    /// Ends when nothing more is to be accepted.
    pub(crate) async fn told(&mut self) {
        let Stop { server, retired } = self;
        tokio::select! {
            () = turned(server) => {}
            () = turned_some(retired) => {}
        }
    }

    /// Ends when the server ends, or nobody is left who could say so.
    pub(crate) async fn ended(&mut self) {
        turned(&mut self.server).await;
    }

    /// Ends when the listener was replaced.
    pub(crate) async fn retired(&mut self) {
        turned_some(&mut self.retired).await;
    }
}

async fn turned(told: &mut watch::Receiver<bool>) {
    let _told = told.wait_for(|told| *told).await.is_ok();
}

async fn turned_some(told: &mut Option<watch::Receiver<bool>>) {
    match told {
        Some(told) => turned(told).await,
        None => std::future::pending().await,
    }
}
