//! Sequence numbers: a link on which nothing is passed over, nothing comes twice, and nothing
//! comes before its turn.
//!
//! - Source: HL7 v2.8, 2.10.1 Sequence number protocol.

use std::hash::{Hash, Hasher};

use rustc_hash::FxHasher;
use ward_core::Ctx;
use ward_hl7::{
    Location, Problem, ProblemKind, Severity,
    ack::{
        Verdict,
        sequence::{self, Received},
    },
};
use ward_store::{CommitUnit, ConsumerName, FeedPlace, MessageState, Numbered};

use super::{
    Receiver,
    lanes::Held,
    receive::{Arrived, One},
};

/// Every number there may be.
const ALL: u64 = i64::MAX.unsigned_abs();

/// The link that a message came by, held until the message is settled.
pub(super) struct Turn {
    link: ConsumerName,
    received: Received,
    _held: Held,
}

/// What a message's turn changes of what is known of its link.
#[derive(Clone, Default)]
pub(super) struct Numbering {
    numbered: Vec<Numbered>,
    forgotten: Option<(ConsumerName, u64)>,
}

impl Numbering {
    /// Joins the commit that settles the message.
    pub(super) fn join(&self, unit: &mut CommitUnit) {
        unit.numbered.extend(self.numbered.iter().cloned());
        unit.forgotten = self.forgotten.clone();
    }
}

impl Turn {
    /// MSA-4 of the answer.
    pub(super) fn expected(&self) -> Option<i64> {
        self.received.answer()
    }

    /// What a commit that settles the message does with its number.
    fn numbering(&self) -> Numbering {
        let before = |number: u64| Some((self.link.clone(), number));
        match self.received {
            Received::Accept { number } => {
                let number = number.unsigned_abs();
                let place = FeedPlace::default();
                let numbered = Numbered { consumer: self.link.clone(), number, place };
                Numbering {
                    numbered: vec![numbered],
                    forgotten: before(number.saturating_sub(1)).filter(|(_, n)| 0 < *n),
                }
            }
            Received::Reset => Numbering { numbered: Vec::new(), forgotten: before(ALL) },
            _ => Numbering::default(),
        }
    }
}

impl Receiver {
    /// Waits for the link of a message with a sequence number, and decides on it; `None` where
    /// the interface does not follow them, or the message has none.
    ///
    /// - Errors: what to answer at once, when MSH-13 is no number or the chart cannot be read.
    pub(super) async fn turn(&self, arrived: &Arrived<'_>) -> Result<Option<Turn>, Wrong> {
        let header = arrived.header;
        if !arrived.interface.follows_sequence || header.raw(13).is_empty() {
            return Ok(None);
        }
        let number = header.raw(13).parse::<i64>().map_err(|_| Wrong::NoNumber)?;
        let (application, facility) = (header.raw(3), header.raw(4));
        let parts = ["hl7-sequence", &arrived.interface.name, application, facility];
        let link = self.inner.chart.derived_consumer(&parts);
        let mut lane = FxHasher::default();
        link.as_str().hash(&mut lane);
        let _held = self.inner.links.enter(vec![lane.finish()]).await;
        let last = self.inner.chart.last_number(&link).map_err(|error| {
            tracing::warn!(%error, "the last number of a link not read");
            Wrong::Unread
        })?;
        let last = i64::try_from(last).ok().filter(|last| 0 < *last);
        let received = sequence::receive(last, Some(number));
        Ok(Some(Turn { link, received, _held }))
    }

    /// Settles a message that is not to be processed for its number: those that start a link, and
    /// those that are not expected. `None` when it is the next.
    ///
    /// It is kept under an id of its own: the same bytes may come again, in their turn.
    pub(super) async fn out_of_turn(
        &self,
        cx: &Ctx,
        arrived: &mut Arrived<'_>,
        turn: &Turn,
    ) -> Option<One> {
        arrived.expected = turn.expected();
        arrived.numbering = turn.numbering();
        match turn.received {
            Received::NotUsed | Received::Accept { .. } => None,
            Received::Start { .. } | Received::Reset => {
                arrived.is_repeatable = true;
                Some(self.accept(cx, arrived, MessageState::Ignored).await)
            }
            Received::Again { .. } | Received::OutOfSequence { .. } => {
                arrived.is_repeatable = true;
                let at = Location::header(13);
                let problem = Problem::new(Severity::Error, ProblemKind::OutOfSequence, at);
                arrived.note = arrived.note.clone().with(&[problem]);
                Some(self.refuse(cx, arrived, Verdict::Error, &[problem]).await)
            }
        }
    }
}

/// Why nothing could be decided.
pub(super) enum Wrong {
    NoNumber,
    Unread,
}
