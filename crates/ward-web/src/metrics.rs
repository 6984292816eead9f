//! Figures for Prometheus. Labels are templates and codes, never anything of a patient.

use std::sync::{Mutex, PoisonError};

use prometheus_client::{
    encoding::{EncodeLabelSet, text::encode},
    metrics::{family::Family, histogram::Histogram},
    registry::Registry,
};

#[derive(Clone, PartialEq, Eq, Hash, Debug, EncodeLabelSet)]
struct Labels {
    route: &'static str,
    method: &'static str,
    status: u16,
}

type Durations = Family<Labels, Histogram, fn() -> Histogram>;

pub(crate) struct Metrics {
    registry: Mutex<Registry>,
    durations: Durations,
}

/// Bounds in seconds, from a cached read to a slow transaction.
const BOUNDS_S: [f64; 12] =
    [0.000_5, 0.001, 0.002_5, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 1.0, 5.0, 30.0];

impl Default for Metrics {
    fn default() -> Metrics {
        let mut registry = Registry::default();
        let durations = Durations::new_with_constructor(|| Histogram::new(BOUNDS_S));
        registry.register(
            "healthcare_response_duration_seconds",
            "Time to answer, by route and status",
            durations.clone(),
        );
        Metrics { registry: Mutex::new(registry), durations }
    }
}

impl Metrics {
    pub(crate) fn answered(&self, route: &'static str, method: &'static str, status: u16, s: f64) {
        self.durations.get_or_create(&Labels { route, method, status }).observe(s);
    }

    /// The page, with the figures that are read when asked for.
    pub(crate) fn page(&self, uptime_s: u64, commits: u64) -> String {
        let mut page = String::new();
        let registry = self.registry.lock().unwrap_or_else(PoisonError::into_inner);
        // Writing to a String cannot fail.
        let _ok = encode(&mut page, &registry);
        let end = page.strip_suffix("# EOF\n").map(str::len).unwrap_or(page.len());
        page.truncate(end);
        page.push_str(&format!(
            "# HELP system_uptime_seconds Time since the process started.\n\
             # TYPE system_uptime_seconds gauge\nsystem_uptime_seconds {uptime_s}\n\
             # HELP ward_commits Number of the last durable commit.\n\
             # TYPE ward_commits gauge\nward_commits {commits}\n# EOF\n"
        ));
        page
    }
}
