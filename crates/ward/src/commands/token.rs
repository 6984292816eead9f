//! `ward token`.

use std::{
    fs::OpenOptions, io::Write, os::unix::fs::OpenOptionsExt, path::PathBuf, process::ExitCode,
};

use ward_core::Role;
use ward_crypto::OsRandom;
use ward_web::{NewToken, system_ctx, tokens};

use super::say;
use crate::{Failure, open::Place};

#[derive(clap::Subcommand, Debug)]
pub enum TokenCommand {
    /// Makes a bearer token; its text is shown here and nowhere else.
    Create {
        #[command(flatten)]
        place: Place,
        /// What its holder is: physician, nurse, pharmacist, registrar, radiographer, billing,
        /// integration, auditor, administrator.
        #[arg(long)]
        role: String,
        /// What it is for.
        #[arg(long, default_value = "")]
        label: String,
        /// When it ends, such as 2027-01-01T00:00:00Z.
        #[arg(long)]
        expires: Option<String>,
        /// File for the token, made with mode 0600; standard output if absent.
        #[arg(long)]
        out: Option<PathBuf>,
    },
    /// Ends a token.
    Revoke {
        #[command(flatten)]
        place: Place,
        /// SHA-256 of the token in hex, or the token itself.
        token: String,
    },
}

pub async fn run(command: TokenCommand) -> Result<ExitCode, Failure> {
    let random = OsRandom::default();
    let cx = system_ctx(ward_web::now(), &random, "command line");
    match command {
        TokenCommand::Create { place, role, label, expires, out } => {
            let role = Role::from_word(&role)
                .ok_or_else(|| Failure::Usage(format!("`{role}` is not a role")))?;
            let expires = expires.map(|time| time.parse()).transpose();
            let expires =
                expires.map_err(|_| Failure::Usage("--expires is not an instant".to_owned()))?;
            let chart = place.open()?;
            let token =
                tokens::create(&chart, &cx, &random, NewToken { role, label, expires }).await?;
            chart.close(ward_web::now()).await;
            match out {
                None => say(&token)?,
                Some(path) => {
                    let written = OpenOptions::new()
                        .write(true)
                        .create(true)
                        .truncate(true)
                        .mode(0o600)
                        .open(&path)
                        .and_then(|mut file| file.write_all(token.as_bytes()));
                    written.map_err(|e| Failure::Io("writing the token file", e))?;
                }
            }
        }
        TokenCommand::Revoke { place, token } => {
            let id = if token.starts_with("ward_") {
                let digest = ward_crypto::password::token_digest(&token);
                digest.iter().map(|byte| format!("{byte:02x}")).collect()
            } else {
                token
            };
            let id = id.parse().map_err(|_| Failure::Usage("not a token".to_owned()))?;
            let chart = place.open()?;
            tokens::revoke(&chart, &cx, &id).await?;
            chart.close(ward_web::now()).await;
        }
    }
    Ok(ExitCode::SUCCESS)
}
