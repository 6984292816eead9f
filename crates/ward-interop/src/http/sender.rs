//! Sending over HTTP: one message in flight, and an answer that is certainly its own.

use http_body_util::Full;
use hyper::{Request, StatusCode, body::Bytes, header, header::HeaderValue};
use ward_hl7::{Message, ReadSettings, ack::Answer};

use super::{Client, ClientSettings, HttpError, Reply, media_of};

/// What a server makes of a message.
#[derive(Clone, PartialEq, Eq)]
pub enum HttpSent {
    /// It answered this message; the bytes are as they came.
    Answered(Answer, Vec<u8>),
    /// It says by its status that the message is wrong, and gives no acknowledgment.
    Wrong(u16),
}

/// Why a message is not known to have arrived. It is sent again, under the same MSH-10.
#[derive(Debug, thiserror::Error)]
pub enum NotSent {
    #[error(transparent)]
    Http(#[from] HttpError),
    #[error("the response is an acknowledgment of another message")]
    OtherAnswer,
    #[error("status {0}, and no acknowledgment")]
    Status(u16),
    #[error("the address or the token cannot be written into a request")]
    Request,
}

/// Most bytes of an answer.
/// LIMIT: a response to a query carries many patients.
pub const ANSWER_BYTES_MAX: usize = 16 * 1024 * 1024;

/// The way to one server.
pub struct HttpSender {
    client: Client,
    /// `Bearer` with its token.
    authorization: Option<HeaderValue>,
}

impl HttpSender {
    /// - Errors: the token has characters that a header cannot hold.
    pub fn new(settings: ClientSettings, token: Option<&str>) -> Result<HttpSender, NotSent> {
        let authorization = match token {
            None => None,
            Some(token) => {
                let value = HeaderValue::from_str(&format!("Bearer {}", token.trim()));
                let mut value = value.map_err(|_| NotSent::Request)?;
                value.set_sensitive(true);
                Some(value)
            }
        };
        Ok(HttpSender { client: Client::new(settings), authorization })
    }

    /// Sends a message and reads the answer to it.
    ///
    /// - Shape: `control_id` is MSH-10 as it is written. An acknowledgment in the body decides,
    ///   whatever the status; without one, the statuses that speak of the content do.
    /// - Repeat: safe with the same bytes; a receiver knows MSH-10.
    pub async fn send(&mut self, control_id: &str, message: &[u8]) -> Result<HttpSent, NotSent> {
        let mut request = Request::post(self.client.endpoint().path.as_str())
            .header(header::CONTENT_TYPE, media_of(message))
            .body(Full::new(Bytes::copy_from_slice(message)))
            .map_err(|_| NotSent::Request)?;
        if let Some(value) = &self.authorization {
            request.headers_mut().insert(header::AUTHORIZATION, value.clone());
        }
        let reply = self.client.send(request).await?;
        let sent = judged(control_id, &reply);
        if sent.is_err() {
            self.client.close();
        }
        sent
    }
}

fn judged(control_id: &str, reply: &Reply) -> Result<HttpSent, NotSent> {
    let (message, _) = Message::read(&reply.body, &ReadSettings::default());
    if let Some(answer) = message.as_ref().and_then(Answer::of) {
        return match answer.is_to(control_id) {
            true => Ok(HttpSent::Answered(answer, reply.body.to_vec())),
            false => Err(NotSent::OtherAnswer),
        };
    }
    let status = reply.status.as_u16();
    match reply.status {
        StatusCode::BAD_REQUEST
        | StatusCode::PAYLOAD_TOO_LARGE
        | StatusCode::UNSUPPORTED_MEDIA_TYPE
        | StatusCode::UNPROCESSABLE_ENTITY => Ok(HttpSent::Wrong(status)),
        // What is wrong with the address, the token or the server is not wrong with the message.
        _ => Err(NotSent::Status(status)),
    }
}

#[cfg(test)]
#[path = "sender_tests.rs"]
mod tests;
