//! Accounts of people: name, role, password hash.

use jiff::Timestamp;
use serde::{Deserialize, Serialize, de::DeserializeOwned};
use ward_core::{
    AuditAction, AuditOutcome, Ctx, FhirId, RecordKey, ResourceType, Role, ids::ActorId,
};
use ward_crypto::{Random, password, sha256};
use ward_store::{Chart, CommitError, CommitUnit, Interaction, WriteKind};
use zeroize::Zeroizing;

pub use super::changes::{AccountView, Change, change, list};
use super::{AuthError, hex, tokens::internal_write};

/// LIMIT: an e-mail address fits.
const NAME_BYTES_MAX: usize = 254;

/// Shortest password.
///
/// - Source: NIST SP 800-63B, memorized secrets: at least 8; 12 where it is the only factor.
const PASSWORD_CHARS_MIN: usize = 12;

/// LIMIT: what the hash takes.
const PASSWORD_BYTES_MAX: usize = 1024;

/// What is asked for.
pub struct NewAccount {
    pub name: String,
    pub password: String,
    pub role: Role,
    /// The Practitioner this person is, for care relationships.
    pub practitioner: Option<FhirId>,
}

/// What is kept of an account.
#[derive(Clone, Serialize, Deserialize)]
pub(crate) struct Kept {
    pub(crate) name: String,
    pub(crate) actor: String,
    pub(crate) role: String,
    pub(crate) password: String,
    pub(crate) practitioner: Option<String>,
    pub(crate) active: bool,
    pub(crate) created: Option<String>,
    /// The day in UTC of the last sign-in; the audit log has the instant.
    pub(crate) last_sign_in: Option<String>,
    /// Until when the password is a temporary one, which no session begins with.
    pub(crate) temporary_until: Option<String>,
}

impl Kept {
    /// Whether the password was a temporary one that nobody used in time.
    pub(crate) fn has_lapsed(&self, now: Timestamp) -> bool {
        let until = self.temporary_until.as_ref().map(|time| time.parse::<Timestamp>());
        // A time that cannot be read is over.
        until.is_some_and(|until| until.is_err() || until.is_ok_and(|until| until <= now))
    }
}

/// Makes an account.
///
/// - Errors: `Exists` when the name is taken.
/// - Audit: `account-changed`, in the same commit.
/// - Cost: one Argon2id hash; runs on a blocking thread.
pub async fn create(
    chart: &Chart,
    cx: &Ctx,
    random: &dyn Random,
    new: NewAccount,
) -> Result<(), AuthError> {
    let name = normal(&new.name)?;
    let mut bytes = [0; 10];
    random.fill(&mut bytes)?;
    let kept = Kept {
        name: name.clone(),
        actor: ActorId::at(cx.now, bytes).to_string(),
        role: new.role.to_string(),
        password: hash_of(Zeroizing::new(new.password)).await?,
        practitioner: new.practitioner.map(|id| id.to_string()),
        active: true,
        created: Some(cx.now.to_string()),
        last_sign_in: None,
        temporary_until: None,
    };
    let act =
        Interaction::on(AuditAction::AccountChanged, key_of(&name)?).with_detail("made".into());
    match write(chart, cx, act, WriteKind::Create, &kept).await {
        Err(AuthError::Commit(CommitError::Exists { .. } | CommitError::Stale { .. })) => {
            Err(AuthError::Exists)
        }
        other => other,
    }
}

/// Names are compared without case, and found by a digest, so that the folder holds none.
pub(crate) fn key_of(name: &str) -> Result<RecordKey, AuthError> {
    Ok(key_of_id(id_of(name)?))
}

/// The id of the account of a name.
pub fn id_of(name: &str) -> Result<FhirId, AuthError> {
    let digest = sha256(normal(name)?.as_bytes());
    hex(&digest).parse().map_err(|_| AuthError::Invalid("name"))
}

pub(crate) fn key_of_id(id: FhirId) -> RecordKey {
    RecordKey::new(ResourceType::SIGN_IN, id)
}

/// The hash of a password that is good enough.
///
/// - Cost: one Argon2id hash; runs on a blocking thread.
pub(crate) async fn hash_of(password: Zeroizing<String>) -> Result<String, AuthError> {
    if password.chars().count() < PASSWORD_CHARS_MIN {
        return Err(AuthError::Invalid("a password has at least 12 characters"));
    }
    if PASSWORD_BYTES_MAX < password.len() {
        return Err(AuthError::Invalid("a password has at most 1,024 bytes"));
    }
    let hash = tokio::task::spawn_blocking(move || {
        password::hash_password(&password, &ward_crypto::OsRandom::default())
    });
    Ok(hash.await.map_err(|_| AuthError::Task)??)
}

fn normal(name: &str) -> Result<String, AuthError> {
    let name = name.trim().to_lowercase();
    let fits = !name.is_empty() && name.len() <= NAME_BYTES_MAX && !name.contains(char::is_control);
    if fits { Ok(name) } else { Err(AuthError::Invalid("a name has 1 to 254 characters")) }
}

/// Writes an account, with the audit entry `act` on it.
pub(crate) async fn write(
    chart: &Chart,
    cx: &Ctx,
    act: Interaction,
    kind: WriteKind,
    kept: &Kept,
) -> Result<(), AuthError> {
    let Some(key) = act.target.clone() else { return Err(AuthError::Invalid("target")) };
    let write = internal_write(key, kind, serde_json::to_vec(kept)?);
    let unit = CommitUnit { writes: vec![write], ..CommitUnit::default() };
    chart.commit(cx, act, unit).await?;
    Ok(())
}

/// One of Ward's own records, opened.
pub(crate) async fn read_record<T: DeserializeOwned>(
    chart: &Chart,
    cx: &Ctx,
    key: &RecordKey,
) -> Result<Option<(T, u32)>, AuthError> {
    let reader = chart.reader(cx, Interaction::on(AuditAction::Read, key.clone()));
    let found = reader.get(key);
    let outcome = if found.is_ok() { AuditOutcome::Success } else { AuditOutcome::SeriousFailure };
    reader.finish(outcome).await?;
    match found? {
        Some(stored) if !stored.deleted => {
            Ok(Some((serde_json::from_slice(&stored.body)?, stored.version)))
        }
        _ => Ok(None),
    }
}

/// All of Ward's own records of a kind, opened, each with its id.
///
/// - Audit: one `read` of the kind.
pub(crate) async fn read_all<T: DeserializeOwned>(
    chart: &Chart,
    cx: &Ctx,
    kind: ResourceType,
) -> Result<Vec<(FhirId, T)>, AuthError> {
    let reader = chart.reader(cx, Interaction::of(AuditAction::Read, kind));
    let found = reader.own(kind);
    let outcome = if found.is_ok() { AuditOutcome::Success } else { AuditOutcome::SeriousFailure };
    reader.finish(outcome).await?;
    let opened = found?.into_iter().map(|it| Ok((it.key.id, serde_json::from_slice(&it.body)?)));
    opened.collect()
}
