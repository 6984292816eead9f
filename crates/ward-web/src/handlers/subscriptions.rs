//! Operations on Subscriptions, and the websocket that they are told over.

use std::{sync::Arc, time::Duration};

use axum::body::Body;
use base64::{Engine as _, engine::general_purpose::STANDARD as BASE64};
use futures_util::{SinkExt, StreamExt};
use hyper::{
    Response, StatusCode,
    header::{self, HeaderValue},
    upgrade::Upgraded,
};
use hyper_util::rt::TokioIo;
use serde_json::{Value, json};
use tokio::{sync::Semaphore, time::timeout};
use tokio_tungstenite::{
    WebSocketStream,
    tungstenite::{
        Message,
        protocol::{Role, WebSocketConfig},
    },
};
use ward_core::{FhirId, Kind};
use ward_events::subscriptions::{AskError, Binding, EventsAsked, SOCKETS_MAX, Subscriptions};
use ward_fhir::{
    search::decode_query,
    subscription::{Content, Status, TOPICS},
};
use ward_records::RecordsError;

use crate::{app::App, clock, request::Asked, respond, respond::Answer};

/// Where websockets are opened.
pub(crate) const SOCKET: &str = "/api/subscriptions/websocket";

type WebSocket = WebSocketStream<TokioIo<Upgraded>>;

/// How long a websocket may wait before it says what it is bound to.
const BIND_IN: Duration = Duration::from_secs(30);

/// How often a websocket is asked whether it is still there.
const ALIVE: Duration = Duration::from_secs(30);

/// Longest message of a websocket, in bytes.
/// LIMIT: a token, and a word before it.
const MESSAGE_BYTES_MAX: usize = 4_096;

/// Subscriptions named in one request.
/// LIMIT: more are asked for one by one.
const IDS_MAX: usize = 100;

/// The topics that can be subscribed to.
///
/// - Shape: R4 has no SubscriptionTopic; these are those of R4B in a collection, to be read.
pub(crate) async fn topics(app: &App, _: &Asked) -> Answer {
    let base = app.records.base();
    let one = |topic: &ward_fhir::subscription::Topic| {
        let id = topic.url.rsplit(':').next().unwrap_or_default();
        let kinds: Vec<Value> = topic
            .kinds()
            .iter()
            .map(|kind| {
                json!({
                    "resource": format!("http://hl7.org/fhir/StructureDefinition/{kind}"),
                    "description": topic.about,
                })
            })
            .collect();
        json!({
            "fullUrl": format!("{base}/SubscriptionTopic/{id}"),
            "resource": {
                "resourceType": "SubscriptionTopic",
                "id": id,
                "url": topic.url,
                "title": topic.title,
                "status": "active",
                "description": topic.about,
                "resourceTrigger": kinds,
            },
        })
    };
    let entries: Vec<Value> = TOPICS.iter().map(one).collect();
    let bundle = json!({ "resourceType": "Bundle", "type": "collection", "entry": entries });
    fhir(bundle.to_string().into_bytes())
}

pub(crate) async fn status(app: &App, asked: &Asked) -> Answer {
    let said = parameters(asked)?;
    let ids = ids(asked, &said)?;
    let of = said.iter().filter(|(name, _)| name == "status");
    let of = of.flat_map(|(_, value)| value.split(',')).map(|code| {
        Status::from_code(code)
            .ok_or_else(|| invalid("`status` is requested, active, error or off"))
    });
    let of: Vec<Status> = of.collect::<Result<_, _>>()?;
    fhir(subscriptions(app)?.status(&asked.cx, &ids, &of).await.map_err(refused)?)
}

pub(crate) async fn events(app: &App, asked: &Asked) -> Answer {
    let said = parameters(asked)?;
    let number = |name: &str| {
        let found = said.iter().find(|(n, _)| n == name).map(|(_, value)| value.parse::<u64>());
        found.transpose().map_err(|_| invalid(&format!("`{name}` is the number of an event")))
    };
    let content = said.iter().find(|(name, _)| name == "content").map(|(_, value)| {
        let wrong = || invalid("`content` is empty, id-only or full-resource");
        Content::from_code(value).ok_or_else(wrong)
    });
    let wanted = EventsAsked {
        from: number("eventsSinceNumber")?.unwrap_or(1),
        until: number("eventsUntilNumber")?,
        content: content.transpose()?,
    };
    let ids = ids(asked, &said)?;
    let [id] = ids.as_slice() else { return Err(invalid("one subscription is asked for")) };
    fhir(subscriptions(app)?.events(&asked.cx, id, wanted).await.map_err(refused)?)
}

pub(crate) async fn binding_token(app: &App, asked: &Asked) -> Answer {
    let said = parameters(asked)?;
    let ids = ids(asked, &said)?;
    let given = subscriptions(app)?.binding_token(&asked.cx, &ids, app.random.as_ref()).await;
    let (token, until) = given.map_err(refused)?;
    let base = app.records.base();
    let url = match base.strip_prefix("https://") {
        Some(rest) => format!("wss://{rest}"),
        None => format!("ws://{}", base.trim_start_matches("http://")),
    };
    let url = format!("{}{SOCKET}", url.trim_end_matches("/fhir"));
    let mut parameters = vec![
        json!({ "name": "token", "valueString": token }),
        json!({ "name": "expiration", "valueDateTime": until.to_string() }),
    ];
    let name = |id: &FhirId| json!({ "name": "subscription", "valueString": id.as_str() });
    parameters.extend(ids.iter().map(name));
    parameters.push(json!({ "name": "websocket-url", "valueUrl": url }));
    let told = json!({ "resourceType": "Parameters", "parameter": parameters });
    fhir(told.to_string().into_bytes())
}

/// Makes a websocket of the connection. It shows nothing before it says a token.
///
/// - Source: RFC 6455, 4.2.
pub(crate) async fn socket(app: &App, asked: &Asked) -> Answer {
    let subscriptions = subscriptions(app)?.clone();
    let none = || invalid("this is the address of a websocket (HTTP/1.1, `Upgrade: websocket`)");
    let accept = accept_of(asked).ok_or_else(none)?;
    let upgrade = asked.upgrade.lock().unwrap_or_else(std::sync::PoisonError::into_inner).take();
    let upgrade = upgrade.ok_or_else(none)?;
    let full = || RecordsError::new(Kind::Busy, "too many websockets are open");
    let place = Arc::clone(&app.sockets).try_acquire_owned().map_err(|_| full())?;
    tokio::spawn(async move {
        let _place = place;
        let Ok(connection) = upgrade.await else { return };
        let limits = WebSocketConfig::default()
            .max_message_size(Some(MESSAGE_BYTES_MAX))
            .max_frame_size(Some(MESSAGE_BYTES_MAX));
        let stream = TokioIo::new(connection);
        let socket = WebSocketStream::from_raw_socket(stream, Role::Server, Some(limits)).await;
        serve(subscriptions, socket).await;
    });
    let mut response = Response::new(Body::empty());
    *response.status_mut() = StatusCode::SWITCHING_PROTOCOLS;
    let headers = response.headers_mut();
    headers.insert(header::UPGRADE, HeaderValue::from_static("websocket"));
    headers.insert(header::CONNECTION, HeaderValue::from_static("upgrade"));
    headers.insert(header::SEC_WEBSOCKET_ACCEPT, accept);
    Ok(response)
}

/// What a client that asks for a websocket is answered with; `None` when it asks for something
/// else.
fn accept_of(asked: &Asked) -> Option<HeaderValue> {
    const GUID: &str = "258EAFA5-E914-47DA-95CA-C5AB0DC85B11";
    let says = |name, word: &str| {
        asked
            .header(name)
            .is_some_and(|it| it.split(',').any(|part| part.trim().eq_ignore_ascii_case(word)))
    };
    let is_asked = says(header::UPGRADE, "websocket")
        && says(header::CONNECTION, "upgrade")
        && asked.header(header::SEC_WEBSOCKET_VERSION) == Some("13");
    let key = asked.header(header::SEC_WEBSOCKET_KEY).filter(|_| is_asked)?;
    let digest = ward_crypto::sha1_of_handshake(format!("{key}{GUID}").as_bytes());
    HeaderValue::try_from(BASE64.encode(digest)).ok()
}

/// Places for websockets.
pub(crate) fn sockets() -> Arc<Semaphore> {
    Arc::new(Semaphore::new(SOCKETS_MAX))
}

async fn serve(subscriptions: Subscriptions, mut socket: WebSocket) {
    let bound = timeout(BIND_IN, bind(&subscriptions, &mut socket)).await;
    let Ok(Some(mut binding)) = bound else {
        let _gone = socket.send(Message::Close(None)).await.is_err();
        return;
    };
    let Ok(handshakes) = subscriptions.handshakes(&binding) else { return };
    for text in handshakes {
        if socket.send(Message::text(text)).await.is_err() {
            return;
        }
    }
    subscriptions.begin(&binding);
    loop {
        tokio::select! {
            said = binding.messages.recv() => {
                let Some((message, done)) = said else { return };
                if socket.send(Message::text(message.text())).await.is_err() {
                    return;
                }
                // Who waits for it may have given up.
                let _late = done.send(()).is_err();
            }
            heard = timeout(ALIVE, socket.next()) => match heard {
                // Silence: a peer that is gone fails the ping, or the one after it.
                Err(_) => if socket.send(Message::Ping(Vec::new().into())).await.is_err() {
                    return;
                },
                Ok(Some(Ok(Message::Close(_)) | Err(_)) | None) => return,
                Ok(Some(Ok(_))) => {}
            },
        }
    }
}

/// - Source: Subscriptions R5 Backport, channels: `bind-with-token: TOKEN`.
async fn bind(subscriptions: &Subscriptions, socket: &mut WebSocket) -> Option<Binding> {
    while let Some(Ok(message)) = socket.next().await {
        let Message::Text(text) = message else { continue };
        let token = text.strip_prefix("bind-with-token")?.trim_start_matches([':', ' ']);
        return subscriptions.bind(token, clock::now());
    }
    None
}

/// The parameters of an operation, from the address or from Parameters.
fn parameters(asked: &Asked) -> Result<Vec<(String, String)>, RecordsError> {
    let mut said = decode_query(&asked.query)
        .map_err(|issue| RecordsError::with_issues(Kind::Invalid, vec![issue]))?;
    if asked.body.is_empty() {
        return Ok(said);
    }
    let body: Value =
        serde_json::from_slice(&asked.body).map_err(|_| invalid("the body is not JSON"))?;
    if body.get("resourceType").and_then(Value::as_str) != Some("Parameters") {
        return Err(invalid("the body is Parameters"));
    }
    let all = body.get("parameter").and_then(Value::as_array);
    for one in all.into_iter().flatten() {
        let Some(name) = one.get("name").and_then(Value::as_str) else { continue };
        let value = one.as_object().into_iter().flatten();
        let value = value.filter(|(name, _)| name.starts_with("value")).find_map(|(_, value)| {
            value.as_str().map(str::to_owned).or_else(|| value.as_u64().map(|n| n.to_string()))
        });
        said.extend(value.map(|value| (name.to_owned(), value)));
    }
    Ok(said)
}

/// The subscriptions that are asked for: that of the address, or those of `id`.
fn ids(asked: &Asked, said: &[(String, String)]) -> Result<Vec<FhirId>, RecordsError> {
    let of_address = asked.value("id").ok().map(str::to_owned);
    let named = said.iter().filter(|(name, _)| name == "id");
    let named = named.flat_map(|(_, value)| value.split(',')).map(str::to_owned);
    let texts: Vec<String> = match of_address {
        Some(id) => vec![id],
        None => named.collect(),
    };
    if texts.is_empty() || IDS_MAX < texts.len() {
        return Err(invalid(&format!("`id` names 1 to {IDS_MAX} subscriptions")));
    }
    let id = |text: String| {
        let id = text.rsplit('/').next().unwrap_or_default();
        id.parse().map_err(|error| invalid(&format!("not an id: {error}")))
    };
    texts.into_iter().map(id).collect()
}

fn subscriptions(app: &App) -> Result<&Subscriptions, RecordsError> {
    let none = || RecordsError::new(Kind::Unavailable, "subscriptions are not looked after here");
    app.events.as_ref().map(|events| &events.subscriptions).ok_or_else(none)
}

fn fhir(body: Vec<u8>) -> Answer {
    Ok(respond::fhir(StatusCode::OK, body))
}

fn refused(error: AskError) -> RecordsError {
    let kind = error.kind();
    let says = if kind == Kind::Bug { "internal error".to_owned() } else { error.to_string() };
    RecordsError { cause: Some(Box::new(error)), ..RecordsError::new(kind, says) }
}

fn invalid(says: &str) -> RecordsError {
    RecordsError::new(Kind::Invalid, says)
}
