//! Where an import goes: the chart itself, or the server that holds it open.

use std::{path::Path, sync::Arc};

use http_body_util::{BodyExt, Full};
use hyper::{Method, Request, body::Bytes, client::conn::http1, header};
use hyper_util::rt::TokioIo;
use tokio::net::UnixStream;
use ward_core::{AuditAction, AuditOutcome, Ctx, RecordKey, ResourceType};
use ward_crypto::{OsRandom, Random};
use ward_records::Records;
use ward_store::{Chart, CommitError, CommitUnit, Interaction, OpenError, Write, WriteKind};
use ward_web::system_ctx;

use crate::{Failure, open::Place};

pub(super) enum Target {
    Chart {
        chart: Chart,
        records: Records,
        random: Arc<dyn Random>,
    },
    /// Through the socket file of the running server.
    Server {
        socket: std::path::PathBuf,
    },
}

impl Target {
    pub(super) async fn open(place: &Place) -> Result<Target, Failure> {
        match place.open() {
            Ok(chart) => {
                let random: Arc<dyn Random> = Arc::new(OsRandom::default());
                let records = Records::new(chart.clone(), Arc::clone(&random), "urn:ward");
                Ok(Target::Chart { chart, records, random })
            }
            Err(Failure::Open(OpenError::Locked(_))) if place.socket().exists() => {
                Ok(Target::Server { socket: place.socket() })
            }
            Err(failure) => Err(failure),
        }
    }

    /// Sends one transaction; the answer is what HTTP would say.
    pub(super) async fn post(&self, bundle: &[u8]) -> Result<(u16, Vec<u8>), Failure> {
        match self {
            Target::Chart { records, random, .. } => {
                match records.bundle(&context(random.as_ref()), bundle).await {
                    Ok(reply) => Ok((reply.status, reply.body.unwrap_or_default())),
                    Err(error) => Ok((error.status(), error.outcome())),
                }
            }
            Target::Server { socket } => send(socket, Method::POST, "/fhir", bundle.to_vec()).await,
        }
    }

    /// Whether an earlier run loaded this batch.
    pub(super) async fn was_loaded(&self, mark: &str) -> Result<bool, Failure> {
        match self {
            Target::Chart { chart, .. } => {
                Ok(matches!(chart.current(&key_of(mark)?)?, Some((_, false))))
            }
            Target::Server { socket } => {
                let path = format!("/api/imports/{mark}");
                let (status, _) = send(socket, Method::GET, &path, Vec::new()).await?;
                Ok(status == 200)
            }
        }
    }

    /// Remembers that this batch is loaded.
    ///
    /// A crash between a batch and its mark makes the next run load it again: PUTs by id then
    /// make a version of equal content, and POSTs are the reason the mark follows at once.
    pub(super) async fn set_loaded(&self, mark: &str) -> Result<(), Failure> {
        match self {
            Target::Chart { chart, random, .. } => {
                let key = key_of(mark)?;
                let write = Write {
                    key: key.clone(),
                    kind: WriteKind::Create,
                    version: 1,
                    body: b"{}".to_vec(),
                    terms: Vec::new(),
                    patients: Default::default(),
                    restricted: false,
                };
                let unit = CommitUnit { writes: vec![write], ..CommitUnit::default() };
                let act = Interaction::on(AuditAction::Import, key);
                match chart.commit(&context(random.as_ref()), act, unit).await {
                    Ok(_) | Err(CommitError::Exists { .. }) => Ok(()),
                    Err(error) => Err(error.into()),
                }
            }
            Target::Server { socket } => {
                let path = format!("/api/imports/{mark}");
                send(socket, Method::PUT, &path, Vec::new()).await.map(|_| ())
            }
        }
    }

    pub(super) async fn close(self) {
        if let Target::Chart { chart, random, .. } = self {
            let act = Interaction::new(AuditAction::Import);
            let cx = context(random.as_ref());
            if let Err(error) = chart.audit(&cx, act, AuditOutcome::Success).await {
                tracing::error!(%error, "import not audited");
            }
            chart.close(ward_web::now()).await;
        }
    }
}

fn context(random: &dyn Random) -> Ctx {
    system_ctx(ward_web::now(), random, "import")
}

fn key_of(mark: &str) -> Result<RecordKey, Failure> {
    let id = mark.parse().map_err(|_| Failure::Usage("not a mark".to_owned()))?;
    Ok(RecordKey::new(ResourceType::IMPORT, id))
}

async fn send(
    socket: &Path,
    method: Method,
    path: &str,
    body: Vec<u8>,
) -> Result<(u16, Vec<u8>), Failure> {
    let failed = |e| Failure::Io("talking to the running server", e);
    let stream = UnixStream::connect(socket).await.map_err(failed)?;
    let (mut sender, connection) = http1::handshake(TokioIo::new(stream)).await?;
    tokio::spawn(async move {
        // The sender sees the same error.
        let _ended = connection.await;
    });
    let request = Request::builder()
        .method(method)
        .uri(path)
        .header(header::HOST, "ward")
        .header(header::CONTENT_TYPE, "application/fhir+json")
        .body(Full::new(Bytes::from(body)))?;
    let response = sender.send_request(request).await?;
    let status = response.status().as_u16();
    Ok((status, response.into_body().collect().await?.to_bytes().to_vec()))
}
