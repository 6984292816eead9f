//! What can be asked of a subscription: how it stands, what it told, a token for a websocket.

use jiff::Timestamp;
use ward_core::{Actor, AuditAction, AuditOutcome, Ctx, FhirId, Kind, RecordKey, ResourceType};
use ward_crypto::{Random, password, sha256};
use ward_fhir::{
    Json,
    json::Object,
    subscription::{self, Content, Notice, NoticeKind, Status, status_of},
};
use ward_store::{Interaction, ReadError, Seq, handler::HandleError, subscriber};

use super::{
    Subscriptions,
    book::Kept,
    deliver::{gather, written},
};

/// Why there is no answer.
#[derive(Debug, thiserror::Error)]
pub enum AskError {
    /// The same words whether it is absent or not for this caller.
    #[error("no such subscription")]
    NotFound,
    #[error("the token is for whoever subscribed")]
    NotYours,
    #[error("{0} is no subscription over a websocket, or is off")]
    NotWebSocket(FhirId),
    #[error("too many tokens wait for a websocket")]
    Busy,
    #[error("no randomness")]
    Random,
    #[error(transparent)]
    Own(#[from] HandleError),
}

impl AskError {
    pub fn kind(&self) -> Kind {
        match self {
            AskError::NotFound => Kind::NotFound,
            AskError::NotYours => Kind::Refused,
            AskError::NotWebSocket(_) => Kind::Unprocessable,
            AskError::Busy => Kind::Busy,
            AskError::Random => Kind::Bug,
            AskError::Own(HandleError::Read(source)) => source.kind(),
            AskError::Own(HandleError::Search(source)) => source.kind(),
            AskError::Own(HandleError::Commit(source)) => source.kind(),
            AskError::Own(HandleError::Json(_)) => Kind::Bug,
        }
    }
}

impl From<ReadError> for AskError {
    fn from(error: ReadError) -> AskError {
        AskError::Own(error.into())
    }
}

/// A subscription as a caller may read it.
pub struct Asked {
    kept: Kept,
    error: Option<String>,
}

/// Which events are asked for.
#[derive(Clone, Copy, PartialEq, Eq, Default, Debug)]
pub struct EventsAsked {
    /// Events from this number on.
    pub from: u64,
    /// Up to this number; the last one when absent.
    pub until: Option<u64>,
    pub content: Option<Content>,
}

/// Events of one answer.
/// LIMIT: a few megabytes; whoever wants more asks again from the next number.
const EVENTS_MAX: usize = 1_000;

impl Subscriptions {
    /// Reads a subscription for a caller.
    ///
    /// - Audit: `read` of the Subscription.
    async fn asked(&self, cx: &Ctx, id: &FhirId) -> Result<Asked, AskError> {
        let inner = &self.inner;
        let key = RecordKey::new(ResourceType::SUBSCRIPTION, id.clone());
        let reader = inner.chart.reader(cx, Interaction::on(AuditAction::Read, key.clone()));
        let found = reader.get(&key);
        let outcome = match &found {
            Ok(Some(stored)) if !stored.deleted => AuditOutcome::Success,
            _ => AuditOutcome::MinorFailure,
        };
        reader.finish(outcome).await.map_err(HandleError::from)?;
        let stored = found?.filter(|it| !it.deleted).ok_or(AskError::NotFound)?;
        let own = ward_store::handler::context(cx.now, "subscriptions");
        let behind_key = subscriber::key_of(id);
        let reader =
            inner.chart.reader(&own, Interaction::on(AuditAction::Read, behind_key.clone()));
        let behind = reader.get(&behind_key);
        reader.finish(AuditOutcome::Success).await.map_err(HandleError::from)?;
        let behind = behind?.filter(|it| !it.deleted).ok_or(AskError::NotFound)?;
        let json = Json::parse(&stored.body).map_err(|_| ReadError::Body)?;
        let error = json.get("error").and_then(Json::as_str).map(str::to_owned);
        let read = subscription::read(&json, &inner.settings.base, inner.settings.rules);
        let read = read.map_err(|_| AskError::NotFound)?;
        let by = serde_json::from_slice(&behind.body).map_err(HandleError::from)?;
        let consumer = inner.consumer(id);
        let told = std::sync::Arc::default();
        let since: Seq = behind.seq;
        Ok(Asked { kept: Kept { id: id.clone(), since, by, read, consumer, told }, error })
    }

    /// `$status`: how subscriptions stand, as a searchset of Parameters.
    ///
    /// - Source: Subscriptions R5 Backport, operation `backport-subscription-status`.
    pub async fn status(
        &self,
        cx: &Ctx,
        ids: &[FhirId],
        of: &[Status],
    ) -> Result<Vec<u8>, AskError> {
        let inner = &self.inner;
        let mut entries = Vec::new();
        for id in ids {
            let Asked { kept, error } = match self.asked(cx, id).await {
                // Asked for several, those that are not there are left out.
                Err(AskError::NotFound) if 1 < ids.len() => continue,
                asked => asked?,
            };
            if !of.is_empty() && !of.contains(&kept.read.status) {
                continue;
            }
            let notice_id = inner.chart.derived_id(&["status", id.as_str(), &cx.now.to_string()]);
            let parameters = status_of(&Notice {
                id: &notice_id,
                base: &inner.settings.base,
                subscription: id,
                topic: kept.read.wanted.topic(),
                status: kept.read.status,
                kind: NoticeKind::QueryStatus,
                n_events: inner.chart.last_number(&kept.consumer)?,
                content: Content::Empty,
                events: Vec::new(),
                error: error.as_deref(),
                now: cx.now,
            });
            let mut search = Object::new();
            search.insert("mode", Json::string("match"));
            let mut entry = Object::new();
            entry.insert("fullUrl", Json::string(format!("urn:uuid:{notice_id}")));
            entry.insert("resource", parameters);
            entry.insert("search", Json::Object(search));
            entries.push(Json::Object(entry));
        }
        let mut bundle = Object::new();
        bundle.insert("resourceType", Json::string("Bundle"));
        bundle.insert("type", Json::string("searchset"));
        let total = entries.len().to_string();
        let total = Json::parse(total.as_bytes()).map_err(|_| ReadError::Body)?.into_owned();
        bundle.insert("total", total);
        bundle.insert("entry", Json::Array(entries));
        Ok(Json::Object(bundle).to_bytes())
    }

    /// `$events`: what was told before, as the caller may see it now.
    ///
    /// - Audit: as a notification.
    /// - Source: Subscriptions R5 Backport, operation `backport-subscription-events`.
    pub async fn events(
        &self,
        cx: &Ctx,
        id: &FhirId,
        wanted: EventsAsked,
    ) -> Result<Vec<u8>, AskError> {
        let Asked { mut kept, .. } = self.asked(cx, id).await?;
        if let Some(content) = wanted.content {
            kept.read.channel.content = content;
        }
        let after = wanted.from.saturating_sub(1);
        let n = wanted.until.map_or(u64::MAX, |until| until.saturating_sub(after));
        let n = usize::try_from(n).unwrap_or(EVENTS_MAX).min(EVENTS_MAX);
        let gathered = gather(&self.inner, &kept, cx, (after, n), AuditAction::Operation).await?;
        let status = kept.read.status;
        Ok(written(&self.inner, &kept, NoticeKind::QueryEvent, status, &gathered)?)
    }

    /// `$get-ws-binding-token`: a token that binds a websocket, and until when.
    ///
    /// - Errors: what is told is what the subscriber may see, so the token is the subscriber's.
    pub async fn binding_token(
        &self,
        cx: &Ctx,
        ids: &[FhirId],
        random: &dyn Random,
    ) -> Result<(String, Timestamp), AskError> {
        for id in ids {
            let Asked { kept, .. } = self.asked(cx, id).await?;
            let is_own = |actor: Actor| actor == cx.actor;
            if !kept.by.actor().is_some_and(is_own) {
                return Err(AskError::NotYours);
            }
            let is_socket = matches!(kept.read.channel.way, subscription::Way::WebSocket);
            if !is_socket || kept.is_off() {
                return Err(AskError::NotWebSocket(id.clone()));
            }
        }
        let token = password::new_token(random).map_err(|_| AskError::Random)?;
        let digest = sha256(token.as_bytes());
        let until = self.inner.sockets.give(digest, ids.to_vec(), cx.now);
        Ok((token, until.ok_or(AskError::Busy)?))
    }

    /// Binds a websocket by a token; `None` when it is none.
    pub fn bind(&self, token: &str, now: Timestamp) -> Option<super::Binding> {
        let ids = self.inner.sockets.take(&sha256(token.trim().as_bytes()), now)?;
        Some(self.inner.sockets.bind(ids))
    }

    /// What a websocket is told when it was bound: how each of its subscriptions stands.
    pub fn handshakes(&self, binding: &super::Binding) -> Result<Vec<String>, ReadError> {
        let mut said = Vec::new();
        for id in &binding.subscriptions {
            let Some(kept) = self.inner.book.get(id) else { continue };
            let text = match kept.read.wanted.topic() {
                None => format!("bound {id}"),
                Some(_) => {
                    let kind = NoticeKind::Handshake;
                    let body = written(&self.inner, &kept, kind, Status::Active, &[])?;
                    String::from_utf8_lossy(&body).into_owned()
                }
            };
            said.push(text);
        }
        Ok(said)
    }

    /// Whoever was bound is told what waits.
    pub fn begin(&self, binding: &super::Binding) {
        for id in &binding.subscriptions {
            if let Some(kept) = self.inner.book.get(id) {
                kept.told.notify_one();
            }
        }
    }
}
