//! Accounts of people: name, role, password hash.

use serde::{Deserialize, Serialize, de::DeserializeOwned};
use ward_core::{
    AuditAction, AuditOutcome, Ctx, FhirId, RecordKey, ResourceType, Role, ids::ActorId,
};
use ward_crypto::{Random, password, sha256};
use ward_store::{Chart, CommitError, CommitUnit, Interaction, WriteKind};

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
    if new.password.chars().count() < PASSWORD_CHARS_MIN {
        return Err(AuthError::Invalid("a password has at least 12 characters"));
    }
    if PASSWORD_BYTES_MAX < new.password.len() {
        return Err(AuthError::Invalid("a password has at most 1,024 bytes"));
    }
    let mut bytes = [0; 10];
    random.fill(&mut bytes)?;
    let hash = {
        let mut salt = [0; 32];
        random.fill(&mut salt)?;
        let password = zeroize::Zeroizing::new(new.password);
        tokio::task::spawn_blocking(move || {
            password::hash_password(&password, &ward_crypto::OsRandom::default())
        })
        .await
        .map_err(|_| AuthError::Task)??
    };
    let kept = Kept {
        name: name.clone(),
        actor: ActorId::at(cx.now, bytes).to_string(),
        role: new.role.to_string(),
        password: hash,
        practitioner: new.practitioner.map(|id| id.to_string()),
        active: true,
    };
    let key = key_of(&name)?;
    let body = serde_json::to_vec(&kept)?;
    let unit = CommitUnit {
        writes: vec![internal_write(key.clone(), WriteKind::Create, body)],
        ..CommitUnit::default()
    };
    match chart.commit(cx, Interaction::on(AuditAction::AccountChanged, key), unit).await {
        Err(CommitError::Exists { .. } | CommitError::Stale { .. }) => Err(AuthError::Exists),
        other => Ok(other.map(|_| ())?),
    }
}

/// Names are compared without case, and found by a digest, so that the folder holds none.
pub(crate) fn key_of(name: &str) -> Result<RecordKey, AuthError> {
    let digest = sha256(normal(name)?.as_bytes());
    let id = hex(&digest).parse().map_err(|_| AuthError::Invalid("name"))?;
    Ok(RecordKey::new(ResourceType::SIGN_IN, id))
}

fn normal(name: &str) -> Result<String, AuthError> {
    let name = name.trim().to_lowercase();
    let fits = !name.is_empty() && name.len() <= NAME_BYTES_MAX && !name.contains(char::is_control);
    if fits { Ok(name) } else { Err(AuthError::Invalid("a name has 1 to 254 characters")) }
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
