//! Messages that were accepted as safe and are worked on afterwards.

use ward_core::Phi;
use ward_hl7::{Header, Location, Message, ProblemKind, ack::Verdict};
use ward_store::{
    CommitError, CommitUnit, MessageFilter, MessageId, MessageState, NewMessage, ReadError,
    Restated,
};

use super::{
    Interface, Note, Receiver,
    apply::{Said, Trouble},
    later::mode_of,
    receive::{Arrived, act, time_of},
    scripted::ForChart,
    sequence::Numbering,
};

/// Messages looked for at once.
const STEP: usize = 256;

/// What a round of work came to.
#[derive(Clone, Copy, PartialEq, Eq, Default, Debug)]
pub struct Worked {
    pub n_applied: u64,
    /// Set aside for a person.
    pub n_dead: u64,
    /// The chart could not take one: the round ended there, and the order is kept.
    pub is_stuck: bool,
}

impl Receiver {
    /// Waits until a message is kept that has to be worked on.
    pub async fn kept(&self) {
        self.inner.kept.notified().await;
    }

    /// Waits until a message is kept that has to go out.
    pub async fn outgoing(&self) {
        self.inner.outgoing.notified().await;
    }

    /// Works on every message that is kept and not yet in the chart, in the order in which they
    /// came.
    ///
    /// - Shape: a message that cannot be worked on is set aside and does not hold up the others; a
    ///   chart that cannot be written ends the round, and nothing is overtaken.
    /// - Repeat: safe; what was done is no longer found.
    pub async fn work(&self, interface: &Interface) -> Result<Worked, ReadError> {
        let mut worked = Worked::default();
        let mut after = MessageId(0);
        loop {
            let now = self.now();
            let own = self.own_context(now);
            let filter = MessageFilter {
                states: vec![MessageState::Received],
                channel: Some(interface.name.clone()),
                after: Some(after),
                limit: STEP,
                ..MessageFilter::default()
            };
            let waiting = self.inner.chart.messages_to_work_on(&own, &filter)?;
            let Some(last) = waiting.last() else { return Ok(worked) };
            after = *last;
            for id in waiting {
                match self.work_on(interface, id).await {
                    Ok(true) => worked.n_applied += 1,
                    Ok(false) => worked.n_dead += 1,
                    Err(error) => {
                        tracing::warn!(%error, "work on messages waits for the chart");
                        worked.is_stuck = true;
                        return Ok(worked);
                    }
                }
            }
        }
    }

    /// Brings one kept message to the chart, whatever became of it before. Answers whether it is
    /// there now; where not, what is wrong is kept with it.
    ///
    /// - Audit: one entry, in the commit of the message.
    pub async fn work_on(&self, interface: &Interface, id: MessageId) -> Result<bool, CommitError> {
        let now = self.now();
        let unreadable = |_| CommitError::Unavailable("a kept message cannot be read");
        let own = self.own_context(now);
        let Some(kept) = self.inner.chart.message_to_work_on(&own, id).map_err(unreadable)? else {
            return Ok(false);
        };
        let old = Note::read(kept.head.detail.reveal());
        let read = interface.reading(&old);
        let mut note = Note {
            attempts: old.attempts.saturating_add(1),
            peer: old.peer,
            charset: old.charset,
            dropped: old.dropped,
            of_batch: old.of_batch,
            ..Note::default()
        };
        let from = kept.head.state;
        let restate = |state, patient, note: &Note| NewMessage {
            patient,
            detail: Phi::new(note.to_bytes()),
            ..kept.in_state(state)
        };
        let cx = self.context(interface, &note.peer, now);
        let raw = kept.raw.reveal();
        let (message, problems) = Message::read(raw, &read);
        note = note.with(&problems);
        // For the application acknowledgment.
        let mut told = problems;
        let header = match &message {
            Some(message) => Header::of(message),
            None => match Header::scan(raw, &read).0 {
                Some(header) => header,
                None => return Ok(false),
            },
        };
        // Answered once: who replays it later has heard of it by other ways.
        let acks_to = match (&message, kept.head.state) {
            (Some(message), MessageState::Received) => interface.acks_to(message),
            _ => Vec::new(),
        };
        let arrived = Arrived {
            interface,
            raw,
            header: &header,
            mode: mode_of(&header, &acks_to),
            note: note.clone(),
            now,
            outgoing: Vec::new(),
            acks_to,
            // Its number was looked at when it came.
            expected: None,
            numbering: Numbering::default(),
            is_repeatable: false,
        };
        let accepted = self.acks(&arrived, Verdict::Accept, &[]);
        let for_chart = match message {
            None => Err(Trouble::Content(Vec::new())),
            Some(message) => Ok(self.for_chart(interface, message).await),
        };
        let outcome = match for_chart {
            Err(trouble) => Err(trouble),
            Ok(ForChart::Dropped(why)) => {
                note.drop_for("chart", &why);
                let to = restate(MessageState::Ignored, kept.head.patient.clone(), &note);
                let unit = CommitUnit {
                    restated: vec![Restated { id, from, to }],
                    outgoing: accepted,
                    ..CommitUnit::default()
                };
                self.inner.chart.commit(&cx, act(&arrived), unit).await?;
                self.wake_outgoing();
                return Ok(true);
            }
            Ok(ForChart::Failed(why)) => {
                note.why = Some(why);
                Err(Trouble::content(ProblemKind::ScriptFailed, Location::MESSAGE))
            }
            Ok(ForChart::Goes(message)) => {
                let when = time_of(&message, self.inner.converter.zone());
                let converted = self.inner.converter.to_fhir(&message, now);
                note = note.with(&converted.problems);
                told.extend_from_slice(&converted.problems);
                match Verdict::of(&converted.problems) {
                    Verdict::Accept => {
                        let keep =
                            |patient, note: &Note| restate(MessageState::Applied, patient, note);
                        let said = Said {
                            act: act(&arrived),
                            converted: &converted,
                            when,
                            note: &note,
                            outgoing: &accepted,
                            numbering: &arrived.numbering,
                        };
                        self.apply(&cx, said, &keep, Some((id, from))).await
                    }
                    _ => Err(Trouble::Content(Vec::new())),
                }
            }
        };
        match outcome {
            Ok(_) => Ok(true),
            Err(Trouble::Chart(error)) => Err(error),
            Err(Trouble::Content(problems)) => {
                told.extend_from_slice(&problems);
                let verdict = match Verdict::of(&told) {
                    Verdict::Accept => Verdict::Error,
                    worse => worse,
                };
                let acks = self.acks(&arrived, verdict, &told);
                let note = note.with(&problems);
                let to = restate(MessageState::Dead, kept.head.patient.clone(), &note);
                let unit = CommitUnit {
                    restated: vec![Restated { id, from, to }],
                    outgoing: acks,
                    ..CommitUnit::default()
                };
                self.inner.chart.commit(&cx, act(&arrived), unit).await?;
                self.wake_outgoing();
                Ok(false)
            }
        }
    }
}
