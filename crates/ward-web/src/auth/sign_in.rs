//! Signing in with a password, and changing one's own.

use jiff::Timestamp;
use ward_core::{
    Actor, ActorKind, AuditAction, AuditOutcome, CareScope, Ctx, PurposeOfUse, RecordKey, Role,
};
use ward_crypto::{Random, password};
use ward_store::{CommitError, Interaction, WriteKind};
use zeroize::Zeroizing;

use super::{
    AuthError, Gate, Principal,
    accounts::{self, Kept, key_of_id},
    gate::{actor_of, role_of},
    sessions::{Found, Session},
    system_ctx,
};

/// What a person signs in with.
pub(crate) struct Credentials {
    pub(crate) name: String,
    pub(crate) password: Zeroizing<String>,
    /// What takes the place of a temporary password.
    pub(crate) new_password: Option<Zeroizing<String>>,
}

/// What somebody vouches with.
pub(crate) struct Witness {
    pub(crate) name: String,
    pub(crate) password: Zeroizing<String>,
}

/// The hash of a password that nobody has.
const NOBODY: &str = "$argon2id$v=19$m=19456,t=2,p=1$AAAAAAAAAAAAAAAAAAAAAA$AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA";

impl Gate {
    /// Signs a person in and gives the session's cookie.
    ///
    /// - Errors: the same `Wrong` for an unknown name and a wrong password; `TooSoon` before the
    ///   delay after a failure is over, and when too many wait to be checked; `Temporary` when
    ///   the password has to be replaced in the same request.
    /// - Audit: `login` or `login-failed`.
    pub(crate) async fn sign_in(
        &self,
        given: Credentials,
        now: Timestamp,
        random: &dyn Random,
        source: &str,
    ) -> Result<String, AuthError> {
        let cx = system_ctx(now, random, source);
        let key = accounts::key_of(&given.name)?;
        let place = self.tries.begin(&key, source, now).await;
        let Ok(_place) = place else {
            self.failed(&cx, &key, "tried again too soon").await?;
            return Err(AuthError::TooSoon);
        };
        let kept = accounts::read_record::<Kept>(&self.chart, &cx, &key).await?;
        // An unknown name costs as much time as a known one.
        let hash = kept.as_ref().map_or(NOBODY, |(kept, _)| kept.password.as_str()).to_owned();
        let matches = matches(given.password.clone(), hash).await?;
        let may = |kept: &Kept| matches && kept.active && !kept.has_lapsed(now);
        let Some((mut kept, mut version)) = kept.filter(|(kept, _)| may(kept)) else {
            self.tries.failed(&key, source, now);
            self.failed(&cx, &key, "wrong name or password").await?;
            return Err(AuthError::Wrong);
        };
        if kept.temporary_until.is_some() {
            let Some(new) = given.new_password else {
                self.failed(&cx, &key, "temporary password").await?;
                return Err(AuthError::Temporary);
            };
            version = self.replace(&cx, &key, (&mut kept, version), &given.password, new).await?;
        } else if given.new_password.is_some() {
            self.failed(&cx, &key, "no temporary password").await?;
            return Err(AuthError::Invalid("`newPassword` is for a temporary password"));
        }
        let principal = Principal {
            actor: Actor { id: actor_of(&kept.actor)?, kind: ActorKind::Person },
            role: role_of(&kept.role)?,
            practitioner: kept.practitioner.as_ref().and_then(|id| id.parse().ok()),
            expires: None,
        };
        self.tries.succeeded(&key, source);
        let version = self.note_sign_in(&cx, &key, &mut kept, version).await?;
        let cookie = password::new_token(random)?;
        let account = key.id.clone();
        let session =
            Session { principal, account, source: cx.source.clone(), began: now, seen: now };
        for expired in self.sessions.begin(&cookie, session) {
            self.expired(expired, now, random).await?;
        }
        // Looked at again after the session is there: a change that came between would have had
        // nothing to end.
        let still = self.is_still(&cx, &key, &kept, version).await;
        if !matches!(still, Ok(true)) {
            self.sign_out(&cookie, &cx).await?;
            return Err(still.err().unwrap_or(AuthError::Wrong));
        }
        Ok(cookie)
    }

    /// Who vouches for something at somebody else's screen, by name and password; no session
    /// begins.
    ///
    /// - Errors: as [`Gate::sign_in`]; a temporary password vouches for nothing.
    /// - Audit: `login`, which says that it was to vouch, or `login-failed`.
    pub(crate) async fn vouch(
        &self,
        given: Witness,
        now: Timestamp,
        random: &dyn Random,
        source: &str,
    ) -> Result<Principal, AuthError> {
        let cx = system_ctx(now, random, source);
        let key = accounts::key_of(&given.name)?;
        let Ok(_place) = self.tries.begin(&key, source, now).await else {
            self.failed(&cx, &key, "tried again too soon").await?;
            return Err(AuthError::TooSoon);
        };
        let kept = accounts::read_record::<Kept>(&self.chart, &cx, &key).await?;
        let hash = kept.as_ref().map_or(NOBODY, |(kept, _)| kept.password.as_str()).to_owned();
        let matches = matches(given.password, hash).await?;
        let may = |kept: &Kept| matches && kept.active && kept.temporary_until.is_none();
        let Some((kept, _)) = kept.filter(|(kept, _)| may(kept)) else {
            self.tries.failed(&key, source, now);
            self.failed(&cx, &key, "wrong name or password").await?;
            return Err(AuthError::Wrong);
        };
        self.tries.succeeded(&key, source);
        let act = Interaction::on(AuditAction::Login, key).with_detail("to vouch".to_owned());
        self.chart.audit(&cx, act, AuditOutcome::Success).await?;
        Ok(Principal {
            actor: Actor { id: actor_of(&kept.actor)?, kind: ActorKind::Person },
            role: role_of(&kept.role)?,
            practitioner: kept.practitioner.as_ref().and_then(|id| id.parse().ok()),
            expires: None,
        })
    }

    /// Changes the password of whom the cookie's session is, and ends the person's other sessions.
    ///
    /// - Errors: `Wrong` for another old password; `TooSoon` as when signing in.
    /// - Audit: `account-changed` by the person, or `login-failed`.
    pub(crate) async fn change_own_password(
        &self,
        cx: &Ctx,
        cookie: &str,
        old: Zeroizing<String>,
        new: Zeroizing<String>,
    ) -> Result<(), AuthError> {
        let Found::Session(session) = self.sessions.find(cookie, cx.now) else {
            return Err(AuthError::Needed);
        };
        // The policy keeps accounts from everybody but those who look after them; Ward writes
        // this one in its owner's name.
        let (role, purpose) = (Role::System, PurposeOfUse::SystemAdministration);
        let own = Ctx { role, purpose, care: CareScope::Everyone, ..cx.clone() };
        let key = key_of_id(session.account.clone());
        let Ok(_place) = self.tries.begin(&key, &cx.source, cx.now).await else {
            self.failed(&own, &key, "tried again too soon").await?;
            return Err(AuthError::TooSoon);
        };
        let kept = accounts::read_record::<Kept>(&self.chart, &own, &key).await?;
        let (mut kept, version) = kept.ok_or(AuthError::Needed)?;
        if !matches(old.clone(), kept.password.clone()).await? || !kept.active {
            self.tries.failed(&key, &cx.source, cx.now);
            self.failed(&own, &key, "wrong old password").await?;
            return Err(AuthError::WrongOld);
        }
        self.tries.succeeded(&key, &cx.source);
        self.replace(&own, &key, (&mut kept, version), &old, new).await?;
        let n = self.sessions.end_all(&session.account, Some(cookie));
        self.ended(&own, &key, n, "password changed").await
    }

    /// Puts a new password in the place of `old`, and gives the account's new version.
    async fn replace(
        &self,
        cx: &Ctx,
        key: &RecordKey,
        (kept, version): (&mut Kept, u32),
        old: &str,
        new: Zeroizing<String>,
    ) -> Result<u32, AuthError> {
        if old == new.as_str() {
            return Err(AuthError::Invalid("the new password is the old one"));
        }
        kept.password = accounts::hash_of(new).await?;
        kept.temporary_until = None;
        let act = Interaction::on(AuditAction::AccountChanged, key.clone())
            .with_detail("password changed by its owner".to_owned());
        let write = WriteKind::Update { base: Some(version) };
        accounts::write(&self.chart, cx, act, write, kept).await?;
        Ok(version.saturating_add(1))
    }

    /// Writes the `login`, with the day of it when it is the first of the day.
    async fn note_sign_in(
        &self,
        cx: &Ctx,
        key: &RecordKey,
        kept: &mut Kept,
        version: u32,
    ) -> Result<u32, AuthError> {
        let act = Interaction::on(AuditAction::Login, key.clone());
        let day = cx.now.strftime("%Y-%m-%d").to_string();
        if kept.last_sign_in.as_ref() != Some(&day) {
            kept.last_sign_in = Some(day);
            let write = WriteKind::Update { base: Some(version) };
            match accounts::write(&self.chart, cx, act.clone(), write, kept).await {
                Ok(()) => return Ok(version.saturating_add(1)),
                // Somebody else wrote the account first; what of it matters is looked at later.
                Err(AuthError::Commit(CommitError::Stale { .. })) => {}
                Err(error) => return Err(error),
            }
        }
        self.chart.audit(cx, act, AuditOutcome::Success).await?;
        Ok(version)
    }

    /// Whether the account lets in as it did when its password was checked.
    async fn is_still(
        &self,
        cx: &Ctx,
        key: &RecordKey,
        seen: &Kept,
        version: u32,
    ) -> Result<bool, AuthError> {
        if self.is_at(key, version)? {
            return Ok(true);
        }
        let now = accounts::read_record::<Kept>(&self.chart, cx, key).await?;
        Ok(now.is_some_and(|(now, _)| {
            now.active && now.role == seen.role && now.password == seen.password
        }))
    }

    async fn failed(&self, cx: &Ctx, key: &RecordKey, why: &str) -> Result<(), AuthError> {
        let act =
            Interaction::on(AuditAction::LoginFailed, key.clone()).with_detail(why.to_owned());
        Ok(self.chart.audit(cx, act, AuditOutcome::MinorFailure).await?)
    }
}

/// Whether a password is the one that was hashed.
///
/// - Cost: one Argon2id hash; runs on a blocking thread.
async fn matches(given: Zeroizing<String>, hash: String) -> Result<bool, AuthError> {
    tokio::task::spawn_blocking(move || password::verify_password(&given, &hash))
        .await
        .map_err(|_| AuthError::Task)
}
