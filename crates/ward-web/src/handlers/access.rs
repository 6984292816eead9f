//! Set-up, sign-in, accounts and tokens.

use axum::body::Body;
use hyper::{
    Response, StatusCode,
    header::{self, HeaderValue},
};
use serde::{Deserialize, de::DeserializeOwned};
use serde_json::json;
use ward_core::{Kind, Role};
use ward_records::RecordsError;

use crate::{
    app::App,
    auth::{NewAccount, NewToken, accounts, tokens},
    request::Asked,
    respond,
    respond::{Answer, auth_error},
};

/// The session cookie. The prefix makes browsers insist on a secure, host-only cookie.
pub(crate) const COOKIE: &str = "__Host-ward";

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct SetUp {
    token: String,
    name: String,
    password: String,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct SignIn {
    name: String,
    password: String,
}

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

pub(crate) async fn set_up(app: &App, asked: &Asked) -> Answer {
    let SetUp { token, name, password } = body_of(asked)?;
    let new = NewAccount { name, password, role: Role::Administrator, practitioner: None };
    let cx = &asked.cx;
    app.gate
        .set_up(&token, new, cx.now, app.random.as_ref(), &cx.source)
        .await
        .map_err(auth_error)?;
    Ok(respond::json(StatusCode::CREATED, br#"{"done":true}"#.to_vec()))
}

pub(crate) async fn sign_in(app: &App, asked: &Asked) -> Answer {
    let SignIn { name, password } = body_of(asked)?;
    let cx = &asked.cx;
    let cookie = app
        .gate
        .sign_in(&name, &password, cx.now, app.random.as_ref(), &cx.source)
        .await
        .map_err(auth_error)?;
    let mut response = respond::json(StatusCode::OK, br#"{"done":true}"#.to_vec());
    set_cookie(
        &mut response,
        &format!("{COOKIE}={cookie}; Path=/; Secure; HttpOnly; SameSite=Strict"),
    );
    Ok(response)
}

pub(crate) async fn sign_out(app: &App, asked: &Asked) -> Answer {
    if let Some(cookie) = Asked::cookie(&asked.headers, COOKIE) {
        app.gate.sign_out(cookie, &asked.cx).await.map_err(auth_error)?;
    }
    let mut response = respond::json(StatusCode::OK, br#"{"done":true}"#.to_vec());
    set_cookie(
        &mut response,
        &format!("{COOKIE}=; Path=/; Secure; HttpOnly; SameSite=Strict; Max-Age=0"),
    );
    Ok(response)
}

pub(crate) async fn me(_: &App, asked: &Asked) -> Answer {
    let cx = &asked.cx;
    let body = json!({
        "actor": cx.actor.id.to_string(),
        "role": cx.role.as_str(),
        "purpose": cx.purpose.as_str(),
    });
    Ok(respond::json(StatusCode::OK, body.to_string().into_bytes()))
}

pub(crate) async fn create_account(app: &App, asked: &Asked) -> Answer {
    let Account { name, password, role, practitioner } = body_of(asked)?;
    let practitioner = practitioner.map(|id| id.parse()).transpose();
    let practitioner = practitioner.map_err(|_| invalid("`practitioner` is not an id"))?;
    let new = NewAccount { name, password, role: role_of(&role)?, practitioner };
    accounts::create(app.records.chart(), &asked.cx, app.random.as_ref(), new)
        .await
        .map_err(auth_error)?;
    Ok(respond::json(StatusCode::CREATED, br#"{"done":true}"#.to_vec()))
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
    let body = json!({ "token": token }).to_string().into_bytes();
    Ok(respond::json(StatusCode::CREATED, body))
}

pub(crate) async fn revoke_token(app: &App, asked: &Asked) -> Answer {
    let id = asked.value("id")?.parse().map_err(|_| invalid("not a token's id"))?;
    tokens::revoke(app.records.chart(), &asked.cx, &id).await.map_err(auth_error)?;
    app.gate.forget_tokens();
    Ok(respond::json(StatusCode::OK, br#"{"done":true}"#.to_vec()))
}

fn body_of<T: DeserializeOwned>(asked: &Asked) -> Result<T, RecordsError> {
    // The reader's own message may quote a value, and a value may be a password.
    serde_json::from_slice(&asked.body)
        .map_err(|error| invalid(&format!("not the body expected here, at line {}", error.line())))
}

/// The role an account or token may be given over HTTP; no network client becomes Ward itself.
fn role_of(word: &str) -> Result<Role, RecordsError> {
    match Role::from_word(word) {
        Some(Role::System) => {
            Err(RecordsError::new(Kind::Refused, "that role is for the machine's operator"))
        }
        Some(role) => Ok(role),
        None => Err(invalid("no such role")),
    }
}

fn set_cookie(response: &mut Response<Body>, cookie: &str) {
    if let Ok(value) = HeaderValue::from_str(cookie) {
        response.headers_mut().insert(header::SET_COOKIE, value);
    }
}

fn invalid(diagnostics: &str) -> RecordsError {
    RecordsError::new(Kind::Invalid, diagnostics)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nobody_becomes_ward_itself_over_http() {
        assert_eq!(role_of("system").unwrap_err().kind, Kind::Refused);
        assert_eq!(role_of("wizard").unwrap_err().kind, Kind::Invalid);
        for role in Role::ALL.iter().filter(|role| **role != Role::System) {
            assert_eq!(role_of(role.as_str()).ok(), Some(*role));
        }
    }
}
