//! The chart's doors to its messages.

use jiff::Timestamp;
use ward_core::{ActorKind, AuditAction, AuditOutcome, Ctx, Phi};
use ward_policy::Action;

use super::{
    KeptMessage, MessageCount, MessageFilter, MessageHead, MessageId, MessageState, NewMessage,
    control, count, rows, sealing,
};
use crate::{
    chart::Chart,
    error::{CommitError, ReadError},
    prepare::PreparedUnit,
    truth::TruthError,
    unit::{Interaction, Receipt},
    writer::Work,
};

impl Chart {
    /// The answer that this very message got before, if it came before.
    ///
    /// - Audit: a repetition is on record; what is new is not, its commit will be.
    pub async fn answered(
        &self,
        cx: &Ctx,
        act: Interaction,
        message: &NewMessage,
    ) -> Result<Option<Receipt>, CommitError> {
        let inner = &self.inner;
        let trace = sealing::trace_of(&inner.keyring, message);
        let receipt = inner.truth.read(|db| {
            let same = control::same(db, &inner.truth.newest, &trace)?;
            let Some(id) = same else { return Ok(None) };
            let answer = rows::answer_of(db, &inner.keyring, id)?;
            Ok(answer.map(|(seq, answer)| Receipt {
                seq,
                replayed: Some(answer),
                message: Some(MessageId(id)),
            }))
        })?;
        if receipt.is_some() {
            self.audit(cx, act, AuditOutcome::Success).await?;
        }
        Ok(receipt)
    }

    /// Messages that match, without their bytes.
    ///
    /// - Audit: `search`, with how many were shown, and of whom.
    pub async fn messages(
        &self,
        cx: &Ctx,
        filter: &MessageFilter,
    ) -> Result<Vec<MessageHead>, ReadError> {
        self.may_read_messages(cx).await?;
        let keyring = &self.inner.keyring;
        let rows = self.inner.truth.read(|db| rows::list(db, keyring, filter))?;
        let heads = rows
            .iter()
            .filter_map(|row| sealing::open_head(keyring, row).transpose())
            .collect::<Result<Vec<_>, _>>()?;
        let act =
            Interaction::new(AuditAction::Search).with_detail(format!("messages={}", heads.len()));
        self.shown(cx, act, heads.iter()).await?;
        Ok(heads)
    }

    /// One message, with its bytes; `None` when it is not there or its patient was destroyed.
    ///
    /// - Audit: `read`, with its number and its patient.
    pub async fn message(&self, cx: &Ctx, id: MessageId) -> Result<Option<KeptMessage>, ReadError> {
        self.may_read_messages(cx).await?;
        let found = self.whole_message(id)?;
        let act = Interaction::new(AuditAction::Read).with_detail(format!("message={}", id.0));
        self.shown(cx, act, found.iter().map(|it| &it.head)).await?;
        Ok(found)
    }

    /// Puts on record that somebody saw these messages, for whoever asks who looked at a chart.
    async fn shown<'m>(
        &self,
        cx: &Ctx,
        act: Interaction,
        heads: impl Iterator<Item = &'m MessageHead>,
    ) -> Result<(), ReadError> {
        let of = heads.filter_map(|head| head.patient.as_ref());
        let seen = of.map(|patient| self.inner.keyring.scope_of(patient)).collect();
        let audited = self.audit_having_seen(cx, act, AuditOutcome::Success, seen).await;
        audited.map_err(|_| not_audited())
    }

    /// One message for the part of Ward that has to work on it; nothing of it is shown to anyone.
    ///
    /// - Errors: [`ReadError::NotAllowed`] for anyone but Ward itself.
    pub fn message_to_work_on(
        &self,
        cx: &Ctx,
        id: MessageId,
    ) -> Result<Option<KeptMessage>, ReadError> {
        match cx.actor.kind {
            ActorKind::System => self.whole_message(id),
            ActorKind::Person | ActorKind::Client => Err(ReadError::NotAllowed),
        }
    }

    /// The numbers of messages that match, for the part of Ward that has to work on them.
    ///
    /// - Errors: [`ReadError::NotAllowed`] for anyone but Ward itself.
    pub fn messages_to_work_on(
        &self,
        cx: &Ctx,
        filter: &MessageFilter,
    ) -> Result<Vec<MessageId>, ReadError> {
        if cx.actor.kind != ActorKind::System {
            return Err(ReadError::NotAllowed);
        }
        let keyring = &self.inner.keyring;
        let rows = self.inner.truth.read(|db| rows::list(db, keyring, filter))?;
        Ok(rows.iter().map(|row| MessageId(row.id)).collect())
    }

    /// How many messages are in each state.
    pub fn message_counts(&self) -> Result<Vec<(MessageState, u64)>, ReadError> {
        let counts = self.inner.truth.read(count::by_state)?;
        Ok(MessageState::ALL.iter().copied().zip(counts).collect())
    }

    /// How many messages each interface has in each state, in all and since the hour of `since`.
    ///
    /// - Shape: `names` are the interfaces that are known; others are found by their messages.
    /// - Audit: none but of who may not; there is nothing of a patient in it.
    /// - Cost: no more for a million messages than for ten.
    pub async fn messages_by_interface(
        &self,
        cx: &Ctx,
        names: &[String],
        since: Timestamp,
    ) -> Result<Vec<MessageCount>, ReadError> {
        self.may_read_messages(cx).await?;
        let keyring = &self.inner.keyring;
        let counts = |db: &_| count::by_channel(db, keyring, names, since, cx.now);
        Ok(self.inner.truth.read(counts)?)
    }

    /// Takes away up to `n` messages from before `before` about which nobody has to do anything,
    /// and gives their room back. Answers how many.
    ///
    /// - Audit: `delete`, when anything was taken away.
    /// - Cost: others write in between when `n` is a few hundred.
    pub async fn prune_messages(
        &self,
        cx: &Ctx,
        before: Timestamp,
        n: usize,
    ) -> Result<u64, CommitError> {
        let act = Interaction::new(AuditAction::Delete);
        if !self.inner.policy.allows(cx, Action::ManageSystem) {
            self.audit(cx, act, AuditOutcome::MinorFailure).await?;
            return Err(CommitError::NotAllowed);
        }
        let unit = PreparedUnit::empty(cx.now.as_microsecond());
        let work = Work::Prune { before_us: before.as_microsecond(), n };
        let n_deleted = self.inner.writer.send(unit, Some(work)).await?.n_keys;
        if 0 < n_deleted {
            let act =
                Interaction { detail: Some(Phi::new(format!("messages={n_deleted}"))), ..act };
            self.audit(cx, act, AuditOutcome::Success).await?;
        }
        Ok(n_deleted)
    }

    fn whole_message(&self, id: MessageId) -> Result<Option<KeptMessage>, ReadError> {
        let row = self.inner.truth.read(|db| rows::by_id(db, id, true))?;
        row.map_or(Ok(None), |row| sealing::open_whole(&self.inner.keyring, &row))
    }

    async fn may_read_messages(&self, cx: &Ctx) -> Result<(), ReadError> {
        if self.inner.policy.allows(cx, Action::ReadMessages) {
            return Ok(());
        }
        let act = Interaction::new(AuditAction::Read).with_detail("messages".to_owned());
        self.audit(cx, act, AuditOutcome::MinorFailure).await.map_err(|_| not_audited())?;
        Err(ReadError::NotAllowed)
    }
}

fn not_audited() -> ReadError {
    ReadError::Truth(TruthError::Row("the entry could not be written"))
}
