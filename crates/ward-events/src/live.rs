//! What open screens are told: the feed as it goes on, read once for all of them.

use std::{
    collections::VecDeque,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use tokio::sync::{OwnedSemaphorePermit, Semaphore, watch};
use ward_core::{EventPriority, FhirId, MedicalEventType, RecordKey};
use ward_store::{
    Chart, Event, EventFilter, FeedPlace, ReadError, Stored, handler::context, workflow::Clock,
};

/// Events kept for those who read slowly.
/// LIMIT: a burst of a second; who is further behind reads everything anew, which is cheaper.
const KEPT_MAX: usize = 1_024;

/// Events read for somebody who comes back.
/// LIMIT: as those that are kept.
const AGAIN_MAX: usize = 1_000;

/// Events read at once.
const STEP: usize = 256;

/// Screens at once.
/// LIMIT: each is an open connection and a few kilobytes.
const VIEWERS_MAX: usize = 1_024;

/// One event as a screen may be told of it, if its reader may see it.
pub struct Shown {
    pub place: FeedPlace,
    pub kind: MedicalEventType,
    pub priority: EventPriority,
    pub patient: Option<FhirId>,
    /// The record version it is the event of, without its body.
    pub record: Option<Stored>,
}

impl Shown {
    fn of(event: Event) -> Shown {
        let Event { place, kind, priority, patient, record, .. } = event;
        let record = record.map(|stored| Stored { body: Vec::new(), ..stored });
        Shown { place, kind, priority, patient, record }
    }

    pub fn key(&self) -> Option<&RecordKey> {
        self.record.as_ref().map(|stored| &stored.key)
    }
}

/// The feed for screens; clones are the same.
#[derive(Clone)]
pub struct Live {
    inner: Arc<Inner>,
}

struct Inner {
    chart: Chart,
    now: Clock,
    ring: Mutex<Ring>,
    newest: watch::Sender<FeedPlace>,
    viewers: Arc<Semaphore>,
    is_open: watch::Sender<bool>,
}

/// The last events, oldest first.
#[derive(Default)]
struct Ring {
    events: VecDeque<Arc<Shown>>,
    /// Everything after this place is in the ring.
    floor: FeedPlace,
}

/// What is new for a reader.
pub enum News {
    /// Events in order, and the place after them.
    Events(Vec<Arc<Shown>>, FeedPlace),
    /// Too much happened: read everything anew, and go on from here.
    Reset(FeedPlace),
}

/// One reader.
pub struct Viewer {
    live: Live,
    at: FeedPlace,
    _place: OwnedSemaphorePermit,
}

impl Live {
    pub fn new(chart: Chart, now: Clock) -> Live {
        let at = FeedPlace::after(chart.seq());
        let inner = Inner {
            chart,
            now,
            ring: Mutex::new(Ring { events: VecDeque::new(), floor: at }),
            newest: watch::channel(at).0,
            viewers: Arc::new(Semaphore::new(VIEWERS_MAX)),
            is_open: watch::channel(true).0,
        };
        Live { inner: Arc::new(inner) }
    }

    /// Reads the feed for as long as it is polled.
    pub async fn run(self) {
        loop {
            let at = *self.inner.newest.borrow();
            // Asked for before the feed is: many commits leave no event.
            let looked = self.inner.chart.seq();
            match self.step(at) {
                Ok(true) => tokio::task::yield_now().await,
                Ok(false) => self.inner.chart.wait_for_event_after(looked).await,
                Err(error) => {
                    tracing::error!(%error, "screens wait");
                    tokio::time::sleep(crate::REST_BAD).await;
                }
            }
        }
    }

    /// Ends every reader, because the server stops.
    pub fn close(&self) {
        self.inner.is_open.send_replace(false);
    }

    /// A new reader, who goes on after `at` or begins now; `None` when there are too many.
    pub fn viewer(&self, at: Option<FeedPlace>) -> Option<Viewer> {
        let place = Arc::clone(&self.inner.viewers).try_acquire_owned().ok()?;
        let newest = *self.inner.newest.borrow();
        // Who says that they have seen what is yet to come begins now.
        let at = at.filter(|at| *at <= newest).unwrap_or(newest);
        Some(Viewer { live: self.clone(), at, _place: place })
    }

    fn step(&self, at: FeedPlace) -> Result<bool, ReadError> {
        let inner = &self.inner;
        let cx = context((inner.now)(), "screens");
        let is_watched = inner.viewers.available_permits() < VIEWERS_MAX;
        if !is_watched {
            // Nobody looks: nothing is opened, and who comes later begins then.
            let newest = FeedPlace::after(inner.chart.seq());
            if newest <= at {
                return Ok(false);
            }
            *self.ring() = Ring { events: VecDeque::new(), floor: newest };
            inner.newest.send_replace(newest);
            return Ok(true);
        }
        let (events, last) = inner.chart.events_after(&cx, at, &EventFilter::default(), STEP)?;
        if last == at {
            return Ok(false);
        }
        let mut ring = self.ring();
        for event in events {
            if KEPT_MAX <= ring.events.len()
                && let Some(oldest) = ring.events.pop_front()
            {
                ring.floor = oldest.place;
            }
            ring.events.push_back(Arc::new(Shown::of(event)));
        }
        drop(ring);
        inner.newest.send_replace(last);
        Ok(true)
    }

    fn ring(&self) -> MutexGuard<'_, Ring> {
        self.inner.ring.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Viewer {
    /// Waits until there is something new; `None` when the server stops.
    ///
    /// - Repeat: dropped while it waits, it has taken nothing.
    pub async fn next(&mut self) -> Option<News> {
        let inner = Arc::clone(&self.live.inner);
        let mut newest = inner.newest.subscribe();
        let mut is_open = inner.is_open.subscribe();
        let at = self.at;
        tokio::select! {
            _ended = is_open.wait_for(|open| !open) => return None,
            found = newest.wait_for(|place| at < *place) => { found.ok()?; }
        }
        // Whoever is told may look for what is told.
        let newest = *inner.newest.borrow();
        inner.chart.wait_for(newest.seq).await;
        let news = self.news(newest);
        self.at = match &news {
            News::Events(_, place) | News::Reset(place) => *place,
        };
        Some(news)
    }

    fn news(&self, newest: FeedPlace) -> News {
        let ring = self.live.ring();
        if ring.floor <= self.at {
            let new = ring.events.iter().filter(|it| self.at < it.place);
            let new: Vec<Arc<Shown>> = new.cloned().collect();
            let last = new.last().map_or(newest, |it| it.place.max(newest));
            return News::Events(new, last);
        }
        drop(ring);
        let inner = &self.live.inner;
        let cx = context((inner.now)(), "screens");
        let all = EventFilter::default();
        match inner.chart.events_after(&cx, self.at, &all, AGAIN_MAX) {
            Ok((events, last)) if events.len() < AGAIN_MAX => {
                let last = if events.is_empty() { newest } else { last };
                News::Events(events.into_iter().map(|it| Arc::new(Shown::of(it))).collect(), last)
            }
            _ => News::Reset(newest),
        }
    }
}
