//! `ward simulate`: the simulated population as files.

use std::{fs, path::PathBuf, process::ExitCode};

use super::say;
use crate::Failure;

/// Writes transaction bundles of simulated patients.
#[derive(clap::Args, Debug)]
pub struct SimulateArgs {
    /// How many patients.
    #[arg(long, default_value_t = 100)]
    patients: u64,
    /// The same seed gives the same population.
    #[arg(long, default_value_t = 1)]
    seed: u64,
    /// Folder for the bundles.
    #[arg(long)]
    out: PathBuf,
    /// Write a day of HL7 v2 messages about these patients too, to `day.hl7`.
    #[arg(long)]
    day: bool,
}

pub fn run(args: SimulateArgs) -> Result<ExitCode, Failure> {
    let hospital = ward_sim::Hospital::new(args.seed);
    let failed = |e| Failure::Io("writing the population", e);
    fs::create_dir_all(&args.out).map_err(failed)?;
    fs::write(args.out.join("hospital.json"), hospital.base_bundle()).map_err(failed)?;
    for n in 0..args.patients {
        // Numbered: a file name never says who is inside.
        let path = args.out.join(format!("patient-{n:06}.json"));
        fs::write(path, hospital.patient_bundle(n)).map_err(failed)?;
    }
    if args.day {
        let midnight = hospital_midnight();
        let messages = hospital.day(midnight, args.patients);
        let text: String = messages.iter().map(|sent| sent.text.as_str()).collect();
        fs::write(args.out.join("day.hl7"), text).map_err(failed)?;
    }
    say(&format!("{} patients in {}", args.patients, args.out.display()))?;
    Ok(ExitCode::SUCCESS)
}

/// The day on which the simulated hospital lives.
fn hospital_midnight() -> jiff::Timestamp {
    jiff::Timestamp::from_second(1_767_225_600).unwrap_or(jiff::Timestamp::UNIX_EPOCH)
}
