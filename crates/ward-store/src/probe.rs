//! What this machine can do at best: the bare engines, without anything of Ward's.
//!
//! `ward bench` prints these figures beside Ward's own, from the same run on the same disk.

use std::{
    fs::File,
    io::{self, Write},
    path::Path,
    time::{Duration, Instant},
};

use fjall::{Database, KeyspaceCreateOptions};
use rusqlite::Connection;

/// The figures of one probe.
#[derive(Clone, Copy, Debug)]
pub struct Probe {
    /// Time of one small write made durable.
    pub fdatasync: Duration,
    /// Rows appended to SQLite alone, durable, per second.
    pub truth_per_s: f64,
    /// Rows appended to SQLite with their keys put into the LSM tree, per second.
    pub truth_and_index_per_s: f64,
}

/// What is written in a probe.
#[derive(Clone, Copy, Debug)]
pub struct ProbeLoad {
    pub rows: u32,
    pub row_bytes: usize,
    pub keys_per_row: u32,
    pub rows_per_commit: u32,
}

#[derive(Debug, thiserror::Error)]
pub enum ProbeError {
    #[error("the disk failed")]
    Io(#[from] io::Error),
    #[error("SQLite failed")]
    Sqlite(#[from] rusqlite::Error),
    #[error("the index engine failed")]
    Index(#[from] fjall::Error),
}

/// Measures in `folder`, which must be on the disk in question and is left with the files made.
pub fn probe(folder: &Path, load: ProbeLoad) -> Result<Probe, ProbeError> {
    Ok(Probe {
        fdatasync: fdatasync(&folder.join("probe.sync"))?,
        truth_per_s: truth(&folder.join("probe-1.db"), None, load)?,
        truth_and_index_per_s: truth(
            &folder.join("probe-2.db"),
            Some(&folder.join("probe.index")),
            load,
        )?,
    })
}

const SYNCS: u32 = 200;

fn fdatasync(path: &Path) -> Result<Duration, ProbeError> {
    let mut file = File::create(path)?;
    let started = Instant::now();
    for _ in 0..SYNCS {
        file.write_all(&[7; 512])?;
        file.sync_data()?;
    }
    Ok(started.elapsed() / SYNCS)
}

fn truth(path: &Path, index: Option<&Path>, load: ProbeLoad) -> Result<f64, ProbeError> {
    let mut db = Connection::open(path)?;
    db.pragma_update(None, "journal_mode", "WAL")?;
    db.pragma_update(None, "synchronous", "FULL")?;
    db.execute("CREATE TABLE version (vid INTEGER PRIMARY KEY, body BLOB NOT NULL)", [])?;
    let index = match index {
        None => None,
        Some(folder) => {
            let db = Database::builder(folder).manual_journal_persist(true).open()?;
            let keys = db.keyspace("keys", KeyspaceCreateOptions::default)?;
            Some((db, keys))
        }
    };
    let mut noise = Noise(0x9e37_79b9_7f4a_7c15);
    let mut body = vec![0; load.row_bytes];
    let started = Instant::now();
    let mut row = 0;
    while row < load.rows {
        let commit = db.transaction()?;
        let mut batch = index.as_ref().map(|(db, _)| db.batch());
        {
            let mut insert =
                commit.prepare_cached("INSERT INTO version (vid, body) VALUES (?1, ?2)")?;
            for _ in 0..load.rows_per_commit.min(load.rows - row) {
                row += 1;
                noise.fill(&mut body);
                insert.execute((row, &body))?;
                if let (Some(batch), Some((_, keys))) = (&mut batch, &index) {
                    for _ in 0..load.keys_per_row {
                        let mut key = [0; 24];
                        noise.fill(&mut key);
                        batch.insert(keys, key, []);
                    }
                }
            }
        }
        commit.commit()?;
        if let Some(batch) = batch {
            batch.commit()?;
        }
    }
    Ok(f64::from(load.rows) / started.elapsed().as_secs_f64())
}

/// Bytes that do not compress, cheaply: a probe measures the engines, not a generator.
struct Noise(u64);

impl Noise {
    fn fill(&mut self, out: &mut [u8]) {
        for chunk in out.chunks_mut(8) {
            self.0 ^= self.0 << 13;
            self.0 ^= self.0 >> 7;
            self.0 ^= self.0 << 17;
            for (to, from) in chunk.iter_mut().zip(self.0.to_le_bytes()) {
                *to = from;
            }
        }
    }
}
