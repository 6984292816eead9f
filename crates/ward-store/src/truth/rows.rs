//! The statements of truth, one function each. They run on any connection.

use rusqlite::{Connection, OptionalExtension, params};
use smallvec::SmallVec;
use ward_core::ResourceType;

use super::{CommitRow, TenantRow, TruthError};
use crate::{
    RowHead, Seq,
    keys::{KeyRow, Scope},
    record::Method,
};

/// One row of `version`.
#[derive(Clone, Debug)]
pub(crate) struct Row {
    pub(crate) head: RowHead,
    pub(crate) method: Method,
    pub(crate) terms: Vec<u8>,
    pub(crate) body: Vec<u8>,
}

/// The `flags` column.
///
/// - Shape: 1 deleted, 2 restricted, then the method: 0 create, 4 update, 8 delete.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct RowFlags(pub(crate) u8);

impl RowFlags {
    pub(crate) fn new(method: Method, restricted: bool) -> RowFlags {
        let method_bits = match method {
            Method::Create => 0,
            Method::Update => 4,
            Method::Delete => 8 | 1,
        };
        RowFlags(method_bits | if restricted { 2 } else { 0 })
    }

    pub(crate) fn deleted(self) -> bool {
        self.0 & 1 != 0
    }

    pub(crate) fn restricted(self) -> bool {
        self.0 & 2 != 0
    }

    pub(crate) fn method(self) -> Method {
        match self.0 & 12 {
            0 => Method::Create,
            4 => Method::Update,
            _ => Method::Delete,
        }
    }
}

impl Row {
    pub(crate) fn flags(&self) -> RowFlags {
        RowFlags::new(self.method, self.head.restricted)
    }

    /// Digest of all that the row says but where it was put: what the audit log vouches for.
    pub(crate) fn content_digest(&self) -> [u8; 32] {
        let head = &self.head;
        let mut bytes = Vec::with_capacity(96 + self.terms.len() + self.body.len());
        bytes.extend_from_slice(&head.kid);
        bytes.extend_from_slice(&head.version.to_be_bytes());
        bytes.extend_from_slice(&head.kind.number().to_be_bytes());
        bytes.push(self.flags().0);
        bytes.extend_from_slice(&head.updated_us.to_be_bytes());
        for part in [patients_blob(&head.patients).as_slice(), &self.terms, &self.body] {
            let len = u64::try_from(part.len()).unwrap_or(u64::MAX);
            bytes.extend_from_slice(&len.to_be_bytes());
            bytes.extend_from_slice(part);
        }
        ward_crypto::sha256(&bytes)
    }
}

/// Digest of the rows of a commit, with their places.
#[derive(Default)]
pub(crate) struct RowsDigest(Vec<u8>);

impl RowsDigest {
    pub(crate) fn push(&mut self, head: &RowHead, content: &[u8; 32]) {
        self.0.extend_from_slice(&head.vid.to_be_bytes());
        self.0.extend_from_slice(&head.rid.to_be_bytes());
        self.0.extend_from_slice(&head.seq.0.to_be_bytes());
        self.0.extend_from_slice(content);
    }

    pub(crate) fn finish(&self) -> [u8; 32] {
        ward_crypto::sha256(&self.0)
    }
}

pub(crate) fn current(db: &Connection, kid: &[u8; 16]) -> Result<Option<Row>, TruthError> {
    let sql = "SELECT vid, rid, kid, ver, seq, kind, patients, flags, updated, terms, body \
               FROM version WHERE kid = ?1 ORDER BY ver DESC LIMIT 1";
    one(db.prepare_cached(sql)?.query_row([kid], read_row))
}

pub(crate) fn version(
    db: &Connection,
    kid: &[u8; 16],
    ver: u32,
) -> Result<Option<Row>, TruthError> {
    let sql = "SELECT vid, rid, kid, ver, seq, kind, patients, flags, updated, terms, body \
               FROM version WHERE kid = ?1 AND ver = ?2";
    one(db.prepare_cached(sql)?.query_row(params![kid, ver], read_row))
}

pub(crate) fn by_vid(db: &Connection, vid: u64) -> Result<Option<Row>, TruthError> {
    let sql = "SELECT vid, rid, kid, ver, seq, kind, patients, flags, updated, terms, body \
               FROM version WHERE vid = ?1";
    one(db.prepare_cached(sql)?.query_row([vid], read_row))
}

/// The version that was current after commit `seq`.
pub(crate) fn current_at(
    db: &Connection,
    kid: &[u8; 16],
    seq: Seq,
) -> Result<Option<Row>, TruthError> {
    let sql = "SELECT vid, rid, kid, ver, seq, kind, patients, flags, updated, terms, body \
               FROM version WHERE kid = ?1 AND seq <= ?2 ORDER BY ver DESC LIMIT 1";
    one(db.prepare_cached(sql)?.query_row(params![kid, seq.0], read_row))
}

pub(crate) fn from_vid(db: &Connection, vid: u64, n: usize) -> Result<Vec<Row>, TruthError> {
    from_vid_of(db, vid, n, &|_| true)
}

/// Of the `n` rows from `vid` on, those of a wanted type.
pub(crate) fn from_vid_of(
    db: &Connection,
    vid: u64,
    n: usize,
    is_wanted: &dyn Fn(ResourceType) -> bool,
) -> Result<Vec<Row>, TruthError> {
    let sql = "SELECT vid, rid, kid, ver, seq, kind, patients, flags, updated, terms, body \
               FROM version WHERE vid >= ?1 ORDER BY vid LIMIT ?2";
    let mut query = db.prepare_cached(sql)?;
    let mut found = query.query(params![vid, limit(n)])?;
    let mut rows = Vec::new();
    while let Some(row) = found.next()? {
        // A type that is not known is an error, and not passed by.
        let kind = ResourceType::from_number(row.get(5)?);
        if kind.is_none_or(is_wanted) {
            rows.push(read_row(row)??);
        }
    }
    Ok(rows)
}

/// The versions of one record below `before`, newest first.
pub(crate) fn history_of(
    db: &Connection,
    kid: &[u8; 16],
    before: u64,
    n: usize,
) -> Result<Vec<Row>, TruthError> {
    let sql = "SELECT vid, rid, kid, ver, seq, kind, patients, flags, updated, terms, body \
               FROM version WHERE kid = ?1 AND vid < ?2 ORDER BY ver DESC LIMIT ?3";
    many(db, sql, params![kid, sql_int(before), limit(n)])
}

/// The versions of one type below `before`, newest first.
pub(crate) fn history_of_type(
    db: &Connection,
    kind: ResourceType,
    before: u64,
    n: usize,
) -> Result<Vec<Row>, TruthError> {
    let sql = "SELECT vid, rid, kid, ver, seq, kind, patients, flags, updated, terms, body \
               FROM version WHERE kind = ?1 AND vid < ?2 ORDER BY vid DESC LIMIT ?3";
    many(db, sql, params![kind.number(), sql_int(before), limit(n)])
}

/// The versions of everything below `before`, newest first.
pub(crate) fn history_of_all(
    db: &Connection,
    before: u64,
    n: usize,
) -> Result<Vec<Row>, TruthError> {
    let sql = "SELECT vid, rid, kid, ver, seq, kind, patients, flags, updated, terms, body \
               FROM version WHERE vid < ?1 ORDER BY vid DESC LIMIT ?2";
    many(db, sql, params![sql_int(before), limit(n)])
}

pub(crate) fn insert(db: &Connection, row: &Row) -> Result<(), TruthError> {
    let head = &row.head;
    let sql = "INSERT INTO version (vid, rid, kid, ver, seq, kind, patients, flags, updated, \
               terms, body) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11)";
    db.prepare_cached(sql)?.execute(params![
        head.vid,
        head.rid,
        head.kid,
        head.version,
        head.seq.0,
        head.kind.number(),
        patients_blob(&head.patients),
        row.flags().0,
        head.updated_us,
        row.terms,
        row.body,
    ])?;
    Ok(())
}

/// Number and version of a record's current row, without reading it.
pub(crate) fn current_place(
    db: &Connection,
    kid: &[u8; 16],
) -> Result<Option<(u64, u32)>, TruthError> {
    let sql = "SELECT rid, ver FROM version WHERE kid = ?1 ORDER BY ver DESC LIMIT 1";
    let mut query = db.prepare_cached(sql)?;
    Ok(query.query_row([kid], |row| Ok((row.get(0)?, row.get(1)?))).optional()?)
}

pub(crate) fn last_seq(db: &Connection) -> Result<Seq, TruthError> {
    let sql = "SELECT coalesce(max(seq), 0) FROM commit_log";
    Ok(Seq(db.prepare_cached(sql)?.query_row([], |row| row.get(0))?))
}

pub(crate) fn last_vid(db: &Connection) -> Result<u64, TruthError> {
    let sql = "SELECT coalesce(max(vid), 0) FROM version";
    Ok(db.prepare_cached(sql)?.query_row([], |row| row.get(0))?)
}

pub(crate) fn commits_after(
    db: &Connection,
    seq: Seq,
    n: usize,
) -> Result<Vec<CommitRow>, TruthError> {
    let sql = "SELECT seq, first_vid, n_versions FROM commit_log WHERE seq > ?1 ORDER BY seq \
               LIMIT ?2";
    let mut query = db.prepare_cached(sql)?;
    let rows = query.query_map(params![sql_int(seq.0), limit(n)], |row| {
        Ok(CommitRow { seq: Seq(row.get(0)?), first_vid: row.get(1)?, n_versions: row.get(2)? })
    })?;
    Ok(rows.collect::<Result<_, _>>()?)
}

pub(crate) fn key_row(db: &Connection, scope: &Scope) -> Result<Option<KeyRow>, TruthError> {
    let sql = "SELECT tenant_version, wrapped, name, destroyed_at IS NOT NULL FROM scope_key \
               WHERE scope = ?1";
    let mut query = db.prepare_cached(sql)?;
    Ok(query
        .query_row([scope.0], |row| {
            Ok(KeyRow {
                tenant_version: row.get(0)?,
                wrapped: row.get(1)?,
                name: row.get(2)?,
                destroyed: row.get(3)?,
            })
        })
        .optional()?)
}

pub(crate) fn tenant(db: &Connection) -> Result<TenantRow, TruthError> {
    let sql = "SELECT id, version, wrapped, wrapped_index, wrapped_signer, public_key FROM tenant";
    Ok(db.query_row(sql, [], |row| {
        Ok(TenantRow {
            id: row.get(0)?,
            version: row.get(1)?,
            wrapped: row.get(2)?,
            wrapped_index: row.get(3)?,
            wrapped_signer: row.get(4)?,
            public_key: row.get(5)?,
        })
    })?)
}

pub(crate) fn patients_blob(patients: &[Scope]) -> Vec<u8> {
    patients.iter().flat_map(|scope| scope.0).collect()
}

/// A number as SQLite holds it; the largest stands for all beyond.
pub(crate) fn sql_int(n: u64) -> i64 {
    i64::try_from(n).unwrap_or(i64::MAX)
}

pub(crate) fn limit(n: usize) -> i64 {
    i64::try_from(n).unwrap_or(i64::MAX)
}

fn one(result: rusqlite::Result<Result<Row, TruthError>>) -> Result<Option<Row>, TruthError> {
    result.optional()?.transpose()
}

fn many(db: &Connection, sql: &str, params: impl rusqlite::Params) -> Result<Vec<Row>, TruthError> {
    let mut query = db.prepare_cached(sql)?;
    let rows = query.query_map(params, read_row)?;
    rows.map(|row| row?).collect()
}

fn read_row(row: &rusqlite::Row<'_>) -> rusqlite::Result<Result<Row, TruthError>> {
    let kind: u16 = row.get(5)?;
    let patients: Vec<u8> = row.get(6)?;
    let flags = RowFlags(row.get(7)?);
    let Some(kind) = ResourceType::from_number(kind) else {
        return Ok(Err(TruthError::Row("unknown type")));
    };
    let (scopes, []) = patients.as_chunks::<16>() else {
        return Ok(Err(TruthError::Row("patients of odd length")));
    };
    let head = RowHead {
        vid: row.get(0)?,
        rid: row.get(1)?,
        kid: row.get(2)?,
        version: row.get(3)?,
        seq: Seq(row.get(4)?),
        kind,
        patients: scopes.iter().map(|scope| Scope(*scope)).collect::<SmallVec<_>>(),
        deleted: flags.deleted(),
        restricted: flags.restricted(),
        updated_us: row.get(8)?,
    };
    Ok(Ok(Row { head, method: flags.method(), terms: row.get(9)?, body: row.get(10)? }))
}
