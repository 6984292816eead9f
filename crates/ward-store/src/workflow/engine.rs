//! Running instances: one step, one commit.

use std::{collections::BTreeMap, sync::Arc};

use jiff::{SignedDuration, Timestamp};
use serde_json::{Map, Value};
use ward_core::{
    Actor, ActorKind, AuditAction, AuditOutcome, CareScope, Ctx, FhirId, PurposeOfUse, Role,
    ids::{ActorId, TraceId},
};
use ward_rules::workflow::{self as rules, Definition, Next, State, StepState};

use super::{
    At, Clock, Heard, Instance, Kept, Outcome, StepKept, Trouble, Work, Workflow, key_of, own_read,
    own_write, shown,
};
use crate::{
    Chart, Reader,
    error::{CommitError, ReadError},
    queue::{Command, NewCommand},
    unit::{CommitUnit, Interaction, Write},
};

/// Most times one step is tried at once when others write the same records.
/// LIMIT: past this the queue brings somebody back to it.
const TRIES_MAX: usize = 64;

/// How long who began an instance may take with it before the queue looks after it too.
const HEAD_START_S: i64 = 5;

/// How long a worker may hold a command.
/// LIMIT: an instance whose worker died goes on after a minute.
const LEASE_S: i64 = 60;

/// Commands taken at once.
const STEP: usize = 32;

/// How long an instance rests that nothing is known to wake.
const REST_S: i64 = 3600;

/// The lane of the queue that instances are brought back by.
const LANE: &str = "workflow";

/// Everything that runs the workflows of one chart. Clones are the same engine.
#[derive(Clone)]
pub struct Engine {
    inner: Arc<Inner>,
}

struct Inner {
    chart: Chart,
    flows: BTreeMap<&'static str, Arc<dyn Workflow>>,
    base: Arc<str>,
    clock: Clock,
    heard: Heard,
    interrupt: Option<Arc<dyn Interrupt>>,
}

/// Breaks off work, for tests of what survives that.
pub trait Interrupt: Send + Sync {
    fn stops(&self, step: &str, moment: Moment) -> bool;
}

#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Debug)]
pub enum Moment {
    BeforeCommit,
    AfterCommit,
}

/// What a round of work came to.
#[derive(Clone, Copy, PartialEq, Eq, Default, Debug)]
pub struct Worked {
    pub n_advanced: u64,
    /// Put back, because the chart could not be written or read.
    pub n_later: u64,
}

#[derive(Debug, thiserror::Error)]
pub enum EngineError {
    #[error("there is no such workflow")]
    NotFound,
    #[error("another request had this key")]
    OtherInput,
    #[error("the workflow is over")]
    Over,
    #[error("others keep writing the same records")]
    Contended,
    #[error("the work was broken off")]
    Interrupted,
    #[error("the workflow's record cannot be written")]
    Json(#[from] serde_json::Error),
    #[error(transparent)]
    Commit(#[from] CommitError),
    #[error(transparent)]
    Read(#[from] ReadError),
    #[error(transparent)]
    Trouble(#[from] Trouble),
}

impl Engine {
    pub fn new(
        chart: Chart,
        flows: Vec<Arc<dyn Workflow>>,
        base: &str,
        (clock, heard): (Clock, Heard),
        interrupt: Option<Arc<dyn Interrupt>>,
    ) -> Engine {
        let flows = flows.into_iter().map(|flow| (flow.definition().name, flow)).collect();
        let base = base.trim_end_matches('/').into();
        Engine { inner: Arc::new(Inner { chart, flows, base, clock, heard, interrupt }) }
    }

    pub fn chart(&self) -> &Chart {
        &self.inner.chart
    }

    pub fn base(&self) -> &str {
        &self.inner.base
    }

    /// Tells whoever has to hear of every write.
    pub fn heard(&self, writes: &[Write]) {
        (self.inner.heard)(writes);
    }

    pub fn now(&self) -> Timestamp {
        (self.inner.clock)()
    }

    /// Begins an instance under `id`, or answers with the one that began before.
    ///
    /// - Errors: [`EngineError::OtherInput`] when that one was asked for something else.
    /// - Audit: `operation`, by who asks, in the commit that begins it.
    /// - Repeat: safe.
    pub async fn start(
        &self,
        cx: &Ctx,
        workflow: &str,
        (id, patient): (FhirId, &FhirId),
        input: Value,
    ) -> Result<Instance, EngineError> {
        let asker = Ctx { role: Role::System, care: CareScope::Everyone, ..cx.clone() };
        let instance = self.fresh(cx, workflow, (id.clone(), patient), input)?;
        let writes = self.first(&instance, cx.now)?;
        let unit = CommitUnit {
            writes,
            queue: vec![command(&id, later(cx.now, HEAD_START_S))],
            ..CommitUnit::default()
        };
        let act = self.act(&id, &instance.kept.workflow, "begin");
        match self.inner.chart.commit(&asker, act, unit).await {
            Ok(_) => Ok(instance),
            Err(CommitError::Stale { .. } | CommitError::Exists { .. }) => {
                let before = self.read(&asker, &id).await?;
                match before.kept.input == instance.kept.input {
                    true => Ok(before),
                    false => Err(EngineError::OtherInput),
                }
            }
            Err(error) => Err(error.into()),
        }
    }

    /// An instance that has not begun, for a unit of the caller's; see [`Engine::first`].
    pub fn fresh(
        &self,
        cx: &Ctx,
        workflow: &str,
        (id, patient): (FhirId, &FhirId),
        input: Value,
    ) -> Result<Instance, EngineError> {
        let definition = self.flow(workflow)?.definition();
        let step = |name: &str| StepKept {
            name: name.to_owned(),
            state: StepState::Pending,
            at: None,
            why: None,
            until: None,
        };
        let kept = Kept {
            workflow: definition.name.to_owned(),
            workflow_version: definition.version,
            state: State::Running,
            patient: patient.to_string(),
            asked_by: cx.actor.id.to_string(),
            asked_role: cx.role.to_string(),
            started: cx.now,
            changed: cx.now,
            why: None,
            input,
            data: Map::new(),
            steps: definition.steps.iter().map(|it| step(it.name)).collect(),
        };
        Ok(Instance { id, version: 1, kept })
    }

    /// What begins an instance: its record and its Tasks. [`Engine::look_at`] has it looked after.
    pub fn first(&self, instance: &Instance, now: Timestamp) -> Result<Vec<Write>, EngineError> {
        let flow = self.flow(&instance.kept.workflow)?;
        let patient = instance.patient();
        let own = own_write(key_of(&instance.id), None, patient.as_ref(), &instance.kept)?;
        let mut writes = vec![own];
        let (chart, base) = (&self.inner.chart, &self.inner.base);
        let of = (flow.definition(), flow.system());
        writes.extend(shown::tasks(chart, base, of, None, instance, now)?);
        Ok(writes)
    }

    /// What a person's act makes of an instance: its next version, and the Tasks that say
    /// something else than before. It belongs into the unit of the act.
    pub fn next(
        &self,
        before: &Instance,
        mut kept: Kept,
        now: Timestamp,
    ) -> Result<(Instance, Vec<Write>), EngineError> {
        let flow = self.flow(&kept.workflow)?;
        kept.changed = now;
        let version = before.version.saturating_add(1);
        let after = Instance { id: before.id.clone(), version, kept };
        let patient = after.patient();
        let key = key_of(&after.id);
        let own = own_write(key, Some(before.version), patient.as_ref(), &after.kept)?;
        let mut writes = vec![own];
        let (chart, base) = (&self.inner.chart, &self.inner.base);
        let of = (flow.definition(), flow.system());
        writes.extend(shown::tasks(chart, base, of, Some(before), &after, now)?);
        Ok((after, writes))
    }

    /// The command that brings a worker to an instance at a time.
    pub fn look_at(&self, id: &FhirId, at: Timestamp) -> NewCommand {
        command(id, at)
    }

    /// One instance, by a reader of the caller's.
    pub fn load(&self, reader: &Reader<'_>, id: &FhirId) -> Result<Option<Instance>, ReadError> {
        load(reader, id)
    }

    /// One instance, as it stands.
    pub async fn read(&self, cx: &Ctx, id: &FhirId) -> Result<Instance, EngineError> {
        let asker = Ctx { role: Role::System, care: CareScope::Everyone, ..cx.clone() };
        let act = Interaction::on(AuditAction::Read, key_of(id));
        let reader = self.inner.chart.reader(&asker, act);
        let found = load(&reader, id);
        reader.finish(AuditOutcome::Success).await?;
        found?.ok_or(EngineError::NotFound)
    }

    /// Runs an instance until it waits for somebody, or is over.
    ///
    /// - Audit: `operation` for each step, in its commit, by who asked for the workflow.
    /// - Repeat: safe; what was done is not done again.
    pub async fn advance(&self, id: &FhirId) -> Result<Instance, EngineError> {
        let mut n_tries = 0;
        let mut asked_by = None;
        loop {
            let now = self.now();
            let cx = self.context(asked_by, now);
            let act = self.act(id, "workflow", "step");
            let reader = self.inner.chart.reader(&cx, act);
            let instance = load(&reader, id)?.ok_or(EngineError::NotFound)?;
            asked_by = instance.kept.asked_by.parse().ok();
            let flow = self.flow(&instance.kept.workflow)?;
            let definition = flow.definition();
            let states: Vec<StepState> = instance.kept.steps.iter().map(|it| it.state).collect();
            let is_due = |n: usize| {
                let until = instance.kept.steps.get(n).and_then(|it| it.until);
                until.is_some_and(|until| until <= now)
            };
            let at = At {
                cx: &cx,
                chart: &self.inner.chart,
                reader: &reader,
                instance: &instance,
                base: &self.inner.base,
            };
            let next = rules::next(definition, instance.kept.state, &states, is_due);
            let (n, is_undo) = match next {
                Next::Wait => {
                    reader.finish(AuditOutcome::Success).await?;
                    return Ok(instance);
                }
                Next::End(state) if instance.kept.state == state => {
                    reader.finish(AuditOutcome::Success).await?;
                    return Ok(instance);
                }
                Next::End(state) => {
                    let mut after = instance.clone();
                    after.kept.state = state;
                    let unit = self.unit(
                        flow.as_ref(),
                        &instance,
                        &mut after,
                        (None, Work::default()),
                        now,
                    )?;
                    match reader.commit(&cx, unit).await {
                        Ok(_) => return Ok(after),
                        Err(error) if is_contended(&error) && n_tries < TRIES_MAX => {}
                        Err(error) => return Err(error.into()),
                    }
                    n_tries += 1;
                    continue;
                }
                Next::Run(n) => (n, false),
                Next::Undo(n) => (n, true),
            };
            let Some(step) = definition.steps.get(n) else { return Err(EngineError::NotFound) };
            let work = match is_undo {
                false => flow.run(&at, step.name),
                true => flow.undo(&at, step.name),
            };
            let work = match work {
                Ok(work) => work,
                Err(Trouble::Again) if n_tries < TRIES_MAX => {
                    n_tries += 1;
                    continue;
                }
                Err(trouble) => return Err(trouble.into()),
            };
            let mut after = instance.clone();
            settle(definition, &mut after, (n, is_undo), &work, now);
            let unit = self.unit(flow.as_ref(), &instance, &mut after, (Some(n), work), now)?;
            self.stop_at(step.name, Moment::BeforeCommit)?;
            let heard = unit.writes.clone();
            match reader.commit(&cx, unit).await {
                Ok(_) => {
                    self.heard(&heard);
                    n_tries = 0;
                }
                Err(error) if is_contended(&error) && n_tries < TRIES_MAX => n_tries += 1,
                Err(error) if is_contended(&error) => return Err(EngineError::Contended),
                Err(error) => return Err(error.into()),
            }
            self.stop_at(step.name, Moment::AfterCommit)?;
        }
    }

    /// Tells a waiting step what came of what it waits for, and has it looked at.
    ///
    /// - Repeat: safe.
    pub async fn signal(
        &self,
        cx: &Ctx,
        id: &FhirId,
        step: &str,
        data: Vec<(&'static str, Option<String>)>,
    ) -> Result<Instance, EngineError> {
        self.change(cx, id, "signal", |kept, now| {
            let waiting = kept.steps.iter_mut().find(|it| it.name == step);
            let waiting = waiting.filter(|it| it.state == StepState::Waiting);
            waiting.ok_or(EngineError::Over)?.until = Some(now);
            put(&mut kept.data, &data);
            Ok(())
        })
        .await?;
        self.advance(id).await
    }

    /// Takes an instance back: what its steps did is undone, in reverse.
    ///
    /// - Repeat: safe.
    pub async fn cancel(&self, cx: &Ctx, id: &FhirId, why: &str) -> Result<Instance, EngineError> {
        self.change(cx, id, "cancel", |kept, _| {
            match kept.state {
                State::Running | State::NeedsOperator | State::Completed => {
                    kept.state = State::Undoing;
                    kept.why = Some(why.to_owned());
                    // What could not be undone is tried again.
                    for step in kept.steps.iter_mut().filter(|it| it.state == StepState::Failed) {
                        step.state = StepState::Done;
                    }
                }
                State::Undoing | State::Cancelled => {}
            }
            Ok(())
        })
        .await?;
        self.advance(id).await
    }

    /// Goes on with the instances that nobody works on, or whose time has come.
    ///
    /// - Repeat: safe.
    pub async fn work(&self) -> Result<Worked, EngineError> {
        let mut worked = Worked::default();
        loop {
            let now = self.now();
            let cx = self.context(None, now);
            if !self.inner.chart.has_command(&cx, LANE)? {
                return Ok(worked);
            }
            let leased = self.inner.chart.lease(&cx, LANE, later(now, LEASE_S), STEP).await?;
            if leased.is_empty() {
                return Ok(worked);
            }
            for command in leased {
                match self.work_on(&command).await {
                    Ok(()) => worked.n_advanced += 1,
                    Err(EngineError::Interrupted) => return Err(EngineError::Interrupted),
                    Err(error) => {
                        tracing::warn!(%error, "a workflow is tried again later");
                        let rest = 1_i64.checked_shl(command.attempts.min(6)).unwrap_or(64);
                        self.inner.chart.retry(&cx, command.id, later(now, rest)).await?;
                        worked.n_later += 1;
                    }
                }
            }
        }
    }

    async fn work_on(&self, command: &Command) -> Result<(), EngineError> {
        let cx = self.context(None, self.now());
        let act =
            || Interaction::new(AuditAction::Operation).with_detail("workflow queue".to_owned());
        // The id of an instance, and nothing else.
        let id = std::str::from_utf8(command.body.reveal()).ok().and_then(|id| id.parse().ok());
        let advanced = match &id {
            Some(id) => self.advance(id).await,
            None => Err(EngineError::NotFound),
        };
        let next = match advanced {
            Ok(instance) if instance.kept.state.is_over() => None,
            Ok(instance) => {
                let untils = instance.kept.steps.iter().filter(|it| it.state == StepState::Waiting);
                let soonest = untils.filter_map(|it| it.until).min();
                Some((instance.id, soonest.unwrap_or_else(|| later(cx.now, REST_S))))
            }
            // Of a patient who was destroyed, or never was.
            Err(EngineError::NotFound | EngineError::Read(ReadError::Destroyed)) => None,
            Err(error) => return Err(error),
        };
        let queue = next.map(|(id, at)| self::command(&id, at)).into_iter().collect();
        let unit = CommitUnit { queue, finished: vec![command.id], ..CommitUnit::default() };
        self.inner.chart.commit(&cx, act(), unit).await?;
        Ok(())
    }

    async fn change(
        &self,
        cx: &Ctx,
        id: &FhirId,
        what: &str,
        change: impl Fn(&mut Kept, Timestamp) -> Result<(), EngineError>,
    ) -> Result<(), EngineError> {
        for _ in 0..TRIES_MAX {
            let now = self.now();
            let asker = Ctx { role: Role::System, care: CareScope::Everyone, now, ..cx.clone() };
            let reader = self.inner.chart.reader(&asker, self.act(id, "workflow", what));
            let instance = load(&reader, id)?.ok_or(EngineError::NotFound)?;
            let flow = self.flow(&instance.kept.workflow)?;
            let mut after = instance.clone();
            if let Err(error) = change(&mut after.kept, now) {
                reader.finish(AuditOutcome::MinorFailure).await?;
                return Err(error);
            }
            let mut unit =
                self.unit(flow.as_ref(), &instance, &mut after, (None, Work::default()), now)?;
            unit.queue.push(command(id, later(now, HEAD_START_S)));
            match reader.commit(&asker, unit).await {
                Ok(_) => return Ok(()),
                Err(error) if is_contended(&error) => {}
                Err(error) => return Err(error.into()),
            }
        }
        Err(EngineError::Contended)
    }

    fn unit(
        &self,
        flow: &dyn Workflow,
        before: &Instance,
        after: &mut Instance,
        (n, work): (Option<usize>, Work),
        now: Timestamp,
    ) -> Result<CommitUnit, EngineError> {
        let (definition, system) = (flow.definition(), flow.system());
        after.version = before.version.saturating_add(1);
        after.kept.changed = now;
        let (chart, base) = (&self.inner.chart, &self.inner.base);
        let patient = after.patient();
        let own =
            own_write(key_of(&after.id), Some(before.version), patient.as_ref(), &after.kept)?;
        let mut writes = work.writes;
        if let Some(step) = n.and_then(|n| definition.steps.get(n)) {
            writes.extend(shown::provenance(chart, base, after, (step, system), &writes, now));
        }
        writes.extend(shown::tasks(chart, base, (definition, system), Some(before), after, now)?);
        writes.push(own);
        let (unless, queue) = (work.unless, work.queue);
        Ok(CommitUnit { writes, unless, queue, ..CommitUnit::default() })
    }

    fn flow(&self, name: &str) -> Result<&Arc<dyn Workflow>, EngineError> {
        self.inner.flows.get(name).ok_or(EngineError::NotFound)
    }

    fn act(&self, id: &FhirId, workflow: &str, what: &str) -> Interaction {
        let detail = format!("{workflow} {what}");
        Interaction::on(AuditAction::Operation, key_of(id)).with_detail(detail)
    }

    fn stop_at(&self, step: &str, moment: Moment) -> Result<(), EngineError> {
        match &self.inner.interrupt {
            Some(interrupt) if interrupt.stops(step, moment) => Err(EngineError::Interrupted),
            _ => Ok(()),
        }
    }

    /// Ward itself, for who asked.
    fn context(&self, asked_by: Option<ActorId>, now: Timestamp) -> Ctx {
        let mut trace = [0; 10];
        let _time_alone = self.inner.chart.inner.random.fill(&mut trace);
        let id = asked_by.unwrap_or(ActorId::from_bytes([0; 16]));
        Ctx {
            actor: Actor { id, kind: ActorKind::System },
            role: Role::System,
            purpose: PurposeOfUse::Treatment,
            care: CareScope::Everyone,
            now,
            trace: TraceId::at(now, trace),
            source: Arc::from("workflow"),
        }
    }
}

fn load(reader: &Reader<'_>, id: &FhirId) -> Result<Option<Instance>, ReadError> {
    let found = own_read::<Kept>(reader, &key_of(id))?;
    Ok(found.map(|(kept, version)| Instance { id: id.clone(), version, kept }))
}

/// Writes down what a step came to.
fn settle(
    definition: &Definition,
    after: &mut Instance,
    (n, is_undo): (usize, bool),
    work: &Work,
    now: Timestamp,
) {
    let (state, why, until) = match &work.outcome {
        Outcome::Done if is_undo => (StepState::Undone, None, None),
        Outcome::Skipped(why) if is_undo => (StepState::Undone, Some(why), None),
        Outcome::Done => (StepState::Done, None, None),
        Outcome::Skipped(why) => (StepState::Skipped, Some(why), None),
        Outcome::Waiting { why, until } => (StepState::Waiting, Some(why), Some(*until)),
        Outcome::Failed(why) => (StepState::Failed, Some(why), None),
    };
    if let Some(step) = after.kept.steps.get_mut(n) {
        *step = StepKept {
            name: step.name.clone(),
            state,
            at: Some(now),
            why: why.cloned().or_else(|| step.why.take().filter(|_| is_undo)),
            until,
        };
    }
    put(&mut after.kept.data, &work.data);
    let state = rules::state_after(definition, after.kept.state, n, state);
    if state == State::Undoing && after.kept.why.is_none() {
        after.kept.why = why.cloned();
    }
    after.kept.state = state;
}

fn put(data: &mut Map<String, Value>, new: &[(&'static str, Option<String>)]) {
    for (name, value) in new {
        match value {
            Some(value) => data.insert((*name).to_owned(), Value::String(value.clone())),
            None => data.remove(*name),
        };
    }
}

fn command(id: &FhirId, not_before: Timestamp) -> NewCommand {
    let body = ward_core::Phi::new(id.as_str().as_bytes().to_vec());
    NewCommand { lane: LANE.to_owned(), not_before: Some(not_before), body }
}

fn later(now: Timestamp, s: i64) -> Timestamp {
    now.checked_add(SignedDuration::from_secs(s)).unwrap_or(Timestamp::MAX)
}

fn is_contended(error: &CommitError) -> bool {
    matches!(error, CommitError::Stale { .. } | CommitError::Exists { .. } | CommitError::Changed)
}
