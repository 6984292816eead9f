//! Set-up, sign-in, and what a person does with the own account.

use axum::body::Body;
use hyper::{
    Response, StatusCode,
    header::{self, HeaderValue},
};
use serde::{Deserialize, de::DeserializeOwned};
use serde_json::json;
use ward_core::{ActorKind, Kind, Role};
use ward_records::RecordsError;
use zeroize::Zeroizing;

use crate::{
    app::App,
    auth::{Credentials, NewAccount, system_ctx},
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
#[serde(deny_unknown_fields, rename_all = "camelCase")]
struct SignIn {
    name: String,
    password: String,
    new_password: Option<String>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct OwnPassword {
    old: String,
    new: String,
}

pub(crate) async fn set_up(app: &App, asked: &Asked) -> Answer {
    let SetUp { token, name, password } = body_of(asked)?;
    let new = NewAccount { name, password, role: Role::Administrator, practitioner: None };
    let cx = &asked.cx;
    app.gate
        .set_up(&token, new, cx.now, app.random.as_ref(), &cx.source)
        .await
        .map_err(auth_error)?;
    Ok(respond::done(StatusCode::CREATED))
}

pub(crate) async fn sign_in(app: &App, asked: &Asked) -> Answer {
    let SignIn { name, password, new_password } = body_of(asked)?;
    let cx = &asked.cx;
    let given = Credentials {
        name,
        password: Zeroizing::new(password),
        new_password: new_password.map(Zeroizing::new),
    };
    let cookie = app
        .gate
        .sign_in(given, cx.now, app.random.as_ref(), &cx.source)
        .await
        .map_err(auth_error)?;
    let mut response = respond::done(StatusCode::OK);
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
    let mut response = respond::done(StatusCode::OK);
    set_cookie(
        &mut response,
        &format!("{COOKIE}=; Path=/; Secure; HttpOnly; SameSite=Strict; Max-Age=0"),
    );
    Ok(response)
}

pub(crate) async fn me(app: &App, asked: &Asked) -> Answer {
    let cx = &asked.cx;
    let cookie = match cx.actor.kind {
        ActorKind::Person => Asked::cookie(&asked.headers, COOKIE),
        ActorKind::Client | ActorKind::System => None,
    };
    let account = match cookie.and_then(|cookie| app.gate.account_of(cookie, cx.now)) {
        Some(id) => {
            let own = system_ctx(cx.now, app.random.as_ref(), "me");
            Some(app.gate.account(&own, &id).await.map_err(auth_error)?)
        }
        None => None,
    };
    let body = json!({
        "actor": cx.actor.id.to_string(),
        "role": cx.role.as_str(),
        "purpose": cx.purpose.as_str(),
        "name": account.as_ref().map(|it| it.name.as_str()),
        "practitioner": account.as_ref().and_then(|it| it.practitioner.as_deref()),
    });
    Ok(respond::json(StatusCode::OK, body.to_string().into_bytes()))
}

/// Changes the password of whoever is signed in.
pub(crate) async fn change_password(app: &App, asked: &Asked) -> Answer {
    let OwnPassword { old, new } = body_of(asked)?;
    // A program has a token and no password, whatever cookie comes with it.
    let cookie = match asked.cx.actor.kind {
        ActorKind::Person => Asked::cookie(&asked.headers, COOKIE),
        ActorKind::Client | ActorKind::System => None,
    };
    let cookie = cookie.ok_or_else(|| {
        RecordsError::new(Kind::Refused, "only a person who is signed in has a password")
    })?;
    let (old, new) = (Zeroizing::new(old), Zeroizing::new(new));
    app.gate.change_own_password(&asked.cx, cookie, old, new).await.map_err(auth_error)?;
    Ok(respond::done(StatusCode::OK))
}

pub(crate) fn body_of<T: DeserializeOwned>(asked: &Asked) -> Result<T, RecordsError> {
    // The reader's own message may quote a value, and a value may be a password.
    serde_json::from_slice(&asked.body)
        .map_err(|error| invalid(&format!("not the body expected here, at line {}", error.line())))
}

/// The role an account or token may be given over HTTP; no network client becomes Ward itself.
pub(crate) fn role_of(word: &str) -> Result<Role, RecordsError> {
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

pub(crate) fn invalid(diagnostics: &str) -> RecordsError {
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
