//! `ward meds`: what speaks against orders, without a chart.

use std::{collections::BTreeMap, fs, io::Read, path::PathBuf, process::ExitCode};

use jiff::{Timestamp, tz::TimeZone};
use serde::Serialize;
use ward_pharmacy::context::{context_of, source_of_bundle};
use ward_rules::medication::{
    Issue, KnowledgeBase, check,
    knowledge::{Files, Problem, starter},
};

use super::say;
use crate::Failure;

/// Largest bundle read, in bytes. LIMIT: a chart of many years; memory is some times that.
const BUNDLE_BYTES_MAX: u64 = 256 * 1024 * 1024;

#[derive(clap::Subcommand, Debug)]
pub enum MedsCommand {
    Check(CheckArgs),
}

/// Reads a FHIR bundle (patient, conditions, allergies, observations, orders) and prints what speaks
/// against its drafts as JSON; where no order is a draft, against every active one.
#[derive(clap::Args, Debug)]
pub struct CheckArgs {
    /// A Bundle or a MedicationRequest as JSON; `-` is standard input.
    file: PathBuf,
    /// When it is checked, such as 2026-11-28T12:00:00Z; now if absent.
    #[arg(long)]
    at: Option<Timestamp>,
    /// The clock of the ward, such as Europe/Vienna.
    #[arg(long, default_value = "UTC")]
    zone: String,
    /// A folder with a knowledge base in Ward's format; the starter one if absent.
    #[arg(long)]
    knowledge: Option<PathBuf>,
}

/// What is printed.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Report<'a> {
    knowledge_base: &'a str,
    version: &'a str,
    notice: &'a str,
    checked_at: Timestamp,
    /// Ids of the orders that were checked.
    checked: Vec<&'a str>,
    issues: Vec<Issue>,
}

pub fn run(command: MedsCommand) -> Result<ExitCode, Failure> {
    match command {
        MedsCommand::Check(args) => check_file(&args),
    }
}

fn check_file(args: &CheckArgs) -> Result<ExitCode, Failure> {
    let zone = TimeZone::get(&args.zone).map_err(|_| {
        Failure::Usage(format!("{} is no time zone of the IANA database", args.zone))
    })?;
    let bytes = read(&args.file)?;
    let name = args.file.display();
    let bundle: serde_json::Value = serde_json::from_slice(&bytes).map_err(|error| {
        // Line and column tell where; the text of the error could tell what.
        let (line, column) = (error.line(), error.column());
        Failure::Usage(format!("{name}:{line}:{column}: this is no JSON"))
    })?;
    let now = args.at.unwrap_or_else(ward_web::now);
    let mut source =
        source_of_bundle(&bundle, now).map_err(|what| Failure::Usage(format!("{name}: {what}")))?;
    source.zone = zone;
    let cx = context_of(&source);
    let own;
    let kb = match &args.knowledge {
        Some(folder) => {
            own = load(folder)?;
            &own
        }
        None => starter().as_ref().map_err(|problems| refused(problems))?,
    };
    let report = Report {
        knowledge_base: kb.name(),
        version: kb.version(),
        notice: &kb.parts().notice,
        checked_at: now,
        checked: cx.proposed.iter().map(|it| it.id.as_str()).collect(),
        issues: check(kb, &cx),
    };
    let text = serde_json::to_string_pretty(&report)
        .map_err(|error| Failure::Usage(format!("writing the issues: {error}")))?;
    say(&text)?;
    Ok(ExitCode::SUCCESS)
}

fn read(file: &PathBuf) -> Result<Vec<u8>, Failure> {
    let failed = |e| Failure::Io("reading a bundle", e);
    let mut bytes = Vec::new();
    if file.as_os_str() == "-" {
        std::io::stdin().take(BUNDLE_BYTES_MAX).read_to_end(&mut bytes).map_err(failed)?;
        return Ok(bytes);
    }
    if BUNDLE_BYTES_MAX < fs::metadata(file).map_err(failed)?.len() {
        return Err(Failure::Usage(format!("{} is larger than 256 MiB", file.display())));
    }
    fs::read(file).map_err(failed)
}

fn load(folder: &std::path::Path) -> Result<KnowledgeBase, Failure> {
    const NAMES: [&str; 7] = [
        "substances.tsv",
        "products.tsv",
        "classes.tsv",
        "cross-groups.tsv",
        "conditions.tsv",
        "limits.tsv",
        "rules.toml",
    ];
    let mut texts = BTreeMap::new();
    for name in NAMES {
        let text = fs::read_to_string(folder.join(name))
            .map_err(|e| Failure::Io("reading a file of the knowledge base", e))?;
        texts.insert(name, text);
    }
    let text = |name: &str| texts.get(name).map_or("", String::as_str);
    let files = Files {
        substances: text("substances.tsv"),
        products: text("products.tsv"),
        classes: text("classes.tsv"),
        cross_groups: text("cross-groups.tsv"),
        conditions: text("conditions.tsv"),
        limits: text("limits.tsv"),
        rules: text("rules.toml"),
    };
    files.read().and_then(KnowledgeBase::build).map_err(|problems| refused(&problems))
}

fn refused(problems: &[Problem]) -> Failure {
    let lines: Vec<String> = problems.iter().map(ToString::to_string).collect();
    Failure::Usage(format!("the knowledge base is refused:\n{}", lines.join("\n")))
}
