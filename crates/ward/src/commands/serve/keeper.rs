//! What a server does by itself: samples the index, scrubs the rows, signs checkpoints, ends
//! sessions that are over.

use std::{sync::Arc, time::Duration};

use jiff::{SignedDuration, Timestamp, ToSpan, civil::Time, tz::Offset};
use tokio::{runtime::Handle, task::JoinSet};
use ward_core::Ctx;
use ward_crypto::{OsRandom, Random};
use ward_store::{Chart, CommitError, SearchError};
use ward_web::{App, CareFigures, system_ctx};

use crate::config::{Config, TimeOfDay};

/// Rest between two parts of a scrub.
/// LIMIT: requests get at least half of the disk while it runs.
const SCRUB_REST: Duration = Duration::from_millis(200);

/// How often sessions that are over are looked for.
/// LIMIT: the audit log is at most a minute late.
const SWEEP_REST: Duration = Duration::from_secs(60);

/// Starts the work; it ends when the set is dropped.
pub fn start(chart: &Chart, app: &App, config: &Config) -> JoinSet<()> {
    let figures = &app.care;
    let mut work = JoinSet::new();
    work.spawn(sweeping(app.clone()));
    let every = seconds(config.care.sample_s.get());
    let n = config.care.sample_records.get();
    work.spawn(sampling(chart.clone(), Arc::clone(figures), every, n));
    let every = seconds(config.audit.checkpoint_s.get());
    work.spawn(signing(chart.clone(), every));
    if let TimeOfDay::At(time) = config.care.scrub_at {
        work.spawn(scrubbing(chart.clone(), Arc::clone(figures), time));
    }
    work
}

async fn sampling(chart: Chart, figures: Arc<CareFigures>, every: Duration, n: u32) {
    loop {
        tokio::time::sleep(every).await;
        let sampled = {
            let chart = chart.clone();
            tokio::task::spawn_blocking(move || sample(&chart, n)).await
        };
        match sampled {
            Ok(Ok(sampled)) => {
                let n_differing = sampled.n_wrong_places.saturating_add(sampled.n_missing_postings);
                figures.sampled(sampled.n_checked, n_differing, ward_web::now());
                tracing::info!(n_checked = sampled.n_checked, n_differing, "index sampled");
            }
            // It is being made anew; there is nothing to compare with.
            Ok(Err(SearchError::Rebuilding)) => {}
            Ok(Err(error)) => tracing::error!(%error, "sample failed"),
            Err(error) => tracing::error!(%error, "sample broke off"),
        }
    }
}

fn sample(chart: &Chart, n: u32) -> Result<ward_store::Sampled, SearchError> {
    let last = chart.version_count()?;
    let random = OsRandom::default();
    let numbers = (0..n).filter_map(|_| {
        let mut bytes = [0; 8];
        random.fill(&mut bytes).ok()?;
        // Numbers start at 1; the bias of the remainder is of no account.
        u64::from_be_bytes(bytes).checked_rem(last)?.checked_add(1)
    });
    chart.sample(numbers.collect::<Vec<_>>())
}

async fn signing(chart: Chart, every: Duration) {
    loop {
        tokio::time::sleep(every).await;
        if let Err(error) = chart.checkpoint(&context("checkpoint")).await {
            tracing::error!(%error, "checkpoint not signed");
        }
    }
}

async fn sweeping(app: App) {
    loop {
        tokio::time::sleep(SWEEP_REST).await;
        if let Err(error) = app.sweep_sessions().await {
            tracing::error!(%error, "end of a session not audited");
        }
    }
}

async fn scrubbing(chart: Chart, figures: Arc<CareFigures>, time: Time) {
    loop {
        tokio::time::sleep(until(ward_web::now(), time)).await;
        match scrub(&chart).await {
            Ok((n_rows, n_damaged)) => {
                figures.scrubbed(n_rows, n_damaged, ward_web::now());
                if n_damaged == 0 {
                    tracing::info!(n_rows, "rows scrubbed");
                } else {
                    tracing::error!(n_rows, n_damaged, "damaged rows found");
                }
            }
            Err(error) => tracing::error!(%error, "scrub failed"),
        }
    }
}

async fn scrub(chart: &Chart) -> Result<(u64, u64), CommitError> {
    let (mut from, mut n_rows, mut n_damaged) = (0, 0u64, 0u64);
    loop {
        let part = scrub_part(chart, from).await?;
        n_rows = n_rows.saturating_add(part.n_rows);
        n_damaged = n_damaged.saturating_add(u64::try_from(part.damaged.len()).unwrap_or(u64::MAX));
        match part.next {
            Some(next) => from = next,
            None => return Ok((n_rows, n_damaged)),
        }
        tokio::time::sleep(SCRUB_REST).await;
    }
}

/// One part, on a thread that may be kept busy: it opens thousands of rows without a pause.
async fn scrub_part(chart: &Chart, from: u64) -> Result<ward_store::Scrubbed, CommitError> {
    let (chart, here) = (chart.clone(), Handle::current());
    let part = move || here.block_on(chart.scrub(&context("scrub"), from));
    let part = tokio::task::spawn_blocking(part).await;
    part.map_err(|_| CommitError::Unavailable("a part of the scrub broke off"))?
}

/// From now to the next time that the clock in UTC shows `time`; never nothing.
fn until(now: Timestamp, time: Time) -> Duration {
    let day = SignedDuration::from_hours(24);
    let today = Offset::UTC.to_datetime(now).date();
    let next = [today, today.checked_add(1.day()).unwrap_or(today)]
        .into_iter()
        .filter_map(|date| Offset::UTC.to_timestamp(date.to_datetime(time)).ok())
        .map(|at| at.duration_since(now))
        .find(|left| SignedDuration::ZERO < *left);
    next.unwrap_or(day).try_into().unwrap_or(Duration::from_secs(24 * 60 * 60))
}

fn context(source: &str) -> Ctx {
    system_ctx(ward_web::now(), &OsRandom::default(), source)
}

fn seconds(n: u32) -> Duration {
    Duration::from_secs(u64::from(n))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_next_time_is_today_or_tomorrow() {
        let left = |now: &str, time: &str| {
            let time = Time::strptime("%H:%M", time).unwrap();
            until(now.parse().unwrap(), time).as_secs()
        };
        assert_eq!(left("2026-12-31T23:00:00Z", "02:30"), 3 * 3600 + 1800);
        assert_eq!(left("2026-06-01T02:29:59Z", "02:30"), 1);
        assert_eq!(left("2026-06-01T02:30:00Z", "02:30"), 24 * 3600);
    }
}
