//! Whether a message goes out, and as what.

use std::sync::Arc;

use ward_hl7::{Draft, Message, Path, Put};

use crate::script::{Call, Limits, Outcome, Script, Stopwatch};

/// One way out.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Forward {
    /// `channel/destination`: what the outgoing message is kept under.
    pub destination: String,
    pub(super) types: Vec<String>,
    pub(super) conditions: Vec<(Path, Vec<String>)>,
    pub(super) set: Vec<(Path, String)>,
    /// It gets the application acknowledgments of messages, not the messages.
    pub acks: bool,
    /// What is done after that.
    pub script: Option<Arc<Script>>,
}

/// A message that should go out and cannot be written.
#[derive(Clone, Copy, PartialEq, Eq, Debug, thiserror::Error)]
pub enum NotForwarded {
    #[error("a value cannot be put into the message")]
    Edit(#[from] ward_hl7::draft::EditError),
    #[error("the message cannot be written in its character set")]
    Write(#[from] ward_hl7::draft::WriteError),
}

impl Forward {
    /// Whether this way is for `message`.
    pub fn takes(&self, message: &Message<'_>) -> bool {
        let code = message.message_code().unwrap_or_default();
        let event = message.trigger_event().unwrap_or_default();
        let of_type = |kind: &String| match kind.split_once('^') {
            Some((wanted, "*")) => wanted == code,
            Some((wanted, of)) => wanted == code && of == event,
            None => false,
        };
        let holds = |(path, values): &(Path, Vec<String>)| {
            let text = message.text_at(path).unwrap_or_default();
            values.iter().any(|value| *value == text)
        };
        (self.types.is_empty() || self.types.iter().any(of_type))
            && self.conditions.iter().all(holds)
    }

    /// The name of the destination alone.
    pub fn to(&self) -> &str {
        self.destination.rsplit('/').next().unwrap_or_default()
    }

    /// The bytes that go out without a script; what is not set is as it came.
    pub fn bytes(&self, message: &Message<'_>) -> Result<Vec<u8>, NotForwarded> {
        if self.set.is_empty() {
            return Ok(message.raw().to_vec());
        }
        Ok(self.draft(message)?.to_bytes()?)
    }

    /// The message with what is set in it.
    pub fn draft<'m>(&self, message: &'m Message<'_>) -> Result<Draft<'m>, NotForwarded> {
        let mut draft = Draft::of(message);
        for (path, text) in &self.set {
            let put = if text.is_empty() { Put::Empty } else { Put::Text(text) };
            draft.set(path, put)?;
        }
        Ok(draft)
    }

    /// What becomes of a message, worked out here and now.
    ///
    /// - Cost: keeps a thread busy for as long as the script takes.
    pub fn outcome(&self, message: &Message<'_>, watch: &Stopwatch) -> Outcome {
        let failed = |error: NotForwarded| Outcome::Failed(error.to_string());
        match &self.script {
            None => self.bytes(message).map_or_else(failed, Outcome::Goes),
            Some(script) => match self.draft(message) {
                Err(error) => failed(error),
                Ok(draft) => {
                    let (call, limits) = (Call::Out(self.to()), Limits::default());
                    script.run(call, draft.into_owned(), &limits, watch)
                }
            },
        }
    }
}
