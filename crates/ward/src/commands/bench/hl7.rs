//! `ward bench --hl7`: durable acknowledgments over MLLP, beside what the disk and a bare group
//! commit can do.

use std::{
    io::Write,
    net::SocketAddr,
    path::Path,
    sync::{
        Arc,
        atomic::{AtomicU32, Ordering},
    },
    time::{Duration, Instant},
};

use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{TcpListener, TcpStream},
    task::JoinSet,
};
use ward_hl7::mllp::frame;
use ward_store::probe::{ProbeLoad, probe};

use super::{BenchArgs, BenchError, Figure, disturbed, load::count, server::Server};

/// Connections measured.
const CONNECTIONS: [u32; 3] = [1, 8, 64];

/// Versions that a message of a stay leaves in the chart, in the middle: four of an admission of
/// an unknown patient to a known bed, one of a discharge, and those that the stay's followers write.
const RECORDS_OF_ADMISSION: u32 = 5;

/// LIMIT: on one connection each message waits for the disk alone.
const MESSAGES_ALONE_MAX: u32 = 4_000;

pub(super) async fn all(args: &BenchArgs, folder: &Path) -> Result<Vec<Figure>, BenchError> {
    let mut figures = Vec::new();
    let rows_per_commit = 64 * RECORDS_OF_ADMISSION;
    let load = ProbeLoad { rows: 40_000, row_bytes: 600, keys_per_row: 12, rows_per_commit };
    let disk = probe(folder, load)?;
    let flushes_per_s = 1.0 / disk.fdatasync.as_secs_f64();
    figures.push(Figure::rate("raw fdatasync", flushes_per_s, None));
    let admissions_per_s = disk.truth_and_index_per_s / f64::from(RECORDS_OF_ADMISSION);
    figures.push(Figure::rate("bare rows and keys of an admission", admissions_per_s, None));
    let rate = flushed_in_place(&folder.join("in-place"), messages_of(args, 1)).await?;
    figures.push(Figure::rate("bare flush between two packets, 1 connection", rate.per_s, None));
    let mut bare = Vec::new();
    for n in CONNECTIONS {
        let rate =
            bare_group_commit(&folder.join(format!("bare-{n}")), n, messages_of(args, n)).await?;
        figures.push(Figure::rate(
            &format!("bare group commit, {n} connections"),
            rate.per_s,
            None,
        ));
        bare.push(rate.per_s);
    }
    let at = |n: usize| bare.get(n).copied().unwrap_or(0.0);
    let mut keep_64 = 0.0;
    for (mode, keep_only) in [("message kept", true), ("message kept and ADT in the chart", false)]
    {
        let data = folder.join(if keep_only { "keep" } else { "chart" });
        Server::prepare(&data)?;
        let keep = if keep_only { "true" } else { "false" };
        let server = Server::start_with(&data, &[("WARD_HL7_KEEP_ONLY", keep)])?;
        for (place, n) in CONNECTIONS.into_iter().enumerate() {
            let seen =
                load_with(server.mllp, n, messages_of(args, n), (&["A01", "A03"], place)).await?;
            let goal = match (keep_only, n) {
                (true, 1) => Some(0.9 * flushes_per_s),
                (true, 64) => Some(0.6 * at(2)),
                (false, 64) => Some(0.5 * keep_64),
                _ => None,
            };
            if keep_only && n == 64 {
                keep_64 = seen.per_s;
            }
            let name = format!("{mode}, {n} connections");
            figures.push(Figure {
                p50_ms: Some(seen.p50_ms),
                p99_ms: Some(seen.p99_ms),
                n_failed: seen.n_failed,
                ..Figure::rate(&name, seen.per_s, goal)
            });
        }
        if !keep_only {
            let n = 64;
            let seen = load_with(server.mllp, n, messages_of(args, n), (&["A08"], 2)).await?;
            let name = format!("A08 of a known patient, {n} connections");
            figures.push(Figure {
                p50_ms: Some(seen.p50_ms),
                p99_ms: Some(seen.p99_ms),
                n_failed: seen.n_failed,
                ..Figure::rate(&name, seen.per_s, Some(0.5 * keep_64))
            });
            figures.extend(endless_block(&server).await?);
        }
        server.stop()?;
    }
    figures.extend(disturbed::all(folder).await?);
    Ok(figures)
}

fn messages_of(args: &BenchArgs, connections: u32) -> u32 {
    if connections == 1 { args.requests.min(MESSAGES_ALONE_MAX) } else { args.requests }
}

/// Resident memory while a block that never ends is sent.
async fn endless_block(server: &Server) -> Result<Vec<Figure>, BenchError> {
    let before = server.resident_bytes();
    let mut stream = TcpStream::connect(server.mllp).await.map_err(BenchError::Io)?;
    let mut highest = before;
    let chunk = vec![b'A'; 1 << 20];
    stream.write_all(&[0x0b]).await.map_err(BenchError::Io)?;
    for _ in 0..200 {
        if stream.write_all(&chunk).await.is_err() {
            break;
        }
        highest = highest.max(server.resident_bytes());
    }
    let mib = |bytes: u64| f64::from(u32::try_from(bytes >> 10).unwrap_or(u32::MAX)) / 1024.0;
    let figure = |name: &str, value, goal| Figure {
        name: name.to_owned(),
        value,
        unit: "MiB",
        p50_ms: None,
        p99_ms: None,
        n_failed: 0,
        goal,
    };
    Ok(vec![
        figure("memory before an endless block", mib(before), None),
        // Twice the cap of a block and the buffers of connections, beside what was there.
        figure("memory with an endless block", mib(highest), Some(mib(before) + 2.0 * 50.0)),
    ])
}

impl Figure {
    pub(super) fn rate(name: &str, per_s: f64, goal: Option<f64>) -> Figure {
        Figure {
            name: name.to_owned(),
            value: per_s,
            unit: "/s",
            p50_ms: None,
            p99_ms: None,
            n_failed: 0,
            goal: goal.map(f64::round),
        }
    }
}

pub(super) struct Rate {
    per_s: f64,
    pub(super) p50_ms: f64,
    pub(super) p99_ms: f64,
    n_failed: usize,
}

/// Sends `n_messages` over `connections`, each waiting for its answer before the next: of each
/// patient every one of `events`, so that with A01 and A03 a bed is free when the next one comes.
async fn load_with(
    address: SocketAddr,
    connections: u32,
    n_messages: u32,
    (events, round): (&'static [&'static str], usize),
) -> Result<Rate, BenchError> {
    let next = Arc::new(AtomicU32::new(0));
    let n_patients = n_messages / u32::try_from(events.len()).unwrap_or(1);
    let mut tasks = JoinSet::new();
    let started = Instant::now();
    for _ in 0..connections {
        let next = Arc::clone(&next);
        tasks.spawn(async move {
            let mut stream = TcpStream::connect(address).await?;
            stream.set_nodelay(true)?;
            let (mut times, mut n_failed) = (Vec::new(), 0);
            let mut buffer = vec![0; 4096];
            loop {
                let n = next.fetch_add(1, Ordering::Relaxed);
                if n_patients <= n {
                    return Ok::<_, std::io::Error>((times, n_failed));
                }
                for event in events {
                    let block = frame(told(event, round, n).as_bytes()).unwrap_or_default();
                    let sent = Instant::now();
                    stream.write_all(&block).await?;
                    let answer = answer(&mut stream, &mut buffer).await?;
                    times.push(sent.elapsed());
                    n_failed += usize::from(memchr::memmem::find(&answer, b"MSA|AA").is_none());
                }
            }
        });
    }
    let (mut times, mut n_failed) = (Vec::new(), 0);
    while let Some(task) = tasks.join_next().await {
        let (of_one, failed) = task?.map_err(BenchError::Io)?;
        times.extend(of_one);
        n_failed += failed;
    }
    Ok(rate(started.elapsed(), times, n_failed))
}

pub(super) fn rate(elapsed: Duration, mut times: Vec<Duration>, n_failed: usize) -> Rate {
    times.sort_unstable();
    let at = |percent: usize| {
        let place = times.len().saturating_sub(1) * percent / 100;
        times.get(place).map_or(0.0, |time| time.as_secs_f64() * 1e3)
    };
    let per_s = count(times.len()) / elapsed.as_secs_f64();
    Rate { per_s, p50_ms: at(50), p99_ms: at(99), n_failed }
}

/// One block of the stream.
pub(super) async fn answer(stream: &mut TcpStream, buffer: &mut [u8]) -> std::io::Result<Vec<u8>> {
    let mut answer = Vec::new();
    while !answer.ends_with(&[0x1c, 0x0d]) {
        let n = stream.read(buffer).await?;
        if n == 0 {
            return Err(std::io::ErrorKind::UnexpectedEof.into());
        }
        answer.extend_from_slice(buffer.get(..n).unwrap_or_default());
    }
    Ok(answer)
}

/// An admission of a patient of its own, in one of 400 beds.
pub(super) fn admission(round: usize, n: u32) -> String {
    told("A01", round, n)
}

/// What an event tells of a patient and his stay.
fn told(event: &str, round: usize, n: u32) -> String {
    let mrn = format!("B{round}{n:07}");
    let (bed, room, ward, doctor) = (n % 2, n / 2 % 10, n / 20 % 20, n % 25);
    format!(
        "MSH|^~\\&|REG|HOSP|WARD|HOSP|20260101080000||ADT^{event}^ADT_A01|{event}{mrn}|P|2.5.1\r\
         EVN||20260101080000\r\
         PID|1||{mrn}^^^HOSP^MR||Bench^Person{n}^Q||19700102|F|||1 Main St^^Springfield^IL^62701^USA^H||555-555-0100^PRN^PH|||M\r\
         NK1|1|Bench^Other|SPO^Spouse^HL70063||555-555-0101\r\
         PV1|1|I|W{ward}^10{room}^{bed}^HOSP||||12{doctor:02}^Doe^John^^^Dr.|||MED|||||||||V{mrn}^^^HOSP^VN\r\
         DG1|1||840539006^COVID-19^SCT||20260101080000|A\r"
    )
}

/// The same exchange on one connection with nothing behind it but a file that the thread flushes
/// which reads and answers: what no receiver behind a socket can be faster than.
async fn flushed_in_place(path: &Path, n_messages: u32) -> Result<Rate, BenchError> {
    use std::io::Read;

    let mut file = std::fs::File::create(path).map_err(BenchError::Io)?;
    let listener = std::net::TcpListener::bind("127.0.0.1:0").map_err(BenchError::Io)?;
    let address = listener.local_addr().map_err(BenchError::Io)?;
    let receiver = std::thread::spawn(move || -> std::io::Result<()> {
        let (mut stream, _) = listener.accept()?;
        stream.set_nodelay(true)?;
        let mut buffer = vec![0; 4096];
        let mut block = Vec::new();
        loop {
            let n = stream.read(&mut buffer)?;
            if n == 0 {
                return Ok(());
            }
            block.extend_from_slice(buffer.get(..n).unwrap_or_default());
            if block.ends_with(&[0x1c, 0x0d]) {
                file.write_all(&block)?;
                file.sync_data()?;
                stream.write_all(b"\x0bMSH|^~\\&\rMSA|AA|1\r\x1c\r")?;
                block.clear();
            }
        }
    });
    let seen = load_with(address, 1, n_messages, (&["A01", "A03"], 9)).await?;
    let received = tokio::task::spawn_blocking(move || receiver.join()).await?;
    received
        .map_err(|_| BenchError::Answer("the receiver ended badly"))?
        .map_err(BenchError::Io)?;
    Ok(seen)
}

/// The same exchange with nothing behind it but a file and one thread that flushes it.
async fn bare_group_commit(
    path: &Path,
    connections: u32,
    n_messages: u32,
) -> Result<Rate, BenchError> {
    type Waiting = (Vec<u8>, tokio::sync::oneshot::Sender<()>);
    let (sender, receiver) = std::sync::mpsc::channel::<Waiting>();
    let mut file = std::fs::File::create(path).map_err(BenchError::Io)?;
    let syncer = std::thread::spawn(move || -> std::io::Result<()> {
        while let Ok((bytes, answer)) = receiver.recv() {
            file.write_all(&bytes)?;
            let mut answers = vec![answer];
            while let Ok((bytes, answer)) = receiver.try_recv() {
                file.write_all(&bytes)?;
                answers.push(answer);
            }
            file.sync_data()?;
            for answer in answers {
                // Whoever went away does not wait.
                let _gone = answer.send(());
            }
        }
        Ok(())
    });
    let listener = TcpListener::bind("127.0.0.1:0").await.map_err(BenchError::Io)?;
    let address = listener.local_addr().map_err(BenchError::Io)?;
    let serving = tokio::spawn(async move {
        let mut tasks = JoinSet::new();
        for _ in 0..connections {
            let Ok((mut stream, _)) = listener.accept().await else { return };
            let sender = sender.clone();
            tasks.spawn(async move {
                stream.set_nodelay(true)?;
                let mut buffer = vec![0; 4096];
                while let Ok(block) = answer(&mut stream, &mut buffer).await {
                    let (done, safe) = tokio::sync::oneshot::channel();
                    if sender.send((block, done)).is_err() || safe.await.is_err() {
                        break;
                    }
                    stream.write_all(b"\x0bMSH|^~\\&\rMSA|AA|1\r\x1c\r").await?;
                }
                Ok::<_, std::io::Error>(())
            });
        }
        drop(sender);
        while tasks.join_next().await.is_some() {}
    });
    let seen = load_with(address, connections, n_messages, (&["A01", "A03"], 9)).await?;
    serving.await?;
    let synced = tokio::task::spawn_blocking(move || syncer.join()).await?;
    synced.map_err(|_| BenchError::Answer("the syncer ended badly"))?.map_err(BenchError::Io)?;
    Ok(seen)
}
