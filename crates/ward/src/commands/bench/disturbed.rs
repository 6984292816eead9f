//! What a sender of 500 messages a second feels while others misbehave or the house cleans up.

use std::{
    net::SocketAddr,
    path::Path,
    sync::Arc,
    time::{Duration, Instant},
};

use jiff::SignedDuration;
use tokio::{
    io::AsyncWriteExt,
    net::{TcpSocket, TcpStream},
    task::JoinSet,
    time::MissedTickBehavior,
};
use ward_crypto::OsRandom;
use ward_hl7::mllp::frame;
use ward_interop::contract::{Interface, Purpose, Receiver};

use super::{
    BenchError, Figure,
    client::Client,
    hl7::{admission, answer, rate},
    server::Server,
};
use crate::{commands::maps, open::Place};

/// Messages a second, as a large hospital has at its peak.
const PER_S: u32 = 500;
const CONNECTIONS: u32 = 8;
const SECONDS: u32 = 10;

/// Senders that send a byte a second, from so many addresses: one address has its own limit.
const N_SLOW: u32 = 500;
const SLOW_ADDRESSES: u8 = 4;

/// Messages from two days ago, and how many are put there at once.
const N_OLD: u32 = 60_000;
const OLD_AT_ONCE: u32 = 64;

/// How long the last of them may stay.
const PATIENCE_S: u32 = 120;

/// What the sender saw.
struct Felt {
    p50_ms: f64,
    p99_ms: f64,
    /// The longest time in which nobody heard anything.
    gap_ms: f64,
    n_failed: usize,
}

pub(super) async fn all(folder: &Path) -> Result<Vec<Figure>, BenchError> {
    let mut figures = slow_senders(&folder.join("slow")).await?;
    figures.extend(pruning(&folder.join("prune")).await?);
    Ok(figures)
}

/// A sender alone, then beside those who never end their messages.
async fn slow_senders(data: &Path) -> Result<Vec<Figure>, BenchError> {
    Server::prepare(data)?;
    let server = Server::start(data)?;
    // The first messages make what later ones find.
    paced(server.mllp, 0).await?;
    let alone = paced(server.mllp, 1).await?;
    let mut slow = JoinSet::new();
    for n in 0..N_SLOW {
        let last = 2 + u8::try_from(n % u32::from(SLOW_ADDRESSES)).unwrap_or(0);
        let mut stream = connect_from([127, 0, 0, last], server.mllp).await?;
        stream.write_all(b"\x0bMSH|^~\\&|SLOW").await.map_err(BenchError::Io)?;
        slow.spawn(async move {
            let mut tick = tokio::time::interval(Duration::from_secs(1));
            loop {
                tick.tick().await;
                if stream.write_all(b"A").await.is_err() {
                    return;
                }
            }
        });
    }
    let beside = paced(server.mllp, 2).await?;
    // Those who were sent away were not there to disturb.
    let mut n_gone = 0usize;
    while slow.try_join_next().is_some() {
        n_gone += 1;
    }
    slow.shutdown().await;
    server.stop()?;
    Ok(vec![
        alone.latency("p99 at 500/s", None),
        Figure {
            n_failed: beside.n_failed + n_gone,
            ..beside.latency("p99 at 500/s beside 500 slow senders", Some(1.5 * alone.p99_ms))
        },
    ])
}

/// A sender alone, then while as many old messages are taken away.
async fn pruning(data: &Path) -> Result<Vec<Figure>, BenchError> {
    Server::prepare(data)?;
    put_old_messages(data).await?;
    let server = Server::start(data)?;
    paced(server.mllp, 3).await?;
    let alone = paced(server.mllp, 4).await?;
    server.stop()?;
    let full = file_bytes(data)?;
    let server = Server::start_with(data, &[("WARD_HL7_KEEP_DAYS", "1")])?;
    let beside = paced(server.mllp, 5).await?;
    until_gone(&server).await?;
    server.stop()?;
    let rest = file_bytes(data)?;
    let mib = |name: &str, bytes: u64| Figure {
        value: f64::from(u32::try_from(bytes >> 10).unwrap_or(u32::MAX)) / 1024.0,
        unit: "MiB",
        ..Figure::rate(name, 0.0, None)
    };
    let gap = |name: &str, gap_ms, goal| Figure {
        value: gap_ms,
        unit: "ms",
        goal,
        ..Figure::rate(name, 0.0, None)
    };
    let goal = Some(2.0 * alone.p99_ms);
    Ok(vec![
        alone.latency("p99 at 500/s, 60,000 messages kept", None),
        gap("longest time without an acknowledgment", alone.gap_ms, None),
        beside.latency("p99 at 500/s while they are taken away", goal),
        gap("longest time without one while they are taken away", beside.gap_ms, goal),
        mib("file with them", full),
        mib("file without them, and 5,000 admissions more", rest),
    ])
}

impl Felt {
    fn latency(&self, name: &str, goal: Option<f64>) -> Figure {
        Figure {
            value: self.p99_ms,
            unit: "ms",
            p50_ms: Some(self.p50_ms),
            p99_ms: Some(self.p99_ms),
            n_failed: self.n_failed,
            goal,
            ..Figure::rate(name, 0.0, None)
        }
    }
}

/// Sends at a steady pace, whatever the answers do.
async fn paced(address: SocketAddr, round: usize) -> Result<Felt, BenchError> {
    let mut tasks = JoinSet::new();
    let started = Instant::now();
    for at in 0..CONNECTIONS {
        tasks.spawn(async move {
            let mut stream = TcpStream::connect(address).await?;
            stream.set_nodelay(true)?;
            let (mut times, mut ends, mut n_failed) = (Vec::new(), Vec::new(), 0);
            let mut buffer = vec![0; 4096];
            let step = Duration::from_secs(1) * CONNECTIONS / PER_S;
            // Not all at the same moment.
            let first = tokio::time::Instant::now() + step * at / CONNECTIONS;
            let mut tick = tokio::time::interval_at(first, step);
            tick.set_missed_tick_behavior(MissedTickBehavior::Burst);
            for n in 0..PER_S * SECONDS / CONNECTIONS {
                tick.tick().await;
                let block = frame(admission(round, n * CONNECTIONS + at).as_bytes());
                let sent = Instant::now();
                stream.write_all(&block.unwrap_or_default()).await?;
                let said = answer(&mut stream, &mut buffer).await?;
                times.push(sent.elapsed());
                ends.push(started.elapsed());
                n_failed += usize::from(memchr::memmem::find(&said, b"MSA|AA").is_none());
            }
            Ok::<_, std::io::Error>((times, ends, n_failed))
        });
    }
    let (mut times, mut ends, mut n_failed) = (Vec::new(), Vec::new(), 0);
    while let Some(task) = tasks.join_next().await {
        let (of_one, ends_of_one, failed) = task?.map_err(BenchError::Io)?;
        times.extend(of_one);
        ends.extend(ends_of_one);
        n_failed += failed;
    }
    ends.sort_unstable();
    let gaps = ends.windows(2).filter_map(|two| two.last()?.checked_sub(*two.first()?));
    let gap_ms = gaps.max().unwrap_or_default().as_secs_f64() * 1e3;
    let rate = rate(started.elapsed(), times, n_failed);
    Ok(Felt { p50_ms: rate.p50_ms, p99_ms: rate.p99_ms, gap_ms, n_failed })
}

async fn connect_from(from: [u8; 4], to: SocketAddr) -> Result<TcpStream, BenchError> {
    let socket = TcpSocket::new_v4().map_err(BenchError::Io)?;
    socket.bind(SocketAddr::from((from, 0))).map_err(BenchError::Io)?;
    socket.connect(to).await.map_err(BenchError::Io)
}

/// Keeps messages as they would have been kept two days ago.
async fn put_old_messages(data: &Path) -> Result<(), BenchError> {
    let unopened = |_| BenchError::Answer("the chart could not be opened");
    let place = Place {
        config: None,
        data: Some(data.to_owned()),
        keys: None,
        passphrase_file: None,
        anchor: None,
    };
    let chart = place.open().map_err(unopened)?;
    let age = SignedDuration::from_hours(48);
    let receiver = Receiver::new(
        chart.clone(),
        maps::converter(None, None).map_err(unopened)?,
        Arc::new(OsRandom::default()),
        "http://localhost/fhir",
        Arc::new(move || ward_web::now().checked_sub(age).unwrap_or_default()),
        Arc::new(|_| {}),
    );
    let interface = Interface { purpose: Purpose::Keep, ..Interface::new("mllp") };
    let mut tasks = JoinSet::new();
    for at in 0..OLD_AT_ONCE {
        let (receiver, interface) = (receiver.clone(), interface.clone());
        tasks.spawn(async move {
            for n in 0..N_OLD / OLD_AT_ONCE {
                let text = admission(9, n * OLD_AT_ONCE + at);
                let _kept = receiver.take(&interface, "bench", text.as_bytes()).await;
            }
        });
    }
    while let Some(task) = tasks.join_next().await {
        task?;
    }
    drop(receiver);
    chart.close(ward_web::now()).await;
    Ok(())
}

/// Waits until no old message is left.
async fn until_gone(server: &Server) -> Result<(), BenchError> {
    let day = SignedDuration::from_hours(24);
    let until = ward_web::now().checked_sub(day).unwrap_or_default();
    let path = format!("/api/messages?limit=1&until={until:.0}");
    let mut client = Client::connect(server.address, &server.token).await?;
    for _ in 0..PATIENCE_S {
        let said = client.get(&path).await?;
        if said.status == 200 && memchr::memmem::find(&said.body, b"controlId").is_none() {
            return Ok(());
        }
        tokio::time::sleep(Duration::from_secs(1)).await;
    }
    Err(BenchError::Answer("old messages are not taken away"))
}

fn file_bytes(data: &Path) -> Result<u64, BenchError> {
    std::fs::metadata(data.join("truth.db")).map(|it| it.len()).map_err(BenchError::Io)
}
