//! A plain keep-alive HTTP client: what a figure costs on the client's side is kept small.

use std::net::SocketAddr;

use http_body_util::{BodyExt, Full};
use hyper::{
    Method, Request,
    body::Bytes,
    client::conn::http1::{SendRequest, handshake},
    header::{AUTHORIZATION, CONTENT_TYPE, HOST},
};
use hyper_util::rt::TokioIo;
use tokio::net::TcpStream;

use super::BenchError;

/// One connection with its token.
pub(super) struct Client {
    sender: SendRequest<Full<Bytes>>,
    authorization: String,
    /// The purpose of use, where it is not the one of the role.
    purpose: Option<&'static str>,
    host: String,
}

/// A whole answer.
pub(super) struct Answer {
    pub(super) status: u16,
    pub(super) body: Bytes,
}

impl Client {
    pub(super) async fn connect(address: SocketAddr, token: &str) -> Result<Client, BenchError> {
        let stream = TcpStream::connect(address).await.map_err(BenchError::Io)?;
        stream.set_nodelay(true).map_err(BenchError::Io)?;
        let (sender, connection) = handshake(TokioIo::new(stream)).await?;
        tokio::spawn(async move {
            // The sender sees the same error at its next request.
            let _ended = connection.await;
        });
        let (authorization, host) = (format!("Bearer {token}"), address.to_string());
        Ok(Client { sender, authorization, purpose: None, host })
    }

    /// Asks in an emergency, in which no care relationship is asked for.
    #[must_use]
    pub(super) fn for_everybody(self) -> Client {
        Client { purpose: Some("ETREAT"), ..self }
    }

    pub(super) async fn get(&mut self, path: &str) -> Result<Answer, BenchError> {
        self.send(Method::GET, path, Bytes::new()).await
    }

    pub(super) async fn send(
        &mut self,
        method: Method,
        path: &str,
        body: Bytes,
    ) -> Result<Answer, BenchError> {
        let mut request = Request::builder()
            .method(method)
            .uri(path)
            .header(HOST, &self.host)
            .header(AUTHORIZATION, &self.authorization)
            .header(CONTENT_TYPE, "application/fhir+json");
        if let Some(purpose) = self.purpose {
            request = request.header("ward-purpose", purpose);
        }
        let request = request.body(Full::new(body))?;
        self.sender.ready().await?;
        let response = self.sender.send_request(request).await?;
        let status = response.status().as_u16();
        let body = response.into_body().collect().await?.to_bytes();
        Ok(Answer { status, body })
    }
}
