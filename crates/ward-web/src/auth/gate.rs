//! The gate: from the headers of a request to a principal, in microseconds once it is known.

use std::{
    collections::HashMap,
    sync::{Mutex, PoisonError},
};

use jiff::Timestamp;
use ward_core::{
    Actor, ActorKind, AuditAction, AuditOutcome, Ctx, FhirId, RecordKey, Role, ids::ActorId,
};
use ward_crypto::{Random, password};
use ward_store::{Chart, Interaction};

use super::{
    AuthError,
    accounts::key_of_id,
    hex,
    sessions::{Expired, Found, Sessions},
    system_ctx, tokens,
    tries::Tries,
};

/// Who was let in.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) struct Principal {
    pub(crate) actor: Actor,
    pub(crate) role: Role,
    pub(crate) practitioner: Option<FhirId>,
    pub(crate) expires: Option<Timestamp>,
}

/// LIMIT: far more than the interfaces of a hospital.
const TOKENS_MAX: usize = 10_000;

pub(crate) struct Gate {
    pub(super) chart: Chart,
    known: Mutex<HashMap<[u8; 32], Known>>,
    pub(super) sessions: Sessions,
    pub(super) tries: Tries,
    pub(super) setup: Mutex<Option<[u8; 32]>>,
    /// Held while an account is changed, so that two administrators cannot put each other out at
    /// the same time.
    pub(super) changing: tokio::sync::Mutex<()>,
}

/// A token that was looked up.
struct Known {
    principal: Principal,
    used: Timestamp,
}

impl Gate {
    pub(crate) fn new(chart: Chart) -> Gate {
        Gate {
            chart,
            known: Mutex::default(),
            sessions: Sessions::default(),
            tries: Tries::default(),
            setup: Mutex::default(),
            changing: tokio::sync::Mutex::default(),
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
        let known = lock(&self.known).get_mut(&digest).map(|known| {
            known.used = now;
            known.principal.clone()
        });
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
        let (kept, version) = match tokens::read(&self.chart, &cx, &key).await? {
            Some((kept, version)) if !kept.revoked => (kept, version),
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
            expires: end_of(kept.expires.as_deref())?,
        };
        self.chart
            .audit(&cx, Interaction::on(AuditAction::Login, key.clone()), AuditOutcome::Success)
            .await?;
        {
            let mut known = lock(&self.known);
            if TOKENS_MAX <= known.len() {
                known.clear();
            }
            known.insert(digest, Known { principal: principal.clone(), used: now });
        }
        // Looked at again after it is known: a revocation that came between would have had
        // nothing to forget.
        if !matches!(self.chart.current(&key), Ok(Some((at, false))) if at == version) {
            lock(&self.known).remove(&digest);
            return Err(AuthError::Needed);
        }
        Ok(principal)
    }

    /// Forgets a token, so that its next use is looked up.
    pub(crate) fn forget_token(&self, id: &FhirId) {
        lock(&self.known).retain(|digest, _| hex(digest) != id.as_str());
    }

    /// When each token was last used, by its id.
    pub(crate) fn last_uses(&self) -> HashMap<String, Timestamp> {
        lock(&self.known).iter().map(|(digest, known)| (hex(digest), known.used)).collect()
    }

    /// The principal of a session cookie.
    ///
    /// - Audit: `logout`, by whom the session was, when it is found to be over.
    pub(crate) async fn session(
        &self,
        cookie: &str,
        now: Timestamp,
        random: &dyn Random,
    ) -> Result<Principal, AuthError> {
        match self.sessions.find(cookie, now) {
            Found::Session(session) => Ok(session.principal),
            Found::Nothing => Err(AuthError::Needed),
            Found::Expired(expired) => {
                self.expired(*expired, now, random).await?;
                Err(AuthError::Needed)
            }
        }
    }

    /// The account that a session is of.
    pub(crate) fn account_of(&self, cookie: &str, now: Timestamp) -> Option<FhirId> {
        match self.sessions.find(cookie, now) {
            Found::Session(session) => Some(session.account),
            Found::Expired(_) | Found::Nothing => None,
        }
    }

    /// Ends what is over, so that its end is on record also when nobody comes back.
    ///
    /// - Audit: a `logout` for each.
    pub(crate) async fn sweep(&self, now: Timestamp, random: &dyn Random) -> Result<(), AuthError> {
        let mut outcome = Ok(());
        for expired in self.sessions.sweep(now) {
            // One that cannot be written does not keep the others from it.
            outcome = outcome.and(self.expired(expired, now, random).await);
        }
        outcome
    }

    pub(super) async fn expired(
        &self,
        expired: Expired,
        now: Timestamp,
        random: &dyn Random,
    ) -> Result<(), AuthError> {
        let Expired { session, why } = expired;
        let (actor, role) = (session.principal.actor, session.principal.role);
        let cx = Ctx { actor, role, ..system_ctx(now, random, &session.source) };
        let act = Interaction::on(AuditAction::Logout, key_of_id(session.account));
        Ok(self.chart.audit(&cx, act.with_detail(why.to_owned()), AuditOutcome::Success).await?)
    }

    /// Ends a session. Nothing happens when there is none.
    ///
    /// - Audit: `logout`, by whom the session was.
    pub(crate) async fn sign_out(&self, cookie: &str, cx: &Ctx) -> Result<(), AuthError> {
        let Some(session) = self.sessions.end(cookie) else { return Ok(()) };
        let (actor, role) = (session.principal.actor, session.principal.role);
        let cx = Ctx { actor, role, ..cx.clone() };
        let act = Interaction::on(AuditAction::Logout, key_of_id(session.account));
        Ok(self.chart.audit(&cx, act, AuditOutcome::Success).await?)
    }

    /// The version of a record of Ward's own is still the one that was seen.
    pub(super) fn is_at(&self, key: &RecordKey, version: u32) -> Result<bool, AuthError> {
        Ok(self.chart.current(key)? == Some((version, false)))
    }
}

/// When a token ends. One whose end cannot be read is not let in for ever.
fn end_of(text: Option<&str>) -> Result<Option<Timestamp>, AuthError> {
    text.map(|time| time.parse().map_err(|_| AuthError::Invalid("expiry"))).transpose()
}

pub(super) fn actor_of(text: &str) -> Result<ActorId, AuthError> {
    text.parse().map_err(|_| AuthError::Invalid("actor"))
}

pub(super) fn role_of(text: &str) -> Result<Role, AuthError> {
    Role::from_word(text).ok_or(AuthError::Invalid("role"))
}

pub(super) fn lock<T>(mutex: &Mutex<T>) -> std::sync::MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
#[path = "gate_tests.rs"]
mod tests;
