//! `ward config`.

use std::process::ExitCode;

use super::say;
use crate::{
    Failure,
    config::{self, Finding},
    open::Place,
};

#[derive(clap::Subcommand, Debug)]
pub enum ConfigCommand {
    /// Reads every setting and looks whether what they name can be used.
    Check {
        #[command(flatten)]
        place: Place,
    },
    /// Shows every setting as it stands and where it comes from; never a secret.
    Print {
        #[command(flatten)]
        place: Place,
    },
}

pub fn run(command: ConfigCommand) -> Result<ExitCode, Failure> {
    match command {
        ConfigCommand::Print { place } => {
            let site = place.site()?;
            say(config::print(&site.settings).trim())?;
            Ok(ExitCode::SUCCESS)
        }
        ConfigCommand::Check { place } => {
            let site = place.site()?;
            match &site.file {
                Some(file) => say(&format!("good   settings file {}", file.display()))?,
                None => say("good   no settings file: defaults, environment, command line")?,
            }
            let findings = config::check(&site, ward_web::now());
            for finding in &findings {
                say(&match finding {
                    Finding::Good(says) => format!("good   {says}"),
                    Finding::Doubt(says) => format!("doubt  {says}"),
                    Finding::Wrong(says) => format!("WRONG  {says}"),
                })?;
            }
            let is_wrong = findings.iter().any(|it| matches!(it, Finding::Wrong(_)));
            Ok(if is_wrong { ExitCode::FAILURE } else { ExitCode::SUCCESS })
        }
    }
}
