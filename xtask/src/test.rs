//! `cargo xtask test`: everything a change has to pass. The test runner comes last, so that its
//! summary is the last thing said.

use crate::{
    run::{Run, Stop},
    setup, tidy, web,
};

pub fn run() -> Result<(), Stop> {
    Run::cargo(&["fmt", "--all", "--check"]).go()?;
    tidy::run()?;
    if Run::cargo(&["deny", "--version"]).works() {
        Run::cargo(&["deny", "--all-features", "check", "bans", "licenses", "sources"]).go()?;
    } else {
        eprintln!(
            "!! cargo-deny is not installed: licenses and walls of third parties NOT checked"
        );
    }
    if let Err(stop) = setup::run() {
        eprintln!("!! no public FHIR clients: their tests will be SKIPPED ({stop:?})");
    }
    if let Err(stop) = web::build() {
        eprintln!("!! no interface: its tests will be SKIPPED ({stop:?})");
    }
    let lints = ["clippy", "--workspace", "--all-targets", "--", "-D", "warnings"];
    Run::cargo(&lints).go()?;
    // The wire tests start the binary, so it has to be the one of this source.
    Run::cargo(&["build", "--package", "ward"]).go()?;
    runner(&[]).env("WARD_PYTHON", setup::python()).go()
}

/// The long forms: hours instead of minutes.
pub fn soak() -> Result<(), Stop> {
    Run::cargo(&["build", "--release", "--package", "ward"]).go()?;
    let ward = crate::run::target().join("release/ward");
    let long = |tests: &str, settings: &[(&str, &str)]| {
        let run = runner(&["--package", "ward-tests", tests]).env("WARD_BIN", &ward);
        settings.iter().fold(run, |run, (name, value)| run.env(name, value)).go()
    };
    long("killed_at_any_moment", &[("WARD_KILLS", "300")])?;
    long("hl7::kills", &[("WARD_KILLS", "1000")])?;
    long("stays::admissions_survive_kills", &[("WARD_KILLS", "200")])?;
    long("hl7::backlog", &[("WARD_BACKLOG", "100000"), ("WARD_DOWN_S", "600")])?;
    long("hl7::corpus", &[("WARD_CORPUS_STEP", "1")])
}

fn runner(args: &[&str]) -> Run {
    let has_nextest = Run::cargo(&["nextest", "--version"]).works();
    let run = if has_nextest {
        Run::cargo(&["nextest", "run", "--no-fail-fast"])
    } else {
        Run::cargo(&["test", "--no-fail-fast"])
    };
    if args.is_empty() { run.arg("--workspace") } else { run.args(args) }
}
