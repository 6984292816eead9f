//! Waiting for another process, which tells nothing but by what it does.

use std::time::{Duration, Instant};

/// Waits until `done`, and answers whether it was in time.
pub fn wait_until(patience: Duration, mut done: impl FnMut() -> bool) -> bool {
    let until = Instant::now() + patience;
    while !done() {
        if until < Instant::now() {
            return false;
        }
        pause(Duration::from_millis(1));
    }
    true
}

/// Lets another process work for a while: how a fault comes at a moment that nobody chose.
#[expect(clippy::disallowed_methods, reason = "the moment of a fault is the test's input")]
pub fn pause(time: Duration) {
    std::thread::sleep(time);
}
