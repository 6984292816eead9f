//! `ward hl7 replay`.

use std::{process::ExitCode, sync::Arc};

use hyper::Method;
use serde_json::Value;
use ward_crypto::OsRandom;
use ward_interop::{contract::Receiver, convert::Converter};
use ward_store::{Chart, Direction, MessageId};
use ward_web::{shown, system_ctx};

use super::which::{Which, wanted};
use crate::{
    Failure,
    commands::{
        maps, say,
        serve::{self, channels},
    },
    open::{Holder, Place},
};

/// Works on kept messages again, in the order in which they came: those that are dead, or the ones
/// named. Those that went out, or should have, are sent again.
#[derive(clap::Args, Debug)]
pub struct ReplayArgs {
    #[command(flatten)]
    place: Place,
    /// Numbers of messages; all in the named state if absent.
    ids: Vec<u64>,
    /// State of the messages to work on again.
    #[arg(long, default_value = "dead")]
    state: String,
    /// `in`, or `out` for messages to send again.
    #[arg(long, default_value = "in")]
    direction: String,
    /// Only at or after this time.
    #[arg(long)]
    since: Option<String>,
    /// Only before this time.
    #[arg(long)]
    until: Option<String>,
    /// Change nothing; show what would change.
    #[arg(long)]
    dry_run: bool,
}

pub async fn run(args: ReplayArgs) -> Result<ExitCode, Failure> {
    let holder = args.place.holder()?;
    let mut ids = args.ids.clone();
    if ids.is_empty() {
        let which = Which {
            state: &args.state,
            direction: Some(&args.direction),
            since: args.since.as_deref(),
            until: args.until.as_deref(),
        };
        ids = wanted(&holder, &which).await?;
    }
    let local = match &holder {
        Holder::Chart(chart) => {
            let site = args.place.site()?;
            let hl7 = &site.settings.config.hl7;
            let receiver =
                receiver(chart, maps::converter(hl7.maps.as_deref(), hl7.zone.as_deref())?);
            let channels = hl7.channels.as_deref().map(channels::read).transpose()?;
            let main = serve::hl7::interface(hl7);
            receiver.announce(&channels::interfaces(&main, &channels.unwrap_or_default()));
            Some(receiver)
        }
        Holder::Server(_) => None,
    };
    let mut n_bad = 0u64;
    for id in &ids {
        let said = match (&holder, &local) {
            (Holder::Server(server), _) => {
                let (method, what) = match args.dry_run {
                    true => (Method::GET, "preview"),
                    false => (Method::POST, "replay"),
                };
                server.json(method, &format!("/api/messages/{id}/{what}"), &Value::Null).await?
            }
            (Holder::Chart(chart), Some(receiver)) => {
                here(chart, receiver, MessageId(*id), args.dry_run).await?
            }
            (Holder::Chart(_), None) => continue,
        };
        if args.dry_run {
            say(&format!("{id}: {said}"))?;
        } else {
            let is = |name: &str| said.get(name).and_then(Value::as_bool).unwrap_or(false);
            let became = match (is("applied"), is("waiting")) {
                (true, _) => "applied",
                (_, true) => "waiting",
                _ => "dead",
            };
            n_bad += u64::from(became == "dead");
            say(&format!("{id}: {became}"))?;
        }
    }
    if let Holder::Chart(chart) = holder {
        drop(local);
        chart.close(ward_web::now()).await;
    }
    say(&format!("{} messages", ids.len()))?;
    Ok(if n_bad == 0 { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

async fn here(
    chart: &Chart,
    receiver: &Receiver,
    id: MessageId,
    dry_run: bool,
) -> Result<Value, Failure> {
    let cx = system_ctx(ward_web::now(), &OsRandom::default(), "command line");
    let message = chart.message(&cx, id).await?;
    let message = message.ok_or_else(|| Failure::Usage("there is no such message".to_owned()))?;
    if message.head.direction == Direction::Out {
        let destination = &message.head.channel;
        let waits = !dry_run && receiver.send_again(id).await?;
        return Ok(serde_json::json!({ "waiting": waits, "destination": destination }));
    }
    let interface = receiver.interface(&message.head.channel);
    if dry_run {
        return Ok(shown(&receiver.preview(&cx, &interface, &message).await?));
    }
    let applied = receiver.work_on(&interface, id).await?;
    Ok(serde_json::json!({ "applied": applied }))
}

/// Who works on messages without a server.
pub(super) fn receiver(chart: &Chart, converter: Converter) -> Receiver {
    Receiver::new(
        chart.clone(),
        converter,
        Arc::new(OsRandom::default()),
        "",
        Arc::new(ward_web::now),
        Arc::new(|_| {}),
    )
}
