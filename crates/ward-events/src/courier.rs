//! Carries requests to one machine: an HTTP client that looks where it connects to.

use std::{path::Path, sync::Arc, time::Duration};

use http_body_util::Full;
use hyper::{
    Request, Uri,
    body::Bytes,
    client::conn::http1::{self, SendRequest},
    header::{self, HeaderName, HeaderValue},
};
use hyper_util::rt::TokioIo;
use tokio::{
    net::{TcpStream, lookup_host},
    time::timeout,
};
use tokio_rustls::TlsConnector;
use ward_crypto::tls;

use crate::Addresses;

/// Seconds to find a machine and connect to it.
/// LIMIT: a machine that is there answers within one.
const CONNECT_S: u64 = 10;

/// What has not arrived, and why. Nothing of what was sent is in it.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
pub enum SendError {
    #[error("the address cannot be used")]
    Address,
    #[error("the address is not allowed here")]
    NotAllowed,
    #[error("no such machine")]
    Name,
    #[error("no connection")]
    Connect,
    #[error("the certificate is not trusted, or TLS failed")]
    Tls,
    #[error("the connection broke")]
    Broken,
    #[error("no answer in time")]
    Timeout,
    #[error("answered {0}")]
    Status(u16),
}

/// What every courier of a house goes by.
#[derive(Clone)]
pub struct Roads {
    pub addresses: Addresses,
    pub tls: Option<Arc<rustls::ClientConfig>>,
}

/// Where Linux distributions keep the authorities that the machine trusts.
const AUTHORITIES: [&str; 4] = [
    "/etc/ssl/certs/ca-certificates.crt",
    "/etc/pki/tls/certs/ca-bundle.crt",
    "/etc/ssl/ca-bundle.pem",
    "/etc/ssl/cert.pem",
];

impl Roads {
    /// - Shape: receivers' certificates must come from an authority in `ca`, or else from one that
    ///   the machine trusts; from nobody where it trusts nobody.
    pub fn new(addresses: Addresses, ca: Option<&Path>) -> Result<Roads, tls::TlsError> {
        let tls = match ca {
            Some(ca) => Some(tls::client_config_trusting(ca)?),
            None => {
                let found = AUTHORITIES.iter().map(Path::new).find(|path| path.is_file());
                found.and_then(|path| tls::client_config_trusting(path).ok())
            }
        };
        Ok(Roads { addresses, tls: tls.map(Arc::new) })
    }
}

/// A request on its way.
pub struct Parcel {
    pub method: hyper::Method,
    pub url: String,
    pub headers: Vec<(String, String)>,
    pub body: Vec<u8>,
    pub timeout_s: u32,
}

/// One connection, kept open between requests.
pub struct Courier {
    roads: Roads,
    open: Option<(String, SendRequest<Full<Bytes>>)>,
}

impl Courier {
    pub fn new(roads: Roads) -> Courier {
        Courier { roads, open: None }
    }

    /// Sends a request; done when the answer is 2xx. Redirects are not followed, and the body of
    /// the answer is not read.
    pub async fn send(&mut self, parcel: Parcel) -> Result<(), SendError> {
        let limit = Duration::from_secs(u64::from(parcel.timeout_s) + CONNECT_S);
        match timeout(limit, self.try_send(parcel)).await {
            Ok(sent) => sent,
            Err(_) => {
                self.open = None;
                Err(SendError::Timeout)
            }
        }
    }

    async fn try_send(&mut self, parcel: Parcel) -> Result<(), SendError> {
        let uri: Uri = parcel.url.parse().map_err(|_| SendError::Address)?;
        let authority = uri.authority().ok_or(SendError::Address)?.to_string();
        let mut request = Request::new(Full::new(Bytes::from(parcel.body)));
        *request.method_mut() = parcel.method;
        let path = uri.path_and_query().map_or("/", |it| it.as_str());
        *request.uri_mut() = path.parse().map_err(|_| SendError::Address)?;
        let headers = request.headers_mut();
        for (name, value) in &parcel.headers {
            let name: HeaderName = name.parse().map_err(|_| SendError::Address)?;
            headers.append(name, HeaderValue::from_str(value).map_err(|_| SendError::Address)?);
        }
        let host = HeaderValue::from_str(&authority).map_err(|_| SendError::Address)?;
        headers.insert(header::HOST, host);
        headers.insert(header::USER_AGENT, HeaderValue::from_static("Ward"));
        let kept = self.open.take().filter(|(of, it)| *of == authority && !it.is_closed());
        let mut sender = match kept {
            Some((_, sender)) => sender,
            None => self.connect(&uri).await?,
        };
        let wait = Duration::from_secs(u64::from(parcel.timeout_s));
        let answer = match timeout(wait, sender.try_send_request(request)).await {
            Err(_) => return Err(SendError::Timeout),
            Ok(Ok(answer)) => answer,
            Ok(Err(mut error)) => match error.take_message() {
                // The machine had closed the connection; not a byte was sent.
                Some(request) => {
                    sender = self.connect(&uri).await?;
                    let sending = timeout(wait, sender.send_request(request)).await;
                    sending.map_err(|_| SendError::Timeout)?.map_err(|_| SendError::Broken)?
                }
                None => return Err(SendError::Broken),
            },
        };
        let status = answer.status();
        // An answer with a body that nobody reads would hold the connection.
        if answer.headers().get(header::CONTENT_LENGTH).is_some_and(|it| it == "0") {
            self.open = Some((authority, sender));
        }
        if status.is_success() { Ok(()) } else { Err(SendError::Status(status.as_u16())) }
    }

    async fn connect(&self, uri: &Uri) -> Result<SendRequest<Full<Bytes>>, SendError> {
        let is_tls = uri.scheme_str() == Some("https");
        let host = uri.host().ok_or(SendError::Address)?.trim_matches(['[', ']']);
        let port = uri.port_u16().unwrap_or(if is_tls { 443 } else { 80 });
        let connecting = async {
            let found = lookup_host((host, port)).await.map_err(|_| SendError::Name)?;
            let chosen = self.roads.addresses.choose(host, found).ok_or(SendError::NotAllowed)?;
            let tcp = TcpStream::connect(chosen).await.map_err(|_| SendError::Connect)?;
            let _nodelay = tcp.set_nodelay(true);
            if !is_tls {
                return shake(TokioIo::new(tcp)).await;
            }
            let config = self.roads.tls.clone().ok_or(SendError::Tls)?;
            let name = tls::server_name(host).map_err(|_| SendError::Address)?;
            let stream = TlsConnector::from(config).connect(name, tcp).await;
            shake(TokioIo::new(stream.map_err(|_| SendError::Tls)?)).await
        };
        let limit = Duration::from_secs(CONNECT_S);
        timeout(limit, connecting).await.map_err(|_| SendError::Connect)?
    }
}

/// Speaks HTTP/1.1; the connection ends with its sender.
async fn shake<S>(stream: TokioIo<S>) -> Result<SendRequest<Full<Bytes>>, SendError>
where
    TokioIo<S>: hyper::rt::Read + hyper::rt::Write + Unpin + Send + 'static,
{
    let (sender, connection) = http1::handshake(stream).await.map_err(|_| SendError::Broken)?;
    tokio::spawn(async move {
        // What went wrong is told to whoever waits for the answer.
        let _ended = connection.await;
    });
    Ok(sender)
}
