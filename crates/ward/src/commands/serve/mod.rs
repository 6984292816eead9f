//! `ward serve`.

mod billing;
mod certificate;
pub mod channels;
mod events;
pub mod hl7;
mod keeper;
mod knowledge;
mod meds;
mod payers;
mod stays;

use std::{
    collections::BTreeMap, convert::Infallible, net::SocketAddr, path::PathBuf, process::ExitCode,
    sync::Arc,
};

use tokio::{
    signal::unix::{SignalKind, signal},
    sync::{mpsc, watch},
    task::JoinSet,
};
use ward_core::{AuditAction, AuditOutcome};
use ward_crypto::{OsRandom, Random, tls};
use ward_interop::{contract::Receiver, listen::Stop};
use ward_records::Records;
use ward_rules::likeness::Thresholds;
use ward_store::Interaction;
use ward_web::{App, ServeOptions, WebLimits, serve, system_ctx};

use self::channels::Running;
use super::{maps, say};
use crate::{
    Failure,
    config::{self, Config},
    logging,
    open::{Flag, Place},
};

/// Serves the chart.
#[derive(clap::Args, Debug)]
pub struct ServeArgs {
    #[command(flatten)]
    place: Place,
    /// Address for HTTP [default: 127.0.0.1:8080].
    #[arg(long)]
    http: Option<SocketAddr>,
    /// Address for HL7 v2 over MLLP [default: 127.0.0.1:2575].
    #[arg(long)]
    mllp: Option<SocketAddr>,
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

impl ServeArgs {
    /// What the command line says of the server's settings.
    fn flags(&self) -> Vec<Flag> {
        let path = |path: &PathBuf| path.to_string_lossy().into_owned();
        let said = [
            ("address", self.http.map(|address| address.to_string())),
            ("public_url", self.public_url.clone()),
            ("tls_cert", self.tls_cert.as_ref().map(path)),
            ("tls_key", self.tls_key.as_ref().map(path)),
            ("tls_client_ca", self.tls_client_ca.as_ref().map(path)),
            ("allow_plaintext", self.allow_plaintext.then(|| "true".to_owned())),
        ];
        let mut flags: Vec<Flag> =
            said.into_iter().filter_map(|(name, value)| Some(("http", name, value?))).collect();
        flags.extend(self.mllp.map(|address| ("hl7", "mllp", address.to_string())));
        flags
    }
}

pub async fn run(args: ServeArgs) -> Result<ExitCode, Failure> {
    let site = args.place.site_with(&args.flags())?;
    let config = &site.settings.config;
    logging::start(config.log.format, &config.log.level);
    let broken = config::rules(&site);
    if !broken.is_empty() {
        return Err(Failure::Usage(broken.join("; ")));
    }
    let tls = match (&config.http.tls_cert, &config.http.tls_key) {
        (Some(cert), Some(key)) => Some(Arc::new(tls::server_config(
            cert,
            key,
            config.http.tls_client_ca.as_deref(),
            &[b"h2", b"http/1.1"],
        )?)),
        _ => None,
    };
    let chart = site.open()?;
    let random: Arc<dyn Random> = Arc::new(OsRandom::default());
    let scheme = if tls.is_some() { "https" } else { "http" };
    // The address is known before the chart's face, because links carry it.
    let http = reserve(config.http.address).await?;
    let base = match &config.http.public_url {
        Some(url) => format!("{}/fhir", url.trim_end_matches('/')),
        None => format!("{scheme}://{http}/fhir"),
    };
    let records = Records::new(chart.clone(), Arc::clone(&random), &base)
        .with_subscriptions(events::rules(config));
    let heard = records.clone();
    let receiver = Receiver::new(
        chart.clone(),
        maps::converter(config.hl7.maps.as_deref(), config.hl7.zone.as_deref())?,
        Arc::clone(&random),
        &base,
        Arc::new(ward_web::now),
        Arc::new(move |writes| heard.heard(writes)),
    );
    let interface = hl7::interface(&config.hl7);
    stays::plans(&records, random.as_ref()).await;
    let stays = stays::open(&records, random.as_ref(), &base).await?;
    let payers = billing::open(&records, &config.billing, &base)?;
    let cx = system_ctx(ward_web::now(), random.as_ref(), "start");
    let events = events::open(&records, &random, config, &cx).await?;
    let checks = knowledge::open(&site)?;
    let pharmacy = meds::open(&stays.engine, &config.meds, &checks)?;
    let app = App::new(records, Arc::clone(&random), limits_of(config))
        .with_messages(receiver.clone())
        .with_stays(stays.clone())
        .with_billing(payers.clone())
        .with_events(events.events.clone())
        .with_checks(Arc::clone(&checks))
        .with_pharmacy(pharmacy.clone())
        .with_registry(Thresholds {
            possible: config.registry.possible.get(),
            probable: config.registry.probable.get(),
            certain: config.registry.certain.get(),
            ..Thresholds::default()
        });
    let setup = app.open_setup().await?;
    let options = ServeOptions { http, tls, socket: Some(site.socket()) };
    let listening = serve(app.clone(), options).await?;
    let mut beside = JoinSet::new();
    receiver.announce(&channels::interfaces(&interface, &BTreeMap::new()));
    let (announce, announced) = watch::channel(Arc::new(interface.clone()));
    let mllp = hl7::listen(&config.hl7, &receiver, announced).await?;
    if config.hl7.mllp_enabled {
        let (address, is_tls) = (config.hl7.mllp.to_string(), config.hl7.tls_cert.is_some());
        receiver.figures().declare_own(hl7::INTERFACE, address, is_tls);
    }
    let (stop, stopped) = watch::channel(false);
    let (alive, mut ended) = mpsc::channel::<Infallible>(1);
    if let Some(folder) = &config.hl7.channels {
        let (folder, main) = (folder.clone(), (interface.clone(), announce));
        let (receiver, settings) = (receiver.clone(), hl7::settings(&config.hl7));
        let channels = Running::start(folder, receiver, main, settings, &stopped, alive);
        beside.spawn(channels.await?.watch());
    } else {
        drop(alive);
    }
    let cx = system_ctx(ward_web::now(), random.as_ref(), "start");
    chart.audit(&cx, Interaction::new(AuditAction::Started), AuditOutcome::Success).await?;
    // Before anybody is told that it listens, so that a signal never finds nobody waiting.
    let mut terminated =
        signal(SignalKind::terminate()).map_err(|e| Failure::Io("waiting for signals", e))?;
    let mut interrupted =
        signal(SignalKind::interrupt()).map_err(|e| Failure::Io("waiting for signals", e))?;
    if let Some(token) = setup {
        say(&format!("set-up token (once, for POST /api/setup): {token}"))?;
    }
    if let Some(mllp) = &mllp {
        let address = mllp.address().map_err(|e| Failure::Io("reading the address", e))?;
        say(&hl7::says(address, &config.hl7))?;
    }
    let address = listening.address().map_err(|e| Failure::Io("reading the address", e))?;
    say(&format!("listening {scheme}://{address}"))?;
    tracing::info!(%address, "server started");
    let keeper = keeper::start(&chart, &app, config);
    let live = events.events.live.clone();
    events.run(&mut beside);
    beside.spawn(hl7::working(receiver.clone()));
    beside.spawn(knowledge::watching(chart.clone(), checks));
    beside.spawn(stays::working(stays.clone()));
    beside.spawn(meds::taking(pharmacy));
    beside.spawn(billing::following(payers.clone()));
    for _ in 0..billing::ASKERS {
        beside.spawn(billing::asking(payers.clone()));
    }
    beside.spawn(billing::exchanging(payers.clone()));
    beside.spawn(billing::telling(payers, stays.engine.clone()));
    beside.spawn(stays::following(stays));
    beside.spawn(hl7::pruning(receiver.clone(), config.hl7.keep_days.get()));

    let mut told = async || {
        tokio::select! {
            _ = terminated.recv() => {}
            _ = interrupted.recv() => {}
        }
    };
    let messages = {
        let stopped = stopped.clone();
        async move {
            if let Some(mllp) = mllp {
                mllp.run(Stop::new(stopped, None)).await;
            }
        }
    };
    let serving = async { tokio::join!(listening.run(stopped), messages) };
    tokio::pin!(serving);
    tokio::select! {
        _ = &mut serving => {}
        () = told() => {
            tracing::info!("server stopping");
            // Nobody listens any more when the server has already ended.
            let _ended = stop.send(true);
            live.close();
            // Running requests may end; whoever asks twice does not wait for them.
            tokio::select! {
                _ = &mut serving => {}
                () = told() => tracing::warn!("requests broken off"),
            }
        }
    }
    drop((keeper, beside));
    // What came by the sources of channels is answered before the chart closes.
    tokio::select! {
        _none = ended.recv() => {}
        () = told() => tracing::warn!("connections broken off"),
    }
    let cx = system_ctx(ward_web::now(), random.as_ref(), "stop");
    chart.audit(&cx, Interaction::new(AuditAction::Stopped), AuditOutcome::Success).await?;
    chart.close(ward_web::now()).await;
    if let Err(error) = std::fs::remove_file(site.socket()) {
        tracing::debug!(%error, "socket file not removed");
    }
    tracing::info!("server stopped");
    Ok(ExitCode::SUCCESS)
}

fn limits_of(config: &Config) -> WebLimits {
    let limits = &config.limits;
    WebLimits {
        body_bytes: limits.body_bytes.get(),
        connections: limits.connections.get(),
        requests: limits.requests.get(),
        header_s: limits.header_s.get(),
        request_s: limits.request_s.get(),
        ..WebLimits::default()
    }
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
