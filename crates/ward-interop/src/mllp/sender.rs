//! Sending: one message in flight, and an answer that is certainly its own.

use std::{sync::Arc, time::Duration};

use rustls_pki_types::ServerName;
use tokio::{
    io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt},
    net::TcpStream,
    time::timeout,
};
use tokio_rustls::TlsConnector;
use ward_hl7::{
    Message, ReadSettings,
    ack::Answer,
    mllp::{AfterEnd, Commit, Deframer, Event, frame},
};

/// Where and how to send.
#[derive(Clone)]
pub struct SendSettings {
    /// `host:port`.
    pub address: String,
    /// The name in the receiver's certificate, and how to check it.
    pub tls: Option<(Arc<rustls::ClientConfig>, ServerName<'static>)>,
    pub connect_s: u64,
    /// Seconds to wait for an answer.
    pub answer_s: u64,
}

/// Why a message is not known to have arrived. It is sent again, under the same MSH-10.
#[derive(Debug, thiserror::Error)]
pub enum SendError {
    #[error("no connection")]
    Connect(#[source] std::io::Error),
    #[error("the connection broke")]
    Broken(#[source] std::io::Error),
    #[error("the receiver closed the connection")]
    Closed,
    #[error("no connection within {0} s")]
    ConnectTimeout(u64),
    #[error("no answer within {0} s")]
    AnswerTimeout(u64),
    #[error("the message has bytes that MLLP cannot carry")]
    Unframeable,
}

/// The answer to a message.
#[derive(Clone, PartialEq, Eq)]
pub struct Sent {
    pub answer: Answer,
    /// As it came.
    pub raw: Vec<u8>,
}

/// A connection to one receiver, opened when needed.
pub struct Sender {
    settings: SendSettings,
    open: Option<Open>,
}

struct Open {
    stream: Box<dyn Stream>,
    deframer: Deframer,
}

trait Stream: AsyncRead + AsyncWrite + Unpin + Send + Sync {}
impl<S: AsyncRead + AsyncWrite + Unpin + Send + Sync> Stream for S {}

/// Most bytes of an answer.
/// LIMIT: a response to a query carries many patients.
const ANSWER_BYTES_MAX: usize = 16 * 1024 * 1024;

impl Sender {
    pub fn new(settings: SendSettings) -> Sender {
        Sender { settings, open: None }
    }

    /// Sends a message and waits for the answer to it.
    ///
    /// - Shape: `control_id` is MSH-10 as it is written. Answers to anything else are passed over.
    /// - Errors: whatever the error, the connection is closed: an answer that comes late can then
    ///   never be taken for that of the next message.
    /// - Repeat: safe with the same bytes; a receiver knows MSH-10.
    pub async fn send(&mut self, control_id: &str, message: &[u8]) -> Result<Sent, SendError> {
        let framed = frame(message).ok_or(SendError::Unframeable)?;
        let mut open = match self.open.take() {
            Some(open) => open,
            None => self.connect().await?,
        };
        let limit = Duration::from_secs(self.settings.answer_s);
        let exchange = open.exchange(control_id, &framed);
        match timeout(limit, exchange).await {
            Ok(Ok(sent)) => {
                self.open = Some(open);
                Ok(sent)
            }
            Ok(Err(error)) => Err(error),
            Err(_) => Err(SendError::AnswerTimeout(self.settings.answer_s)),
        }
    }

    /// Closes the connection; the next message opens one.
    pub fn close(&mut self) {
        self.open = None;
    }

    async fn connect(&self) -> Result<Open, SendError> {
        let limit = Duration::from_secs(self.settings.connect_s);
        let connecting = async {
            let tcp = TcpStream::connect(&self.settings.address).await?;
            tcp.set_nodelay(true)?;
            let stream: Box<dyn Stream> = match &self.settings.tls {
                None => Box::new(tcp),
                Some((config, name)) => {
                    let connector = TlsConnector::from(Arc::clone(config));
                    Box::new(connector.connect(name.clone(), tcp).await?)
                }
            };
            Ok(stream)
        };
        let stream = timeout(limit, connecting)
            .await
            .map_err(|_| SendError::ConnectTimeout(self.settings.connect_s))?
            .map_err(SendError::Connect)?;
        Ok(Open { stream, deframer: Deframer::new(ANSWER_BYTES_MAX, AfterEnd::MayReturn) })
    }
}

impl Open {
    async fn exchange(&mut self, control_id: &str, framed: &[u8]) -> Result<Sent, SendError> {
        self.stream.write_all(framed).await.map_err(SendError::Broken)?;
        self.stream.flush().await.map_err(SendError::Broken)?;
        let mut buffer = [0; 4096];
        loop {
            while let Some(event) = self.deframer.next() {
                match event {
                    Event::Block(block) if Commit::of(&block).is_some() => {}
                    Event::Block(block) => {
                        if let Some(answer) = answer_to(control_id, &block) {
                            return Ok(Sent { answer, raw: block });
                        }
                        tracing::warn!("an answer to another message was passed over");
                    }
                    Event::Dropped(dropped) => {
                        tracing::warn!(why = dropped.why.as_str(), "an answer was not framed");
                    }
                }
            }
            let n = self.stream.read(&mut buffer).await.map_err(SendError::Broken)?;
            if n == 0 {
                return Err(SendError::Closed);
            }
            self.deframer.push(buffer.get(..n).unwrap_or_default());
        }
    }
}

fn answer_to(control_id: &str, block: &[u8]) -> Option<Answer> {
    let (message, _) = Message::read(block, &ReadSettings::default());
    let answer = Answer::of(&message?)?;
    answer.is_to(control_id).then_some(answer)
}

#[cfg(test)]
#[path = "sender_tests.rs"]
mod tests;
