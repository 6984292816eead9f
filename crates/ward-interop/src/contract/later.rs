//! Application acknowledgments that go out as exchanges of their own.
//!
//! - Source: HL7 v2.8, 2.9.3.2: in enhanced mode the application answers later, and whoever gets
//!   the answer accepts it.

use ward_core::Phi;
use ward_hl7::{
    Message, Problem,
    ack::{Mode, Verdict},
};
use ward_store::{Direction, MessageState, NewMessage, Reuse};

use super::{Interface, Note, Receiver, receive::Arrived};

impl Interface {
    /// Where the application acknowledgments of `message` go.
    pub(super) fn acks_to(&self, message: &Message<'_>) -> Vec<String> {
        let wanted = self.forwards.iter().filter(|it| it.acks && it.takes(message));
        wanted.map(|forward| forward.destination.clone()).collect()
    }
}

impl Receiver {
    /// The application acknowledgments of a message, to go out in the commit that settles it.
    pub(super) fn acks(
        &self,
        arrived: &Arrived<'_>,
        verdict: Verdict,
        problems: &[Problem],
    ) -> Vec<NewMessage> {
        let Some(code) = arrived.mode.later(verdict) else { return Vec::new() };
        let ack = |destination: &String| {
            // Only randomness can be missing; the sender is then without an answer, as by a
            // connection that breaks, and the message itself is safe.
            let control_id = self.fresh_control_id()?;
            let raw = self.reply_as(arrived, (code, &control_id, true), problems)?;
            let note = Note { peer: destination.clone(), ..Note::default() };
            Some(NewMessage {
                direction: Direction::Out,
                channel: destination.clone(),
                kind: format!("ACK^{}", arrived.header.trigger_event()),
                control_id: Phi::new(control_id),
                raw: Phi::new(raw),
                detail: Phi::new(note.to_bytes()),
                reuse: Reuse::Accept,
                ..arrived.kept(MessageState::Waiting, None, Vec::new())
            })
        };
        arrived.acks_to.iter().filter_map(ack).collect()
    }
}

/// How a message is answered: apart, where somebody gets application acknowledgments.
pub(super) fn mode_of(header: &ward_hl7::Header, acks_to: &[String]) -> Mode {
    match acks_to {
        [] => Mode::of(header),
        _ => Mode::of(header).apart(),
    }
}
