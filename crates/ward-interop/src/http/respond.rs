//! From a request to its response.

use std::{sync::Arc, time::Duration};

use http_body_util::{BodyExt, Full};
use hyper::{
    HeaderMap, Method, Request, Response, StatusCode,
    body::{Bytes, Incoming},
    header,
    header::{HeaderName, HeaderValue},
};
use tokio::time::timeout;
use ward_hl7::{
    Charset, Header, batch,
    mllp::{Dropped, Why},
};

use super::{MEDIA_TYPE, listener::Shared, media_of};
use crate::contract::Taken;

/// Media types that messages come as.
///
/// - Source: HL7 over HTTP, 1.2; the last is what Camel and others write.
const MEDIA_TYPES: [&str; 4] =
    [MEDIA_TYPE, "text/plain", "x-application/hl7-v2+er7", "application/hl7-v2+er7"];

/// Bytes kept of a body that cannot be taken.
/// LIMIT: as of a block over MLLP.
const DROPPED_BYTES_MAX: usize = 64 * 1024;

type Out = Response<Full<Bytes>>;

/// Takes the message of a request.
///
/// - Errors: 401, 405, 408, 411 to 415 for requests that hold none that could be taken; 503 for one
///   that is not safe and has to be sent again.
pub(super) async fn respond(shared: &Arc<Shared>, peer: &str, request: Request<Incoming>) -> Out {
    if request.method() != Method::POST {
        let mut out = said(StatusCode::METHOD_NOT_ALLOWED, "messages come by POST");
        out.headers_mut().insert(header::ALLOW, HeaderValue::from_static("POST"));
        return out;
    }
    let headers = request.headers();
    if !is_known(shared, headers) {
        let mut out = said(StatusCode::UNAUTHORIZED, "a bearer token is needed");
        out.headers_mut().insert(header::WWW_AUTHENTICATE, HeaderValue::from_static("Bearer"));
        return last(out);
    }
    let text = |name: HeaderName| headers.get(name).and_then(|value| value.to_str().ok());
    if text(header::CONTENT_ENCODING).is_some_and(|it| it != "identity") {
        return last(said(StatusCode::UNSUPPORTED_MEDIA_TYPE, "a body is sent as it is"));
    }
    let Some(charset) = media(text(header::CONTENT_TYPE)) else {
        return last(said(
            StatusCode::UNSUPPORTED_MEDIA_TYPE,
            "a message is `application/hl7-v2` or `text/plain`",
        ));
    };
    let n_max = shared.settings.block_bytes;
    let declared = text(header::CONTENT_LENGTH).and_then(|it| it.parse::<usize>().ok());
    if declared.is_some_and(|n| n_max < n) {
        return last(said(StatusCode::PAYLOAD_TOO_LARGE, "the body is too large"));
    }
    let mut body = Vec::new();
    let mut held = shared.room.place();
    let whole = read(request.into_body(), n_max, &mut body, &mut held);
    let limit = Duration::from_secs(shared.settings.block_s);
    let why = match timeout(limit, whole).await {
        Ok(Ok(())) => None,
        Ok(Err(NotRead::TooLarge)) => Some((Why::TooLarge, StatusCode::PAYLOAD_TOO_LARGE)),
        Ok(Err(NotRead::Early)) => Some((Why::EndOfStream, StatusCode::BAD_REQUEST)),
        Err(_) => Some((Why::EndOfStream, StatusCode::REQUEST_TIMEOUT)),
    };
    if let Some((why, status)) = why {
        let n_bytes = body.len();
        body.truncate(DROPPED_BYTES_MAX);
        if n_bytes != 0 {
            let interface = Arc::clone(&shared.interface.borrow());
            let dropped = Dropped { why, bytes: body, n_bytes };
            shared.receiver.quarantine(&interface, peer, &dropped).await;
        }
        return last(said(status, "the body could not be read whole"));
    }
    // A task of its own: a sender that goes away does not break off what has begun.
    let (shared, peer) = (Arc::clone(shared), peer.to_owned());
    let work = tokio::spawn(async move {
        let _held = held;
        take(&shared, &peer, body, charset).await
    });
    match work.await {
        Ok(out) => out,
        Err(_) => last(said(StatusCode::INTERNAL_SERVER_ERROR, "internal error")),
    }
}

async fn take(shared: &Shared, peer: &str, body: Vec<u8>, charset: Option<Charset>) -> Out {
    let mut interface = Arc::clone(&shared.interface.borrow());
    // What the message says of itself goes before what the request says of it, because it is kept
    // and passed on without the request.
    if let Some(charset) = charset {
        let interface = Arc::make_mut(&mut interface);
        interface.read.undeclared = charset;
        interface.said_charset = Some(charset);
    }
    if !batch::is_file(&body) && Header::scan(&body, &interface.read).0.is_none() {
        let n_bytes = body.len();
        if n_bytes != 0 {
            let dropped = Dropped { why: Why::Outside, bytes: body, n_bytes };
            shared.receiver.quarantine(&interface, peer, &dropped).await;
        }
        return said(StatusCode::BAD_REQUEST, "the body is no message");
    }
    match shared.receiver.take(&interface, peer, &body).await {
        Taken::Answers(answers) => {
            let status = answers.iter().map(|it| status_of(it)).max();
            let kind = answers.first().map(|it| media_of(it)).unwrap_or_default();
            let body: Vec<u8> = answers.concat();
            let mut out = Response::new(Full::new(Bytes::from(body)));
            *out.status_mut() = status.unwrap_or(StatusCode::OK);
            if let Ok(kind) = HeaderValue::from_str(&kind) {
                out.headers_mut().insert(header::CONTENT_TYPE, kind);
            }
            out
        }
        Taken::Silent => {
            let mut out = Response::new(Full::default());
            *out.status_mut() = StatusCode::NO_CONTENT;
            out
        }
        Taken::Close => {
            last(said(StatusCode::SERVICE_UNAVAILABLE, "not safe; send the message again"))
        }
    }
}

/// What an answer is as a status; of a batch, that of its worst message.
///
/// - Source: HL7 over HTTP, 1.3: 200 for AA and CA, 400 for AR and CR, 500 for AE and CE. An AR
///   because the chart cannot be written now is 503: clients that know HTTP alone send again.
fn status_of(answer: &[u8]) -> StatusCode {
    let lines = answer.split(|b| *b == b'\r').filter_map(|line| line.strip_prefix(b"MSA"));
    let statuses = lines.filter_map(|rest| rest.get(1..3)).map(|code| match code {
        b"AA" | b"CA" => StatusCode::OK,
        b"AR" | b"CR" if memchr::memmem::find(answer, b"|207^").is_some() => {
            StatusCode::SERVICE_UNAVAILABLE
        }
        b"AR" | b"CR" => StatusCode::BAD_REQUEST,
        _ => StatusCode::INTERNAL_SERVER_ERROR,
    });
    statuses.max().unwrap_or(StatusCode::OK)
}

fn is_known(shared: &Shared, headers: &HeaderMap) -> bool {
    let Some(token) = &shared.token else { return true };
    let shown = headers.get(header::AUTHORIZATION).map(HeaderValue::as_bytes);
    let shown = shown.and_then(|it| it.split_at_checked(7));
    shown.is_some_and(|(scheme, shown)| {
        scheme.eq_ignore_ascii_case(b"bearer ") && token.is(shown.trim_ascii())
    })
}

/// The character set that a media type of messages names; `None` for other media types.
fn media(value: Option<&str>) -> Option<Option<Charset>> {
    let Some(value) = value else { return Some(None) };
    let mut parts = value.split(';').map(str::trim);
    let kind = parts.next().unwrap_or_default();
    if !MEDIA_TYPES.iter().any(|known| kind.eq_ignore_ascii_case(known)) {
        return None;
    }
    let charset = parts.filter_map(|part| part.split_once('=')).find_map(|(name, value)| {
        let is_charset = name.trim().eq_ignore_ascii_case("charset");
        is_charset.then(|| Charset::from_mime(value.trim().trim_matches('"')))
    });
    Some(charset.flatten())
}

enum NotRead {
    TooLarge,
    Early,
}

async fn read(
    mut from: Incoming,
    n_max: usize,
    body: &mut Vec<u8>,
    held: &mut crate::listen::Held,
) -> Result<(), NotRead> {
    while let Some(frame) = from.frame().await {
        let piece = frame.map_err(|_| NotRead::Early)?.into_data().unwrap_or_default();
        body.extend_from_slice(&piece);
        if n_max < body.len() {
            return Err(NotRead::TooLarge);
        }
        held.grow_to(body.len()).await;
    }
    Ok(())
}

/// A response without a message, for people who read logs.
fn said(status: StatusCode, says: &'static str) -> Out {
    let mut out = Response::new(Full::new(Bytes::from_static(says.as_bytes())));
    *out.status_mut() = status;
    out.headers_mut().insert(header::CONTENT_TYPE, HeaderValue::from_static("text/plain"));
    out
}

/// The same, and the connection ends: what else is on it is not read.
fn last(mut out: Out) -> Out {
    out.headers_mut().insert(header::CONNECTION, HeaderValue::from_static("close"));
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn answers_have_the_status_of_their_code() {
        let of = |text: &str| status_of(text.as_bytes()).as_u16();
        assert_eq!(of("MSH|^~\\&|\rMSA|AA|1\r"), 200);
        assert_eq!(of("MSH|^~\\&|\rMSA|CE|1\r"), 500);
        assert_eq!(of("MSH|^~\\&|\rMSA|AR|1\rERR|||200^x\r"), 400);
        assert_eq!(of("MSH|^~\\&|\rMSA|AR|1\rERR|||207^x\r"), 503);
        assert_eq!(of("BHS|^~\\&\rMSH|\rMSA|AA|1\rMSH|\rMSA|AE|2\rBTS|2\r"), 500);
    }

    #[test]
    fn media_types_of_messages_are_known_with_their_character_set() {
        assert_eq!(media(None), Some(None));
        assert_eq!(media(Some("text/plain")), Some(None));
        let utf8 = Some(Some(Charset::Utf8));
        assert_eq!(media(Some("application/hl7-v2; charset=UTF-8")), utf8);
        assert_eq!(media(Some("X-Application/HL7-v2+ER7;charset=\"utf-8\"")), utf8);
        let latin = Some(Some(Charset::Iso8859Part1));
        assert_eq!(media(Some("text/plain; charset=iso-8859-1")), latin);
        assert_eq!(media(Some("text/plain; charset=klingon")), Some(None));
        assert_eq!(media(Some("application/json")), None);
        assert_eq!(media(Some("application/hl7-v2+xml")), None);
    }
}
