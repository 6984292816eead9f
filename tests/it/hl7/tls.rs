//! MLLP over TLS: who is let in, and a certificate that changes while messages come.

use std::{fs, path::Path, process::Command};

use ward_tests::{House, skip, ward};

use super::{adt, certificates::Certificates, total};

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
    let files = [
        ("WARD_HL7_TLS_CERT", tls.text("server.pem")),
        ("WARD_HL7_TLS_KEY", tls.text("server.key")),
        ("WARD_HL7_TLS_CLIENT_CA", tls.text("ca.pem")),
    ];
    let settings: Vec<_> = files.iter().map(|(name, value)| (*name, value.as_str())).collect();
    let server = house.serve_with(&settings);
    let message = tls.path("a01.hl7");
    fs::write(&message, adt("A01", "TLS1", "71", "20260101080000")).unwrap();
    let (ca, own_cert, own_key) =
        (tls.text("ca.pem"), tls.text("client.pem"), tls.text("client.key"));

    let own = ["--tls-ca", &ca, "--tls-cert", &own_cert, "--tls-key", &own_key];
    let (good, said) = send(&server.mllp, &message, &own);
    assert!(good && said.contains(": AA"), "{said}");
    // No TLS, no certificate, one of another authority, and a server that is not the one.
    assert!(!send(&server.mllp, &message, &["--wait-s", "3"]).0);
    assert!(!send(&server.mllp, &message, &["--tls-ca", &ca, "--wait-s", "3"]).0);
    let (cert, key) = (tls.text("stranger.pem"), tls.text("stranger.key"));
    assert!(
        !send(&server.mllp, &message, &["--tls-ca", &ca, "--tls-cert", &cert, "--tls-key", &key]).0
    );
    let other = tls.text("other-ca.pem");
    assert!(
        !send(
            &server.mllp,
            &message,
            &["--tls-ca", &other, "--tls-cert", &own_cert, "--tls-key", &own_key]
        )
        .0
    );
    assert_eq!(total(&mut server.client(), "Patient"), 1);
    assert!(send(&server.mllp, &message, &own).0);
}
