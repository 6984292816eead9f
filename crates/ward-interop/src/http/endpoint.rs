//! The address of a server: `https://host:port/path`.

use std::{net::IpAddr, str::FromStr};

use hyper::Uri;

/// Where requests go.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Endpoint {
    pub is_tls: bool,
    /// Without the brackets of an IPv6 address.
    pub host: String,
    pub port: u16,
    /// With its query; `/` at least.
    pub path: String,
}

/// Text is not the address of a server.
#[derive(Clone, Copy, PartialEq, Eq, Debug, thiserror::Error)]
#[error("not an address such as `https://host:port/path`")]
pub struct EndpointError;

impl FromStr for Endpoint {
    type Err = EndpointError;

    fn from_str(text: &str) -> Result<Endpoint, EndpointError> {
        let uri: Uri = text.parse().map_err(|_| EndpointError)?;
        let is_tls = match uri.scheme_str() {
            Some("https") => true,
            Some("http") => false,
            _ => return Err(EndpointError),
        };
        // A name and password in an address would be shown wherever the address is.
        if uri.authority().is_none_or(|it| it.as_str().contains('@')) {
            return Err(EndpointError);
        }
        let host = uri.host().ok_or(EndpointError)?.trim_matches(['[', ']']).to_owned();
        if host.is_empty() {
            return Err(EndpointError);
        }
        let port = uri.port_u16().unwrap_or(if is_tls { 443 } else { 80 });
        let path = uri.path_and_query().map_or("/", |it| it.as_str()).to_owned();
        Ok(Endpoint { is_tls, host, port, path })
    }
}

impl Endpoint {
    /// What stands in `Host`.
    pub(crate) fn authority(&self) -> String {
        let host = match self.host.contains(':') {
            true => format!("[{}]", self.host),
            false => self.host.clone(),
        };
        match (self.is_tls, self.port) {
            (true, 443) | (false, 80) => host,
            (_, port) => format!("{host}:{port}"),
        }
    }

    pub(crate) fn is_loopback(&self) -> bool {
        self.host == "localhost" || self.host.parse::<IpAddr>().is_ok_and(|it| it.is_loopback())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_are_read() {
        let lab: Endpoint = "https://lab.example.org/hl7?unit=1".parse().unwrap();
        assert_eq!((lab.is_tls, lab.port, lab.path.as_str()), (true, 443, "/hl7?unit=1"));
        assert_eq!(lab.authority(), "lab.example.org");
        let near: Endpoint = "http://[::1]:81".parse().unwrap();
        assert_eq!((near.host.as_str(), near.path.as_str()), ("::1", "/"));
        assert!(near.is_loopback() && near.authority() == "[::1]:81");
        for wrong in ["lab:80", "ftp://lab/", "https://u:p@lab/", "https://", "/x", "http://:80/"] {
            assert_eq!(wrong.parse::<Endpoint>(), Err(EndpointError), "{wrong}");
        }
    }
}
