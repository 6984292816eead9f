//! Tells subscribers, each in a task of its own: in order, again and again until it has arrived.

use std::{collections::BTreeMap, sync::Arc, time::Duration};

use jiff::{SignedDuration, Timestamp};
use tokio::task::AbortHandle;
use ward_core::{AuditAction, AuditOutcome, Ctx, FhirId, RecordKey, ResourceType};
use ward_fhir::subscription::{Change, Content, Notice, NoticeKind, Status, Told, Way, bundle};
use ward_store::{
    CommitUnit, Event, FeedPlace, Interaction, ReadError, Seq, Stored,
    handler::{HandleError, context},
};

use super::{
    Inner,
    book::Kept,
    keep::set_status,
    matcher::may_be_told,
    sockets::{Message, Ping},
};
use crate::{Courier, Parcel, SendError};

/// Failures in a row before a subscription says that it is in error.
const FAILURES_SHOWN: u32 = 3;

/// Longest rest between two tries, in seconds.
/// LIMIT: a receiver that is back is told within minutes.
const REST_S_MAX: u64 = 300;

/// Events that nobody has taken before the subscription is ended.
/// LIMIT: days of a busy house; a receiver that far behind reads the chart anew.
const BACKLOG_MAX: u64 = 100_000;

/// Events that have arrived and can still be asked for.
/// LIMIT: a day of a busy subscription.
pub(super) const ASKED_AGAIN_MAX: u64 = 10_000;

/// Looks after the tasks: one for each subscription as it was last written.
pub(super) async fn all(inner: &Arc<Inner>) {
    let mut changes = inner.book.changes();
    let mut tasks: BTreeMap<FhirId, (Seq, Task)> = BTreeMap::new();
    loop {
        let book = inner.book.all();
        tasks.retain(|id, (since, _)| book.iter().any(|it| it.id == *id && it.since == *since));
        for kept in book {
            tasks.entry(kept.id.clone()).or_insert_with(|| {
                let task = tokio::spawn(tell(Arc::clone(inner), Arc::clone(&kept)));
                (kept.since, Task(task.abort_handle()))
            });
        }
        if changes.changed().await.is_err() {
            return;
        }
    }
}

/// A task that ends with this value.
struct Task(AbortHandle);

impl Drop for Task {
    fn drop(&mut self) {
        self.0.abort();
    }
}

/// What keeps an event from arriving.
#[derive(Debug, thiserror::Error)]
enum Failed {
    #[error(transparent)]
    Send(#[from] SendError),
    #[error("nobody is connected")]
    Nobody,
    #[error(transparent)]
    Own(#[from] HandleError),
    #[error("whoever subscribed may not be told any more")]
    NoRights,
}

impl From<ReadError> for Failed {
    fn from(error: ReadError) -> Failed {
        Failed::Own(error.into())
    }
}

async fn tell(inner: Arc<Inner>, kept: Arc<Kept>) {
    let courier = Courier::new(inner.settings.roads.clone());
    let mut teller = Teller { inner, kept, courier, n_failures: 0, failing_since: None };
    teller.run().await;
}

struct Teller {
    inner: Arc<Inner>,
    kept: Arc<Kept>,
    courier: Courier,
    n_failures: u32,
    failing_since: Option<Timestamp>,
}

enum Next {
    Handshake,
    /// Numbers after this one.
    Events(u64),
    Heartbeat,
}

impl Teller {
    async fn run(&mut self) {
        let read = &self.kept.read;
        let is_hook = matches!(read.channel.way, Way::RestHook { .. });
        let mut is_new =
            read.status == Status::Requested && is_hook && read.wanted.topic().is_some();
        let mut last_said = self.inner.now();
        let mut is_shown_active = read.status == Status::Active;
        // Where there is nobody to shake hands with, it is active as soon as it is looked after.
        if read.status == Status::Requested && !is_new {
            is_shown_active = self.say_status(Status::Active, None).await;
        }
        loop {
            let Some(next) = self.next(is_new, last_said).await else { return };
            let done = match next {
                Next::Handshake => self.notice(NoticeKind::Handshake, 0).await,
                Next::Heartbeat => self.notice(NoticeKind::Heartbeat, 0).await,
                Next::Events(after) => self.events(after).await,
            };
            let status = match &done {
                Ok(()) => {
                    (self.n_failures, self.failing_since) = (0, None);
                    (is_new, last_said) = (false, self.inner.now());
                    Status::Active
                }
                Err(Failed::NoRights) => Status::Off,
                Err(Failed::Send(SendError::Status(410))) => Status::Off,
                Err(Failed::Nobody) => {
                    // Somebody who connects is told at once.
                    tokio::select! {
                        () = self.kept.told.notified() => {}
                        () = tokio::time::sleep(LOOK) => {}
                    }
                    continue;
                }
                Err(_) if self.is_given_up() => Status::Off,
                Err(_) if self.n_failures < FAILURES_SHOWN => {
                    self.rest().await;
                    continue;
                }
                Err(_) => Status::Error,
            };
            let why = done.err().map(|error| error.to_string());
            if status != Status::Active || !is_shown_active {
                let is_said = self.say_status(status, why.as_deref()).await;
                is_shown_active = is_said && status == Status::Active;
            }
            match status {
                Status::Off => return,
                Status::Error => self.rest().await,
                Status::Requested | Status::Active => {}
            }
        }
    }

    /// Writes how the subscription stands; answers whether that was done.
    async fn say_status(&self, status: Status, why: Option<&str>) -> bool {
        let kept = Some(self.kept.as_ref());
        match set_status(&self.inner, &self.kept.id, kept, status, why).await {
            Ok(()) => true,
            Err(error) => {
                tracing::error!(%error, "a subscription's status is not kept");
                false
            }
        }
    }

    /// What is to be said next; `None` when the subscription is over.
    async fn next(&self, is_new: bool, last_said: Timestamp) -> Option<Next> {
        let read = &self.kept.read;
        loop {
            let now = self.inner.now();
            if read.end.is_some_and(|end| end <= now) {
                self.say_status(Status::Off, Some("its time is over")).await;
                return None;
            }
            if is_new {
                return Some(Next::Handshake);
            }
            let waits = match self.waiting() {
                Ok(waits) => waits,
                Err(error) => {
                    tracing::error!(%error, "a subscription waits");
                    tokio::time::sleep(crate::REST_BAD).await;
                    continue;
                }
            };
            if let Some(after) = waits {
                return Some(Next::Events(after));
            }
            let beat = read.channel.heartbeat_s.filter(|_| read.wanted.topic().is_some());
            let beat = beat
                .and_then(|s| last_said.checked_add(SignedDuration::from_secs(i64::from(s))).ok());
            if beat.is_some_and(|at| at <= now) {
                return Some(Next::Heartbeat);
            }
            let until = [beat, read.end].into_iter().flatten().min();
            let left = until.map_or(LOOK, |at| at.duration_since(now).try_into().unwrap_or(LOOK));
            tokio::select! {
                () = self.kept.told.notified() => {
                    if !self.is_allowed().await {
                        return Some(Next::Events(u64::MAX));
                    }
                }
                () = tokio::time::sleep(left.min(LOOK)) => {}
            }
        }
    }

    /// The number after which something waits.
    fn waiting(&self) -> Result<Option<u64>, ReadError> {
        let chart = &self.inner.chart;
        let arrived = chart.position(&self.kept.consumer)?.seq.0;
        Ok((arrived < chart.last_number(&self.kept.consumer)?).then_some(arrived))
    }

    async fn is_allowed(&self) -> bool {
        let now = self.inner.now();
        // One that cannot be asked for is asked for again when something is told.
        !matches!(self.inner.behalf.context(&self.kept.by, now).await, Ok(None))
    }

    /// Waits longer after each failure.
    async fn rest(&mut self) {
        self.n_failures = self.n_failures.saturating_add(1);
        self.failing_since.get_or_insert(self.inner.now());
        let s = 1u64 << self.n_failures.saturating_sub(1).min(16);
        tokio::time::sleep(Duration::from_secs(s.min(REST_S_MAX))).await;
    }

    fn is_given_up(&self) -> bool {
        let hours = SignedDuration::from_hours(i64::from(self.inner.settings.give_up_h));
        let now = self.inner.now();
        let is_late = self.failing_since.is_some_and(|at| hours <= now.duration_since(at));
        let chart = &self.inner.chart;
        let arrived = chart.position(&self.kept.consumer).map_or(0, |place| place.seq.0);
        let last = chart.last_number(&self.kept.consumer).unwrap_or(0);
        is_late || BACKLOG_MAX < last.saturating_sub(arrived)
    }

    async fn caller(&self) -> Result<Ctx, Failed> {
        let now = self.inner.now();
        let asked = self.inner.behalf.context(&self.kept.by, now).await;
        let asked = asked.map_err(|error| {
            tracing::error!(%error, "a subscriber is not asked for");
            Failed::from(ReadError::NotAllowed)
        })?;
        asked.ok_or(Failed::NoRights)
    }

    async fn events(&mut self, after: u64) -> Result<(), Failed> {
        let cx = self.caller().await?;
        let n = usize::try_from(self.kept.read.channel.events_max).unwrap_or(1);
        // R4's own form tells of one record at a time.
        let n = if self.kept.read.wanted.topic().is_some() { n } else { 1 };
        let gathered =
            gather(&self.inner, &self.kept, &cx, (after, n), AuditAction::Export).await?;
        let Some(last) = gathered.last().map(|it| it.number) else { return Ok(()) };
        match self.kept.read.wanted.topic() {
            Some(_) => {
                let body =
                    written(&self.inner, &self.kept, NoticeKind::Event, Status::Active, &gathered)?;
                self.say(Message { body, ping: None }).await?;
            }
            None => self.say_plainly(&gathered).await?,
        }
        let unit = CommitUnit {
            position: Some((self.kept.consumer.clone(), FeedPlace { seq: Seq(last), n: 0 })),
            forgotten: last
                .checked_sub(ASKED_AGAIN_MAX)
                .map(|number| (self.kept.consumer.clone(), number)),
            ..CommitUnit::default()
        };
        let own = context(self.inner.now(), "subscriptions");
        let act = Interaction::on(AuditAction::Operation, self.key())
            .with_detail(format!("told up to event {last}"));
        self.inner.chart.commit(&own, act, unit).await.map_err(HandleError::from)?;
        Ok(())
    }

    /// A notification without events.
    async fn notice(&mut self, kind: NoticeKind, _after: u64) -> Result<(), Failed> {
        self.caller().await?;
        let body = written(&self.inner, &self.kept, kind, Status::Active, &[])?;
        self.say(Message { body, ping: None }).await
    }

    async fn say(&mut self, message: Message) -> Result<(), Failed> {
        match &self.kept.read.channel.way {
            Way::WebSocket => match self.inner.sockets.say(&self.kept.id, message).await {
                true => Ok(()),
                false => Err(Failed::Nobody),
            },
            Way::RestHook { endpoint, headers } => {
                let kind = "application/fhir+json; charset=utf-8";
                let mut headers = headers.clone();
                headers.push(("content-type".to_owned(), kind.to_owned()));
                let parcel = Parcel {
                    method: hyper::Method::POST,
                    url: endpoint.clone(),
                    headers,
                    body: message.body,
                    timeout_s: self.kept.read.channel.timeout_s,
                };
                Ok(self.courier.send(parcel).await?)
            }
        }
    }

    /// R4's own form: an empty POST, or the record by PUT; a ping over a websocket.
    ///
    /// - Source: FHIR R4, Subscription, 2.47.3 channels.
    async fn say_plainly(&mut self, gathered: &[Gathered]) -> Result<(), Failed> {
        for it in gathered {
            let ping = Ping { subscription: self.kept.id.clone() };
            match &self.kept.read.channel.way {
                Way::WebSocket => {
                    self.say(Message { body: Vec::new(), ping: Some(ping) }).await?;
                }
                Way::RestHook { endpoint, headers } => {
                    let has_payload = self.kept.read.channel.has_payload;
                    // Who may not see it any more is told nothing at all.
                    let Some(stored) = it.stored.as_ref() else { continue };
                    let mut headers = headers.clone();
                    headers.push(("ward-event-number".to_owned(), it.number.to_string()));
                    let (method, url, body) = match has_payload {
                        false => (hyper::Method::POST, endpoint.clone(), Vec::new()),
                        true => {
                            let kind = "application/fhir+json; charset=utf-8";
                            headers.push(("content-type".to_owned(), kind.to_owned()));
                            let base = endpoint.trim_end_matches('/');
                            let url = format!("{base}/{}", stored.key);
                            (hyper::Method::PUT, url, stored.body.clone())
                        }
                    };
                    let timeout_s = self.kept.read.channel.timeout_s;
                    let parcel = Parcel { method, url, headers, body, timeout_s };
                    self.courier.send(parcel).await?;
                }
            }
        }
        Ok(())
    }

    fn key(&self) -> RecordKey {
        RecordKey::new(ResourceType::SUBSCRIPTION, self.kept.id.clone())
    }
}

/// How often a subscription that waits is looked at, whatever it was told.
/// LIMIT: an end that nobody was told of is a minute late.
const LOOK: Duration = Duration::from_secs(60);

/// One numbered event with what may be shown of it.
pub(super) struct Gathered {
    pub(super) number: u64,
    pub(super) time: Timestamp,
    /// The record version, when the caller may see it.
    pub(super) stored: Option<Stored>,
}

/// Reads the next events as a caller may see them.
///
/// - Audit: one entry with the patients of every record that is shown, durable before the return.
pub(super) async fn gather(
    inner: &Inner,
    kept: &Kept,
    cx: &Ctx,
    (after, n): (u64, usize),
    action: AuditAction,
) -> Result<Vec<Gathered>, HandleError> {
    let numbers = inner.chart.numbers_after(&kept.consumer, after, n)?;
    let (Some((first, _)), Some((last, _))) = (numbers.first(), numbers.last()) else {
        return Ok(Vec::new());
    };
    let own = context(inner.now(), "subscriptions");
    let key = RecordKey::new(ResourceType::SUBSCRIPTION, kept.id.clone());
    let act = Interaction::on(action, key).with_detail(format!("events {first} to {last}"));
    let reader = inner.chart.reader(cx, act);
    let mut gathered = Vec::with_capacity(numbers.len());
    for (number, place) in numbers {
        let event: Option<Event> = inner.chart.event_at(&own, place)?;
        let time = event.as_ref().map_or(own.now, |event| event.time);
        let mut stored = None;
        if let Some(found) = event.and_then(|event| event.record)
            && may_be_told(inner, cx, &found)?
        {
            stored = match reader.version(&found.key, found.version) {
                Err(ReadError::Destroyed) => None,
                version => version?,
            };
        }
        gathered.push(Gathered { number, time, stored });
    }
    reader.finish(AuditOutcome::Success).await?;
    Ok(gathered)
}

/// A notification as bytes. Its id is made of the subscription and the numbers, so that what is
/// sent again has the id that it had.
pub(super) fn written(
    inner: &Inner,
    kept: &Kept,
    kind: NoticeKind,
    status: Status,
    gathered: &[Gathered],
) -> Result<Vec<u8>, ReadError> {
    let now = inner.now();
    let n_events = inner.chart.last_number(&kept.consumer)?;
    let number = |it: Option<&Gathered>| it.map_or(n_events, |it| it.number).to_string();
    let (first, last) = (number(gathered.first()), number(gathered.last()));
    let since = kept.since.0.to_string();
    let mut parts = vec!["notice", kind.as_str(), kept.id.as_str(), &since, &first, &last];
    let at = now.to_string();
    if gathered.is_empty() {
        parts.push(&at);
    }
    let id = inner.chart.derived_id(&parts);
    let content = kept.read.channel.content;
    let told = |it: &Gathered| -> (u64, Timestamp) { (it.number, it.time) };
    let events = gathered.iter().map(|it| {
        let (number, time) = told(it);
        let focus = it.stored.as_ref().map(|stored| {
            let change = match (stored.deleted, stored.version) {
                (true, _) => Change::Delete,
                (false, 1) => Change::Create,
                (false, _) => Change::Update,
            };
            (&stored.key, change)
        });
        let body = it.stored.as_ref().filter(|it| content == Content::Full && !it.deleted);
        Told { number, time, focus, body: body.map(|it| it.body.as_slice()) }
    });
    Ok(bundle(&Notice {
        id: &id,
        base: &inner.settings.base,
        subscription: &kept.id,
        topic: kept.read.wanted.topic(),
        status,
        kind,
        n_events,
        content,
        events: events.collect(),
        error: None,
        now,
    }))
}
