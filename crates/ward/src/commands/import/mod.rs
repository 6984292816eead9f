//! `ward import`.

mod bundle;
mod cut;
mod flow;
mod lines;
mod piece;
mod source;
mod summary;
mod target;

use std::{path::PathBuf, process::ExitCode, sync::Arc};

use self::{flow::Flow, summary::Summary, target::Target};
use super::say;
use crate::{Failure, open::Place};

/// Loads bundles and NDJSON into the chart, also while it is being served.
///
/// What a broken-off import has loaded is skipped when it is run again. A transaction is loaded
/// whole or not at all; of NDJSON, a resource that is refused takes no other with it.
#[derive(clap::Args, Debug)]
pub struct ImportArgs {
    #[command(flatten)]
    place: Place,
    /// Prints the summary as one line of JSON.
    #[arg(long)]
    json: bool,
    /// Names the files in refusals instead of numbering them; a name may name a patient.
    #[arg(long)]
    show_names: bool,
    /// Files and folders: bundles as `.json`, resources one per line as `.ndjson`.
    #[arg(required = true)]
    paths: Vec<PathBuf>,
}

pub async fn run(args: ImportArgs) -> Result<ExitCode, Failure> {
    let files = source::files_of(&args.paths)?;
    let site = args.place.site()?;
    let limits = &site.settings.config.import;
    let target = Arc::new(Target::open(&site)?);
    let mut summary = Summary::new(&files, args.show_names);
    let pieces = cut::start(files, limits.ahead_bytes.get())
        .map_err(|e| Failure::Io("starting to read", e))?;
    let outcome = Flow::new(Arc::clone(&target), &mut summary, limits.under_way).run(pieces).await;
    target.close().await;
    summary.end();
    if args.json {
        say(&serde_json::to_string(&summary)?)?;
    } else {
        for line in summary.lines() {
            say(&line)?;
        }
    }
    outcome?;
    Ok(if summary.n_refused() == 0 { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}
