//! Stays: what goes on with admissions that wait.

use std::{sync::Arc, time::Duration};

use ward_clinical::{
    admission::{Admission, wake},
    beds::{Beds, LoadError},
    figures::HouseFigures,
    follow::Follower,
};
use ward_core::{RecordKey, ResourceType};
use ward_crypto::{OsRandom, Random};
use ward_records::Records;
use ward_store::{Write, workflow::Engine};
use ward_web::{Stays, system_ctx};

use crate::Failure;

/// How often the chart is looked at for stays that others tell of.
/// LIMIT: what comes by a message is on the board within a fraction of a second.
const LOOK: Duration = Duration::from_millis(200);

/// How long a follower rests when the chart cannot be read.
const REST_BAD: Duration = Duration::from_secs(5);

/// How often the queue is looked at for admissions whose time has come.
const REST: Duration = Duration::from_secs(1);

/// Reads the beds.
pub async fn open(records: &Records, random: &dyn Random, base: &str) -> Result<Stays, Failure> {
    let chart = records.chart();
    let beds = Beds::load(chart, &system_ctx(ward_web::now(), random, "start")).await;
    let beds = beds.map_err(failed)?;
    let cx = system_ctx(ward_web::now(), random, "start");
    let figures = Arc::new(HouseFigures::load(chart, &cx).await.map_err(failed)?);
    let (hears, heard, counts) = (beds.clone(), records.clone(), Arc::clone(&figures));
    let engine = Engine::new(
        chart.clone(),
        vec![Admission::new(beds.clone()), Arc::new(ward_pharmacy::order::Flow)],
        base,
        (
            Arc::new(ward_web::now),
            Arc::new(move |writes: &[Write]| {
                hears.heard(writes);
                counts.heard(writes);
                heard.heard(writes);
            }),
        ),
        None,
    );
    Ok(Stays { engine, beds, figures })
}

fn failed(error: LoadError) -> Failure {
    match error {
        LoadError::Read(error) => Failure::Read(error),
        LoadError::Commit(error) => Failure::Commit(error),
    }
}

/// Puts the plans that Ward comes with into the chart, once: what a hospital makes of them stays.
///
/// - Audit: `transaction`, by Ward itself, at the first start.
pub async fn plans(records: &Records, random: &dyn Random) {
    let Ok(mark) = "house-plans-1".parse() else { return };
    let mark = RecordKey::new(ResourceType::IMPORT, mark);
    let cx = system_ctx(ward_web::now(), random, "plans");
    let bundle = ward_clinical::plan::house_bundle().to_string();
    if let Err(error) = records.load(&cx, bundle.as_bytes(), &mark).await {
        // Nobody is kept from the chart by it: admissions know these plans without their records.
        tracing::warn!(%error, "plans not written");
    }
}

/// Goes on with admissions that were broken off, or whose time has come.
pub async fn working(stays: Stays) {
    loop {
        if let Err(error) = stays.engine.work().await {
            tracing::error!(%error, "admissions not gone on with");
        }
        tokio::time::sleep(REST).await;
    }
}

/// Follows what interfaces and clients write of stays.
pub async fn following(stays: Stays) {
    let Ok(mut follower) = Follower::new(stays.engine.clone()) else {
        return;
    };
    loop {
        match follower.round().await {
            Ok(followed) => {
                if followed.has_freed {
                    let cx = system_ctx(ward_web::now(), &OsRandom::default(), "stays");
                    if let Err(error) = wake(&stays.engine, &cx).await {
                        tracing::warn!(%error, "who waits for a bed looks again later");
                    }
                }
                if !followed.has_more {
                    tokio::time::sleep(LOOK).await;
                }
            }
            Err(error) => {
                tracing::error!(%error, "stays not followed");
                tokio::time::sleep(REST_BAD).await;
            }
        }
    }
}
