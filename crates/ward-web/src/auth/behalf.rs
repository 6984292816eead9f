//! What somebody may do who is not asking now: a subscriber, or the reader of an open screen.

use std::{
    collections::HashMap,
    pin::Pin,
    sync::{Arc, Mutex},
};

use jiff::Timestamp;
use ward_core::{Actor, ActorKind, Ctx, PurposeOfUse, RecordKey, ResourceType};
use ward_crypto::Random;
use ward_events::{Behalf, BehalfError};
use ward_records::{Records, RecordsError};
use ward_store::subscriber::Subscriber;

use super::{
    AuthError, Principal, accounts,
    accounts::read_all,
    gate::{actor_of, end_of, lock, role_of},
    system_ctx, tokens, trace_id,
};
use crate::admit::care_of;

/// Accounts and tokens by who their holder is.
pub struct Principals {
    records: Records,
    random: Arc<dyn Random>,
    known: Mutex<HashMap<Actor, Known>>,
}

/// One that was looked up, as of a version of its record.
#[derive(Clone)]
struct Known {
    key: RecordKey,
    version: u32,
    principal: Principal,
}

#[derive(Debug, thiserror::Error)]
enum Trouble {
    #[error(transparent)]
    Auth(#[from] AuthError),
    #[error(transparent)]
    Records(#[from] RecordsError),
}

impl Principals {
    pub fn new(records: Records, random: Arc<dyn Random>) -> Principals {
        Principals { records, random, known: Mutex::default() }
    }

    /// Somebody's context now; `None` when they are not let in any more.
    ///
    /// - Audit: `read` of accounts or tokens, when theirs was changed since it was last read.
    pub(crate) async fn context_of(
        &self,
        actor: Actor,
        purpose: PurposeOfUse,
        now: Timestamp,
    ) -> Result<Option<Ctx>, BehalfError> {
        let found = self.look(actor, purpose, now).await;
        found.map_err(|error| BehalfError(Box::new(error)))
    }

    async fn look(
        &self,
        actor: Actor,
        purpose: PurposeOfUse,
        now: Timestamp,
    ) -> Result<Option<Ctx>, Trouble> {
        let random = self.random.as_ref();
        if actor.kind == ActorKind::System {
            return Ok(Some(system_ctx(now, random, "events")));
        }
        let chart = self.records.chart();
        let known = lock(&self.known).get(&actor).cloned();
        let is_current = match &known {
            Some(it) => {
                chart.current(&it.key).map_err(AuthError::from)? == Some((it.version, false))
            }
            None => false,
        };
        let known = match known.filter(|_| is_current) {
            Some(known) => Some(known),
            None => {
                let read = self.read(actor, now).await?;
                let mut all = lock(&self.known);
                match &read {
                    Some(read) => drop(all.insert(actor, read.clone())),
                    None => drop(all.remove(&actor)),
                }
                read
            }
        };
        let Some(principal) = known.map(|it| it.principal) else { return Ok(None) };
        if principal.expires.is_some_and(|end| end <= now) {
            return Ok(None);
        }
        let care = care_of(&self.records, random, &principal, now, "events").await?;
        let (actor, role) = (principal.actor, principal.role);
        let (trace, source) = (trace_id(now, random), Arc::from("events"));
        Ok(Some(Ctx { actor, role, purpose, care, now, trace, source }))
    }

    async fn read(&self, actor: Actor, now: Timestamp) -> Result<Option<Known>, AuthError> {
        let chart = self.records.chart();
        let cx = system_ctx(now, self.random.as_ref(), "events");
        let own = actor.id.to_string();
        let found = if actor.kind == ActorKind::Person {
            let all = read_all::<accounts::Kept>(chart, &cx, ResourceType::SIGN_IN).await?;
            let account = all.into_iter().find(|(_, it)| it.actor == own && it.active);
            match account {
                None => None,
                Some((id, kept)) => {
                    let practitioner = kept.practitioner.map(|id| id.parse()).transpose();
                    let practitioner =
                        practitioner.map_err(|_| AuthError::Invalid("practitioner"))?;
                    let role = role_of(&kept.role)?;
                    let actor = Actor { id: actor_of(&kept.actor)?, kind: ActorKind::Person };
                    let principal = Principal { actor, role, practitioner, expires: None };
                    Some((RecordKey::new(ResourceType::SIGN_IN, id), principal))
                }
            }
        } else {
            let all = read_all::<tokens::Kept>(chart, &cx, ResourceType::ACCESS_TOKEN).await?;
            let token = all.into_iter().find(|(_, it)| it.actor == own && !it.revoked);
            match token {
                None => None,
                Some((id, kept)) => {
                    let actor = Actor { id: actor_of(&kept.actor)?, kind: ActorKind::Client };
                    let principal = Principal {
                        actor,
                        role: role_of(&kept.role)?,
                        practitioner: None,
                        expires: end_of(kept.expires.as_deref())?,
                    };
                    Some((RecordKey::new(ResourceType::ACCESS_TOKEN, id), principal))
                }
            }
        };
        let Some((key, principal)) = found else { return Ok(None) };
        let Some((version, false)) = chart.current(&key)? else { return Ok(None) };
        Ok(Some(Known { key, version, principal }))
    }
}

impl Behalf for Principals {
    fn context<'a>(
        &'a self,
        by: &'a Subscriber,
        now: Timestamp,
    ) -> Pin<Box<dyn Future<Output = Result<Option<Ctx>, BehalfError>> + Send + 'a>> {
        Box::pin(async move {
            let (Some(actor), Some(purpose)) = (by.actor(), by.purpose()) else { return Ok(None) };
            self.context_of(actor, purpose, now).await
        })
    }
}
