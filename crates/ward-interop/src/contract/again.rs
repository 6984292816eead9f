//! An outgoing message sent again, because its receiver would not have it, or has lost it.

use ward_core::{AuditAction, Phi};
use ward_store::{
    CommitError, CommitUnit, Direction, Interaction, MessageId, MessageState, NewMessage, Reuse,
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
        let waiting = NewMessage {
            direction: Direction::Out,
            state: MessageState::Waiting,
            channel: head.channel.clone(),
            kind: head.kind.clone(),
            control_id: head.control_id.clone(),
            sender: head.sender.clone(),
            patient: head.patient.clone(),
            time: head.time,
            raw: kept.raw.clone(),
            detail: Phi::new(note.to_bytes()),
            answer: head.answer.clone(),
            reuse: Reuse::Accept,
        };
        let unit = CommitUnit { restated: vec![(id, waiting)], ..CommitUnit::default() };
        let detail = format!("hl7 {} again", head.kind);
        let act = Interaction::new(AuditAction::Export).with_detail(detail);
        let cx = self.interface_context(&head.channel);
        self.inner.chart.commit(&cx, act, unit).await?;
        self.wake_outgoing();
        Ok(true)
    }
}
