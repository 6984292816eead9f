//! Subscriptions as they are written: whether they can be kept, and who stands behind them.

use ward_core::{Ctx, Kind, ResourceType};
use ward_fhir::{
    Json,
    outcome::{Issue, IssueCode},
    subscription::{self, Status},
};
use ward_policy::Action;
use ward_store::{
    CommitError, Write, WriteKind,
    subscriber::{self, Subscriber},
    workflow::own_write,
};

use crate::{Records, RecordsError};

impl Records {
    /// Refuses a Subscription that could not be kept, or asks for what its writer may not search.
    pub(crate) fn may_subscribe(
        &self,
        cx: &Ctx,
        kind: ResourceType,
        resource: &Json<'_>,
    ) -> Result<(), RecordsError> {
        if kind != ResourceType::SUBSCRIPTION {
            return Ok(());
        }
        let read = subscription::read(resource, &self.base, self.subscriptions)
            .map_err(|issues| RecordsError::with_issues(Kind::Unprocessable, issues))?;
        if !matches!(read.status, Status::Requested | Status::Off) {
            let says = "whoever writes a Subscription says `requested` or `off`; the server says \
                        whether it is active";
            let issue = Issue::error(IssueCode::BusinessRule, says).at("Subscription.status");
            return Err(RecordsError::with_issues(Kind::Unprocessable, vec![issue]));
        }
        let policy = self.chart.policy();
        let kinds = read.wanted.kinds();
        match kinds.iter().find(|kind| policy.grant(cx, Action::Search, **kind).is_none()) {
            None => Ok(()),
            Some(kind) => {
                let says = format!("not allowed to search {kind}, and so not to subscribe to it");
                let issue = Issue::error(IssueCode::Forbidden, says).at("Subscription.criteria");
                Err(RecordsError::with_issues(Kind::Refused, vec![issue]))
            }
        }
    }

    /// The same of every write of a transaction.
    pub(crate) fn may_all_subscribe(&self, cx: &Ctx, writes: &[Write]) -> Result<(), RecordsError> {
        for write in writes.iter().filter(|write| is_subscription(write)) {
            let json = Json::parse(&write.body);
            let json = json.map_err(|_| RecordsError::bug("a write is no JSON"))?;
            self.may_subscribe(cx, write.key.kind, &json)?;
        }
        Ok(())
    }

    /// Adds to the writes of Subscriptions who stands behind them.
    pub(crate) fn stand_behind(
        &self,
        cx: &Ctx,
        writes: &mut Vec<Write>,
    ) -> Result<(), CommitError> {
        let mut more = Vec::new();
        for write in writes.iter().filter(|write| is_subscription(write)) {
            let key = subscriber::key_of(&write.key.id);
            let base = self.chart.current(&key);
            let base = base.map_err(|_| CommitError::Unavailable("who subscribes is not read"))?;
            let base = base.map(|(version, _)| version);
            let write = own_write(key, base, None, &Subscriber::of(cx));
            more.push(write.map_err(|_| CommitError::Malformed("who subscribes"))?);
        }
        writes.append(&mut more);
        Ok(())
    }
}

fn is_subscription(write: &Write) -> bool {
    write.key.kind == ResourceType::SUBSCRIPTION && !matches!(write.kind, WriteKind::Delete { .. })
}
