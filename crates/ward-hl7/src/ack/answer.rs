//! Reading an acknowledgment that a receiver sent us.

use super::AckCode;
use crate::{location::SegmentId, message::Message};

/// What an acknowledgment says.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Answer {
    pub code: AckCode,
    /// MSA-2, as it is written: compare it with MSH-10 as it was sent.
    pub control_id: String,
    /// MSA-4.
    pub expected_sequence: Option<i64>,
}

/// What a sender does next.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum Next {
    /// The message has arrived.
    Done,
    /// The receiver could not take it now: send it again, with the same MSH-10.
    Resend,
    /// The receiver cannot take this message: set it aside for a person.
    SetAside,
}

impl Answer {
    /// The answer in `message`; `None` where it has no MSA with a code of table 0008.
    ///
    /// - Source: HL7 v2.8, 2.14.8 MSA.
    pub fn of(message: &Message<'_>) -> Option<Answer> {
        let msa = message.first(SegmentId::MSA)?;
        let code = AckCode::from_code(&msa.field(1)?.text()?)?;
        let control_id = msa.field(2).map(|field| field.raw().to_owned()).unwrap_or_default();
        let expected_sequence = msa.field(4).and_then(|field| field.raw().parse().ok());
        Some(Answer { code, control_id, expected_sequence })
    }

    /// Whether it answers the message that was sent with this MSH-10.
    ///
    /// An empty MSA-2 answers nothing: taking it for the last message sent is how messages are
    /// lost when an answer comes late.
    pub fn is_to(&self, control_id: &str) -> bool {
        !control_id.is_empty() && self.control_id == control_id
    }

    /// - Source: HL7 v2.8, 2.9.2.2 and 2.9.3.2: an error is in the message; a reject is not.
    pub const fn next(&self) -> Next {
        match self.code {
            AckCode::ApplicationAccept | AckCode::CommitAccept => Next::Done,
            AckCode::ApplicationReject | AckCode::CommitReject => Next::Resend,
            AckCode::ApplicationError | AckCode::CommitError => Next::SetAside,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::message::ReadSettings;

    fn answer(msa: &str) -> Option<Answer> {
        let text = format!("MSH|^~\\&|||||||ACK|9|P|2.5\r{msa}\r");
        let (message, _) = Message::read(text.as_bytes(), &ReadSettings::default());
        Answer::of(&message.unwrap())
    }

    #[test]
    fn an_answer_is_matched_and_followed() {
        let done = answer("MSA|AA|7||8").unwrap();
        assert!(done.is_to("7") && !done.is_to("8"));
        assert_eq!((done.next(), done.expected_sequence), (Next::Done, Some(8)));
        assert_eq!(answer("MSA|AR|7").unwrap().next(), Next::Resend);
        assert_eq!(answer("MSA|CE|7").unwrap().next(), Next::SetAside);
        assert!(!answer("MSA|AA|").unwrap().is_to(""));
        assert_eq!(answer("MSA|XX|7"), None);
        assert_eq!(answer("MSA"), None);
        assert_eq!(answer("ZZZ|1"), None);
    }
}
