//! `ward hl7 test-channel`.

use std::{
    fs,
    path::{Path, PathBuf},
    process::ExitCode,
    sync::Arc,
    time::Instant,
};

use ward_hl7::{Draft, Message, ReadSettings};
use ward_interop::{
    channel::Channel,
    script::{Call, Limits, Outcome, Stopwatch},
};

use crate::{
    Failure,
    commands::{say, serve::channels},
};

/// Runs the cases beside a channel's file: for `lab.toml`, each `lab/CASE.hl7` goes in, and what
/// goes to destination `d` has to be `lab/CASE.d.out`; without that file, nothing may go there. What
/// a script gives to the chart is `lab/CASE.chart.out`, and the reason for which it fails
/// `lab/CASE.d.failed`.
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
    let begun = Instant::now();
    let watch: Stopwatch = Arc::new(move || begun.elapsed());
    let (mut n_good, mut n_bad) = (0u64, 0u64);
    for path in &args.channels {
        let (name, channel) = channels::one(path)?;
        for case in cases(&path.with_extension(""))? {
            let bytes = fs::read(&case).map_err(|e| Failure::Io("a case", e))?;
            let (message, _) = Message::read(&bytes, &ReadSettings::default());
            for (to, outcome) in outcomes(&name, &channel, message.as_ref(), &watch) {
                let good = is_expected(&case, &to, outcome.as_ref(), args.accept)?;
                *(if good { &mut n_good } else { &mut n_bad }) += 1;
                if !good {
                    say(&format!("{}: {to}: {}", case.display(), what(outcome.as_ref())))?;
                }
            }
        }
    }
    say(&format!("{n_good} as expected, {n_bad} not"))?;
    Ok(if n_bad == 0 { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

/// What becomes of a message, for each place it may go to.
fn outcomes(
    name: &str,
    channel: &Channel,
    message: Option<&Message<'_>>,
    watch: &Stopwatch,
) -> Vec<(String, Option<Outcome>)> {
    let mut outcomes = Vec::new();
    if let (Some(script), Some(message)) = (channel.chart_script(), message) {
        let (draft, limits) = (Draft::of(message).into_owned(), Limits::default());
        outcomes.push(("chart".to_owned(), Some(script.run(Call::Chart, draft, &limits, watch))));
    }
    for forward in channel.forwards(name).into_iter().filter(|forward| !forward.acks) {
        let message = message.filter(|message| forward.takes(message));
        let outcome = message.map(|message| forward.outcome(message, watch));
        outcomes.push((forward.to().to_owned(), outcome));
    }
    outcomes
}

/// Whether the files beside the case say the same; with `accept`, they do from now on.
fn is_expected(
    case: &Path,
    to: &str,
    outcome: Option<&Outcome>,
    accept: bool,
) -> Result<bool, Failure> {
    let (out, failed) = match outcome {
        Some(Outcome::Goes(bytes)) => (Some(bytes.clone()), None),
        Some(Outcome::Failed(why)) => (None, Some(why.as_str())),
        Some(Outcome::Late) => (None, Some("too long")),
        Some(Outcome::Dropped(_)) | None => (None, None),
    };
    let out_file = case.with_extension(format!("{to}.out"));
    let failed_file = case.with_extension(format!("{to}.failed"));
    if accept {
        write_or_remove(&out_file, out.as_deref())?;
        let line = failed.map(|why| format!("{why}\n"));
        write_or_remove(&failed_file, line.as_ref().map(String::as_bytes))?;
    }
    let expected = fs::read_to_string(&failed_file).ok();
    Ok(fs::read(&out_file).ok() == out && expected.as_deref().map(str::trim) == failed)
}

fn what(outcome: Option<&Outcome>) -> String {
    match outcome {
        None => "nothing went out".to_owned(),
        Some(Outcome::Goes(_)) => "other than expected".to_owned(),
        Some(Outcome::Dropped(why)) => format!("dropped: {why}"),
        Some(Outcome::Failed(why)) => format!("failed: {why}"),
        Some(Outcome::Late) => "the script takes too long".to_owned(),
    }
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

fn write_or_remove(expected: &Path, out: Option<&[u8]>) -> Result<(), Failure> {
    let written = match out {
        Some(out) => fs::write(expected, out),
        None if expected.exists() => fs::remove_file(expected),
        None => Ok(()),
    };
    written.map_err(|e| Failure::Io("writing what is expected", e))
}
