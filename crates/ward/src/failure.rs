//! Why a command failed, for the person at the terminal.

use std::io;

use crate::commands::bench::BenchError;

#[derive(Debug, thiserror::Error)]
pub enum Failure {
    #[error("{0}")]
    Io(&'static str, #[source] io::Error),
    #[error("configuration")]
    Config(#[from] crate::config::ConfigError),
    #[error("opening the chart")]
    Open(#[from] ward_store::OpenError),
    #[error("the root key")]
    Root(#[from] ward_crypto::RootKeyError),
    #[error("writing to the chart")]
    Commit(#[from] ward_store::CommitError),
    #[error("reading the chart")]
    Read(#[from] ward_store::ReadError),
    #[error("verifying the audit log")]
    Verify(#[from] ward_store::VerifyError),
    #[error("accounts and tokens")]
    Auth(#[from] ward_web::AuthError),
    #[error("the server")]
    Serve(#[from] ward_web::ServeError),
    #[error("a listener of messages")]
    Listen(#[from] ward_interop::listen::ListenError),
    #[error("TLS")]
    Tls(#[from] ward_crypto::tls::TlsError),
    #[error("who pays")]
    Billing(#[from] ward_billing::settings::SettingsError),
    #[error("measuring")]
    Bench(#[from] BenchError),
    #[error("an interaction was refused")]
    Records(#[from] ward_records::RecordsError),
    #[error("{0}")]
    Usage(String),
    #[error("refused: {0}")]
    Refused(String),
    #[error("HTTP to the running server")]
    Http(#[from] hyper::Error),
    #[error("a request could not be made")]
    Request(#[from] hyper::http::Error),
    #[error("output as JSON")]
    Json(#[from] serde_json::Error),
}

impl Failure {
    /// The whole chain on one line.
    pub fn chain(&self) -> String {
        let mut line = self.to_string();
        let mut next = std::error::Error::source(self);
        while let Some(source) = next {
            line.push_str(": ");
            line.push_str(&source.to_string());
            next = source.source();
        }
        line
    }
}
