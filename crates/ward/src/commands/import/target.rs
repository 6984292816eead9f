//! Where an import goes: the chart itself, or the server that holds it open.

use std::{sync::Arc, time::Duration};

use hyper::{Method, body::Bytes};
use ward_core::{AuditAction, AuditOutcome, Ctx, RecordKey, ResourceType};
use ward_crypto::{OsRandom, Random};
use ward_records::Records;
use ward_store::{Chart, Interaction};
use ward_web::system_ctx;

use crate::{
    Failure,
    open::{Holder, Site},
    operator::{Operator, why_of},
};

pub(super) enum Target {
    Chart { chart: Chart, records: Records, random: Arc<dyn Random> },
    Server(Operator),
}

/// What became of one transaction.
pub(super) enum Loaded {
    Now,
    /// An earlier run had loaded it.
    Before,
    Refused(String),
}

/// Times that a busy chart is asked again.
/// LIMIT: with pauses that double from 100 ms, about 13 seconds.
const TRIES_MAX: u32 = 7;

impl Target {
    pub(super) fn open(site: &Site) -> Result<Target, Failure> {
        Ok(match site.holder()? {
            Holder::Chart(chart) => {
                let random: Arc<dyn Random> = Arc::new(OsRandom::default());
                let records = Records::new(chart.clone(), Arc::clone(&random), "urn:ward");
                Target::Chart { chart, records, random }
            }
            Holder::Server(operator) => Target::Server(operator),
        })
    }

    /// Loads one transaction unless its mark says that it was loaded.
    ///
    /// - Errors: when the chart or its server takes nothing more; a refusal is no error.
    /// - Repeat: safe; the mark is made in the transaction's own commit.
    pub(super) async fn load(&self, transaction: Vec<u8>, mark: &str) -> Result<Loaded, Failure> {
        let transaction = Bytes::from(transaction);
        let mut tries = 0;
        loop {
            let (status, answer) = self.try_load(&transaction, mark).await?;
            match status {
                200 => return Ok(Loaded::Now),
                208 => return Ok(Loaded::Before),
                429 | 503 if tries < TRIES_MAX => {
                    tokio::time::sleep(Duration::from_millis(100 << tries)).await;
                    tries += 1;
                }
                // Every later transaction would be told the same.
                401 | 403 | 429 | 503 | 507 => return Err(Failure::Refused(why_of(&answer))),
                _ => return Ok(Loaded::Refused(why_of(&answer))),
            }
        }
    }

    async fn try_load(&self, transaction: &Bytes, mark: &str) -> Result<(u16, Bytes), Failure> {
        match self {
            Target::Chart { records, random, .. } => {
                match records.load(&context(random.as_ref()), transaction, &key_of(mark)?).await {
                    Ok(Some(reply)) => Ok((reply.status, Bytes::new())),
                    Ok(None) => Ok((208, Bytes::new())),
                    Err(error) => Ok((error.status(), error.outcome().into())),
                }
            }
            Target::Server(operator) => {
                let path = format!("/api/imports/{mark}");
                let said = operator.send_again(&Method::PUT, &path, transaction).await?;
                Ok((said.status, said.body))
            }
        }
    }

    pub(super) async fn close(&self) {
        if let Target::Chart { chart, random, .. } = self {
            let act = Interaction::new(AuditAction::Import);
            let cx = context(random.as_ref());
            if let Err(error) = chart.audit(&cx, act, AuditOutcome::Success).await {
                tracing::error!(%error, "import not audited");
            }
            chart.clone().close(ward_web::now()).await;
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
