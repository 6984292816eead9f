//! `ward hl7 log`.

use std::{io::Write, process::ExitCode};

use base64::{Engine, engine::general_purpose::STANDARD};
use hyper::Method;
use serde_json::Value;
use ward_crypto::OsRandom;
use ward_store::MessageId;
use ward_web::{MessageLine, filter_of, system_ctx};

use crate::{
    Failure,
    commands::say,
    open::{Holder, Place},
    operator::unexpected,
};

/// Shows kept messages, newest first; works beside a running server.
#[derive(clap::Args, Debug)]
pub struct LogArgs {
    #[command(flatten)]
    place: Place,
    /// One message by its number: its bytes, as they came, on standard output.
    #[arg(long)]
    raw: Option<u64>,
    /// Only in these states, such as `dead,refused`.
    #[arg(long)]
    state: Option<String>,
    /// `in` or `out`.
    #[arg(long)]
    direction: Option<String>,
    #[arg(long)]
    interface: Option<String>,
    /// Message type, such as `ADT^A01`.
    #[arg(long = "type")]
    kind: Option<String>,
    #[arg(long)]
    control_id: Option<String>,
    /// Logical id of the patient.
    #[arg(long)]
    patient: Option<String>,
    /// Only at or after this time.
    #[arg(long)]
    since: Option<String>,
    /// Only before this time.
    #[arg(long)]
    until: Option<String>,
    /// Only before this number: the next page.
    #[arg(long)]
    before: Option<u64>,
    #[arg(long, default_value_t = 50)]
    limit: usize,
    /// One JSON object a line.
    #[arg(long)]
    json: bool,
}

impl LogArgs {
    fn query(&self) -> String {
        let number = |n: &Option<u64>| n.map(|n| n.to_string());
        let named = [
            ("state", self.state.clone()),
            ("direction", self.direction.clone()),
            ("interface", self.interface.clone()),
            ("type", self.kind.clone()),
            ("control-id", self.control_id.clone()),
            ("patient", self.patient.clone()),
            ("since", self.since.clone()),
            ("until", self.until.clone()),
            ("before", number(&self.before)),
            ("limit", Some(self.limit.to_string())),
        ];
        let said = named.into_iter().filter_map(|(name, value)| Some((name, value?)));
        said.map(|(name, value)| format!("{name}={}", escaped(&value)))
            .collect::<Vec<_>>()
            .join("&")
    }
}

pub async fn run(args: LogArgs) -> Result<ExitCode, Failure> {
    let holder = args.place.holder()?;
    let outcome = match args.raw {
        Some(id) => raw(&holder, id).await,
        None => list(&holder, &args).await,
    };
    if let Holder::Chart(chart) = holder {
        chart.close(ward_web::now()).await;
    }
    outcome.map(|()| ExitCode::SUCCESS)
}

async fn list(holder: &Holder, args: &LogArgs) -> Result<(), Failure> {
    let query = args.query();
    let lines: Vec<MessageLine> = match holder {
        Holder::Chart(chart) => {
            let cx = system_ctx(ward_web::now(), &OsRandom::default(), "command line");
            let heads = chart.messages(&cx, &filter_of(&query)?).await?;
            heads.iter().map(MessageLine::from).collect()
        }
        Holder::Server(server) => {
            let path = format!("/api/messages?{query}");
            let mut said = server.json(Method::GET, &path, &Value::Null).await?;
            let lines = said.get_mut("messages").map(Value::take).ok_or_else(unexpected)?;
            serde_json::from_value(lines)?
        }
    };
    for line in &lines {
        match args.json {
            true => say(&serde_json::to_string(line)?)?,
            false => say(&text_of(line))?,
        }
    }
    Ok(())
}

async fn raw(holder: &Holder, id: u64) -> Result<(), Failure> {
    let bytes = match holder {
        Holder::Chart(chart) => {
            let cx = system_ctx(ward_web::now(), &OsRandom::default(), "command line");
            let message = chart.message(&cx, MessageId(id)).await?;
            let message =
                message.ok_or_else(|| Failure::Usage("there is no such message".to_owned()))?;
            message.raw.into_revealed()
        }
        Holder::Server(server) => {
            let path = format!("/api/messages/{id}");
            let said = server.json(Method::GET, &path, &Value::Null).await?;
            let text = said.get("raw").and_then(Value::as_str).ok_or_else(unexpected)?;
            STANDARD.decode(text).map_err(|_| unexpected())?
        }
    };
    let mut out = std::io::stdout().lock();
    out.write_all(&bytes)
        .and_then(|()| out.flush())
        .map_err(|e| Failure::Io("writing to standard output", e))
}

pub fn text_of(line: &MessageLine) -> String {
    let mut text = format!(
        "{} {} {} {} {} {} {}",
        line.id, line.time, line.direction, line.state, line.interface, line.kind, line.control_id
    );
    for (name, value) in [("patient", line.patient.as_deref()), ("why", line.why.as_deref())] {
        text.extend(value.map(|value| format!(" {name}={value}")));
    }
    for problem in &line.problems {
        text.push_str(&format!(" [{problem}]"));
    }
    text
}

/// As a query wants it.
pub fn escaped(text: &str) -> String {
    text.bytes()
        .map(|b| match b {
            b'A'..=b'Z' | b'a'..=b'z' | b'0'..=b'9' | b'-' | b'.' | b'_' => {
                char::from(b).to_string()
            }
            b => format!("%{b:02X}"),
        })
        .collect()
}
