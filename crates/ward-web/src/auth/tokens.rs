//! Bearer tokens: made once, shown once, kept as a digest.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use ward_core::{ActorKind, AuditAction, Ctx, FhirId, RecordKey, ResourceType, Role, ids::ActorId};
use ward_crypto::{Random, password};
use ward_store::{Chart, CommitUnit, Interaction, Write, WriteKind};

use super::{AuthError, accounts::read_all, hex};

/// What is asked for.
#[derive(Clone, Debug)]
pub struct NewToken {
    pub role: Role,
    /// What it is for, in the operator's words. Kept sealed.
    pub label: String,
    pub expires: Option<Timestamp>,
}

/// What is kept of a token.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct Kept {
    pub(crate) role: String,
    pub(crate) actor: String,
    pub(crate) label: String,
    pub(crate) expires: Option<String>,
    pub(crate) revoked: bool,
    pub(crate) created: Option<String>,
    /// Who made it; nobody when it was the machine's operator.
    pub(crate) made_by: Option<String>,
}

/// What may be shown of a token: nothing that opens anything.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct TokenView {
    /// What it is revoked by.
    pub id: String,
    /// Who its holder is in the audit log.
    pub actor: String,
    pub role: String,
    pub label: String,
    pub created: Option<String>,
    pub made_by: Option<String>,
    pub expires: Option<String>,
    pub revoked: bool,
    /// Since the server started; `None` when it was not used, or no server was asked.
    pub last_use: Option<String>,
}

/// Makes a token and gives its text, which exists nowhere else.
///
/// - Audit: `token-created`, in the same commit.
pub async fn create(
    chart: &Chart,
    cx: &Ctx,
    random: &dyn Random,
    new: NewToken,
) -> Result<String, AuthError> {
    let token = password::new_token(random)?;
    let mut bytes = [0; 10];
    random.fill(&mut bytes)?;
    let kept = Kept {
        role: new.role.to_string(),
        actor: ActorId::at(cx.now, bytes).to_string(),
        label: new.label,
        expires: new.expires.map(|time| time.to_string()),
        revoked: false,
        created: Some(cx.now.to_string()),
        made_by: (cx.actor.kind != ActorKind::System).then(|| cx.actor.id.to_string()),
    };
    let key = key_of(&password::token_digest(&token))?;
    keep(chart, cx, AuditAction::TokenCreated, key, WriteKind::Create, &kept).await?;
    Ok(token)
}

/// Every token that was made, in that order; those that ended too.
///
/// - Audit: `read` of tokens.
pub async fn list(chart: &Chart, cx: &Ctx) -> Result<Vec<TokenView>, AuthError> {
    let all = read_all::<Kept>(chart, cx, ResourceType::ACCESS_TOKEN).await?;
    let view = |(id, kept): (FhirId, Kept)| TokenView {
        id: id.to_string(),
        actor: kept.actor,
        role: kept.role,
        label: kept.label,
        created: kept.created,
        made_by: kept.made_by,
        expires: kept.expires,
        revoked: kept.revoked,
        last_use: None,
    };
    Ok(all.into_iter().map(view).collect())
}

/// Ends a token by its digest in hex.
pub async fn revoke(chart: &Chart, cx: &Ctx, id: &FhirId) -> Result<(), AuthError> {
    let key = RecordKey::new(ResourceType::ACCESS_TOKEN, id.clone());
    let Some((mut kept, version)) = read(chart, cx, &key).await? else {
        return Err(AuthError::NotFound);
    };
    kept.revoked = true;
    let write = WriteKind::Update { base: Some(version) };
    keep(chart, cx, AuditAction::TokenRevoked, key, write, &kept).await
}

pub(crate) fn key_of(digest: &[u8; 32]) -> Result<RecordKey, AuthError> {
    let id = hex(digest).parse().map_err(|_| AuthError::Invalid("digest"))?;
    Ok(RecordKey::new(ResourceType::ACCESS_TOKEN, id))
}

pub(crate) async fn read(
    chart: &Chart,
    cx: &Ctx,
    key: &RecordKey,
) -> Result<Option<(Kept, u32)>, AuthError> {
    super::accounts::read_record(chart, cx, key).await
}

async fn keep(
    chart: &Chart,
    cx: &Ctx,
    action: AuditAction,
    key: RecordKey,
    kind: WriteKind,
    kept: &Kept,
) -> Result<(), AuthError> {
    let body = serde_json::to_vec(kept)?;
    let unit = CommitUnit {
        writes: vec![internal_write(key.clone(), kind, body)],
        ..CommitUnit::default()
    };
    chart.commit(cx, Interaction::on(action, key), unit).await?;
    Ok(())
}

/// A write of one of Ward's own records: sealed on a shelf, found by its id alone.
pub(crate) fn internal_write(key: RecordKey, kind: WriteKind, body: Vec<u8>) -> Write {
    Write {
        key,
        kind,
        version: kind.base().map_or(1, |base| base.saturating_add(1)),
        body,
        terms: Vec::new(),
        patients: Default::default(),
        restricted: false,
        event: None,
    }
}
