//! `ward hl7 validate`.

use std::{fs, path::PathBuf, process::ExitCode};

use ward_hl7::{Header, Message, Profile, ReadSettings, Rules, Severity, validate::version_of};

use super::files;
use crate::{Failure, commands::say};

/// Says what is wrong with messages: structure, cardinality, types, tables, site profile.
#[derive(clap::Args, Debug)]
pub struct ValidateArgs {
    /// Files of messages; `-` is standard input.
    #[arg(required = true)]
    files: Vec<PathBuf>,
    /// Site profile in TOML.
    #[arg(long)]
    profile: Option<PathBuf>,
    /// Show information too, not only warnings and errors.
    #[arg(long)]
    all: bool,
}

pub fn run(args: &ValidateArgs) -> Result<ExitCode, Failure> {
    let profile = match &args.profile {
        None => None,
        Some(path) => {
            let text = fs::read_to_string(path).map_err(|e| Failure::Io("the profile", e))?;
            Some(text.parse::<Profile>().map_err(|e| Failure::Usage(e.to_string()))?)
        }
    };
    let least = if args.all { Severity::Information } else { Severity::Warning };
    let (mut n_good, mut n_bad) = (0u64, 0u64);
    for (place, bytes) in files::messages(&args.files)? {
        let (message, mut problems) = Message::read(&bytes, &ReadSettings::default());
        if let Some(message) = &message {
            match version_of(&Header::of(message)) {
                Err(problem) => problems.push(problem),
                Ok(version) => {
                    let rules = match &profile {
                        None => Rules::standard(version),
                        Some(profile) => profile
                            .rules(version)
                            .map_err(|error| Failure::Usage(format!("the profile: {error}")))?,
                    };
                    problems.extend(ward_hl7::validate(message, &rules).problems);
                }
            }
        }
        for problem in problems.iter().filter(|it| least <= it.severity) {
            say(&format!(
                "{place}: {} {} at {}: {}",
                problem.severity.code(),
                problem.kind.word(),
                problem.at,
                problem.kind.text()
            ))?;
        }
        let bad = message.is_none() || problems.iter().any(|it| Severity::Error <= it.severity);
        *(if bad { &mut n_bad } else { &mut n_good }) += 1;
    }
    say(&format!("{n_good} good, {n_bad} not"))?;
    Ok(if n_bad == 0 { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}
