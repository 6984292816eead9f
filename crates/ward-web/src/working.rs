//! Work on one request, which stops when nobody waits for it any more.
//!
//! A client that takes its request back, or hangs up, must not leave work behind that takes the
//! place of others (CVE-2023-44487). What the writer has taken it finishes. What changes the house
//! itself is brought to its end once it has begun: an account that is closed while its sessions
//! go on would be worse than late.

use std::{
    pin::Pin,
    sync::{
        Arc,
        atomic::{AtomicU8, Ordering::SeqCst},
    },
    task::{Context, Poll},
};

use tokio::task::{JoinError, JoinHandle};

/// The work, to be waited for; unless its promise is kept it is broken off when this is dropped.
pub(crate) struct Working<T> {
    task: JoinHandle<T>,
    promise: Arc<Promise>,
}

/// Whether work goes on without anybody who waits.
#[derive(Default)]
pub(crate) struct Promise(AtomicU8); // INVARIANT: leaves `OPEN` once.

const OPEN: u8 = 0;
const KEPT: u8 = 1;
const GIVEN_UP: u8 = 2;

impl Promise {
    /// From here on the work is brought to its end. `false` when it was given up already.
    #[must_use]
    pub(crate) fn keep(&self) -> bool {
        self.0.compare_exchange(OPEN, KEPT, SeqCst, SeqCst).is_ok()
    }

    fn give_up(&self) -> bool {
        self.0.compare_exchange(OPEN, GIVEN_UP, SeqCst, SeqCst).is_ok()
    }
}

impl<T> Working<T> {
    pub(crate) fn new(task: JoinHandle<T>, promise: Arc<Promise>) -> Working<T> {
        Working { task, promise }
    }
}

impl<T> Future for Working<T> {
    type Output = Result<T, JoinError>;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        Pin::new(&mut self.task).poll(cx)
    }
}

impl<T> Drop for Working<T> {
    fn drop(&mut self) {
        if self.promise.give_up() {
            self.task.abort();
        }
    }
}

#[cfg(test)]
mod tests {
    use tokio::sync::oneshot;

    use super::*;

    /// Whether the work was done after whoever waited for it had gone.
    async fn is_done(keeps: bool) -> bool {
        let promise = Arc::new(Promise::default());
        let (begun, has_begun) = oneshot::channel();
        let (go_on, may_go_on) = oneshot::channel::<()>();
        let (done, is_done) = oneshot::channel();
        let of_task = Arc::clone(&promise);
        let task = tokio::spawn(async move {
            assert!(!keeps || of_task.keep());
            begun.send(()).unwrap();
            may_go_on.await.unwrap();
            done.send(()).unwrap();
        });
        let working = Working::new(task, promise);
        has_begun.await.unwrap();
        drop(working);
        let _nobody_waits = go_on.send(());
        is_done.await.is_ok()
    }

    #[tokio::test]
    async fn what_nobody_waits_for_stops_unless_it_was_promised() {
        assert!(!is_done(false).await);
        assert!(is_done(true).await);
    }

    #[test]
    fn what_was_given_up_is_not_begun() {
        let promise = Promise::default();
        assert!(promise.give_up());
        assert!(!promise.keep());
        let promise = Promise::default();
        assert!(promise.keep());
        assert!(!promise.give_up());
    }
}
