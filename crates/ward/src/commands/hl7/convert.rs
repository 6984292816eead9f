//! `ward hl7 convert`.

use std::{io::Write, path::PathBuf, process::ExitCode};

use ward_fhir::Json;
use ward_hl7::{Message, ReadSettings, Severity};
use ward_interop::{
    convert::{Converter, bundle},
    to_v2::{Event, Header},
};

use super::files;
use crate::{Failure, commands::maps};

/// Converts messages to FHIR: one bundle for each, a line each, on standard output. With `--to-v2`
/// the reverse: bundles, one a line or one a file, to messages. Needs no chart.
#[derive(clap::Args, Debug)]
pub struct ConvertArgs {
    /// Files of messages; `-` is standard input.
    #[arg(required = true)]
    files: Vec<PathBuf>,
    /// File with what the site adds to the maps.
    #[arg(long)]
    maps: Option<PathBuf>,
    /// Clock of times without an offset, such as `Europe/Vienna`; UTC if absent.
    #[arg(long)]
    zone: Option<String>,
    /// Say on standard error which row of the maps each value is from.
    #[arg(long)]
    explain: bool,
    /// From FHIR to v2: the files are bundles or resources, in JSON or NDJSON.
    #[arg(long)]
    to_v2: bool,
    /// With `--to-v2`: type and event of the messages, such as `ADT^A01`, where the bundle does not
    /// say them or says others.
    #[arg(long, requires = "to_v2", value_parser = event)]
    event: Option<Event>,
}

fn event(text: &str) -> Result<Event, String> {
    Event::parse(text).ok_or_else(|| "a type and an event, such as ADT^A01".to_owned())
}

pub fn run(args: &ConvertArgs) -> Result<ExitCode, Failure> {
    let failed = |e| Failure::Io("writing to standard output", e);
    let converter = maps::converter(args.maps.as_deref(), args.zone.as_deref())?;
    if args.to_v2 {
        return to_v2(args, &converter);
    }
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
                    for (path, row) in draft.rows.iter() {
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

/// Messages on standard output, each line ended by CR as the standard asks, with an empty line
/// between two messages.
fn to_v2(args: &ConvertArgs, converter: &Converter) -> Result<ExitCode, Failure> {
    let failed = |e| Failure::Io("writing to standard output", e);
    let mut out = std::io::BufWriter::new(std::io::stdout().lock());
    let header = Header { event: args.event.clone(), ..Header::default() };
    let mut good = true;
    for (place, bytes) in files::documents(&args.files)? {
        let json = match Json::parse(&bytes) {
            Ok(json) => json,
            Err(error) => {
                eprintln!("{place}: not JSON: {error}");
                good = false;
                continue;
            }
        };
        match converter.to_v2(&json, &header, ward_web::now()) {
            Ok(written) => {
                out.write_all(&written.bytes).map_err(failed)?;
                out.write_all(b"\n").map_err(failed)?;
                for (segment, rows) in written.rows.iter().filter(|_| args.explain) {
                    for row in rows {
                        eprintln!("{place}: {segment} <- {row}");
                    }
                }
            }
            Err(error) => {
                eprintln!("{place}: {error}");
                good = false;
            }
        }
    }
    out.flush().map_err(failed)?;
    Ok(if good { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}
