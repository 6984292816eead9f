//! The workflow journal: where each instance stands, in the same commit as what its steps wrote.
//!
//! An [`Instance`] is one record under its patient's key, and every step is a new version of it:
//! two who work on one step at once cannot both commit, and what was committed is never done
//! again. A crash leaves the instance where its last commit put it; a command in the queue brings
//! somebody back to it.

mod engine;
mod shown;

use std::sync::Arc;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use smallvec::SmallVec;
use ward_core::{Ctx, FhirId, RecordKey, ResourceType};
use ward_rules::workflow::{Definition, State, StepState};

pub use self::engine::{Engine, EngineError, Interrupt, Moment, Worked};
use crate::{
    Chart, Reader,
    error::ReadError,
    query::SearchError,
    queue::NewCommand,
    unit::{Absent, Write, WriteKind},
};

/// One run of a workflow.
#[derive(Clone, PartialEq, Debug)]
pub struct Instance {
    pub id: FhirId,
    /// Version of its record.
    pub version: u32,
    pub kept: Kept,
}

/// What is kept of an instance.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Kept {
    pub workflow: String,
    pub workflow_version: u32,
    pub state: State,
    /// Logical id of the Patient.
    pub patient: String,
    /// Who asked for it, as the audit log names them.
    pub asked_by: String,
    pub asked_role: String,
    pub started: Timestamp,
    pub changed: Timestamp,
    /// Why it is being undone.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub why: Option<String>,
    pub input: Value,
    /// What the steps found out for each other.
    #[serde(default)]
    pub data: Map<String, Value>,
    pub steps: Vec<StepKept>,
}

/// Where one step stands.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct StepKept {
    pub name: String,
    pub state: StepState,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub at: Option<Timestamp>,
    /// What it waits for, or why it was not done; for people, without a patient's data.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub why: Option<String>,
    /// When a waiting step is looked at again.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub until: Option<Timestamp>,
}

impl Instance {
    pub fn step(&self, name: &str) -> Option<&StepKept> {
        self.kept.steps.iter().find(|step| step.name == name)
    }

    /// Text that a step left.
    pub fn data(&self, name: &str) -> Option<&str> {
        self.kept.data.get(name).and_then(Value::as_str)
    }

    /// An id that a step left.
    pub fn data_id(&self, name: &str) -> Option<FhirId> {
        self.data(name)?.parse().ok()
    }

    pub fn patient(&self) -> Option<FhirId> {
        self.kept.patient.parse().ok()
    }
}

/// A kind of workflow: its definition and what its steps do.
///
/// Steps write to the chart and to nothing else; what has to be done outside goes into the queue,
/// and comes back by [`Engine::signal`].
pub trait Workflow: Send + Sync {
    fn definition(&self) -> &'static Definition;

    /// The code system of its Tasks.
    fn system(&self) -> &'static str {
        "urn:ward:workflow"
    }

    /// What a step writes. It may be asked again when others wrote in between; nothing of the
    /// first answer was kept then.
    fn run(&self, at: &At<'_>, step: &str) -> Result<Work, Trouble>;

    /// What takes a step's effect back.
    fn undo(&self, at: &At<'_>, step: &str) -> Result<Work, Trouble>;
}

/// What a step sees.
pub struct At<'a> {
    pub cx: &'a Ctx,
    pub chart: &'a Chart,
    pub reader: &'a Reader<'a>,
    pub instance: &'a Instance,
    /// The server's own address.
    pub base: &'a str,
}

/// What a step does.
#[derive(Clone, Default, Debug)]
pub struct Work {
    pub writes: Vec<Write>,
    pub unless: Vec<Absent>,
    pub queue: Vec<NewCommand>,
    /// For the steps that follow; nothing takes out what was there.
    pub data: Vec<(&'static str, Option<String>)>,
    pub outcome: Outcome,
}

/// What a step came to.
#[derive(Clone, PartialEq, Eq, Default, Debug)]
pub enum Outcome {
    #[default]
    Done,
    /// There is nothing to do, and why.
    Skipped(String),
    /// Somebody else has to do something; it is looked at again at `until`.
    Waiting {
        why: String,
        until: Timestamp,
    },
    Failed(String),
}

impl Work {
    pub fn done(writes: Vec<Write>) -> Work {
        Work { writes, ..Work::default() }
    }

    pub fn ended(outcome: Outcome) -> Work {
        Work { outcome, ..Work::default() }
    }

    #[must_use]
    pub fn with(mut self, name: &'static str, value: impl Into<String>) -> Work {
        self.data.push((name, Some(value.into())));
        self
    }
}

/// A step could not even be tried.
#[derive(Debug, thiserror::Error)]
pub enum Trouble {
    /// Others were faster: look again.
    #[error("others wrote in between")]
    Again,
    #[error("the chart cannot be read")]
    Read(#[from] ReadError),
    #[error("the chart cannot be searched")]
    Search(#[from] SearchError),
}

/// A write of one of Ward's own records.
///
/// - Shape: `patient` has the record sealed under that patient's key.
pub fn own_write<T: Serialize>(
    key: RecordKey,
    base: Option<u32>,
    patient: Option<&FhirId>,
    kept: &T,
) -> Result<Write, serde_json::Error> {
    Ok(Write {
        key,
        kind: WriteKind::Update { base },
        version: base.map_or(1, |base| base.saturating_add(1)),
        body: serde_json::to_vec(kept)?,
        terms: Vec::new(),
        patients: patient.into_iter().cloned().collect::<SmallVec<[FhirId; 1]>>(),
        restricted: false,
        event: None,
    })
}

/// One of Ward's own records, and its version.
pub fn own_read<T: for<'de> Deserialize<'de>>(
    reader: &Reader<'_>,
    key: &RecordKey,
) -> Result<Option<(T, u32)>, ReadError> {
    let Some(stored) = reader.get(key)?.filter(|stored| !stored.deleted) else { return Ok(None) };
    match serde_json::from_slice(&stored.body) {
        Ok(kept) => Ok(Some((kept, stored.version))),
        Err(_) => Err(ReadError::Truth(crate::TruthError::Row("damaged own record"))),
    }
}

pub(crate) fn key_of(id: &FhirId) -> RecordKey {
    RecordKey::new(ResourceType::WORKFLOW, id.clone())
}

/// Hears of every write, such as whoever remembers where somebody lies.
pub type Heard = Arc<dyn Fn(&[Write]) + Send + Sync>;

/// What asks for the time.
pub type Clock = Arc<dyn Fn() -> Timestamp + Send + Sync>;
