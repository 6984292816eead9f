//! `ward hl7 send`.

use std::{path::PathBuf, process::ExitCode, sync::Arc};

use ward_crypto::tls;
use ward_hl7::{Header, ReadSettings};
use ward_interop::mllp::{SendSettings, Sender};

use super::files;
use crate::{Failure, commands::say};

/// Sends messages over MLLP, one after the other, and says how each was answered.
#[derive(clap::Args, Debug)]
pub struct SendArgs {
    /// Receiver, such as `127.0.0.1:2575`.
    address: String,
    /// Files of messages; `-` is standard input.
    #[arg(required = true)]
    files: Vec<PathBuf>,
    /// Seconds to wait for each answer.
    #[arg(long, default_value_t = 30)]
    wait_s: u64,
    /// Use TLS; PEM file with the authority that the receiver's certificate must come from.
    #[arg(long)]
    tls_ca: Option<PathBuf>,
    /// PEM file with our certificate, for receivers that ask for one.
    #[arg(long, requires = "tls_key")]
    tls_cert: Option<PathBuf>,
    /// PEM file with the private key of our certificate.
    #[arg(long, requires = "tls_cert")]
    tls_key: Option<PathBuf>,
    /// Go on after a message that was not accepted.
    #[arg(long)]
    keep_going: bool,
    /// Say only what was not accepted, and the sum.
    #[arg(long, conflicts_with = "show")]
    quiet: bool,
    /// Show the answers whole.
    #[arg(long)]
    show: bool,
}

pub async fn run(args: SendArgs) -> Result<ExitCode, Failure> {
    let tls = match &args.tls_ca {
        None => None,
        Some(ca) => {
            let own = args.tls_cert.as_deref().zip(args.tls_key.as_deref());
            let host = args.address.rsplit_once(':').map_or(args.address.as_str(), |it| it.0);
            let host = host.trim_matches(['[', ']']).to_owned();
            let name = tls::server_name(&host)?;
            Some((Arc::new(tls::client_config(ca, own)?), name))
        }
    };
    let settings =
        SendSettings { address: args.address, tls, connect_s: 10, answer_s: args.wait_s };
    let mut sender = Sender::new(settings);
    let (mut n_good, mut n_bad) = (0u64, 0u64);
    for (place, message) in files::messages(&args.files)? {
        let control_id = Header::scan(&message, &ReadSettings::default())
            .0
            .map(|header| header.raw(10).to_owned())
            .filter(|id| !id.is_empty());
        let Some(control_id) = control_id else {
            n_bad += 1;
            say(&format!("{place}: not sent: without MSH-10 no answer can be matched"))?;
            if args.keep_going {
                continue;
            }
            break;
        };
        match sender.send(&control_id, &message).await {
            Ok(sent) => {
                let good = sent.answer.code.is_positive();
                *(if good { &mut n_good } else { &mut n_bad }) += 1;
                if !(good && args.quiet) {
                    say(&format!("{place}: {}", sent.answer.code.as_str()))?;
                }
                if args.show || !good {
                    for line in String::from_utf8_lossy(&sent.raw).split('\r') {
                        if !line.is_empty() {
                            say(&format!("  {line}"))?;
                        }
                    }
                }
                if !good && !args.keep_going {
                    break;
                }
            }
            Err(error) => {
                n_bad += 1;
                say(&format!("{place}: {}", chain(&error)))?;
                if !args.keep_going {
                    break;
                }
            }
        }
    }
    say(&format!("{n_good} accepted, {n_bad} not"))?;
    Ok(if n_bad == 0 { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

fn chain(error: &dyn std::error::Error) -> String {
    let mut line = error.to_string();
    let mut next = error.source();
    while let Some(source) = next {
        line.push_str(": ");
        line.push_str(&source.to_string());
        next = source.source();
    }
    line
}
