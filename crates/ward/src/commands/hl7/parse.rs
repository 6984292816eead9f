//! `ward hl7 parse`.

use std::{path::PathBuf, process::ExitCode};

use ward_hl7::{Message, Path, ReadSettings, Severity};

use super::files;
use crate::{Failure, commands::say};

/// Shows messages field by field, or the values at some paths.
#[derive(clap::Args, Debug)]
pub struct ParseArgs {
    /// Files of messages; `-` is standard input.
    #[arg(required = true)]
    files: Vec<PathBuf>,
    /// Only what stands at this path, such as `PID-3[2].4.2`; may be given again.
    #[arg(long)]
    path: Vec<Path>,
}

pub fn run(args: &ParseArgs) -> Result<ExitCode, Failure> {
    let mut good = true;
    for (place, bytes) in files::messages(&args.files)? {
        let (message, problems) = Message::read(&bytes, &ReadSettings::default());
        for problem in problems.iter().filter(|it| Severity::Warning <= it.severity) {
            good &= problem.severity < Severity::Error;
            say(&format!(
                "{place}: {} {} at {}: {}",
                problem.severity.code(),
                problem.kind.word(),
                problem.at,
                problem.kind.text()
            ))?;
        }
        let Some(message) = message else {
            good = false;
            continue;
        };
        if !args.path.is_empty() {
            for path in &args.path {
                let text = message.text_at(path);
                say(&format!("{place}: {path} = {}", text.as_deref().unwrap_or("(absent)")))?;
            }
            continue;
        }
        say(&format!(
            "{place}: {} segments, {}, {} bytes",
            message.n_segments(),
            message.charset().name(),
            bytes.len()
        ))?;
        for segment in message.segments() {
            let name = segment.id().map_or_else(|| "???".to_owned(), |id| id.to_string());
            for (n, field) in segment.fields() {
                if !field.raw().is_empty() {
                    say(&format!("  {name}-{n}\t{}", field.raw()))?;
                }
            }
        }
    }
    Ok(if good { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}
