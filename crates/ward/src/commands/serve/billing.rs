//! Who pays: Claims are followed, payers asked, and admissions told what was decided.

use std::{sync::Arc, time::Duration};

use ward_billing::{Billing, Follower, Settings};
use ward_crypto::OsRandom;
use ward_records::Records;
use ward_store::{
    Write,
    workflow::{Engine, EngineError},
};
use ward_web::system_ctx;

use super::payers::PayerServers;
use crate::{Failure, config::BillingSection};

/// How often the chart and the queue are looked at.
/// LIMIT: what the plan table decides is on the admission within a second.
const LOOK: Duration = Duration::from_millis(200);

/// How often the folders of partners are looked at.
/// LIMIT: a file is taken within a second or two of its coming.
const LOOK_FOLDERS: Duration = Duration::from_secs(1);

/// How long everything rests when the chart cannot be read.
const REST_BAD: Duration = Duration::from_secs(5);

/// How many ask at once, so that one slow payer does not hold up the others.
pub const ASKERS: usize = 4;

/// The step of an admission that waits for a payer.
const STEP: &str = "authorize-stay";

pub fn open(records: &Records, config: &BillingSection, base: &str) -> Result<Billing, Failure> {
    let (plans, payers) = (config.plans.as_deref(), config.payers.as_deref());
    let settings = Settings::read(plans, payers, config.simulated_payer)?;
    let wire = PayerServers::open(&settings)?;
    if settings.simulated {
        tracing::warn!("a simulated payer decides");
    }
    let heard = records.clone();
    Ok(Billing::new(
        records.chart().clone(),
        base,
        settings,
        wire,
        (Arc::new(ward_web::now), Arc::new(move |writes: &[Write]| heard.heard(writes))),
    ))
}

/// Follows Claims as they come into the chart.
pub async fn following(billing: Billing) {
    let Ok(mut follower) = Follower::new(billing) else { return };
    loop {
        match follower.round().await {
            Ok(followed) if followed.has_more => {}
            Ok(_) => tokio::time::sleep(LOOK).await,
            Err(error) => {
                tracing::error!(%error, "claims not followed");
                tokio::time::sleep(REST_BAD).await;
            }
        }
    }
}

/// Asks payers.
pub async fn asking(billing: Billing) {
    loop {
        let rest = match billing.ask().await {
            Ok(_) => LOOK,
            Err(error) => {
                tracing::error!(%error, "payers not asked");
                REST_BAD
            }
        };
        tokio::time::sleep(rest).await;
    }
}

/// Takes files of partners, and puts files out for them.
pub async fn exchanging(billing: Billing) {
    if billing.settings().payers.by_x12().next().is_none() {
        return;
    }
    loop {
        billing.exchange().await;
        tokio::time::sleep(LOOK_FOLDERS).await;
    }
}

/// Tells admissions what was decided: the two services meet here, by the queue.
pub async fn telling(billing: Billing, engine: Engine) {
    loop {
        let rest = match tell(&billing, &engine).await {
            Ok(()) => LOOK,
            Err(error) => {
                tracing::error!(%error, "admissions not told");
                REST_BAD
            }
        };
        tokio::time::sleep(rest).await;
    }
}

async fn tell(billing: &Billing, engine: &Engine) -> Result<(), ward_billing::BillingError> {
    for decided in billing.decisions().await? {
        let cx = system_ctx(ward_web::now(), &OsRandom::default(), "billing");
        let data = vec![
            ("decision", Some(decided.verdict.as_str().to_owned())),
            ("decisionReference", decided.reference.clone()),
            ("decisionOrigin", Some(decided.origin.code().to_owned())),
        ];
        match engine.signal(&cx, &decided.admission, STEP, data).await {
            // Somebody else decided meanwhile, or it was taken back.
            Ok(_) | Err(EngineError::Over | EngineError::NotFound) => {
                billing.told(&decided).await?
            }
            Err(error) => {
                tracing::warn!(%error, "an admission is told again later");
                billing.tell_later(&decided).await?;
            }
        }
    }
    Ok(())
}
