//! `ward keys`.

use std::process::ExitCode;

use hyper::Method;
use serde_json::Value;
use ward_core::FhirId;
use ward_crypto::OsRandom;
use ward_web::system_ctx;

use super::say;
use crate::{
    Failure,
    open::{Holder, Place},
    operator::unexpected,
};

#[derive(clap::Subcommand, Debug)]
pub enum KeysCommand {
    /// Makes a new tenant key and wraps every patient's key under it; no record is touched.
    Rotate {
        #[command(flatten)]
        place: Place,
    },
    /// Destroys a patient's key, and with it everything sealed under it, for good.
    Shred {
        #[command(flatten)]
        place: Place,
        /// Logical id of the Patient.
        #[arg(long)]
        patient: FhirId,
    },
}

pub async fn run(command: KeysCommand) -> Result<ExitCode, Failure> {
    match command {
        KeysCommand::Rotate { place } => {
            let (version, n_keys) = rotate(place.holder()?).await?;
            say(&format!("tenant key version {version}; {n_keys} keys wrapped anew"))?;
        }
        KeysCommand::Shred { place, patient } => match shred(place.holder()?, &patient).await? {
            None => {
                say("there is no such patient's key")?;
                return Ok(ExitCode::FAILURE);
            }
            Some(n) => say(&format!("key destroyed; {n} records can no longer be read"))?,
        },
    }
    Ok(ExitCode::SUCCESS)
}

async fn rotate(holder: Holder) -> Result<(u64, u64), Failure> {
    match holder {
        Holder::Chart(chart) => {
            let cx = system_ctx(ward_web::now(), &OsRandom::default(), "command line");
            let rotated = chart.rotate_keys(&cx).await?;
            chart.close(ward_web::now()).await;
            Ok((u64::from(rotated.tenant_version), rotated.n_keys))
        }
        Holder::Server(server) => {
            let said = server.json(Method::POST, "/api/keys/rotate", &Value::Null).await?;
            Ok((number(&said, "tenantVersion")?, number(&said, "keys")?))
        }
    }
}

/// How many records went with the key; `None` when there was none.
async fn shred(holder: Holder, patient: &FhirId) -> Result<Option<u64>, Failure> {
    match holder {
        Holder::Chart(chart) => {
            let cx = system_ctx(ward_web::now(), &OsRandom::default(), "command line");
            let shredded = chart.shred(&cx, patient).await?;
            chart.close(ward_web::now()).await;
            Ok(shredded.had_key.then_some(shredded.n_records))
        }
        Holder::Server(server) => {
            let path = format!("/api/keys/{patient}");
            let said = server.json(Method::DELETE, &path, &Value::Null).await?;
            let had_key = said.get("hadKey").and_then(Value::as_bool).ok_or_else(unexpected)?;
            Ok(if had_key { Some(number(&said, "records")?) } else { None })
        }
    }
}

fn number(said: &Value, name: &str) -> Result<u64, Failure> {
    said.get(name).and_then(Value::as_u64).ok_or_else(unexpected)
}
