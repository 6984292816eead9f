//! Certificates for tests, by openssl.

use std::{fs, path::PathBuf, process::Command};

/// Authorities, a server's certificate and a client's, made anew.
pub struct Certificates(tempfile::TempDir);

impl Certificates {
    pub fn new() -> Option<Certificates> {
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
        certificates.issue("late-client", "ca", -1)?;
        certificates.issue("late-server", "ca", -1)?;
        Some(certificates)
    }

    pub fn issue(&self, name: &str, authority: &str, days: i32) -> Option<()> {
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

    pub fn path(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }

    pub fn text(&self, name: &str) -> String {
        self.path(name).to_str().unwrap().to_owned()
    }
}
