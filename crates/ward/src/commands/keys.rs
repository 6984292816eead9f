//! `ward keys`.

use std::process::ExitCode;

use ward_crypto::OsRandom;
use ward_web::system_ctx;

use super::say;
use crate::{Failure, open::Place};

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
        patient: String,
    },
}

pub async fn run(command: KeysCommand) -> Result<ExitCode, Failure> {
    let cx = system_ctx(ward_web::now(), &OsRandom::default(), "command line");
    match command {
        KeysCommand::Rotate { place } => {
            let chart = place.open()?;
            let rotated = chart.rotate_keys(&cx).await?;
            chart.close(ward_web::now()).await;
            say(&format!(
                "tenant key version {}; {} keys wrapped anew",
                rotated.tenant_version, rotated.n_keys
            ))?;
        }
        KeysCommand::Shred { place, patient } => {
            let id =
                patient.parse().map_err(|_| Failure::Usage("--patient is not an id".to_owned()))?;
            let chart = place.open()?;
            let shredded = chart.shred(&cx, &id).await?;
            chart.close(ward_web::now()).await;
            if !shredded.had_key {
                say("there is no such patient's key")?;
                return Ok(ExitCode::FAILURE);
            }
            say(&format!("key destroyed; {} records can no longer be read", shredded.n_records))?;
        }
    }
    Ok(ExitCode::SUCCESS)
}
