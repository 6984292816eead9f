//! `ward`: the hospital backbone in one binary.

#![cfg_attr(test, allow(clippy::string_slice, clippy::as_conversions, reason = "tests may"))]

mod commands;
mod config;
mod failure;
mod logging;
mod open;
mod operator;
mod password;

use std::process::ExitCode;

use clap::{Parser, Subcommand};

use crate::{
    config::{LogFormat, LogLevel},
    failure::Failure,
};

#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

/// The open hospital backbone: one encrypted, audited chart per patient.
#[derive(Parser)]
#[command(version, arg_required_else_help = true)]
struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    Init(commands::init::InitArgs),
    Serve(commands::serve::ServeArgs),
    /// Bearer tokens for programs.
    #[command(subcommand)]
    Token(commands::token::TokenCommand),
    /// Accounts of people.
    #[command(subcommand)]
    Account(commands::account::AccountCommand),
    Import(commands::import::ImportArgs),
    /// HL7 v2 messages.
    #[command(subcommand)]
    Hl7(commands::hl7::Hl7Command),
    /// X12 interchanges of payers.
    #[command(subcommand)]
    X12(commands::x12::X12Command),
    Export(commands::export::ExportArgs),
    /// The audit log.
    #[command(subcommand)]
    Audit(commands::audit::AuditCommand),
    /// The keys.
    #[command(subcommand)]
    Keys(commands::keys::KeysCommand),
    Reindex(commands::care::ReindexArgs),
    Scrub(commands::care::ScrubArgs),
    /// What medication checks go by.
    #[command(subcommand)]
    Kb(commands::kb::KbCommand),
    /// The settings.
    #[command(subcommand)]
    Config(commands::config::ConfigCommand),
    Bench(commands::bench::BenchArgs),
    Simulate(commands::simulate::SimulateArgs),
    /// Medication.
    #[command(subcommand)]
    Meds(commands::meds::MedsCommand),
    /// Pages of docs/ that are generated.
    #[command(subcommand, hide = true)]
    Docs(commands::docs::DocsCommand),
}

fn main() -> ExitCode {
    let cli = Cli::parse();
    // A server's log is a setting; any other command tells the person who runs it.
    if !matches!(cli.command, Command::Serve(_)) {
        logging::start(LogFormat::Text, &LogLevel::warn());
    }
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build();
    let outcome = match runtime {
        Err(source) => Err(Failure::Io("starting the runtime", source)),
        Ok(runtime) => runtime.block_on(run(cli.command)),
    };
    match outcome {
        Ok(code) => code,
        Err(failure) => {
            eprintln!("ward: {}", failure.chain());
            ExitCode::FAILURE
        }
    }
}

async fn run(command: Command) -> Result<ExitCode, Failure> {
    match command {
        Command::Init(args) => commands::init::run(args).await,
        Command::Serve(args) => commands::serve::run(args).await,
        Command::Token(command) => commands::token::run(command).await,
        Command::Account(command) => commands::account::run(command).await,
        Command::Import(args) => commands::import::run(args).await,
        Command::Hl7(command) => commands::hl7::run(command).await,
        Command::X12(command) => commands::x12::run(command),
        Command::Export(args) => commands::export::run(args).await,
        Command::Audit(command) => commands::audit::run(command).await,
        Command::Keys(command) => commands::keys::run(command).await,
        Command::Reindex(args) => commands::care::reindex(args).await,
        Command::Scrub(args) => commands::care::scrub(args).await,
        Command::Kb(command) => commands::kb::run(command),
        Command::Config(command) => commands::config::run(command),
        Command::Bench(args) => Ok(commands::bench::run(args).await.map(|()| ExitCode::SUCCESS)?),
        Command::Simulate(args) => commands::simulate::run(args),
        Command::Meds(command) => commands::meds::run(command),
        Command::Docs(command) => commands::docs::run(command),
    }
}
