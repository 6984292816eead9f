//! Where the messages of a channel go.

use std::path::{Path, PathBuf};

use serde::Deserialize;

use super::ChannelError;
use crate::http::Endpoint;

/// A destination; exactly one of `mllp`, `http`, `s3` and `folder`.
#[derive(Clone, PartialEq, Eq, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct To {
    pub name: String,
    /// `host:port`.
    pub mllp: Option<String>,
    /// `http://host:port/path` or `https://host:port/path`.
    pub http: Option<String>,
    pub s3: Option<S3To>,
    pub folder: Option<PathBuf>,
    /// Gets the application acknowledgments of what comes, and nothing else.
    #[serde(default)]
    pub acks: bool,
    /// How the receiver is checked, and what it is shown.
    pub tls: Option<ClientTls>,
    /// File with the token that is shown to a receiver over HTTP.
    pub token_file: Option<PathBuf>,
    /// Seconds to wait for an answer.
    #[serde(default = "answer_s")]
    pub answer_s: u64,
    /// Rejections of one message after which it is set aside for a person.
    #[serde(default = "rejections_max")]
    pub rejections_max: u32,
}

/// A bucket of an object store.
#[derive(Clone, PartialEq, Eq, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct S3To {
    /// `https://host:port`.
    pub endpoint: String,
    pub region: String,
    pub bucket: String,
    /// What the names of objects begin with.
    #[serde(default)]
    pub prefix: String,
    /// File of keys as other tools for S3 read it; the environment if absent.
    pub credentials_file: Option<PathBuf>,
}

/// Files for a connection to a receiver.
#[derive(Clone, PartialEq, Eq, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ClientTls {
    /// The authority that the receiver's certificate must come from.
    pub ca: PathBuf,
    /// Our certificate, for receivers that ask for one.
    pub cert: Option<PathBuf>,
    pub key: Option<PathBuf>,
}

fn answer_s() -> u64 {
    30
}

fn rejections_max() -> u32 {
    20
}

impl To {
    pub(super) fn check(&self) -> Result<(), ChannelError> {
        let (s3, folder) = (self.s3.is_some(), self.folder.is_some());
        let n = [self.mllp.is_some(), self.http.is_some(), s3, folder];
        if n.iter().filter(|it| **it).count() != 1 {
            return Err(ChannelError::To);
        }
        if self.tls.as_ref().is_some_and(|tls| tls.cert.is_some() != tls.key.is_some()) {
            return Err(ChannelError::Pair);
        }
        if self.folder.is_some() && self.tls.is_some() {
            return Err(ChannelError::Needless("tls", "a destination over a network"));
        }
        if self.token_file.is_some() && self.http.is_none() {
            return Err(ChannelError::Needless("token_file", "a destination over HTTP"));
        }
        if let Some(s3) = &self.s3 {
            let endpoint = s3.endpoint.parse::<Endpoint>().map_err(|_| ChannelError::S3)?;
            let is_plain = |text: &str| {
                text.bytes().all(|b| b.is_ascii_alphanumeric() || b".-_/".contains(&b))
            };
            let names = [&s3.bucket, &s3.region].map(|it| !it.is_empty() && !it.contains('/'));
            let plain = [&s3.bucket, &s3.region, &s3.prefix].map(|it| is_plain(it));
            if endpoint.path != "/" || names.contains(&false) || plain.contains(&false) {
                return Err(ChannelError::S3);
            }
            return check_secure(&endpoint, self.tls.is_some(), false);
        }
        let Some(url) = &self.http else { return Ok(()) };
        let endpoint = url.parse::<Endpoint>().map_err(|_| ChannelError::Address)?;
        check_secure(&endpoint, self.tls.is_some(), self.token_file.is_some())
    }

    /// Where requests go, which the file was checked for.
    pub fn endpoint(&self) -> Option<Endpoint> {
        let url = self.http.as_ref().or(self.s3.as_ref().map(|s3| &s3.endpoint))?;
        url.parse().ok()
    }

    /// The files it names.
    pub fn files(&self) -> Vec<&Path> {
        let tls = self.tls.iter().flat_map(|tls| {
            [Some(&tls.ca), tls.cert.as_ref(), tls.key.as_ref()].into_iter().flatten()
        });
        let keys = self.s3.iter().filter_map(|s3| s3.credentials_file.as_ref());
        tls.chain(keys).chain(&self.token_file).map(PathBuf::as_path).collect()
    }

    pub(super) fn rooted(&mut self, folder: &Path) {
        let tls = self.tls.iter_mut().flat_map(|tls| {
            [Some(&mut tls.ca), tls.cert.as_mut(), tls.key.as_mut()].into_iter().flatten()
        });
        let keys = self.s3.iter_mut().filter_map(|s3| s3.credentials_file.as_mut());
        for path in tls.chain(keys).chain(&mut self.token_file).chain(&mut self.folder) {
            *path = folder.join(&path);
        }
    }
}

/// `https` knows whom it talks to, and a secret is not sent to where everybody can read it.
fn check_secure(endpoint: &Endpoint, has_tls: bool, has_secret: bool) -> Result<(), ChannelError> {
    match (endpoint.is_tls, has_tls) {
        (true, false) => Err(ChannelError::NoAuthority),
        (false, true) => Err(ChannelError::Needless("tls", "an address with `https`")),
        (false, false) if has_secret && !endpoint.is_loopback() => Err(ChannelError::SecretInPlain),
        _ => Ok(()),
    }
}
