//! The gate: from the headers of a request to a principal, in microseconds once it is known.

use std::{
    collections::HashMap,
    sync::{Mutex, PoisonError},
};

use jiff::{SignedDuration, Timestamp};
use ward_core::{
    Actor, ActorKind, AuditAction, AuditOutcome, Ctx, FhirId, RecordKey, ResourceType, Role,
    ids::ActorId,
};
use ward_crypto::{Random, password, sha256};
use ward_store::{Chart, Interaction};

use super::{AuthError, NewAccount, accounts, system_ctx, tokens, tries::Tries};

/// Who was let in.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) struct Principal {
    pub(crate) actor: Actor,
    pub(crate) role: Role,
    pub(crate) practitioner: Option<FhirId>,
    pub(crate) expires: Option<Timestamp>,
}

/// Seconds without a request before a session ends.
/// LIMIT: 45 CFR 164.312(a)(2)(iii), automatic logoff; 15 minutes is the usual reading.
const IDLE_S: i64 = 15 * 60;

/// Seconds before a session ends whatever happens.
/// LIMIT: one long shift.
const ABSOLUTE_S: i64 = 12 * 60 * 60;

/// LIMIT: far more than the people of a large hospital on shift.
const SESSIONS_MAX: usize = 20_000;

/// LIMIT: far more than the interfaces of a hospital.
const TOKENS_MAX: usize = 10_000;

pub(crate) struct Gate {
    chart: Chart,
    known: Mutex<HashMap<[u8; 32], Principal>>,
    sessions: Mutex<HashMap<[u8; 32], Session>>,
    tries: Tries,
    setup: Mutex<Option<[u8; 32]>>,
}

struct Session {
    principal: Principal,
    began: Timestamp,
    seen: Timestamp,
}

/// The record that says that the first account was made.
fn setup_done() -> Result<RecordKey, AuthError> {
    let id = "set-up".parse().map_err(|_| AuthError::Invalid("id"))?;
    Ok(RecordKey::new(ResourceType::SETTING, id))
}

impl Gate {
    pub(crate) fn new(chart: Chart) -> Gate {
        Gate {
            chart,
            known: Mutex::default(),
            sessions: Mutex::default(),
            tries: Tries::default(),
            setup: Mutex::default(),
        }
    }

    /// The principal of a bearer token.
    ///
    /// - Audit: the first use since start is a `login`; a wrong token is a `login-failed`.
    pub(crate) async fn bearer(
        &self,
        token: &str,
        now: Timestamp,
        random: &dyn Random,
        source: &str,
    ) -> Result<Principal, AuthError> {
        let digest = password::token_digest(token);
        let known = lock(&self.known).get(&digest).cloned();
        let principal = match known {
            Some(principal) => principal,
            None => self.look_up(digest, now, random, source).await?,
        };
        if principal.expires.is_some_and(|end| end <= now) {
            return Err(AuthError::Needed);
        }
        Ok(principal)
    }

    async fn look_up(
        &self,
        digest: [u8; 32],
        now: Timestamp,
        random: &dyn Random,
        source: &str,
    ) -> Result<Principal, AuthError> {
        let cx = system_ctx(now, random, source);
        let key = tokens::key_of(&digest)?;
        let kept = match tokens::read(&self.chart, &cx, &key).await? {
            Some((kept, _)) if !kept.revoked => kept,
            _ => {
                let act = Interaction::new(AuditAction::LoginFailed);
                self.chart.audit(&cx, act, AuditOutcome::MinorFailure).await?;
                return Err(AuthError::Needed);
            }
        };
        let principal = Principal {
            actor: Actor { id: actor_of(&kept.actor)?, kind: ActorKind::Client },
            role: role_of(&kept.role)?,
            practitioner: None,
            expires: kept.expires.and_then(|time| time.parse().ok()),
        };
        self.chart
            .audit(&cx, Interaction::on(AuditAction::Login, key), AuditOutcome::Success)
            .await?;
        let mut known = lock(&self.known);
        if TOKENS_MAX <= known.len() {
            known.clear();
        }
        known.insert(digest, principal.clone());
        Ok(principal)
    }

    /// Forgets a token, so that its next use is looked up.
    pub(crate) fn forget_tokens(&self) {
        lock(&self.known).clear();
    }

    /// The principal of a session cookie.
    pub(crate) fn session(&self, cookie: &str, now: Timestamp) -> Result<Principal, AuthError> {
        let digest = sha256(cookie.as_bytes());
        let mut sessions = lock(&self.sessions);
        let session = sessions.get_mut(&digest).ok_or(AuthError::Needed)?;
        let age = |since: Timestamp| now.duration_since(since);
        if SignedDuration::from_secs(IDLE_S) <= age(session.seen)
            || SignedDuration::from_secs(ABSOLUTE_S) <= age(session.began)
        {
            sessions.remove(&digest);
            return Err(AuthError::Needed);
        }
        session.seen = now;
        Ok(session.principal.clone())
    }

    /// Signs a person in and gives the session's cookie.
    ///
    /// - Errors: the same `Wrong` for an unknown name and a wrong password; `TooSoon` before the
    ///   delay after a failure is over, and when too many wait to be checked.
    /// - Audit: `login` or `login-failed`.
    pub(crate) async fn sign_in(
        &self,
        name: &str,
        given: &str,
        now: Timestamp,
        random: &dyn Random,
        source: &str,
    ) -> Result<String, AuthError> {
        let cx = system_ctx(now, random, source);
        let key = accounts::key_of(name)?;
        let place = self.tries.begin(&key, source, now).await;
        let Ok(_place) = place else {
            let act = Interaction::on(AuditAction::LoginFailed, key);
            self.chart.audit(&cx, act, AuditOutcome::MinorFailure).await?;
            return Err(AuthError::TooSoon);
        };
        let kept = accounts::read_record::<accounts::Kept>(&self.chart, &cx, &key).await?;
        // An unknown name costs as much time as a known one.
        let hash = kept.as_ref().map_or(NOBODY, |(kept, _)| kept.password.as_str()).to_owned();
        let given = zeroize::Zeroizing::new(given.to_owned());
        let matches = tokio::task::spawn_blocking(move || password::verify_password(&given, &hash))
            .await
            .map_err(|_| AuthError::Task)?;
        let Some((kept, _)) = kept.filter(|(kept, _)| matches && kept.active) else {
            self.tries.failed(&key, source, now);
            let act = Interaction::on(AuditAction::LoginFailed, key);
            self.chart.audit(&cx, act, AuditOutcome::MinorFailure).await?;
            return Err(AuthError::Wrong);
        };
        let principal = Principal {
            actor: Actor { id: actor_of(&kept.actor)?, kind: ActorKind::Person },
            role: role_of(&kept.role)?,
            practitioner: kept.practitioner.and_then(|id| id.parse().ok()),
            expires: None,
        };
        self.tries.succeeded(&key, source);
        self.chart
            .audit(&cx, Interaction::on(AuditAction::Login, key), AuditOutcome::Success)
            .await?;
        let cookie = password::new_token(random)?;
        let session = Session { principal, began: now, seen: now };
        let mut sessions = lock(&self.sessions);
        if SESSIONS_MAX <= sessions.len() {
            sessions
                .retain(|_, old| now.duration_since(old.seen) < SignedDuration::from_secs(IDLE_S));
        }
        if SESSIONS_MAX <= sessions.len()
            && let Some(oldest) = sessions.iter().min_by_key(|(_, old)| old.seen).map(|(k, _)| *k)
        {
            sessions.remove(&oldest);
        }
        sessions.insert(sha256(cookie.as_bytes()), session);
        Ok(cookie)
    }

    /// Ends a session. Nothing happens when there is none.
    ///
    /// - Audit: `logout`, by whom the session was.
    pub(crate) async fn sign_out(&self, cookie: &str, cx: &Ctx) -> Result<(), AuthError> {
        let ended = lock(&self.sessions).remove(&sha256(cookie.as_bytes()));
        let Some(session) = ended else { return Ok(()) };
        let (actor, role) = (session.principal.actor, session.principal.role);
        let cx = Ctx { actor, role, ..cx.clone() };
        let act = Interaction::new(AuditAction::Logout);
        Ok(self.chart.audit(&cx, act, AuditOutcome::Success).await?)
    }

    /// Opens set-up with a fresh one-time token, when no account was ever made.
    pub(crate) async fn open_setup(
        &self,
        random: &dyn Random,
        now: Timestamp,
    ) -> Result<Option<String>, AuthError> {
        let cx = system_ctx(now, random, "start");
        let key = setup_done()?;
        let done = accounts::read_record::<serde_json::Value>(&self.chart, &cx, &key).await?;
        if done.is_some() {
            return Ok(None);
        }
        let token = password::new_token(random)?;
        *lock(&self.setup) = Some(password::token_digest(&token));
        Ok(Some(token))
    }

    /// Makes the first account, an administrator, and closes set-up for good.
    pub(crate) async fn set_up(
        &self,
        token: &str,
        new: NewAccount,
        now: Timestamp,
        random: &dyn Random,
        source: &str,
    ) -> Result<(), AuthError> {
        let expected = lock(&self.setup).take().ok_or(AuthError::SetUp)?;
        if expected != password::token_digest(token) {
            // Two digests of secrets: their comparison tells nothing useful about either.
            *lock(&self.setup) = Some(expected);
            return Err(AuthError::SetUp);
        }
        let cx = system_ctx(now, random, source);
        if let Err(error) = accounts::create(&self.chart, &cx, random, new).await {
            *lock(&self.setup) = Some(expected);
            return Err(error);
        }
        let key = setup_done()?;
        let write =
            tokens::internal_write(key.clone(), ward_store::WriteKind::Create, b"{}".to_vec());
        let unit =
            ward_store::CommitUnit { writes: vec![write], ..ward_store::CommitUnit::default() };
        self.chart.commit(&cx, Interaction::on(AuditAction::SettingChanged, key), unit).await?;
        Ok(())
    }
}

/// The hash of a password that nobody has.
const NOBODY: &str = "$argon2id$v=19$m=19456,t=2,p=1$AAAAAAAAAAAAAAAAAAAAAA$AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA";

fn actor_of(text: &str) -> Result<ActorId, AuthError> {
    text.parse().map_err(|_| AuthError::Invalid("actor"))
}

fn role_of(text: &str) -> Result<Role, AuthError> {
    Role::from_word(text).ok_or(AuthError::Invalid("role"))
}

fn lock<T>(mutex: &Mutex<T>) -> std::sync::MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
