//! From the bytes of one block to its answer.

use jiff::{
    Timestamp,
    tz::{Offset, TimeZone},
};
use ward_core::{AuditAction, Ctx, FhirId, Phi};
use ward_hl7::{
    Dtm, Header, Location, Message, Problem, ProblemKind, SegmentId, Severity,
    ack::{AckCode, Mode, Reply, Verdict},
    mllp::Dropped,
    time::Precision,
};
use ward_store::{CommitUnit, Direction, Interaction, MessageState, NewMessage, Receipt};

use super::{
    Interface, Note, Purpose, Receiver, Unmapped,
    apply::{Said, Trouble},
    compose,
    later::mode_of,
    scripted::ForChart,
    sequence::{Numbering, Wrong},
};

/// What becomes of a block.
#[derive(Clone, PartialEq, Eq)]
pub enum Taken {
    /// Safe or refused: these go back, each as a block.
    Answers(Vec<Vec<u8>>),
    /// Safe, and nobody wants an answer.
    Silent,
    /// Not safe: nothing may be said. The connection ends, and the sender sends again.
    Close,
}

/// A message on its way, and what is known of it.
pub(super) struct Arrived<'a> {
    pub(super) interface: &'a Interface,
    pub(super) raw: &'a [u8],
    pub(super) header: &'a Header,
    pub(super) mode: Mode,
    pub(super) note: Note,
    pub(super) now: Timestamp,
    /// What goes out once it is taken.
    pub(super) outgoing: Vec<NewMessage>,
    /// Where its application acknowledgments go, if not back by the way it came.
    pub(super) acks_to: Vec<String>,
    /// MSA-4 of its answer.
    pub(super) expected: Option<i64>,
    pub(super) numbering: Numbering,
    /// Whether the same bytes may come again and mean something else then.
    pub(super) is_repeatable: bool,
}

/// What becomes of one message.
pub(super) enum One {
    Answer(Vec<u8>),
    Silent,
    Close,
}

impl Receiver {
    /// Takes the content of one block: a message, several, or a batch.
    ///
    /// - Errors: none; what is wrong is in the answer, or in the closed connection.
    /// - Audit: one entry, in the commit of the message.
    /// - Repeat: safe; the same bytes from the same sender get the same answer.
    pub async fn take(&self, interface: &Interface, peer: &str, raw: &[u8]) -> Taken {
        if let Some(taken) = self.take_file(interface, peer, raw).await {
            return taken;
        }
        let note = Note::of(interface, peer);
        match self.take_one(interface, raw, note).await {
            One::Answer(answer) => Taken::Answers(vec![answer]),
            One::Silent => Taken::Silent,
            One::Close => Taken::Close,
        }
    }

    /// Keeps bytes that were no block, for a person to look at. Never answered.
    pub async fn quarantine(&self, interface: &Interface, peer: &str, dropped: &Dropped) {
        let why = Some(format!("{} of {} bytes", dropped.why.as_str(), dropped.n_bytes));
        let note = Note { peer: peer.to_owned(), why, ..Note::default() };
        self.put_aside(interface, &dropped.bytes, note).await;
    }

    pub(super) async fn take_one(&self, interface: &Interface, raw: &[u8], note: Note) -> One {
        let now = self.now();
        let (message, mut problems) = Message::read(raw, &interface.read);
        let header = match &message {
            Some(message) => Some(Header::of(message)),
            None => Header::scan(raw, &interface.read).0,
        };
        let Some(header) = header else {
            let note = Note { why: Some("no-header".to_owned()), ..note.with(&problems) };
            self.put_aside(interface, raw, note).await;
            return One::Close;
        };
        let has = |kind| problems.iter().any(|problem: &Problem| problem.kind == kind);
        if header.raw(10).is_empty() && !has(ProblemKind::MissingControlId) {
            let at = Location::header(10);
            problems.push(Problem::new(Severity::Error, ProblemKind::MissingControlId, at));
        }
        let acks_to = message.as_ref().map(|it| interface.acks_to(it)).unwrap_or_default();
        // An acknowledgment is never acknowledged.
        let mode = match header.message_code().as_ref() {
            "ACK" => None,
            _ => Some(mode_of(&header, &acks_to)),
        };
        let mut arrived = Arrived {
            interface,
            raw,
            header: &header,
            mode: mode.unwrap_or(Mode::Original),
            note: note.with(&problems),
            now,
            outgoing: Vec::new(),
            acks_to,
            expected: None,
            numbering: Numbering::default(),
            is_repeatable: false,
        };
        let cx = self.context(interface, &arrived.note.peer, now);
        // Held to the end: what has its turn is settled before the next is looked at.
        let turn = match self.turn(&arrived).await {
            Ok(turn) => turn,
            Err(Wrong::NoNumber) => {
                let at = Location::header(13);
                problems.push(Problem::new(Severity::Error, ProblemKind::DataType, at));
                None
            }
            Err(Wrong::Unread) => {
                let error = ward_store::CommitError::Unavailable("the numbers of a link");
                return self.not_safe(&arrived, &error);
            }
        };
        // What is only kept is looked for by the writer, who does so anyhow; what costs work, before.
        let costs_work =
            interface.purpose == Purpose::Chart || interface.answers_queries || turn.is_some();
        if costs_work && !header.raw(10).is_empty() {
            let before = arrived.kept(MessageState::Refused, None, Vec::new());
            match self.inner.chart.answered(&cx, act(&arrived), &before).await {
                Ok(None) => {}
                Ok(Some(receipt)) => return replayed(&receipt),
                Err(error) => return self.not_safe(&arrived, &error),
            }
        }
        if let Some(turn) = &turn
            && let Some(one) = self.out_of_turn(&cx, &mut arrived, turn).await
        {
            return one;
        }
        if mode.is_none() {
            let kept = (MessageState::Ignored, Vec::new());
            return match self.keep(&cx, &arrived, kept, Vec::new()).await {
                Ok(_) => One::Silent,
                Err(one) => one,
            };
        }
        let message = match (message, Verdict::of(&problems)) {
            (Some(message), Verdict::Accept) => message,
            (_, verdict) => {
                return self.refuse(&cx, &arrived, verdict_of(verdict), &problems).await;
            }
        };
        if interface.answers_queries && header.message_code() == "QBP" {
            return self.query(&cx, &arrived, &message).await;
        }
        self.lead_on(&mut arrived, &message).await;
        if interface.purpose == Purpose::Keep {
            return self.accept(&cx, &arrived, MessageState::Ignored).await;
        }
        let message = match self.for_chart(interface, message).await {
            ForChart::Goes(message) => message,
            ForChart::Dropped(why) => {
                arrived.note.drop_for("chart", &why);
                return self.accept(&cx, &arrived, MessageState::Ignored).await;
            }
            ForChart::Failed(why) => {
                let kind = ProblemKind::ScriptFailed;
                let problem = Problem::new(Severity::Error, kind, Location::MESSAGE);
                arrived.note.why = Some(why);
                arrived.note = arrived.note.with(&[problem]);
                return self.refuse(&cx, &arrived, Verdict::Error, &[problem]).await;
            }
        };
        let mut converted = self.inner.converter.to_fhir(&message, now);
        // Nothing but the message itself: no map speaks of this type.
        if converted.resources.iter().all(compose::is_envelope) {
            if interface.unmapped == Unmapped::Keep {
                arrived.note = arrived.note.with(&converted.problems);
                return self.accept(&cx, &arrived, MessageState::Ignored).await;
            }
            let at = Location::header(9);
            let kind = ProblemKind::UnknownStructure;
            converted.problems.push(Problem::new(Severity::Error, kind, at));
        }
        arrived.note = arrived.note.with(&converted.problems);
        match Verdict::of(&converted.problems) {
            Verdict::Accept => {}
            verdict => return self.refuse(&cx, &arrived, verdict, &converted.problems).await,
        }
        if matches!(arrived.mode, Mode::Enhanced { .. }) {
            let one = self.accept(&cx, &arrived, MessageState::Received).await;
            self.inner.kept.notify_one();
            return one;
        }
        let answer = match self.accepted(&arrived) {
            Some(answer) => answer,
            None => return One::Close,
        };
        let keep = |patient: Option<FhirId>, note: &Note| NewMessage {
            detail: Phi::new(note.to_bytes()),
            ..arrived.kept(MessageState::Applied, patient, answer.clone())
        };
        let said = Said {
            act: act(&arrived),
            converted: &converted,
            when: time_of(&message, self.inner.converter.zone()),
            note: &arrived.note,
            outgoing: &arrived.outgoing,
            numbering: &arrived.numbering,
        };
        match self.apply(&cx, said, &keep, None).await {
            Ok(receipt) if receipt.replayed.is_some() => replayed(&receipt),
            Ok(_) if answer.is_empty() => One::Silent,
            Ok(_) => One::Answer(answer),
            Err(Trouble::Content(problems)) => {
                arrived.note = arrived.note.with(&problems);
                self.refuse(&cx, &arrived, Verdict::of(&problems), &problems).await
            }
            Err(Trouble::Chart(error)) => self.not_safe(&arrived, &error),
        }
    }

    /// Keeps a message that is not worked on now, and accepts it.
    pub(super) async fn accept(&self, cx: &Ctx, arrived: &Arrived<'_>, state: MessageState) -> One {
        let answer = match self.accepted(arrived) {
            Some(answer) => answer,
            None => return One::Close,
        };
        let acks = match state {
            MessageState::Ignored => self.acks(arrived, Verdict::Accept, &[]),
            _ => Vec::new(),
        };
        match self.keep(cx, arrived, (state, answer.clone()), acks).await {
            Ok(receipt) if receipt.replayed.is_some() => replayed(&receipt),
            Ok(_) if answer.is_empty() => One::Silent,
            Ok(_) => One::Answer(answer),
            Err(one) => one,
        }
    }

    /// Keeps a message with what is wrong with it, and says so.
    pub(super) async fn refuse(
        &self,
        cx: &Ctx,
        arrived: &Arrived<'_>,
        verdict: Verdict,
        problems: &[Problem],
    ) -> One {
        let code = arrived.mode.immediate(verdict);
        let answer = code.and_then(|code| self.reply(arrived, code, problems));
        // Who was told that it is not accepted waits for no application.
        let acks = match code {
            None => self.acks(arrived, verdict, problems),
            Some(_) => Vec::new(),
        };
        let kept = (MessageState::Refused, answer.clone().unwrap_or_default());
        match self.keep(cx, arrived, kept, acks).await {
            Ok(receipt) if receipt.replayed.is_some() => replayed(&receipt),
            Ok(_) => answer.map_or(One::Silent, One::Answer),
            Err(one) => one,
        }
    }

    async fn keep(
        &self,
        cx: &Ctx,
        arrived: &Arrived<'_>,
        (state, answer): (MessageState, Vec<u8>),
        acks: Vec<NewMessage>,
    ) -> Result<Receipt, One> {
        let mut message = arrived.kept(state, None, answer);
        // Without an id it is comparable with nothing.
        if arrived.is_repeatable || arrived.header.raw(10).is_empty() {
            message.control_id = Phi::new(self.fresh_control_id().unwrap_or_default());
        }
        // What is refused goes nowhere.
        let mut outgoing = match state {
            MessageState::Received | MessageState::Ignored => arrived.outgoing.clone(),
            _ => Vec::new(),
        };
        outgoing.extend(acks);
        let is_outgoing = !outgoing.is_empty();
        let mut unit = CommitUnit { message: Some(message), outgoing, ..CommitUnit::default() };
        arrived.numbering.join(&mut unit);
        let kept = self.inner.chart.commit(cx, act(arrived), unit).await;
        if is_outgoing {
            self.inner.outgoing.notify_waiters();
        }
        kept.map_err(|error| self.not_safe(arrived, &error))
    }

    async fn put_aside(&self, interface: &Interface, raw: &[u8], note: Note) {
        let now = self.now();
        let cx = self.context(interface, &note.peer, now);
        let message = NewMessage {
            direction: Direction::In,
            state: MessageState::Quarantined,
            channel: interface.name.clone(),
            kind: String::new(),
            control_id: Phi::new(self.fresh_control_id().unwrap_or_default()),
            sender: Phi::new(String::new()),
            patient: None,
            time: now,
            raw: Phi::new(raw.to_vec()),
            detail: Phi::new(note.to_bytes()),
            answer: Phi::new(Vec::new()),
            reuse: interface.reuse,
        };
        let unit = CommitUnit { message: Some(message), ..CommitUnit::default() };
        let act = Interaction::new(AuditAction::Import).with_detail("hl7 quarantine".to_owned());
        if let Err(error) = self.inner.chart.commit(&cx, act, unit).await {
            tracing::error!(interface = %interface.name, %error, "bytes not quarantined");
        }
    }

    /// What to say when the chart could not take a message, through no fault of its own.
    ///
    /// - Source: HL7 v2.8, 2.9.2.2: AR is for what is not in the content. An accept acknowledgment
    ///   has no such word; the connection ends instead.
    pub(super) fn not_safe(&self, arrived: &Arrived<'_>, error: &ward_store::CommitError) -> One {
        tracing::error!(interface = %arrived.interface.name, %error, "message not taken");
        if matches!(error, ward_store::CommitError::Reused) {
            let at = Location::header(10);
            let problem = Problem::new(Severity::Error, ProblemKind::ControlIdReused, at);
            let code = arrived.mode.immediate(Verdict::Error);
            let answer = code.and_then(|code| self.reply(arrived, code, &[problem]));
            return answer.map_or(One::Silent, One::Answer);
        }
        let at = Location::MESSAGE;
        let problem = Problem::new(Severity::Error, ProblemKind::NotNow, at);
        let code = match arrived.mode {
            Mode::Original | Mode::Application(_) => arrived.mode.immediate(Verdict::Reject),
            Mode::Enhanced { .. } => None,
        };
        let answer = code.and_then(|code| self.reply(arrived, code, &[problem]));
        answer.map_or(One::Close, One::Answer)
    }

    /// What goes back at once for a message that is taken: nothing where nobody wants it; `None`
    /// when it cannot be written.
    fn accepted(&self, arrived: &Arrived<'_>) -> Option<Vec<u8>> {
        match arrived.mode.immediate(Verdict::Accept) {
            None => Some(Vec::new()),
            Some(code) => self.reply(arrived, code, &[]),
        }
    }

    pub(super) fn reply(
        &self,
        arrived: &Arrived<'_>,
        code: AckCode,
        problems: &[Problem],
    ) -> Option<Vec<u8>> {
        let control_id = self.fresh_control_id()?;
        self.reply_as(arrived, (code, &control_id, false), problems)
    }

    pub(super) fn reply_as(
        &self,
        arrived: &Arrived<'_>,
        (code, control_id, is_exchange): (AckCode, &str, bool),
        problems: &[Problem],
    ) -> Option<Vec<u8>> {
        let now = Dtm::new(arrived.now, Offset::UTC, Precision::Second);
        let expected_sequence = arrived.expected;
        let reply = Reply { code, control_id, now, expected_sequence, is_exchange, problems };
        reply.to_bytes(arrived.header).ok()
    }
}

impl Arrived<'_> {
    pub(super) fn kept(
        &self,
        state: MessageState,
        patient: Option<FhirId>,
        answer: Vec<u8>,
    ) -> NewMessage {
        let header = self.header;
        NewMessage {
            direction: Direction::In,
            state,
            channel: self.interface.name.clone(),
            kind: format!("{}^{}", header.message_code(), header.trigger_event()),
            control_id: Phi::new(header.control_id().into_owned()),
            sender: Phi::new(format!("{}|{}", header.raw(3), header.raw(4))),
            patient,
            time: self.now,
            raw: Phi::new(self.raw.to_vec()),
            detail: Phi::new(self.note.to_bytes()),
            answer: Phi::new(answer),
            reuse: self.interface.reuse,
        }
    }
}

pub(super) fn act(arrived: &Arrived<'_>) -> Interaction {
    let kind = format!("hl7 {}^{}", arrived.header.message_code(), arrived.header.trigger_event());
    Interaction::new(AuditAction::Import).with_detail(kind)
}

/// When what a message tells of was written down: EVN-2, or MSH-7.
pub(super) fn time_of(message: &Message<'_>, zone: &TimeZone) -> Option<Timestamp> {
    let evn = SegmentId::new(b"EVN").and_then(|id| message.first(id)?.field(2)?.text());
    let text =
        evn.filter(|text| !text.is_empty()).or_else(|| message.header()?.field(7)?.text())?;
    let at = text.parse::<Dtm>().ok()?;
    match at.offset() {
        Some(offset) => at.timestamp(offset),
        // An hour that a clock shows twice is the first.
        None => zone.to_ambiguous_timestamp(at.start()).compatible().ok(),
    }
}

/// A message that cannot even be read is wrong in its content, whatever its header says.
fn verdict_of(verdict: Verdict) -> Verdict {
    match verdict {
        Verdict::Accept => Verdict::Error,
        other => other,
    }
}

pub(super) fn replayed(receipt: &Receipt) -> One {
    match &receipt.replayed {
        Some(answer) if !answer.is_empty() => One::Answer(answer.clone()),
        _ => One::Silent,
    }
}
