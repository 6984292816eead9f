//! `ward kb`: what the medication checks of this house go by.

use std::{
    collections::BTreeMap,
    fs::File,
    io::BufReader,
    path::{Path, PathBuf},
    process::ExitCode,
    time::Instant,
};

use indicatif::{HumanBytes, HumanCount, ProgressBar, ProgressDrawTarget, ProgressStyle};
use serde_json::json;
use ward_pharmacy::knowledge::{
    csv_tables,
    facts::{Brought, Facts, Source},
    fdamdd,
    file::Shelf,
    house::{self, STARTER},
    intake::{Intake, ReadFailed, Step},
    ndc_directory, openfda,
    problem::Problems,
    qa, rxnorm, show, spl, vista,
};

use super::say;
use crate::{
    Failure,
    open::{Place, Site},
};

/// Problems of a file that are shown; the others are counted.
/// LIMIT: a screen.
const SHOWN_MAX: usize = 20;

#[derive(clap::Subcommand, Debug)]
pub enum KbCommand {
    /// Reads a file or folder of somebody else's drug data into a new version.
    Import(ImportArgs),
    /// Says what is wrong or doubtful in a version.
    Qa {
        #[command(flatten)]
        place: Place,
        /// The version; the one in use if absent.
        version: Option<String>,
        /// As JSON, whole.
        #[arg(long)]
        json: bool,
        /// End with an error when something is refused or doubted.
        #[arg(long)]
        strict: bool,
    },
    /// Lets a finding stand, by its name; makes a new version.
    Accept {
        #[command(flatten)]
        place: Place,
        /// As `ward kb qa` writes it.
        name: String,
        /// Why; it is kept with the version.
        #[arg(long)]
        because: String,
        /// The version it is put on top of; the one in use if absent.
        #[arg(long)]
        onto: Option<String>,
    },
    /// Shows what is known of a drug, by RXCUI, NDC or name.
    Show {
        #[command(flatten)]
        place: Place,
        drug: String,
        /// The version; the one in use if absent.
        #[arg(long)]
        version: Option<String>,
        #[arg(long)]
        json: bool,
    },
    /// Shows which versions there are, and which one is in use.
    List {
        #[command(flatten)]
        place: Place,
    },
    /// Takes a version into use; a running server follows within a second or two.
    Use {
        #[command(flatten)]
        place: Place,
        /// As `ward kb list` shows it, or `starter`.
        version: String,
    },
    /// Puts the imports of a version on top of the starter of this Ward; makes a new version.
    Rebase {
        #[command(flatten)]
        place: Place,
        #[arg(long)]
        onto: Option<String>,
    },
}

#[derive(clap::Args, Debug)]
pub struct ImportArgs {
    #[command(flatten)]
    place: Place,
    /// What it is.
    kind: Kind,
    /// File or folder.
    path: PathBuf,
    /// What this source is called here; another import of that name takes its place.
    #[arg(long)]
    name: Option<String>,
    /// The release it is, where the files do not say.
    #[arg(long)]
    release: Option<String>,
    /// The version it is put on top of; the one in use if absent.
    #[arg(long)]
    onto: Option<String>,
    /// Takes the new version into use at once.
    #[arg(long = "use")]
    take_into_use: bool,
    /// The report as JSON.
    #[arg(long)]
    json: bool,
}

#[derive(clap::ValueEnum, Clone, Copy, PartialEq, Eq, Debug)]
enum Kind {
    /// RxNorm in RRF, prescribable or full: the folder it was unpacked into.
    Rxnorm,
    /// Labels of DailyMed: an SPL file, or a folder of them.
    Spl,
    /// Labels of openFDA: a JSON file, or a folder of them.
    Openfda,
    /// The NDC directory: the folder with product.txt and package.txt, or one product file.
    Ndc,
    /// An export of VistA: units, routes, order checks, interactions.
    Zwr,
    /// Interactions as CSV.
    Ddi,
    /// Members of classes as CSV.
    Classes,
    /// Daily maxima as CSV, to be held against those that are here.
    Doses,
    /// Daily maxima of FDA, to be held against those that are here.
    Fdamdd,
}

impl Kind {
    const fn word(self) -> &'static str {
        match self {
            Kind::Rxnorm => "rxnorm",
            Kind::Spl => "spl",
            Kind::Openfda => "openfda",
            Kind::Ndc => "ndc",
            Kind::Zwr => "zwr",
            Kind::Ddi => "ddi",
            Kind::Classes => "classes",
            Kind::Doses => "doses",
            Kind::Fdamdd => "fdamdd",
        }
    }
}

pub fn run(command: KbCommand) -> Result<ExitCode, Failure> {
    match command {
        KbCommand::Import(args) => import(&args),
        KbCommand::Qa { place, version, json, strict } => {
            let (facts, _) = facts(&shelf(&place.site()?), version.as_deref())?;
            let report = qa::check(&facts);
            say(&if json { serde_json::to_string_pretty(&report)? } else { report.to_string() })?;
            let n = report.count(qa::Weight::Refuses) + report.count(qa::Weight::Doubts);
            Ok(if strict && 0 < n { ExitCode::FAILURE } else { ExitCode::SUCCESS })
        }
        KbCommand::Accept { place, name, because, onto } => {
            let shelf = shelf(&place.site()?);
            let (mut facts, _) = facts(&shelf, onto.as_deref())?;
            qa::check(&facts).may_accept(&name).map_err(Failure::Usage)?;
            facts.accepted.insert(name, because);
            say(&put(&shelf, &facts)?)?;
            Ok(ExitCode::SUCCESS)
        }
        KbCommand::Show { place, drug, version, json } => {
            let (facts, version) = facts(&shelf(&place.site()?), version.as_deref())?;
            let shown = show::show(&facts, &version, &drug).map_err(failed)?;
            let Some(shown) = shown else {
                return Err(Failure::Usage(format!("nothing here is called {drug}")));
            };
            say(&if json { serde_json::to_string_pretty(&shown)? } else { shown.to_string() })?;
            Ok(ExitCode::SUCCESS)
        }
        KbCommand::List { place } => {
            let shelf = shelf(&place.site()?);
            let current = shelf.current().map_err(failed)?;
            let mark = |is_it: bool| if is_it { "*" } else { " " };
            say(&format!("{} {STARTER}", mark(current.is_none())))?;
            for version in shelf.versions().map_err(failed)? {
                let facts = shelf.get(&version);
                let what = match &facts {
                    Ok(facts) => sources_of(facts),
                    Err(error) => format!("cannot be read: {error}"),
                };
                let is_it = current.as_deref() == Some(version.as_str());
                say(&format!("{} {version}  {what}", mark(is_it)))?;
            }
            Ok(ExitCode::SUCCESS)
        }
        KbCommand::Use { place, version } => {
            let shelf = shelf(&place.site()?);
            take(&shelf, &version)?;
            say(&format!("in use: {version}"))?;
            Ok(ExitCode::SUCCESS)
        }
        KbCommand::Rebase { place, onto } => {
            let shelf = shelf(&place.site()?);
            let (mut facts, _) = facts(&shelf, onto.as_deref())?;
            facts.base = house::base().map_err(failed)?;
            say(&put(&shelf, &facts)?)?;
            Ok(ExitCode::SUCCESS)
        }
    }
}

fn import(args: &ImportArgs) -> Result<ExitCode, Failure> {
    let shelf = shelf(&args.place.site()?);
    let (mut facts, onto) = facts(&shelf, args.onto.as_deref())?;
    let bar = ProgressBar::with_draw_target(None, ProgressDrawTarget::stderr());
    let style = ProgressStyle::with_template("{spinner} {msg}");
    bar.set_style(style.unwrap_or_else(|_| ProgressStyle::default_spinner()));
    let began = Instant::now();
    let (brought, problems) = {
        let mut tell = |step: Step<'_>| {
            let Step { file, bytes, rows } = step;
            bar.set_message(format!("{file}: {}, {} rows", HumanBytes(bytes), HumanCount(rows)));
            bar.tick();
        };
        let mut intake = Intake::new(&mut tell);
        let brought = read(args, &mut intake).map_err(failed)?;
        (brought, intake.problems)
    };
    bar.finish_and_clear();
    let name = args.name.clone().unwrap_or_else(|| file_name(&args.path));
    let source = Source {
        kind: args.kind.word().to_owned(),
        name,
        version: args.release.clone().unwrap_or_default(),
        taken: 0,
        problems: problems.count,
    };
    facts.take(source, brought);
    let (_, report) = house::build(STARTER, &facts).map_err(failed)?;
    let version = put(&shelf, &facts)?;
    if args.take_into_use {
        take(&shelf, &version)?;
    }
    let taken = facts.sources.last().map_or(0, |it| it.taken);
    if args.json {
        let said = json!({
            "version": version,
            "onto": onto,
            "inUse": args.take_into_use,
            "taken": taken,
            "problems": problems,
            "report": report,
        });
        say(&serde_json::to_string_pretty(&said)?)?;
    } else {
        say_problems(&problems)?;
        say(&report.to_string())?;
        say(&format!(
            "{taken} taken from {} in {:.1} s, on top of {onto}: {version}",
            args.path.display(),
            began.elapsed().as_secs_f64(),
        ))?;
        say(&match args.take_into_use {
            true => format!("in use: {version}"),
            false => format!("take it into use: ward kb use {version}"),
        })?;
    }
    Ok(ExitCode::SUCCESS)
}

fn read(args: &ImportArgs, intake: &mut Intake<'_>) -> Result<Brought, ReadFailed> {
    let path = args.path.as_path();
    let name = file_name(path);
    let open = || -> Result<BufReader<File>, ReadFailed> {
        let file = File::open(path)
            .map_err(|source| ReadFailed::Io { file: path.display().to_string(), source })?;
        Ok(BufReader::new(file))
    };
    Ok(match args.kind {
        Kind::Rxnorm => {
            let mut release = rxnorm::read_folder(path, intake)?;
            if let Some(version) = &args.release {
                release.version.clone_from(version);
            }
            Brought::Release(release)
        }
        Kind::Spl => Brought::Labels(spl::read_path(path, intake)?),
        Kind::Openfda => Brought::Labels(openfda::read_path(path, intake)?),
        Kind::Ndc => Brought::Directory(ndc_directory::read_path(path, intake)?),
        Kind::Zwr => {
            let mut all = vista::Vista::default();
            let mut files = Vec::new();
            spl::collect(path, "zwr", 0, &mut files)?;
            for file in files {
                let name = file_name(&file);
                let source = File::open(&file)
                    .map_err(|source| ReadFailed::Io { file: name.clone(), source })?;
                vista::read(BufReader::new(source), &name, &mut all, intake)?;
            }
            Brought::Vista(all)
        }
        Kind::Ddi => Brought::Pairs(csv_tables::read_interactions(open()?, &name, intake)?),
        Kind::Classes => Brought::Classes(csv_tables::read_classes(open()?, &name, intake)?),
        Kind::Doses => Brought::Doses(csv_tables::read_doses(open()?, &name, intake)?),
        Kind::Fdamdd => Brought::Doses(fdamdd::read(open()?, &name, intake)?),
    })
}

fn shelf(site: &Site) -> Shelf {
    Shelf::new(&site.knowledge())
}

/// The facts of a version, and what it is called.
fn facts(shelf: &Shelf, version: Option<&str>) -> Result<(Facts, String), Failure> {
    let current = shelf.current().map_err(failed)?;
    let version = version.or(current.as_deref()).unwrap_or(STARTER);
    let facts = match version {
        STARTER => Facts::of_base(house::base().map_err(failed)?),
        version => shelf.get(version).map_err(failed)?,
    };
    Ok((facts, version.to_owned()))
}

fn put(shelf: &Shelf, facts: &Facts) -> Result<String, Failure> {
    shelf.put(facts).map_err(failed)
}

/// Only what holds together is taken into use.
fn take(shelf: &Shelf, version: &str) -> Result<(), Failure> {
    let chosen = match version {
        STARTER => None,
        version => {
            let facts = shelf.get(version).map_err(failed)?;
            house::build(version, &facts).map_err(failed)?;
            Some(version)
        }
    };
    shelf.set_current(chosen).map_err(failed)
}

fn sources_of(facts: &Facts) -> String {
    let mut kinds: BTreeMap<String, u64> = BTreeMap::new();
    for it in &facts.sources {
        *kinds.entry(format!("{} {}", it.kind, it.version).trim().to_owned()).or_default() +=
            it.taken;
    }
    let parts: Vec<String> = kinds.iter().map(|(kind, n)| format!("{kind} ({n})")).collect();
    format!("{} {}; {}", facts.base.name, facts.base.version, parts.join(", "))
}

fn say_problems(problems: &Problems) -> Result<(), Failure> {
    if problems.count == 0 {
        return Ok(());
    }
    say(&format!("{} that could not be read:", problems.count))?;
    for it in problems.kept.iter().take(SHOWN_MAX) {
        say(&format!("  {it}"))?;
    }
    let shown = u64::try_from(SHOWN_MAX).unwrap_or(0);
    if shown < problems.count {
        say(&format!("  and {} more", problems.count.saturating_sub(shown)))?;
    }
    say("")
}

fn file_name(path: &Path) -> String {
    path.file_name().unwrap_or_default().to_string_lossy().into_owned()
}

fn failed(error: impl std::error::Error) -> Failure {
    let cause = error.source().map(|it| format!(": {it}")).unwrap_or_default();
    Failure::Refused(format!("{error}{cause}"))
}
