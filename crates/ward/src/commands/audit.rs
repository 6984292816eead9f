//! `ward audit`.

use std::{path::PathBuf, process::ExitCode};

use hyper::Method;
use serde_json::Value;
use ward_core::FhirId;
use ward_crypto::OsRandom;
use ward_store::{AuditFilter, verify};
use ward_web::{AuditLine, system_ctx};

use super::say;
use crate::{
    Failure,
    open::{Holder, Place},
    operator::unexpected,
};

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
    /// Shows entries, newest first; works beside a running server.
    List {
        #[command(flatten)]
        place: Place,
        /// Only what showed or wrote this patient's records.
        #[arg(long)]
        patient: Option<FhirId>,
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
            list(place.holder()?, patient, limit).await?;
            Ok(ExitCode::SUCCESS)
        }
    }
}

/// Says `limit` entries, page after page.
async fn list(holder: Holder, patient: Option<FhirId>, limit: usize) -> Result<(), Failure> {
    let mut left = limit;
    let mut before = None;
    loop {
        let (lines, next) = match &holder {
            Holder::Chart(chart) => {
                let cx = system_ctx(ward_web::now(), &OsRandom::default(), "command line");
                let patient = patient.clone();
                let filter = AuditFilter { patient, limit: left, before, ..AuditFilter::default() };
                let page = chart.audit_entries(&cx, &filter).await?;
                (page.entries.iter().map(AuditLine::from).collect::<Vec<_>>(), page.next)
            }
            Holder::Server(server) => {
                let mut path = format!("/api/audit?limit={left}");
                path.extend(patient.iter().map(|id| format!("&patient={id}")));
                path.extend(before.iter().map(|n| format!("&before={n}")));
                let mut said = server.json(Method::GET, &path, &Value::Null).await?;
                let next = said.get("next").and_then(Value::as_u64);
                let lines = said.get_mut("entries").map(Value::take).ok_or_else(unexpected)?;
                (serde_json::from_value(lines)?, next)
            }
        };
        for line in &lines {
            say(&text_of(line))?;
        }
        left = left.saturating_sub(lines.len());
        before = next;
        if left == 0 || before.is_none() {
            break;
        }
    }
    if let Holder::Chart(chart) = holder {
        chart.close(ward_web::now()).await;
    }
    Ok(())
}

fn text_of(line: &AuditLine) -> String {
    format!(
        "{} {} {} outcome={} role={} purpose={} actor={} {}",
        line.n,
        line.time,
        line.action,
        line.outcome,
        line.role,
        line.purpose,
        line.actor,
        line.target.as_deref().unwrap_or_default()
    )
}
