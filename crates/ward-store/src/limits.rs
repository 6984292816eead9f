//! How much one chart takes on at once.

/// Limits of one open chart. The defaults fit two cores and 100 MB of idle memory.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct StoreLimits {
    /// Units waiting for the writer; more are refused with `Busy`.
    pub units_waiting: usize,
    /// Bytes of units waiting for the writer; callers wait for room.
    pub bytes_waiting: usize,
    /// Units that share one durable commit.
    pub units_per_commit: usize,
    /// Bytes that share one durable commit.
    pub bytes_per_commit: usize,
    /// Read-only connections kept open.
    pub readers: usize,
    /// Patients' keys kept unwrapped.
    pub keys_cached: usize,
    /// Audit entries between two signed checkpoints.
    pub checkpoint_entries: u64,
    /// Seconds between two signed checkpoints, when entries were written.
    pub checkpoint_s: i64,
    /// Pages of the database file; `None` is the disk. A test's way to a full disk.
    pub pages: Option<u32>,
}

impl Default for StoreLimits {
    fn default() -> StoreLimits {
        StoreLimits {
            // LIMIT: more callers than this cannot be answered in a useful time.
            units_waiting: 4096,
            // LIMIT: four of the largest request bodies.
            bytes_waiting: 256 * 1024 * 1024,
            // LIMIT: one flush shared by as many callers as wait; latency stays within a few flushes.
            units_per_commit: 512,
            // LIMIT: a few milliseconds of writing to the log.
            bytes_per_commit: 16 * 1024 * 1024,
            // LIMIT: point reads are microseconds; more connections than this only cost memory.
            readers: 8,
            // LIMIT: about 10 MB; the patients of a large hospital's day.
            keys_cached: 16_384,
            // LIMIT: what an intruder could rewrite unseen between two anchors.
            checkpoint_entries: 1_000,
            checkpoint_s: 60,
            pages: None,
        }
    }
}
