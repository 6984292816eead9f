//! `ward init`.

use std::process::ExitCode;

use ward_store::Chart;

use super::say;
use crate::{Failure, open::Place};

/// Makes an empty chart and its root key.
#[derive(clap::Args, Debug)]
pub struct InitArgs {
    #[command(flatten)]
    place: Place,
}

pub async fn run(args: InitArgs) -> Result<ExitCode, Failure> {
    let place = args.place.site()?;
    let root = if place.keys().exists() { place.root()? } else { place.new_root()? };
    let says = root.describe();
    let chart = Chart::init(place.options(root), ward_web::now())?;
    chart.close(ward_web::now()).await;
    say(&format!("chart {} made; root: {says}", place.data().display()))?;
    say("Keep a copy of the root key somewhere else: without it the chart cannot be read.")?;
    Ok(ExitCode::SUCCESS)
}
