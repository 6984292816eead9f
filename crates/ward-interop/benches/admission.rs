//! What a message costs in processor time, without sockets: how the machine is loaded matters less
//! for it than for any rate.
//!
//! ```text
//! cargo bench -p ward-interop --bench admission -- convert 5000
//! cargo bench -p ward-interop --bench admission -- keep 5000
//! cargo bench -p ward-interop --bench admission -- chart 5000
//! cargo bench -p ward-interop --bench admission -- update 5000
//! ```
//!
//! `convert` is the maps alone, `keep` a message that is only kept, `chart` an admission of a
//! patient whom nobody knows, `update` an A08 of one who is there. The last three send from 64
//! tasks at once.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::print_stdout,
    clippy::disallowed_methods,
    reason = "a benchmark has the clock of the machine, and stops at the first surprise"
)]

use std::{
    fs,
    sync::{
        Arc,
        atomic::{AtomicU32, Ordering},
    },
    time::Instant,
};

use jiff::Timestamp;
use ward_crypto::{OsRandom, Random, RootKeyFile};
use ward_hl7::{Message, ReadSettings};
use ward_interop::{
    contract::{Interface, Purpose, Receiver, Taken},
    convert::Converter,
};
use ward_policy::Policy;
use ward_store::{Chart, ChartOptions, StoreLimits};

/// Messages on their way at once.
const SENDERS: u32 = 64;

fn main() {
    let args: Vec<String> = std::env::args().skip(1).filter(|arg| !arg.starts_with("--")).collect();
    let what = args.first().map_or("convert", String::as_str);
    let n: u32 = args.get(1).map_or(1_000, |n| n.parse().expect("a number"));
    match what {
        "convert" => convert(n),
        _ => receive(what, n),
    }
}

fn convert(n: u32) {
    let converter = Converter::standard();
    let settings = ReadSettings::default();
    let now = Timestamp::from_second(1_800_000_000).unwrap();
    let run = |nth: u32| {
        let text = message("A01", nth);
        let (message, _) = Message::read(text.as_bytes(), &settings);
        converter.to_fhir(&message.unwrap(), now).resources.len()
    };
    let _warm = run(0);
    let before = cpu_ns();
    let n_resources: usize = (0..n).map(run).sum();
    report("convert", n, cpu_ns() - before, None);
    println!("{n_resources} resources");
}

fn receive(what: &str, n: u32) {
    let folder = tempfile::tempdir().unwrap();
    let root = folder.path().join("root");
    let random: Arc<dyn Random> = Arc::new(OsRandom::default());
    RootKeyFile::create(&root, None, random.as_ref()).unwrap();
    let options = ChartOptions {
        data: folder.path().join("data"),
        root: Arc::new(RootKeyFile::open(&root, None).unwrap()),
        random: Arc::clone(&random),
        policy: Arc::new(Policy::standard()),
        anchors: Vec::new(),
        limits: StoreLimits::default(),
    };
    let chart = Chart::init(options, Timestamp::now()).unwrap();
    let receiver = Receiver::new(
        chart,
        Converter::standard(),
        random,
        "http://localhost/fhir",
        Arc::new(Timestamp::now),
        Arc::new(|_| {}),
    );
    let mut interface = Interface::new("bench");
    if what == "keep" {
        interface.purpose = Purpose::Keep;
    }
    let interface = Arc::new(interface);
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build().unwrap();
    let send = |trigger: &'static str, from: u32, to: u32| {
        let next = Arc::new(AtomicU32::new(from));
        runtime.block_on(async {
            let mut tasks = tokio::task::JoinSet::new();
            for _ in 0..SENDERS {
                let (next, receiver) = (Arc::clone(&next), receiver.clone());
                let interface = Arc::clone(&interface);
                tasks.spawn(async move {
                    loop {
                        let nth = next.fetch_add(1, Ordering::Relaxed);
                        if to <= nth {
                            return;
                        }
                        let text = message(trigger, nth);
                        let taken = receiver.take(&interface, "bench", text.as_bytes()).await;
                        let Taken::Answers(answers) = taken else { panic!("no answer") };
                        let answer = String::from_utf8_lossy(answers.first().unwrap());
                        assert!(answer.contains("MSA|AA"), "{answer}");
                    }
                });
            }
            while tasks.join_next().await.is_some() {}
        });
    };
    send("A01", 0, 100);
    if what == "update" {
        send("A01", 100, 100 + n);
    }
    let (before, started) = (cpu_ns(), Instant::now());
    send(if what == "update" { "A08" } else { "A01" }, 100, 100 + n);
    report(what, n, cpu_ns() - before, Some(started.elapsed().as_secs_f64()));
}

fn report(what: &str, n: u32, cpu_ns: u64, elapsed_s: Option<f64>) {
    let us = f64::from(u32::try_from(cpu_ns / 100 / u64::from(n)).unwrap()) / 10.0;
    print!("{what}: {us:.1} us of processor time a message");
    match elapsed_s {
        Some(s) => println!(", {:.0} a second here", f64::from(n) / s),
        None => println!(),
    }
}

/// Processor time of all threads that are still there.
fn cpu_ns() -> u64 {
    let tasks = fs::read_dir("/proc/self/task").unwrap();
    let of_one = |task: fs::DirEntry| {
        let text = fs::read_to_string(task.path().join("schedstat")).ok()?;
        text.split(' ').next()?.parse::<u64>().ok()
    };
    tasks.filter_map(|task| of_one(task.ok()?)).sum()
}

/// An admission of a patient of its own, in one of 400 beds, by one of 25 doctors.
fn message(trigger: &str, n: u32) -> String {
    let (bed, room, ward, doctor) = (n % 2, n / 2 % 10, n / 20 % 20, n % 25);
    format!(
        "MSH|^~\\&|REG|HOSP|WARD|HOSP|20260101080000||ADT^{trigger}^ADT_A01|{trigger}{n:07}|P|2.5.1\r\
         EVN||20260101080000\r\
         PID|1||B{n:07}^^^HOSP^MR||Bench^Person{n}^Q||19700102|F|||1 Main St^^Springfield^IL^62701^USA^H||555-555-0100^PRN^PH|||M\r\
         NK1|1|Bench^Other|SPO^Spouse^HL70063||555-555-0101\r\
         PV1|1|I|W{ward}^10{room}^{bed}^HOSP||||12{doctor:02}^Doe^John^^^Dr.|||MED|||||||||V{n:07}^^^HOSP^VN\r\
         DG1|1||840539006^COVID-19^SCT||20260101080000|A\r"
    )
}
