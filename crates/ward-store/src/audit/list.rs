//! Reading the audit log, newest first.

use rusqlite::params;
use ward_core::FhirId;

use super::{AuditEntry, LABEL, entry};
use crate::{
    error::ReadError,
    keys::{Keyring, Scope},
    seal::SealError,
    truth::{
        Truth, TruthError,
        rows::{limit, sql_int},
    },
};

/// Which entries. Everything that is `None` is not asked.
#[derive(Clone, Debug)]
pub struct AuditFilter {
    /// Entries that name this patient, as shown or written.
    pub patient: Option<FhirId>,
    pub since: Option<jiff::Timestamp>,
    /// Only entries with a lower number: where the page before this one ended.
    pub before: Option<u64>,
    pub limit: usize,
}

impl Default for AuditFilter {
    fn default() -> AuditFilter {
        AuditFilter {
            patient: None,
            since: None,
            before: None,
            limit: ward_core::limits::PAGE_DEFAULT,
        }
    }
}

/// One page of the log.
#[derive(Debug)]
pub struct AuditPage {
    pub entries: Vec<AuditEntry>,
    /// Where the next page starts; `None` on the last.
    pub next: Option<u64>,
}

/// Entries opened for one page, at most.
/// LIMIT: about a fifth of a second; a page that ends early says where.
const SCAN_MAX: usize = 100_000;

const STEP: usize = 512;

pub(crate) fn page(
    truth: &Truth,
    keyring: &Keyring,
    filter: &AuditFilter,
) -> Result<AuditPage, ReadError> {
    let wanted = filter.limit.min(ward_core::limits::PAGE_MAX);
    let scope = filter.patient.as_ref().map(|id| keyring.scope_of(id));
    let mut page = AuditPage { entries: Vec::new(), next: None };
    let mut before = filter.before.unwrap_or(u64::MAX);
    let mut n_read = 0;
    loop {
        let sealed = entries_before(truth, before, STEP)?;
        if sealed.is_empty() {
            return Ok(page);
        }
        for (n, bytes) in sealed {
            if page.entries.len() == wanted || SCAN_MAX <= n_read {
                page.next = Some(before);
                return Ok(page);
            }
            before = n;
            n_read += 1;
            let decoded = open(keyring, n, &bytes)?;
            let names = |scope: &Scope| {
                let target = decoded.draft.target.as_ref();
                decoded.draft.patients.binary_search(scope).is_ok()
                    || target.is_some_and(|key| {
                        key.kind == ward_core::ResourceType::PATIENT
                            && keyring.scope_of(&key.id) == *scope
                    })
            };
            let recent = filter.since.is_none_or(|since| since <= decoded.draft.time);
            if recent && scope.as_ref().is_none_or(names) {
                let mut patients = Vec::with_capacity(decoded.draft.patients.len());
                for scope in &decoded.draft.patients {
                    patients.extend(keyring.patient_of(scope)?);
                }
                page.entries.push(decoded.with_patients(n, patients));
            }
        }
    }
}

/// Opens entry `n`.
pub(crate) fn open(keyring: &Keyring, n: u64, sealed: &[u8]) -> Result<entry::Decoded, ReadError> {
    let plain = keyring
        .open_own(LABEL, u128::from(n), sealed)
        .map_err(|source| ReadError::Seal(SealError::Open(source)))?;
    entry::decode(&plain).ok_or(ReadError::Truth(TruthError::Row("audit entry")))
}

fn entries_before(truth: &Truth, before: u64, n: usize) -> Result<Vec<(u64, Vec<u8>)>, TruthError> {
    truth.read(|db| {
        let sql = "SELECT n, sealed FROM audit WHERE n < ?1 ORDER BY n DESC LIMIT ?2";
        let mut query = db.prepare_cached(sql)?;
        let rows = query
            .query_map(params![sql_int(before), limit(n)], |row| Ok((row.get(0)?, row.get(1)?)))?;
        Ok(rows.collect::<Result<_, _>>()?)
    })
}
