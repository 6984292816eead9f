//! `ward token`.

use std::{
    fs::{OpenOptions, Permissions},
    io::Write,
    os::unix::fs::{OpenOptionsExt, PermissionsExt},
    path::PathBuf,
    process::ExitCode,
};

use hyper::Method;
use jiff::Timestamp;
use serde_json::{Value, json};
use ward_core::{FhirId, Role};
use ward_crypto::OsRandom;
use ward_web::{
    NewToken, system_ctx,
    tokens::{self, TokenView},
};

use super::say;
use crate::{
    Failure,
    open::{Holder, Place},
    operator::unexpected,
};

#[derive(clap::Subcommand, Debug)]
pub enum TokenCommand {
    /// Makes a bearer token; its text is shown here and nowhere else.
    Create {
        #[command(flatten)]
        place: Place,
        /// What its holder is: physician, nurse, pharmacist, registrar, radiographer, billing,
        /// integration, auditor, administrator.
        #[arg(long)]
        role: String,
        /// What it is for.
        #[arg(long, default_value = "")]
        label: String,
        /// When it ends, such as 2027-01-01T00:00:00Z.
        #[arg(long)]
        expires: Option<Timestamp>,
        /// File for the token, made with mode 0600; standard output if absent.
        #[arg(long)]
        out: Option<PathBuf>,
    },
    /// Shows every token that was made, without its text.
    List {
        #[command(flatten)]
        place: Place,
    },
    /// Ends a token.
    Revoke {
        #[command(flatten)]
        place: Place,
        /// SHA-256 of the token in hex, or the token itself.
        token: String,
    },
}

pub async fn run(command: TokenCommand) -> Result<ExitCode, Failure> {
    match command {
        TokenCommand::Create { place, role, label, expires, out } => {
            let role = Role::from_word(&role)
                .ok_or_else(|| Failure::Usage(format!("`{role}` is not a role")))?;
            let new = NewToken { role, label, expires };
            match out {
                None => say(&create(place.holder()?, new).await?)?,
                Some(path) => {
                    // The file first: a token that cannot be kept is not made.
                    let mut file = OpenOptions::new()
                        .write(true)
                        .create(true)
                        .truncate(true)
                        .mode(0o600)
                        .open(&path)
                        .map_err(|e| Failure::Io("making the token file", e))?;
                    let token = create(place.holder()?, new).await?;
                    file.set_permissions(Permissions::from_mode(0o600))
                        .and_then(|()| file.write_all(token.as_bytes()))
                        .map_err(|e| Failure::Io("writing the token file", e))?;
                }
            }
        }
        TokenCommand::List { place } => {
            for token in list(place.holder()?).await? {
                say(&line_of(&token))?;
            }
        }
        TokenCommand::Revoke { place, token } => {
            let id = if token.starts_with("ward_") {
                let digest = ward_crypto::password::token_digest(&token);
                digest.iter().map(|byte| format!("{byte:02x}")).collect()
            } else {
                token
            };
            let id = id.parse().map_err(|_| Failure::Usage("not a token".to_owned()))?;
            revoke(place.holder()?, &id).await?;
        }
    }
    Ok(ExitCode::SUCCESS)
}

/// The label comes last, because it may hold spaces.
fn line_of(token: &TokenView) -> String {
    let or_none = |text: &Option<String>| text.clone().unwrap_or_else(|| "-".to_owned());
    format!(
        "{} {} role={} created={} expires={} last-use={} {}",
        token.id,
        if token.revoked { "revoked" } else { "valid" },
        token.role,
        or_none(&token.created),
        or_none(&token.expires),
        or_none(&token.last_use),
        token.label
    )
    .trim_end()
    .to_owned()
}

async fn list(holder: Holder) -> Result<Vec<TokenView>, Failure> {
    match holder {
        Holder::Chart(chart) => {
            let cx = system_ctx(ward_web::now(), &OsRandom::default(), "command line");
            let all = tokens::list(&chart, &cx).await?;
            chart.close(ward_web::now()).await;
            Ok(all)
        }
        Holder::Server(server) => {
            let mut said = server.json(Method::GET, "/api/tokens", &Value::Null).await?;
            let all = said.get_mut("tokens").map(Value::take).ok_or_else(unexpected)?;
            Ok(serde_json::from_value(all)?)
        }
    }
}

async fn create(holder: Holder, new: NewToken) -> Result<String, Failure> {
    match holder {
        Holder::Chart(chart) => {
            let random = OsRandom::default();
            let cx = system_ctx(ward_web::now(), &random, "command line");
            let token = tokens::create(&chart, &cx, &random, new).await?;
            chart.close(ward_web::now()).await;
            Ok(token)
        }
        Holder::Server(server) => {
            let asked = json!({
                "role": new.role.as_str(),
                "label": new.label,
                "expires": new.expires.map(|time| time.to_string()),
            });
            let said = server.json(Method::POST, "/api/tokens", &asked).await?;
            let token = said.get("token").and_then(Value::as_str);
            token.map(str::to_owned).ok_or_else(unexpected)
        }
    }
}

async fn revoke(holder: Holder, id: &FhirId) -> Result<(), Failure> {
    match holder {
        Holder::Chart(chart) => {
            let cx = system_ctx(ward_web::now(), &OsRandom::default(), "command line");
            tokens::revoke(&chart, &cx, id).await?;
            chart.close(ward_web::now()).await;
        }
        Holder::Server(server) => {
            server.json(Method::DELETE, &format!("/api/tokens/{id}"), &Value::Null).await?;
        }
    }
    Ok(())
}
