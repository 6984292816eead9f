//! MLLP over TLS: who is let in, and a certificate that changes while messages come.

use std::{
    fs,
    path::{Path, PathBuf},
    process::Command,
};

use ward_tests::{House, skip, ward};

use super::{adt, total};

/// Authorities, a server's certificate and a client's, made anew.
struct Certificates(tempfile::TempDir);

impl Certificates {
    fn new() -> Option<Certificates> {
        let folder = tempfile::tempdir().unwrap();
        let certificates = Certificates(folder);
        for authority in ["ca", "other-ca"] {
            certificates.openssl(&format!(
                "req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 2 \
                 -subj /CN={authority} -keyout {authority}.key -out {authority}.pem"
            ))?;
        }
        certificates.issue("server", "ca", 2)?;
        certificates.issue("client", "ca", 2)?;
        certificates.issue("stranger", "other-ca", 2)?;
        Some(certificates)
    }

    fn issue(&self, name: &str, authority: &str, days: i32) -> Option<()> {
        fs::write(self.path(&format!("{name}.ext")), "subjectAltName=IP:127.0.0.1\n").unwrap();
        self.openssl(&format!(
            "req -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -subj /CN={name} \
             -keyout {name}.key -out {name}.csr"
        ))?;
        self.openssl(&format!(
            "x509 -req -in {name}.csr -CA {authority}.pem -CAkey {authority}.key -days {days} \
             -extfile {name}.ext -out {name}.pem"
        ))
    }

    /// `None` where there is no openssl.
    fn openssl(&self, args: &str) -> Option<()> {
        let run = Command::new("openssl")
            .args(args.split_whitespace())
            .current_dir(self.0.path())
            .output();
        let output = run.ok()?;
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        Some(())
    }

    fn path(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }

    fn text(&self, name: &str) -> String {
        self.path(name).to_str().unwrap().to_owned()
    }
}

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
