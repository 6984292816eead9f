//! `ward import`.

#![expect(
    clippy::indexing_slicing,
    reason = "an absent member of a serde_json value reads as null"
)]

mod source;
mod target;

use std::{collections::BTreeMap, path::PathBuf, process::ExitCode, time::Instant};

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};
use serde::Serialize;

use self::{
    source::{Batch, SourceFile},
    target::Target,
};
use super::say;
use crate::{Failure, open::Place};

/// Loads transaction bundles and NDJSON into the chart, also while it is being served.
///
/// What a broken-off import has loaded is skipped when it is run again.
#[derive(clap::Args, Debug)]
pub struct ImportArgs {
    #[command(flatten)]
    place: Place,
    /// Prints the summary as one line of JSON.
    #[arg(long)]
    json: bool,
    /// Files and folders: bundles as `.json`, resources one per line as `.ndjson`.
    #[arg(required = true)]
    paths: Vec<PathBuf>,
}

/// What an import did.
#[derive(Default, Serialize)]
struct Summary {
    resources: BTreeMap<String, u64>,
    refused: Vec<Refused>,
    /// Batches that an earlier run had loaded.
    skipped: u64,
    seconds: f64,
}

#[derive(Serialize)]
struct Refused {
    /// Position of the file among those given; a file's name may name a patient.
    file: usize,
    line: usize,
    why: String,
}

/// Refusals told one by one.
/// LIMIT: a screenful; the count goes on.
const TOLD_MAX: usize = 100;

pub async fn run(args: ImportArgs) -> Result<ExitCode, Failure> {
    let started = Instant::now();
    let files = source::files_of(&args.paths)?;
    let target = Target::open(&args.place).await?;
    let bar = progress(files.iter().map(|file| file.bytes).sum());
    let mut summary = Summary::default();
    let mut n_refused = 0u64;
    for (at, file) in files.iter().enumerate() {
        let mut batches = file.open()?;
        while let Some(batch) = batches.next_batch()? {
            let outcome = load(&target, file, &batch).await?;
            bar.inc(batch.bytes);
            match outcome {
                Loaded::Before => summary.skipped += 1,
                Loaded::Now => {
                    for kind in &batch.kinds {
                        *summary.resources.entry(kind.clone()).or_default() += 1;
                    }
                }
                Loaded::Refused(why) => {
                    n_refused += 1;
                    if summary.refused.len() < TOLD_MAX {
                        summary.refused.push(Refused { file: at + 1, line: batch.line, why });
                    }
                }
            }
        }
    }
    bar.finish_and_clear();
    target.close().await;
    summary.seconds = started.elapsed().as_secs_f64();
    if args.json {
        say(&serde_json::to_string(&summary)?)?;
    } else {
        for (kind, n) in &summary.resources {
            say(&format!("{n:>9}  {kind}"))?;
        }
        let n: u64 = summary.resources.values().sum();
        say(&format!("{n:>9}  in all, in {:.1} s", summary.seconds))?;
        if summary.skipped != 0 {
            say(&format!("{:>9}  batches had been loaded before", summary.skipped))?;
        }
        for Refused { file, line, why } in &summary.refused {
            say(&format!("refused: file {file}, line {line}: {why}"))?;
        }
    }
    Ok(if n_refused == 0 { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

enum Loaded {
    Now,
    Before,
    Refused(String),
}

async fn load(target: &Target, file: &SourceFile, batch: &Batch) -> Result<Loaded, Failure> {
    let bundle = match &batch.bundle {
        Err(why) => return Ok(Loaded::Refused(why.clone())),
        Ok(bundle) => bundle,
    };
    let mark = source::mark_of(bundle, file, batch);
    if target.was_loaded(&mark).await? {
        return Ok(Loaded::Before);
    }
    let (status, answer) = target.post(bundle).await?;
    if status != 200 {
        return Ok(Loaded::Refused(why_of(&answer)));
    }
    target.set_loaded(&mark).await?;
    Ok(Loaded::Now)
}

/// What an OperationOutcome says, on one line.
fn why_of(answer: &[u8]) -> String {
    let Ok(outcome) = serde_json::from_slice::<serde_json::Value>(answer) else {
        return "no reason was given".to_owned();
    };
    let issues = outcome["issue"].as_array().into_iter().flatten();
    let lines = issues.filter(|issue| issue["severity"] != "warning").map(|issue| {
        let place = issue["expression"][0].as_str().unwrap_or_default();
        format!("{place} {}", issue["diagnostics"].as_str().unwrap_or_default())
    });
    lines.take(3).collect::<Vec<_>>().join("; ")
}

fn progress(n_bytes: u64) -> ProgressBar {
    let bar = ProgressBar::with_draw_target(Some(n_bytes), ProgressDrawTarget::stderr_with_hz(5));
    let style = ProgressStyle::with_template("{bar:40} {bytes}/{total_bytes} {eta}");
    match style {
        Ok(style) => bar.with_style(style),
        Err(_) => bar,
    }
}
