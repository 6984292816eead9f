//! Figures of what the server looked at by itself: samples of the index, scrubs of every row.

use std::{
    fmt::Write as _,
    sync::atomic::{AtomicI64, AtomicU64, Ordering::Relaxed},
};

use jiff::Timestamp;

/// Counts since the process started. The binary counts; `/metrics` shows.
#[derive(Default, Debug)]
pub struct CareFigures {
    sampled: AtomicU64,
    differing: AtomicU64,
    sampled_at_s: AtomicI64,
    scrubbed: AtomicU64,
    damaged: AtomicU64,
    scrubbed_at_s: AtomicI64,
}

impl CareFigures {
    /// A sample compared `n` records, of which `n_differing` stood otherwise in the index.
    pub fn sampled(&self, n: u64, n_differing: u64, at: Timestamp) {
        self.sampled.fetch_add(n, Relaxed);
        self.differing.fetch_add(n_differing, Relaxed);
        self.sampled_at_s.store(at.as_second(), Relaxed);
    }

    /// A scrub of all rows ended; the figures are of this one.
    pub fn scrubbed(&self, n_rows: u64, n_damaged: u64, at: Timestamp) {
        self.scrubbed.store(n_rows, Relaxed);
        self.damaged.store(n_damaged, Relaxed);
        self.scrubbed_at_s.store(at.as_second(), Relaxed);
    }

    /// Lines for Prometheus.
    pub(crate) fn page(&self) -> String {
        let mut page = String::new();
        let mut line = |name: &str, kind: &str, help: &str, value: String| {
            // Writing to a String cannot fail.
            let _ok = writeln!(page, "# HELP {name} {help}\n# TYPE {name} {kind}\n{name} {value}");
        };
        let n = |figure: &AtomicU64| figure.load(Relaxed).to_string();
        let at = |figure: &AtomicI64| figure.load(Relaxed).to_string();
        line(
            "ward_index_sampled_records_total",
            "counter",
            "Records compared with the index.",
            n(&self.sampled),
        );
        line(
            "ward_index_differing_records_total",
            "counter",
            "Differences between records and the index; each makes the index anew.",
            n(&self.differing),
        );
        line(
            "ward_index_sampled_timestamp_seconds",
            "gauge",
            "When the last sample was taken; 0 before the first.",
            at(&self.sampled_at_s),
        );
        line("ward_scrubbed_rows", "gauge", "Rows opened by the last scrub.", n(&self.scrubbed));
        line(
            "ward_damaged_rows",
            "gauge",
            "Rows that did not open in the last scrub.",
            n(&self.damaged),
        );
        line(
            "ward_scrubbed_timestamp_seconds",
            "gauge",
            "When the last scrub ended; 0 before the first.",
            at(&self.scrubbed_at_s),
        );
        page
    }
}
