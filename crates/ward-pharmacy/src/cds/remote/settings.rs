//! One service, as its file describes it.

use std::{
    collections::BTreeMap,
    path::{Path, PathBuf},
};

use serde::Deserialize;

use crate::cds::services::Hook;

/// Longest that one service may take, in milliseconds.
/// LIMIT: past ten seconds nobody waits for a check; the order goes on unchecked.
pub const TIME_LIMIT_MS_MAX: u64 = 10_000;

/// What a file says of a service; its name is the file's.
#[derive(Clone, PartialEq, Eq, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RemoteSettings {
    /// Of the service itself: `https://kb.example.org/cds-services/drugs`.
    pub url: String,
    /// Hooks it is asked for.
    pub hooks: Vec<String>,
    /// Milliseconds from asking to the last byte of its answer.
    #[serde(default = "two_seconds")]
    pub time_limit_ms: u64,
    /// PEM file with the authority of its certificate; needed for `https`.
    pub tls_ca: Option<PathBuf>,
    /// PEM file with our own certificate, and its key.
    pub tls_cert: Option<PathBuf>,
    pub tls_key: Option<PathBuf>,
    /// File with a bearer token for it. A path, never the token itself.
    pub token_file: Option<PathBuf>,
    /// PEM file with the P-384 key that each request is signed with, in the place of a token.
    pub jwt_key: Option<PathBuf>,
    /// Who we are to it, as agreed on; needed with `jwt_key`.
    pub jwt_issuer: Option<String>,
    /// The number of the key, as it is told to them; needed with `jwt_key`.
    pub jwt_kid: Option<String>,
    /// Where they find our public key, if they fetch it.
    pub jwt_jku: Option<String>,
    /// Plain HTTP to an address that is not this machine.
    #[serde(default)]
    pub allow_plaintext: bool,
    /// What it wants prefetched, by its own keys, as its discovery says; ours when it is empty.
    #[serde(default)]
    pub prefetch: BTreeMap<String, String>,
}

fn two_seconds() -> u64 {
    2_000
}

#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
pub enum RemoteError {
    #[error("not a description of a service: {0}")]
    Toml(String),
    #[error(
        "`hooks` holds {0}, which is none of order-select, order-sign, patient-view, encounter-start"
    )]
    Hook(String),
    #[error("`hooks` is empty: it would never be asked")]
    NoHook,
    #[error("`time_limit_ms` is 1 to {TIME_LIMIT_MS_MAX}")]
    TimeLimit,
    #[error("`url` begins with https:// or http://")]
    Url,
    #[error("`tls_ca` says whose certificate is believed; an https service needs it")]
    Authority,
    #[error("`tls_cert` and `tls_key` are only used together")]
    OwnCertificate,
    #[error("`jwt_key` is used with `jwt_issuer` and `jwt_kid`, and not beside `token_file`")]
    Jwt,
    #[error("patient data would go over a network without TLS; use https, or `allow_plaintext`")]
    Plaintext,
    #[error("`prefetch.{0}` is a query such as `Patient/{{{{context.patientId}}}}`")]
    Prefetch(String),
}

impl RemoteSettings {
    /// Reads and looks at one description; relative paths start at its folder.
    pub fn read(text: &str, folder: &Path) -> Result<RemoteSettings, RemoteError> {
        let mut it: RemoteSettings =
            toml::from_str(text).map_err(|e| RemoteError::Toml(e.message().to_owned()))?;
        if it.hooks.is_empty() {
            return Err(RemoteError::NoHook);
        }
        if let Some(hook) = it.hooks.iter().find(|it| Hook::named(it).is_none()) {
            return Err(RemoteError::Hook(hook.clone()));
        }
        if !(1..=TIME_LIMIT_MS_MAX).contains(&it.time_limit_ms) {
            return Err(RemoteError::TimeLimit);
        }
        if it.tls_cert.is_some() != it.tls_key.is_some() {
            return Err(RemoteError::OwnCertificate);
        }
        let said = [it.jwt_issuer.is_some(), it.jwt_kid.is_some()];
        let is_signed = it.jwt_key.is_some();
        let is_whole = said.into_iter().all(|it| it == is_signed);
        if !is_whole || is_signed && it.token_file.is_some() {
            return Err(RemoteError::Jwt);
        }
        match it.url.split_once("://") {
            Some(("https", _)) if it.tls_ca.is_none() => return Err(RemoteError::Authority),
            Some(("https", _)) => {}
            Some(("http", rest)) => {
                let host = rest.split(['/', '?']).next().unwrap_or_default();
                if !is_loopback(host) && !it.allow_plaintext {
                    return Err(RemoteError::Plaintext);
                }
            }
            _ => return Err(RemoteError::Url),
        }
        for (key, query) in &it.prefetch {
            let kind = query.split(['/', '?']).next().unwrap_or_default();
            let is_type = kind.chars().next().is_some_and(char::is_uppercase);
            if !is_type || !query.contains("{{context.patientId}}") {
                return Err(RemoteError::Prefetch(key.clone()));
            }
        }
        let paths = [
            &mut it.tls_ca,
            &mut it.tls_cert,
            &mut it.tls_key,
            &mut it.token_file,
            &mut it.jwt_key,
        ];
        for path in paths {
            if let Some(path) = path.as_mut().filter(|path| path.is_relative()) {
                *path = folder.join(&*path);
            }
        }
        Ok(it)
    }

    pub fn is_for(&self, hook: Hook) -> bool {
        self.hooks.iter().any(|it| it == hook.name())
    }
}

/// Host and port of this machine.
fn is_loopback(host: &str) -> bool {
    if let Ok(address) = host.parse::<std::net::SocketAddr>() {
        return address.ip().is_loopback();
    }
    let name = match host.rsplit_once(':') {
        Some((name, port)) if port.bytes().all(|b| b.is_ascii_digit()) => name,
        _ => host,
    };
    let bare = name.trim_matches(['[', ']']);
    bare == "localhost" || bare.parse::<std::net::IpAddr>().is_ok_and(|it| it.is_loopback())
}
