//! Looking after accounts: who has one, and what an administrator changes of it.

use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};
use ward_core::{AuditAction, Ctx, FhirId, ResourceType, Role};
use ward_crypto::Random;
use ward_store::{Chart, CommitError, Interaction, WriteKind};
use zeroize::Zeroizing;

use super::{
    AuthError,
    accounts::{Kept, hash_of, key_of_id, read_all, read_record, write},
};

/// How long a temporary password may wait to be used, in hours.
/// LIMIT: the person's next shift; whoever finds the note later has nothing.
const TEMPORARY_H: i64 = 24;

/// How often a change is tried when others write the account at the same time.
/// LIMIT: a sign-in writes it once a day, and its owner seldom.
const TRIES_MAX: u32 = 5;

/// What may be shown of an account: nothing of its password.
#[derive(Clone, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct AccountView {
    pub id: String,
    /// Who the person is in the audit log.
    pub actor: String,
    pub name: String,
    pub role: String,
    pub practitioner: Option<String>,
    pub active: bool,
    /// Until when a temporary password waits to be replaced.
    pub temporary_until: Option<String>,
    pub created: Option<String>,
    /// The day in UTC.
    pub last_sign_in: Option<String>,
    /// Sessions now; `None` when no server was asked.
    pub sessions: Option<usize>,
    /// Wrong passwords since the server started; `None` when no server was asked.
    pub failed_tries: Option<u32>,
}

/// What is changed of an account. Each ends its sessions, but for `Activate`, which has none.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Change {
    Role(Role),
    Activate,
    Deactivate,
    /// A temporary password takes the place of the one that was lost.
    ResetPassword,
}

/// Every account, in the order in which they were made.
///
/// - Audit: `read` of accounts.
pub async fn list(chart: &Chart, cx: &Ctx) -> Result<Vec<AccountView>, AuthError> {
    let all = read_all::<Kept>(chart, cx, ResourceType::SIGN_IN).await?;
    Ok(all.into_iter().map(|(id, kept)| view(&id, kept)).collect())
}

/// Changes an account. A reset gives the temporary password, which exists nowhere else.
///
/// - Errors: `NotFound`; `LastAdministrator` when nobody would be left to look after accounts.
/// - Audit: `account-changed`, in the same commit; its detail says what changed.
/// - Repeat: safe; a second reset gives another password.
pub async fn change(
    chart: &Chart,
    cx: &Ctx,
    random: &dyn Random,
    id: &FhirId,
    change: Change,
) -> Result<Option<Zeroizing<String>>, AuthError> {
    let mut left = TRIES_MAX;
    loop {
        left -= 1;
        match change_once(chart, cx, random, id, change).await {
            // The person signed in at the same moment, which writes the account too.
            Err(AuthError::Commit(CommitError::Stale { .. })) if 0 < left => {}
            outcome => return outcome,
        }
    }
}

async fn change_once(
    chart: &Chart,
    cx: &Ctx,
    random: &dyn Random,
    id: &FhirId,
    change: Change,
) -> Result<Option<Zeroizing<String>>, AuthError> {
    let key = key_of_id(id.clone());
    let (mut kept, version) =
        read_record::<Kept>(chart, cx, &key).await?.ok_or(AuthError::NotFound)?;
    let is_administrator = |kept: &Kept| kept.active && kept.role == Role::Administrator.as_str();
    let was_administrator = is_administrator(&kept);
    let mut temporary = None;
    let detail = match change {
        Change::Role(role) => {
            let detail = format!("role={}->{role}", kept.role);
            kept.role = role.to_string();
            detail
        }
        Change::Activate => {
            kept.active = true;
            "activated".to_owned()
        }
        Change::Deactivate => {
            kept.active = false;
            "deactivated".to_owned()
        }
        Change::ResetPassword => {
            let fresh = new_temporary(random)?;
            kept.password = hash_of(fresh.clone()).await?;
            let until = cx.now.checked_add(SignedDuration::from_hours(TEMPORARY_H));
            kept.temporary_until = Some(until.unwrap_or(Timestamp::MAX).to_string());
            temporary = Some(fresh);
            "password reset".to_owned()
        }
    };
    if was_administrator && !is_administrator(&kept) {
        let all = read_all::<Kept>(chart, cx, ResourceType::SIGN_IN).await?;
        if !all.iter().any(|(other, kept)| other != id && is_administrator(kept)) {
            let act = Interaction::on(AuditAction::AccountChanged, key).with_detail(detail);
            chart.audit(cx, act, ward_core::AuditOutcome::MinorFailure).await?;
            return Err(AuthError::LastAdministrator);
        }
    }
    let act = Interaction::on(AuditAction::AccountChanged, key).with_detail(detail);
    write(chart, cx, act, WriteKind::Update { base: Some(version) }, &kept).await?;
    Ok(temporary)
}

pub(crate) fn view(id: &FhirId, kept: Kept) -> AccountView {
    AccountView {
        id: id.to_string(),
        actor: kept.actor,
        name: kept.name,
        role: kept.role,
        practitioner: kept.practitioner,
        active: kept.active,
        temporary_until: kept.temporary_until,
        created: kept.created,
        last_sign_in: kept.last_sign_in,
        sessions: None,
        failed_tries: None,
    }
}

/// Letters and digits that are not mistaken for each other when they are read out.
///
/// - Source: Crockford's Base32.
const ALPHABET: &[u8; 32] = b"0123456789abcdefghjkmnpqrstvwxyz";

/// A password of 100 random bits, in groups that a person can type.
fn new_temporary(random: &dyn Random) -> Result<Zeroizing<String>, AuthError> {
    let mut bytes = Zeroizing::new([0; 20]);
    random.fill(bytes.as_mut())?;
    let mut text = Zeroizing::new(String::with_capacity(23));
    for (at, byte) in bytes.iter().enumerate() {
        if at != 0 && at % 5 == 0 {
            text.push('-');
        }
        let letter = ALPHABET.get(usize::from(byte % 32)).copied().unwrap_or(b'0');
        text.push(char::from(letter));
    }
    Ok(text)
}

#[cfg(test)]
mod tests {
    use ward_crypto::SeededRandom;

    use super::*;

    #[test]
    fn a_temporary_password_can_be_read_out() {
        let random = SeededRandom::new(1);
        let (a, b) = (new_temporary(&random).unwrap(), new_temporary(&random).unwrap());
        assert_ne!(a, b);
        assert_eq!(a.len(), 23);
        assert!(a.split('-').all(|group| group.len() == 5));
        assert!(a.bytes().all(|byte| byte == b'-' || ALPHABET.contains(&byte)));
    }
}
