//! Claims as they come into the chart: what the plan table can decide is decided, and what it
//! cannot is asked.

use ward_core::{AuditAction, AuditOutcome, RecordKey, ResourceType};
use ward_rules::payer::{Ask, Origin, Verdict, decide};
use ward_store::{
    CommitUnit, ConsumerName, Cursor, FeedPlace, Interaction, ReadError, Seq,
    values::{read, search, write},
};

use crate::{
    Billing, BillingError,
    answer::{Answer, response, response_key},
    ask, decided, eligibility,
    facts::Facts,
    is_contended,
    tell::Desk,
};

/// Versions looked at in one round.
const STEP: usize = 256;

/// Claims looked at together at the first start.
const PAGE: usize = 200;

/// Commits after which the place is kept although nothing was to be done.
const STEP_KEPT: u64 = 1_000;

/// Most times a Claim is tried again when others write the same records.
/// LIMIT: past this the round ends, and the next one begins with it.
const TRIES_MAX: usize = 16;

/// Follows what is written of Claims.
pub struct Follower {
    billing: Billing,
    consumer: ConsumerName,
    /// Commits up to this one have been looked at.
    seen: Seq,
}

/// What a round came to.
#[derive(Clone, Copy, PartialEq, Eq, Default, Debug)]
pub struct Followed {
    pub n_decided: usize,
    pub has_more: bool,
}

impl Follower {
    pub fn new(billing: Billing) -> Result<Follower, BillingError> {
        let consumer = "billing".parse().map_err(|_| BillingError::Name)?;
        Ok(Follower { billing, consumer, seen: Seq::default() })
    }

    /// Looks at the next commits.
    ///
    /// - Shape: the first round of all looks at every preauthorization that is open.
    /// - Audit: one entry for each Claim that is decided or asked.
    /// - Repeat: safe; a Claim that has its answer, or is being asked, is left alone.
    pub async fn round(&mut self) -> Result<Followed, BillingError> {
        let chart = self.billing.chart().clone();
        let place = chart.position(&self.consumer)?;
        if place == FeedPlace::default() {
            return self.begin().await;
        }
        let from = place.seq.max(self.seen);
        if chart.seq() <= from {
            return Ok(Followed::default());
        }
        let own = self.billing.context();
        let (versions, last) = chart.changes_of(&own, &[ResourceType::CLAIM], from, STEP)?;
        let mut followed = Followed { has_more: last != from, ..Followed::default() };
        for stored in versions.iter().filter(|it| !it.deleted) {
            followed.n_decided += usize::from(self.billing.look_at(&stored.key).await?);
        }
        // The place is kept now and then: what is looked at again changes nothing.
        let is_far = STEP_KEPT <= last.0.saturating_sub(place.seq.0);
        if 0 < followed.n_decided || is_far {
            self.keep(FeedPlace::after(last)).await?;
        }
        self.seen = last;
        Ok(followed)
    }

    async fn begin(&mut self) -> Result<Followed, BillingError> {
        let chart = self.billing.chart().clone();
        let seq = chart.seq();
        chart.wait_for(seq).await;
        let mut followed = Followed { has_more: true, ..Followed::default() };
        let mut after = None;
        loop {
            let (keys, next) = self.open_claims(after).await?;
            for key in keys {
                followed.n_decided += usize::from(self.billing.look_at(&key).await?);
            }
            after = next;
            if after.is_none() {
                break;
            }
        }
        self.keep(FeedPlace::after(seq)).await?;
        Ok(followed)
    }

    async fn open_claims(
        &self,
        after: Option<Cursor>,
    ) -> Result<(Vec<RecordKey>, Option<Cursor>), BillingError> {
        let cx = self.billing.context();
        let act = Interaction::of(AuditAction::Search, ResourceType::CLAIM)
            .with_detail("open preauthorizations".to_owned());
        let reader = self.billing.chart().reader(&cx, act);
        let query = "status=active&use=preauthorization";
        let found = search(&reader, ResourceType::CLAIM, query, (PAGE, after));
        let keys = found.map(|found| {
            let keys: Result<Vec<_>, ReadError> =
                found.hits.iter().map(|hit| reader.key(hit)).collect();
            (keys, found.next)
        });
        reader.finish(AuditOutcome::Success).await?;
        let (keys, next) = keys?;
        Ok((keys?, next))
    }

    async fn keep(&self, place: FeedPlace) -> Result<(), BillingError> {
        let cx = self.billing.context();
        let position = Some((self.consumer.clone(), place));
        let unit = CommitUnit { position, ..CommitUnit::default() };
        let act =
            Interaction::new(AuditAction::Operation).with_detail("claims followed".to_owned());
        self.billing.chart().commit(&cx, act, unit).await?;
        Ok(())
    }
}

impl Billing {
    /// Decides a Claim, or has it asked. Answers whether there was something to do.
    pub(crate) async fn look_at(&self, key: &RecordKey) -> Result<bool, BillingError> {
        for _ in 0..TRIES_MAX {
            let cx = self.context();
            let act = Interaction::on(AuditAction::Operation, key.clone())
                .with_detail("claim looked at".to_owned());
            let reader = self.chart().reader(&cx, act);
            let unit = {
                let desk =
                    Desk { chart: self.chart(), reader: &reader, base: self.base(), now: cx.now };
                match self.what_to_do(&desk, key) {
                    // Of a patient who was destroyed.
                    Err(BillingError::Read(ReadError::Destroyed)) => None,
                    unit => unit?,
                }
            };
            let Some(unit) = unit else {
                reader.finish(AuditOutcome::Success).await?;
                return Ok(false);
            };
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

    fn what_to_do(
        &self,
        desk: &Desk<'_>,
        key: &RecordKey,
    ) -> Result<Option<CommitUnit>, BillingError> {
        let Some(facts) = Facts::read(desk.reader, key)? else { return Ok(None) };
        if !facts.is_preauthorization() {
            return Ok(None);
        }
        let answer_key = response_key(desk.chart, key);
        let answered = read(desk.reader, &answer_key)?;
        if !facts.is_active() {
            return Ok(match answered {
                Some((value, version)) => {
                    ask::taken_back(desk, &key.id, (&answer_key, value, version))?
                }
                None => None,
            });
        }
        if answered.is_some() {
            return Ok(None);
        }
        let (cover, stay) = (facts.cover(desk.now), facts.stay());
        // A plan that nobody wrote down is for a person to ask about.
        let Some(decision) = decide(&self.settings().plans, &cover, &stay) else {
            return Ok(None);
        };
        let verdict = decision.verdict();
        let is_asked = verdict == Verdict::Pended && decision.plan.ask != Ask::Hand;
        let says = match (verdict, decision.plan.ask) {
            (Verdict::Pended, Ask::Hand) => format!("{}; somebody asks by hand", decision.why()),
            _ => decision.why(),
        };
        let answer =
            Answer { verdict, origin: Origin::LocalRules, reference: None, says: Some(says) };
        let mut unit = CommitUnit {
            writes: eligibility::records(
                (desk.chart, desk.base),
                &facts,
                &decision,
                cover.in_force,
                desk.now,
            ),
            ..CommitUnit::default()
        };
        let told = response(&facts, &answer, None, desk.now);
        unit.writes.extend(write(&told, &answer_key, None, desk.now, desk.base));
        unit.writes.extend(desk.of_answer(&facts, &answer)?);
        unit.queue.extend(decided::command(&facts, &answer)?);
        if is_asked {
            unit.queue.push(ask::command(&key.id, None)?);
        }
        Ok(Some(unit))
    }
}
