//! A chart with seeded randomness and a clock that the test moves.

use std::{collections::BTreeSet, sync::Arc};

use jiff::{SignedDuration, Timestamp};
use ward_core::{
    Actor, ActorKind, CareScope, Ctx, FhirId, PurposeOfUse, Role,
    ids::{ActorId, TraceId},
};
use ward_crypto::{RootKeyVariable, SeededRandom};
use ward_policy::Policy;
use ward_records::Records;
use ward_store::{Chart, ChartOptions, StoreLimits};

pub struct House {
    pub records: Records,
    now: Timestamp,
    _folder: tempfile::TempDir,
}

impl House {
    pub fn new() -> House {
        let folder = tempfile::tempdir().unwrap();
        let now = began();
        // 32 zero bytes in base64: the root key of a test.
        let root = RootKeyVariable::new("TEST", "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=");
        let options = ChartOptions {
            data: folder.path().join("data"),
            root: Arc::new(root.unwrap()),
            random: Arc::new(SeededRandom::new(1)),
            policy: Arc::new(Policy::standard()),
            anchors: Vec::new(),
            limits: StoreLimits::default(),
        };
        let chart = Chart::init(options, now).unwrap();
        let records = Records::new(chart, Arc::new(SeededRandom::new(2)), "http://ward/fhir");
        House { records, now, _folder: folder }
    }

    /// Sets the clock to so many seconds after it began.
    pub fn at(&mut self, seconds: i64) {
        self.now = began() + SignedDuration::from_secs(seconds);
    }

    /// A second passes with every question.
    pub fn integration(&mut self) -> Ctx {
        self.now += SignedDuration::from_secs(1);
        self.ctx(Role::Integration, CareScope::Everyone)
    }

    pub fn auditor(&mut self) -> Ctx {
        self.now += SignedDuration::from_secs(1);
        self.ctx(Role::Auditor, CareScope::Everyone)
    }

    pub fn nurse(&mut self, patients: &[FhirId]) -> Ctx {
        let patients: BTreeSet<FhirId> = patients.iter().cloned().collect();
        self.ctx(Role::Nurse, CareScope::Patients(Arc::new(patients)))
    }

    fn ctx(&self, role: Role, care: CareScope) -> Ctx {
        Ctx {
            actor: Actor { id: ActorId::from_bytes([7; 16]), kind: ActorKind::Client },
            role,
            purpose: PurposeOfUse::Treatment,
            care,
            now: self.now,
            trace: TraceId::from_bytes([8; 16]),
            source: Arc::from("test"),
        }
    }
}

fn began() -> Timestamp {
    Timestamp::from_second(1_767_261_600).unwrap()
}
