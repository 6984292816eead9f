//! `ward hl7 convert`.

use std::{io::Write, path::PathBuf, process::ExitCode};

use ward_hl7::{Message, ReadSettings, Severity};
use ward_interop::convert::bundle;

use super::files;
use crate::{Failure, commands::maps};

/// Converts messages to FHIR: one bundle for each, a line each, on standard output. Needs no chart.
#[derive(clap::Args, Debug)]
pub struct ConvertArgs {
    /// Files of messages; `-` is standard input.
    #[arg(required = true)]
    files: Vec<PathBuf>,
    /// File with what the site adds to the maps.
    #[arg(long)]
    maps: Option<PathBuf>,
    /// Say on standard error which row of the maps each value is from.
    #[arg(long)]
    explain: bool,
}

pub fn run(args: &ConvertArgs) -> Result<ExitCode, Failure> {
    let failed = |e| Failure::Io("writing to standard output", e);
    let converter = maps::converter(args.maps.as_deref())?;
    let mut out = std::io::BufWriter::new(std::io::stdout().lock());
    let mut good = true;
    for (place, bytes) in files::messages(&args.files)? {
        let (message, mut problems) = Message::read(&bytes, &ReadSettings::default());
        let converted = message.as_ref().map(|it| converter.to_fhir(it, ward_web::now()));
        if let Some(converted) = &converted {
            problems.extend_from_slice(&converted.problems);
            out.write_all(&bundle(converted).to_bytes()).map_err(failed)?;
            out.write_all(b"\n").map_err(failed)?;
            if args.explain {
                for draft in &converted.resources {
                    for (path, row) in &draft.rows {
                        eprintln!("{place}: {}.{path} <- {row}", draft.kind);
                    }
                }
            }
        }
        for problem in problems.iter().filter(|it| Severity::Warning <= it.severity) {
            eprintln!(
                "{place}: {} {} at {}: {}",
                problem.severity.code(),
                problem.kind.word(),
                problem.at,
                problem.kind.text()
            );
        }
        good &= converted.is_some() && problems.iter().all(|it| it.severity < Severity::Error);
    }
    out.flush().map_err(failed)?;
    Ok(if good { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}
