//! Where the messages of a channel come from.

use std::{
    net::SocketAddr,
    path::{Path, PathBuf},
};

use serde::Deserialize;

use super::{Changes, ChannelError};

/// A source; exactly one of `mllp`, `http`, `interface`, `folder` and `chart`.
#[derive(Clone, PartialEq, Eq, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct From {
    pub mllp: Option<SocketAddr>,
    pub http: Option<SocketAddr>,
    /// What comes by another interface is taken too.
    pub interface: Option<String>,
    /// Files are taken from here and moved to `done` or `bad` beneath it.
    pub folder: Option<PathBuf>,
    /// What happens in the chart becomes messages.
    pub chart: Option<Changes>,
    /// MSH-3 of the messages that the chart makes.
    #[serde(default = "application")]
    pub application: String,
    /// MSH-4 of the messages that the chart makes.
    #[serde(default)]
    pub facility: String,
    /// What a listener shows of itself and asks of its senders.
    pub tls: Option<ServerTls>,
    /// File with the token that senders over HTTP have to show.
    pub token_file: Option<PathBuf>,
    /// Whether its senders number their messages (MSH-13), and what is not the next is refused.
    #[serde(default)]
    pub sequence_numbers: bool,
    /// Listen without TLS on an address that others can reach.
    #[serde(default)]
    pub allow_plaintext: bool,
}

fn application() -> String {
    "WARD".to_owned()
}

/// Files of a listener's certificate.
#[derive(Clone, PartialEq, Eq, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ServerTls {
    pub cert: PathBuf,
    pub key: PathBuf,
    /// With it, every sender must show a certificate signed by it.
    pub client_ca: Option<PathBuf>,
}

impl From {
    pub(super) fn check(&self) -> Result<(), ChannelError> {
        let From { mllp, http, interface, folder, chart, .. } = self;
        let network = [mllp.is_some(), http.is_some()];
        let n = [interface.is_some(), folder.is_some(), chart.is_some()];
        if network.iter().chain(&n).filter(|it| **it).count() != 1 {
            return Err(ChannelError::From);
        }
        let address = self.address();
        if self.tls.is_some() && address.is_none() {
            return Err(ChannelError::Needless("tls", "a listener"));
        }
        if self.token_file.is_some() && http.is_none() {
            return Err(ChannelError::Needless("token_file", "a source over HTTP"));
        }
        match address {
            Some(address)
                if !address.ip().is_loopback() && self.tls.is_none() && !self.allow_plaintext =>
            {
                Err(ChannelError::Plaintext)
            }
            _ => Ok(()),
        }
    }

    /// Where it listens, if it does.
    pub fn address(&self) -> Option<SocketAddr> {
        self.mllp.or(self.http)
    }

    /// Whether messages come by a way that is this channel's alone.
    pub fn is_own(&self) -> bool {
        self.interface.is_none() && self.chart.is_none()
    }

    /// The files it names.
    pub fn files(&self) -> Vec<&Path> {
        let tls = self.tls.iter().flat_map(|tls| {
            [Some(&tls.cert), Some(&tls.key), tls.client_ca.as_ref()].into_iter().flatten()
        });
        tls.chain(&self.token_file).map(PathBuf::as_path).collect()
    }

    pub(super) fn rooted(&mut self, folder: &Path) {
        let tls = self.tls.iter_mut().flat_map(|tls| {
            [Some(&mut tls.cert), Some(&mut tls.key), tls.client_ca.as_mut()].into_iter().flatten()
        });
        for path in tls.chain(&mut self.token_file).chain(&mut self.folder) {
            *path = folder.join(&path);
        }
    }
}
