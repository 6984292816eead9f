//! Reading and validating beside what others do, in one run: `cargo bench -p ward-hl7 --bench
//! readers` prints how many times faster.
//!
//! Each reader parses the same text and takes the same fields out of it; what they found is
//! compared. Rounds of all readers follow each other, so that a machine that changes its mind
//! changes it for all of them; the middle round counts.

#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::as_conversions,
    clippy::cast_precision_loss,
    clippy::print_stdout,
    reason = "a benchmark stops at the first surprise"
)]

use std::{
    hint::black_box,
    io::Write,
    path::PathBuf,
    process::{Command, Stdio},
    time::{Duration, Instant},
};

use ward_hl7::{Message, Path, ReadSettings, Rules, SegmentId, Version, validate};

const ROUNDS: usize = 7;
const ROUND: Duration = Duration::from_millis(300);

fn main() {
    println!("| message | reader | messages/s | Ward is faster by | goal |\n|---|---|---|---|---|");
    let report = {
        let mut text = include_str!("oru-r01.hl7").replace('\n', "\r");
        for n in 1..=30 {
            text.push_str(&format!(
                "OBX|{n}|NM|2345-7^Glucose [Mass/volume] in Serum^LN||{n}.5|mg/dL^^UCUM|70-105|H|||F|||202403110830{:02}+0100||1234^Weaver^Ada^^^Dr.\r",
                n % 60
            ));
        }
        text
    };
    let admission = include_str!("adt-a01.hl7").replace('\n', "\r");
    for (name, text) in [("ADT^A01", admission), ("ORU^R01", report)] {
        let name = format!("{name}, {} bytes", text.len());
        readers(&name, &text);
        validators(&name, &text);
    }
}

/// MSH-10, PID-3.1, PID-5.1 and every OBX-5, as the number of their bytes.
fn readers(name: &str, text: &str) {
    let ward = ward_reader();
    let mllp = |text: &str| {
        let message = mllp::Message::parse(text).unwrap();
        let part = |path: &str, n: usize| {
            message.field(path).and_then(|it| it.component(n)).map_or(0, str::len)
        };
        let of_obx = message.segments_named("OBX").filter_map(|it| it.field(5));
        part("MSH-10", 1)
            + part("PID-3", 1)
            + part("PID-5", 1)
            + of_obx.map(|it| it.value().len()).sum::<usize>()
    };
    let hl7_parser = |text: &str| {
        let message = hl7_parser::Message::parse(text).unwrap();
        let part = |path: &str| message.query(path).map_or(0, |it| it.raw_value().len());
        let of_obx = message.segments().filter(|it| it.name == "OBX").filter_map(|it| it.field(5));
        part("MSH.10")
            + part("PID.3.1")
            + part("PID.5.1")
            + of_obx.map(|it| it.raw_value().len()).sum::<usize>()
    };
    let expected = ward(text);
    assert_eq!((mllp(text), hl7_parser(text)), (expected, expected));
    let rates = measure(&[&|| ward(text), &|| mllp(text), &|| hl7_parser(text)]);
    row(name, "ward-hl7, parse and read", rates[0], None);
    row(name, "mllp", rates[1], Some((rates[0] / rates[1], 3.0)));
    row(name, "hl7-parser", rates[2], Some((rates[0] / rates[2], 10.0)));
    match python(text) {
        Some((rate, found)) => {
            assert_eq!(found, expected);
            row(name, "python-hl7", rate, Some((rates[0] / rate, 200.0)));
        }
        None => println!("!! SKIPPED: no Python with the hl7 package; run `cargo xtask setup`"),
    }
}

fn ward_reader() -> impl Fn(&str) -> usize {
    let settings = ReadSettings::default();
    let paths = ["MSH-10", "PID-3.1", "PID-5.1"].map(|it| it.parse::<Path>().unwrap());
    let obx = SegmentId::new(b"OBX").unwrap();
    move |text: &str| {
        let message = Message::read(text.as_bytes(), &settings).0.unwrap();
        let read = |path: &Path| message.text_at(path).map_or(0, |it| it.len());
        let of_obx = message.all(obx).filter_map(|it| it.field(5)?.text());
        paths.iter().map(read).sum::<usize>() + of_obx.map(|it| it.len()).sum::<usize>()
    }
}

/// Validation of a message that is parsed already, and of one that is not.
fn validators(name: &str, text: &str) {
    let settings = ReadSettings::default();
    let rules = Rules::standard(Version::V2_5_1);
    let own = Message::read(text.as_bytes(), &settings).0.unwrap();
    let other = hl7_2::parse(text).unwrap();
    let rates = measure(&[
        &|| validate(&own, &rules).problems.len(),
        &|| other.validate().len(),
        &|| {
            let message = Message::read(text.as_bytes(), &settings).0.unwrap();
            validate(&message, &rules).problems.len()
        },
        &|| hl7_2::parse(text).unwrap().validate().len(),
    ]);
    row(name, "ward-hl7, validate", rates[0], None);
    row(name, "hl7-2, validate", rates[1], Some((rates[0] / rates[1], 20.0)));
    row(name, "ward-hl7, parse and validate", rates[2], None);
    row(name, "hl7-2, parse and validate", rates[3], Some((rates[2] / rates[3], 20.0)));
}

/// Calls per second of each, by the middle one of their rounds.
fn measure(all: &[&dyn Fn() -> usize]) -> Vec<f64> {
    let mut rates = vec![Vec::new(); all.len()];
    for _ in 0..ROUNDS {
        for (one, rates) in all.iter().zip(&mut rates) {
            let (started, mut n) = (Instant::now(), 0u32);
            while started.elapsed() < ROUND {
                for _ in 0..16 {
                    black_box(one());
                }
                n += 16;
            }
            rates.push(f64::from(n) / started.elapsed().as_secs_f64());
        }
    }
    let middle = |mut rates: Vec<f64>| {
        rates.sort_by(f64::total_cmp);
        rates[rates.len() / 2]
    };
    rates.into_iter().map(middle).collect()
}

/// python-hl7 in a process of its own, with its own clock: starting it does not count.
fn python(text: &str) -> Option<(f64, usize)> {
    let script = "\
import sys, time, hl7
text = sys.stdin.buffer.read().decode()
def read():
    message = hl7.parse(text)
    n = len(message['MSH.F10']) + len(message['PID.F3.R1.C1']) + len(message['PID.F5.R1.C1'])
    try:
        return n + sum(len(str(it[5])) for it in message.segments('OBX'))
    except KeyError:
        return n
rates = []
for _ in range(7):
    started, n = time.perf_counter(), 0
    while time.perf_counter() - started < 0.3:
        read()
        n += 1
    rates.append(n / (time.perf_counter() - started))
print(sorted(rates)[3], read())
";
    let beside = || {
        let target = std::env::current_exe().ok()?.ancestors().nth(3)?.to_owned();
        Some(target.join("clients/bin/python"))
    };
    let python = std::env::var_os("WARD_PYTHON").map(PathBuf::from).or_else(beside)?;
    let mut child = Command::new(python)
        .args(["-c", script])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .ok()?;
    child.stdin.take()?.write_all(text.as_bytes()).ok()?;
    let said = child.wait_with_output().ok().filter(|it| it.status.success())?;
    let said = String::from_utf8(said.stdout).ok()?;
    let (rate, found) = said.trim().split_once(' ')?;
    Some((rate.parse().ok()?, found.parse().ok()?))
}

fn row(message: &str, reader: &str, rate: f64, against: Option<(f64, f64)>) {
    let (times, goal) = match against {
        None => (String::new(), String::new()),
        Some((times, goal)) => (format!("{times:.1} x"), format!("{goal:.0} x")),
    };
    println!("| {message} | {reader} | {rate:.0} | {times} | {goal} |");
}
