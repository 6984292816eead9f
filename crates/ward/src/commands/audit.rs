//! `ward audit`.

use std::{path::PathBuf, process::ExitCode};

use ward_crypto::OsRandom;
use ward_store::{AuditFilter, verify};
use ward_web::system_ctx;

use super::say;
use crate::{Failure, open::Place};

#[derive(clap::Subcommand, Debug)]
pub enum AuditCommand {
    /// Proves that nothing was edited, deleted, reordered or put back; works beside a running
    /// server.
    Verify {
        #[command(flatten)]
        place: Place,
        /// File or folder with signed checkpoints kept outside; the configured ones if absent.
        #[arg(long)]
        checkpoint: Option<PathBuf>,
    },
    /// Shows entries, newest first.
    List {
        #[command(flatten)]
        place: Place,
        /// Only what showed or wrote this patient's records.
        #[arg(long)]
        patient: Option<String>,
        #[arg(long, default_value_t = 50)]
        limit: usize,
    },
}

pub async fn run(command: AuditCommand) -> Result<ExitCode, Failure> {
    match command {
        AuditCommand::Verify { place, checkpoint } => {
            let site = place.site()?;
            let root = site.root()?;
            let anchor = match checkpoint {
                // One that is named has to be there.
                Some(named) => Some(named),
                // The farther away, the better it proves.
                None => site.anchors().into_iter().rev().map(|it| it.1).find(|it| it.exists()),
            };
            let report = verify(&site.data(), root.as_ref(), anchor.as_deref())?;
            say(&format!(
                "{} entries, {} record versions, {} checkpoints inside, {} outside",
                report.n_entries, report.n_versions, report.n_checkpoints, report.n_anchored
            ))?;
            if anchor.is_none() {
                say("no checkpoint from outside: a database put back whole cannot be told")?;
            }
            for finding in &report.findings {
                say(&format!("WRONG: {finding:?}"))?;
            }
            say(if report.is_good() { "the log is whole" } else { "the log is NOT whole" })?;
            Ok(if report.is_good() { ExitCode::SUCCESS } else { ExitCode::FAILURE })
        }
        AuditCommand::List { place, patient, limit } => {
            let cx = system_ctx(ward_web::now(), &OsRandom::default(), "command line");
            let patient = patient.map(|id| id.parse()).transpose();
            let patient =
                patient.map_err(|_| Failure::Usage("--patient is not an id".to_owned()))?;
            let chart = place.open()?;
            let filter = AuditFilter { patient, limit, ..AuditFilter::default() };
            let page = chart.audit_entries(&cx, &filter).await?;
            for entry in &page.entries {
                let target = entry.target.as_ref().map_or(String::new(), ToString::to_string);
                say(&format!(
                    "{} {} {} outcome={} role={} purpose={} actor={} {target}",
                    entry.n,
                    entry.time,
                    entry.action,
                    entry.outcome,
                    entry.role,
                    entry.purpose,
                    entry.actor.id
                ))?;
            }
            chart.close(ward_web::now()).await;
            Ok(ExitCode::SUCCESS)
        }
    }
}
