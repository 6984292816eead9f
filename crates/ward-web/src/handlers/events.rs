//! What open screens are told, as server-sent events.
//!
//! - Source: HTML, section 9.2 Server-sent events.

use std::{
    pin::Pin,
    task::{Context, Poll},
    time::Duration,
};

use axum::body::Body;
use hyper::{
    Response, StatusCode,
    body::{Body as HttpBody, Bytes, Frame},
    header::{self, HeaderName, HeaderValue},
};
use serde_json::{Map, Value, json};
use tokio::{sync::mpsc, time::timeout};
use ward_core::{AuditAction, AuditOutcome, Ctx, Kind, ResourceType};
use ward_events::live::{News, Shown, Viewer};
use ward_policy::Action;
use ward_records::RecordsError;
use ward_store::{FeedPlace, Interaction, Seq, handler};

use crate::{
    app::App,
    clock,
    handlers::access::COOKIE,
    request::Asked,
    respond::{self, Answer},
};

/// How often a line is sent that means nothing, so that a dead connection is noticed.
const HEARTBEAT: Duration = Duration::from_secs(15);

/// How long a reader may take for one piece before it is hung up on; it comes back by itself and
/// goes on where it was, or is told to read everything anew.
const PATIENCE: Duration = Duration::from_secs(30);

/// Pieces on their way to one reader.
/// LIMIT: a reader that is slower is passed by the feed, which remembers for it.
const PIECES_MAX: usize = 4;

/// Milliseconds after which a browser comes back.
const RETRY_MS: u32 = 2_000;

/// Tells what happens, for as long as the reader listens and may.
///
/// - Audit: an entry with the patients of each piece, durable before it leaves.
pub(crate) async fn stream(app: &App, asked: &Asked) -> Answer {
    let none = || RecordsError::new(Kind::Unavailable, "no events are told here");
    let events = app.events.as_ref().ok_or_else(none)?;
    let at = asked.header("last-event-id").map(place_of).transpose()?;
    let full = || RecordsError::new(Kind::Busy, "too many screens are open");
    let viewer = events.live.viewer(at).ok_or_else(full)?;
    let (sender, receiver) = mpsc::channel(PIECES_MAX);
    let cookie = match asked.headers.contains_key(header::AUTHORIZATION) {
        true => None,
        false => Asked::cookie(&asked.headers, COOKIE).map(str::to_owned),
    };
    let reader = ScreenReader { app: app.clone(), cx: asked.cx.clone(), cookie, sender };
    tokio::spawn(reader.run(viewer));
    let mut response = Response::new(Body::new(Pieces(receiver)));
    let headers = response.headers_mut();
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("text/event-stream"));
    // A proxy that collects what is streamed would make it late.
    headers.insert(HeaderName::from_static("x-accel-buffering"), HeaderValue::from_static("no"));
    Ok(response)
}

/// What a notification was about, for whoever may see it.
///
/// - Audit: `read` of the record.
pub(crate) async fn about(app: &App, asked: &Asked) -> Answer {
    let place = place_of(asked.value("id")?)?;
    let chart = app.records.chart();
    let own = handler::context(asked.cx.now, "events");
    let missing = || RecordsError::new(Kind::NotFound, "there is no such event");
    let event = chart.event_at(&own, place)?.ok_or_else(missing)?;
    let act = match &event.record {
        Some(record) => Interaction::on(AuditAction::Read, record.key.clone()),
        None => Interaction::new(AuditAction::Read),
    };
    let reader = chart.reader(&asked.cx, act);
    let may = match &event.record {
        Some(record) => reader.may_tell(record),
        None => Ok(false),
    };
    let is_told = matches!(may, Ok(true));
    let outcome = if is_told { AuditOutcome::Success } else { AuditOutcome::MinorFailure };
    reader.finish(outcome).await?;
    let record = event.record.filter(|_| is_told).filter(|it| it.key.kind.is_fhir());
    let record = record.ok_or_else(missing)?;
    let told = json!({
        "type": event.kind.as_str(),
        "priority": event.priority.as_str(),
        "time": event.time.to_string(),
        "record": record.key.to_string(),
        "version": record.version,
        "patient": event.patient.map(|id| id.to_string()),
    });
    Ok(respond::value(StatusCode::OK, &told))
}

fn place_of(text: &str) -> Result<FeedPlace, RecordsError> {
    let wrong = || RecordsError::new(Kind::Invalid, "this is no event's id");
    let (seq, n) = text.split_once('.').ok_or_else(wrong)?;
    let (seq, n) = (seq.parse().map_err(|_| wrong())?, n.parse().map_err(|_| wrong())?);
    Ok(FeedPlace { seq: Seq(seq), n })
}

struct ScreenReader {
    app: App,
    cx: Ctx,
    /// The session that it is read in, when it is read in one.
    cookie: Option<String>,
    sender: mpsc::Sender<Bytes>,
}

impl ScreenReader {
    async fn run(self, mut viewer: Viewer) {
        if !self.send(format!("retry: {RETRY_MS}\nevent: hello\ndata: {{}}\n\n")).await {
            return;
        }
        loop {
            let news = tokio::select! {
                () = self.sender.closed() => return,
                news = timeout(HEARTBEAT, viewer.next()) => news,
            };
            let Some(cx) = self.context().await else { return };
            let piece = match news {
                Err(_) => ":\n\n".to_owned(),
                // The server stops; whoever comes back finds the next one.
                Ok(None) => return,
                Ok(Some(News::Reset(place))) => {
                    format!("id: {}\nevent: reset\ndata: {{}}\n\n", shown(place))
                }
                Ok(Some(News::Events(events, place))) => match self.told(&cx, &events, place).await
                {
                    Ok(piece) => piece,
                    Err(error) => return tracing::error!(%error, "a screen is not told"),
                },
            };
            if !piece.is_empty() && !self.send(piece).await {
                return;
            }
        }
    }

    async fn send(&self, piece: String) -> bool {
        let sending = self.sender.send(Bytes::from(piece));
        matches!(timeout(PATIENCE, sending).await, Ok(Ok(())))
    }

    /// The reader as they may see now; `None` when they may not listen any more.
    async fn context(&self) -> Option<Ctx> {
        let now = clock::now();
        if let Some(cookie) = &self.cookie
            && !self.app.gate.is_session_open(cookie, now)
        {
            return None;
        }
        let principals = &self.app.events.as_ref()?.principals;
        match principals.context_of(self.cx.actor, self.cx.purpose, now).await {
            Ok(cx) => cx.map(|it| Ctx {
                trace: self.cx.trace,
                source: std::sync::Arc::clone(&self.cx.source),
                ..it
            }),
            Err(error) => {
                tracing::error!(%error, "the reader of a screen is not asked for");
                None
            }
        }
    }

    async fn told(
        &self,
        cx: &Ctx,
        events: &[std::sync::Arc<Shown>],
        place: FeedPlace,
    ) -> Result<String, RecordsError> {
        let chart = self.app.records.chart();
        let knows_stays = chart.policy().allows(cx, Action::ReadStays);
        let mut piece = String::new();
        let mut lines: Vec<(FeedPlace, Value)> = Vec::new();
        let mut named = Vec::new();
        for event in events {
            let Some(record) = &event.record else { continue };
            let mut told = Map::new();
            told.insert("type".to_owned(), json!(event.kind.as_str()));
            told.insert("priority".to_owned(), json!(event.priority.as_str()));
            match record.key.kind {
                ResourceType::BED if knows_stays => {
                    told.insert("record".to_owned(), json!(format!("Bed/{}", record.key.id)));
                }
                ResourceType::WORKFLOW if knows_stays => {
                    told.insert("record".to_owned(), json!(format!("Admission/{}", record.key.id)));
                }
                kind if !kind.is_fhir() => continue,
                kind => match chart.may_see(cx, record)? {
                    true => {
                        named.push(record);
                        told.insert("record".to_owned(), json!(record.key.to_string()));
                        told.insert("version".to_owned(), json!(record.version));
                        let patient = event.patient.as_ref().map(ToString::to_string);
                        told.insert("patient".to_owned(), json!(patient));
                    }
                    // The list of what waits is shown to all who know of stays.
                    false if kind == ResourceType::TASK && knows_stays => {
                        told.insert("record".to_owned(), json!("Task"));
                    }
                    false => continue,
                },
            }
            lines.push((event.place, Value::Object(told)));
        }
        if !named.is_empty() {
            let act = Interaction::new(AuditAction::Search).with_detail("events".to_owned());
            let reader = chart.reader(cx, act);
            for record in named {
                reader.may_tell(record)?;
            }
            reader.finish(AuditOutcome::Success).await?;
        }
        for (place, told) in &lines {
            piece.push_str(&format!("id: {}\ndata: {told}\n\n", shown(*place)));
        }
        // What was passed is not asked for again.
        if lines.last().is_none_or(|(last, _)| *last != place) && !events.is_empty() {
            piece.push_str(&format!("id: {}\n\n", shown(place)));
        }
        Ok(piece)
    }
}

fn shown(place: FeedPlace) -> String {
    format!("{}.{}", place.seq.0, place.n)
}

/// A body that is written while it is read.
struct Pieces(mpsc::Receiver<Bytes>);

impl HttpBody for Pieces {
    type Data = Bytes;
    type Error = std::convert::Infallible;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Self::Error>>> {
        self.0.poll_recv(cx).map(|piece| piece.map(|piece| Ok(Frame::data(piece))))
    }
}
