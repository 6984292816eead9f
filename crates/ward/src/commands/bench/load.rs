//! Closed loops of clients, and what they saw.

use std::{
    net::SocketAddr,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    time::{Duration, Instant},
};

use hyper::{Method, body::Bytes};

use super::{BenchError, client::Client};

/// One request of a loop.
#[derive(Clone)]
pub(super) struct Call {
    pub(super) method: Method,
    pub(super) path: String,
    pub(super) body: Bytes,
}

/// What a loop saw.
#[derive(Clone, Debug)]
pub(super) struct Seen {
    pub(super) n: usize,
    pub(super) n_failed: usize,
    pub(super) elapsed: Duration,
    latencies: Vec<Duration>, // INVARIANT: sorted.
}

impl Seen {
    pub(super) fn per_s(&self) -> f64 {
        count(self.n - self.n_failed) / self.elapsed.as_secs_f64()
    }

    /// The latency that `percent` of the requests stayed within.
    pub(super) fn percentile_ms(&self, percent: usize) -> f64 {
        let at = (self.latencies.len() * percent / 100).min(self.latencies.len().saturating_sub(1));
        self.latencies.get(at).map_or(0.0, |latency| latency.as_secs_f64() * 1e3)
    }
}

/// A count as a factor of a rate. Benchmarks stay far below the 2^32 that an f64 holds exactly.
pub(super) fn count(n: usize) -> f64 {
    f64::from(u32::try_from(n).unwrap_or(u32::MAX))
}

/// Sends every call once, over `n_clients` connections that each wait for their answers.
pub(super) async fn run(
    address: SocketAddr,
    token: &str,
    n_clients: usize,
    calls: Arc<Vec<Call>>,
) -> Result<Seen, BenchError> {
    let next = Arc::new(AtomicUsize::new(0));
    let mut tasks = Vec::with_capacity(n_clients);
    let mut clients = Vec::with_capacity(n_clients);
    for _ in 0..n_clients {
        clients.push(Client::connect(address, token).await?);
    }
    let started = Instant::now();
    for mut client in clients {
        let calls = Arc::clone(&calls);
        let next = Arc::clone(&next);
        tasks.push(tokio::spawn(async move {
            let mut latencies = Vec::new();
            let mut n_failed = 0;
            while let Some(call) = calls.get(next.fetch_add(1, Ordering::Relaxed)) {
                let sent = Instant::now();
                let answer =
                    client.send(call.method.clone(), &call.path, call.body.clone()).await?;
                latencies.push(sent.elapsed());
                if !(200..300).contains(&answer.status) {
                    n_failed += 1;
                }
            }
            Ok::<_, BenchError>((latencies, n_failed))
        }));
    }
    let mut seen = Seen {
        n: 0,
        n_failed: 0,
        elapsed: Duration::ZERO,
        latencies: Vec::with_capacity(calls.len()),
    };
    for task in tasks {
        let (latencies, n_failed) = task.await??;
        seen.n += latencies.len();
        seen.n_failed += n_failed;
        seen.latencies.extend(latencies);
    }
    seen.elapsed = started.elapsed();
    seen.latencies.sort_unstable();
    Ok(seen)
}
