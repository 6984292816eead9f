//! A chart in a temporary folder with beds and patients, and short words for what tests do.

use std::{
    collections::BTreeMap,
    path::PathBuf,
    sync::{
        Arc,
        atomic::{AtomicI64, Ordering},
    },
};

use jiff::Timestamp;
use serde_json::{Value, json};
use ward_clinical::{
    admission::{Admission, AdmissionRequest, admit},
    beds::Beds,
    stay::{self, BedAct, StayKept},
};
use ward_core::{
    Actor, ActorKind, AuditAction, AuditOutcome, CareScope, Ctx, FhirId, PurposeOfUse, RecordKey,
    ResourceType, Role,
    ids::{ActorId, TraceId},
};
use ward_crypto::{RootKeyFile, SeededRandom};
use ward_fhir::{
    Json,
    search::{Handling, parse_search},
};
use ward_policy::Policy;
use ward_rules::placement::Offer;
use ward_store::{
    Chart, ChartOptions, CommitUnit, Filter, Interaction, Part, Query, StoreLimits, Write,
    WriteKind,
    workflow::{Engine, EngineError, Instance, Interrupt, Workflow, own_read},
};

pub const BASE: &str = "http://localhost/fhir";

pub struct Rig {
    folder: Folder,
    pub chart: Chart,
    pub engine: Engine,
    pub beds: Beds,
    clock: Arc<AtomicI64>,
}

/// Where a chart is, for as long as somebody needs it.
pub struct Folder {
    pub path: PathBuf,
    _kept: Option<tempfile::TempDir>,
}

impl Folder {
    /// One that somebody else looks after.
    pub fn at(path: PathBuf) -> Folder {
        Folder { path, _kept: None }
    }
}

impl Rig {
    pub async fn new(n_beds: usize, n_patients: usize) -> Rig {
        let folder = tempfile::tempdir().unwrap();
        let root = folder.path().join("root");
        RootKeyFile::create(&root, None, &SeededRandom::new(1)).unwrap();
        drop(Chart::init(options(folder.path().to_path_buf(), 2), at(0)).unwrap());
        let folder = Folder { path: folder.path().to_path_buf(), _kept: Some(folder) };
        let rig = Rig::open(folder, 3, Arc::new(AtomicI64::new(1)), None).await;
        for n in 0..n_beds {
            rig.bed(&format!("bed-{n}"), Offer { ward: "w1".to_owned(), ..Offer::default() }).await;
        }
        let patients = (0..n_patients).map(|n| rig.patient(&format!("p-{n}"), json!({})));
        let unit = CommitUnit { writes: patients.collect(), ..CommitUnit::default() };
        if 0 < n_patients {
            let act = Interaction::new(AuditAction::Transaction);
            rig.chart.commit(&rig.cx(), act, unit).await.unwrap();
        }
        rig
    }

    pub async fn open(
        folder: Folder,
        seed: u64,
        clock: Arc<AtomicI64>,
        interrupt: Option<Arc<dyn Interrupt>>,
    ) -> Rig {
        Rig::open_with(folder, seed, clock, interrupt, |beds| Admission::new(beds)).await
    }

    async fn open_with(
        folder: Folder,
        seed: u64,
        clock: Arc<AtomicI64>,
        interrupt: Option<Arc<dyn Interrupt>>,
        flow: impl Fn(Beds) -> Arc<dyn Workflow>,
    ) -> Rig {
        let chart = Chart::open(options(folder.path.clone(), seed), at(0)).unwrap();
        let beds = Beds::load(&chart, &cx(at(0))).await.unwrap();
        let (ticks, hears) = (Arc::clone(&clock), beds.clone());
        let engine = Engine::new(
            chart.clone(),
            vec![flow(beds.clone())],
            BASE,
            (
                Arc::new(move || at(ticks.load(Ordering::Relaxed))),
                Arc::new(move |w: &[Write]| hears.heard(w)),
            ),
            interrupt,
        );
        Rig { folder, chart, engine, beds, clock }
    }

    /// As after a kill: nothing in memory is left.
    pub async fn killed(self, seed: u64, interrupt: Option<Arc<dyn Interrupt>>) -> Rig {
        let Rig { folder, chart, engine, beds, clock } = self;
        drop((engine, beds, chart));
        Rig::open(folder, seed, clock, interrupt).await
    }

    /// The same chart, with an admission whose steps are another's.
    pub async fn with_flow(self, seed: u64, flow: impl Fn(Beds) -> Arc<dyn Workflow>) -> Rig {
        let Rig { folder, chart, engine, beds, clock } = self;
        drop((engine, beds, chart));
        Rig::open_with(folder, seed, clock, None, flow).await
    }

    /// Nothing of it is open any more; the folder is.
    pub fn closed(self) -> Folder {
        let Rig { folder, chart, engine, beds, .. } = self;
        drop((engine, beds, chart));
        folder
    }

    pub fn pass(&self, s: i64) {
        self.clock.fetch_add(s, Ordering::Relaxed);
    }

    pub fn cx(&self) -> Ctx {
        cx(at(self.clock.load(Ordering::Relaxed)))
    }

    pub async fn bed(&self, id: &str, offer: Offer) {
        let act = BedAct::Set { name: id.to_owned(), offer, capacity: 1 };
        stay::act_on_bed(&self.engine, &self.cx(), &id.parse().unwrap(), &act).await.unwrap();
    }

    pub fn patient(&self, id: &str, more: Value) -> Write {
        let mut patient = json!({ "resourceType": "Patient", "gender": "female" });
        for (name, value) in more.as_object().unwrap() {
            patient[name] = value.clone();
        }
        self.record(ResourceType::PATIENT, id, &patient)
    }

    pub fn record(&self, kind: ResourceType, id: &str, resource: &Value) -> Write {
        let bytes = serde_json::to_vec(resource).unwrap();
        let key = RecordKey::new(kind, id.parse().unwrap());
        let json = Json::parse(&bytes).unwrap();
        Write::of(json, &key, WriteKind::Create, self.cx().now, BASE)
    }

    pub async fn put(&self, write: Write) {
        let act = Interaction::on(AuditAction::Create, write.key.clone());
        let unit = CommitUnit { writes: vec![write], ..CommitUnit::default() };
        self.chart.commit(&self.cx(), act, unit).await.unwrap();
    }

    pub async fn admit(&self, n: usize, more: Value) -> Result<Instance, EngineError> {
        let mut request = json!({ "patient": format!("Patient/p-{n}") });
        for (name, value) in more.as_object().unwrap() {
            request[name] = value.clone();
        }
        let request: AdmissionRequest = serde_json::from_value(request).unwrap();
        let id = format!("admission-{n}").parse().unwrap();
        match admit(&self.engine, &self.cx(), &request, id).await {
            Ok(instance) => Ok(instance),
            Err(ward_clinical::admission::AdmitError::Engine(error)) => Err(error),
            Err(error) => panic!("{error}"),
        }
    }

    /// Bodies of what a search finds.
    pub async fn search(&self, kind: &str, query: &str) -> Vec<Value> {
        let kind: ResourceType = kind.parse().unwrap();
        let request = parse_search(Some(kind), query, Handling::Strict).unwrap();
        let part = request.parts.into_iter().next().unwrap();
        let clauses = part.conditions.clauses.into_iter().map(Filter::Clause).collect();
        let query = Query {
            parts: vec![Part { kind, filter: Filter::All(clauses) }],
            patient: None,
            sort: Vec::new(),
            count: 1000,
            after: None,
            total: false,
        };
        let cx = self.cx();
        let reader = self.chart.reader(&cx, Interaction::new(AuditAction::Search));
        let found = reader.search(&query).unwrap();
        let bodies = found
            .hits
            .iter()
            .map(|hit| serde_json::from_slice(&reader.fetch(hit).unwrap().body).unwrap());
        let bodies = bodies.collect();
        reader.finish(AuditOutcome::Success).await.unwrap();
        bodies
    }

    /// Every promise that has to hold whatever happened.
    pub async fn check(&self, patients: usize) {
        let cx = self.cx();
        let reader = self.chart.reader(&cx, Interaction::new(AuditAction::Search));
        let mut claims: BTreeMap<String, Vec<String>> = BTreeMap::new();
        for stored in reader.own(ResourceType::BED).unwrap() {
            let kept: ward_clinical::beds::BedKept = serde_json::from_slice(&stored.body).unwrap();
            assert!(kept.bed.claims.len() <= usize::from(kept.bed.capacity), "double booking");
            for claim in kept.bed.claims {
                claims.entry(claim.encounter).or_default().push(stored.key.id.to_string());
            }
        }
        assert!(claims.values().all(|beds| beds.len() == 1), "{claims:?}");
        let mut stays = BTreeMap::new();
        for n in 0..patients {
            let key = RecordKey::new(ResourceType::STAY, format!("p-{n}").parse().unwrap());
            if let Some((stay, _)) = own_read::<StayKept>(&reader, &key).unwrap() {
                stays.insert(stay.encounter.clone(), stay);
            }
        }
        let running: Vec<String> = reader
            .own(ResourceType::WORKFLOW)
            .unwrap()
            .iter()
            .map(|it| serde_json::from_slice::<Value>(&it.body).unwrap())
            .filter(|it| !matches!(it["state"].as_str(), Some("completed" | "cancelled")))
            .filter_map(|it| it["data"]["encounter"].as_str().map(str::to_owned))
            .collect();
        reader.finish(AuditOutcome::Success).await.unwrap();
        for encounter in self.search("Encounter", "").await {
            let id = encounter["id"].as_str().unwrap();
            let status = encounter["status"].as_str().unwrap();
            let is_active = matches!(status, "arrived" | "in-progress" | "onleave");
            let has_claim = claims.contains_key(id);
            assert!(!is_active || has_claim || running.contains(&id.to_owned()), "{encounter}");
            assert!(is_active || !has_claim, "a claim of an ended stay: {encounter}");
            let stay = stays.get(id).filter(|stay| stay.is_open);
            assert_eq!(stay.is_some(), is_active, "{encounter}");
            assert_eq!(stay.and_then(|it| it.bed.clone()).is_some(), has_claim, "{encounter}");
            let places = encounter["location"].as_array().into_iter().flatten();
            let now: Vec<_> = places.filter(|it| it["status"] == "active").collect();
            assert_eq!(now.len(), usize::from(has_claim), "{encounter}");
        }
        let told = self.search("Communication", "").await;
        let mut keys: Vec<_> = told
            .iter()
            .map(|it| (it["subject"].to_string(), it["topic"]["coding"][0]["code"].to_string()))
            .collect();
        let n = keys.len();
        keys.sort();
        keys.dedup();
        assert_eq!(keys.len(), n, "one notification for each key");
    }
}

fn options(folder: PathBuf, seed: u64) -> ChartOptions {
    ChartOptions {
        data: folder.join("data"),
        root: Arc::new(RootKeyFile::open(&folder.join("root"), None).unwrap()),
        random: Arc::new(SeededRandom::new(seed)),
        policy: Arc::new(Policy::standard()),
        anchors: Vec::new(),
        limits: StoreLimits::default(),
    }
}

pub fn at(s: i64) -> Timestamp {
    Timestamp::from_second(1_790_000_000 + s).unwrap()
}

pub fn cx(now: Timestamp) -> Ctx {
    Ctx {
        actor: Actor { id: ActorId::from_bytes([7; 16]), kind: ActorKind::System },
        role: Role::System,
        purpose: PurposeOfUse::Treatment,
        care: CareScope::Everyone,
        now,
        trace: TraceId::from_bytes([1; 16]),
        source: Arc::from("test"),
    }
}

pub fn id(text: &str) -> FhirId {
    text.parse().unwrap()
}
