//! The running server, asked through the socket file that only the owner of the data can open.

use std::{
    path::{Path, PathBuf},
    sync::{Mutex, PoisonError},
};

use http_body_util::{BodyExt, Full};
use hyper::{Method, Request, body::Bytes, client::conn::http1::SendRequest, header};
use hyper_util::rt::TokioIo;
use serde_json::Value;
use tokio::net::UnixStream;

use crate::Failure;

/// Connections to the server that keeps the chart open.
pub struct Operator {
    socket: PathBuf,
    idle: Mutex<Vec<SendRequest<Full<Bytes>>>>,
}

/// What the server said.
pub struct Said {
    pub status: u16,
    pub body: Bytes,
}

impl Operator {
    pub fn new(socket: &Path) -> Operator {
        Operator { socket: socket.to_owned(), idle: Mutex::default() }
    }

    /// Sends one request that may safely arrive twice.
    pub async fn send_again(
        &self,
        method: &Method,
        path: &str,
        body: &Bytes,
    ) -> Result<Said, Failure> {
        let kept = self.idle.lock().unwrap_or_else(PoisonError::into_inner).pop();
        if let Some(sender) = kept
            && let Ok(said) = self.ask(sender, method, path, body).await
        {
            return Ok(said);
        }
        // The server closes connections that rest; a new one tells whether it lives.
        self.send(method, path, body).await
    }

    /// Sends one request on a connection of its own.
    pub async fn send(&self, method: &Method, path: &str, body: &Bytes) -> Result<Said, Failure> {
        let failed = |e| Failure::Io("talking to the running server", e);
        let stream = UnixStream::connect(&self.socket).await.map_err(failed)?;
        let (sender, connection) =
            hyper::client::conn::http1::handshake(TokioIo::new(stream)).await?;
        tokio::spawn(async move {
            // The sender sees the same error.
            let _ended = connection.await;
        });
        self.ask(sender, method, path, body).await
    }

    /// Sends JSON and reads JSON; anything but success is a failure with the server's own words.
    pub async fn json(&self, method: Method, path: &str, body: &Value) -> Result<Value, Failure> {
        let body = match body {
            Value::Null => Bytes::new(),
            body => Bytes::from(serde_json::to_vec(body)?),
        };
        let said = self.send(&method, path, &body).await?;
        if (200..300).contains(&said.status) {
            return Ok(serde_json::from_slice(&said.body)?);
        }
        Err(Failure::Refused(why_of(&said.body)))
    }

    async fn ask(
        &self,
        mut sender: SendRequest<Full<Bytes>>,
        method: &Method,
        path: &str,
        body: &Bytes,
    ) -> Result<Said, Failure> {
        sender.ready().await?;
        let request = Request::builder()
            .method(method.clone())
            .uri(path)
            .header(header::HOST, "ward")
            .header(header::CONTENT_TYPE, "application/fhir+json")
            .body(Full::new(body.clone()))?;
        let response = sender.send_request(request).await?;
        let status = response.status().as_u16();
        let body = response.into_body().collect().await?.to_bytes();
        self.idle.lock().unwrap_or_else(PoisonError::into_inner).push(sender);
        Ok(Said { status, body })
    }
}

/// The server answered something else than this version of Ward would.
pub fn unexpected() -> Failure {
    Failure::Refused("the server's answer is not understood; is it of the same version?".to_owned())
}

/// What an OperationOutcome says, on one line.
pub fn why_of(answer: &[u8]) -> String {
    let Ok(outcome) = serde_json::from_slice::<Value>(answer) else {
        return "no reason was given".to_owned();
    };
    let text = |value: Option<&Value>| value.and_then(Value::as_str).unwrap_or_default().to_owned();
    let issues = outcome.get("issue").and_then(Value::as_array);
    let errors = issues
        .into_iter()
        .flatten()
        .filter(|issue| issue.get("severity").is_none_or(|severity| severity != "warning"));
    let lines = errors.map(|issue| {
        let place = text(issue.get("expression").and_then(|it| it.get(0)));
        format!("{place} {}", text(issue.get("diagnostics"))).trim().to_owned()
    });
    lines.take(3).collect::<Vec<_>>().join("; ")
}
