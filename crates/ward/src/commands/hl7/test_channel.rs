//! `ward hl7 test-channel`.

use std::{
    fs,
    path::{Path, PathBuf},
    process::ExitCode,
};

use ward_hl7::{Message, ReadSettings};

use crate::{
    Failure,
    commands::{say, serve::channels},
};

/// Runs the cases beside a channel's file: for `lab.toml`, each `lab/CASE.hl7` goes in, and what
/// goes to destination `d` has to be `lab/CASE.d.out`; without that file, nothing may go there.
#[derive(clap::Args, Debug)]
pub struct TestChannelArgs {
    /// Files of channels.
    #[arg(required = true)]
    channels: Vec<PathBuf>,
    /// Write what goes out as what is expected.
    #[arg(long)]
    accept: bool,
}

pub fn run(args: &TestChannelArgs) -> Result<ExitCode, Failure> {
    let (mut n_good, mut n_bad) = (0u64, 0u64);
    for path in &args.channels {
        let (name, channel) = channels::one(path)?;
        for case in cases(&path.with_extension(""))? {
            let bytes = fs::read(&case).map_err(|e| Failure::Io("a case", e))?;
            let (message, _) = Message::read(&bytes, &ReadSettings::default());
            for forward in channel.forwards(&name) {
                let to = forward.destination.rsplit('/').next().unwrap_or_default();
                let expected = case.with_extension(format!("{to}.out"));
                let out =
                    match message.as_ref().filter(|message| forward.takes(message)) {
                        None => None,
                        Some(message) => Some(forward.bytes(message).map_err(|error| {
                            Failure::Usage(format!("{}: {error}", case.display()))
                        })?),
                    };
                if args.accept {
                    accept(&expected, out.as_deref())?;
                }
                let good = fs::read(&expected).ok() == out;
                *(if good { &mut n_good } else { &mut n_bad }) += 1;
                if !good {
                    let what =
                        if out.is_some() { "other than expected" } else { "nothing went out" };
                    say(&format!("{}: {to}: {what}", case.display()))?;
                }
            }
        }
    }
    say(&format!("{n_good} as expected, {n_bad} not"))?;
    Ok(if n_bad == 0 { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

fn cases(folder: &Path) -> Result<Vec<PathBuf>, Failure> {
    let entries = fs::read_dir(folder).map_err(|e| Failure::Io("the folder of cases", e))?;
    let mut cases: Vec<PathBuf> = entries
        .filter_map(|entry| Some(entry.ok()?.path()))
        .filter(|path| path.extension().is_some_and(|it| it == "hl7"))
        .collect();
    cases.sort();
    Ok(cases)
}

fn accept(expected: &Path, out: Option<&[u8]>) -> Result<(), Failure> {
    let written = match out {
        Some(out) => fs::write(expected, out),
        None if expected.exists() => fs::remove_file(expected),
        None => Ok(()),
    };
    written.map_err(|e| Failure::Io("writing what is expected", e))
}
