//! A chart in a temporary folder with patients and a stock, and short words for what tests do.

use std::{
    collections::BTreeMap,
    path::PathBuf,
    sync::{
        Arc,
        atomic::{AtomicI64, Ordering},
    },
};

use jiff::{SignedDuration, Timestamp, tz::TimeZone};
use serde_json::{Value, json};
use ward_core::{
    Actor, ActorKind, AuditAction, AuditOutcome, CareScope, Ctx, FhirId, PurposeOfUse, RecordKey,
    ResourceType, Role,
    ids::{ActorId, TraceId},
};
use ward_crypto::{RootKeyFile, SeededRandom};
use ward_fhir::Json;
use ward_pharmacy::{
    bedside::Giving,
    checker::{CheckError, Checked, Checker, Found, Tier},
    order::{
        Flow, MedsError, OrderKept, OrderRequest, Override, Pharmacy, Second, Verification,
    },
    settings::Settings,
    stock::{About, ProductKept, StockAct},
    supply::Dispensing,
};
use ward_policy::Policy;
use ward_rules::medication_order::{Quantity, dose};
use ward_store::{
    Chart, ChartOptions, CommitUnit, Interaction, Reader, StoreLimits, Write, WriteKind, values,
    workflow::{Engine, Interrupt},
};

pub const BASE: &str = "http://localhost/fhir";

pub struct Rig {
    pub folder: tempfile::TempDir,
    pub chart: Chart,
    pub pharmacy: Pharmacy,
    clock: Arc<AtomicI64>,
}

/// Knows one interaction and one allergy; it stands for the knowledge base, which has tests of its
/// own.
struct TwoRules;

impl Checker for TwoRules {
    fn check(
        &self,
        reader: &Reader<'_>,
        patient: &FhirId,
        proposed: &[Value],
        _now: Timestamp,
    ) -> Result<Vec<Checked>, CheckError> {
        let name = |it: &Value| {
            it["medicationCodeableConcept"]["text"].as_str().unwrap_or_default().to_lowercase()
        };
        let query = format!("subject=Patient/{patient}&status=active");
        let kind = ResourceType::MEDICATION_REQUEST;
        let hits = values::search(reader, kind, &query, (100, None))?.hits;
        let mut active = Vec::new();
        for hit in &hits {
            active.push(serde_json::from_slice::<Value>(&reader.fetch(hit)?.body).unwrap());
        }
        let query = format!("patient=Patient/{patient}");
        let kind = ResourceType::ALLERGY_INTOLERANCE;
        let allergies = values::search(reader, kind, &query, (100, None))?.hits.len();
        let check = |order: &Value| {
            let mut found = Vec::new();
            for other in active.iter().filter(|it| it["id"] != order["id"]) {
                if name(order).contains("tizanidine") && name(other).contains("ciprofloxacin") {
                    let other = format!("MedicationRequest/{}", other["id"].as_str().unwrap());
                    found.push(Found {
                        kind: "interaction".to_owned(),
                        tier: Tier::HardStop,
                        rule: "test.tizanidine-cyp1a2@1".to_owned(),
                        summary: "Tizanidine with a strong inhibitor of CYP1A2.".to_owned(),
                        key: format!("tizanidine {other}"),
                        orders: vec![other],
                        ..Found::no_knowledge_base()
                    });
                }
            }
            if 0 < allergies && name(order).contains("amoxicillin") {
                found.push(Found {
                    kind: "allergy".to_owned(),
                    rule: "test.penicillin@1".to_owned(),
                    summary: "Allergic to penicillins.".to_owned(),
                    key: "allergy".to_owned(),
                    ..Found::no_knowledge_base()
                });
            }
            if name(order).contains("unknownin") {
                found.push(Found { key: "unknown".to_owned(), ..Found::no_knowledge_base() });
            }
            Checked { found, knowledge_base: Some("test".to_owned()) }
        };
        Ok(proposed.iter().map(check).collect())
    }

    fn due(
        &self,
        dosage: &Value,
        start: Timestamp,
        (from, to): (Timestamp, Timestamp),
        _zone: &TimeZone,
    ) -> Option<Vec<Timestamp>> {
        let repeat = dosage.pointer("/timing/repeat")?;
        if repeat["count"] == 1 {
            return Some(Some(start).filter(|it| from <= *it && *it < to).into_iter().collect());
        }
        let hours = repeat["period"].as_i64()?;
        let mut all = Vec::new();
        let mut at = start;
        while at < to {
            if from <= at {
                all.push(at);
            }
            at = at.checked_add(SignedDuration::from_hours(hours)).unwrap();
        }
        Some(all)
    }
}

impl Rig {
    pub async fn new() -> Rig {
        let folder = tempfile::tempdir().unwrap();
        let root = folder.path().join("root");
        RootKeyFile::create(&root, None, &SeededRandom::new(1)).unwrap();
        drop(Chart::init(options(folder.path().to_path_buf(), 2), at(0)).unwrap());
        let rig = Rig::open(folder, 3, Arc::new(AtomicI64::new(1)), None);
        for n in 0..2 {
            let patient = json!({
                "resourceType": "Patient", "gender": "female",
                "identifier": [{ "system": "urn:mrn", "value": format!("MRN-{n}") }],
            });
            rig.put(ResourceType::PATIENT, &format!("p-{n}"), &patient).await;
        }
        for (id, name, schedule) in [
            ("cipro", "Ciprofloxacin 500 mg tablet", Value::Null),
            ("tiza", "Tizanidine 4 mg tablet", Value::Null),
            ("morph", "Morphine 10 mg/mL vial", json!("CII")),
            ("amox", "Amoxicillin 500 mg capsule", Value::Null),
        ] {
            let about: About = serde_json::from_value(json!({
                "name": name, "unit": "unit", "schedule": schedule,
            }))
            .unwrap();
            let about = About { gtin: vec![gtin_of(id)], ..about };
            rig.pharmacy.set_product(&rig.cx(Role::Pharmacist), id, &about).await.unwrap();
            for (lot, expires) in [("L1", "2026-12-31"), ("L2", "2027-12-31")] {
                rig.receive(id, lot, expires, 100).await;
            }
        }
        rig
    }

    fn open(
        folder: tempfile::TempDir,
        seed: u64,
        clock: Arc<AtomicI64>,
        interrupt: Option<Arc<dyn Interrupt>>,
    ) -> Rig {
        let chart = Chart::open(options(folder.path().to_path_buf(), seed), at(0)).unwrap();
        let ticks = Arc::clone(&clock);
        let engine = Engine::new(
            chart.clone(),
            vec![Arc::new(Flow)],
            BASE,
            (
                Arc::new(move || at(ticks.load(Ordering::Relaxed))),
                Arc::new(|_: &[Write]| {}),
            ),
            None,
        );
        let settings = Settings { interrupt, ..Settings::default() };
        let pharmacy = Pharmacy::new(engine, Arc::new(TwoRules), settings);
        Rig { folder, chart, pharmacy, clock }
    }

    /// As after a kill: nothing in memory is left.
    pub fn killed(self, seed: u64, interrupt: Option<Arc<dyn Interrupt>>) -> Rig {
        let Rig { folder, chart, pharmacy, clock } = self;
        drop((pharmacy, chart));
        Rig::open(folder, seed, clock, interrupt)
    }

    pub fn pass(&self, s: i64) {
        self.clock.fetch_add(s, Ordering::Relaxed);
    }

    pub fn now(&self) -> Timestamp {
        at(self.clock.load(Ordering::Relaxed))
    }

    /// Somebody in a role, who cares for everybody.
    pub fn cx(&self, role: Role) -> Ctx {
        Ctx {
            actor: Actor { id: actor_of(role), kind: ActorKind::Person },
            role,
            purpose: PurposeOfUse::Treatment,
            care: CareScope::Everyone,
            now: self.now(),
            trace: TraceId::from_bytes([1; 16]),
            source: Arc::from("test"),
        }
    }

    pub async fn put(&self, kind: ResourceType, id: &str, resource: &Value) {
        let bytes = serde_json::to_vec(resource).unwrap();
        let key = RecordKey::new(kind, id.parse().unwrap());
        let json = Json::parse(&bytes).unwrap();
        let write = Write::of(json, &key, WriteKind::Create, self.now(), BASE);
        let act = Interaction::on(AuditAction::Create, key);
        let unit = CommitUnit { writes: vec![write], ..CommitUnit::default() };
        self.chart.commit(&self.cx(Role::System), act, unit).await.unwrap();
    }

    pub async fn receive(&self, product: &str, lot: &str, expires: &str, n: u32) {
        let act = StockAct::Receive {
            lot: lot.to_owned(),
            expires: expires.parse().unwrap(),
            location: "pharmacy".to_owned(),
            quantity: Quantity::whole(n),
        };
        self.stock(product, &act).await.unwrap();
    }

    pub async fn stock(&self, product: &str, act: &StockAct) -> Result<ProductKept, MedsError> {
        self.pharmacy.move_stock(&self.cx(Role::Pharmacist), product, act, None).await
    }

    pub fn request(&self, drug: &str, more: Value) -> OrderRequest {
        let mut request = json!({
            "patient": "Patient/p-0",
            "medication": { "text": drug },
            "dosage": [{
                "text": "1 unit every 8 hours",
                "timing": { "repeat": { "frequency": 1, "period": 8, "periodUnit": "h" } },
                "doseAndRate": [{ "doseQuantity": { "value": 500, "unit": "mg" } }],
            }],
        });
        for (name, value) in more.as_object().unwrap() {
            request[name] = value.clone();
        }
        serde_json::from_value(request).unwrap()
    }

    pub async fn sign(&self, id: &str, drug: &str, more: Value) -> Result<OrderKept, MedsError> {
        self.sign_with(id, drug, more, &[], None).await
    }

    pub async fn sign_with(
        &self,
        id: &str,
        drug: &str,
        more: Value,
        overrides: &[Override],
        second: Option<Second>,
    ) -> Result<OrderKept, MedsError> {
        let request = self.request(drug, more);
        let cx = self.cx(Role::Physician);
        self.pharmacy.order(&cx, &fhir_id(id), &request, Some(overrides), second).await
    }

    pub async fn verify(&self, id: &str, product: &str) -> Result<OrderKept, MedsError> {
        let said = Verification {
            product: product.to_owned(),
            per_dose: Quantity::whole(1),
            substitution: None,
            overrides: Vec::new(),
        };
        self.pharmacy.verify(&self.cx(Role::Pharmacist), &fhir_id(id), &said, None).await
    }

    pub async fn dispense(&self, id: &str, n: u32, more: Value) -> Result<OrderKept, MedsError> {
        let mut said = json!({ "location": "pharmacy", "quantity": n });
        for (name, value) in more.as_object().unwrap() {
            said[name] = value.clone();
        }
        let said: Dispensing = serde_json::from_value(said).unwrap();
        self.pharmacy.dispense(&self.cx(Role::Pharmacist), &fhir_id(id), &said, None).await
    }

    pub async fn give(
        &self,
        id: &str,
        said: Giving,
        second: Option<Second>,
    ) -> Result<OrderKept, MedsError> {
        self.pharmacy.give(&self.cx(Role::Nurse), &fhir_id(id), &said, second).await
    }

    pub async fn read(&self, id: &str) -> OrderKept {
        self.pharmacy.read(&self.cx(Role::System), &fhir_id(id)).await.unwrap().0
    }

    /// Bodies of what a search finds.
    pub async fn search(&self, kind: &str, query: &str) -> Vec<Value> {
        let kind: ResourceType = kind.parse().unwrap();
        let cx = self.cx(Role::System);
        let reader = self.chart.reader(&cx, Interaction::new(AuditAction::Search));
        let found = values::search(&reader, kind, query, (1000, None)).unwrap();
        let bodies = found
            .hits
            .iter()
            .map(|hit| serde_json::from_slice(&reader.fetch(hit).unwrap().body).unwrap())
            .collect();
        reader.finish(AuditOutcome::Success).await.unwrap();
        bodies
    }

    /// Every promise that has to hold whatever happened: nothing is lost between the stock, the
    /// orders and the records that others read.
    pub async fn check(&self, orders: &[&str]) {
        let products = self.pharmacy.products(&self.cx(Role::System)).await.unwrap();
        let mut issued: BTreeMap<(String, String), Quantity> = BTreeMap::new();
        for (id, product) in &products {
            assert!(product.stock.is_conserved(), "{:?}", product.stock);
            for lot in &product.stock.lots {
                issued.insert((id.to_string(), lot.lot.clone()), lot.issued);
            }
        }
        let mut out: BTreeMap<(String, String), Quantity> = BTreeMap::new();
        for id in orders {
            let key = values::key(ResourceType::MEDICATION_REQUEST, &fhir_id(id));
            let Some(request) = self.chart.current(&key).unwrap() else { continue };
            assert!(!request.1);
            let kept = self.read(id).await;
            assert!(kept.supply.is_conserved(), "{:?}", kept.supply);
            let sum = |all: &mut dyn Iterator<Item = Quantity>| all.sum::<Quantity>();
            let by_dispenses = sum(&mut kept.dispenses.iter().map(|it| it.quantity));
            assert_eq!(by_dispenses, kept.supply.dispensed());
            let holds = |it: &&ward_pharmacy::order::DoseKept| it.state == dose::State::Given;
            let given = sum(&mut kept.doses.iter().filter(holds).map(|it| it.quantity));
            let administered = sum(&mut kept.supply.lots.iter().map(|it| it.administered));
            assert_eq!(given, administered);
            // Every record is there, and says the same.
            let query = format!("prescription=MedicationRequest/{id}");
            let dispensed = self.search("MedicationDispense", &query).await;
            assert_eq!(dispensed.len(), kept.dispenses.len());
            let query = format!("request=MedicationRequest/{id}");
            let doses = self.search("MedicationAdministration", &query).await;
            assert_eq!(doses.len(), kept.doses.len());
            let request = self.search("MedicationRequest", &format!("_id={id}")).await;
            assert_eq!(request[0]["status"], kept.state.fhir());
            for lot in &kept.supply.lots {
                let gone = lot.dispensed.checked_sub(lot.returned).unwrap();
                let all = out.entry((lot.product.clone(), lot.lot.clone())).or_default();
                *all = all.plus(gone);
            }
        }
        for (lot, n) in &issued {
            assert_eq!(out.get(lot).copied().unwrap_or_default(), *n, "{lot:?}");
        }
    }
}

pub fn gtin_of(product: &str) -> String {
    let body = match product {
        "cipro" => "0031234567890",
        "tiza" => "0031234567891",
        "morph" => "0031234567892",
        _ => "0031234567893",
    };
    let sum: u32 = body
        .chars()
        .rev()
        .enumerate()
        .map(|(n, c)| c.to_digit(10).unwrap() * if n % 2 == 0 { 3 } else { 1 })
        .sum();
    format!("{body}{}", (10 - sum % 10) % 10)
}

pub fn scan(product: &str, lot: &str) -> Option<String> {
    Some(format!("]d201{}17271231\u{1d}10{lot}", gtin_of(product)))
}

pub fn second(role: Role) -> Option<Second> {
    Some(Second { actor: ActorId::from_bytes([99; 16]), role })
}

pub fn fhir_id(text: &str) -> FhirId {
    text.parse().unwrap()
}

pub fn actor_of(role: Role) -> ActorId {
    let n = Role::ALL.iter().position(|it| *it == role).unwrap();
    ActorId::from_bytes([u8::try_from(n).unwrap() + 1; 16])
}

pub fn at(s: i64) -> Timestamp {
    Timestamp::from_second(1_790_000_000 + s).unwrap()
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
