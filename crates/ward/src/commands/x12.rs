//! `ward x12`.

use std::{
    fs,
    io::Read,
    path::{Path, PathBuf},
    process::ExitCode,
};

use ward_billing::{
    Settings,
    x12::answer::{Voice, answer, civil},
};
use ward_rules::payer::simulated::LABEL;
use ward_x12::{DOCUMENT_BYTES_MAX, Document, read, write::Envelope};

use super::say;
use crate::Failure;

/// Interchanges of X12 5010 in files; no chart is opened.
#[derive(clap::Subcommand, Debug)]
pub enum X12Command {
    Parse(ParseArgs),
    Validate(ValidateArgs),
    Answer(AnswerArgs),
}

/// Shows interchanges segment by segment, with the byte that each begins at.
#[derive(clap::Args, Debug)]
pub struct ParseArgs {
    /// Files of interchanges; `-` is standard input.
    #[arg(required = true)]
    files: Vec<PathBuf>,
}

/// Says what is wrong with interchanges, and where; fails when anything is.
#[derive(clap::Args, Debug)]
pub struct ValidateArgs {
    /// Files of interchanges; `-` is standard input.
    #[arg(required = true)]
    files: Vec<PathBuf>,
}

/// Answers interchanges as the simulated payer would: 271, 278, 999 and TA1.
///
/// The answer goes to standard output. It is simulated, whatever the question was.
#[derive(clap::Args, Debug)]
pub struct AnswerArgs {
    /// File of interchanges; `-` is standard input.
    file: PathBuf,
    /// Plan table; the illustrative one if absent.
    #[arg(long)]
    plans: Option<PathBuf>,
    /// ISA13 of the answer.
    #[arg(long, default_value_t = 1)]
    control_number: u32,
}

pub fn run(command: X12Command) -> Result<ExitCode, Failure> {
    match command {
        X12Command::Parse(args) => parse(&args),
        X12Command::Validate(args) => validate(&args),
        X12Command::Answer(args) => reply(&args),
    }
}

fn parse(args: &ParseArgs) -> Result<ExitCode, Failure> {
    let mut is_good = true;
    for file in &args.files {
        let document = document(file)?;
        is_good &= told(file, &document)?;
        for it in &document.interchanges {
            let name = file.display();
            say(&format!(
                "{name}: interchange {}, {} groups, {} segments",
                it.control_number(),
                it.groups.len(),
                it.segments.len()
            ))?;
            for (segment, n) in it.segments.iter().zip(1..) {
                say(&format!("  {n}\t@{}\t{}", segment.at, segment.tag))?;
                for (element, n) in segment.elements.iter().zip(1..) {
                    if !element.trim().is_empty() {
                        say(&format!("    {}{n:02}\t{element}", segment.tag))?;
                    }
                }
            }
        }
    }
    Ok(code(is_good))
}

fn validate(args: &ValidateArgs) -> Result<ExitCode, Failure> {
    let mut is_good = true;
    for file in &args.files {
        let document = document(file)?;
        if told(file, &document)? {
            let sets = document.interchanges.iter().flat_map(|it| &it.groups);
            let n_sets: usize = sets.map(|group| group.transactions.len()).sum();
            let n = document.interchanges.len();
            say(&format!("{}: {n} interchanges, {n_sets} transactions, all good", file.display()))?;
        } else {
            is_good = false;
        }
    }
    Ok(code(is_good))
}

fn reply(args: &AnswerArgs) -> Result<ExitCode, Failure> {
    let settings = Settings::read(args.plans.as_deref(), None, true)?;
    let document = document(&args.file)?;
    for problem in &document.problems {
        eprintln!("{}: {problem}", args.file.display());
    }
    eprintln!("{LABEL}: no payer has said this");
    let now = ward_web::now();
    let voice = Voice { plans: &settings.plans, is_simulated: true, now };
    let mut control = args.control_number;
    for it in &document.interchanges {
        for problem in it.all_problems() {
            eprintln!("{}: {problem}", args.file.display());
        }
        let answered = answer(it, None, &voice, &|_| 0);
        if answered.is_empty() {
            continue;
        }
        let group = it.groups.first().and_then(|group| group.header(it));
        let code = |n: usize| group.map_or("", |gs| gs.element(n)).to_owned();
        let pair = |(qualifier, id): (&str, &str)| (qualifier.to_owned(), id.to_owned());
        let envelope = Envelope {
            sender: pair(it.receiver()),
            receiver: pair(it.sender()),
            group_sender: code(3),
            group_receiver: code(2),
            time: civil(now),
            control,
            // Nothing simulated is ever meant for a payer's books.
            is_test: true,
            wants_acknowledgment: false,
        };
        let (text, _) = answered.to_text(&envelope, 1);
        say(text.trim_end_matches('\n'))?;
        control = control.wrapping_add(1);
    }
    Ok(code(document.all_problems().is_empty()))
}

/// Says what is wrong; answers whether nothing is.
fn told(file: &Path, document: &Document) -> Result<bool, Failure> {
    let problems = document.all_problems();
    for problem in &problems {
        say(&format!("{}: {problem}", file.display()))?;
    }
    Ok(problems.is_empty())
}

fn document(file: &Path) -> Result<Document, Failure> {
    let failed = |e| Failure::Io("reading a file of interchanges", e);
    let most = u64::try_from(DOCUMENT_BYTES_MAX).unwrap_or(u64::MAX);
    let mut bytes = Vec::new();
    let n_bytes = match file.as_os_str() == "-" {
        true => std::io::stdin().take(most + 1).read_to_end(&mut bytes),
        false => {
            let opened = fs::File::open(file).map_err(failed)?;
            opened.take(most + 1).read_to_end(&mut bytes)
        }
    };
    if DOCUMENT_BYTES_MAX < n_bytes.map_err(failed)? {
        return Err(Failure::Usage(format!("{} is larger than 32 MiB", file.display())));
    }
    Ok(read(&bytes))
}

fn code(is_good: bool) -> ExitCode {
    if is_good { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}
