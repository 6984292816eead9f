//! The HL7 v2 side of a server: the listener, the work on kept messages, and their end.

use std::{net::SocketAddr, sync::Arc, time::Duration};

use jiff::SignedDuration;
use tokio::sync::watch;
use ward_crypto::OsRandom;
use ward_hl7::{Charset, ReadSettings};
use ward_interop::{
    contract::{Interface, Purpose, Receiver, Unmapped},
    listen::{ListenSettings, Socket},
    mllp::Listening,
};
use ward_store::Reuse;
use ward_web::system_ctx;

use super::certificate::CertificateFiles;
use crate::{
    Failure,
    config::{DEFAULT_MLLP, Hl7Section},
};

/// What messages of the listener are kept under.
pub const INTERFACE: &str = "mllp";

/// How long work on kept messages rests when nothing wakes it.
/// LIMIT: what the chart refused is tried again within five seconds.
const WORK_REST: Duration = Duration::from_secs(5);

/// How often messages whose time is over are looked for.
const PRUNE_REST: Duration = Duration::from_secs(600);

/// Messages taken away with one commit.
/// LIMIT: a few milliseconds of the writer's time.
const PRUNE_STEP: usize = 200;

/// The interface that the settings describe.
pub fn interface(config: &Hl7Section) -> Interface {
    let named = |name: &str| Charset::from_name(name);
    Interface {
        read: ReadSettings {
            charset: config.charset.as_deref().and_then(named),
            undeclared: named(&config.undeclared_charset).unwrap_or(Charset::Ascii),
            bytes_max: config.block_bytes.get(),
            ..ReadSettings::default()
        },
        unmapped: if config.keep_unmapped { Unmapped::Keep } else { Unmapped::Reject },
        follows_sequence: config.sequence_numbers,
        answers_queries: config.answer_queries,
        purpose: if config.keep_only { Purpose::Keep } else { Purpose::Chart },
        reuse: if config.refuse_reused { Reuse::Refuse } else { Reuse::Accept },
        ..Interface::new(INTERFACE)
    }
}

/// How much a listener takes on.
pub fn settings(config: &Hl7Section) -> ListenSettings {
    ListenSettings {
        block_bytes: config.block_bytes.get(),
        connections: config.connections.get(),
        block_s: config.block_s.get(),
        idle_s: config.idle_s.map_or(0, |s| s.get()),
        ..ListenSettings::default()
    }
}

/// Opens the listener; `None` when there is to be none.
pub async fn listen(
    config: &Hl7Section,
    receiver: &Receiver,
    interface: watch::Receiver<Arc<Interface>>,
) -> Result<Option<Listening>, Failure> {
    if !config.mllp_enabled {
        return Ok(None);
    }
    let files = match (&config.tls_cert, &config.tls_key) {
        (Some(cert), Some(key)) => Some(CertificateFiles {
            cert: cert.clone(),
            key: key.clone(),
            client_ca: config.tls_client_ca.clone(),
        }),
        _ => None,
    };
    let tls = CertificateFiles::follow(files)?;
    match Socket::bind(config.mllp).await {
        Ok(socket) => {
            let settings = settings(config);
            Ok(Some(Listening::new(socket, receiver.clone(), interface, settings, tls)))
        }
        // Nobody asked for this address: a second server on a machine goes on without.
        Err(error) if config.mllp == DEFAULT_MLLP => {
            tracing::warn!(address = %config.mllp, error = %error.source, "no MLLP listener");
            Ok(None)
        }
        Err(error) => Err(error.into()),
    }
}

/// Works on messages that were accepted as safe, as they come, by whichever interface.
pub async fn working(receiver: Receiver) {
    loop {
        for interface in receiver.interfaces() {
            match receiver.work(&interface).await {
                Ok(worked) if 0 < worked.n_applied + worked.n_dead => {
                    let (n_applied, n_dead) = (worked.n_applied, worked.n_dead);
                    tracing::info!(n_applied, n_dead, "messages worked on");
                }
                Ok(_) => {}
                Err(error) => tracing::error!(%error, "messages not worked on"),
            }
        }
        let _woken = tokio::time::timeout(WORK_REST, receiver.kept()).await;
    }
}

/// Takes messages away when their time is over.
pub async fn pruning(receiver: Receiver, keep_days: u32) {
    let keep = SignedDuration::from_hours(24 * i64::from(keep_days));
    loop {
        let now = ward_web::now();
        if let Ok(before) = now.checked_sub(keep) {
            let cx = system_ctx(now, &OsRandom::default(), "retention");
            loop {
                match receiver.chart().prune_messages(&cx, before, PRUNE_STEP).await {
                    Ok(0) => break,
                    // Whoever waits to write goes first.
                    Ok(_) => tokio::time::sleep(Duration::from_millis(20)).await,
                    Err(error) => {
                        tracing::error!(%error, "messages not taken away");
                        break;
                    }
                }
            }
        }
        tokio::time::sleep(PRUNE_REST).await;
    }
}

/// What a listener says of itself.
pub fn says(address: SocketAddr, config: &Hl7Section) -> String {
    let scheme = if config.tls_cert.is_some() { "mllps" } else { "mllp" };
    format!("listening {scheme}://{address}")
}
