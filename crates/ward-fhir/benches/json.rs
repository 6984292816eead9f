//! Reading, writing and validating, beside serde_json in the same run.

#![allow(clippy::unwrap_used, reason = "a benchmark stops at the first surprise")]
#![allow(missing_docs, reason = "criterion's macros write undocumented items")]

use std::hint::black_box;

use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use ward_fhir::{Json, validate::validate};

/// An observation of about 1.2 KB.
const OBSERVATION: &str = include_str!("observation.json");

/// How many observations the bundle has: about 1.2 MB.
const ENTRIES: usize = 1_000;

fn run(c: &mut Criterion) {
    let bundle = format!(
        r#"{{"resourceType":"Bundle","type":"collection","entry":[{}]}}"#,
        vec![format!(r#"{{"resource":{OBSERVATION}}}"#); ENTRIES].join(",")
    );
    let tree = Json::parse(bundle.as_bytes()).unwrap();

    let mut group = c.benchmark_group("bundle");
    group.throughput(Throughput::Bytes(bundle.len().try_into().unwrap()));
    group.bench_function("read", |b| b.iter(|| Json::parse(black_box(bundle.as_bytes()))));
    group.bench_function("read/serde_json", |b| {
        b.iter(|| serde_json::from_slice::<serde_json::Value>(black_box(bundle.as_bytes())));
    });
    group.bench_function("write", |b| b.iter(|| black_box(&tree).to_bytes()));
    group.bench_function("validate", |b| b.iter(|| validate(black_box(&tree), None)));
    group.finish();

    let observation = Json::parse(OBSERVATION.as_bytes()).unwrap();
    c.bench_function("observation/validate", |b| {
        b.iter(|| validate(black_box(&observation), None));
    });
}

criterion_group!(benches, run);
criterion_main!(benches);
