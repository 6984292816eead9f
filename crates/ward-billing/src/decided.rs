//! What was decided, for the admission that waits for it.
//!
//! The command joins the commit of the answer, so that an answer in the chart always comes to who
//! waits for it; who is told twice hears the same.

use serde::{Deserialize, Serialize};
use ward_core::{AuditAction, FhirId, Phi};
use ward_rules::payer::{Origin, Verdict};
use ward_store::{CommandId, CommitUnit, Interaction, NewCommand};

use crate::{Billing, BillingError, answer::Answer, facts::Facts, later};

/// The lane of the queue that decisions go by.
const LANE: &str = "authorization";

/// How long a worker may hold a decision.
/// LIMIT: a step of a workflow is a commit; a worker that dies is followed by the next after this.
const LEASE_S: i64 = 20;

/// Decisions taken at once.
const STEP: usize = 32;

/// A decision, and the command that it came by.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Decided {
    pub command: CommandId,
    pub attempts: u32,
    /// The admission that asked.
    pub admission: FhirId,
    pub verdict: Verdict,
    pub origin: Origin,
    pub reference: Option<String>,
}

#[derive(Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Body {
    admission: String,
    decision: String,
    origin: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    reference: Option<String>,
}

/// What has the admission told; nothing where none waits, or there is nothing to tell yet.
pub(crate) fn command(
    facts: &Facts,
    answer: &Answer,
) -> Result<Option<NewCommand>, serde_json::Error> {
    let Some(admission) = facts.admission().filter(|_| answer.verdict != Verdict::Pended) else {
        return Ok(None);
    };
    let body = serde_json::to_vec(&Body {
        admission: admission.to_owned(),
        decision: answer.verdict.as_str().to_owned(),
        origin: answer.origin.code().to_owned(),
        reference: answer.reference.clone(),
    })?;
    Ok(Some(NewCommand { lane: LANE.to_owned(), not_before: None, body: Phi::new(body) }))
}

impl Billing {
    /// Decisions that nobody was told yet.
    pub async fn decisions(&self) -> Result<Vec<Decided>, BillingError> {
        let cx = self.context();
        if !self.chart().has_command(&cx, LANE)? {
            return Ok(Vec::new());
        }
        let leased = self.chart().lease(&cx, LANE, later(cx.now, LEASE_S), STEP).await?;
        let mut decisions = Vec::with_capacity(leased.len());
        for command in leased {
            // Taken out to tell the admission that it is about.
            let body: Result<Body, _> = serde_json::from_slice(command.body.reveal());
            let decided = body.ok().and_then(|body| {
                Some(Decided {
                    command: command.id,
                    attempts: command.attempts,
                    admission: body.admission.parse().ok()?,
                    verdict: Verdict::from_word(&body.decision)?,
                    origin: Origin::from_code(&body.origin)?,
                    reference: body.reference,
                })
            });
            match decided {
                Some(decided) => decisions.push(decided),
                None => self.chart().bury(&cx, command.id).await?,
            }
        }
        Ok(decisions)
    }

    /// The admission was told, or nobody waits for it any more.
    pub async fn told(&self, decided: &Decided) -> Result<(), BillingError> {
        let unit = CommitUnit { finished: vec![decided.command], ..CommitUnit::default() };
        let act =
            Interaction::new(AuditAction::Operation).with_detail("authorization told".to_owned());
        self.chart().commit(&self.context(), act, unit).await?;
        Ok(())
    }

    /// The admission could not be told now.
    pub async fn tell_later(&self, decided: &Decided) -> Result<(), BillingError> {
        let cx = self.context();
        let rest = 1_i64.checked_shl(decided.attempts.min(6)).unwrap_or(64);
        Ok(self.chart().retry(&cx, decided.command, later(cx.now, rest)).await?)
    }
}
