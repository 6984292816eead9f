//! A chart in a temporary folder, and short words for what tests do.

use std::sync::Arc;

use jiff::Timestamp;
use serde_json::{Value, json};
use ward_core::{
    Actor, ActorKind, AuditAction, AuditOutcome, CareScope, Ctx, FhirId, PurposeOfUse, RecordKey,
    ResourceType, Role,
    ids::{ActorId, TraceId},
};
use ward_crypto::{RootKeyFile, SeededRandom};
use ward_patient::register::{RegisterError, Registered, register};
use ward_policy::Policy;
use ward_rules::likeness::Thresholds;
use ward_store::{Chart, ChartOptions, CommitUnit, Interaction, StoreLimits, Write, values};

pub const BASE: &str = "http://localhost/fhir";

pub struct Rig {
    _folder: tempfile::TempDir,
    pub chart: Chart,
}

impl Rig {
    pub fn new() -> Rig {
        let folder = tempfile::tempdir().unwrap();
        let root = folder.path().join("root");
        RootKeyFile::create(&root, None, &SeededRandom::new(1)).unwrap();
        let options = ChartOptions {
            data: folder.path().join("data"),
            root: Arc::new(RootKeyFile::open(&root, None).unwrap()),
            random: Arc::new(SeededRandom::new(2)),
            policy: Arc::new(Policy::standard()),
            anchors: Vec::new(),
            limits: StoreLimits::default(),
        };
        let chart = Chart::init(options, cx().now).unwrap();
        Rig { _folder: folder, chart }
    }

    pub async fn put(&self, resources: &[Value]) {
        let writes: Vec<Write> = resources.iter().map(|it| self.write(it)).collect();
        let act = Interaction::new(AuditAction::Transaction);
        let unit = CommitUnit { writes, ..CommitUnit::default() };
        self.chart.commit(&cx(), act, unit).await.unwrap();
    }

    fn write(&self, resource: &Value) -> Write {
        let key = key(&format!(
            "{}/{}",
            resource["resourceType"].as_str().unwrap(),
            resource["id"].as_str().unwrap()
        ));
        let base = self.chart.current(&key).unwrap().map(|(version, _)| version);
        values::write(resource, &key, base, cx().now, BASE).unwrap()
    }

    /// A record without what every version has of its own.
    pub async fn get(&self, reference: &str) -> Option<Value> {
        let key = key(reference);
        let cx = cx();
        let reader = self.chart.reader(&cx, Interaction::on(AuditAction::Read, key.clone()));
        let found = values::read(&reader, &key).unwrap();
        reader.finish(AuditOutcome::Success).await.unwrap();
        let (mut value, _) = found?;
        value.as_object_mut().unwrap().remove("meta");
        Some(value)
    }

    pub async fn register(
        &self,
        id: &str,
        patient: &Value,
        seen: &[&str],
    ) -> Result<Registered, RegisterError> {
        let seen: Vec<String> = seen.iter().map(|it| (*it).to_owned()).collect();
        let id: FhirId = id.parse().unwrap();
        let at = (&self.chart, BASE);
        let limits = Thresholds::default();
        Ok(register(at, &cx(), &id, (patient, &seen), limits).await?.0)
    }
}

pub fn key(reference: &str) -> RecordKey {
    let (kind, id) = reference.split_once('/').unwrap();
    RecordKey::new(kind.parse::<ResourceType>().unwrap(), id.parse().unwrap())
}

pub fn cx() -> Ctx {
    Ctx {
        actor: Actor { id: ActorId::from_bytes([7; 16]), kind: ActorKind::System },
        role: Role::System,
        purpose: PurposeOfUse::Treatment,
        care: CareScope::Everyone,
        source: "test".into(),
        trace: TraceId::from_bytes([0; 16]),
        now: Timestamp::from_second(1_767_225_600).unwrap(),
    }
}

/// Somebody, by family name, given name, birth date and sex.
pub fn person(family: &str, given: &str, birth: &str, sex: &str) -> Value {
    json!({
        "resourceType": "Patient",
        "name": [{ "family": family, "given": [given] }],
        "birthDate": birth,
        "gender": sex,
    })
}
