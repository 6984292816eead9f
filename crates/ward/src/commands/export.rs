//! `ward export`.

use std::{collections::BTreeMap, fs, io::Write, path::PathBuf, process::ExitCode};

use ward_core::{AuditAction, AuditOutcome, ResourceType};
use ward_crypto::OsRandom;
use ward_store::{Filter, Interaction, Part, Query};
use ward_web::system_ctx;

use super::say;
use crate::{Failure, open::Place};

/// Writes every resource as NDJSON, one file per type.
#[derive(clap::Args, Debug)]
pub struct ExportArgs {
    #[command(flatten)]
    place: Place,
    /// Folder for the files. What is written there is readable: protect it.
    #[arg(long)]
    out: PathBuf,
}

/// Resources read at a time.
const STEP: usize = 1_000;

pub async fn run(args: ExportArgs) -> Result<ExitCode, Failure> {
    let failed = |e| Failure::Io("writing the export", e);
    let cx = system_ctx(ward_web::now(), &OsRandom::default(), "command line");
    let chart = args.place.open()?;
    fs::create_dir_all(&args.out).map_err(failed)?;
    let mut counts: BTreeMap<&str, u64> = BTreeMap::new();
    for kind in ResourceType::fhir() {
        let mut file = None;
        let mut after = None;
        loop {
            let act = Interaction::of(AuditAction::Export, kind);
            let reader = chart.reader(&cx, act);
            let query = Query {
                parts: vec![Part { kind, filter: Filter::All(Vec::new()) }],
                patient: None,
                sort: Vec::new(),
                count: STEP,
                after,
                total: false,
            };
            let found = reader.search(&query).map_err(ward_records::RecordsError::from)?;
            if found.hits.is_empty() && file.is_none() {
                // A type without resources has nothing to audit but the look.
                reader.finish(AuditOutcome::Success).await?;
                break;
            }
            for hit in &found.hits {
                let stored = reader.fetch(hit)?;
                let out = match &mut file {
                    Some(out) => out,
                    None => {
                        let path = args.out.join(format!("{kind}.ndjson"));
                        let made = fs::File::create(path).map_err(failed)?;
                        file.insert(std::io::BufWriter::new(made))
                    }
                };
                out.write_all(&stored.body).and_then(|()| out.write_all(b"\n")).map_err(failed)?;
                *counts.entry(kind.name()).or_default() += 1;
            }
            reader.finish(AuditOutcome::Success).await?;
            match found.next {
                Some(next) => after = Some(next),
                None => break,
            }
        }
        if let Some(mut out) = file {
            out.flush().map_err(failed)?;
        }
    }
    chart.close(ward_web::now()).await;
    say(&serde_json::to_string(&serde_json::json!({ "resources": counts }))?)?;
    Ok(ExitCode::SUCCESS)
}
