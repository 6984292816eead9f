//! The memory that unfinished messages of one listener may take together.

use std::sync::Arc;

use tokio::sync::{OwnedSemaphorePermit, Semaphore};

/// Bytes that one permit stands for.
const UNIT: usize = 64 * 1024;

/// The room of a listener.
pub(crate) struct Room(Arc<Semaphore>);

impl Room {
    /// - Shape: a message of `block_bytes` always fits.
    pub(crate) fn new(held_bytes: usize, block_bytes: usize) -> Room {
        let bytes = held_bytes.max(block_bytes.saturating_add(2 * UNIT));
        Room(Arc::new(Semaphore::new(bytes / UNIT)))
    }

    /// A place in it that is still empty.
    pub(crate) fn place(&self) -> Held {
        Held { room: Arc::clone(&self.0), permits: Vec::new() }
    }
}

/// What one message takes of the room; given back when dropped.
pub(crate) struct Held {
    room: Arc<Semaphore>,
    permits: Vec<OwnedSemaphorePermit>,
}

impl Held {
    /// Waits until there is room for `n_bytes` in all.
    pub(crate) async fn grow_to(&mut self, n_bytes: usize) {
        while self.permits.len().saturating_mul(UNIT) < n_bytes {
            match Arc::clone(&self.room).acquire_owned().await {
                Ok(permit) => self.permits.push(permit),
                // Never closed.
                Err(_) => return,
            }
        }
    }

    pub(crate) fn clear(&mut self) {
        self.permits.clear();
    }
}
