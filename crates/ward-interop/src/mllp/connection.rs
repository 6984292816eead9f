//! One connection: blocks in, answers out, one after the other.

use std::{net::IpAddr, sync::Arc, time::Duration};

use tokio::{
    io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt},
    net::TcpStream,
    sync::watch,
    time::{Instant, timeout, timeout_at},
};
use tokio_rustls::TlsAcceptor;
use ward_hl7::mllp::{AfterEnd, Deframer, Event, Why, frame};

use crate::{
    contract::{Interface, Receiver, Taken},
    figures::OpenSource,
    listen::{Held, ListenSettings, RETIRED_MAX, RETIRED_SILENT, Room, Stop},
};

/// Bytes read at once.
/// LIMIT: a thousand connections that rest hold 8 MB.
const READ_BYTES: usize = 8 * 1024;

/// What all connections of a listener share.
pub(super) struct Shared {
    receiver: Receiver,
    /// As it is now: a message takes the one that stands when it has come whole.
    pub(super) interface: watch::Receiver<Arc<Interface>>,
    pub(super) settings: ListenSettings,
    room: Room,
}

/// Why a connection ends.
enum End {
    /// The peer went, or something between us.
    Peer,
    /// The peer sent what cannot be taken, or nothing for too long.
    Refused(&'static str),
    Stopped,
}

/// What ends the wait for bytes.
enum Woken {
    Read(std::io::Result<usize>),
    Retired,
    Stopped,
}

impl Shared {
    pub(super) fn new(
        receiver: Receiver,
        interface: watch::Receiver<Arc<Interface>>,
        settings: ListenSettings,
    ) -> Shared {
        let room = Room::new(settings.held_bytes, settings.block_bytes);
        Shared { receiver, interface, settings, room }
    }

    /// The interface as it is now.
    fn now(&self) -> Arc<Interface> {
        Arc::clone(&self.interface.borrow())
    }

    /// Tells that the listener is open, until what is answered is dropped.
    pub(super) fn open(&self, address: String) -> OpenSource {
        self.receiver.figures().open(&self.name(), address)
    }

    pub(super) fn name(&self) -> String {
        self.interface.borrow().name.clone()
    }
}

pub(super) async fn serve(
    shared: Arc<Shared>,
    stream: TcpStream,
    peer: IpAddr,
    tls: Option<TlsAcceptor>,
    stop: Stop,
) {
    let peer = peer.to_string();
    let end = match tls {
        None => run(&shared, stream, &peer, stop).await,
        Some(acceptor) => {
            let limit = Duration::from_secs(shared.settings.peer_s);
            match timeout(limit, acceptor.accept(stream)).await {
                Ok(Ok(stream)) => run(&shared, stream, &peer, stop).await,
                Ok(Err(error)) => {
                    let interface = shared.name();
                    tracing::warn!(%interface, %error, "TLS handshake failed");
                    return;
                }
                Err(_) => End::Refused("the handshake took too long"),
            }
        }
    };
    if let End::Refused(why) = end {
        tracing::warn!(interface = %shared.name(), why, "connection ended");
    }
}

async fn run<S>(shared: &Shared, mut stream: S, peer: &str, mut stop: Stop) -> End
where
    S: AsyncRead + AsyncWrite + Unpin,
{
    let settings = &shared.settings;
    let mut deframer = Deframer::new(settings.block_bytes, AfterEnd::MayReturn);
    let mut buffer = vec![0; READ_BYTES];
    // When the block at hand began, and its place in the common room.
    let mut begun: Option<Instant> = None;
    let mut room: Held = shared.room.place();
    let mut n_held = 0usize;
    // When another listener took the place of this one.
    let mut retired: Option<Instant> = None;
    loop {
        while let Some(event) = deframer.next() {
            if let Some(end) = take(shared, &mut stream, peer, event).await {
                return end;
            }
        }
        if !deframer.is_inside() {
            (begun, n_held) = (None, 0);
            room.clear();
        } else if begun.is_none() {
            begun = Some(Instant::now());
        }
        if begun.is_none() && retired.is_some_and(|at| RETIRED_MAX <= at.elapsed()) {
            return End::Stopped;
        }
        let deadline = match (begun, retired) {
            (Some(begun), _) => Some(begun + Duration::from_secs(settings.block_s)),
            (None, Some(retired)) => {
                Some((Instant::now() + RETIRED_SILENT).min(retired + RETIRED_MAX))
            }
            (None, None) if settings.idle_s == 0 => None,
            (None, None) => Some(Instant::now() + Duration::from_secs(settings.idle_s)),
        };
        // What does not fit into the common room is not read.
        if within(deadline, room.grow_to(n_held)).await.is_none() {
            return End::Refused("no room for the block");
        }
        let is_inside = begun.is_some();
        let mut replaced = stop.clone();
        let read = async {
            tokio::select! {
                // A block that has begun may end.
                () = stop.ended(), if !is_inside => Woken::Stopped,
                () = replaced.retired(), if retired.is_none() => Woken::Retired,
                read = stream.read(&mut buffer) => Woken::Read(read),
            }
        };
        let n = match within(deadline, read).await {
            None if is_inside => {
                deframer.finish();
                while let Some(event) = deframer.next() {
                    if let Event::Dropped(dropped) = event {
                        shared.receiver.quarantine(&shared.now(), peer, &dropped).await;
                    }
                }
                return End::Refused("a block took too long");
            }
            None if retired.is_some() => return End::Stopped,
            None => return End::Refused("silent for too long"),
            Some(Woken::Stopped) => return End::Stopped,
            Some(Woken::Retired) => {
                retired = Some(Instant::now());
                continue;
            }
            Some(Woken::Read(Err(_))) => 0,
            Some(Woken::Read(Ok(n))) => n,
        };
        if n == 0 {
            deframer.finish();
            while let Some(event) = deframer.next() {
                if take(shared, &mut stream, peer, event).await.is_some() {
                    break;
                }
            }
            return End::Peer;
        }
        n_held = n_held.saturating_add(n);
        deframer.push(buffer.get(..n).unwrap_or_default());
        // A block that will never be taken is not read to its end.
        if deframer.is_too_large() {
            deframer.finish();
        }
    }
}

/// Works on one event of the stream; answers whether the connection ends with it.
async fn take<S: AsyncWrite + Unpin>(
    shared: &Shared,
    stream: &mut S,
    peer: &str,
    event: Event,
) -> Option<End> {
    let block = match event {
        Event::Block(block) => block,
        Event::Dropped(dropped) => {
            shared.receiver.quarantine(&shared.now(), peer, &dropped).await;
            return match dropped.why {
                // Nothing that came is trusted any more.
                Why::TooLarge => Some(End::Refused("a block was too large")),
                Why::NoCarriageReturn | Why::EndOfStream | Why::NestedStart | Why::Outside => None,
            };
        }
    };
    match shared.receiver.take(&shared.now(), peer, &block).await {
        Taken::Silent => None,
        Taken::Close => Some(End::Refused("a message could not be taken")),
        Taken::Answers(answers) => {
            let mut out = Vec::new();
            for answer in answers {
                match frame(&answer) {
                    Some(framed) => out.extend(framed),
                    None => return Some(End::Refused("an answer cannot be framed")),
                }
            }
            let limit = Duration::from_secs(shared.settings.peer_s);
            match timeout(limit, write(stream, &out)).await {
                Ok(Ok(())) => None,
                Ok(Err(_)) => Some(End::Peer),
                Err(_) => Some(End::Refused("an answer was not taken")),
            }
        }
    }
}

async fn write<S: AsyncWrite + Unpin>(stream: &mut S, bytes: &[u8]) -> std::io::Result<()> {
    stream.write_all(bytes).await?;
    stream.flush().await
}

/// `None` past the deadline.
async fn within<T>(deadline: Option<Instant>, future: impl Future<Output = T>) -> Option<T> {
    match deadline {
        None => Some(future.await),
        Some(deadline) => timeout_at(deadline, future).await.ok(),
    }
}
