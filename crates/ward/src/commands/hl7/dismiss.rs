//! `ward hl7 dismiss`.

use std::process::ExitCode;

use hyper::Method;
use serde_json::json;
use ward_crypto::OsRandom;
use ward_store::MessageId;
use ward_web::system_ctx;

use super::{
    replay::receiver,
    which::{Which, wanted},
};
use crate::{
    Failure,
    commands::{maps, say},
    open::{Holder, Place},
};

/// Puts kept messages away about which nothing is to be done: those that are named, or all that
/// were given up (`dead`) or set aside (`quarantined`).
#[derive(clap::Args, Debug)]
pub struct DismissArgs {
    #[command(flatten)]
    place: Place,
    /// Numbers of messages.
    #[arg(required_unless_present = "state", conflicts_with = "state")]
    ids: Vec<u64>,
    /// What was found; it is kept with each message.
    #[arg(long)]
    found: String,
    /// All messages in this state, `dead` or `quarantined`.
    #[arg(long)]
    state: Option<String>,
    /// Only at or after this time.
    #[arg(long, requires = "state")]
    since: Option<String>,
    /// Only before this time.
    #[arg(long, requires = "state")]
    until: Option<String>,
}

pub async fn run(args: DismissArgs) -> Result<ExitCode, Failure> {
    let found = args.found.trim();
    if !ward_web::is_finding(found) {
        return Err(Failure::Usage(
            "--found says in 1 to 500 characters what was found".to_owned(),
        ));
    }
    let holder = args.place.holder()?;
    let ids = match &args.state {
        None => args.ids.clone(),
        Some(state) => {
            let (since, until) = (args.since.as_deref(), args.until.as_deref());
            wanted(&holder, &Which { state, direction: None, since, until }).await?
        }
    };
    let local = match &holder {
        Holder::Chart(chart) => {
            let hl7 = &args.place.site()?.settings.config.hl7;
            Some(receiver(chart, maps::converter(hl7.maps.as_deref(), hl7.zone.as_deref())?))
        }
        Holder::Server(_) => None,
    };
    let mut n_left = 0u64;
    for id in &ids {
        let is_done = match (&holder, &local) {
            (Holder::Server(server), _) => {
                let path = format!("/api/messages/{id}/dismiss");
                server.json(Method::POST, &path, &json!({ "found": found })).await.map(|_| true)
            }
            (_, Some(receiver)) => {
                let cx = system_ctx(ward_web::now(), &OsRandom::default(), "command line");
                receiver.dismiss(&cx, MessageId(*id), found).await.map_err(Failure::from)
            }
            (Holder::Chart(_), None) => Ok(false),
        };
        match is_done {
            Ok(true) => say(&format!("{id}: dismissed"))?,
            Ok(false) => {
                n_left += 1;
                say(&format!("{id}: neither given up nor set aside"))?;
            }
            Err(failure) => {
                n_left += 1;
                say(&format!("{id}: {failure}"))?;
            }
        }
    }
    drop(local);
    if let Holder::Chart(chart) = holder {
        chart.close(ward_web::now()).await;
    }
    say(&format!("{} messages", ids.len()))?;
    Ok(if n_left == 0 { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}
