//! Bringing outgoing messages to one destination, in the order in which they were kept.
//!
//! A destination that is down holds everything up and loses nothing; it is never taken for a fault
//! of the message. A message that the receiver will not have is set aside and frees the way.

use std::{sync::Arc, time::Duration};

use ward_core::{AuditAction, Phi};
use ward_store::{
    CommitUnit, Direction, Interaction, KeptMessage, MessageFilter, MessageId, MessageState,
    NewMessage, Restated,
};

use super::{
    Fault,
    target::{Target, Try},
};
use crate::{
    contract::{Note, Receiver},
    figures::WayFigures,
};

/// Messages looked for at once.
const STEP: usize = 64;

/// Longest pause between two tries.
/// LIMIT: a destination that comes back is noticed within a minute.
const PAUSE_MAX: Duration = Duration::from_secs(60);

/// First pause after a try that failed.
const PAUSE_MIN: Duration = Duration::from_millis(500);

/// The way to one destination.
pub struct Delivery {
    receiver: Receiver,
    name: String,
    target: Target,
    rejections_max: u32,
    /// Tries of the message at hand that were answered with a rejection.
    n_rejected: u32,
    /// What whoever looks after the destination is told.
    figures: Arc<WayFigures>,
}

/// What a round came to.
#[derive(Clone, Copy, PartialEq, Eq, Default, Debug)]
pub struct Delivered {
    pub n_sent: u64,
    /// Set aside for a person.
    pub n_dead: u64,
    /// The destination did not take the next one: try again after a pause.
    pub is_stuck: bool,
}

impl Delivery {
    pub fn new(receiver: Receiver, name: &str, target: Target, rejections_max: u32) -> Delivery {
        let figures = receiver.figures().way(name);
        // What was wrong with the settings before is not wrong with these.
        figures.begins();
        let name = name.to_owned();
        Delivery { receiver, name, target, rejections_max, n_rejected: 0, figures }
    }

    /// Brings what waits, as far as the destination takes it.
    ///
    /// - Audit: one entry for each message, in the commit that says that it arrived.
    /// - Repeat: safe; a message that was sent and whose arrival was not written down is sent
    ///   again, with the same control id, which receivers know.
    pub async fn round(&mut self) -> Delivered {
        let mut delivered = Delivered::default();
        loop {
            let own = self.receiver.system_context();
            let filter = MessageFilter {
                direction: Some(Direction::Out),
                states: vec![MessageState::Waiting],
                channel: Some(self.name.clone()),
                after: Some(MessageId(0)),
                limit: STEP,
                ..MessageFilter::default()
            };
            let chart = self.receiver.chart().clone();
            let waiting = match chart.messages_to_work_on(&own, &filter) {
                Ok(waiting) => waiting,
                Err(error) => {
                    tracing::error!(destination = %self.name, %error, "outgoing messages not read");
                    delivered.is_stuck = true;
                    return delivered;
                }
            };
            if waiting.is_empty() {
                self.figures.nothing_waits();
                if matches!(self.target, Target::Closed) {
                    self.figures.unusable(self.receiver.now());
                }
                return delivered;
            }
            for id in waiting {
                let Ok(Some(message)) = chart.message_to_work_on(&own, id) else {
                    // Of a patient who was destroyed, or taken away meanwhile.
                    continue;
                };
                self.figures.waits_since(message.head.time);
                let outcome = match self.attempt(&message).await {
                    Try::Arrived(answer) => {
                        self.settle(&message, MessageState::Sent, answer, None).await
                    }
                    Try::Refused(answer, why) => {
                        self.settle(&message, MessageState::Dead, answer, why).await
                    }
                    Try::Rejected(_) => {
                        self.failed(Fault::new("rejected"));
                        None
                    }
                    Try::Later(fault) => {
                        self.failed(fault);
                        None
                    }
                };
                match outcome {
                    Some(MessageState::Sent) => delivered.n_sent += 1,
                    Some(_) => delivered.n_dead += 1,
                    None => {
                        delivered.is_stuck = true;
                        return delivered;
                    }
                }
            }
        }
    }

    /// Says that the next try is after `pause`.
    pub fn rests(&self, pause: Duration) {
        let next = self.receiver.now().checked_add(pause);
        if let Ok(next) = next {
            self.figures.tries_again(next);
        }
    }

    fn failed(&self, fault: Fault) {
        self.figures.failed(self.receiver.now(), fault);
    }

    /// One try; what was rejected too often is refused.
    async fn attempt(&mut self, message: &KeptMessage) -> Try {
        let (id, now) = (message.head.id, self.receiver.now());
        let tried = self.target.attempt(&self.name, (id, message.raw.reveal()), now).await;
        match tried {
            Try::Rejected(answer) => {
                self.n_rejected += 1;
                if self.n_rejected < self.rejections_max {
                    return Try::Rejected(answer);
                }
                self.n_rejected = 0;
                self.figures.answered(self.receiver.now());
                Try::Refused(answer, Some("rejected too often".to_owned()))
            }
            Try::Later(fault) => Try::Later(fault),
            settled => {
                self.n_rejected = 0;
                self.figures.answered(self.receiver.now());
                settled
            }
        }
    }

    /// Writes down what became of a message; `None` when that could not be written.
    async fn settle(
        &self,
        message: &KeptMessage,
        state: MessageState,
        answer: Vec<u8>,
        why: Option<String>,
    ) -> Option<MessageState> {
        let mut note = Note::read(message.head.detail.reveal());
        note.attempts = note.attempts.saturating_add(1);
        note.why = why.or(note.why);
        let head = &message.head;
        let to = NewMessage {
            detail: Phi::new(note.to_bytes()),
            answer: Phi::new(answer),
            ..message.in_state(state)
        };
        let restated = Restated { id: head.id, from: head.state, to };
        let unit = CommitUnit { restated: vec![restated], ..CommitUnit::default() };
        let act = Interaction::new(AuditAction::Export).with_detail(format!("hl7 {}", head.kind));
        let cx = self.receiver.interface_context(&self.name);
        match self.receiver.chart().commit(&cx, act, unit).await {
            Ok(_) => Some(state),
            Err(error) => {
                tracing::error!(destination = %self.name, %error, "delivery not written down");
                None
            }
        }
    }
}

/// The pause after `n` tries that failed, spread by `random` so that not all come back at once.
pub fn backoff(n: u32, random: u8) -> Duration {
    let doubled = PAUSE_MIN.saturating_mul(1u32.checked_shl(n.min(16)).unwrap_or(u32::MAX));
    let pause = doubled.min(PAUSE_MAX);
    // Between three quarters and the whole of it.
    pause.mul_f64(0.75 + 0.25 * f64::from(random) / 255.0)
}
