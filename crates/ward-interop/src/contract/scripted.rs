//! What scripts of channels make of a message, on threads that may be kept busy.

use std::{sync::Arc, time::Instant};

use ward_core::Phi;
use ward_hl7::{Draft, Message};
use ward_store::{Direction, MessageState, NewMessage, Reuse};

use super::{Interface, Note, Receiver, receive::Arrived};
use crate::{
    channel::Forward,
    script::{Call, Limits, Outcome, Script, Stopwatch},
};

/// Tries of a script that took too long.
/// LIMIT: the machine may have been busy once; the sender waits.
const TRIES_MAX: u32 = 2;

/// What the chart gets of a message.
pub(super) enum ForChart<'m> {
    Goes(Message<'m>),
    /// Nothing, and that is right; why.
    Dropped(String),
    /// Nothing, because the script cannot work on it; why.
    Failed(String),
}

impl Receiver {
    /// The message as the script of `interface` gives it to the chart; as it came without one.
    pub(super) async fn for_chart<'m>(
        &self,
        interface: &Interface,
        message: Message<'m>,
    ) -> ForChart<'m> {
        let Some(script) = &interface.script else { return ForChart::Goes(message) };
        let draft = Draft::of(&message).into_owned();
        let n_bytes = message.raw().len();
        match self.scripted(script, None, (draft, n_bytes)).await.0 {
            Outcome::Goes(bytes) => match Message::read(&bytes, &interface.read).0 {
                Some(message) => ForChart::Goes(message.into_owned()),
                None => ForChart::Failed("the script leaves no message".to_owned()),
            },
            Outcome::Dropped(why) => ForChart::Dropped(why),
            Outcome::Failed(why) => ForChart::Failed(why),
            Outcome::Late => ForChart::Failed(LATE.to_owned()),
        }
    }

    /// Finds what goes out of a message by the ways of its interface.
    pub(super) async fn lead_on(&self, arrived: &mut Arrived<'_>, message: &Message<'_>) {
        for forward in &arrived.interface.forwards {
            if forward.acks || !forward.takes(message) {
                continue;
            }
            let destination = &forward.destination;
            let mut note = Note { peer: destination.clone(), ..Note::default() };
            let (outcome, n_tries) = self.forwarded(forward, message).await;
            let failed = match outcome {
                Outcome::Goes(raw) => Ok(raw),
                Outcome::Dropped(why) => {
                    arrived.note.drop_for(destination, &why);
                    continue;
                }
                Outcome::Failed(why) => Err(why),
                Outcome::Late => Err(LATE.to_owned()),
            };
            let (state, raw) = match failed {
                Ok(raw) => (MessageState::Waiting, raw),
                Err(why) => {
                    tracing::error!(%destination, "message not passed on");
                    (note.why, note.attempts) = (Some(why), n_tries);
                    (MessageState::Dead, message.raw().to_vec())
                }
            };
            let out = NewMessage {
                direction: Direction::Out,
                channel: destination.clone(),
                raw: Phi::new(raw),
                detail: Phi::new(note.to_bytes()),
                reuse: Reuse::Accept,
                ..arrived.kept(state, None, Vec::new())
            };
            arrived.outgoing.push(out);
        }
    }

    async fn forwarded(&self, forward: &Forward, message: &Message<'_>) -> (Outcome, u32) {
        let done = match &forward.script {
            None => forward.bytes(message).map(Outcome::Goes),
            Some(script) => match forward.draft(message) {
                Ok(draft) => {
                    let (draft, n_bytes) = (draft.into_owned(), message.raw().len());
                    return self.scripted(script, Some(forward.to()), (draft, n_bytes)).await;
                }
                Err(error) => Err(error),
            },
        };
        (done.unwrap_or_else(|error| Outcome::Failed(error.to_string())), 1)
    }

    /// Runs a script for a destination, or for the chart. Answers also how often it was tried.
    async fn scripted(
        &self,
        script: &Arc<Script>,
        to: Option<&str>,
        (draft, n_bytes): (Draft<'static>, usize),
    ) -> (Outcome, u32) {
        let limits = Limits::default();
        if limits.message_bytes < n_bytes {
            let why = "the message is larger than a script is run on";
            return (Outcome::Failed(why.to_owned()), 1);
        }
        let mut n_tries = 0;
        loop {
            n_tries += 1;
            // Never closed.
            let place = self.inner.scripts.acquire().await;
            let (script, draft, to) = (Arc::clone(script), draft.clone(), to.map(str::to_owned));
            let run = tokio::task::spawn_blocking(move || {
                let begun = Instant::now();
                let watch: Stopwatch = Arc::new(move || begun.elapsed());
                let call = to.as_deref().map_or(Call::Chart, Call::Out);
                script.run(call, draft, &limits, &watch)
            });
            let outcome = run.await;
            drop(place);
            match outcome {
                Ok(Outcome::Late) if n_tries < TRIES_MAX => {}
                Ok(outcome) => return (outcome, n_tries),
                Err(_) => {
                    return (Outcome::Failed("the script broke off".to_owned()), n_tries);
                }
            }
        }
    }
}

const LATE: &str = "the script takes too long";
