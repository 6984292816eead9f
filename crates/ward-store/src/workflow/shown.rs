//! An instance as FHIR: a Task with a Task for each step, and a Provenance of what each wrote.

use jiff::Timestamp;
use serde_json::{Value, json};
use ward_core::{FhirId, RecordKey, ResourceType};
use ward_rules::workflow::{Definition, State, StepDefinition, StepState};

use super::{Instance, StepKept};
use crate::{
    Chart,
    error::ReadError,
    unit::{Write, WriteKind},
    values::json_of,
};

/// The Tasks that say something else than before.
///
/// - Source: FHIR R4, Task: `partOf` is the workflow, `businessStatus` what is waited for.
pub(super) fn tasks(
    chart: &Chart,
    base: &str,
    (definition, system): (&Definition, &str),
    before: Option<&Instance>,
    after: &Instance,
    now: Timestamp,
) -> Result<Vec<Write>, ReadError> {
    let mut writes = Vec::new();
    let parent = task_id(chart, after, None);
    if before.is_none_or(|before| whole(before) != whole(after)) {
        let (status, business) = whole(after);
        let code = (definition.name, definition.title);
        let task = task(after, system, code, (status, business), None, now);
        writes.extend(write(chart, base, (&parent, before.is_none()), task, now)?);
    }
    for (n, step) in after.kept.steps.iter().enumerate() {
        let old = before.and_then(|before| before.kept.steps.get(n));
        let told = one(step);
        // Nobody ever had to do what was passed by without a word.
        let is_silent = |step: &StepKept| match step.state {
            StepState::Pending => true,
            StepState::Skipped => step.why.is_none(),
            _ => false,
        };
        let was_silent = old.is_none_or(is_silent);
        if old.is_some_and(|old| one(old) == told)
            || step.state == StepState::Pending
            || (was_silent && is_silent(step))
        {
            continue;
        }
        let Some(defined) = definition.steps.get(n) else { continue };
        let id = task_id(chart, after, Some(&step.name));
        let code = (defined.name, defined.title);
        let task = task(after, system, code, told, Some(&parent), now);
        writes.extend(write(chart, base, (&id, before.is_none()), task, now)?);
    }
    Ok(writes)
}

/// Who had what written, and by which step.
pub(super) fn provenance(
    chart: &Chart,
    base: &str,
    after: &Instance,
    (step, system): (&StepDefinition, &str),
    written: &[Write],
    now: Timestamp,
) -> Option<Write> {
    let targets: Vec<Value> = written
        .iter()
        .filter(|write| write.key.kind.is_fhir() && !write.body.is_empty())
        .map(|write| json!({ "reference": format!("{}/_history/{}", write.key, write.version) }))
        .collect();
    if targets.is_empty() {
        return None;
    }
    let version = after.version.to_string();
    let id = chart.derived_id(&["workflow-provenance", after.id.as_str(), &version]);
    let provenance = json!({
        "resourceType": "Provenance",
        "target": targets,
        "recorded": now.to_string(),
        "activity": { "coding": [{ "system": system, "code": step.name, "display": step.title }] },
        "agent": [{
            "type": { "text": after.kept.asked_role },
            "who": { "identifier": { "system": "urn:ward:actor", "value": after.kept.asked_by } },
        }],
        "entity": [{
            "role": "source",
            "what": { "reference": format!("Task/{}", task_id(chart, after, None)) },
        }],
    });
    let key = RecordKey::new(ResourceType::PROVENANCE, id);
    of(provenance, &key, WriteKind::Create, now, base)
}

fn task_id(chart: &Chart, instance: &Instance, step: Option<&str>) -> FhirId {
    chart.derived_id(&["workflow-task", instance.id.as_str(), step.unwrap_or_default()])
}

fn whole(instance: &Instance) -> (&'static str, Option<String>) {
    let waits = || instance.kept.steps.iter().find(|it| it.state == StepState::Waiting);
    match instance.kept.state {
        State::Running => match waits() {
            Some(step) => ("on-hold", step.why.clone()),
            None => ("in-progress", None),
        },
        State::Undoing => ("in-progress", Some("what was done is being taken back".to_owned())),
        State::Completed => ("completed", None),
        State::Cancelled => ("cancelled", instance.kept.why.clone()),
        State::NeedsOperator => {
            ("on-hold", Some("somebody has to take it back by hand".to_owned()))
        }
    }
}

fn one(step: &StepKept) -> (&'static str, Option<String>) {
    let status = match step.state {
        StepState::Pending => "requested",
        StepState::Waiting => "on-hold",
        StepState::Done => "completed",
        // SPEC: Task has no word for "there was nothing to do"; `businessStatus` says why.
        StepState::Skipped => "rejected",
        StepState::Failed => "failed",
        StepState::Undone => "cancelled",
    };
    (status, step.why.clone())
}

fn task(
    instance: &Instance,
    system: &str,
    (code, title): (&str, &str),
    (status, business): (&str, Option<String>),
    parent: Option<&FhirId>,
    now: Timestamp,
) -> Value {
    let mut task = json!({
        "resourceType": "Task",
        "identifier": [{ "system": system, "value": instance.id.as_str() }],
        "status": status,
        "intent": "order",
        "code": { "coding": [{ "system": system, "code": code, "display": title }] },
        "for": { "reference": format!("Patient/{}", instance.kept.patient) },
        "authoredOn": instance.kept.started.to_string(),
        "lastModified": now.to_string(),
    });
    let mut put = |name: &str, value: Value| {
        if let Some(object) = task.as_object_mut() {
            object.insert(name.to_owned(), value);
        }
    };
    if let Some(business) = business {
        put("businessStatus", json!({ "text": business }));
    }
    if let Some(parent) = parent {
        put("partOf", json!([{ "reference": format!("Task/{parent}") }]));
    }
    if let Some(focus) = instance.data("focus") {
        put("focus", json!({ "reference": focus }));
    }
    if let Some(priority) = instance.data("priority") {
        put("priority", json!(priority));
    }
    if let Some(encounter) = instance.data("encounter") {
        put("encounter", json!({ "reference": format!("Encounter/{encounter}") }));
    }
    task
}

fn write(
    chart: &Chart,
    base: &str,
    (id, is_first): (&FhirId, bool),
    task: Value,
    now: Timestamp,
) -> Result<Option<Write>, ReadError> {
    let key = RecordKey::new(ResourceType::TASK, id.clone());
    // Of an instance that was not there before, nothing was.
    let current = match is_first {
        true => None,
        false => chart.current(&key)?.map(|(version, _)| version),
    };
    Ok(of(task, &key, WriteKind::Update { base: current }, now, base))
}

fn of(
    resource: Value,
    key: &RecordKey,
    kind: WriteKind,
    now: Timestamp,
    base: &str,
) -> Option<Write> {
    Some(Write::of(json_of(&resource)?, key, kind, now, base))
}
