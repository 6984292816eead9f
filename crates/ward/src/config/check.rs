//! Whether what the settings name can be used, looked at before anything opens.

use std::{
    fs,
    net::TcpListener,
    os::unix::fs::PermissionsExt,
    path::{Path, PathBuf},
};

use jiff::{SignedDuration, Timestamp};
use ward_billing::Settings;
use ward_crypto::{RootKeyFile, tls};
use ward_events::{Addresses, notify::MailTls};
use ward_hl7::Charset;

use super::{certificate, sections::Config};
use crate::{Failure, open::Site};

/// One thing that was looked at.
pub enum Finding {
    Good(String),
    /// It works now; somebody should look before it does not.
    Doubt(String),
    Wrong(String),
}

/// LIMIT: time to renew a certificate without haste.
const CERTIFICATE_DAYS_LEFT: i64 = 30;

/// Longest path of a socket file, in bytes.
/// LIMIT: `sun_path` of Linux holds 108 with the zero at its end.
const SOCKET_BYTES_MAX: usize = 107;

/// Rules that need more than one setting. Called before any socket opens.
///
/// - Errors: every rule that is broken, in words.
pub fn rules(site: &Site) -> Vec<String> {
    let Config { http, hl7, registry, events, mail, .. } = &site.settings.config;
    let mut broken = Vec::new();
    let mut must = |holds: bool, says: &str| {
        if !holds {
            broken.push(says.to_owned());
        }
    };
    must(
        registry.possible < registry.probable && registry.probable < registry.certain,
        "`registry.possible` is below `registry.probable`, and that below `registry.certain`",
    );
    must(
        http.tls_cert.is_some() == http.tls_key.is_some(),
        "`http.tls_cert` and `http.tls_key` are only used together",
    );
    must(
        http.tls_client_ca.is_none() || http.tls_cert.is_some(),
        "`http.tls_client_ca` needs `http.tls_cert` and `http.tls_key`",
    );
    must(
        http.address.ip().is_loopback() || http.tls_cert.is_some() || http.allow_plaintext,
        "this address can be reached from outside; give --tls-cert and --tls-key, or say \
         --allow-plaintext",
    );
    must(
        hl7.tls_cert.is_some() == hl7.tls_key.is_some(),
        "`hl7.tls_cert` and `hl7.tls_key` are only used together",
    );
    must(
        hl7.tls_client_ca.is_none() || hl7.tls_cert.is_some(),
        "`hl7.tls_client_ca` needs `hl7.tls_cert` and `hl7.tls_key`",
    );
    must(
        !hl7.mllp_enabled
            || hl7.mllp.ip().is_loopback()
            || hl7.tls_cert.is_some()
            || hl7.allow_plaintext,
        "`hl7.mllp` can be reached from outside; give `hl7.tls_cert` and `hl7.tls_key`, or set \
         `hl7.allow_plaintext`",
    );
    for (name, charset) in [
        ("hl7.charset", hl7.charset.as_deref()),
        ("hl7.undeclared_charset", Some(hl7.undeclared_charset.as_str())),
    ] {
        must(
            charset.is_none_or(|charset| Charset::from_name(charset).is_some()),
            &format!("`{name}` is not a character set of table 0211"),
        );
    }
    must(
        events.allow_addresses.as_ref().is_none_or(|it| it.parse::<Addresses>().is_ok()),
        "`events.allow_addresses` is addresses or names of machines with commas between them",
    );
    must(
        mail.user.is_some() == mail.password_file.is_some(),
        "`mail.user` and `mail.password_file` are only used together",
    );
    must(
        mail.user.is_none() || mail.tls != MailTls::None,
        "a password goes to a mail server only over TLS: set `mail.tls`",
    );
    must(
        mail.port.is_none_or(|port| u16::try_from(port.get()).is_ok()),
        "`mail.port` is 1 to 65535",
    );
    must(
        site.socket().as_os_str().len() <= SOCKET_BYTES_MAX,
        "the path of `http.socket` is longer than 107 bytes",
    );
    for (name, path) in site.anchors() {
        must(
            !is_inside(&path, &site.data()),
            &format!("`{name}` must lie outside the data folder"),
        );
    }
    if let Some(folder) = &site.settings.config.audit.checkpoint_dir {
        must(folder.is_dir(), "`audit.checkpoint_dir` is not a folder");
    }
    broken
}

/// Everything there is to say about the settings as they stand.
pub fn check(site: &Site, now: Timestamp) -> Vec<Finding> {
    let mut findings: Vec<Finding> = rules(site).into_iter().map(Finding::Wrong).collect();
    findings.push(data(site));
    findings.push(keys(site));
    for (name, path) in site.anchors() {
        let folder = if path.is_dir() { Some(path.as_path()) } else { path.parent() };
        findings.push(match folder.map(writable) {
            Some(Ok(())) => good(format!("`{name}` can be written")),
            _ => wrong(format!("`{name}`: its folder cannot be written")),
        });
    }
    findings.extend(tls_files(site, now));
    findings.push(address(site));
    findings.extend(plans(site));
    findings
}

fn data(site: &Site) -> Finding {
    let data = site.data();
    match fs::metadata(&data) {
        Err(_) => wrong(format!("data folder {} is not there: ward init", data.display())),
        Ok(meta) if !meta.is_dir() => wrong(format!("{} is not a folder", data.display())),
        Ok(meta) if meta.permissions().mode() & 0o077 != 0 => {
            Finding::Doubt(format!("others can look into the data folder {}", data.display()))
        }
        Ok(_) => match writable(&data) {
            Ok(()) => good(format!("data folder {} can be written", data.display())),
            Err(_) => wrong(format!("data folder {} cannot be written", data.display())),
        },
    }
}

fn keys(site: &Site) -> Finding {
    if site.has_root_variable() {
        return good("root key comes from the environment".to_owned());
    }
    let path = site.keys();
    if RootKeyFile::check_outside(&path, &site.data()).is_err() {
        return wrong(format!("root key file {} lies inside the data folder", path.display()));
    }
    match fs::metadata(&path) {
        Err(_) => wrong(format!("root key file {} is not there", path.display())),
        Ok(meta) if meta.permissions().mode() & 0o077 != 0 => {
            wrong(format!("root key file {} can be read by others: chmod 600", path.display()))
        }
        Ok(_) => match site.root() {
            Ok(_) => good(format!("root key file {} opens", path.display())),
            Err(failure) => wrong(failure.chain()),
        },
    }
}

fn tls_files(site: &Site, now: Timestamp) -> Vec<Finding> {
    let http = &site.settings.config.http;
    let (Some(cert), Some(key)) = (&http.tls_cert, &http.tls_key) else { return Vec::new() };
    let mut findings = Vec::new();
    findings.push(match tls::server_config(cert, key, http.tls_client_ca.as_deref(), &[]) {
        Ok(_) => good("certificate and key make a TLS server".to_owned()),
        Err(error) => wrong(format!("TLS: {error}")),
    });
    if fs::metadata(key).is_ok_and(|meta| meta.permissions().mode() & 0o077 != 0) {
        findings.push(Finding::Doubt("others can read `http.tls_key`".to_owned()));
    }
    let named =
        [("http.tls_cert", Some(cert)), ("http.tls_client_ca", http.tls_client_ca.as_ref())];
    for (name, path) in named.into_iter().filter_map(|(name, path)| Some((name, path?))) {
        let end = fs::read_to_string(path).ok().and_then(|pem| certificate::earliest_end(&pem));
        findings.push(match end {
            None => wrong(format!("`{name}`: no certificate can be read")),
            Some(end) => until(name, end, now),
        });
    }
    findings
}

fn until(name: &str, end: Timestamp, now: Timestamp) -> Finding {
    let soon = SignedDuration::from_hours(24 * CERTIFICATE_DAYS_LEFT);
    let day = end.strftime("%Y-%m-%d");
    match end.duration_since(now) {
        left if left <= SignedDuration::ZERO => wrong(format!("`{name}` ended on {day}")),
        left if left <= soon => Finding::Doubt(format!("`{name}` ends soon, on {day}")),
        _ => good(format!("`{name}` holds until {day}")),
    }
}

fn plans(site: &Site) -> Option<Finding> {
    let billing = &site.settings.config.billing;
    match Settings::read(
        billing.plans.as_deref(),
        billing.payers.as_deref(),
        billing.simulated_payer,
    ) {
        Err(error) => Some(wrong(Failure::Billing(error).chain())),
        Ok(_) if billing.simulated_payer => Some(Finding::Doubt(
            "a simulated payer decides: not where real patients are".to_owned(),
        )),
        Ok(settings) => {
            billing.plans.as_ref()?;
            Some(good(format!("the plan table has {} plans", settings.plans.plans.len())))
        }
    }
}

fn address(site: &Site) -> Finding {
    let address = site.settings.config.http.address;
    match TcpListener::bind(address) {
        Ok(_) => good(format!("address {address} is free")),
        Err(error) if error.kind() == std::io::ErrorKind::AddrInUse => {
            Finding::Doubt(format!("address {address} is in use, perhaps by Ward itself"))
        }
        Err(error) => wrong(format!("address {address} cannot be used: {}", error.kind())),
    }
}

fn writable(folder: &Path) -> std::io::Result<()> {
    let folder = if folder.as_os_str().is_empty() { Path::new(".") } else { folder };
    tempfile::tempfile_in(folder).map(|_| ())
}

fn is_inside(path: &Path, data: &Path) -> bool {
    let whole = |path: &Path| -> Option<PathBuf> {
        match fs::canonicalize(path) {
            Ok(path) => Some(path),
            // A file that is yet to be made is where its folder is.
            Err(_) => {
                let parent = path.parent().filter(|parent| !parent.as_os_str().is_empty());
                let parent = fs::canonicalize(parent.unwrap_or(Path::new("."))).ok()?;
                Some(parent.join(path.file_name()?))
            }
        }
    };
    matches!((whole(path), whole(data)), (Some(path), Some(data)) if path.starts_with(&data))
}

fn good(says: String) -> Finding {
    Finding::Good(says)
}

fn wrong(says: String) -> Finding {
    Finding::Wrong(says)
}
