//! TLS settings: one place that says which versions, suites and certificates.

use std::{path::Path, sync::Arc};

use rustls::{
    ClientConfig, RootCertStore, ServerConfig,
    crypto::aws_lc_rs,
    server::WebPkiClientVerifier,
    version::{TLS12, TLS13},
};
use rustls_pki_types::{CertificateDer, PrivateKeyDer, ServerName, pem::PemObject};

#[derive(Debug, thiserror::Error)]
pub enum TlsError {
    #[error("certificate or key file cannot be read as PEM: {0}")]
    Pem(&'static str),
    #[error("the certificate and the key do not make a server")]
    Config(#[source] rustls::Error),
    #[error("the certificate authority for clients is not usable")]
    ClientAuthority,
    #[error("the certificate authority for servers is not usable")]
    ServerAuthority,
    #[error("not the name or address of a server")]
    Name,
}

impl TlsError {
    pub fn kind(&self) -> ward_core::Kind {
        ward_core::Kind::Invalid
    }
}

/// A server's settings from PEM files.
///
/// - Shape: with `client_ca`, every client must show a certificate signed by it.
/// - Source: TLS 1.3 (RFC 8446) preferred, TLS 1.2 (RFC 5246) with AEAD suites accepted.
pub fn server_config(
    certificates: &Path,
    key: &Path,
    client_ca: Option<&Path>,
    alpn: &[&[u8]],
) -> Result<ServerConfig, TlsError> {
    let chain = pem(certificates, "certificates")?;
    let key = PrivateKeyDer::from_pem_file(key).map_err(|_| TlsError::Pem("key"))?;
    let builder = ServerConfig::builder_with_provider(Arc::new(aws_lc_rs::default_provider()))
        .with_protocol_versions(&[&TLS13, &TLS12])
        .map_err(TlsError::Config)?;
    let builder = match client_ca {
        None => builder.with_no_client_auth(),
        Some(path) => {
            let mut roots = RootCertStore::empty();
            for certificate in pem(path, "client authority")? {
                roots.add(certificate).map_err(|_| TlsError::ClientAuthority)?;
            }
            let verifier = WebPkiClientVerifier::builder_with_provider(
                Arc::new(roots),
                Arc::new(aws_lc_rs::default_provider()),
            )
            .build()
            .map_err(|_| TlsError::ClientAuthority)?;
            builder.with_client_cert_verifier(verifier)
        }
    };
    let mut config = builder.with_single_cert(chain, key).map_err(TlsError::Config)?;
    config.alpn_protocols = alpn.iter().map(|name| name.to_vec()).collect();
    Ok(config)
}

/// A client's settings from PEM files.
///
/// - Shape: the server's certificate must be signed by `ca`; `own` is a certificate and its key for
///   servers that ask for one.
/// - Source: as [`server_config`].
pub fn client_config(ca: &Path, own: Option<(&Path, &Path)>) -> Result<ClientConfig, TlsError> {
    let mut roots = RootCertStore::empty();
    for certificate in pem(ca, "server authority")? {
        roots.add(certificate).map_err(|_| TlsError::ServerAuthority)?;
    }
    let builder = ClientConfig::builder_with_provider(Arc::new(aws_lc_rs::default_provider()))
        .with_protocol_versions(&[&TLS13, &TLS12])
        .map_err(TlsError::Config)?
        .with_root_certificates(roots);
    Ok(match own {
        None => builder.with_no_client_auth(),
        Some((certificates, key)) => {
            let chain = pem(certificates, "certificates")?;
            let key = PrivateKeyDer::from_pem_file(key).map_err(|_| TlsError::Pem("key"))?;
            builder.with_client_auth_cert(chain, key).map_err(TlsError::Config)?
        }
    })
}

/// A client's settings from the authorities that a machine trusts: one file of many certificates,
/// of which those that cannot be read are passed over.
///
/// - Errors: when none can be read.
/// - Source: as [`server_config`].
pub fn client_config_trusting(bundle: &Path) -> Result<ClientConfig, TlsError> {
    let mut roots = RootCertStore::empty();
    let all = CertificateDer::pem_file_iter(bundle).map_err(|_| TlsError::Pem("authorities"))?;
    let (n_added, _) = roots.add_parsable_certificates(all.flatten());
    if n_added == 0 {
        return Err(TlsError::Pem("authorities"));
    }
    let builder = ClientConfig::builder_with_provider(Arc::new(aws_lc_rs::default_provider()))
        .with_protocol_versions(&[&TLS13, &TLS12])
        .map_err(TlsError::Config)?;
    Ok(builder.with_root_certificates(roots).with_no_client_auth())
}

/// The name that a server's certificate must have.
pub fn server_name(host: &str) -> Result<ServerName<'static>, TlsError> {
    ServerName::try_from(host.to_owned()).map_err(|_| TlsError::Name)
}

fn pem(path: &Path, what: &'static str) -> Result<Vec<CertificateDer<'static>>, TlsError> {
    let certificates: Result<Vec<_>, _> =
        CertificateDer::pem_file_iter(path).map_err(|_| TlsError::Pem(what))?.collect();
    match certificates {
        Ok(chain) if !chain.is_empty() => Ok(chain),
        _ => Err(TlsError::Pem(what)),
    }
}

#[cfg(test)]
#[path = "tls_tests.rs"]
mod tests;
