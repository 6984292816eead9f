//! `ward docs`: the generated pages.

use std::process::ExitCode;

use super::say;
use crate::Failure;

#[derive(clap::Subcommand, Debug)]
pub enum DocsCommand {
    /// docs/config.md, from the settings.
    Config,
    /// docs/api.md, from the endpoint table.
    Api,
}

pub fn run(command: DocsCommand) -> Result<ExitCode, Failure> {
    match command {
        DocsCommand::Config => say(crate::config::page().trim_end())?,
        DocsCommand::Api => say(ward_web::api_page().trim_end())?,
    }
    Ok(ExitCode::SUCCESS)
}

#[cfg(test)]
mod tests {
    #[test]
    fn the_configuration_page_is_the_settings() {
        expect_test::expect_file!["../../../../docs/config.md"].assert_eq(&crate::config::page());
    }

    #[test]
    fn the_api_page_is_the_table() {
        expect_test::expect_file!["../../../../docs/api.md"].assert_eq(&ward_web::api_page());
    }
}
