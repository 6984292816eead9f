//! Looking after accounts, sessions and tokens while they are in use.

use ward_core::{AuditAction, AuditOutcome, Ctx, FhirId, RecordKey};
use ward_crypto::Random;
use ward_store::Interaction;
use zeroize::Zeroizing;

use super::{
    AuthError, Gate,
    accounts::{self, AccountView, Change, Kept, key_of_id},
    changes,
    sessions::SessionView,
    tokens::{self, TokenView},
};

impl Gate {
    /// Every account, with its sessions and failures.
    ///
    /// - Audit: `read` of accounts.
    pub(crate) async fn accounts(&self, cx: &Ctx) -> Result<Vec<AccountView>, AuthError> {
        let mut all = accounts::list(&self.chart, cx).await?;
        let counts = self.sessions.counts(cx.now);
        for view in &mut all {
            let Ok(id) = view.id.parse::<FhirId>() else { continue };
            view.sessions = Some(counts.get(&id).copied().unwrap_or_default());
            view.failed_tries = Some(self.tries.count(&key_of_id(id)));
        }
        Ok(all)
    }

    /// One account, likewise.
    ///
    /// - Audit: `read` of the account.
    pub(crate) async fn account(&self, cx: &Ctx, id: &FhirId) -> Result<AccountView, AuthError> {
        let key = key_of_id(id.clone());
        let kept = accounts::read_record::<Kept>(&self.chart, cx, &key).await?;
        let mut view = changes::view(id, kept.ok_or(AuthError::NotFound)?.0);
        view.sessions = Some(self.sessions.of(id, cx.now).len());
        view.failed_tries = Some(self.tries.count(&key));
        Ok(view)
    }

    /// Changes an account and ends its sessions at once.
    ///
    /// - Errors: as [`accounts::change`].
    /// - Audit: `account-changed`, and a `logout` when sessions ended.
    pub(crate) async fn change_account(
        &self,
        cx: &Ctx,
        random: &dyn Random,
        id: &FhirId,
        change: Change,
    ) -> Result<Option<Zeroizing<String>>, AuthError> {
        let _one_by_one = self.changing.lock().await;
        let outcome = accounts::change(&self.chart, cx, random, id, change).await;
        let refused = matches!(
            outcome,
            Err(AuthError::NotFound | AuthError::LastAdministrator | AuthError::Invalid(_))
        );
        // After a failure of the disk nobody knows what is written: the sessions end then too.
        if !refused && change != Change::Activate {
            let n = self.sessions.end_all(id, None);
            self.ended(cx, &key_of_id(id.clone()), n, "account changed").await?;
        }
        outcome
    }

    /// The sessions of an account.
    ///
    /// - Audit: `read` of the account.
    pub(crate) async fn sessions_of(
        &self,
        cx: &Ctx,
        id: &FhirId,
    ) -> Result<Vec<SessionView>, AuthError> {
        self.account(cx, id).await?;
        Ok(self.sessions.of(id, cx.now))
    }

    /// Ends one session of an account, or all of them, and counts them.
    ///
    /// - Errors: `NotFound` for an account or a session that is not there.
    /// - Audit: `logout` of the account, by who ended it.
    pub(crate) async fn end_sessions(
        &self,
        cx: &Ctx,
        id: &FhirId,
        one: Option<&str>,
    ) -> Result<usize, AuthError> {
        self.account(cx, id).await?;
        let n = match one {
            None => self.sessions.end_all(id, None),
            Some(one) if self.sessions.end_one(id, one) => 1,
            Some(_) => return Err(AuthError::NotFound),
        };
        self.ended(cx, &key_of_id(id.clone()), n, "ended by an administrator").await?;
        Ok(n)
    }

    /// Every token, with its last use since the server started.
    ///
    /// - Audit: `read` of tokens.
    pub(crate) async fn tokens(&self, cx: &Ctx) -> Result<Vec<TokenView>, AuthError> {
        let mut all = tokens::list(&self.chart, cx).await?;
        let uses = self.last_uses();
        for view in &mut all {
            view.last_use = uses.get(&view.id).map(ToString::to_string);
        }
        Ok(all)
    }

    /// The tokens that an account made and that have not ended.
    ///
    /// - Audit: `read` of the account, `read` of tokens.
    pub(crate) async fn tokens_made_by(
        &self,
        cx: &Ctx,
        id: &FhirId,
    ) -> Result<Vec<String>, AuthError> {
        let actor = self.account(cx, id).await?.actor;
        let all = tokens::list(&self.chart, cx).await?;
        let made = |it: &TokenView| !it.revoked && it.made_by.as_ref() == Some(&actor);
        Ok(all.into_iter().filter(made).map(|it| it.id).collect())
    }

    /// Ends a token at once.
    ///
    /// - Audit: `token-revoked`, in the same commit.
    pub(crate) async fn revoke_token(&self, cx: &Ctx, id: &FhirId) -> Result<(), AuthError> {
        let outcome = tokens::revoke(&self.chart, cx, id).await;
        self.forget_token(id);
        outcome
    }

    /// Puts on record that `n` sessions of an account ended.
    pub(super) async fn ended(
        &self,
        cx: &Ctx,
        account: &RecordKey,
        n: usize,
        why: &str,
    ) -> Result<(), AuthError> {
        if n == 0 {
            return Ok(());
        }
        let act = Interaction::on(AuditAction::Logout, account.clone());
        let act = act.with_detail(format!("{why}; sessions={n}"));
        Ok(self.chart.audit(cx, act, AuditOutcome::Success).await?)
    }
}
