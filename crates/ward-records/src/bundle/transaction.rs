//! A transaction: all of it in one commit, or nothing.

use rustc_hash::{FxHashMap, FxHashSet};
use ward_core::{AuditAction, Ctx, FhirId, Kind, RecordKey, ResourceType};
use ward_fhir::{
    Json,
    search::{Clause, Handling, parse_search},
};
use ward_store::{Absent, CommitError, CommitUnit, Interaction, WriteKind};

use super::{
    entry::{Entry, Request},
    load,
    rewrite::{self, Links},
};
use crate::{Records, RecordsError, Reply, now_of, prepare, write};

/// What an entry will do, once its conditions have been looked up.
enum Planned {
    /// Write this record.
    Write {
        key: RecordKey,
        kind: WriteKind,
        is_new: bool,
    },
    /// `ifNoneExist` found this one: nothing is written.
    Found {
        key: RecordKey,
    },
    Delete {
        key: RecordKey,
        base: u32,
    },
    /// There is nothing to delete.
    NothingToDelete,
    /// A read or search, answered after the commit.
    Later,
}

impl Records {
    pub(super) async fn transaction(
        &self,
        cx: &Ctx,
        entries: Vec<Entry<'_>>,
        mark: Option<&RecordKey>,
    ) -> Result<Vec<Result<Reply, RecordsError>>, RecordsError> {
        for (at, entry) in entries.iter().enumerate() {
            let expected = match &entry.request {
                Request::Create { kind, .. } | Request::ConditionalUpdate { kind, .. } => *kind,
                Request::Update { key, .. } => key.kind,
                _ => continue,
            };
            if let Some(resource) = &entry.resource {
                prepare::check(resource, expected).map_err(|error| error.in_entry(at))?;
            }
        }
        for _ in 0..write::TRIES_MAX {
            match self.attempt(cx, &entries, mark).await {
                Err(Attempt::Again) => {}
                Err(Attempt::Failed(error)) => return Err(error),
                Ok(replies) => {
                    let mut answers = Vec::with_capacity(replies.len());
                    for (entry, reply) in entries.into_iter().zip(replies) {
                        // The writes are durable by now: a read that fails is told in its own
                        // entry, or the caller would take the whole for refused and send it again.
                        answers.push(match reply {
                            Some(reply) => Ok(reply),
                            None => self.one(cx, entry).await,
                        });
                    }
                    return Ok(answers);
                }
            }
        }
        Err(write::contended())
    }

    async fn attempt(
        &self,
        cx: &Ctx,
        entries: &[Entry<'_>],
        mark: Option<&RecordKey>,
    ) -> Result<Vec<Option<Reply>>, Attempt> {
        let mut unless = Vec::new();
        let mut planned = Vec::with_capacity(entries.len());
        for (at, entry) in entries.iter().enumerate() {
            let plan = self.plan(cx, entry, &mut unless).await;
            planned.push(plan.map_err(|error| Attempt::Failed(error.in_entry(at)))?);
        }
        refuse_doubles(&planned)?;
        let mut links = links_of(entries, &planned);
        self.resolve_conditions(cx, entries, &planned, &mut links).await?;

        let now = now_of(cx);
        let mut unit = CommitUnit { unless, ..CommitUnit::default() };
        let mut replies = Vec::with_capacity(entries.len());
        for (entry, plan) in entries.iter().zip(&planned) {
            let reply = match plan {
                Planned::Write { key, kind, is_new } => {
                    let mut resource = entry.resource.clone().unwrap_or(Json::Null);
                    rewrite::rewrite(&mut resource, &links);
                    let write = prepare::write(resource, key, *kind, now);
                    unit.events.push(self.event_of(cx, &write, entry.resource.as_ref())?);
                    let status = if *is_new { 201 } else { 200 };
                    let reply = Reply {
                        etag: Some(write.version),
                        last_modified: Some(now),
                        location: Some(self.location(key, write.version)),
                        ..Reply::empty(status)
                    };
                    unit.writes.push(write);
                    Some(reply)
                }
                Planned::Delete { key, base } => {
                    let write = prepare::delete(key, *base);
                    unit.events.push(self.event_of(cx, &write, None)?);
                    let reply = Reply { etag: Some(write.version), ..Reply::empty(204) };
                    // Deletes come first, so that a condition never finds what is going.
                    unit.writes.insert(0, write);
                    Some(reply)
                }
                Planned::NothingToDelete => Some(Reply::empty(204)),
                Planned::Found { key } => {
                    let version = self.chart.current(key)?.map(|(version, _)| version);
                    Some(Reply {
                        etag: version,
                        location: version.map(|version| self.location(key, version)),
                        ..Reply::empty(200)
                    })
                }
                Planned::Later => None,
            };
            replies.push(reply);
        }
        unit.writes.extend(mark.map(load::mark_of));
        if !unit.writes.is_empty() {
            self.chart.commit(cx, Interaction::new(AuditAction::Transaction), unit).await?;
        }
        Ok(replies)
    }

    async fn plan(
        &self,
        cx: &Ctx,
        entry: &Entry<'_>,
        unless: &mut Vec<Absent>,
    ) -> Result<Planned, RecordsError> {
        Ok(match &entry.request {
            Request::Create { kind, if_none_exist: None } => self.new_record(cx, *kind)?,
            Request::Create { kind, if_none_exist: Some(query) } => {
                let (matches, absent) = self.matches_of(cx, *kind, query).await?;
                match matches.as_slice() {
                    [] => {
                        unless.push(absent);
                        self.new_record(cx, *kind)?
                    }
                    [key] => Planned::Found { key: key.clone() },
                    _ => return Err(write::several_match()),
                }
            }
            Request::Update { key, if_match } => {
                let current = self.chart.current(key)?;
                let base = current.map(|(version, _)| version);
                if if_match.is_some_and(|wanted| base != Some(wanted)) {
                    return Err(write::wrong_version());
                }
                let is_new = current.is_none_or(|(_, deleted)| deleted);
                Planned::Write { key: key.clone(), kind: WriteKind::Update { base }, is_new }
            }
            Request::ConditionalUpdate { kind, query } => {
                let (matches, absent) = self.matches_of(cx, *kind, query).await?;
                match matches.as_slice() {
                    [] => {
                        unless.push(absent);
                        self.new_record(cx, *kind)?
                    }
                    [key] => {
                        let base = self.chart.current(key)?.map(|(version, _)| version);
                        let kind = WriteKind::Update { base };
                        Planned::Write { key: key.clone(), kind, is_new: false }
                    }
                    _ => return Err(write::several_match()),
                }
            }
            Request::Delete { key } => self.deletion(key)?,
            Request::ConditionalDelete { kind, query } => {
                let (matches, _) = self.matches_of(cx, *kind, query).await?;
                match matches.as_slice() {
                    [] => Planned::NothingToDelete,
                    [key] => self.deletion(key)?,
                    _ => return Err(write::several_match()),
                }
            }
            Request::Read { .. } | Request::Vread { .. } | Request::Search { .. } => Planned::Later,
        })
    }

    fn new_record(&self, cx: &Ctx, kind: ResourceType) -> Result<Planned, RecordsError> {
        let key = RecordKey::new(kind, self.fresh_id(cx.now)?);
        Ok(Planned::Write { key, kind: WriteKind::Create, is_new: true })
    }

    fn deletion(&self, key: &RecordKey) -> Result<Planned, RecordsError> {
        Ok(match self.chart.current(key)? {
            Some((base, false)) => Planned::Delete { key: key.clone(), base },
            _ => Planned::NothingToDelete,
        })
    }

    /// Looks up each conditional reference once: in the chart, then among what this transaction
    /// creates.
    async fn resolve_conditions(
        &self,
        cx: &Ctx,
        entries: &[Entry<'_>],
        planned: &[Planned],
        links: &mut Links,
    ) -> Result<(), Attempt> {
        for (at, entry) in entries.iter().enumerate() {
            let mut wanted = Vec::new();
            if let Some(resource) = &entry.resource {
                rewrite::conditional_references(resource, &mut wanted);
            }
            for reference in wanted {
                if links.contains_key(&reference) {
                    continue;
                }
                let found = self.resolve_condition(cx, &reference, entries, planned).await;
                let key = found.map_err(|error| Attempt::Failed(error.in_entry(at)))?;
                links.insert(reference, key.to_string());
            }
        }
        Ok(())
    }

    async fn resolve_condition(
        &self,
        cx: &Ctx,
        reference: &str,
        entries: &[Entry<'_>],
        planned: &[Planned],
    ) -> Result<RecordKey, RecordsError> {
        let none =
            || RecordsError::new(Kind::Precondition, "nothing matches a conditional reference");
        let (kind, query) = reference.split_once('?').ok_or_else(none)?;
        let kind: ResourceType = kind.parse().map_err(|_| none())?;
        let (mut matches, absent) = self.matches_of(cx, kind, query).await?;
        let ids = ids_of(kind, query)?;
        for (entry, plan) in entries.iter().zip(planned) {
            if let (Planned::Write { key, .. }, Some(resource)) = (plan, &entry.resource)
                && key.kind == kind
                && !matches.contains(key)
                && ids.as_ref().is_none_or(|ids| ids.contains(&key.id))
                && all_match(&absent.clauses, kind, resource)
            {
                matches.push(key.clone());
            }
        }
        match matches.as_slice() {
            [key] => Ok(key.clone()),
            [] => Err(none()),
            _ => Err(write::several_match()),
        }
    }
}

/// The ids that a condition names by `_id`, which is no clause: without them a condition of `_id`
/// alone would hold for every resource of its type.
fn ids_of(kind: ResourceType, query: &str) -> Result<Option<Vec<FhirId>>, RecordsError> {
    let request = parse_search(Some(kind), query, Handling::Strict)
        .map_err(|issues| RecordsError::with_issues(Kind::Invalid, issues))?;
    Ok(request.parts.into_iter().next().and_then(|part| part.conditions.ids))
}

fn all_match(clauses: &[Clause], kind: ResourceType, resource: &Json<'_>) -> bool {
    let terms = ward_fhir::search::extract(kind, resource).terms;
    clauses.iter().all(|clause| clause.matches(&terms))
}

/// - Source: FHIR R4, 3.1.0.11.2: one record may be changed once in a transaction.
fn refuse_doubles(planned: &[Planned]) -> Result<(), Attempt> {
    let mut seen = FxHashSet::default();
    for (at, plan) in planned.iter().enumerate() {
        if let Planned::Write { key, .. } | Planned::Delete { key, .. } = plan
            && !seen.insert(key)
        {
            let error = RecordsError::new(Kind::Invalid, "another entry changes the same resource");
            return Err(Attempt::Failed(error.in_entry(at)));
        }
    }
    Ok(())
}

fn links_of(entries: &[Entry<'_>], planned: &[Planned]) -> Links {
    let mut links: Links = FxHashMap::default();
    for (entry, plan) in entries.iter().zip(planned) {
        if let (Some(url), Planned::Write { key, .. } | Planned::Found { key }) =
            (&entry.full_url, plan)
        {
            links.insert(url.clone(), key.to_string());
        }
    }
    links
}

enum Attempt {
    /// Somebody else wrote in between; the conditions must be looked up again.
    Again,
    Failed(RecordsError),
}

impl From<RecordsError> for Attempt {
    fn from(error: RecordsError) -> Attempt {
        Attempt::Failed(error)
    }
}

impl From<ward_store::ReadError> for Attempt {
    fn from(error: ward_store::ReadError) -> Attempt {
        Attempt::Failed(error.into())
    }
}

impl From<CommitError> for Attempt {
    fn from(error: CommitError) -> Attempt {
        match error {
            CommitError::Changed | CommitError::Stale { .. } | CommitError::Exists { .. } => {
                Attempt::Again
            }
            error => Attempt::Failed(error.into()),
        }
    }
}
