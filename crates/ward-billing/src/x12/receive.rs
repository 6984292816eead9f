//! What a partner sent: one interchange, one commit of everything that follows from it.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use ward_core::{AuditAction, Phi, RecordKey, ResourceType};
use ward_rules::payer::{Origin, Verdict};
use ward_store::{
    CommitError, CommitUnit, Direction, Interaction, MessageFilter, MessageState, NewMessage,
    Reuse,
    values::key,
    workflow::{own_read, own_write},
};
use ward_x12::{
    Interchange,
    ack::{Acknowledged, DUPLICATE, acknowledged},
    eligibility::{self, Benefits},
    remittance::remittance,
    review::{self, Reviewed},
};

use super::{
    answer::{Answered, Voice, answer},
    ledger::{Came, Ledger, interchange_of},
    post,
    send::{self, SentNote, channel},
    trace,
};
use crate::{
    Billing, BillingError,
    answer::{Answer, verdict_of},
    eligibility::of_payer,
    facts::Facts,
    is_contended,
    payers::{Payer, X12Way},
    tell::Desk,
};

/// Most times an interchange is tried again when others write the same records.
/// LIMIT: past this its file stays, and is taken again with the next round.
const TRIES_MAX: usize = 16;

/// Most transactions of one interchange that change the chart.
/// LIMIT: one commit holds them; a partner splits what is more.
const EFFECTS_MAX: usize = 2_000;

/// What became of an interchange.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Received {
    /// Everything in it was understood.
    Accepted,
    /// Some of it was refused; its sender is told what and where.
    Refused,
    /// This very file was worked on before.
    Again,
    /// Its number was used before.
    Duplicate,
}

/// What is kept beside an interchange that came.
#[derive(Clone, PartialEq, Eq, Default, Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub(crate) struct CameNote {
    file: String,
    /// Where what is wrong; nothing of what it says.
    problems: Vec<String>,
    /// Traces of no Claim of ours.
    unknown: Vec<String>,
    /// Numbers before this one that did not come.
    missing: u32,
}

/// When a review was asked first.
#[derive(Serialize, Deserialize)]
struct AskedKept {
    at: Timestamp,
}

/// What the interchange changes, while it is put together.
#[derive(Default)]
struct Effects {
    unit: CommitUnit,
    note: CameNote,
    n_effects: usize,
}

impl Billing {
    /// Works on one interchange of a file.
    ///
    /// - Audit: `import`, in the commit of what it changes.
    /// - Repeat: safe; the same file again changes nothing, and the same number in another file is
    ///   answered as a duplicate.
    pub(crate) async fn receive(
        &self,
        (payer, way): (&Payer, &X12Way),
        file: &str,
        it: &Interchange,
    ) -> Result<Received, BillingError> {
        let act = || {
            Interaction::new(AuditAction::Import).with_detail(format!("x12 from {}", payer.name))
        };
        let came = came(payer, it, file, self.now());
        let own = self.context();
        let mut note = wrong_address(way, it);
        let mut received = None;
        if let Some(receipt) = self.chart().answered(&own, act(), &came).await? {
            let before = receipt.message;
            let before =
                before.map(|id| self.chart().message_to_work_on(&own, id)).transpose()?.flatten();
            // Taken out to see which file it came in.
            let before = before.map(|it| serde_json::from_slice(it.head.detail.reveal()));
            let before: Option<CameNote> = before.and_then(Result::ok);
            if before.is_some_and(|before| before.file == file) {
                return Ok(Received::Again);
            }
            (note, received) = (Some(DUPLICATE), Some(Received::Duplicate));
        }
        for _ in 0..TRIES_MAX {
            let cx = self.context();
            let reader = self.chart().reader(&cx, act());
            let (unit, is_good) = {
                let desk =
                    Desk { chart: self.chart(), reader: &reader, base: self.base(), now: cx.now };
                let mut effects = Effects::default();
                effects.note.file = file.to_owned();
                let is_good = self.work(&desk, (payer, way), it, note, &mut effects)?;
                let state = if is_good { MessageState::Applied } else { MessageState::Refused };
                let Effects { mut unit, note: said, .. } = effects;
                if note != Some(DUPLICATE) {
                    let detail = Phi::new(serde_json::to_vec(&said)?);
                    unit.message = Some(NewMessage { state, detail, ..came.clone() });
                }
                (unit, is_good)
            };
            let heard = unit.writes.clone();
            match reader.commit(&cx, unit).await {
                Ok(_) => {
                    self.heard(&heard);
                    let accepted = if is_good { Received::Accepted } else { Received::Refused };
                    return Ok(received.unwrap_or(accepted));
                }
                Err(CommitError::Reused) => {
                    (note, received) = (Some(DUPLICATE), Some(Received::Duplicate));
                }
                Err(error) if is_contended(&error) => {}
                Err(error) => return Err(error.into()),
            }
        }
        Err(BillingError::Contended)
    }

    /// Puts together what follows from an interchange; answers whether all of it was understood.
    fn work(
        &self,
        desk: &Desk<'_>,
        (payer, way): (&Payer, &X12Way),
        it: &Interchange,
        note: Option<&'static str>,
        effects: &mut Effects,
    ) -> Result<bool, BillingError> {
        let ledger_key = Ledger::key(desk.chart, &payer.name);
        let (mut ledger, base) = Ledger::read(desk.reader, &ledger_key)?;
        let problems = it.all_problems();
        effects.note.problems = problems.iter().map(ToString::to_string).collect();
        let is_whole = note.is_none() && it.problems.is_empty();
        if is_whole {
            if let Ok(number) = it.control_number().parse()
                && let Came::Gap(n) = ledger.came(number)
            {
                effects.note.missing = n;
                let why = format!("{n} interchanges before this one did not come");
                effects.unit.writes.extend(desk.of_partner(&payer.name, "x12-gap", &why)?);
            }
            self.acknowledgments(desk, payer, it, effects)?;
            for group in it.groups.iter().filter(|it| it.problems.is_empty()) {
                for set in group.transactions.iter().filter(|it| it.is_accepted()) {
                    self.transaction(desk, payer, (it, set), effects)?;
                }
            }
        }
        let settings = self.settings();
        let voice =
            Voice { plans: &settings.plans, is_simulated: settings.simulated, now: desk.now };
        let since = |trace: &str| {
            let key = asked_key(desk, payer, trace);
            let kept = own_read::<AskedKept>(desk.reader, &key).ok().flatten();
            kept.map_or(0, |(kept, _)| desk.now.duration_since(kept.at).as_secs())
        };
        let answered: Answered = answer(it, note, &voice, &since);
        if voice.is_simulated {
            for told in &answered.reviews {
                let trace = told.review.trace.as_ref().map_or("", |(number, _)| number);
                let key = asked_key(desk, payer, trace);
                let is_new = desk.chart.current(&key)?.is_none()
                    && effects.unit.writes.iter().all(|it| it.key != key);
                if is_new {
                    let kept = AskedKept { at: desk.now };
                    effects.unit.writes.push(own_write(key, None, None, &kept)?);
                }
            }
        }
        send::answered((&mut ledger, payer, way), &answered, desk.now, &mut effects.unit);
        if !problems.is_empty() || note.is_some() {
            let why = match (note, problems.first()) {
                (Some(note), _) => format!("an interchange was refused (TA105 {note})"),
                (None, Some(problem)) => format!("something was refused: {problem}"),
                (None, None) => String::new(),
            };
            effects.unit.writes.extend(desk.of_partner(&payer.name, "x12-refused", &why)?);
        }
        effects.unit.writes.push(ledger.write(&ledger_key, base)?);
        Ok(problems.is_empty() && note.is_none())
    }

    fn transaction(
        &self,
        desk: &Desk<'_>,
        payer: &Payer,
        (it, set): (&Interchange, &ward_x12::Transaction),
        effects: &mut Effects,
    ) -> Result<(), BillingError> {
        let segments = set.segments(it);
        let is_answer = segments.iter().any(|it| &*it.tag == "BHT" && it.element(2) == "11");
        match set.kind(it) {
            "271" => {
                for told in eligibility::answers(segments, &it.separators) {
                    self.told_eligibility(desk, &told, effects)?;
                }
            }
            "278" if is_answer => {
                for told in review::answers(segments, &it.separators) {
                    self.told_review(desk, &told, effects)?;
                }
            }
            "835" => {
                if let Some(told) = remittance(segments, &it.separators) {
                    let unknown = post::remittance(desk, payer, &told, &mut effects.unit)?;
                    effects.note.unknown.extend(unknown);
                }
            }
            "999" => {
                for told in acknowledged(segments).iter().filter(|it| !it.is_accepted) {
                    self.refused(desk, payer, told, effects)?;
                }
            }
            _ => {}
        }
        Ok(())
    }

    /// The Claim of a trace, when it is one of ours and there is room for it in the commit.
    fn claim(
        &self,
        desk: &Desk<'_>,
        trace: Option<&(String, String)>,
        effects: &mut Effects,
    ) -> Result<Option<RecordKey>, BillingError> {
        let Some((number, _)) = trace else { return Ok(None) };
        effects.n_effects += 1;
        if EFFECTS_MAX < effects.n_effects {
            return Err(CommitError::TooLarge {
                what: "answers in one interchange",
                max: EFFECTS_MAX,
            }
            .into());
        }
        let found = trace::claim_of(desk.chart, desk.reader, number)?;
        if found.is_none() {
            effects.note.unknown.push(number.clone());
        }
        Ok(found)
    }

    fn told_review(
        &self,
        desk: &Desk<'_>,
        told: &Reviewed,
        effects: &mut Effects,
    ) -> Result<(), BillingError> {
        let Some(claim) = self.claim(desk, told.review.trace.as_ref(), effects)? else {
            return Ok(());
        };
        let reasons = told.rejections.iter().map(|it| format!("AAA {}", it.reason));
        let reasons: Vec<String> = reasons.collect();
        let verdict = verdict_of(&told.action);
        let says = match (&told.message, verdict) {
            (Some(message), _) => Some(message.clone()),
            (None, None) => Some(format!("the payer cannot decide ({})", reasons.join(", "))),
            (None, Some(_)) => None,
        };
        let answer = Answer {
            verdict: verdict.unwrap_or(Verdict::Pended),
            origin: Origin::X12,
            reference: told.number.clone(),
            says: says.clone(),
        };
        let mut unit = self.answered(desk, &claim, &answer)?;
        if verdict.is_none()
            && let Some(facts) = Facts::read(desk.reader, &claim)?
        {
            let why = says.unwrap_or_default();
            let (code, title) = ("payer-cannot-decide", "The payer cannot decide as it was asked");
            unit.writes.extend(desk.asks(&facts, (code, title), &why)?);
        }
        merge(&mut effects.unit, unit);
        Ok(())
    }

    fn told_eligibility(
        &self,
        desk: &Desk<'_>,
        told: &Benefits,
        effects: &mut Effects,
    ) -> Result<(), BillingError> {
        let Some(claim) = self.claim(desk, told.trace.as_ref(), effects)? else { return Ok(()) };
        if let Some(facts) = Facts::read(desk.reader, &claim)? {
            effects.unit.writes.extend(of_payer(desk, &facts, told)?);
        }
        Ok(())
    }

    /// TA1 of interchanges of ours.
    fn acknowledgments(
        &self,
        desk: &Desk<'_>,
        payer: &Payer,
        it: &Interchange,
        effects: &mut Effects,
    ) -> Result<(), BillingError> {
        for ta1 in it.acknowledgments().filter(|it| it.element(4) == "R") {
            let why = format!("the payer refused an interchange (TA105 {})", ta1.element(5));
            self.not_taken(desk, payer, ta1.element(1), &why, effects)?;
        }
        Ok(())
    }

    /// A 999 refuses a group or a transaction of ours.
    fn refused(
        &self,
        desk: &Desk<'_>,
        payer: &Payer,
        told: &Acknowledged,
        effects: &mut Effects,
    ) -> Result<(), BillingError> {
        let Ok(group) = told.group.1.parse() else { return Ok(()) };
        let places = told.places.iter().map(|(at, element, code)| match element.as_str() {
            "" => format!("{at} (IK304 {code})"),
            element => format!("{at}, element {element} (IK403 {code})"),
        });
        let places: Vec<String> = places.collect();
        let why = format!("the payer refused what was sent: {}", places.join("; "));
        let number = format!("{:09}", interchange_of(group));
        self.not_taken(desk, payer, &number, &why, effects)
    }

    /// Somebody has to look at the Claims of an interchange that was not taken.
    fn not_taken(
        &self,
        desk: &Desk<'_>,
        payer: &Payer,
        number: &str,
        why: &str,
        effects: &mut Effects,
    ) -> Result<(), BillingError> {
        let own = self.context();
        let filter = MessageFilter {
            direction: Some(Direction::Out),
            channel: Some(channel(&payer.name)),
            control_id: Some(Phi::new(number.to_owned())),
            limit: 1,
            ..MessageFilter::default()
        };
        for id in self.chart().messages_to_work_on(&own, &filter)? {
            let Some(sent) = self.chart().message_to_work_on(&own, id)? else { continue };
            // Taken out to find the Claims that it was about.
            let note = serde_json::from_slice(sent.head.detail.reveal());
            let note: SentNote = note.unwrap_or_default();
            for claim in note.claims.iter().filter_map(|it| it.parse().ok()) {
                let claim = key(ResourceType::CLAIM, &claim);
                let Some(facts) = Facts::read(desk.reader, &claim)? else { continue };
                let (code, title) = ("payer-refused", "The payer cannot read what was sent");
                let writes = desk.asks(&facts, (code, title), why)?;
                let is_new = |it: &ward_store::Write| {
                    effects.unit.writes.iter().all(|other| other.key != it.key)
                };
                let new: Vec<_> = writes.into_iter().filter(|it| is_new(it)).collect();
                effects.unit.writes.extend(new);
            }
        }
        Ok(())
    }
}

/// One record is written once in a commit: what came last stands.
fn merge(unit: &mut CommitUnit, other: CommitUnit) {
    for write in other.writes {
        unit.writes.retain(|it| it.key != write.key);
        unit.writes.push(write);
    }
    unit.queue.extend(other.queue);
}

fn came(payer: &Payer, it: &Interchange, file: &str, now: Timestamp) -> NewMessage {
    let kinds = it.groups.iter().flat_map(|group| &group.transactions).map(|set| set.kind(it));
    let mut kinds: Vec<&str> = kinds.collect();
    kinds.dedup();
    let (qualifier, id) = it.sender();
    let note = CameNote { file: file.to_owned(), ..CameNote::default() };
    NewMessage {
        direction: Direction::In,
        state: MessageState::Received,
        channel: channel(&payer.name),
        kind: format!("X12 {}", kinds.join(" ")).trim().chars().take(64).collect(),
        control_id: Phi::new(it.control_number().to_owned()),
        sender: Phi::new(format!("{qualifier}:{id}")),
        patient: None,
        time: now,
        raw: Phi::new(it.to_text().into_bytes()),
        detail: Phi::new(serde_json::to_vec(&note).unwrap_or_default()),
        answer: Phi::new(Vec::new()),
        reuse: Reuse::Refuse,
    }
}

/// TA105 for an interchange that is not from the partner, or not for us.
fn wrong_address(way: &X12Way, it: &Interchange) -> Option<&'static str> {
    let same = |a: (&str, &str), b: &(String, String)| a.0 == b.0.trim() && a.1 == b.1.trim();
    match it.header() {
        None => None,
        Some(_) if it.sender().0 != way.their_id.0.trim() => Some("005"),
        Some(_) if !same(it.sender(), &way.their_id) => Some("006"),
        Some(_) if it.receiver().0 != way.our_id.0.trim() => Some("007"),
        Some(_) if !same(it.receiver(), &way.our_id) => Some("008"),
        Some(_) => None,
    }
}

fn asked_key(desk: &Desk<'_>, payer: &Payer, trace: &str) -> RecordKey {
    key(ResourceType::PAYER, &desk.chart.derived_id(&["simulated-review", &payer.name, trace]))
}
