//! Finds what is to be told, and numbers it.

use std::{collections::BTreeMap, sync::Arc};

use ward_core::{Ctx, RecordKey, ResourceType};
use ward_fhir::{
    Json,
    search::{Term, extract_at},
    subscription::Happened,
};
use ward_policy::Action;
use ward_store::{
    CommitUnit, ConsumerName, Event, EventFilter, Numbered, ParseConsumerError, ReadError, Stored,
    handler::{Begin, HandleError, Handled, Handler, Kept as Durable, Step},
};

use super::{Inner, book::Kept, keep};

pub(super) struct Matcher {
    inner: Arc<Inner>,
    name: ConsumerName,
    /// Who has something to tell when the step is durable.
    told: Vec<Arc<Kept>>,
}

impl Matcher {
    pub(super) fn new(inner: Arc<Inner>) -> Result<Matcher, ParseConsumerError> {
        Ok(Matcher { inner, name: "subscriptions".parse()?, told: Vec::new() })
    }

    /// What search knows of the record that an event is of.
    fn terms(&self, cx: &Ctx, stored: &Stored) -> Result<Vec<Term>, HandleError> {
        let before;
        let body = match stored.deleted {
            false => &stored.body,
            // What was deleted is asked for as it was.
            true => match self.inner.chart.version_before(cx, stored) {
                Ok(Some(version)) => {
                    before = version;
                    &before.body
                }
                Ok(None) | Err(ReadError::Destroyed) => return Ok(Vec::new()),
                Err(error) => return Err(error.into()),
            },
        };
        let Ok(json) = Json::parse(body) else { return Ok(Vec::new()) };
        Ok(extract_at(stored.key.kind, &json, &self.inner.settings.base).terms)
    }
}

/// Whoever subscribed, as they may see now; asked once for each step.
#[derive(Default)]
struct Callers(BTreeMap<RecordKey, Option<Ctx>>);

impl Callers {
    async fn of(&mut self, inner: &Inner, kept: &Kept) -> Result<Option<&Ctx>, HandleError> {
        let key = RecordKey::new(ResourceType::SUBSCRIPTION, kept.id.clone());
        if !self.0.contains_key(&key) {
            let cx = inner.behalf.context(&kept.by, inner.now()).await.map_err(|error| {
                tracing::error!(%error, "a subscriber is not asked for");
                ReadError::NotAllowed
            })?;
            self.0.insert(key.clone(), cx);
        }
        Ok(self.0.get(&key).and_then(Option::as_ref))
    }
}

impl Handler for Matcher {
    fn name(&self) -> &ConsumerName {
        &self.name
    }

    fn filters(&self) -> Vec<EventFilter> {
        vec![EventFilter { records: self.inner.book.kinds(), ..EventFilter::default() }]
    }

    fn begins(&self) -> Begin {
        Begin::Now
    }

    async fn handle(&mut self, cx: &Ctx, step: Step<'_>) -> Result<Handled, HandleError> {
        self.told.clear();
        let mut numbered: Vec<Numbered> = Vec::new();
        let mut next: BTreeMap<ConsumerName, u64> = BTreeMap::new();
        let mut callers = Callers::default();
        let mut upto = None;
        for event in step.events {
            let Some(stored) = &event.record else { continue };
            if stored.key.kind == ResourceType::SUBSCRIPTION {
                let before = self.inner.book.kinds();
                keep::saw(&self.inner, stored).await?;
                if self.inner.book.kinds() != before {
                    // What comes after it was left out of this step, and is asked for anew.
                    upto = Some(event.place);
                    break;
                }
                continue;
            }
            for kept in self.wanting(cx, event, stored)? {
                let Some(caller) = callers.of(&self.inner, &kept).await? else {
                    // Whoever tells it sees that nobody may be told any more.
                    self.told.push(kept);
                    continue;
                };
                if !may_be_told(&self.inner, caller, stored)? {
                    continue;
                }
                let last = match next.get(&kept.consumer) {
                    Some(last) => *last,
                    None => self.inner.chart.last_number(&kept.consumer)?,
                };
                let number = last.saturating_add(1);
                next.insert(kept.consumer.clone(), number);
                let (consumer, place) = (kept.consumer.clone(), event.place);
                numbered.push(Numbered { consumer, number, place });
                self.told.push(kept);
            }
        }
        let keep = !numbered.is_empty();
        let unit = CommitUnit { numbered, ..CommitUnit::default() };
        Ok(Handled { unit, upto, keep })
    }

    fn passed(&mut self, _: Durable) {
        self.told.drain(..).for_each(|kept| kept.told.notify_one());
    }
}

impl Matcher {
    /// The subscriptions that ask for an event.
    fn wanting(
        &self,
        cx: &Ctx,
        event: &Event,
        stored: &Stored,
    ) -> Result<Vec<Arc<Kept>>, HandleError> {
        let kind = stored.key.kind;
        let mut terms = None;
        let mut wanting = Vec::new();
        for kept in self.inner.book.all() {
            let is_over = kept.read.end.is_some_and(|end| end <= cx.now);
            let asks = kept.read.wanted.kinds().contains(&kind);
            if is_over || !asks || event.place.seq <= kept.since {
                continue;
            }
            let terms = match &terms {
                Some(terms) => terms,
                None => terms.insert(self.terms(cx, stored)?),
            };
            let happened = Happened {
                event: event.kind,
                priority: event.priority,
                kind,
                id: &stored.key.id,
                terms,
                is_delete: stored.deleted,
            };
            if kept.read.wanted.takes(&happened) {
                wanting.push(kept);
            }
        }
        Ok(wanting)
    }
}

/// Whether somebody may find and read a record version now.
pub(super) fn may_be_told(inner: &Inner, cx: &Ctx, stored: &Stored) -> Result<bool, ReadError> {
    let policy = inner.chart.policy();
    let may_search = !policy.grant(cx, Action::Search, stored.key.kind).is_none();
    Ok(may_search && inner.chart.may_see(cx, stored)?)
}
