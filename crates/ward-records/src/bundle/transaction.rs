//! A transaction: all of it in one commit, or nothing.

use rustc_hash::FxHashSet;
use ward_core::{AuditAction, AuditOutcome, Ctx, Kind, RecordKey};
use ward_fhir::Json;
use ward_store::{CommitError, CommitUnit, Interaction, Reader, Write};

use super::{
    conditions::{self, Wanted},
    entry::{Entry, Request},
    load,
    plan::{Plan, Planned, Planner},
    rewrite,
};
use crate::{Records, RecordsError, Reply, audit_event, now_of, prepare, write};

/// What became of an entry.
enum Done<'a> {
    Answered(Reply),
    /// A read or search, answered after the commit.
    Later(Entry<'a>),
}

enum Attempt {
    /// Somebody else wrote in between; the conditions must be looked up again.
    Again,
    /// The policy refused to write this one.
    Refused(RecordKey, RecordsError),
    Failed(RecordsError),
}

impl Records {
    /// - Shape: `first` are the entries of `body`, which is read again only when others wrote in
    ///   between: an attempt takes the resources apart.
    pub(super) async fn transaction<'a>(
        &self,
        cx: &Ctx,
        first: Vec<Entry<'a>>,
        body: &'a [u8],
        mark: Option<&RecordKey>,
    ) -> Result<Vec<Result<Reply, RecordsError>>, RecordsError> {
        check(&first)?;
        let mut first = Some(first);
        let mut hidden = FxHashSet::default();
        for _ in 0..write::TRIES_MAX {
            let entries = match first.take() {
                Some(entries) => entries,
                None => {
                    super::read(body, &self.base)?.entries.into_iter().collect::<Result<_, _>>()?
                }
            };
            match self.attempt(cx, entries, mark, &hidden).await {
                Err(Attempt::Again) => {}
                Err(Attempt::Refused(key, error)) => {
                    // To whom it is hidden it is not there: what deletes it has nothing to do. What
                    // nobody has written yet hides nothing, and has a new id each time.
                    let is_new = self.chart.current(&key)?.is_none();
                    if is_new || hidden.contains(&key) || self.is_visible(cx, &key).await? {
                        return Err(error);
                    }
                    hidden.insert(key);
                }
                Err(Attempt::Failed(error)) => return Err(error),
                Ok(done) => {
                    let mut answers = Vec::with_capacity(done.len());
                    for done in done {
                        // The writes are durable by now: a read that fails is told in its own
                        // entry, or the caller would take the whole for refused and send it again.
                        answers.push(match done {
                            Done::Answered(reply) => Ok(reply),
                            Done::Later(entry) => self.one(cx, entry).await,
                        });
                    }
                    return Ok(answers);
                }
            }
        }
        Err(write::contended())
    }

    async fn attempt<'a>(
        &self,
        cx: &Ctx,
        mut entries: Vec<Entry<'a>>,
        mark: Option<&RecordKey>,
        hidden: &FxHashSet<RecordKey>,
    ) -> Result<Vec<Done<'a>>, Attempt> {
        let wanted = conditions::wanted_of(&entries);
        let patches = entries.iter().any(|it| matches!(it.request, Request::Patch { .. }));
        let looks = !wanted.is_empty() || patches;
        let reader = looks.then(|| self.chart.reader(cx, look_of(&wanted)));
        let plan = self.plan(cx, reader.as_ref(), &wanted, &mut entries, hidden);
        let unit = plan.and_then(|plan| self.unit(cx, plan, entries, mark));
        let unit = unit.and_then(|it| self.may_all_subscribe(cx, &it.0.writes).map(|()| it));
        let (unit, done) = match unit {
            Ok(ready) => ready,
            Err(error) => {
                finish(reader, AuditOutcome::MinorFailure).await?;
                return Err(Attempt::Failed(error));
            }
        };
        let commit = async {
            match unit.writes.is_empty() {
                true => Ok(()),
                false => {
                    let act = Interaction::new(AuditAction::Transaction);
                    self.commit(cx, act, unit).await
                }
            }
        };
        // What was looked up leaves the house with the answer, so both share one flush.
        let (looked, committed) = tokio::join!(finish(reader, AuditOutcome::Success), commit);
        looked?;
        committed?;
        Ok(done)
    }

    fn plan(
        &self,
        cx: &Ctx,
        reader: Option<&Reader<'_>>,
        wanted: &Wanted,
        entries: &mut [Entry<'_>],
        hidden: &FxHashSet<RecordKey>,
    ) -> Result<Plan, RecordsError> {
        let answers = match reader {
            Some(reader) => conditions::look_up(reader, wanted, entries, &self.base)?,
            None => conditions::Answers::default(),
        };
        let planner = Planner { records: self, cx, reader, answers: &answers, hidden };
        let plan = planner.plan(entries)?;
        for (at, entry) in entries.iter().enumerate() {
            if let (Some(resource), true) = (&entry.resource, entry.request.writes_resource()) {
                unresolved(resource, &plan).map_err(|error| error.in_entry(at))?;
            }
        }
        Ok(plan)
    }

    /// Everything to be written, and what is answered once it is.
    fn unit<'a>(
        &self,
        cx: &Ctx,
        plan: Plan,
        entries: Vec<Entry<'a>>,
        mark: Option<&RecordKey>,
    ) -> Result<(CommitUnit, Vec<Done<'a>>), RecordsError> {
        let now = now_of(cx);
        let Plan { planned, links, unless, ambiguous: _ } = plan;
        let [mut deletes, mut creates, mut updates] = [const { Vec::<Write>::new() }; 3];
        let mut done = Vec::with_capacity(entries.len());
        for (mut entry, plan) in entries.into_iter().zip(planned) {
            let reply = match plan {
                Planned::Write { key, kind, is_new } => {
                    let mut resource = entry.resource.take().unwrap_or(Json::Null);
                    rewrite::rewrite(&mut resource, entry.full_url.as_deref(), &links);
                    let write = Write::of(resource, &key, kind, now, &self.base);
                    let reply = Reply {
                        etag: Some(write.version),
                        last_modified: Some(now),
                        location: Some(self.location(&key, write.version)),
                        ..Reply::empty(if is_new { 201 } else { 200 })
                    };
                    match entry.request {
                        Request::Create { .. } => creates.push(write),
                        _ => updates.push(write),
                    }
                    reply
                }
                Planned::Delete { key, base } => {
                    let write = Write::end(&key, base);
                    let reply = Reply { etag: Some(write.version), ..Reply::empty(204) };
                    deletes.push(write);
                    reply
                }
                Planned::NothingToDelete => Reply::empty(204),
                Planned::Found { key } => {
                    let version = self.chart.current(&key)?.map(|(version, _)| version);
                    Reply {
                        etag: version,
                        location: version.map(|version| self.location(&key, version)),
                        ..Reply::empty(200)
                    }
                }
                Planned::Later => {
                    done.push(Done::Later(entry));
                    continue;
                }
            };
            done.push(Done::Answered(reply));
        }
        let mut writes = deletes;
        writes.append(&mut creates);
        writes.append(&mut updates);
        writes.extend(mark.map(load::mark_of));
        Ok((CommitUnit { writes, unless, ..CommitUnit::default() }, done))
    }
}

/// Checks every resource before anything is asked of the chart.
fn check(entries: &[Entry<'_>]) -> Result<(), RecordsError> {
    for (at, entry) in entries.iter().enumerate() {
        let Some(expected) = entry.request.writes() else { continue };
        audit_event::may_write(expected).map_err(|error| error.in_entry(at))?;
        if !entry.request.writes_resource() {
            continue;
        }
        if let Some(resource) = &entry.resource {
            prepare::check(resource, expected).map_err(|error| error.in_entry(at))?;
        }
    }
    Ok(())
}

/// A conditional reference without exactly one match.
fn unresolved(resource: &Json<'_>, plan: &Plan) -> Result<(), RecordsError> {
    let mut failed = None;
    rewrite::conditional_references(resource, &mut |text| {
        if failed.is_none() && !plan.links.contains_key(text) {
            failed = Some(match plan.ambiguous.contains(text) {
                true => write::several_match(),
                false => {
                    RecordsError::new(Kind::Precondition, "nothing matches a conditional reference")
                }
            });
        }
    });
    failed.map_or(Ok(()), Err)
}

/// What the audit log says of the look.
fn look_of(wanted: &Wanted) -> Interaction {
    let conditions: Vec<&str> = wanted.keys().map(String::as_str).collect();
    Interaction::new(AuditAction::Search).with_detail(conditions.join(" "))
}

async fn finish(reader: Option<Reader<'_>>, outcome: AuditOutcome) -> Result<(), CommitError> {
    match reader {
        Some(reader) => reader.finish(outcome).await,
        None => Ok(()),
    }
}

impl From<CommitError> for Attempt {
    fn from(error: CommitError) -> Attempt {
        match error {
            CommitError::Changed | CommitError::Stale { .. } | CommitError::Exists { .. } => {
                Attempt::Again
            }
            CommitError::Refused { ref key } => Attempt::Refused(key.clone(), error.into()),
            error => Attempt::Failed(error.into()),
        }
    }
}
