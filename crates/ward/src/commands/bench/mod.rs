//! `ward bench`: what Ward does on this machine, beside what the machine can do at best.
//!
//! Every figure comes from a real `ward serve` process on a fresh data folder, over loopback
//! sockets, with durable commits and every read audited. The client's cost is included.

mod cases;
mod client;
mod disturbed;
mod hl7;
mod load;
mod meds;
mod server;

use std::{fmt::Write as _, io, path::PathBuf};

use serde::Serialize;

/// Measures transaction import, durable writes, reads and searches, and prints a table.
#[derive(clap::Args, Debug)]
pub struct BenchArgs {
    /// Resources to import before reads and searches are measured.
    #[arg(long, default_value_t = 200_000)]
    resources: u32,
    /// Folder of transaction bundles to import again and again; the simulated population if absent.
    #[arg(long)]
    bundles: Option<PathBuf>,
    /// Tell each simulated patient in about ten resources, so that there are more patients.
    #[arg(long, conflicts_with = "bundles")]
    small: bool,
    /// Requests of each read, search and write case.
    #[arg(long, default_value_t = 20_000)]
    requests: u32,
    /// Measure durable acknowledgments of HL7 v2 messages instead.
    #[arg(long, conflicts_with_all = ["bundles", "small"])]
    hl7: bool,
    /// Measure orders of medication, checked, signed and verified, instead.
    #[arg(long, conflicts_with_all = ["bundles", "small", "hl7"])]
    meds: bool,
    /// Where the data goes; must be on the disk in question. A temporary folder if absent.
    #[arg(long)]
    folder: Option<PathBuf>,
    /// File for the figures as JSON.
    #[arg(long)]
    json: Option<PathBuf>,
}

#[derive(Debug, thiserror::Error)]
pub enum BenchError {
    #[error("input or output failed")]
    Io(#[source] io::Error),
    #[error("the server did not start")]
    NoServer,
    #[error("HTTP failed")]
    Http(#[from] hyper::Error),
    #[error("a request could not be made")]
    Request(#[from] hyper::http::Error),
    #[error("a task ended early")]
    Task(#[from] tokio::task::JoinError),
    #[error("the engines could not be probed")]
    Probe(#[from] ward_store::probe::ProbeError),
    #[error("an answer could not be read: {0}")]
    Answer(&'static str),
    #[error("the figures could not be written")]
    Json(#[from] serde_json::Error),
}

/// One line of the table.
#[derive(Clone, Debug, Serialize)]
pub(crate) struct Figure {
    /// What was measured.
    name: String,
    value: f64,
    unit: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    p50_ms: Option<f64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    p99_ms: Option<f64>,
    /// Requests that did not succeed; a figure with any is not a figure.
    n_failed: usize,
    #[serde(skip_serializing_if = "Option::is_none")]
    goal: Option<f64>,
}

pub async fn run(args: BenchArgs) -> Result<(), BenchError> {
    let kept;
    let folder = match &args.folder {
        Some(folder) => folder.clone(),
        None => {
            kept = tempfile::tempdir().map_err(BenchError::Io)?;
            kept.path().to_owned()
        }
    };
    std::fs::create_dir_all(&folder).map_err(BenchError::Io)?;
    let figures = match (args.hl7, args.meds) {
        (true, _) => hl7::all(&args, &folder).await?,
        (_, true) => meds::all(&args, &folder).await?,
        (false, false) => cases::all(&args, &folder).await?,
    };
    let table = table_of(&figures);
    let mut out = io::stdout().lock();
    io::Write::write_all(&mut out, table.as_bytes()).map_err(BenchError::Io)?;
    if let Some(path) = &args.json {
        std::fs::write(path, serde_json::to_vec_pretty(&figures)?).map_err(BenchError::Io)?;
    }
    Ok(())
}

fn table_of(figures: &[Figure]) -> String {
    let mut table = String::from(
        "| what | figure | p50 ms | p99 ms | failed | goal |\n|---|---|---|---|---|---|\n",
    );
    let ms = |it: Option<f64>| it.map_or(String::new(), |ms| format!("{ms:.2}"));
    for figure in figures {
        let value = if figure.value < 100.0 {
            format!("{:.2}", figure.value)
        } else {
            format!("{:.0}", figure.value)
        };
        // Writing to a String cannot fail.
        let _ok = writeln!(
            table,
            "| {} | {value} {} | {} | {} | {} | {} |",
            figure.name,
            figure.unit,
            ms(figure.p50_ms),
            ms(figure.p99_ms),
            figure.n_failed,
            figure.goal.map_or(String::new(), |goal| format!("{goal}")),
        );
    }
    table
}
