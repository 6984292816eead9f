//! The project's own commands: `cargo xtask NAME`.

#![allow(clippy::print_stdout, clippy::indexing_slicing, clippy::string_slice, reason = "a command for developers")]

mod codegen;
mod search_codegen;

use std::process::ExitCode;

fn main() -> ExitCode {
    let args: Vec<String> = std::env::args().skip(1).collect();
    let words: Vec<&str> = args.iter().map(String::as_str).collect();
    let outcome = match words.as_slice() {
        ["codegen", rest @ ..] => codegen::run(rest),
        _ => Err("usage: cargo xtask codegen DEFINITIONS".to_owned()),
    };
    match outcome {
        Ok(()) => ExitCode::SUCCESS,
        Err(why) => {
            eprintln!("{why}");
            ExitCode::FAILURE
        }
    }
}
