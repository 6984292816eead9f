//! What waits for a person: the Tasks that Ward makes of what it must not decide by itself.

use serde_json::{Value, json};
use ward_core::{AuditAction, AuditOutcome, CareScope, Ctx, FhirId, RecordKey, ResourceType, Role};
use ward_store::{
    Chart, CommitError, CommitUnit, Interaction, ReadError, SearchError, Write,
    values::{self, put, text},
};

/// Code systems of what is done here, and whether who has looked says that it is done; a step of
/// a workflow is done by what it waits for.
const SYSTEMS: &[(&str, bool)] = &[
    ("urn:ward:registry", true),
    ("urn:ward:stay", true),
    (OF_BILLING, true),
    ("urn:ward:workflow", false),
];

/// What payers leave to a person, which is all that the role `billing` is shown.
const OF_BILLING: &str = "urn:ward:billing";
/// The step of an admission that waits for a payer.
const AUTHORIZATION: &str = "authorize-stay";

/// Most Tasks that are shown at once.
/// LIMIT: the oldest; a list that is longer than this is not worked on by looking at it.
pub const SHOWN_MAX: usize = 500;

/// Most times a Task is tried again when others write it.
/// LIMIT: past this the caller hears 409 and looks again.
const TRIES_MAX: usize = 8;

/// What somebody has to look at.
#[derive(Clone, PartialEq, Debug)]
pub struct Open {
    pub id: String,
    /// The Task's code, such as `review-identity`.
    pub code: String,
    pub title: String,
    pub why: Option<String>,
    /// Logical id of the Patient.
    pub patient: Option<String>,
    /// The admission that waits, when it is a step of one.
    pub admission: Option<String>,
    /// Patients who are alike, when that is what is asked.
    pub alike: Vec<String>,
    pub since: String,
    /// Whether it ends by saying so.
    pub is_closed_by_hand: bool,
}

#[derive(Debug, thiserror::Error)]
pub enum TaskError {
    #[error("there is no such open task")]
    NotFound,
    #[error("this task ends when what it waits for happens")]
    NotByHand,
    #[error("others keep writing this task")]
    Contended,
    #[error(transparent)]
    Read(#[from] ReadError),
    #[error(transparent)]
    Search(#[from] SearchError),
    #[error(transparent)]
    Commit(#[from] CommitError),
}

/// Everything that waits for a person, the oldest first.
///
/// - Audit: one `search` entry, by who asks.
pub async fn open(chart: &Chart, cx: &Ctx) -> Result<Vec<Open>, TaskError> {
    let role = cx.role;
    let cx = whole(cx);
    let act = Interaction::of(AuditAction::Search, ResourceType::TASK)
        .with_detail("what waits for a person".to_owned());
    let reader = chart.reader(&cx, act);
    let found = (|| {
        let mut open = Vec::new();
        let systems = SYSTEMS.iter().map(|(system, _)| format!("{system}%7C"));
        let systems = systems.collect::<Vec<_>>().join(",");
        let query = format!("status=requested,on-hold&code={systems}");
        let found = values::search(&reader, ResourceType::TASK, &query, (SHOWN_MAX, None))?;
        for hit in found.hits {
            let key = reader.key(&hit)?;
            let task = values::read(&reader, &key)?;
            open.extend(task.and_then(|(task, _)| shown(role, &key, &task)));
        }
        open.sort_by(|a, b| (&a.since, &a.id).cmp(&(&b.since, &b.id)));
        Ok(open)
    })();
    let outcome = if found.is_ok() { AuditOutcome::Success } else { AuditOutcome::MinorFailure };
    reader.finish(outcome).await?;
    found
}

/// Says that somebody has looked, and what they found.
///
/// - Audit: `operation` on the Task, by who asks.
pub async fn close(
    (chart, base): (&Chart, &str),
    cx: &Ctx,
    id: &FhirId,
    note: &str,
) -> Result<Vec<Write>, TaskError> {
    let key = RecordKey::new(ResourceType::TASK, id.clone());
    let (by, role) = (cx.actor.id.to_string(), cx.role);
    let cx = whole(cx);
    for _ in 0..TRIES_MAX {
        let act = Interaction::on(AuditAction::Operation, key.clone());
        let reader = chart.reader(&cx, act.with_detail("task closed".to_owned()));
        let closed = values::read(&reader, &key).map_err(TaskError::from).and_then(|found| {
            let (mut task, version) = found.ok_or(TaskError::NotFound)?;
            let open = shown(role, &key, &task).ok_or(TaskError::NotFound)?;
            if !open.is_closed_by_hand {
                return Err(TaskError::NotByHand);
            }
            let now = cx.now.to_string();
            put(&mut task, "status", json!("completed"));
            put(&mut task, "lastModified", json!(now));
            let mut notes = task.get("note").cloned().unwrap_or_else(|| json!([]));
            if let Some(notes) = notes.as_array_mut() {
                notes.push(json!({ "authorString": by, "time": now, "text": note }));
            }
            put(&mut task, "note", notes);
            Ok(values::write(&task, &key, Some(version), cx.now, base))
        });
        let writes: Vec<Write> = match closed {
            Ok(write) => write.into_iter().collect(),
            Err(error) => {
                reader.finish(AuditOutcome::MinorFailure).await?;
                return Err(error);
            }
        };
        let unit = CommitUnit { writes: writes.clone(), ..CommitUnit::default() };
        match reader.commit(&cx, unit).await {
            Ok(_) => return Ok(writes),
            Err(CommitError::Stale { .. } | CommitError::Changed) => {}
            Err(error) => return Err(error.into()),
        }
    }
    Err(TaskError::Contended)
}

/// Whether one may look after tasks was asked before.
fn whole(cx: &Ctx) -> Ctx {
    Ctx { role: Role::System, care: CareScope::Everyone, ..cx.clone() }
}

/// What a Task asks, if it is one of these that concern the role, is open and is no part of
/// another that is listed.
fn shown(role: Role, key: &RecordKey, task: &Value) -> Option<Open> {
    let coding = task.pointer("/code/coding/0")?;
    let (system, is_closed_by_hand) =
        *SYSTEMS.iter().find(|(system, _)| text(coding, "system") == Some(system))?;
    // Of a workflow the step is shown that waits; the whole is on hold as long.
    let is_part = task.get("partOf").is_some();
    let is_open = matches!(text(task, "status"), Some("requested" | "on-hold"));
    if !is_open || (system == "urn:ward:workflow" && !is_part) {
        return None;
    }
    let code = text(coding, "code").unwrap_or_default().to_owned();
    if role == Role::Billing && system != OF_BILLING && code != AUTHORIZATION {
        return None;
    }
    let title = task.pointer("/code/text").and_then(Value::as_str);
    let title = title.or_else(|| text(coding, "display")).unwrap_or(&code).to_owned();
    let patient_of =
        |it: &Value| text(it, "reference")?.strip_prefix("Patient/").map(str::to_owned);
    let admission = task.pointer("/identifier/0").filter(|_| is_part);
    let inputs = task.get("input").and_then(Value::as_array).into_iter().flatten();
    Some(Open {
        id: key.id.to_string(),
        code,
        title,
        why: task.pointer("/businessStatus/text").and_then(Value::as_str).map(str::to_owned),
        patient: task.get("for").and_then(patient_of),
        admission: admission.and_then(|it| text(it, "value")).map(str::to_owned),
        alike: inputs.filter_map(|it| patient_of(it.get("valueReference")?)).collect(),
        since: text(task, "authoredOn").unwrap_or_default().to_owned(),
        is_closed_by_hand,
    })
}
