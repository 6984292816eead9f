//! Cuts files into pieces, on a thread of its own, no further ahead than the queue is long.

use std::{
    collections::{HashMap, HashSet},
    fs,
    io::{self, BufReader},
    mem,
    sync::Arc,
};

use tokio::{
    runtime::Handle,
    sync::{OwnedSemaphorePermit, Semaphore, mpsc},
};
use ward_core::{RecordKey, limits::BODY_BYTES_MAX};

use super::{
    bundle::{line_of, load_of},
    lines::{LINE_BYTES_MAX, Line, Lines},
    piece::{Item, Load, Piece, transaction_of},
    source::SourceFile,
};

/// Lines that go in one transaction.
/// LIMIT: one durable commit of a few milliseconds.
const LINES_PER_PIECE: usize = 200;

/// Bytes of lines that go in one transaction, about.
/// LIMIT: far below what the server takes as one body, even with one line of the largest size.
const BYTES_PER_PIECE: usize = 8 * 1024 * 1024;

/// Pieces that are read and wait to be loaded.
/// LIMIT: small ones are read faster than they are loaded.
const PIECES_AHEAD: usize = 16;

/// A piece with the room that it takes up.
pub(super) type Queued = (Piece, OwnedSemaphorePermit);

/// Starts the thread; the pieces come in order, `ahead_bytes` before they are loaded at most.
pub(super) fn start(
    files: Vec<SourceFile>,
    ahead_bytes: usize,
) -> io::Result<mpsc::Receiver<Queued>> {
    let (queue, pieces) = mpsc::channel(PIECES_AHEAD);
    let room = Arc::new(Semaphore::new(permits(ahead_bytes)));
    let mut cutter = Cutter {
        queue,
        room,
        ahead_bytes,
        runtime: Handle::current(),
        copies: HashMap::new(),
        at: (0, 0),
    };
    std::thread::Builder::new().name("ward-import".to_owned()).spawn(move || {
        for (at, file) in files.iter().enumerate() {
            cutter.at = (at.saturating_add(1), file.rank);
            // Whoever loads has stopped: so does reading.
            if cutter.file(file).is_err() {
                break;
            }
        }
    })?;
    Ok(pieces)
}

struct Gone;

struct Cutter {
    queue: mpsc::Sender<Queued>,
    room: Arc<Semaphore>,
    ahead_bytes: usize,
    runtime: Handle,
    /// How often each content came before.
    copies: HashMap<[u8; 32], u32>,
    /// Number and rank of the file.
    at: (usize, usize),
}

impl Cutter {
    fn file(&mut self, file: &SourceFile) -> Result<(), Gone> {
        let unreadable = |error: io::Error| format!("cannot be read: {}", error.kind());
        if file.is_lines() {
            return match fs::File::open(&file.path) {
                Ok(open) => self.lines(BufReader::with_capacity(1 << 20, open)),
                Err(error) => self.put(1, file.bytes, Err(unreadable(error))),
            };
        }
        // The server takes no more, and memory holds it whole.
        if u64::try_from(BODY_BYTES_MAX).is_ok_and(|max| max < file.bytes) {
            let why = format!("a JSON file has at most {BODY_BYTES_MAX} bytes");
            return self.put(1, file.bytes, Err(why));
        }
        let load = fs::read(&file.path).map_err(unreadable).and_then(|text| load_of(&text, 1));
        self.put(1, file.bytes, load)
    }

    fn lines(&mut self, reader: impl io::BufRead) -> Result<(), Gone> {
        let mut lines = Lines::new(reader, LINE_BYTES_MAX);
        let mut open = Open::default();
        loop {
            let line = match lines.next_line() {
                Ok(Some(line)) => line,
                Ok(None) => break,
                Err(error) => {
                    self.flush(&mut open, lines.bytes)?;
                    let why = format!("cannot be read: {}", error.kind());
                    self.put(lines.n.saturating_add(1), lines.bytes, Err(why))?;
                    break;
                }
            };
            let load = match &line {
                Line::TooLong => Err(format!("a line has at most {LINE_BYTES_MAX} bytes")),
                Line::Text(text) => match text_of(text, lines.n) {
                    [] => continue,
                    text => line_of(text, lines.n),
                },
            };
            match load {
                // A bundle on a line is loaded by itself.
                Ok(Load::Each(items)) if items.len() == 1 => {
                    for item in items {
                        if !open.fits(&item) {
                            self.flush(&mut open, lines.bytes)?;
                        }
                        open.add(item);
                    }
                }
                load => {
                    self.flush(&mut open, lines.bytes)?;
                    self.put(lines.n, lines.bytes, load)?;
                }
            }
        }
        self.flush(&mut open, lines.bytes)
    }

    fn flush(&mut self, open: &mut Open, bytes: u64) -> Result<(), Gone> {
        let Open { items, .. } = mem::take(open);
        match items.first().map(|item| item.line) {
            None => Ok(()),
            Some(line) => self.put(line, bytes, Ok(Load::Each(items))),
        }
    }

    /// Hands a piece over; waits for room.
    fn put(&mut self, line: usize, bytes: u64, load: Result<Load, String>) -> Result<(), Gone> {
        let (size, digest) = match &load {
            Err(_) => (0, None),
            Ok(Load::Whole(whole)) => (whole.text.len(), Some(ward_crypto::sha256(&whole.text))),
            Ok(Load::Each(items)) => {
                let text = transaction_of(items.iter().map(|item| item.entry.as_slice()));
                (2 * text.len(), Some(ward_crypto::sha256(&text)))
            }
        };
        let mut copy = 0;
        if let Some(digest) = digest {
            let n = self.copies.entry(digest).or_default();
            copy = *n;
            *n = n.saturating_add(1);
        }
        let (file, rank) = self.at;
        let piece = Piece { file, rank, line, bytes, copy, load };
        let wanted =
            u32::try_from(permits(size).min(permits(self.ahead_bytes))).unwrap_or(u32::MAX);
        let room = Arc::clone(&self.room).acquire_many_owned(wanted);
        let held = self.runtime.block_on(room).map_err(|_| Gone)?;
        self.queue.blocking_send((piece, held)).map_err(|_| Gone)
    }
}

/// Lines that wait to become a piece.
#[derive(Default)]
struct Open {
    items: Vec<Item>,
    keys: HashSet<RecordKey>,
    bytes: usize,
}

impl Open {
    /// A record is changed once in a transaction: its next version waits for the next piece.
    fn fits(&self, item: &Item) -> bool {
        self.items.len() < LINES_PER_PIECE
            && self.bytes < BYTES_PER_PIECE
            && item.key.as_ref().is_none_or(|key| !self.keys.contains(key))
    }

    fn add(&mut self, item: Item) {
        self.bytes = self.bytes.saturating_add(item.entry.len());
        self.keys.extend(item.key.clone());
        self.items.push(item);
    }
}

/// A line without the white space around it, and the first without its byte order mark.
fn text_of(text: &[u8], line: usize) -> &[u8] {
    let text = match text.strip_prefix(b"\xef\xbb\xbf") {
        Some(rest) if line == 1 => rest,
        _ => text,
    };
    text.trim_ascii()
}

/// Permits for so many bytes, a permit for each kilobyte.
fn permits(bytes: usize) -> usize {
    bytes / 1024 + 1
}
