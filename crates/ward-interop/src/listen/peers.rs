//! How many connections each peer has.

use std::{
    collections::HashMap,
    net::IpAddr,
    sync::{Arc, Mutex, PoisonError},
};

/// Connections by peer.
pub(super) struct Peers {
    n_max: usize,
    open: Mutex<HashMap<IpAddr, usize>>,
}

/// A place among the connections of a peer; given up when dropped.
pub(super) struct PeerPlace {
    peers: Arc<Peers>,
    peer: IpAddr,
}

impl Peers {
    pub(super) fn new(n_max: usize) -> Peers {
        Peers { n_max, open: Mutex::default() }
    }

    /// `None` when the peer has as many as it may.
    pub(super) fn place(self: &Arc<Peers>, peer: IpAddr) -> Option<PeerPlace> {
        let mut open = self.open.lock().unwrap_or_else(PoisonError::into_inner);
        let n = open.entry(peer).or_default();
        if self.n_max <= *n {
            return None;
        }
        *n += 1;
        Some(PeerPlace { peers: Arc::clone(self), peer })
    }
}

impl Drop for PeerPlace {
    fn drop(&mut self) {
        let mut open = self.peers.open.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(n) = open.get_mut(&self.peer) {
            *n = n.saturating_sub(1);
            if *n == 0 {
                open.remove(&self.peer);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_peer_has_so_many_and_gives_them_back() {
        let peers = Arc::new(Peers::new(1));
        let one: IpAddr = [10, 0, 0, 1].into();
        let place = peers.place(one);
        assert!(place.is_some() && peers.place(one).is_none());
        assert!(peers.place([10, 0, 0, 2].into()).is_some());
        drop(place);
        assert!(peers.place(one).is_some());
    }
}
