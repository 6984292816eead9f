//! Notifications: a history Bundle that begins with the subscription's status.
//!
//! - Source: Subscriptions R5 Backport 1.1.0, backport-subscription-notification-r4.

use jiff::Timestamp;
use ward_core::{FhirId, RecordKey};

use super::{BACKPORT, Content, Status};
use crate::{Json, json::Object};

/// What a notification tells.
pub struct Notice<'a> {
    /// The same for the same events, however often they are sent.
    pub id: &'a FhirId,
    /// The server's own address.
    pub base: &'a str,
    pub subscription: &'a FhirId,
    pub topic: Option<&'a str>,
    pub status: Status,
    pub kind: NoticeKind,
    /// Events since the subscription began.
    pub n_events: u64,
    pub content: Content,
    pub events: Vec<Told<'a>>,
    /// Why nothing more comes, in words.
    pub error: Option<&'a str>,
    pub now: Timestamp,
}

/// - Source: subscription-notification-type of R5.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum NoticeKind {
    Handshake,
    Heartbeat,
    Event,
    QueryStatus,
    QueryEvent,
}

impl NoticeKind {
    pub const fn as_str(self) -> &'static str {
        match self {
            NoticeKind::Handshake => "handshake",
            NoticeKind::Heartbeat => "heartbeat",
            NoticeKind::Event => "event-notification",
            NoticeKind::QueryStatus => "query-status",
            NoticeKind::QueryEvent => "query-event",
        }
    }
}

/// One event of a notification.
pub struct Told<'a> {
    pub number: u64,
    pub time: Timestamp,
    /// The record; `None` when whoever is told may not see it any more.
    pub focus: Option<(&'a RecordKey, Change)>,
    /// Its body, where the content is the whole resource.
    pub body: Option<&'a [u8]>,
}

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Change {
    Create,
    Update,
    Delete,
}

/// The notification as bytes.
///
/// - Cost: reads and writes each resource once.
pub fn bundle(notice: &Notice<'_>) -> Vec<u8> {
    let status_url = format!("{}/Subscription/{}/$status", notice.base, notice.subscription);
    let mut entries = vec![object([
        ("fullUrl", text(format!("urn:uuid:{}", notice.id))),
        ("resource", status_of(notice)),
        ("request", object([("method", text("GET")), ("url", text(status_url))])),
        ("response", object([("status", text("200"))])),
    ])];
    if notice.content != Content::Empty {
        entries.extend(notice.events.iter().filter_map(|told| entry(notice, told)));
    }
    let profile = format!("{BACKPORT}backport-subscription-notification-r4");
    let bundle = object([
        ("resourceType", text("Bundle")),
        ("id", text(notice.id.to_string())),
        ("meta", object([("profile", Json::Array(vec![text(profile)]))])),
        ("type", text("history")),
        ("timestamp", text(instant(notice.now))),
        ("entry", Json::Array(entries)),
    ]);
    bundle.to_bytes()
}

/// The status as Parameters.
pub fn status_of(notice: &Notice<'_>) -> Json<'static> {
    let subscription = format!("{}/Subscription/{}", notice.base, notice.subscription);
    let mut parameters =
        vec![named("subscription", "valueReference", object([("reference", text(subscription))]))];
    if let Some(topic) = notice.topic {
        parameters.push(named("topic", "valueCanonical", text(topic.to_owned())));
    }
    parameters.push(named("status", "valueCode", text(notice.status.as_str())));
    parameters.push(named("type", "valueCode", text(notice.kind.as_str())));
    let n = notice.n_events.to_string();
    parameters.push(named("events-since-subscription-start", "valueString", text(n)));
    for told in &notice.events {
        let number = told.number.to_string();
        let mut parts = vec![
            named("event-number", "valueString", text(number)),
            named("timestamp", "valueInstant", text(instant(told.time))),
        ];
        if let Some((key, _)) = told.focus
            && notice.content != Content::Empty
        {
            let reference = object([("reference", text(format!("{}/{key}", notice.base)))]);
            parts.push(named("focus", "valueReference", reference));
        }
        parameters
            .push(object([("name", text("notification-event")), ("part", Json::Array(parts))]));
    }
    if let Some(error) = notice.error {
        let concept = object([("text", text(error.to_owned()))]);
        parameters.push(named("error", "valueCodeableConcept", concept));
    }
    let profile = format!("{BACKPORT}backport-subscription-status-r4");
    object([
        ("resourceType", text("Parameters")),
        ("id", text(notice.id.to_string())),
        ("meta", object([("profile", Json::Array(vec![text(profile)]))])),
        ("parameter", Json::Array(parameters)),
    ])
}

fn entry<'a>(notice: &Notice<'_>, told: &Told<'a>) -> Option<Json<'a>> {
    let (key, change) = told.focus?;
    let (method, status) = match change {
        Change::Create => ("POST", "201"),
        Change::Update => ("PUT", "200"),
        Change::Delete => ("DELETE", "204"),
    };
    let url = if change == Change::Create { key.kind.to_string() } else { key.to_string() };
    let mut entry = Object::new();
    entry.insert("fullUrl", text(format!("{}/{key}", notice.base)));
    if let (Content::Full, Some(body)) = (notice.content, told.body)
        && let Ok(resource) = Json::parse(body)
    {
        entry.insert("resource", resource);
    }
    entry.insert("request", object([("method", text(method)), ("url", text(url))]));
    entry.insert("response", object([("status", text(status))]));
    Some(Json::Object(entry))
}

fn named(name: &'static str, kind: &'static str, value: Json<'static>) -> Json<'static> {
    object([("name", text(name)), (kind, value)])
}

fn object<'a, const N: usize>(members: [(&'static str, Json<'a>); N]) -> Json<'a> {
    Json::Object(members.into_iter().collect())
}

fn text(text: impl Into<std::borrow::Cow<'static, str>>) -> Json<'static> {
    Json::string(text)
}

/// Time as FHIR writes an instant, to the millisecond.
fn instant(time: Timestamp) -> String {
    time.strftime("%Y-%m-%dT%H:%M:%S.%3fZ").to_string()
}
