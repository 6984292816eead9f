//! Handlers of the event feed: a name, a filter and what is to be done.
//!
//! A handler is given the events that it wants, in order. What it does in the chart is committed
//! together with the place up to which it has seen them, so that it is done exactly once, whatever
//! stops in between. What it does outside goes into the queue or under a number in the same
//! commit, and is done from there until it has worked, each time under the same id.

use std::sync::Arc;

use jiff::Timestamp;
use ward_core::{
    Actor, ActorKind, AuditAction, CareScope, Ctx, PurposeOfUse, Role,
    ids::{ActorId, TraceId},
};

use crate::{
    Chart, CommitUnit, ConsumerName, Event, EventFilter, FeedPlace, Interaction, Seq,
    error::{CommitError, ReadError},
    query::SearchError,
    workflow::Clock,
};

/// What follows the feed.
pub trait Handler: Send {
    /// Under which its place is kept.
    fn name(&self) -> &ConsumerName;

    /// Which events it wants: those of any of these. It passes all others.
    fn filters(&self) -> Vec<EventFilter>;

    /// Where one begins that was never there before.
    fn begins(&self) -> Begin;

    /// What events lead to. It may be asked again with the same events; nothing of the first
    /// answer was kept then.
    fn handle(
        &mut self,
        cx: &Ctx,
        step: Step<'_>,
    ) -> impl Future<Output = Result<Handled, HandleError>> + Send;

    /// The events of the last step will not be given again, unless the process ends before their
    /// place is kept.
    fn passed(&mut self, _kept: Kept) {}

    /// There is nothing that it has not seen up to this commit.
    fn caught_up(&mut self, _at: Seq) {}
}

/// What is given at once.
pub struct Step<'a> {
    /// In order; none where the place moved past what is not wanted.
    pub events: &'a [Event],
    /// The place will be kept in any case: what was only counted so far has to be in the unit.
    pub is_kept: bool,
}

/// Whether the unit of a step was committed.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Kept {
    Durably,
    NotYet,
}

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Begin {
    /// With everything that ever happened here.
    First,
    /// With what happens from now on.
    Now,
}

/// What a handler answers.
#[derive(Default)]
pub struct Handled {
    /// What is committed with the new place.
    pub unit: CommitUnit,
    /// The last event that it has taken, when it wants others from there on than its filters
    /// were asked for.
    pub upto: Option<FeedPlace>,
    /// Whether the new place must be durable now. Otherwise it is kept now and then, and the
    /// events since are given again after a start.
    pub keep: bool,
}

#[derive(Debug, thiserror::Error)]
pub enum HandleError {
    #[error("the chart was not read")]
    Read(#[from] ReadError),
    #[error("the chart was not searched")]
    Search(#[from] SearchError),
    #[error("what was to be done was not kept")]
    Commit(#[from] CommitError),
    #[error("what was to be kept cannot be written")]
    Json(#[from] serde_json::Error),
}

/// Events given at once.
/// LIMIT: a few hundred records in memory, and one commit of what they lead to.
const STEP: usize = 256;

/// Commits after which a place is kept, even if nothing of them was wanted.
const STEP_KEPT: u64 = 1_000;

/// A handler at its place on the feed.
pub struct Following<H> {
    chart: Chart,
    handler: H,
    now: Clock,
    /// Events up to here have been given; not all of it may be kept.
    seen: Option<FeedPlace>,
    kept: FeedPlace,
    /// Commits up to here have been looked at; many leave no event.
    looked: Seq,
}

impl<H: Handler> Following<H> {
    pub fn new(chart: Chart, handler: H, now: Clock) -> Following<H> {
        let kept = FeedPlace::default();
        Following { chart, handler, now, seen: None, kept, looked: Seq::default() }
    }

    pub fn handler(&self) -> &H {
        &self.handler
    }

    /// Gives the next events; answers whether there may be more at once.
    ///
    /// - Audit: one entry for each commit of the handler.
    /// - Repeat: safe; after an error the same events are given again.
    pub async fn round(&mut self) -> Result<bool, HandleError> {
        let cx = context((self.now)(), self.handler.name().as_str());
        let from = match self.seen {
            Some(place) => place,
            None => self.begin(&cx).await?,
        };
        let looked = self.chart.seq();
        let filters = self.handler.filters();
        let (events, last) = self.chart.events_of(&cx, from, &filters, STEP)?;
        if last == from {
            self.looked = looked;
            self.handler.caught_up(looked);
            return Ok(false);
        }
        // Whoever is told may look for what is told.
        self.chart.wait_for(last.seq).await;
        let is_far = STEP_KEPT <= last.seq.0.saturating_sub(self.kept.seq.0);
        if events.is_empty() && !is_far {
            self.seen = Some(last);
            return Ok(true);
        }
        let step = Step { events: &events, is_kept: is_far };
        let handled = self.handler.handle(&cx, step).await?;
        let last = handled.upto.unwrap_or(last);
        let kept = match handled.keep || is_far {
            true => {
                self.keep(&cx, handled.unit, last).await?;
                Kept::Durably
            }
            false => Kept::NotYet,
        };
        self.seen = Some(last);
        self.handler.passed(kept);
        Ok(true)
    }

    /// Waits until there may be something to give.
    pub async fn wait(&self) {
        self.chart.wait_for_event_after(self.looked).await;
    }

    async fn begin(&mut self, cx: &Ctx) -> Result<FeedPlace, HandleError> {
        let mut place = self.chart.position(self.handler.name())?;
        if place == FeedPlace::default() && self.handler.begins() == Begin::Now {
            // The place is kept at once: what happens from here on is told after a crash too.
            place = FeedPlace::after(self.chart.seq());
            self.keep(cx, CommitUnit::default(), place).await?;
        }
        self.kept = place;
        self.seen = Some(place);
        Ok(place)
    }

    async fn keep(
        &mut self,
        cx: &Ctx,
        unit: CommitUnit,
        place: FeedPlace,
    ) -> Result<(), HandleError> {
        let name = self.handler.name().clone();
        let act = Interaction::new(AuditAction::Operation).with_detail(format!("feed {name}"));
        let unit = CommitUnit { position: Some((name, place)), ..unit };
        self.chart.commit(cx, act, unit).await?;
        self.kept = place;
        Ok(())
    }
}

/// Ward itself, following the feed under a name.
pub fn context(now: Timestamp, name: &str) -> Ctx {
    Ctx {
        actor: Actor { id: ActorId::from_bytes([0; 16]), kind: ActorKind::System },
        role: Role::System,
        purpose: PurposeOfUse::Treatment,
        care: CareScope::Everyone,
        now,
        // What it does is found by the events that it does it for.
        trace: TraceId::at(now, [0; 10]),
        source: Arc::from(name),
    }
}
