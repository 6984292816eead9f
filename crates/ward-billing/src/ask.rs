//! Asking payers: one command in the queue for each Claim that waits for its payer.
//!
//! A command leaves the queue with the commit of what came of it. A worker that dies in between is
//! followed by another, which asks the same under the same identifier: what was done once is one
//! answer.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use ward_core::{AuditAction, AuditOutcome, Ctx, FhirId, Phi, RecordKey, ResourceType};
use ward_rules::payer::{Ask, Decision, Origin, Verdict, decide, simulated};
use ward_store::{
    Command, CommitUnit, Interaction, NewCommand, ReadError, Reader, Write,
    values::{key, put, read, text, write},
};

use crate::{
    Billing, BillingError,
    answer::{Answer, origin_of, response, response_key, verdict_in},
    decided,
    facts::Facts,
    is_contended, later,
    pas::{self, Operation},
    payers::{PasWay, Payer, Way, X12Way},
    tell::Desk,
    x12::{self, Outgoing},
};

/// The lane of the queue that Claims go to payers by.
const LANE: &str = "payer";

/// How long a worker may hold a command.
/// LIMIT: longer than a payer may take to answer; who died is followed after this.
const LEASE_S: i64 = 45;

/// Commands taken at once: one, so that no lease ends while another payer is waited for.
const STEP: usize = 1;

/// Longest rest after failures, in seconds.
/// LIMIT: a payer that is back is asked within five minutes.
const REST_S_MAX: i64 = 300;

/// Most times an answer is tried again when others write the same records.
/// LIMIT: past this the queue brings somebody back to it.
const TRIES_MAX: usize = 16;

/// What a round of asking came to.
#[derive(Clone, Copy, PartialEq, Eq, Default, Debug)]
pub struct Worked {
    pub n_asked: u64,
    /// Put back: the payer or the chart was not to be reached.
    pub n_later: u64,
}

#[derive(Serialize, Deserialize)]
struct Body {
    claim: String,
}

/// What has a Claim asked at its payer, now or later.
pub(crate) fn command(
    claim: &FhirId,
    not_before: Option<Timestamp>,
) -> Result<NewCommand, serde_json::Error> {
    let body = Phi::new(serde_json::to_vec(&Body { claim: claim.to_string() })?);
    Ok(NewCommand { lane: LANE.to_owned(), not_before, body })
}

/// The Claim was taken back: its answer says so.
pub(crate) fn taken_back(
    desk: &Desk<'_>,
    claim: &FhirId,
    (key, mut told, version): (&RecordKey, Value, u32),
) -> Result<Option<CommitUnit>, serde_json::Error> {
    if text(&told, "status") == Some("cancelled") {
        return Ok(None);
    }
    put(&mut told, "status", json!("cancelled"));
    let writes = write(&told, key, Some(version), desk.now, desk.base).into_iter().collect();
    // The payer is told as well.
    let queue = vec![command(claim, None)?];
    Ok(Some(CommitUnit { writes, queue, ..CommitUnit::default() }))
}

/// What asking came to.
enum Heard {
    /// And seconds after which it is asked again, when it is pended.
    Answer(Answer, i64),
    /// There is nothing to be asked any more.
    Over,
    /// Nobody answered.
    Nothing,
    /// It was written into the chart as a message, and the command is done with.
    Sent,
    /// It cannot be asked: a person has to look, and why.
    Cannot(String),
}

impl Billing {
    /// Asks payers whatever has to be asked now.
    ///
    /// - Audit: `operation` on each Claim.
    /// - Repeat: safe.
    pub async fn ask(&self) -> Result<Worked, BillingError> {
        let mut worked = Worked::default();
        loop {
            let cx = self.context();
            if !self.chart().has_command(&cx, LANE)? {
                return Ok(worked);
            }
            let leased = self.chart().lease(&cx, LANE, later(cx.now, LEASE_S), STEP).await?;
            if leased.is_empty() {
                return Ok(worked);
            }
            for command in leased {
                match self.ask_for(&command).await {
                    Ok(true) => worked.n_asked += 1,
                    Ok(false) => {
                        worked.n_later += 1;
                        self.rest(&command).await?;
                    }
                    Err(error) => {
                        tracing::warn!(%error, "a payer is asked again later");
                        worked.n_later += 1;
                        self.rest(&command).await?;
                    }
                }
            }
        }
    }

    async fn rest(&self, command: &Command) -> Result<(), BillingError> {
        let cx = self.context();
        let rest = 1_i64.checked_shl(command.attempts.min(16)).unwrap_or(REST_S_MAX);
        let at = later(cx.now, rest.min(REST_S_MAX));
        Ok(self.chart().retry(&cx, command.id, at).await?)
    }

    /// Answers whether the command is done with.
    async fn ask_for(&self, command: &Command) -> Result<bool, BillingError> {
        // Taken out to find the Claim.
        let body: Result<Body, _> = serde_json::from_slice(command.body.reveal());
        let id = body.ok().and_then(|body| body.claim.parse().ok());
        let Some(id) = id else {
            self.chart().bury(&self.context(), command.id).await?;
            return Ok(true);
        };
        let claim = key(ResourceType::CLAIM, &id);
        match self.hear(&claim, command).await? {
            Heard::Nothing => Ok(false),
            Heard::Sent => Ok(true),
            Heard::Over => {
                self.finish(&claim, command, "payer not asked: it is over", Vec::new()).await
            }
            Heard::Cannot(why) => self.give_up(&claim, command, &why).await,
            Heard::Answer(answer, next_s) => {
                self.write_down(&claim, &answer, Some((command, next_s))).await
            }
        }
    }

    async fn finish(
        &self,
        claim: &RecordKey,
        command: &Command,
        detail: &str,
        writes: Vec<Write>,
    ) -> Result<bool, BillingError> {
        let unit = CommitUnit { writes, finished: vec![command.id], ..CommitUnit::default() };
        let act =
            Interaction::on(AuditAction::Operation, claim.clone()).with_detail(detail.to_owned());
        self.chart().commit(&self.context(), act, unit).await?;
        Ok(true)
    }

    /// Somebody has to ask by hand.
    async fn give_up(
        &self,
        claim: &RecordKey,
        command: &Command,
        why: &str,
    ) -> Result<bool, BillingError> {
        let cx = self.context();
        let act = Interaction::on(AuditAction::Operation, claim.clone())
            .with_detail("payer cannot be asked".to_owned());
        let reader = self.chart().reader(&cx, act);
        let writes = {
            let desk =
                Desk { chart: self.chart(), reader: &reader, base: self.base(), now: cx.now };
            match Facts::read(&reader, claim)? {
                Some(facts) => {
                    let (code, title) = ("ask-by-hand", "Ask the payer by hand");
                    desk.asks(&facts, (code, title), why)?
                }
                None => Vec::new(),
            }
        };
        let unit = CommitUnit { writes, finished: vec![command.id], ..CommitUnit::default() };
        let heard = unit.writes.clone();
        reader.commit(&cx, unit).await?;
        self.heard(&heard);
        Ok(true)
    }

    /// Asks whoever decides about a Claim.
    async fn hear(&self, claim: &RecordKey, command: &Command) -> Result<Heard, BillingError> {
        let cx = self.context();
        let act = Interaction::on(AuditAction::Operation, claim.clone())
            .with_detail("payer asked".to_owned());
        let reader = self.chart().reader(&cx, act);
        let facts = match Facts::read(&reader, claim) {
            Err(ReadError::Destroyed) => None,
            facts => facts?,
        };
        let before = read(&reader, &response_key(self.chart(), claim))?.map(|(it, _)| it);
        let Some(facts) = facts else {
            reader.finish(AuditOutcome::Success).await?;
            return Ok(Heard::Over);
        };
        let is_open = match (facts.is_preauthorization(), &before) {
            (true, Some(before)) => !facts.is_active() || text(before, "outcome") == Some("queued"),
            (true, None) => false,
            // A bill is sent once; its answer is a payment.
            (false, before) => facts.is_active() && before.is_none(),
        };
        let settings = self.settings();
        let decision = decide(&settings.plans, &facts.cover(cx.now), &facts.stay());
        let Some(plan) = decision.filter(|_| is_open).map(|Decision { plan, .. }| plan) else {
            reader.finish(AuditOutcome::Success).await?;
            return Ok(Heard::Over);
        };
        let payer = plan.partner.as_ref().and_then(|name| settings.payers.named(name));
        match (plan.ask, payer.map(|payer| (payer, &payer.way))) {
            (Ask::X12, Some((payer, Way::X12(way)))) => {
                let unit = match self.send((&reader, &cx), (payer, way), &facts, command)? {
                    Ok(unit) => unit,
                    Err(why) => {
                        reader.finish(AuditOutcome::MinorFailure).await?;
                        return Ok(Heard::Cannot(why.to_owned()));
                    }
                };
                match reader.commit(&cx, unit).await {
                    Ok(_) => Ok(Heard::Sent),
                    // Others took the number that this one was to have.
                    Err(error) if is_contended(&error) => Ok(Heard::Nothing),
                    Err(error) => Err(error.into()),
                }
            }
            (Ask::Pas, Some((payer, Way::Pas(way)))) if facts.is_preauthorization() => {
                reader.finish(AuditOutcome::Success).await?;
                self.ask_server(payer, way, &facts, before.as_ref()).await
            }
            (Ask::Simulated, _) if facts.is_preauthorization() && facts.is_active() => {
                reader.finish(AuditOutcome::Success).await?;
                let before = before.unwrap_or_default();
                Ok(Heard::Answer(self.play(&facts, &before), simulated::LOOKS_S))
            }
            _ => {
                reader.finish(AuditOutcome::Success).await?;
                Ok(Heard::Over)
            }
        }
    }

    /// The interchange that asks, or bills; or why it cannot be written.
    fn send(
        &self,
        (reader, cx): (&Reader<'_>, &Ctx),
        (payer, way): (&Payer, &X12Way),
        facts: &Facts,
        command: &Command,
    ) -> Result<Result<CommitUnit, &'static str>, BillingError> {
        let provider = &self.settings().payers.provider;
        let trace = x12::trace_of(self.chart(), &facts.key.id);
        let (day, time) = x12::stamp(cx.now);
        let at = (day.as_str(), time.as_str());
        let all = match (facts.is_preauthorization(), facts.is_active()) {
            _ if facts.member().is_empty() => {
                return Ok(Err("the coverage has no member's number"));
            }
            (true, true) => {
                let asked = x12::inquiry(facts, provider, way, &trace);
                let review = x12::review(facts, provider, way, ("I", &trace));
                vec![
                    Outgoing::Eligibility(ward_x12::eligibility::write_270(&asked, at)),
                    Outgoing::Review(ward_x12::review::write_request(&review, at)),
                ]
            }
            (true, false) => {
                let review = x12::review(facts, provider, way, ("3", &trace));
                vec![Outgoing::Review(ward_x12::review::write_request(&review, at))]
            }
            (false, _) => match x12::institutional(facts, provider, way, &trace) {
                Ok(bill) => vec![Outgoing::Claim(ward_x12::claim::write_837(&bill, at))],
                Err(why) => return Ok(Err(why)),
            },
        };
        let mut unit = CommitUnit { finished: vec![command.id], ..CommitUnit::default() };
        let about = (&facts.key.id, &facts.patient_id);
        unit.writes.extend(x12::remember(self.chart(), &trace, about.0, about.1)?);
        x12::queued((self.chart(), reader), (payer, way), about, &all, cx.now, &mut unit)?;
        Ok(Ok(unit))
    }

    /// Asks a payer's server: once for a new Claim, and about it as long as it is pended.
    async fn ask_server(
        &self,
        payer: &Payer,
        way: &PasWay,
        facts: &Facts,
        before: Option<&Value>,
    ) -> Result<Heard, BillingError> {
        let Some(wire) = &self.inner.wire else { return Ok(Heard::Nothing) };
        let was_asked = before.is_some_and(|it| origin_of(it) == Some(Origin::Pas));
        let mut operation = match was_asked && facts.is_active() {
            true => Operation::Inquire,
            false => Operation::Submit,
        };
        loop {
            let body = serde_json::to_vec(&pas::request(facts, self.base(), operation))?;
            let (status, body) = match wire.post(&payer.name, operation, body).await {
                Ok(reply) => reply,
                Err(error) => {
                    tracing::warn!(payer = %payer.name, %error, "payer not reached");
                    return Ok(Heard::Nothing);
                }
            };
            return Ok(match (status, pas::answer_in(&body, facts)) {
                (200..300, _) if !facts.is_active() => Heard::Over,
                (200..300, Some(answer)) => Heard::Answer(answer, i64::from(way.poll_s)),
                // It has forgotten, or never heard of it.
                (200..300, None) if operation == Operation::Inquire => {
                    operation = Operation::Submit;
                    continue;
                }
                (200..300, None) => Heard::Cannot("the payer's answer says nothing".to_owned()),
                (401 | 403 | 404 | 408 | 425 | 429, _) | (500.., _) => {
                    tracing::warn!(payer = %payer.name, status, "payer does not answer");
                    Heard::Nothing
                }
                _ => Heard::Cannot(format!("the payer refuses the request (HTTP {status})")),
            });
        }
    }

    /// What the simulated payer says.
    fn play(&self, facts: &Facts, before: &Value) -> Answer {
        let asked = text(before, "created").and_then(|at| at.parse::<Timestamp>().ok());
        let since = asked.map_or(0, |asked| self.now().duration_since(asked).as_secs());
        let verdict = simulated::verdict(facts.member(), since);
        let end = facts.key.id.as_str().chars().rev().take(8).collect::<String>();
        let reference = (verdict != Verdict::Pended).then(|| format!("SIM-{end}"));
        Answer { verdict, origin: Origin::Simulated, reference, says: None }
    }

    /// Writes an answer down, with everything that follows from it, in one commit.
    ///
    /// - Shape: what a person entered stays; so does an answer that says the same.
    pub(crate) async fn write_down(
        &self,
        claim: &RecordKey,
        answer: &Answer,
        command: Option<(&Command, i64)>,
    ) -> Result<bool, BillingError> {
        for _ in 0..TRIES_MAX {
            let cx = self.context();
            let act = Interaction::on(AuditAction::Operation, claim.clone())
                .with_detail("payer answered".to_owned());
            let reader = self.chart().reader(&cx, act);
            let mut unit = {
                let desk =
                    Desk { chart: self.chart(), reader: &reader, base: self.base(), now: cx.now };
                self.answered(&desk, claim, answer)?
            };
            unit.finished.extend(command.map(|(command, _)| command.id));
            if let (Verdict::Pended, Some((_, next_s))) = (answer.verdict, command) {
                unit.queue.push(self::command(&claim.id, Some(later(cx.now, next_s)))?);
            }
            let heard = unit.writes.clone();
            match reader.commit(&cx, unit).await {
                Ok(_) => {
                    self.heard(&heard);
                    return Ok(true);
                }
                Err(error) if is_contended(&error) => {}
                Err(error) => return Err(error.into()),
            }
        }
        Err(BillingError::Contended)
    }

    /// What an answer changes in the chart.
    pub(crate) fn answered(
        &self,
        desk: &Desk<'_>,
        claim: &RecordKey,
        answer: &Answer,
    ) -> Result<CommitUnit, BillingError> {
        let mut unit = CommitUnit::default();
        let Some(facts) = Facts::read(desk.reader, claim)? else { return Ok(unit) };
        let key = response_key(desk.chart, claim);
        let before = read(desk.reader, &key)?;
        let (first, base) = match &before {
            Some((first, version)) => (Some(first), Some(*version)),
            None => (None, None),
        };
        let next = response(&facts, answer, first, desk.now);
        let says_the_same = first.is_some_and(|first| {
            ["outcome", "disposition", "preAuthRef", "status"]
                .iter()
                .all(|name| first.get(name) == next.get(name))
        });
        if says_the_same || first.and_then(origin_of) == Some(Origin::Hand) {
            return Ok(unit);
        }
        unit.writes.extend(write(&next, &key, base, desk.now, desk.base));
        if first.and_then(verdict_in) != Some(answer.verdict) {
            unit.writes.extend(desk.of_answer(&facts, answer)?);
            unit.queue.extend(decided::command(&facts, answer)?);
        }
        Ok(unit)
    }
}
