//! Where a test can make the disk fail.

/// What the disk does at a commit.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[cfg_attr(not(test), expect(dead_code, reason = "only tests make the disk fail"))]
pub(crate) enum Fault {
    /// The flush failed: what was written may or may not be there.
    Flush,
    /// The flush failed, though everything had reached the disk.
    FlushAfter,
}

/// Asked before every commit. The release asks [`NoFaults`].
pub(crate) trait Faults: Send + Sync {
    fn at_commit(&self) -> Option<Fault>;
}

pub(crate) struct NoFaults;

impl Faults for NoFaults {
    fn at_commit(&self) -> Option<Fault> {
        None
    }
}
