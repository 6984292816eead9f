//! MLLP over TLS: who is let in, and a certificate that changes while messages come.

use std::{fs, io, net::TcpStream, path::Path, process::Command, sync::Arc, time::Duration};

use rustls::{
    ClientConfig, ClientConnection, RootCertStore, StreamOwned,
    pki_types::{CertificateDer, PrivateKeyDer, pem::PemObject},
};
use ward_tests::{House, Peer, Server, skip, wait_until, ward};

use super::{adt, certificates::Certificates, total};

impl Certificates {
    /// A server that shows `name` and lets in whoever has a certificate of the first authority.
    fn serve(&self, house: &House, name: &str) -> Server {
        let files = [
            ("WARD_HL7_TLS_CERT", self.text(&format!("{name}.pem"))),
            ("WARD_HL7_TLS_KEY", self.text(&format!("{name}.key"))),
            ("WARD_HL7_TLS_CLIENT_CA", self.text("ca.pem")),
        ];
        let settings: Vec<_> = files.iter().map(|(name, value)| (*name, value.as_str())).collect();
        house.serve_with(&settings)
    }

    /// `ward hl7 send` with the authority it trusts and the certificate it shows.
    fn send(&self, address: &str, message: &Path, authority: &str, own: Option<&str>) -> bool {
        let authority = self.text(&format!("{authority}.pem"));
        let mut args = vec!["--tls-ca", authority.as_str(), "--wait-s", "5"];
        let own = own.map(|it| (self.text(&format!("{it}.pem")), self.text(&format!("{it}.key"))));
        if let Some((cert, key)) = &own {
            args.extend(["--tls-cert", cert.as_str(), "--tls-key", key.as_str()]);
        }
        send(address, message, &args).0
    }

    /// A connection that stays open, by one who trusts `authority`; with it the certificate that
    /// the server showed.
    fn connect(&self, address: &str, authority: &str) -> io::Result<(Tunnel, Vec<u8>)> {
        let pem = |name: &str| CertificateDer::from_pem_file(self.path(name)).unwrap();
        let mut roots = RootCertStore::empty();
        roots.add(pem(&format!("{authority}.pem"))).unwrap();
        let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
        let config = ClientConfig::builder_with_provider(provider);
        let config = config.with_safe_default_protocol_versions().unwrap();
        let key = PrivateKeyDer::from_pem_file(self.path("client.key")).unwrap();
        let config = config
            .with_root_certificates(roots)
            .with_client_auth_cert(vec![pem("client.pem")], key)
            .unwrap();
        let name = "127.0.0.1".try_into().unwrap();
        let mut connection = ClientConnection::new(Arc::new(config), name).unwrap();
        let mut stream = TcpStream::connect(address)?;
        stream.set_read_timeout(Some(Duration::from_secs(60)))?;
        while connection.is_handshaking() {
            connection.complete_io(&mut stream)?;
        }
        let shown = connection.peer_certificates().unwrap()[0].to_vec();
        Ok((Peer::over(StreamOwned::new(connection, stream)), shown))
    }
}

type Tunnel = Peer<StreamOwned<ClientConnection, TcpStream>>;

fn send(address: &str, message: &Path, args: &[&str]) -> (bool, String) {
    let output = Command::new(ward())
        .args(["hl7", "send", address])
        .arg(message)
        .args(args)
        .output()
        .unwrap();
    (output.status.success(), String::from_utf8(output.stdout).unwrap())
}

#[test]
fn only_who_shows_a_certificate_of_the_authority_is_let_in() {
    let Some(tls) = Certificates::new() else { return skip("openssl is not on this machine") };
    let house = House::new();
    let server = tls.serve(&house, "server");
    let message = tls.path("a01.hl7");
    fs::write(&message, adt("A01", "TLS1", "71", "20260101080000")).unwrap();

    assert!(tls.send(&server.mllp, &message, "ca", Some("client")));
    // No TLS, no certificate, one of another authority, and one that is over.
    assert!(!send(&server.mllp, &message, &["--wait-s", "3"]).0);
    assert!(!tls.send(&server.mllp, &message, "ca", None));
    assert!(!tls.send(&server.mllp, &message, "ca", Some("stranger")));
    assert!(!tls.send(&server.mllp, &message, "ca", Some("late-client")));
    // A server that is not the one.
    assert!(!tls.send(&server.mllp, &message, "other-ca", Some("client")));
    assert_eq!(total(&mut server.client(), "Patient"), 1);
    assert!(tls.send(&server.mllp, &message, "ca", Some("client")));
    drop(server);
    // A server whose certificate is over is not sent to.
    let server = tls.serve(&house, "late-server");
    assert!(!tls.send(&server.mllp, &message, "ca", Some("client")));
}

#[test]
fn a_certificate_changes_while_messages_come() {
    let Some(tls) = Certificates::new() else { return skip("openssl is not on this machine") };
    for end in ["pem", "key"] {
        fs::copy(tls.path(&format!("server.{end}")), tls.path(&format!("used.{end}"))).unwrap();
    }
    let house = House::new();
    let server = tls.serve(&house, "used");
    let (mut old, first) = tls.connect(&server.mllp, "ca").unwrap();
    let mut n = 0;
    let mut say = |peer: &mut Tunnel| {
        n += 1;
        let ack = peer.send(&adt("A08", &format!("TLS{n}"), "72", "20260101080000")).unwrap();
        assert_eq!(ack.code, "AA");
    };
    say(&mut old);
    assert!(tls.connect(&server.mllp, "other-ca").is_err());
    // Half of a pair is not used: who comes in between sees the old one.
    fs::rename(tls.path("stranger.pem"), tls.path("used.pem")).unwrap();
    say(&mut tls.connect(&server.mllp, "ca").unwrap().0);
    fs::rename(tls.path("stranger.key"), tls.path("used.key")).unwrap();
    let mut new = None;
    let in_use = wait_until(Duration::from_secs(60), || {
        // Nothing stops for it.
        say(&mut old);
        new = tls.connect(&server.mllp, "other-ca").ok();
        new.is_some()
    });
    assert!(in_use, "the new certificate is never shown");
    let (mut new, second) = new.unwrap();
    assert_ne!(first, second);
    say(&mut new);
    // Connections from before go on as they are.
    say(&mut old);
    assert!(tls.connect(&server.mllp, "ca").is_err());
    assert_eq!(total(&mut server.client(), "Patient"), 1);
}
