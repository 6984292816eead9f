//! FHIR interactions and operations, without HTTP.
//!
//! Every function takes the caller's context first, asks the chart (which asks the policy and
//! writes the audit entry), and gives back a [`Reply`] that any wire can carry.

#![cfg_attr(test, allow(clippy::string_slice, clippy::as_conversions, reason = "tests may"))]

mod audit_event;
mod bundle;
mod capability;
mod care;
mod error;
mod everything;
mod history;
mod patch;
mod prepare;
mod read;
mod reply;
mod search;
mod subscription;
mod write;

use std::sync::Arc;

use jiff::Timestamp;
use ward_core::{Ctx, FhirId, RecordKey};
use ward_crypto::Random;
use ward_fhir::subscription::Rules;
use ward_store::{Chart, CommitError, CommitUnit, Interaction, Write};

pub use self::{
    error::RecordsError,
    history::HistoryParams,
    patch::PatchFormat,
    reply::{Prefer, Reply},
    search::SearchTarget,
};

/// The FHIR face of one chart.
#[derive(Clone)]
pub struct Records {
    chart: Chart,
    random: Arc<dyn Random>,
    /// Where the server is reached, such as `http://127.0.0.1:8080/fhir`; links start with it.
    base: Arc<str>,
    care: Arc<care::Care>,
    subscriptions: Rules,
}

impl Records {
    pub fn new(chart: Chart, random: Arc<dyn Random>, base: &str) -> Records {
        let base = base.trim_end_matches('/').into();
        Records { chart, random, base, care: Arc::default(), subscriptions: Rules::default() }
    }

    /// With other rules for subscriptions.
    #[must_use]
    pub fn with_subscriptions(self, subscriptions: Rules) -> Records {
        Records { subscriptions, ..self }
    }

    pub fn chart(&self) -> &Chart {
        &self.chart
    }

    fn fresh_id(&self, now: Timestamp) -> Result<FhirId, RecordsError> {
        let mut random = [0; 10];
        self.random.fill(&mut random).map_err(|_| RecordsError::bug("no randomness"))?;
        Ok(FhirId::at(now, random))
    }

    /// The address that records have in front of their type and id.
    pub fn base(&self) -> &str {
        &self.base
    }

    /// Hears of writes that were committed by another way, and forgets what they have changed.
    pub fn heard(&self, writes: &[Write]) {
        self.care.forget(&care::Touched::by(writes));
    }

    /// Commits, and forgets what the commit has changed.
    async fn commit(
        &self,
        cx: &Ctx,
        act: Interaction,
        mut unit: CommitUnit,
    ) -> Result<(), CommitError> {
        let touched = care::Touched::by(&unit.writes);
        self.stand_behind(cx, &mut unit.writes)?;
        let committed = self.chart.commit(cx, act, unit).await;
        // Also after a failure: whether it is on disk may not be known.
        self.care.forget(&touched);
        committed.map(|_| ())
    }

    fn location(&self, key: &RecordKey, version: u32) -> String {
        format!("{}/{key}/_history/{version}", self.base)
    }
}

/// Time as FHIR writes an instant, to the millisecond.
fn instant(time: Timestamp) -> String {
    time.strftime("%Y-%m-%dT%H:%M:%S.%3fZ").to_string()
}

/// The context's time cut to what an instant holds, so that what is stored is what is said.
fn now_of(cx: &Ctx) -> Timestamp {
    Timestamp::from_millisecond(cx.now.as_millisecond()).unwrap_or(cx.now)
}
