//! Messages of interfaces: found, shown whole, and worked on again.

use base64::{Engine, engine::general_purpose::STANDARD};
use hyper::StatusCode;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use ward_core::{AuditAction, AuditOutcome, Kind, Phi};
use ward_interop::contract::{Note, Preview, Receiver};
use ward_records::RecordsError;
use ward_store::{
    Direction, Interaction, KeptMessage, MessageFilter, MessageHead, MessageId, MessageState,
};

use super::{
    access::{body_of, invalid},
    parsed::{Parts, parsed},
};
use crate::{app::App, request::Asked, respond, respond::Answer};

/// Messages on one page, unless asked otherwise.
const PAGE: usize = 50;

/// One message without its bytes.
#[derive(Clone, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct MessageLine {
    pub id: u64,
    pub time: String,
    pub direction: String,
    pub state: String,
    pub interface: String,
    pub kind: String,
    pub control_id: String,
    pub sender: String,
    pub patient: Option<String>,
    pub peer: String,
    pub why: Option<String>,
    pub attempts: u32,
    pub problems: Vec<String>,
    pub records: Vec<String>,
}

impl From<&MessageHead> for MessageLine {
    fn from(head: &MessageHead) -> MessageLine {
        let note = Note::read(head.detail.reveal());
        let why = note.why.into_iter().chain(note.dropped).collect::<Vec<_>>().join("; ");
        let problem =
            |it: &ward_interop::contract::Told| format!("{} {} {}", it.severity, it.kind, it.at);
        MessageLine {
            id: head.id.0,
            time: head.time.to_string(),
            direction: match head.direction {
                Direction::In => "in".to_owned(),
                Direction::Out => "out".to_owned(),
            },
            state: head.state.as_str().to_owned(),
            interface: head.channel.clone(),
            kind: head.kind.clone(),
            control_id: head.control_id.reveal().clone(),
            sender: head.sender.reveal().clone(),
            patient: head.patient.as_ref().map(ToString::to_string),
            peer: note.peer,
            why: Some(why).filter(|why| !why.is_empty()),
            attempts: note.attempts,
            problems: note.problems.iter().map(problem).collect(),
            records: note.records,
        }
    }
}

/// The filter of a query.
///
/// - Errors: a name that is not asked for, or a value that is none of its kind.
pub fn filter_of(query: &str) -> Result<MessageFilter, RecordsError> {
    let mut filter = MessageFilter { limit: PAGE, ..MessageFilter::default() };
    let pairs = ward_fhir::search::decode_query(query)
        .map_err(|issue| RecordsError::with_issues(Kind::Invalid, vec![issue]))?;
    for (name, value) in pairs {
        let number = || value.parse::<u64>().ok();
        match name.as_str() {
            "state" => {
                for word in value.split(',') {
                    let state = MessageState::from_word(word);
                    filter.states.push(state.ok_or_else(|| wrong("`state` is no state"))?);
                }
            }
            "direction" => {
                filter.direction = Some(match value.as_str() {
                    "in" => Direction::In,
                    "out" => Direction::Out,
                    _ => return Err(wrong("`direction` is `in` or `out`")),
                });
            }
            "interface" => filter.channel = Some(value),
            "type" => filter.kind = Some(value),
            "control-id" => filter.control_id = Some(Phi::new(value)),
            "patient" => {
                let id = value.parse().map_err(|_| wrong("`patient` is not an id"))?;
                filter.patient = Some(id);
            }
            "since" => filter.since = Some(time(&value)?),
            "until" => filter.until = Some(time(&value)?),
            "before" => {
                let n = number().ok_or_else(|| wrong("`before` is not a number"))?;
                filter.before = Some(MessageId(n));
            }
            "after" => {
                let n = number().ok_or_else(|| wrong("`after` is not a number"))?;
                filter.after = Some(MessageId(n));
            }
            "limit" => {
                let n = value.parse().map_err(|_| wrong("`limit` is not a number"))?;
                filter.limit = n;
            }
            _ => {
                return Err(wrong(
                    "asked for are `state`, `direction`, `interface`, `type`, `control-id`, \
                     `patient`, `since`, `until`, `before`, `after` and `limit`",
                ));
            }
        }
    }
    Ok(filter)
}

pub(super) fn time(text: &str) -> Result<jiff::Timestamp, RecordsError> {
    text.parse().map_err(|_| wrong("a time is written as `2026-01-31T08:00:00Z`"))
}

fn wrong(says: &str) -> RecordsError {
    RecordsError::new(Kind::Invalid, says)
}

/// One page, newest first; with `after`, the one that follows that number.
pub(crate) async fn list(app: &App, asked: &Asked) -> Answer {
    let filter = filter_of(&asked.query)?;
    let mut heads = app.records.chart().messages(&asked.cx, &filter).await?;
    if filter.after.is_some() {
        heads.reverse();
    }
    let lines: Vec<MessageLine> = heads.iter().map(MessageLine::from).collect();
    Ok(respond::value(StatusCode::OK, &json!({ "messages": lines })))
}

/// One message with its bytes, which may be text in any character set, and what they say; with
/// `parts=all`, with the parts that are empty.
pub(crate) async fn read(app: &App, asked: &Asked) -> Answer {
    let parts = match asked.query.as_str() {
        "" => Parts::Valued,
        "parts=all" => Parts::All,
        _ => return Err(invalid("only `parts=all` is asked for")),
    };
    let message = whole(app, asked).await?;
    let note = Note::read(message.head.detail.reveal());
    let interface = app.messages.as_ref().map(|it| it.interface(&message.head.channel));
    let settings = interface.map(|it| it.reading(&note)).unwrap_or_default();
    let read = parsed(message.raw.reveal(), &settings, &note.problems, parts);
    let answer = parsed(message.head.answer.reveal(), &settings, &[], parts);
    let body = json!({
        "read": read,
        "readAnswer": answer,
        "message": MessageLine::from(&message.head),
        "raw": STANDARD.encode(message.raw.reveal()),
        "answer": STANDARD.encode(message.head.answer.reveal()),
    });
    Ok(respond::value(StatusCode::OK, &body))
}

/// What a message would change if it were worked on now.
pub(crate) async fn preview(app: &App, asked: &Asked) -> Answer {
    let message = whole(app, asked).await?;
    let receiver = app.messages.as_ref().ok_or_else(nothing_works)?;
    if message.head.direction == Direction::Out {
        return Ok(respond::value(StatusCode::OK, &would_go(receiver, &message.head)));
    }
    let interface = receiver.interface(&message.head.channel);
    let preview = receiver.preview(&asked.cx, &interface, &message).await?;
    Ok(respond::value(StatusCode::OK, &shown(&preview)))
}

/// Where a message would go if it were sent again.
fn would_go(receiver: &Receiver, head: &MessageHead) -> Value {
    let declared = receiver.figures().declared();
    let mut ways = declared.iter().flat_map(|it| &it.destinations);
    let to = ways.find(|it| it.name == head.channel);
    let goes_to = json!({
        "name": head.channel,
        "kind": to.map(|it| it.place.kind),
        "address": to.map(|it| it.place.address.as_str()),
    });
    json!({ "changes": [], "problems": [], "goesTo": goes_to })
}

/// Works on a message again, whatever became of it before; one that went out, or that its receiver
/// would not have, is sent again.
pub(crate) async fn replay(app: &App, asked: &Asked) -> Answer {
    let message = whole(app, asked).await?;
    let receiver = app.messages.as_ref().ok_or_else(nothing_works)?;
    if message.head.direction == Direction::Out {
        return send_again(app, asked, receiver, &message.head).await;
    }
    let interface = receiver.interface(&message.head.channel);
    // The work itself is on record as the interface's; this says who asked for it.
    let act = Interaction::new(AuditAction::Import)
        .with_detail(format!("hl7 replay of message {}", message.head.id.0));
    app.records.chart().audit(&asked.cx, act, AuditOutcome::Success).await?;
    let is_applied = receiver.work_on(&interface, message.head.id).await?;
    let now = whole(app, asked).await?;
    let body = json!({ "applied": is_applied, "message": MessageLine::from(&now.head) });
    Ok(respond::value(StatusCode::OK, &body))
}

/// What somebody found who looked at a message.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Found {
    found: String,
}

/// Characters of what somebody found.
/// LIMIT: a sentence or two; it stands in every list.
const FOUND_MAX: usize = 500;

/// Whether a text says what somebody found, in no more than fits into a list.
#[must_use]
pub fn is_finding(found: &str) -> bool {
    (1..=FOUND_MAX).contains(&found.chars().count())
}

/// Somebody has looked at a message that was given up or set aside, and nothing is to be done.
pub(crate) async fn dismiss(app: &App, asked: &Asked) -> Answer {
    let Found { found } = body_of(asked)?;
    let found = found.trim();
    if !is_finding(found) {
        return Err(invalid("`found` says in 1 to 500 characters what was found"));
    }
    let message = whole(app, asked).await?;
    let receiver = app.messages.as_ref().ok_or_else(nothing_works)?;
    if !receiver.dismiss(&asked.cx, message.head.id, found).await? {
        let says = "the message was neither given up nor set aside";
        return Err(RecordsError::new(Kind::Conflict, says));
    }
    let now = whole(app, asked).await?;
    let body = json!({ "message": MessageLine::from(&now.head) });
    Ok(respond::value(StatusCode::OK, &body))
}

async fn send_again(app: &App, asked: &Asked, receiver: &Receiver, head: &MessageHead) -> Answer {
    let waits = || RecordsError::new(Kind::Conflict, "the message waits to be sent already");
    if !matches!(head.state, MessageState::Dead | MessageState::Sent) {
        return Err(waits());
    }
    let id = head.id;
    // That it waits is on record as the interface's; this says who asked for it.
    let act = Interaction::new(AuditAction::Export)
        .with_detail(format!("hl7 message {} sent again", id.0));
    app.records.chart().audit(&asked.cx, act, AuditOutcome::Success).await?;
    if !receiver.send_again(id).await? {
        return Err(waits());
    }
    let now = whole(app, asked).await?;
    let body = json!({ "waiting": true, "message": MessageLine::from(&now.head) });
    Ok(respond::value(StatusCode::OK, &body))
}

async fn whole(app: &App, asked: &Asked) -> Result<KeptMessage, RecordsError> {
    let id = asked.value("id")?.parse().map_err(|_| wrong("not a message's number"))?;
    let message = app.records.chart().message(&asked.cx, MessageId(id)).await?;
    message.ok_or_else(|| RecordsError::new(Kind::NotFound, "there is no such message"))
}

fn nothing_works() -> RecordsError {
    RecordsError::new(Kind::Unavailable, "messages are not worked on here")
}

/// A preview as JSON.
pub fn shown(preview: &Preview) -> Value {
    let text = |json: &Option<ward_fhir::Json<'static>>| {
        let json = json.as_ref().and_then(|json| serde_json::from_slice(&json.to_bytes()).ok());
        json.unwrap_or(Value::Null)
    };
    let changes = preview.changes.iter().map(|change| {
        let elements = change.elements.iter().map(
            |(name, old, new)| json!({ "element": name, "now": text(old), "then": text(new) }),
        );
        json!({
            "record": change.record.to_string(),
            "isNew": change.is_new,
            "elements": elements.collect::<Vec<_>>(),
        })
    });
    let problems =
        preview.problems.iter().map(|it| format!("{} {} {}", it.severity, it.kind, it.at));
    json!({ "changes": changes.collect::<Vec<_>>(), "problems": problems.collect::<Vec<_>>() })
}
