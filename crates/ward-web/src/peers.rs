//! How many connections one address holds.

use std::{
    collections::HashMap,
    net::IpAddr,
    sync::{Arc, Mutex, PoisonError},
};

/// Connections by address.
pub(crate) struct Peers {
    n_max: usize,
    open: Mutex<HashMap<IpAddr, usize>>,
}

/// One connection's place; it is given back when dropped.
pub(crate) struct PeerPlace {
    peers: Arc<Peers>,
    ip: IpAddr,
}

impl Peers {
    pub(crate) fn new(n_max: usize) -> Peers {
        Peers { n_max, open: Mutex::default() }
    }

    /// A place for one more connection from `ip`, if it does not hold too many.
    pub(crate) fn place(self: &Arc<Peers>, ip: IpAddr) -> Option<PeerPlace> {
        let mut open = self.open.lock().unwrap_or_else(PoisonError::into_inner);
        let n_open = open.entry(ip).or_insert(0);
        if self.n_max <= *n_open {
            return None;
        }
        *n_open += 1;
        Some(PeerPlace { peers: Arc::clone(self), ip })
    }
}

impl Drop for PeerPlace {
    fn drop(&mut self) {
        let mut open = self.peers.open.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(n_open) = open.get_mut(&self.ip) {
            *n_open = n_open.saturating_sub(1);
            if *n_open == 0 {
                open.remove(&self.ip);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_address_does_not_take_the_place_of_others() {
        let peers = Arc::new(Peers::new(2));
        let (a, b) = (IpAddr::from([10, 0, 0, 1]), IpAddr::from([10, 0, 0, 2]));
        let first = peers.place(a);
        let second = peers.place(a);
        assert!(first.is_some() && second.is_some());
        assert!(peers.place(a).is_none());
        assert!(peers.place(b).is_some());
        drop(first);
        assert!(peers.place(a).is_some());
        drop(second);
        assert!(peers.open.lock().unwrap().is_empty());
    }
}
