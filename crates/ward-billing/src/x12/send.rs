//! What goes to a partner: it is written into the chart first, with the number that it takes, and
//! put into the folder after.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use ward_core::{FhirId, Phi};
use ward_store::{Chart, CommitUnit, Direction, MessageState, NewMessage, Reader, Reuse};
use ward_x12::{
    eligibility, review,
    write::{Body, Envelope, GroupOut, Set, interchange},
};

use super::{
    answer::{Answered, civil, clock},
    ledger::{Ledger, group_number},
};
use crate::{
    BillingError,
    payers::{Payer, X12Way},
};

/// What is to be written to a partner.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) enum Outgoing {
    Eligibility(Body),
    Review(Body),
    Claim(Body),
}

/// What is kept beside an interchange of ours.
#[derive(Clone, PartialEq, Eq, Default, Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct SentNote {
    /// The Claims that it is about.
    #[serde(default)]
    pub(crate) claims: Vec<String>,
}

/// The channel under which a partner's interchanges are kept.
pub(crate) fn channel(partner: &str) -> String {
    format!("x12.{partner}")
}

impl Outgoing {
    const fn parts(&self) -> (&'static str, &'static str, &'static str, &Body) {
        match self {
            Outgoing::Eligibility(body) => ("270", "HS", eligibility::VERSION, body),
            Outgoing::Review(body) => ("278", "HI", review::VERSION, body),
            Outgoing::Claim(body) => ("837", "HC", ward_x12::claim::VERSION, body),
        }
    }
}

/// Puts an interchange into a commit: its number, and its bytes as a message that waits.
pub(crate) fn queued(
    (chart, reader): (&Chart, &Reader<'_>),
    (payer, way): (&Payer, &X12Way),
    (claim, patient): (&FhirId, &FhirId),
    all: &[Outgoing],
    now: Timestamp,
    unit: &mut CommitUnit,
) -> Result<(), BillingError> {
    let key = Ledger::key(chart, &payer.name);
    let (mut ledger, base) = Ledger::read(reader, &key)?;
    let number = ledger.next();
    let envelope = envelope(way, number, now, true);
    let groups = all.iter().zip(0_u32..).map(|(out, n)| {
        let (kind, functional, version, body) = out.parts();
        let set = Set { kind, control: "0001".to_owned(), body: body.clone() };
        GroupOut { functional, version, control: group_number(number, n), sets: vec![set] }
    });
    let groups: Vec<GroupOut> = groups.collect();
    let text = interchange(&envelope, &[], &groups);
    let kinds: Vec<&str> = all.iter().map(|it| it.parts().0).collect();
    let note = SentNote { claims: vec![claim.to_string()] };
    unit.writes.push(ledger.write(&key, base)?);
    unit.outgoing.push(NewMessage {
        patient: Some(patient.clone()),
        detail: Phi::new(serde_json::to_vec(&note)?),
        ..message(&payer.name, &format!("X12 {}", kinds.join(" ")), number, text, now)
    });
    Ok(())
}

/// Puts the answer to an interchange into a commit, when there is one.
pub(crate) fn answered(
    (ledger, payer, way): (&mut Ledger, &Payer, &X12Way),
    answered: &Answered,
    now: Timestamp,
    unit: &mut CommitUnit,
) {
    if answered.is_empty() {
        return;
    }
    let number = ledger.next();
    let envelope = envelope(way, number, now, false);
    let (text, _) = answered.to_text(&envelope, group_number(number, 0));
    let kind = match (answered.benefits.is_empty(), answered.reviews.is_empty()) {
        (false, _) => "X12 271",
        (_, false) => "X12 278",
        _ if answered.acknowledgments.groups.is_empty() => "X12 TA1",
        _ => "X12 999",
    };
    unit.outgoing.push(message(&payer.name, kind, number, text, now));
}

fn envelope(way: &X12Way, control: u32, now: Timestamp, wants_acknowledgment: bool) -> Envelope {
    let code = |code: &Option<String>, id: &(String, String)| {
        code.clone().unwrap_or_else(|| id.1.trim().to_owned())
    };
    Envelope {
        sender: way.our_id.clone(),
        receiver: way.their_id.clone(),
        group_sender: code(&way.our_code, &way.our_id),
        group_receiver: code(&way.their_code, &way.their_id),
        time: civil(now),
        control,
        is_test: way.test,
        wants_acknowledgment,
    }
}

fn message(partner: &str, kind: &str, number: u32, text: String, now: Timestamp) -> NewMessage {
    NewMessage {
        direction: Direction::Out,
        state: MessageState::Waiting,
        channel: channel(partner),
        kind: kind.to_owned(),
        control_id: Phi::new(format!("{number:09}")),
        sender: Phi::new(String::new()),
        patient: None,
        time: now,
        raw: Phi::new(text.into_bytes()),
        detail: Phi::new(Vec::new()),
        answer: Phi::new(Vec::new()),
        reuse: Reuse::Accept,
    }
}

/// Day and time as transactions write them.
pub(crate) fn stamp(now: Timestamp) -> (String, String) {
    clock(civil(now))
}
