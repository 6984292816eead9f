//! A client with one connection and one request at a time.

use std::{sync::Arc, time::Duration};

use http_body_util::{BodyExt, Full, LengthLimitError, Limited};
use hyper::{
    Request, Response, StatusCode,
    body::{Bytes, Incoming},
    client::conn::http1::{self, SendRequest},
    header,
    header::HeaderValue,
};
use hyper_util::rt::TokioIo;
use rustls_pki_types::ServerName;
use tokio::{net::TcpStream, time::timeout};
use tokio_rustls::TlsConnector;

use super::Endpoint;

/// Where requests go, and how long they may take.
#[derive(Clone)]
pub struct ClientSettings {
    pub endpoint: Endpoint,
    /// The name in the server's certificate, and how to check it.
    pub tls: Option<(Arc<rustls::ClientConfig>, ServerName<'static>)>,
    pub connect_s: u64,
    /// Seconds from the first byte of a request to the last one of its response.
    pub answer_s: u64,
    /// Most bytes of a response.
    pub answer_bytes: usize,
}

/// A request has no response.
#[derive(Debug, thiserror::Error)]
pub enum HttpError {
    #[error("no connection")]
    Connect(#[source] std::io::Error),
    #[error("no connection within {0} s")]
    ConnectTimeout(u64),
    #[error("the connection broke")]
    Broken(#[source] hyper::Error),
    #[error("no response within {0} s")]
    AnswerTimeout(u64),
    #[error("the response is too large")]
    TooLarge,
}

/// A response, whole.
#[derive(Debug)]
pub struct Reply {
    pub status: StatusCode,
    pub body: Bytes,
}

/// A POST of JSON to the path of an endpoint.
///
/// - Errors: the path or the token has characters that a request cannot hold.
pub fn json_request(
    endpoint: &Endpoint,
    body: Vec<u8>,
    token: Option<&str>,
) -> Result<Request<Full<Bytes>>, hyper::http::Error> {
    let mut request = Request::post(endpoint.path.as_str())
        .header(header::CONTENT_TYPE, "application/json")
        .header(header::ACCEPT, "application/json");
    if let Some(token) = token {
        let mut value = HeaderValue::from_str(&format!("Bearer {token}"))?;
        value.set_sensitive(true);
        request = request.header(header::AUTHORIZATION, value);
    }
    request.body(Full::new(Bytes::from(body)))
}

type Sending = SendRequest<Full<Bytes>>;

/// A connection to one server, opened when needed.
pub struct Client {
    settings: ClientSettings,
    open: Option<Sending>,
}

impl Client {
    pub fn new(settings: ClientSettings) -> Client {
        Client { settings, open: None }
    }

    pub(crate) fn endpoint(&self) -> &Endpoint {
        &self.settings.endpoint
    }

    /// Sends a request and reads its response whole.
    ///
    /// - Errors: the connection is closed, whatever the error.
    /// - Repeat: only a connection that was already closed when the request was to be written is
    ///   tried again; what may have arrived is the caller's to repeat.
    pub async fn send(&mut self, request: Request<Full<Bytes>>) -> Result<Reply, HttpError> {
        let mut request = request;
        let host = HeaderValue::from_str(&self.settings.endpoint.authority());
        if let Ok(host) = host {
            request.headers_mut().insert(header::HOST, host);
        }
        let mut open = match self.open.take().filter(|open| !open.is_closed()) {
            Some(open) => open,
            None => self.connect().await?,
        };
        let limit = Duration::from_secs(self.settings.answer_s);
        let exchange = async {
            let response = match open.try_send_request(request).await {
                Ok(response) => response,
                Err(mut error) => match error.take_message() {
                    // The server had closed it; not a byte was sent.
                    Some(request) => {
                        open = self.connect().await?;
                        open.send_request(request).await.map_err(HttpError::Broken)?
                    }
                    None => return Err(HttpError::Broken(error.into_error())),
                },
            };
            whole(response, self.settings.answer_bytes).await
        };
        let reply = timeout(limit, exchange).await;
        let reply = reply.map_err(|_| HttpError::AnswerTimeout(self.settings.answer_s))??;
        self.open = Some(open);
        Ok(reply)
    }

    /// Closes the connection; the next request opens one.
    pub(crate) fn close(&mut self) {
        self.open = None;
    }

    async fn connect(&self) -> Result<Sending, HttpError> {
        let ClientSettings { endpoint, tls, connect_s, .. } = &self.settings;
        let connecting = async {
            let tcp = TcpStream::connect((endpoint.host.as_str(), endpoint.port)).await;
            let tcp = tcp.map_err(HttpError::Connect)?;
            tcp.set_nodelay(true).map_err(HttpError::Connect)?;
            match tls {
                None => shake(TokioIo::new(tcp)).await,
                Some((config, name)) => {
                    let connector = TlsConnector::from(Arc::clone(config));
                    let stream = connector.connect(name.clone(), tcp).await;
                    shake(TokioIo::new(stream.map_err(HttpError::Connect)?)).await
                }
            }
        };
        let limit = Duration::from_secs(*connect_s);
        timeout(limit, connecting).await.map_err(|_| HttpError::ConnectTimeout(*connect_s))?
    }
}

/// Speaks HTTP/1.1; the connection ends with its sender.
async fn shake<S>(stream: TokioIo<S>) -> Result<Sending, HttpError>
where
    TokioIo<S>: hyper::rt::Read + hyper::rt::Write + Unpin + Send + 'static,
{
    let (sending, connection) = http1::handshake(stream).await.map_err(HttpError::Broken)?;
    tokio::spawn(async move {
        // What went wrong is told to whoever waits for the response.
        let _ended = connection.await;
    });
    Ok(sending)
}

async fn whole(response: Response<Incoming>, n_max: usize) -> Result<Reply, HttpError> {
    let (head, body) = response.into_parts();
    match Limited::new(body, n_max).collect().await {
        Ok(body) => Ok(Reply { status: head.status, body: body.to_bytes() }),
        Err(error) => match error.downcast::<hyper::Error>() {
            Ok(error) => Err(HttpError::Broken(*error)),
            Err(error) if error.is::<LengthLimitError>() => Err(HttpError::TooLarge),
            Err(_) => Err(HttpError::TooLarge),
        },
    }
}
