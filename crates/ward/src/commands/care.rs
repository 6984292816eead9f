//! `ward reindex` and `ward scrub`.

use std::process::ExitCode;

use ward_crypto::OsRandom;
use ward_web::system_ctx;

use super::say;
use crate::{Failure, open::Place};

/// Makes the search index anew from truth.
#[derive(clap::Args, Debug)]
pub struct ReindexArgs {
    #[command(flatten)]
    place: Place,
}

/// Opens every sealed row and reports those that are damaged.
#[derive(clap::Args, Debug)]
pub struct ScrubArgs {
    #[command(flatten)]
    place: Place,
}

pub async fn reindex(args: ReindexArgs) -> Result<ExitCode, Failure> {
    let cx = system_ctx(ward_web::now(), &OsRandom::default(), "command line");
    let chart = args.place.open()?;
    chart.reindex(&cx).await?;
    chart.close(ward_web::now()).await;
    say("index made anew")?;
    Ok(ExitCode::SUCCESS)
}

pub async fn scrub(args: ScrubArgs) -> Result<ExitCode, Failure> {
    let cx = system_ctx(ward_web::now(), &OsRandom::default(), "command line");
    let chart = args.place.open()?;
    let (mut from, mut n_rows, mut damaged) = (0, 0, Vec::new());
    loop {
        let part = chart.scrub(&cx, from).await?;
        n_rows += part.n_rows;
        damaged.extend(part.damaged);
        match part.next {
            Some(next) => from = next,
            None => break,
        }
    }
    chart.close(ward_web::now()).await;
    say(&format!("{n_rows} rows opened, {} damaged", damaged.len()))?;
    for vid in &damaged {
        say(&format!("damaged: row {vid}"))?;
    }
    Ok(if damaged.is_empty() { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}
