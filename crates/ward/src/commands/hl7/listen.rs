//! `ward hl7 listen`.

use std::{fs, net::SocketAddr, path::PathBuf, process::ExitCode, sync::Arc};

use jiff::tz::Offset;
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{TcpListener, TcpStream},
};
use ward_crypto::{OsRandom, Random};
use ward_hl7::{
    Dtm, Header, ReadSettings,
    ack::{AckCode, Reply},
    mllp::{AfterEnd, Deframer, Event, frame},
    time::Precision,
};

use crate::{Failure, commands::say};

/// Accepts every message and shows what came, without a chart: to try out a sender.
#[derive(clap::Args, Debug)]
pub struct ListenArgs {
    /// Address to listen on.
    #[arg(default_value = "127.0.0.1:2575")]
    address: SocketAddr,
    /// Folder that each message is written to, as it came.
    #[arg(long)]
    out: Option<PathBuf>,
    /// Answer with this code.
    #[arg(long, default_value = "AA")]
    code: String,
    /// Show the messages whole.
    #[arg(long)]
    show: bool,
    /// End after so many messages.
    #[arg(long)]
    count: Option<u64>,
}

/// Largest message shown, in bytes.
/// LIMIT: as of `ward serve`.
const BLOCK_BYTES_MAX: usize = 50 * 1024 * 1024;

pub async fn run(args: ListenArgs) -> Result<ExitCode, Failure> {
    let code = AckCode::from_code(&args.code)
        .ok_or_else(|| Failure::Usage("--code is AA, AE, AR, CA, CE or CR".to_owned()))?;
    let failed = |e| Failure::Io("listening", e);
    let listener = TcpListener::bind(args.address).await.map_err(failed)?;
    say(&format!("listening mllp://{}", listener.local_addr().map_err(failed)?))?;
    let args = Arc::new(args);
    let (told, mut came) = tokio::sync::mpsc::channel(1);
    let accepting = {
        let args = Arc::clone(&args);
        async move {
            loop {
                let Ok((stream, _)) = listener.accept().await else { continue };
                let (args, told) = (Arc::clone(&args), told.clone());
                tokio::spawn(async move { one(stream, &args, code, &told).await });
            }
        }
    };
    tokio::pin!(accepting);
    let mut n = 0u64;
    loop {
        let message = tokio::select! {
            () = &mut accepting => break,
            message = came.recv() => message,
        };
        let Some(message) = message else { break };
        n += 1;
        shown(&args, n, &message)?;
        if args.count == Some(n) {
            break;
        }
    }
    Ok(ExitCode::SUCCESS)
}

async fn one(
    mut stream: TcpStream,
    args: &ListenArgs,
    code: AckCode,
    told: &tokio::sync::mpsc::Sender<Vec<u8>>,
) {
    let mut deframer = Deframer::new(BLOCK_BYTES_MAX, AfterEnd::MayReturn);
    let mut buffer = vec![0; 16 * 1024];
    let mut n_answered = 0u64;
    loop {
        while let Some(event) = deframer.next() {
            let Event::Block(block) = event else { continue };
            let answer = answer(&block, code);
            if told.send(block).await.is_err() {
                return;
            }
            if let Some(answer) = answer.and_then(|answer| frame(&answer))
                && stream.write_all(&answer).await.is_err()
            {
                return;
            }
            n_answered += 1;
            if args.count == Some(n_answered) {
                let _ended = stream.shutdown().await;
            }
        }
        match stream.read(&mut buffer).await {
            Ok(n) if n != 0 => deframer.push(buffer.get(..n).unwrap_or_default()),
            _ => return,
        }
    }
}

fn answer(block: &[u8], code: AckCode) -> Option<Vec<u8>> {
    let header = Header::scan(block, &ReadSettings::default()).0?;
    let mut random = [0; 10];
    OsRandom::default().fill(&mut random).ok()?;
    let control_id: String = random.iter().map(|byte| format!("{byte:02X}")).collect();
    let now = Dtm::new(ward_web::now(), Offset::UTC, Precision::Second);
    Reply {
        code,
        control_id: &control_id,
        now,
        expected_sequence: None,
        is_exchange: false,
        problems: &[],
    }
    .to_bytes(&header)
    .ok()
}

fn shown(args: &ListenArgs, n: u64, message: &[u8]) -> Result<(), Failure> {
    let header = Header::scan(message, &ReadSettings::default()).0;
    let said = header.map_or_else(
        || "no message".to_owned(),
        |it| format!("{}^{} {}", it.message_code(), it.trigger_event(), it.control_id()),
    );
    say(&format!("{n}: {said}, {} bytes", message.len()))?;
    if args.show {
        for line in String::from_utf8_lossy(message).split('\r').filter(|line| !line.is_empty()) {
            say(&format!("  {line}"))?;
        }
    }
    if let Some(folder) = &args.out {
        let failed = |e| Failure::Io("writing a message", e);
        fs::create_dir_all(folder).map_err(failed)?;
        // Numbers only: what a message says does not belong into the name of a file.
        fs::write(folder.join(format!("{n:06}.hl7")), message).map_err(failed)?;
    }
    Ok(())
}
