//! Who pays: coverage, eligibility, authorization of stays, X12 and FHIR claims.
//!
//! A payer who is slow or says no never holds up care: what waits is a record in the chart and a
//! command in the queue, and what a person has to do is a Task.

#![cfg_attr(test, allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "tests may"))]

mod answer;
mod ask;
pub mod charges;
mod decided;
mod eligibility;
mod facts;
mod follow;
pub mod pas;
pub mod payers;
pub mod settings;
mod tell;
pub mod x12;

use std::sync::Arc;

use jiff::{SignedDuration, Timestamp};
use ward_core::{
    Actor, ActorKind, CareScope, Ctx, PurposeOfUse, Role,
    ids::{ActorId, TraceId},
};
use ward_store::{
    Chart, CommitError, ReadError, SearchError, Write,
    workflow::{Clock, Heard},
};

pub use self::{
    answer::Answer,
    ask::Worked,
    decided::Decided,
    follow::{Followed, Follower},
    pas::Wire,
    settings::Settings,
};

/// Everything that asks payers, for one chart. Clones are the same.
#[derive(Clone)]
pub struct Billing {
    inner: Arc<Inner>,
}

pub(crate) struct Inner {
    pub(crate) chart: Chart,
    /// The server's own address.
    pub(crate) base: String,
    pub(crate) settings: Settings,
    /// The way to payers' servers, where there are any.
    pub(crate) wire: Option<Arc<dyn Wire>>,
    clock: Clock,
    heard: Heard,
}

#[derive(Debug, thiserror::Error)]
pub enum BillingError {
    #[error("others keep writing the same records")]
    Contended,
    #[error("the name of the consumer")]
    Name,
    #[error("a record cannot be written")]
    Json(#[from] serde_json::Error),
    #[error(transparent)]
    Read(#[from] ReadError),
    #[error(transparent)]
    Search(#[from] SearchError),
    #[error(transparent)]
    Commit(#[from] CommitError),
}

impl Billing {
    pub fn new(
        chart: Chart,
        base: &str,
        settings: Settings,
        wire: Option<Arc<dyn Wire>>,
        (clock, heard): (Clock, Heard),
    ) -> Billing {
        let base = base.trim_end_matches('/').to_owned();
        Billing { inner: Arc::new(Inner { chart, base, settings, wire, clock, heard }) }
    }

    pub fn settings(&self) -> &Settings {
        &self.inner.settings
    }

    pub fn chart(&self) -> &Chart {
        &self.inner.chart
    }

    pub(crate) fn base(&self) -> &str {
        &self.inner.base
    }

    pub(crate) fn now(&self) -> Timestamp {
        (self.inner.clock)()
    }

    pub(crate) fn heard(&self, writes: &[Write]) {
        (self.inner.heard)(writes);
    }

    /// Who does what is done here.
    pub(crate) fn context(&self) -> Ctx {
        let now = self.now();
        Ctx {
            actor: Actor { id: ActorId::from_bytes([0; 16]), kind: ActorKind::System },
            role: Role::System,
            purpose: PurposeOfUse::Payment,
            care: CareScope::Everyone,
            now,
            // What it does is found by the record that it does it for.
            trace: TraceId::at(now, [0; 10]),
            source: Arc::from("billing"),
        }
    }
}

pub(crate) fn later(now: Timestamp, s: i64) -> Timestamp {
    now.checked_add(SignedDuration::from_secs(s)).unwrap_or(Timestamp::MAX)
}

pub(crate) fn is_contended(error: &CommitError) -> bool {
    matches!(error, CommitError::Stale { .. } | CommitError::Exists { .. } | CommitError::Changed)
}
