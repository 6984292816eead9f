//! `ward account`.

use std::{path::PathBuf, process::ExitCode};

use hyper::Method;
use serde_json::json;
use ward_core::{FhirId, Role};
use ward_crypto::OsRandom;
use ward_web::{NewAccount, accounts, system_ctx};

use super::say;
use crate::{
    Failure,
    open::{Holder, Place},
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
}

pub async fn run(command: AccountCommand) -> Result<ExitCode, Failure> {
    match command {
        AccountCommand::Create { place, name, role, practitioner, password_file } => {
            let role = match Role::from_word(&role) {
                Some(role) if role != Role::System => role,
                _ => return Err(Failure::Usage(format!("`{role}` is not a role of a person"))),
            };
            let password = password::read(password_file.as_deref())?;
            let new = NewAccount { name, password: password.to_string(), role, practitioner };
            create(place.holder()?, new).await?;
            say("account made")?;
        }
    }
    Ok(ExitCode::SUCCESS)
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
