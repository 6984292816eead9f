//! Reading a message and asking for a few values, beside two other readers in the same run.

#![allow(clippy::unwrap_used, reason = "a benchmark stops at the first surprise")]
#![allow(missing_docs, reason = "criterion's macros write undocumented items")]

use std::hint::black_box;

use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use ward_hl7::{
    Message, ReadSettings, Rules, Version,
    mllp::{AfterEnd, Deframer, frame},
    validate,
};

/// An admission of 14 segments.
const ADT: &str = include_str!("adt-a01.hl7");

/// A laboratory report of 30 observations.
fn oru() -> String {
    let mut text = include_str!("oru-r01.hl7").replace('\n', "\r");
    for n in 1..=30 {
        text.push_str(&format!(
            "OBX|{n}|NM|2345-7^Glucose [Mass/volume] in Serum^LN||{n}.5|mg/dL^^UCUM|70-105|H|||F|||20240311083{:02}+0100||1234^Weaver^Ada^^^Dr.\r",
            n % 60
        ));
    }
    text
}

fn run(c: &mut Criterion) {
    for (name, text) in [("adt", ADT.replace('\n', "\r")), ("oru", oru())] {
        let mut group = c.benchmark_group(name);
        group.throughput(Throughput::Bytes(text.len().try_into().unwrap()));
        let settings = ReadSettings::default();
        let path = "PID-5.1".parse().unwrap();
        group.bench_function("ward-hl7", |b| {
            b.iter(|| {
                let (message, _) = Message::read(black_box(text.as_bytes()), &settings);
                let message = message.unwrap();
                black_box(message.text_at(&path).map(|name| name.len()));
                message.n_segments()
            });
        });
        group.bench_function("mllp", |b| {
            b.iter(|| {
                let message = mllp::Message::parse(black_box(&text)).unwrap();
                black_box(message.field("PID-5").and_then(|it| it.component(1)).map(str::len));
                black_box(message.segments().len())
            });
        });
        group.bench_function("hl7-parser", |b| {
            b.iter(|| {
                let message = hl7_parser::Message::parse(black_box(&text)).unwrap();
                black_box(message.query("PID.5.1").map(|it| it.raw_value().len()));
                black_box(message.segments().count())
            });
        });
        let rules = Rules::standard(Version::V2_5_1);
        let message = Message::read(text.as_bytes(), &settings).0.unwrap();
        group.bench_function("validate", |b| b.iter(|| validate(black_box(&message), &rules)));
        let block = frame(text.as_bytes()).unwrap();
        group.bench_function("deframe", |b| {
            b.iter(|| {
                let mut deframer = Deframer::new(1 << 20, AfterEnd::MustReturn);
                deframer.push(black_box(&block));
                deframer.next()
            });
        });
        group.finish();
    }
}

criterion_group!(benches, run);
criterion_main!(benches);
