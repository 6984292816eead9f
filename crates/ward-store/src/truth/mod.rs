//! Truth: the system of record, append-only rows in SQLite.
//!
//! Reads run inline on a few read-only connections; the writer thread has the only connection
//! that writes.

mod cache;
pub(crate) mod rows;
pub(crate) mod schema;

use std::{
    collections::BTreeSet,
    path::{Path, PathBuf},
    sync::{Arc, Condvar, Mutex, PoisonError},
};

use rusqlite::{Connection, ErrorCode, OpenFlags, OptionalExtension, config::DbConfig, params};
use ward_core::{Kind, ResourceType};

pub(crate) use self::cache::Written;
use self::cache::{CacheFigures, RowCache};
pub(crate) use self::rows::{Row, RowFlags};
use crate::{
    RowHead, Seq,
    figures::Counters,
    keys::{KeyRow, Scope},
    message::control::{self, Newest},
    search::Past,
};

/// Truth could not be read or written.
#[derive(Debug, thiserror::Error)]
pub enum TruthError {
    #[error("the database failed")]
    Sqlite(#[from] rusqlite::Error),
    #[error("the database holds a row that cannot be: {0}")]
    Row(&'static str),
}

impl TruthError {
    pub fn kind(&self) -> Kind {
        match self {
            TruthError::Sqlite(source) => match source.sqlite_error_code() {
                Some(ErrorCode::DiskFull) => Kind::Full,
                _ => Kind::Unavailable,
            },
            TruthError::Row(_) => Kind::Bug,
        }
    }
}

/// The read side of truth.
pub(crate) struct Truth {
    path: PathBuf,
    idle: Mutex<Pool>,
    returned: Condvar,
    cache: RowCache,
    pub(crate) newest: Newest,
    pub(crate) counters: Counters,
}

struct Pool {
    idle: Vec<Connection>,
    n_open: usize,
    n_max: usize,
}

/// The tenant's row.
pub(crate) struct TenantRow {
    pub(crate) id: [u8; 16],
    pub(crate) version: u32,
    pub(crate) wrapped: Vec<u8>,
    pub(crate) wrapped_index: Vec<u8>,
    pub(crate) wrapped_signer: Vec<u8>,
    pub(crate) public_key: [u8; 32],
}

/// One commit, as the log says it.
#[derive(Clone, Copy, Debug)]
pub(crate) struct CommitRow {
    pub(crate) seq: Seq,
    pub(crate) first_vid: u64,
    pub(crate) n_versions: u64,
}

impl Truth {
    pub(crate) const FILE: &'static str = "truth.db";

    pub(crate) fn open(path: &Path, n_readers: usize) -> Truth {
        let pool = Pool { idle: Vec::new(), n_open: 0, n_max: n_readers.max(1) };
        Truth {
            path: path.to_owned(),
            idle: Mutex::new(pool),
            returned: Condvar::new(),
            cache: RowCache::default(),
            newest: Newest::default(),
            counters: Counters::default(),
        }
    }

    /// Runs `read` on a free connection, in one snapshot if it asks more than once.
    ///
    /// Never call it from within `read`: the pool is small.
    pub(crate) fn read<T>(
        &self,
        read: impl FnOnce(&Connection) -> Result<T, TruthError>,
    ) -> Result<T, TruthError> {
        let connection = self.take()?;
        let result = read(&connection);
        let mut pool = self.idle.lock().unwrap_or_else(PoisonError::into_inner);
        match &result {
            // A connection that failed may be broken; the next caller opens a fresh one.
            Err(TruthError::Sqlite(_)) => pool.n_open -= 1,
            _ => pool.idle.push(connection),
        }
        drop(pool);
        self.returned.notify_one();
        result
    }

    fn take(&self) -> Result<Connection, TruthError> {
        let mut pool = self.idle.lock().unwrap_or_else(PoisonError::into_inner);
        loop {
            if let Some(connection) = pool.idle.pop() {
                return Ok(connection);
            }
            if pool.n_open < pool.n_max {
                pool.n_open += 1;
                drop(pool);
                return open_reader(&self.path).inspect_err(|_| {
                    self.idle.lock().unwrap_or_else(PoisonError::into_inner).n_open -= 1;
                    self.returned.notify_one();
                });
            }
            pool = self.returned.wait(pool).unwrap_or_else(PoisonError::into_inner);
        }
    }

    /// The current version of a record.
    pub(crate) fn current(&self, kid: &[u8; 16]) -> Result<Option<Arc<Row>>, TruthError> {
        self.cache.current(kid, || self.read(|db| rows::current(db, kid)))
    }

    pub(crate) fn cache_figures(&self) -> CacheFigures {
        self.cache.figures()
    }

    /// The writer has written a batch.
    pub(crate) fn written(&self, units: impl Iterator<Item = Written>) {
        self.cache.written(units);
    }

    /// The writer does not know what reached the disk.
    pub(crate) fn doubt(&self) {
        self.cache.doubt();
    }

    /// One version of a record.
    pub(crate) fn version(&self, kid: &[u8; 16], ver: u32) -> Result<Option<Row>, TruthError> {
        self.read(|db| rows::version(db, kid, ver))
    }

    /// A version by its number in the table.
    pub(crate) fn by_vid(&self, vid: u64) -> Result<Option<Arc<Row>>, TruthError> {
        self.cache.row(vid, || self.read(|db| rows::by_vid(db, vid)))
    }

    /// The last commit.
    pub(crate) fn last_seq(&self) -> Result<Seq, TruthError> {
        self.read(rows::last_seq)
    }

    /// The commits after `seq` that wrote versions, oldest first.
    pub(crate) fn commits_after(
        &self,
        seq: Seq,
        limit: usize,
    ) -> Result<Vec<CommitRow>, TruthError> {
        self.read(|db| rows::commits_after(db, seq, limit))
    }

    /// The rows from `first_vid` on, oldest first.
    pub(crate) fn rows_from(&self, first_vid: u64, n: usize) -> Result<Vec<Row>, TruthError> {
        self.read(|db| rows::from_vid(db, first_vid, n))
    }

    /// Those of them that are of a wanted type; nothing is read of the others.
    pub(crate) fn rows_of(
        &self,
        first_vid: u64,
        n: usize,
        is_wanted: &dyn Fn(ResourceType) -> bool,
    ) -> Result<Vec<Row>, TruthError> {
        self.read(|db| rows::from_vid_of(db, first_vid, n, is_wanted))
    }

    pub(crate) fn key_row(&self, scope: &Scope) -> Result<Option<KeyRow>, TruthError> {
        self.read(|db| rows::key_row(db, scope))
    }

    pub(crate) fn destroyed_scopes(&self) -> Result<Vec<Scope>, TruthError> {
        self.read(|db| {
            let mut query =
                db.prepare("SELECT scope FROM scope_key WHERE destroyed_at IS NOT NULL")?;
            let scopes = query.query_map([], |row| row.get::<_, [u8; 16]>(0))?;
            Ok(scopes.map(|scope| scope.map(Scope)).collect::<Result<_, _>>()?)
        })
    }

    pub(crate) fn tenant(&self) -> Result<TenantRow, TruthError> {
        self.read(rows::tenant)
    }

    /// The largest `vid`, which is the number of versions.
    pub(crate) fn last_vid(&self) -> Result<u64, TruthError> {
        self.read(rows::last_vid)
    }
}

impl Past for Truth {
    fn rid_of(&self, kid: &[u8; 16]) -> Result<Option<u64>, TruthError> {
        self.read(|db| {
            let mut query =
                db.prepare_cached("SELECT rid FROM version WHERE kid = ?1 AND ver = 1")?;
            Ok(query.query_row([kid], |row| row.get(0)).optional()?)
        })
    }

    fn changed_since(&self, seq: Seq, limit: usize) -> Result<Option<BTreeSet<u64>>, TruthError> {
        self.read(|db| {
            let first = rows::commits_after(db, seq, 1)?;
            let Some(first) = first.first() else { return Ok(Some(BTreeSet::new())) };
            let mut query =
                db.prepare_cached("SELECT rid FROM version WHERE vid >= ?1 LIMIT ?2")?;
            let limit_rows = i64::try_from(limit).unwrap_or(i64::MAX).saturating_add(1);
            let rids = query
                .query_map(params![first.first_vid, limit_rows], |row| row.get::<_, u64>(0))?
                .collect::<Result<Vec<u64>, _>>()?;
            Ok((rids.len() <= limit).then(|| rids.into_iter().collect()))
        })
    }

    fn row(&self, vid: u64) -> Result<Option<Arc<Row>>, TruthError> {
        self.by_vid(vid)
    }

    fn row_at(&self, rid: u64, seq: Seq) -> Result<Option<(RowHead, Vec<u8>)>, TruthError> {
        self.read(|db| {
            let Some(first) = rows::by_vid(db, rid)? else { return Ok(None) };
            let row = rows::current_at(db, &first.head.kid, seq)?;
            Ok(row.map(|row| (row.head, row.terms)))
        })
    }
}

/// Opens the connection that writes.
pub(crate) fn open_writer(path: &Path, pages_max: Option<u32>) -> Result<Connection, TruthError> {
    let db = Connection::open_with_flags(
        path,
        OpenFlags::SQLITE_OPEN_READ_WRITE
            | OpenFlags::SQLITE_OPEN_CREATE
            | OpenFlags::SQLITE_OPEN_NO_MUTEX,
    )?;
    db.set_prepared_statement_cache_capacity(96);
    settle(&db)?;
    // Heard only while the file is empty: room that messages leave can be given back.
    db.execute_batch("PRAGMA auto_vacuum = INCREMENTAL")?;
    let mode: String = db.query_row("PRAGMA journal_mode = WAL", [], |row| row.get(0))?;
    if mode != "wal" {
        return Err(TruthError::Row("the file system cannot hold a write-ahead log"));
    }
    db.execute_batch(schema::WRITER)?;
    if let Some(pages) = pages_max {
        db.query_row(&format!("PRAGMA max_page_count = {pages}"), [], |_| Ok(()))?;
    }
    Ok(db)
}

/// Opens a connection beside the writer's that brings what is in the log to the file.
pub(crate) fn open_beside(path: &Path) -> Result<Connection, TruthError> {
    let db = Connection::open_with_flags(
        path,
        OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX,
    )?;
    settle(&db)?;
    db.execute_batch(schema::BESIDE)?;
    Ok(db)
}

/// Settings of every connection.
fn settle(db: &Connection) -> Result<(), TruthError> {
    // Without it a statement whose parameter the planner has looked at is prepared again each time
    // it is bound: a seventh of what a read by id cost.
    db.set_db_config(DbConfig::SQLITE_DBCONFIG_ENABLE_QPSG, true)?;
    Ok(db.execute_batch(schema::EVERY_CONNECTION)?)
}

/// A connection to nothing, to stand where one was taken from.
pub(crate) fn nothing() -> Result<Connection, TruthError> {
    Ok(Connection::open_in_memory()?)
}

/// Opens a connection that cannot write.
pub(crate) fn open_reader(path: &Path) -> Result<Connection, TruthError> {
    let db = Connection::open_with_flags(
        path,
        OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_NO_MUTEX,
    )?;
    db.set_prepared_statement_cache_capacity(32);
    settle(&db)?;
    db.execute_batch(schema::READER)?;
    Ok(db)
}

/// Makes the tables in an empty file.
pub(crate) fn create(db: &Connection, tenant: &TenantRow) -> Result<(), TruthError> {
    db.execute_batch("BEGIN IMMEDIATE")?;
    db.execute_batch(schema::TABLES)?;
    db.execute_batch(schema::MESSAGES)?;
    db.execute_batch(schema::NUMBERS)?;
    db.execute_batch(schema::FOUND_BY)?;
    db.execute_batch(schema::COUNTS)?;
    db.execute_batch(schema::RUNS)?;
    db.execute(
        "INSERT INTO tenant VALUES (1, ?1, ?2, ?3, ?4, ?5, ?6)",
        params![
            tenant.id,
            tenant.version,
            tenant.wrapped,
            tenant.wrapped_index,
            tenant.wrapped_signer,
            tenant.public_key
        ],
    )?;
    db.pragma_update(None, "user_version", schema::LAYOUT)?;
    db.execute_batch("COMMIT")?;
    Ok(())
}

/// Brings a file of an older layout to this release's, whole or not at all.
pub(crate) fn upgrade(db: &Connection) -> Result<(), TruthError> {
    let found: i64 = db.query_row("PRAGMA user_version", [], |row| row.get(0))?;
    if (1..schema::LAYOUT).contains(&found) {
        db.execute_batch("BEGIN IMMEDIATE")?;
        if found < 2 {
            db.execute_batch(schema::MESSAGES)?;
        }
        if found < 3 {
            db.execute_batch(schema::NUMBERS)?;
        }
        if found < 4 {
            db.execute_batch(schema::FOUND_BY)?;
        }
        if found < 5 {
            db.execute_batch(schema::COUNTS)?;
        }
        db.execute_batch(schema::RUNS)?;
        if 4 <= found {
            db.execute_batch(schema::IN_TREE)?;
        }
        control::bring_to_runs(db)?;
        db.pragma_update(None, "user_version", schema::LAYOUT)?;
        db.execute_batch("COMMIT")?;
    }
    Ok(())
}

/// Whether `kind` may come out of a history of everything.
pub(crate) fn is_public(kind: ResourceType) -> bool {
    kind.is_fhir()
}
