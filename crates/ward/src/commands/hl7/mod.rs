//! `ward hl7`.

mod convert;
mod dismiss;
mod files;
mod listen;
mod log;
mod parse;
mod replay;
mod send;
mod test_channel;
mod validate;
mod which;

use std::process::ExitCode;

use crate::Failure;

#[derive(clap::Subcommand, Debug)]
pub enum Hl7Command {
    Send(send::SendArgs),
    Listen(listen::ListenArgs),
    Parse(parse::ParseArgs),
    Validate(validate::ValidateArgs),
    Convert(convert::ConvertArgs),
    Log(log::LogArgs),
    Replay(replay::ReplayArgs),
    Dismiss(dismiss::DismissArgs),
    TestChannel(test_channel::TestChannelArgs),
}

pub async fn run(command: Hl7Command) -> Result<ExitCode, Failure> {
    match command {
        Hl7Command::Send(args) => send::run(args).await,
        Hl7Command::Listen(args) => listen::run(args).await,
        Hl7Command::Parse(args) => parse::run(&args),
        Hl7Command::Validate(args) => validate::run(&args),
        Hl7Command::Convert(args) => convert::run(&args),
        Hl7Command::Log(args) => log::run(args).await,
        Hl7Command::Replay(args) => replay::run(args).await,
        Hl7Command::Dismiss(args) => dismiss::run(args).await,
        Hl7Command::TestChannel(args) => test_channel::run(&args),
    }
}
