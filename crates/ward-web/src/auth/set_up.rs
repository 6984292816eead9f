//! The first account, made by whoever can read what the server prints.

use jiff::Timestamp;
use ward_core::{AuditAction, RecordKey, ResourceType};
use ward_crypto::{Random, password};
use ward_store::{CommitUnit, Interaction, WriteKind};

use super::{AuthError, Gate, NewAccount, accounts, gate::lock, system_ctx, tokens};

/// The record that says that the first account was made.
fn setup_done() -> Result<RecordKey, AuthError> {
    let id = "set-up".parse().map_err(|_| AuthError::Invalid("id"))?;
    Ok(RecordKey::new(ResourceType::SETTING, id))
}

impl Gate {
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
        let write = tokens::internal_write(key.clone(), WriteKind::Create, b"{}".to_vec());
        let unit = CommitUnit { writes: vec![write], ..CommitUnit::default() };
        self.chart.commit(&cx, Interaction::on(AuditAction::SettingChanged, key), unit).await?;
        Ok(())
    }
}
