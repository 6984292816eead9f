//! Sequence numbers: MSH-13 and MSA-4.
//!
//! - Source: HL7 v2.8, 2.10.1 Sequence number protocol.

/// What a receiver does with a sequence number.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum Received {
    /// No number: the link does not use them.
    NotUsed,
    /// Zero: the sender starts the link. Nothing to process; MSA-4 says what is expected.
    Start { expected: i64 },
    /// Minus one: the sender starts anew. Forget the last number; MSA-4 is minus one.
    Reset,
    /// The next one: process, store the number with the message, echo it in MSA-4.
    Accept { number: i64 },
    /// The last one again: its acknowledgment was lost. Process nothing; MSA-4 is one greater, which
    /// tells the sender to go on.
    Again { number: i64 },
    /// Any other: process nothing, answer with an error, say in MSA-4 what is expected.
    OutOfSequence { expected: i64 },
}

/// MSA-4 when any number will do.
pub const ANY: i64 = -1;

/// Decides on MSH-13; `last` is the number of the last message that was accepted.
pub fn receive(last: Option<i64>, number: Option<i64>) -> Received {
    let next = last.and_then(|last| last.checked_add(1));
    match (number, last) {
        (None, _) => Received::NotUsed,
        (Some(0), _) => Received::Start { expected: next.unwrap_or(ANY) },
        (Some(ANY), _) => Received::Reset,
        (Some(number), None) if 0 < number => Received::Accept { number },
        (Some(number), _) if Some(number) == next => Received::Accept { number },
        (Some(number), Some(last)) if number == last => Received::Again { number },
        _ => Received::OutOfSequence { expected: next.unwrap_or(ANY) },
    }
}

impl Received {
    /// MSA-4 of the answer.
    pub const fn answer(self) -> Option<i64> {
        match self {
            Received::NotUsed => None,
            Received::Start { expected } | Received::OutOfSequence { expected } => Some(expected),
            Received::Reset => Some(ANY),
            Received::Accept { number } => Some(number),
            Received::Again { number } => Some(number.saturating_add(1)),
        }
    }
}

/// What a sender does with MSA-4.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum Answered {
    /// Go on with the next message.
    GoOn,
    /// Send again from this number on.
    ResendFrom(i64),
    /// The receiver is ahead of us: it has accepted what we never sent. Stop; somebody must look.
    Stop,
}

/// Decides on MSA-4; `sent` is the number of the message that was sent.
pub fn answered(sent: i64, expected: Option<i64>) -> Answered {
    let Some(expected) = expected else { return Answered::GoOn };
    if expected == ANY || expected == sent || Some(expected) == sent.checked_add(1) {
        Answered::GoOn
    } else if 0 < expected && (expected < sent || sent == 0) {
        Answered::ResendFrom(expected)
    } else {
        Answered::Stop
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_receiver_follows_the_numbers() {
        use Received as R;
        for (last, number, then, answer) in [
            (None, None, R::NotUsed, None),
            (Some(7), None, R::NotUsed, None),
            (None, Some(0), R::Start { expected: -1 }, Some(-1)),
            (Some(7), Some(0), R::Start { expected: 8 }, Some(8)),
            (Some(7), Some(-1), R::Reset, Some(-1)),
            (None, Some(40), R::Accept { number: 40 }, Some(40)),
            (Some(7), Some(8), R::Accept { number: 8 }, Some(8)),
            (Some(7), Some(7), R::Again { number: 7 }, Some(8)),
            (Some(7), Some(9), R::OutOfSequence { expected: 8 }, Some(8)),
            (Some(7), Some(6), R::OutOfSequence { expected: 8 }, Some(8)),
            (None, Some(-5), R::OutOfSequence { expected: -1 }, Some(-1)),
            (Some(i64::MAX), Some(1), R::OutOfSequence { expected: -1 }, Some(-1)),
        ] {
            let received = receive(last, number);
            assert_eq!((received, received.answer()), (then, answer), "{last:?} {number:?}");
        }
    }

    #[test]
    fn a_sender_follows_the_answers() {
        for (sent, expected, then) in [
            (8, None, Answered::GoOn),
            (8, Some(8), Answered::GoOn),
            (8, Some(9), Answered::GoOn),
            (0, Some(-1), Answered::GoOn),
            (0, Some(1), Answered::GoOn),
            (0, Some(12), Answered::ResendFrom(12)),
            (8, Some(5), Answered::ResendFrom(5)),
            (8, Some(12), Answered::Stop),
            (8, Some(0), Answered::Stop),
        ] {
            assert_eq!(answered(sent, expected), then, "{sent} {expected:?}");
        }
    }
}
