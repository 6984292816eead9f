use std::path::PathBuf;

use ::aws_lc_rs::signature::{Ed25519KeyPair, KeyPair};
use base64::{Engine, engine::general_purpose::STANDARD};
use rustls::{
    ClientConfig, ClientConnection, ProtocolVersion, ServerConnection, SupportedProtocolVersion,
};
use rustls_pki_types::PrivatePkcs8KeyDer;

use super::*;

/// A certificate for `ward.test` that signs itself, and its key, as files.
struct Identity {
    folder: tempfile::TempDir,
    certificate: Vec<u8>,
    key: Vec<u8>,
}

impl Identity {
    fn new(seed: u8) -> Identity {
        let pair = Ed25519KeyPair::from_seed_unchecked(&[seed; 32]).unwrap();
        let certificate = certificate(&pair);
        let key = pair.to_pkcs8v1().unwrap().as_ref().to_vec();
        let folder = tempfile::tempdir().unwrap();
        let it = Identity { folder, certificate, key };
        std::fs::write(it.certificate_file(), pem_text("CERTIFICATE", &it.certificate)).unwrap();
        std::fs::write(it.key_file(), pem_text("PRIVATE KEY", &it.key)).unwrap();
        it
    }

    fn certificate_file(&self) -> PathBuf {
        self.folder.path().join("certificate.pem")
    }

    fn key_file(&self) -> PathBuf {
        self.folder.path().join("key.pem")
    }

    fn server(&self, client_ca: Option<&Path>) -> Result<ServerConfig, TlsError> {
        let alpn: [&[u8]; 2] = [b"h2", b"http/1.1"];
        server_config(&self.certificate_file(), &self.key_file(), client_ca, &alpn)
    }
}

fn pem_text(label: &str, der: &[u8]) -> String {
    format!("-----BEGIN {label}-----\n{}\n-----END {label}-----\n", STANDARD.encode(der))
}

/// One DER element.
fn der(tag: u8, parts: &[&[u8]]) -> Vec<u8> {
    let content = parts.concat();
    let len = u16::try_from(content.len()).unwrap().to_be_bytes();
    let mut out = vec![tag];
    match len {
        [0, len @ 0..128] => out.push(len),
        [0, len] => out.extend([0x81, len]),
        [high, low] => out.extend([0x82, high, low]),
    }
    out.extend(content);
    out
}

/// Source: RFC 5280, section 4.1; RFC 8410 for Ed25519.
fn certificate(pair: &Ed25519KeyPair) -> Vec<u8> {
    const SEQUENCE: u8 = 0x30;
    let algorithm = der(SEQUENCE, &[&[0x06, 3, 0x2b, 0x65, 0x70]]);
    let common_name = der(SEQUENCE, &[&[0x06, 3, 0x55, 0x04, 0x03], &der(0x0c, &[b"ward.test"])]);
    let name = der(SEQUENCE, &[&der(0x31, &[&common_name])]);
    let validity =
        der(SEQUENCE, &[&der(0x17, &[b"200101000000Z"]), &der(0x17, &[b"491231235959Z"])]);
    let key = der(0x03, &[&[0], pair.public_key().as_ref()]);
    let alternative_name = der(0x04, &[&der(SEQUENCE, &[&der(0x82, &[b"ward.test"])])]);
    let extension = der(SEQUENCE, &[&[0x06, 3, 0x55, 0x1d, 0x11], &alternative_name]);
    let body = der(
        SEQUENCE,
        &[
            &der(0xa0, &[&[0x02, 1, 2]]),
            &[0x02, 1, 1],
            &algorithm,
            &name,
            &validity,
            &name,
            &der(SEQUENCE, &[&algorithm, &key]),
            &der(0xa3, &[&der(SEQUENCE, &[&extension])]),
        ],
    );
    let signature = der(0x03, &[&[0], pair.sign(&body).as_ref()]);
    der(SEQUENCE, &[&body, &algorithm, &signature])
}

/// What a handshake agreed on: version and protocol.
type Agreed = (ProtocolVersion, Option<Vec<u8>>);

fn connect(
    server: ServerConfig,
    trusts: &Identity,
    shows: Option<&Identity>,
    version: &'static SupportedProtocolVersion,
) -> Result<Agreed, rustls::Error> {
    let mut roots = RootCertStore::empty();
    roots.add(trusts.certificate.clone().into()).unwrap();
    let builder = ClientConfig::builder_with_provider(Arc::new(aws_lc_rs::default_provider()))
        .with_protocol_versions(&[version])
        .unwrap()
        .with_root_certificates(roots);
    let mut config = match shows {
        None => builder.with_no_client_auth(),
        Some(it) => builder
            .with_client_auth_cert(
                vec![it.certificate.clone().into()],
                PrivatePkcs8KeyDer::from(it.key.clone()).into(),
            )
            .unwrap(),
    };
    config.alpn_protocols = vec![b"h2".to_vec(), b"http/1.1".to_vec()];
    let name = "ward.test".try_into().unwrap();
    let mut client = ClientConnection::new(Arc::new(config), name).unwrap();
    let mut server = ServerConnection::new(Arc::new(server)).unwrap();
    // A client of TLS 1.3 is done before the server has seen its certificate: go on until neither
    // has anything to say.
    while client.wants_write() || server.wants_write() {
        let mut wire = Vec::new();
        while client.wants_write() {
            client.write_tls(&mut wire).unwrap();
        }
        let mut rest = wire.as_slice();
        while !rest.is_empty() {
            server.read_tls(&mut rest).unwrap();
            server.process_new_packets()?;
        }
        let mut wire = Vec::new();
        while server.wants_write() {
            server.write_tls(&mut wire).unwrap();
        }
        let mut rest = wire.as_slice();
        while !rest.is_empty() {
            client.read_tls(&mut rest).unwrap();
            client.process_new_packets()?;
        }
    }
    assert!(!client.is_handshaking() && !server.is_handshaking());
    Ok((server.protocol_version().unwrap(), server.alpn_protocol().map(<[u8]>::to_vec)))
}

#[test]
fn both_versions_connect_and_agree_on_a_protocol() {
    let house = Identity::new(1);
    for (version, expected) in
        [(&TLS13, ProtocolVersion::TLSv1_3), (&TLS12, ProtocolVersion::TLSv1_2)]
    {
        let agreed = connect(house.server(None).unwrap(), &house, None, version);
        assert_eq!(agreed, Ok((expected, Some(b"h2".to_vec()))));
    }
    let stranger = Identity::new(2);
    assert!(connect(house.server(None).unwrap(), &stranger, None, &TLS13).is_err());
}

#[test]
fn with_a_client_authority_only_its_clients_connect() {
    let (house, client, stranger) = (Identity::new(1), Identity::new(2), Identity::new(3));
    for version in [&TLS13, &TLS12] {
        let server = || house.server(Some(&client.certificate_file())).unwrap();
        assert!(connect(server(), &house, Some(&client), version).is_ok());
        assert!(connect(server(), &house, None, version).is_err());
        assert!(connect(server(), &house, Some(&stranger), version).is_err());
    }
}

#[test]
fn missing_broken_and_unlike_files_are_named() {
    let folder = tempfile::tempdir().unwrap();
    let (cert, key) = (folder.path().join("c.pem"), folder.path().join("k.pem"));
    let failed = |cert, key| server_config(cert, key, None, &[]).unwrap_err().to_string();
    assert!(failed(&cert, &key).contains("certificates"));
    std::fs::write(&cert, pem_text("CERTIFICATE", &[0; 3])).unwrap();
    assert!(failed(&cert, &key).contains("key"));
    std::fs::write(&key, "no PEM").unwrap();
    assert!(failed(&cert, &key).contains("key"));

    let (house, other) = (Identity::new(1), Identity::new(2));
    let unlike = server_config(&house.certificate_file(), &other.key_file(), None, &[]);
    assert!(matches!(unlike, Err(TlsError::Config(_))));
    let without = house.server(Some(&folder.path().join("none.pem")));
    assert!(matches!(without, Err(TlsError::Pem("client authority"))));
    let broken = house.server(Some(&cert));
    assert!(matches!(broken, Err(TlsError::ClientAuthority)));
}
