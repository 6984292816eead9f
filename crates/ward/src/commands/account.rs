//! `ward account`.

use std::{path::PathBuf, process::ExitCode};

use hyper::Method;
use serde_json::{Value, json};
use ward_core::{FhirId, Role};
use ward_crypto::OsRandom;
use ward_web::{
    NewAccount,
    accounts::{self, AccountView, Change},
    system_ctx,
};
use zeroize::Zeroizing;

use super::say;
use crate::{
    Failure,
    open::{Holder, Place},
    operator::unexpected,
    password,
};

#[derive(clap::Subcommand, Debug)]
pub enum AccountCommand {
    /// Makes an account of a person. The password is asked for, or read from a file.
    Create {
        #[command(flatten)]
        place: Place,
        /// What the person signs in with.
        #[arg(long)]
        name: String,
        /// What the person is: physician, nurse, pharmacist, registrar, radiographer, billing,
        /// integration, auditor, administrator.
        #[arg(long)]
        role: String,
        /// Logical id of the Practitioner this person is, for care relationships.
        #[arg(long)]
        practitioner: Option<FhirId>,
        /// File with the password, at least 12 characters.
        #[arg(long)]
        password_file: Option<PathBuf>,
    },
    /// Shows every account.
    List {
        #[command(flatten)]
        place: Place,
    },
    /// Gives an account another role; its sessions end.
    SetRole {
        #[command(flatten)]
        place: Place,
        /// What the person signs in with.
        #[arg(long)]
        name: String,
        /// As for `create`.
        #[arg(long)]
        role: String,
    },
    /// Closes an account; its sessions end.
    Deactivate {
        #[command(flatten)]
        place: Place,
        /// What the person signs in with.
        #[arg(long)]
        name: String,
    },
    /// Opens a closed account again.
    Activate {
        #[command(flatten)]
        place: Place,
        /// What the person signs in with.
        #[arg(long)]
        name: String,
    },
    /// Makes a temporary password, which is shown here and nowhere else and has to be replaced
    /// when the person signs in with it, within a day; the account's sessions end.
    ResetPassword {
        #[command(flatten)]
        place: Place,
        /// What the person signs in with.
        #[arg(long)]
        name: String,
    },
}

pub async fn run(command: AccountCommand) -> Result<ExitCode, Failure> {
    match command {
        AccountCommand::Create { place, name, role, practitioner, password_file } => {
            let role = role_of(&role)?;
            let password = password::read(password_file.as_deref())?;
            let new = NewAccount { name, password: password.to_string(), role, practitioner };
            create(place.holder()?, new).await?;
            say("account made")?;
        }
        AccountCommand::List { place } => {
            for account in list(place.holder()?).await? {
                say(&line_of(&account))?;
            }
        }
        AccountCommand::SetRole { place, name, role } => {
            change(&place, &name, Change::Role(role_of(&role)?)).await?;
            say("role changed; the account's sessions have ended")?;
        }
        AccountCommand::Deactivate { place, name } => {
            change(&place, &name, Change::Deactivate).await?;
            say("account closed; its sessions have ended")?;
        }
        AccountCommand::Activate { place, name } => {
            change(&place, &name, Change::Activate).await?;
            say("account opened")?;
        }
        AccountCommand::ResetPassword { place, name } => {
            let password = change(&place, &name, Change::ResetPassword).await?;
            let password = password.ok_or_else(unexpected)?;
            say("password reset; the account's sessions have ended")?;
            say("temporary password, to be replaced when signing in within 24 hours:")?;
            say(&password)?;
        }
    }
    Ok(ExitCode::SUCCESS)
}

fn role_of(word: &str) -> Result<Role, Failure> {
    match Role::from_word(word) {
        Some(role) if role != Role::System => Ok(role),
        _ => Err(Failure::Usage(format!("`{word}` is not a role of a person"))),
    }
}

/// The name comes last, because it may hold spaces.
fn line_of(account: &AccountView) -> String {
    let or_none = |text: &Option<String>| text.clone().unwrap_or_else(|| "-".to_owned());
    let mut line = format!(
        "{} {} role={} created={} last-sign-in={}",
        account.id,
        if account.active { "active" } else { "closed" },
        account.role,
        or_none(&account.created),
        or_none(&account.last_sign_in),
    );
    if let (Some(sessions), Some(tries)) = (account.sessions, account.failed_tries) {
        line.push_str(&format!(" sessions={sessions} failed-tries={tries}"));
    }
    if let Some(until) = &account.temporary_until {
        line.push_str(&format!(" temporary-until={until}"));
    }
    format!("{line} {}", account.name)
}

async fn list(holder: Holder) -> Result<Vec<AccountView>, Failure> {
    match holder {
        Holder::Chart(chart) => {
            let cx = system_ctx(ward_web::now(), &OsRandom::default(), "command line");
            let all = accounts::list(&chart, &cx).await?;
            chart.close(ward_web::now()).await;
            Ok(all)
        }
        Holder::Server(server) => {
            let mut said = server.json(Method::GET, "/api/accounts", &Value::Null).await?;
            let all = said.get_mut("accounts").map(Value::take).ok_or_else(unexpected)?;
            Ok(serde_json::from_value(all)?)
        }
    }
}

/// Changes an account; a reset gives the temporary password.
async fn change(
    place: &Place,
    name: &str,
    change: Change,
) -> Result<Option<Zeroizing<String>>, Failure> {
    let id = accounts::id_of(name)?;
    match place.holder()? {
        Holder::Chart(chart) => {
            let random = OsRandom::default();
            let cx = system_ctx(ward_web::now(), &random, "command line");
            let outcome = accounts::change(&chart, &cx, &random, &id, change).await;
            chart.close(ward_web::now()).await;
            Ok(outcome?)
        }
        Holder::Server(server) => {
            let (method, path, asked) = match change {
                Change::Role(role) => (Method::PUT, "role", json!({ "role": role.as_str() })),
                Change::Activate => (Method::PUT, "active", json!({ "active": true })),
                Change::Deactivate => (Method::PUT, "active", json!({ "active": false })),
                Change::ResetPassword => (Method::POST, "reset-password", Value::Null),
            };
            let path = format!("/api/accounts/{id}/{path}");
            let said = server.json(method, &path, &asked).await?;
            let password = said.get("password").and_then(Value::as_str);
            Ok(password.map(|text| Zeroizing::new(text.to_owned())))
        }
    }
}

async fn create(holder: Holder, new: NewAccount) -> Result<(), Failure> {
    match holder {
        Holder::Chart(chart) => {
            let random = OsRandom::default();
            let cx = system_ctx(ward_web::now(), &random, "command line");
            accounts::create(&chart, &cx, &random, new).await?;
            chart.close(ward_web::now()).await;
        }
        Holder::Server(server) => {
            let asked = json!({
                "name": new.name,
                "password": new.password,
                "role": new.role.as_str(),
                "practitioner": new.practitioner.map(|id| id.to_string()),
            });
            server.json(Method::POST, "/api/accounts", &asked).await?;
        }
    }
    Ok(())
}
