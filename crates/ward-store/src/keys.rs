//! The keys of an open chart: the tenant's in memory, the patients' unwrapped when needed.
//!
//! A patient is known by a pseudonym (a *scope*) everywhere outside a seal. Its data key is made
//! with its first record and becomes durable in the same commit.

use std::{
    collections::{BTreeMap, HashMap, HashSet},
    sync::{Arc, Mutex, PoisonError, RwLock},
};

use quick_cache::sync::Cache;
use smallvec::SmallVec;
use ward_core::{FhirId, Kind, RecordKey, ResourceType};
use ward_crypto::{Aad, CryptoFailed, DataKey, OpenError, Random, Secret32, TenantKey, TokenKey};

use crate::{
    RowHead,
    truth::{Truth, TruthError},
};

/// The pseudonym of a patient, or of a shelf for records of nobody.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(crate) struct Scope(pub(crate) [u8; 16]);

impl Scope {
    /// What leads the patient's lists in the index.
    pub(crate) fn prefix(&self) -> [u8; 8] {
        let [a, b, c, d, e, f, g, h, ..] = self.0;
        [a, b, c, d, e, f, g, h]
    }
}

impl std::fmt::Debug for Scope {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Scope(..)")
    }
}

/// A key could not be had.
#[derive(Debug, thiserror::Error)]
pub enum KeyError {
    #[error("the patient's key was destroyed")]
    Destroyed,
    #[error("reading the key")]
    Truth(#[source] Box<TruthError>),
    #[error("the key does not unwrap")]
    Unwrap(#[source] OpenError),
    #[error("the key is wrapped under tenant key {0}, which is not here")]
    NoTenantKey(u32),
    #[error("the cryptography library failed")]
    Crypto(#[source] CryptoFailed),
    #[error("too many new patients at once")]
    TooManyNew,
}

impl KeyError {
    pub fn kind(&self) -> Kind {
        match self {
            KeyError::Destroyed => Kind::Gone,
            KeyError::Truth(source) => source.kind(),
            KeyError::TooManyNew => Kind::Busy,
            KeyError::Unwrap(_) | KeyError::NoTenantKey(_) | KeyError::Crypto(_) => Kind::Bug,
        }
    }
}

impl From<TruthError> for KeyError {
    fn from(source: TruthError) -> KeyError {
        KeyError::Truth(Box::new(source))
    }
}

impl From<CryptoFailed> for KeyError {
    fn from(source: CryptoFailed) -> KeyError {
        KeyError::Crypto(source)
    }
}

/// Most patients whose keys are made but not yet durable.
/// LIMIT: more than any one commit brings; the writer clears them as it commits.
const NEW_KEYS_MAX: usize = 100_000;

/// Every data key is of its first version; a new one would come with re-sealing.
const DATA_KEY_VERSION: u32 = 1;

/// Words whose tokens are kept.
/// LIMIT: the interfaces, their senders and the types of messages of a large site; some 100 KB.
const WORDS_MAX: usize = 1_024;

/// A data key that must become durable with the commit that first uses it.
#[derive(Clone)]
pub(crate) struct NewKey {
    pub(crate) scope: Scope,
    /// The patient's id, for the audit log; `None` for a shelf.
    pub(crate) patient: Option<FhirId>,
    secret: Arc<Secret32>,
    key: Arc<DataKey>,
}

/// The row of one data key.
pub(crate) struct KeyRow {
    pub(crate) tenant_version: u32,
    pub(crate) wrapped: Vec<u8>,
    pub(crate) name: Vec<u8>,
    pub(crate) destroyed: bool,
}

/// The keys of an open chart.
pub(crate) struct Keyring {
    truth: Arc<Truth>,
    /// Tokens, audit and cursor keys: the same through every rotation.
    fixed: TenantKey,
    /// The tenant keys by version; the last one wraps.
    tenants: RwLock<BTreeMap<u32, Arc<TenantKey>>>,
    cache: Cache<Scope, Arc<DataKey>>,
    new: Mutex<HashMap<Scope, NewKey>>,
    destroyed: RwLock<HashSet<Scope>>,
    /// Tokens of words that come again with every message.
    words: Cache<Box<[u8]>, [u8; 16]>,
}

impl Keyring {
    /// - Shape: `fixed` and `current` are the same tenant key, made twice.
    pub(crate) fn new(
        truth: Arc<Truth>,
        fixed: TenantKey,
        current: TenantKey,
        n_cached: usize,
    ) -> Result<Keyring, KeyError> {
        let destroyed = truth.destroyed_scopes()?.into_iter().collect();
        let tenants = BTreeMap::from([(current.version(), Arc::new(current))]);
        Ok(Keyring {
            truth,
            fixed,
            tenants: RwLock::new(tenants),
            cache: Cache::new(n_cached),
            new: Mutex::new(HashMap::new()),
            destroyed: RwLock::new(destroyed),
            words: Cache::new(WORDS_MAX),
        })
    }

    pub(crate) fn tenant(&self) -> &[u8; 16] {
        self.fixed.tenant()
    }

    /// What blinds population terms.
    pub(crate) fn tenant_tokens(&self) -> &TokenKey {
        self.fixed.tokens()
    }

    /// The token of a word that is nobody's and comes again and again.
    pub(crate) fn token_of_word(&self, label: &'static str, word: &[u8]) -> [u8; 16] {
        let mut key: SmallVec<[u8; 64]> = SmallVec::from_slice(label.as_bytes());
        key.push(0);
        key.extend_from_slice(word);
        if let Some(known) = self.words.get(key.as_slice()) {
            return known;
        }
        let token = self.fixed.tokens().token16(label, word);
        self.words.insert(key.into_boxed_slice(), token);
        token
    }

    /// The pseudonym of a patient.
    pub(crate) fn scope_of(&self, patient: &FhirId) -> Scope {
        Scope(self.fixed.tokens().token16("patient scope", patient.as_str().as_bytes()))
    }

    /// The blind id of a record.
    pub(crate) fn blind_id(&self, key: &RecordKey) -> [u8; 16] {
        self.fixed.tokens().blind_id(key.kind, key.id.as_str())
    }

    /// The scope a row is sealed under: its first patient, or the shelf of its type.
    pub(crate) fn sealing_scope(&self, row: &RowHead) -> Scope {
        row.patients.first().copied().unwrap_or_else(|| self.shelf(row.kind))
    }

    fn shelf(&self, kind: ResourceType) -> Scope {
        Scope(self.fixed.tokens().token16("shelf scope", &kind.number().to_be_bytes()))
    }

    /// The key of a scope; `None` when it never had one or it is destroyed.
    pub(crate) fn data_key(&self, scope: &Scope) -> Result<Option<Arc<DataKey>>, KeyError> {
        if let Some(key) = self.cache.get(scope) {
            return Ok(Some(key));
        }
        if let Some(new) = lock(&self.new).get(scope) {
            return Ok(Some(Arc::clone(&new.key)));
        }
        let Some(row) = self.truth.key_row(scope)?.filter(|row| !row.destroyed) else {
            return Ok(None);
        };
        let secret = self.unwrap(scope, &row)?;
        let key = Arc::new(DataKey::new(&secret, DATA_KEY_VERSION)?);
        // A key that is being destroyed still serves whoever takes its records out of the index,
        // but must not stay behind.
        if !self.is_destroyed(scope) {
            self.cache.insert(*scope, Arc::clone(&key));
        }
        Ok(Some(key))
    }

    pub(crate) fn is_destroyed(&self, scope: &Scope) -> bool {
        self.destroyed.read().unwrap_or_else(PoisonError::into_inner).contains(scope)
    }

    /// Makes sure that a row's scopes have keys; answers those that are not yet durable.
    pub(crate) fn ensure(
        &self,
        kind: ResourceType,
        patients: &[(Scope, FhirId)],
        random: &dyn Random,
        out: &mut Vec<NewKey>,
    ) -> Result<(), KeyError> {
        match patients {
            [] => self.ensure_one(self.shelf(kind), None, random, out),
            patients => patients
                .iter()
                .try_for_each(|(scope, id)| self.ensure_one(*scope, Some(id), random, out)),
        }
    }

    fn ensure_one(
        &self,
        scope: Scope,
        patient: Option<&FhirId>,
        random: &dyn Random,
        out: &mut Vec<NewKey>,
    ) -> Result<(), KeyError> {
        if self.is_destroyed(&scope) {
            return Err(KeyError::Destroyed);
        }
        // The cache also holds keys of rows only, so a hit is durable.
        if self.cache.get(&scope).is_some() || out.iter().any(|new| new.scope == scope) {
            return Ok(());
        }
        let mut pending = lock(&self.new);
        if let Some(new) = pending.get(&scope) {
            out.push(new.clone());
            return Ok(());
        }
        // Asked under the lock: whoever commits a key removes it from `new` only afterwards.
        if self.data_key_on_disk(&scope)? {
            return Ok(());
        }
        if NEW_KEYS_MAX <= pending.len() {
            // Left by refused commits; nobody else holds them.
            pending.retain(|_, new| 1 < Arc::strong_count(&new.secret));
            if NEW_KEYS_MAX <= pending.len() {
                return Err(KeyError::TooManyNew);
            }
        }
        let secret = Arc::new(Secret32::random(random)?);
        let key = Arc::new(DataKey::new(&secret, DATA_KEY_VERSION)?);
        let new = NewKey { scope, patient: patient.cloned(), secret, key };
        pending.insert(scope, new.clone());
        out.push(new);
        Ok(())
    }

    fn data_key_on_disk(&self, scope: &Scope) -> Result<bool, KeyError> {
        match self.truth.key_row(scope)? {
            None => Ok(false),
            Some(row) if row.destroyed => Err(KeyError::Destroyed),
            Some(_) => Ok(true),
        }
    }

    /// The row to write for a new key, wrapped under the tenant key of now.
    pub(crate) fn row_of(&self, new: &NewKey, random: &dyn Random) -> Result<KeyRow, KeyError> {
        let tenant = self.current()?;
        let wrapped = tenant.wrap(&new.scope.0, DATA_KEY_VERSION, &new.secret, random)?;
        let mut name = Vec::new();
        if let Some(patient) = &new.patient {
            let aad = self.aad(&new.scope.0, "patient id");
            self.fixed.audit().seal_into(&aad, patient.as_str().as_bytes(), random, &mut name)?;
        }
        Ok(KeyRow { tenant_version: tenant.version(), wrapped, name, destroyed: false })
    }

    /// A new key is durable.
    pub(crate) fn settled(&self, new: &NewKey) {
        self.cache.insert(new.scope, Arc::clone(&new.key));
        lock(&self.new).remove(&new.scope);
    }

    /// A key is about to be destroyed: nothing more is written or shown under it.
    pub(crate) fn block(&self, scope: &Scope) {
        self.destroyed.write().unwrap_or_else(PoisonError::into_inner).insert(*scope);
    }

    /// A key is destroyed; whoever asks from now on gets none.
    pub(crate) fn forget(&self, scope: &Scope) {
        self.block(scope);
        lock(&self.new).remove(scope);
        self.cache.remove(scope);
    }

    /// The id behind a patient's pseudonym, for the audit log.
    pub(crate) fn patient_of(&self, scope: &Scope) -> Result<Option<FhirId>, KeyError> {
        let Some(row) = self.truth.key_row(scope)?.filter(|row| !row.name.is_empty()) else {
            return Ok(None);
        };
        let mut plain = Vec::new();
        let aad = self.aad(&scope.0, "patient id");
        self.fixed.audit().open_into(&aad, &row.name, &mut plain).map_err(KeyError::Unwrap)?;
        Ok(std::str::from_utf8(&plain).ok().and_then(|id| id.parse().ok()))
    }

    /// The tenant key that wraps.
    pub(crate) fn current(&self) -> Result<Arc<TenantKey>, KeyError> {
        let tenants = self.tenants.read().unwrap_or_else(PoisonError::into_inner);
        tenants.last_key_value().map(|(_, key)| Arc::clone(key)).ok_or(KeyError::NoTenantKey(0))
    }

    /// A rotation is durable: `tenant` wraps from now on. Older versions stay until restart, for
    /// rows that were read before.
    pub(crate) fn rotated(&self, tenant: TenantKey) {
        let mut tenants = self.tenants.write().unwrap_or_else(PoisonError::into_inner);
        tenants.insert(tenant.version(), Arc::new(tenant));
    }

    /// The same key under another tenant key.
    pub(crate) fn rewrap(
        &self,
        scope: &Scope,
        row: &KeyRow,
        to: &TenantKey,
        random: &dyn Random,
    ) -> Result<Vec<u8>, KeyError> {
        let secret = self.unwrap(scope, row)?;
        Ok(to.wrap(&scope.0, DATA_KEY_VERSION, &secret, random)?)
    }

    fn unwrap(&self, scope: &Scope, row: &KeyRow) -> Result<Secret32, KeyError> {
        let tenant = {
            let tenants = self.tenants.read().unwrap_or_else(PoisonError::into_inner);
            tenants.get(&row.tenant_version).map(Arc::clone)
        };
        let tenant = tenant.ok_or(KeyError::NoTenantKey(row.tenant_version))?;
        tenant.unwrap(&scope.0, DATA_KEY_VERSION, &row.wrapped).map_err(KeyError::Unwrap)
    }

    /// Seals what belongs to the house rather than to a patient: audit entries, events, commands.
    /// `id` says where it stands.
    pub(crate) fn seal_own(
        &self,
        label: &'static str,
        id: u128,
        plain: &[u8],
        random: &dyn Random,
    ) -> Result<Vec<u8>, CryptoFailed> {
        let mut out = Vec::new();
        let id = id.to_be_bytes();
        self.fixed.audit().seal_into(&self.aad(&id, label), plain, random, &mut out)?;
        Ok(out)
    }

    /// Opens what [`Keyring::seal_own`] sealed.
    pub(crate) fn open_own(
        &self,
        label: &'static str,
        id: u128,
        sealed: &[u8],
    ) -> Result<Vec<u8>, OpenError> {
        let mut out = Vec::new();
        let id = id.to_be_bytes();
        self.fixed.audit().open_into(&self.aad(&id, label), sealed, &mut out)?;
        Ok(out)
    }

    /// Seals what is about a patient and is no record, so that it dies with the patient's key.
    /// `None` when the patient has no key.
    pub(crate) fn seal_for(
        &self,
        scope: &Scope,
        label: &'static str,
        id: u128,
        plain: &[u8],
        random: &dyn Random,
    ) -> Result<Option<Vec<u8>>, KeyError> {
        let Some(key) = self.data_key(scope)? else { return Ok(None) };
        let mut out = Vec::new();
        let id = id.to_be_bytes();
        let aad = Aad { scope: &scope.0, ..self.aad(&id, label) };
        key.sealing().seal_into(&aad, plain, random, &mut out)?;
        Ok(Some(out))
    }

    /// Opens what [`Keyring::seal_for`] sealed; `None` when the patient was destroyed.
    pub(crate) fn open_for(
        &self,
        scope: &Scope,
        label: &'static str,
        id: u128,
        sealed: &[u8],
    ) -> Result<Option<Vec<u8>>, KeyError> {
        if self.is_destroyed(scope) {
            return Ok(None);
        }
        let Some(key) = self.data_key(scope)? else { return Ok(None) };
        let mut out = Vec::new();
        let id = id.to_be_bytes();
        let aad = Aad { scope: &scope.0, ..self.aad(&id, label) };
        key.sealing().open_into(&aad, sealed, &mut out).map_err(KeyError::Unwrap)?;
        Ok(Some(out))
    }

    /// Seals a page cursor.
    pub(crate) fn seal_cursor(&self, random: &dyn Random, plain: &[u8]) -> Vec<u8> {
        let mut out = Vec::new();
        let sealed =
            self.fixed.cursor().seal_into(&self.aad(&[0; 16], "cursor"), plain, random, &mut out);
        // Without a cursor the page is the last; nothing wrong is given out.
        sealed.map(|()| out).unwrap_or_default()
    }

    pub(crate) fn open_cursor(&self, sealed: &[u8]) -> Option<Vec<u8>> {
        let mut out = Vec::new();
        self.fixed.cursor().open_into(&self.aad(&[0; 16], "cursor"), sealed, &mut out).ok()?;
        Some(out)
    }

    /// A lane of the command queue, blinded.
    pub(crate) fn lane(&self, name: &str) -> [u8; 16] {
        self.fixed.tokens().token16("lane", name.as_bytes())
    }

    fn aad<'a>(&'a self, id: &'a [u8; 16], label: &'static str) -> Aad<'a> {
        const NO_SCOPE: &[u8; 16] = &[0; 16];
        Aad { tenant: self.tenant(), scope: NO_SCOPE, kind: 0, id, version: 0, codec: 0, label }
    }
}

fn lock<T>(mutex: &Mutex<T>) -> std::sync::MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
