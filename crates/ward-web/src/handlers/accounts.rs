//! Accounts, their sessions, and tokens, for whoever looks after them.

use hyper::StatusCode;
use serde::Deserialize;
use serde_json::json;
use ward_core::FhirId;
use ward_records::RecordsError;

use super::access::{body_of, invalid, role_of};
use crate::{
    app::App,
    auth::{NewAccount, NewToken, accounts, accounts::Change, tokens},
    request::Asked,
    respond,
    respond::{Answer, auth_error},
};

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Account {
    name: String,
    password: String,
    role: String,
    practitioner: Option<String>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Token {
    role: String,
    #[serde(default)]
    label: String,
    expires: Option<String>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct NewRole {
    role: String,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Active {
    active: bool,
}

pub(crate) async fn create(app: &App, asked: &Asked) -> Answer {
    let Account { name, password, role, practitioner } = body_of(asked)?;
    let practitioner = practitioner.map(|id| id.parse()).transpose();
    let practitioner = practitioner.map_err(|_| invalid("`practitioner` is not an id"))?;
    let new = NewAccount { name, password, role: role_of(&role)?, practitioner };
    accounts::create(app.records.chart(), &asked.cx, app.random.as_ref(), new)
        .await
        .map_err(auth_error)?;
    Ok(respond::done(StatusCode::CREATED))
}

pub(crate) async fn list(app: &App, asked: &Asked) -> Answer {
    let accounts = app.gate.accounts(&asked.cx).await.map_err(auth_error)?;
    Ok(respond::value(StatusCode::OK, &json!({ "accounts": accounts })))
}

pub(crate) async fn read(app: &App, asked: &Asked) -> Answer {
    let account = app.gate.account(&asked.cx, &id_of(asked)?).await.map_err(auth_error)?;
    Ok(respond::value(StatusCode::OK, &json!(account)))
}

pub(crate) async fn set_role(app: &App, asked: &Asked) -> Answer {
    let NewRole { role } = body_of(asked)?;
    change(app, asked, Change::Role(role_of(&role)?)).await
}

pub(crate) async fn set_active(app: &App, asked: &Asked) -> Answer {
    let change_to = match body_of(asked)? {
        Active { active: true } => Change::Activate,
        Active { active: false } => Change::Deactivate,
    };
    change(app, asked, change_to).await
}

pub(crate) async fn reset_password(app: &App, asked: &Asked) -> Answer {
    change(app, asked, Change::ResetPassword).await
}

/// Changes an account. What the person made and what goes on without the person is told, because
/// only a person can say whether an interface of the hospital hangs on it.
async fn change(app: &App, asked: &Asked, change: Change) -> Answer {
    let id = id_of(asked)?;
    let random = app.random.as_ref();
    let temporary = app.gate.change_account(&asked.cx, random, &id, change).await;
    let temporary = temporary.map_err(auth_error)?;
    let body = match (change, temporary) {
        (_, Some(password)) => json!({ "password": password.as_str() }),
        (Change::Deactivate | Change::Role(_), None) => {
            let tokens = app.gate.tokens_made_by(&asked.cx, &id).await.map_err(auth_error)?;
            json!({ "done": true, "tokens": tokens })
        }
        (_, None) => json!({ "done": true }),
    };
    Ok(respond::value(StatusCode::OK, &body))
}

pub(crate) async fn sessions(app: &App, asked: &Asked) -> Answer {
    let sessions = app.gate.sessions_of(&asked.cx, &id_of(asked)?).await.map_err(auth_error)?;
    Ok(respond::value(StatusCode::OK, &json!({ "sessions": sessions })))
}

pub(crate) async fn end_sessions(app: &App, asked: &Asked) -> Answer {
    end(app, asked, None).await
}

pub(crate) async fn end_session(app: &App, asked: &Asked) -> Answer {
    end(app, asked, Some(asked.value("session")?)).await
}

async fn end(app: &App, asked: &Asked, one: Option<&str>) -> Answer {
    let ended = app.gate.end_sessions(&asked.cx, &id_of(asked)?, one).await.map_err(auth_error)?;
    Ok(respond::value(StatusCode::OK, &json!({ "ended": ended })))
}

pub(crate) async fn create_token(app: &App, asked: &Asked) -> Answer {
    let Token { role, label, expires } = body_of(asked)?;
    let expires = expires.map(|time| time.parse()).transpose();
    let expires = expires.map_err(|_| invalid("`expires` is not an instant"))?;
    let role = role_of(&role)?;
    let new = NewToken { role, label, expires };
    let token = tokens::create(app.records.chart(), &asked.cx, app.random.as_ref(), new)
        .await
        .map_err(auth_error)?;
    Ok(respond::value(StatusCode::CREATED, &json!({ "token": token })))
}

pub(crate) async fn tokens(app: &App, asked: &Asked) -> Answer {
    let tokens = app.gate.tokens(&asked.cx).await.map_err(auth_error)?;
    Ok(respond::value(StatusCode::OK, &json!({ "tokens": tokens })))
}

pub(crate) async fn revoke_token(app: &App, asked: &Asked) -> Answer {
    let id = asked.value("id")?.parse().map_err(|_| invalid("not a token's id"))?;
    app.gate.revoke_token(&asked.cx, &id).await.map_err(auth_error)?;
    Ok(respond::done(StatusCode::OK))
}

fn id_of(asked: &Asked) -> Result<FhirId, RecordsError> {
    asked.value("id")?.parse().map_err(|_| invalid("not an account's id"))
}
