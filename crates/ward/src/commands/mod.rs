//! One file per command.

pub mod account;
pub mod audit;
pub mod bench;
pub mod care;
pub mod config;
pub mod docs;
pub mod export;
pub mod hl7;
pub mod import;
pub mod init;
pub mod kb;
pub mod keys;
pub mod maps;
pub mod meds;
pub mod serve;
pub mod simulate;
pub mod token;
pub mod x12;

use std::io::Write;

use crate::Failure;

/// Writes a line to standard output; a closed pipe is an error like any other.
pub fn say(line: &str) -> Result<(), Failure> {
    let mut out = std::io::stdout().lock();
    writeln!(out, "{line}")
        .and_then(|()| out.flush())
        .map_err(|e| Failure::Io("writing to standard output", e))
}
