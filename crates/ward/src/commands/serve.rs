//! `ward serve`.

use std::{net::SocketAddr, path::PathBuf, process::ExitCode, sync::Arc};

use tokio::{
    signal::unix::{SignalKind, signal},
    sync::watch,
};
use ward_core::{AuditAction, AuditOutcome};
use ward_crypto::{OsRandom, Random, tls};
use ward_records::Records;
use ward_store::Interaction;
use ward_web::{App, ServeOptions, WebLimits, serve, system_ctx};

use super::say;
use crate::{Failure, open::Place};

/// Serves the chart.
#[derive(clap::Args, Debug)]
pub struct ServeArgs {
    #[command(flatten)]
    place: Place,
    /// Address for HTTP.
    #[arg(long, default_value = "127.0.0.1:8080")]
    http: SocketAddr,
    /// Address the outside knows, such as `https://ward.example.org`; links start with it.
    #[arg(long)]
    public_url: Option<String>,
    /// PEM file with the certificate chain.
    #[arg(long, requires = "tls_key")]
    tls_cert: Option<PathBuf>,
    /// PEM file with the private key.
    #[arg(long, requires = "tls_cert")]
    tls_key: Option<PathBuf>,
    /// PEM file with the authority that client certificates must come from.
    #[arg(long, requires = "tls_cert")]
    tls_client_ca: Option<PathBuf>,
    /// Serve without TLS on an address that others can reach.
    #[arg(long)]
    allow_plaintext: bool,
}

pub async fn run(args: ServeArgs) -> Result<ExitCode, Failure> {
    let tls = match (&args.tls_cert, &args.tls_key) {
        (Some(cert), Some(key)) => Some(Arc::new(tls::server_config(
            cert,
            key,
            args.tls_client_ca.as_deref(),
            &[b"h2", b"http/1.1"],
        )?)),
        _ => None,
    };
    if tls.is_none() && !args.http.ip().is_loopback() && !args.allow_plaintext {
        return Err(Failure::Usage(
            "this address can be reached from outside; give --tls-cert and --tls-key, or say \
             --allow-plaintext"
                .to_owned(),
        ));
    }
    let chart = args.place.open()?;
    let random: Arc<dyn Random> = Arc::new(OsRandom::default());
    let scheme = if tls.is_some() { "https" } else { "http" };
    // The address is known before the chart's face, because links carry it.
    let http = reserve(args.http).await?;
    let base = match &args.public_url {
        Some(url) => format!("{}/fhir", url.trim_end_matches('/')),
        None => format!("{scheme}://{http}/fhir"),
    };
    let records = Records::new(chart.clone(), Arc::clone(&random), &base);
    let app = App::new(records, Arc::clone(&random), WebLimits::default());
    let setup = app.open_setup().await?;
    let options = ServeOptions { http, tls, socket: Some(args.place.socket()) };
    let listening = serve(app, options).await?;
    let cx = system_ctx(ward_web::now(), random.as_ref(), "start");
    chart.audit(&cx, Interaction::new(AuditAction::Started), AuditOutcome::Success).await?;
    if let Some(token) = setup {
        say(&format!("set-up token (once, for POST /api/setup): {token}"))?;
    }
    let address = listening.address().map_err(|e| Failure::Io("reading the address", e))?;
    say(&format!("listening {scheme}://{address}"))?;

    let (stop, stopped) = watch::channel(false);
    let mut terminated =
        signal(SignalKind::terminate()).map_err(|e| Failure::Io("waiting for signals", e))?;
    tokio::spawn(async move {
        tokio::select! {
            _ = terminated.recv() => {}
            _ = tokio::signal::ctrl_c() => {}
        }
        // Nobody listens any more when the server has already ended.
        let _ended = stop.send(true);
    });
    listening.run(stopped).await;
    let cx = system_ctx(ward_web::now(), random.as_ref(), "stop");
    chart.audit(&cx, Interaction::new(AuditAction::Stopped), AuditOutcome::Success).await?;
    chart.close(ward_web::now()).await;
    if let Err(error) = std::fs::remove_file(args.place.socket()) {
        tracing::debug!(%error, "socket file not removed");
    }
    Ok(ExitCode::SUCCESS)
}

/// Turns port 0 into the port that will be used.
async fn reserve(address: SocketAddr) -> Result<SocketAddr, Failure> {
    if address.port() != 0 {
        return Ok(address);
    }
    let listener = tokio::net::TcpListener::bind(address)
        .await
        .map_err(|e| Failure::Io("finding a free port", e))?;
    listener.local_addr().map_err(|e| Failure::Io("finding a free port", e))
}
