//! The project's own commands: `cargo xtask NAME`.

#![allow(
    clippy::print_stdout,
    clippy::indexing_slicing,
    clippy::string_slice,
    reason = "a command for developers"
)]

mod bench;
mod codegen;
mod demo;
mod hl7_codegen;
mod hl7_maps;
mod pharmacy;
mod run;
mod search_codegen;
mod setup;
mod test;
mod tidy;
mod web;

use std::process::ExitCode;

use run::Stop;

const USAGE: &str = "usage: cargo xtask NAME

  setup                  what the tests need from outside: public clients of FHIR and HL7 v2
  demo [--patients N]    builds Ward, fills it with a simulated population, serves it
  pharmacy ADDR TOKEN PASSWORD
                         fills the pharmacy of a demo that is served; files with the two secrets
  test                   everything a change has to pass
  web                    builds the interface that the binary takes in
  tidy                   the rules of the house that compilers do not know
  codegen DEFINITIONS    HL7's R4 definitions to Ward's compact tables
  hl7-codegen [FOLDER]   an HL7 v2 dictionary and code lists to Ward's compact tables
  hl7-maps [FOLDER]      HL7's v2-to-FHIR tables to Ward's own form
  bench [--flush-us N] [ARGS...]
                         builds with optimizations and runs `ward bench`; as on a disk whose flush
                         takes so much longer
  soak                   the long forms of tests: kills, a backlog, the whole corpus";

fn main() -> ExitCode {
    let args: Vec<String> = std::env::args().skip(1).collect();
    let words: Vec<&str> = args.iter().map(String::as_str).collect();
    let outcome = match words.as_slice() {
        ["codegen", rest @ ..] => codegen::run(rest).map_err(Stop::Why),
        ["hl7-codegen", rest @ ..] => hl7_codegen::run(rest).map_err(Stop::Why),
        ["hl7-maps", rest @ ..] => hl7_maps::run(rest).map_err(Stop::Why),
        ["setup"] => setup::run(),
        ["demo", rest @ ..] => demo::run(rest),
        ["pharmacy", address, token, password] => demo::pharmacy(address, token, password),
        ["test"] => test::run(),
        ["tidy"] => tidy::run(),
        ["web"] => web::build(),
        ["bench", rest @ ..] => bench::run(rest),
        ["soak"] => test::soak(),
        _ => Err(Stop::Why(USAGE.to_owned())),
    };
    match outcome {
        Ok(()) => ExitCode::SUCCESS,
        Err(Stop::Why(why)) => {
            eprintln!("{why}");
            ExitCode::FAILURE
        }
        Err(Stop::Code(code)) => ExitCode::from(code),
    }
}
