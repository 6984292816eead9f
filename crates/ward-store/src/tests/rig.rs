//! A chart in a temporary folder, and short words for what the tests do with it.

use std::{
    collections::BTreeSet,
    fs,
    path::{Path, PathBuf},
    sync::Arc,
};

use jiff::Timestamp;
use ward_core::{
    Actor, ActorKind, AuditAction, CareScope, Ctx, FhirId, PurposeOfUse, RecordKey, ResourceType,
    Role,
    ids::{ActorId, TraceId},
};
use ward_crypto::{RootKeyFile, SeededRandom};
use ward_fhir::{
    json::Json,
    search::{Handling, extract, parse_search},
};
use ward_policy::Policy;

use crate::{
    Chart, ChartOptions, CommitError, CommitUnit, Filter, Interaction, OpenError, Part, Query,
    Receipt, StoreLimits, Stored, Write, WriteKind,
    writer::faults::{Faults, NoFaults},
};

pub(crate) struct Rig {
    folder: tempfile::TempDir,
    pub(crate) limits: StoreLimits,
}

impl Rig {
    pub(crate) fn new() -> Rig {
        let folder = tempfile::tempdir().unwrap();
        RootKeyFile::create(&folder.path().join("root"), None, &SeededRandom::new(1)).unwrap();
        fs::create_dir(folder.path().join("anchor")).unwrap();
        Rig { folder, limits: StoreLimits::default() }
    }

    pub(crate) fn data(&self) -> PathBuf {
        self.folder.path().join("data")
    }

    pub(crate) fn anchor(&self) -> PathBuf {
        self.folder.path().join("anchor")
    }

    pub(crate) fn root(&self) -> RootKeyFile {
        RootKeyFile::open(&self.folder.path().join("root"), None).unwrap()
    }

    pub(crate) fn options(&self) -> ChartOptions {
        ChartOptions {
            data: self.data(),
            root: Arc::new(self.root()),
            random: Arc::new(SeededRandom::new(2)),
            policy: Arc::new(policy()),
            anchors: vec![self.anchor()],
            limits: self.limits,
        }
    }

    pub(crate) fn init(&self) -> Chart {
        Chart::init(self.options(), at(0)).unwrap()
    }

    pub(crate) fn open(&self) -> Chart {
        self.try_open().unwrap()
    }

    pub(crate) fn try_open(&self) -> Result<Chart, OpenError> {
        self.open_with(Arc::new(NoFaults))
    }

    pub(crate) fn open_with(&self, faults: Arc<dyn Faults>) -> Result<Chart, OpenError> {
        Chart::open_with(self.options(), faults, at(0))
    }

    /// The data folder as a crash would leave it: copied while it is open.
    pub(crate) fn crashed(&self) -> Rig {
        let copy = Rig::new();
        fs::copy(self.folder.path().join("root"), copy.folder.path().join("root")).unwrap();
        copy_all(&self.data(), &copy.data());
        copy
    }

    pub(crate) fn verify(&self) -> Vec<String> {
        self.verify_against(None)
    }

    pub(crate) fn verify_against(&self, anchor: Option<&Path>) -> Vec<String> {
        let report = crate::verify(&self.data(), &self.root(), anchor).unwrap();
        report.findings.iter().map(ToString::to_string).collect()
    }
}

pub(crate) fn copy_all(from: &Path, to: &Path) {
    fs::create_dir_all(to).unwrap();
    for entry in fs::read_dir(from).unwrap() {
        let entry = entry.unwrap();
        let target = to.join(entry.file_name());
        if entry.file_type().unwrap().is_dir() {
            copy_all(&entry.path(), &target);
        } else {
            fs::copy(entry.path(), target).unwrap();
        }
    }
}

/// Nurses see and write what is of their patients; the system does everything.
fn policy() -> Policy {
    Policy::only(
        "@id(\"all\") permit (principal in Role::\"system\", action, resource);\n\
         @id(\"care\") permit (principal in Role::\"nurse\", action, resource is Record)\n\
         when { resource.in_care };",
    )
    .unwrap()
}

pub(crate) fn run<T>(future: impl Future<Output = T>) -> T {
    tokio::runtime::Builder::new_current_thread().build().unwrap().block_on(future)
}

pub(crate) fn at(s: i64) -> Timestamp {
    Timestamp::from_second(1_800_000_000 + s).unwrap()
}

pub(crate) fn cx(s: i64) -> Ctx {
    Ctx {
        actor: Actor { id: ActorId::at(at(0), [1; 10]), kind: ActorKind::System },
        role: Role::System,
        purpose: PurposeOfUse::Operations,
        care: CareScope::Everyone,
        now: at(s),
        trace: TraceId::at(at(s), [2; 10]),
        source: Arc::from("test"),
    }
}

/// A nurse who cares for these patients.
pub(crate) fn nurse(s: i64, patients: &[&str]) -> Ctx {
    let care: BTreeSet<FhirId> = patients.iter().map(|id| id.parse().unwrap()).collect();
    Ctx {
        actor: Actor { id: ActorId::at(at(0), [3; 10]), kind: ActorKind::Person },
        role: Role::Nurse,
        purpose: PurposeOfUse::Treatment,
        care: CareScope::Patients(Arc::new(care)),
        ..cx(s)
    }
}

pub(crate) fn key(path: &str) -> RecordKey {
    let (kind, id) = path.split_once('/').unwrap();
    RecordKey::new(kind.parse().unwrap(), id.parse().unwrap())
}

pub(crate) fn patient(id: &str, family: &str) -> String {
    format!(
        r#"{{"resourceType":"Patient","id":"{id}","identifier":[{{"system":"urn:mrn","value":"{id}"}}],"name":[{{"family":"{family}"}}]}}"#
    )
}

pub(crate) fn observation(id: &str, of: &str, value: u32) -> String {
    format!(
        r#"{{"resourceType":"Observation","id":"{id}","status":"final","code":{{"coding":[{{"system":"urn:c","code":"hr"}}]}},"subject":{{"reference":"Patient/{of}"}},"valueQuantity":{{"value":{value}}}}}"#
    )
}

/// A write of this resource.
pub(crate) fn write(kind: WriteKind, body: &str) -> Write {
    let json = Json::parse(body.as_bytes()).unwrap();
    let text = |name| json.get(name).and_then(Json::as_str).unwrap().to_owned();
    let resource: ResourceType = text("resourceType").parse().unwrap();
    let extracted = extract(resource, &json);
    Write {
        key: RecordKey::new(resource, text("id").parse().unwrap()),
        kind,
        version: kind.base().unwrap_or(0) + 1,
        body: body.as_bytes().to_vec(),
        terms: extracted.terms,
        patients: extracted.patients,
        restricted: extracted.restricted,
        event: None,
    }
}

pub(crate) fn create(body: &str) -> CommitUnit {
    CommitUnit { writes: vec![write(WriteKind::Create, body)], ..CommitUnit::default() }
}

pub(crate) fn update(base: u32, body: &str) -> CommitUnit {
    let kind = WriteKind::Update { base: Some(base) };
    CommitUnit { writes: vec![write(kind, body)], ..CommitUnit::default() }
}

pub(crate) fn delete(base: u32, path: &str) -> CommitUnit {
    let write = Write {
        key: key(path),
        kind: WriteKind::Delete { base },
        version: base + 1,
        body: Vec::new(),
        terms: Vec::new(),
        patients: smallvec::SmallVec::new(),
        restricted: false,
        event: None,
    };
    CommitUnit { writes: vec![write], ..CommitUnit::default() }
}

pub(crate) fn act() -> Interaction {
    Interaction::new(AuditAction::Update)
}

pub(crate) fn commit(chart: &Chart, s: i64, unit: CommitUnit) -> Result<Receipt, CommitError> {
    run(chart.commit(&cx(s), act(), unit))
}

/// The current version, read as the system.
pub(crate) fn get(chart: &Chart, path: &str) -> Option<Stored> {
    let cx = cx(50);
    let reader = chart.reader(&cx, Interaction::on(AuditAction::Read, key(path)));
    let stored = reader.get(&key(path)).unwrap();
    run(reader.finish(ward_core::AuditOutcome::Success)).unwrap();
    stored
}

pub(crate) fn query(kind: &str, text: &str) -> Query {
    let kind: ResourceType = kind.parse().unwrap();
    let request = parse_search(Some(kind), text, Handling::Strict).unwrap();
    let part = request.parts.into_iter().next().unwrap();
    let clauses = part.conditions.clauses.into_iter().map(Filter::Clause).collect();
    Query {
        parts: vec![Part { kind, filter: Filter::All(clauses) }],
        patient: None,
        sort: Vec::new(),
        count: 1000,
        after: None,
        total: false,
    }
}

/// The ids that a search finds.
pub(crate) fn search_as(chart: &Chart, cx: &Ctx, kind: &str, text: &str) -> Vec<String> {
    let reader = chart.reader(cx, Interaction::new(AuditAction::Search));
    let found = reader.search(&query(kind, text)).unwrap();
    let ids = found.hits.iter().map(|hit| reader.fetch(hit).unwrap().key.id.to_string()).collect();
    run(reader.finish(ward_core::AuditOutcome::Success)).unwrap();
    ids
}

pub(crate) fn search(chart: &Chart, kind: &str, text: &str) -> Vec<String> {
    search_as(chart, &cx(50), kind, text)
}

/// Waits until the index has caught up. Ends because the index thread does.
pub(crate) fn until_ready(chart: &Chart) {
    while !chart.is_search_ready() {
        std::thread::yield_now();
    }
}
