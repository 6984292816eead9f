//! A patient's transaction: each step that needs no chart, then the whole of it into one.

#![allow(clippy::unwrap_used, reason = "a benchmark stops at the first surprise")]
#![allow(missing_docs, reason = "criterion's macros write undocumented items")]

use std::{hint::black_box, sync::Arc};

use criterion::{BatchSize, Criterion, Throughput, criterion_group, criterion_main};
use jiff::Timestamp;
use ward_core::{
    Actor, ActorKind, CareScope, Ctx, PurposeOfUse, ResourceType, Role,
    ids::{ActorId, TraceId},
};
use ward_crypto::{RootKeyVariable, SeededRandom};
use ward_fhir::{Json, search::extract, validate::validate};
use ward_policy::Policy;
use ward_records::Records;
use ward_store::{Chart, ChartOptions, StoreLimits};

/// How many patients the steps are measured on: about 1,000 resources.
const PATIENTS: u64 = 20;

fn steps(c: &mut Criterion) {
    let hospital = ward_sim::Hospital::new(1);
    let bundles: Vec<Vec<u8>> = (0..PATIENTS).map(|n| hospital.patient_bundle(n)).collect();
    let trees: Vec<Json<'_>> = bundles.iter().map(|bundle| Json::parse(bundle).unwrap()).collect();
    let resources: Vec<(ResourceType, &Json<'_>)> = trees
        .iter()
        .flat_map(|tree| tree.get("entry").unwrap().items())
        .map(|entry| {
            let resource = entry.get("resource").unwrap();
            (resource.get("resourceType").unwrap().as_str().unwrap().parse().unwrap(), resource)
        })
        .collect();

    let mut group = c.benchmark_group("step");
    group.throughput(Throughput::Elements(resources.len().try_into().unwrap()));
    group.bench_function("read", |b| {
        b.iter(|| bundles.iter().for_each(|it| drop(black_box(Json::parse(it).unwrap()))));
    });
    group.bench_function("clone", |b| {
        b.iter(|| resources.iter().for_each(|(_, it)| drop(black_box((*it).clone()))));
    });
    group.bench_function("validate", |b| {
        b.iter(|| {
            resources.iter().map(|(kind, it)| validate(it, Some(*kind)).len()).sum::<usize>()
        });
    });
    group.bench_function("extract", |b| {
        b.iter(|| resources.iter().map(|(kind, it)| extract(*kind, it).terms.len()).sum::<usize>());
    });
    group.bench_function("write", |b| {
        b.iter(|| resources.iter().map(|(_, it)| it.to_bytes().len()).sum::<usize>());
    });
    group.finish();
}

fn whole(c: &mut Criterion) {
    let folder = tempfile::tempdir().unwrap();
    let now = Timestamp::from_second(1_767_261_600).unwrap();
    // 32 zero bytes in base64: the root key of a benchmark.
    let root = RootKeyVariable::new("BENCH", "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=");
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
    let cx = Ctx {
        actor: Actor { id: ActorId::from_bytes([7; 16]), kind: ActorKind::Client },
        role: Role::Integration,
        purpose: PurposeOfUse::Treatment,
        care: CareScope::Everyone,
        now,
        trace: TraceId::from_bytes([8; 16]),
        source: Arc::from("bench"),
    };
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let hospital = ward_sim::Hospital::new(1);
    runtime.block_on(records.bundle(&cx, &hospital.base_bundle())).unwrap();
    let mut n = 0;
    let entries = |bundle: &[u8]| -> u64 {
        Json::parse(bundle).unwrap().get("entry").unwrap().items().len().try_into().unwrap()
    };
    let mut group = c.benchmark_group("whole");
    group.throughput(Throughput::Elements(
        (0..PATIENTS).map(|n| entries(&hospital.patient_bundle(n))).sum::<u64>(),
    ));
    group.sample_size(20);
    group.bench_function("transactions", |b| {
        b.iter_batched(
            || {
                let from = n;
                n += PATIENTS;
                (0..PATIENTS).map(|i| hospital.patient_bundle(from + i)).collect::<Vec<_>>()
            },
            |bundles| {
                for bundle in bundles {
                    runtime.block_on(records.bundle(&cx, &bundle)).unwrap();
                }
            },
            BatchSize::PerIteration,
        );
    });
    group.finish();
}

criterion_group!(benches, steps, whole);
criterion_main!(benches);
