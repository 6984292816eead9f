//! What a person decides about a kept message: that it is sent again, because its receiver would
//! not have it or has lost it, or that nothing is to be done about it.

use ward_core::{AuditAction, Ctx, Phi};
use ward_store::{
    CommitError, CommitUnit, Direction, Interaction, KeptMessage, MessageId, MessageState,
    NewMessage, Restated,
};

use super::{Note, Receiver};

impl Receiver {
    /// Puts an outgoing message back among those that wait, whether it was set aside or taken.
    /// Answers false where it is none of these.
    ///
    /// - Shape: it goes before what came after it, under the same control id, so that a receiver
    ///   that has it knows it.
    /// - Audit: `export`, in the commit; one more entry says that it arrived.
    pub async fn send_again(&self, id: MessageId) -> Result<bool, CommitError> {
        let unreadable = |_| CommitError::Unavailable("a kept message cannot be read");
        let own = self.own_context(self.now());
        let kept = self.inner.chart.message_to_work_on(&own, id).map_err(unreadable)?;
        let Some(kept) = kept else { return Ok(false) };
        let head = &kept.head;
        let is_settled = matches!(head.state, MessageState::Dead | MessageState::Sent);
        if head.direction != Direction::Out || !is_settled {
            return Ok(false);
        }
        // How often it was tried stays; why it was set aside is over.
        let note = Note { why: None, ..Note::read(head.detail.reveal()) };
        let unit = restated(&kept, MessageState::Waiting, &note);
        let detail = format!("hl7 {} again", head.kind);
        let act = Interaction::new(AuditAction::Export).with_detail(detail);
        let cx = self.interface_context(&head.channel);
        self.inner.chart.commit(&cx, act, unit).await?;
        self.wake_outgoing();
        Ok(true)
    }

    /// Somebody has looked at a message that was given up or set aside, and nothing is to be done:
    /// `found` says what they found. Answers false where it is none of these.
    ///
    /// - Shape: it stays as it is and waits for nobody any more; its time ends like that of others.
    /// - Audit: `operation` of who decided, in the commit.
    pub async fn dismiss(&self, cx: &Ctx, id: MessageId, found: &str) -> Result<bool, CommitError> {
        let unreadable = |_| CommitError::Unavailable("a kept message cannot be read");
        let own = self.own_context(self.now());
        let kept = self.inner.chart.message_to_work_on(&own, id).map_err(unreadable)?;
        let Some(kept) = kept else { return Ok(false) };
        if !matches!(kept.head.state, MessageState::Dead | MessageState::Quarantined) {
            return Ok(false);
        }
        let old = Note::read(kept.head.detail.reveal());
        let why = old.why.iter().map(String::as_str).chain([found]).collect::<Vec<_>>().join("; ");
        let note = Note { why: Some(why), ..old };
        let unit = restated(&kept, MessageState::Ignored, &note);
        let act = Interaction::new(AuditAction::Operation)
            .with_detail(format!("hl7 message {} dismissed", id.0));
        self.inner.chart.commit(cx, act, unit).await?;
        Ok(true)
    }
}

/// The message as it is, in another state.
fn restated(kept: &KeptMessage, state: MessageState, note: &Note) -> CommitUnit {
    let to = NewMessage { detail: Phi::new(note.to_bytes()), ..kept.in_state(state) };
    let restated = Restated { id: kept.head.id, from: kept.head.state, to };
    CommitUnit { restated: vec![restated], ..CommitUnit::default() }
}
