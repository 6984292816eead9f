//! From a record's terms to the blind keys it is found by.
//!
//! A posting is the key of one list of the index, without the record that stands in it. There are
//! two families: *population* lists, blinded with the tenant's key, and *patient* lists, which
//! start with the patient's pseudonym and are blinded with that patient's own key, so that they
//! lie together on disk and die with the key.

use ward_core::ResourceType;
use ward_crypto::TokenKey;
use ward_fhir::search::{IndexKey, Term, TermValue, index_keys, type_key};

use crate::keys::{KeyError, Keyring, Scope};

/// Bytes of a patient's pseudonym that lead a patient list.
const SCOPE_PREFIX: usize = 8;

/// The key of one list of the index.
///
#[derive(Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(crate) enum Posting {
    Population([u8; 8]),
    Patient([u8; SCOPE_PREFIX], [u8; 8]),
}

/// Every list that a record stands in, sorted and without doubles.
///
/// - Shape: `patients` are the compartments the record is in; the first is its sealing scope.
/// - Errors: a patient whose key is destroyed or cannot be unwrapped.
/// - Cost: one keyed hash of a short message per list.
pub(crate) fn derive(
    keyring: &Keyring,
    kind: ResourceType,
    patients: &[Scope],
    terms: &[Term],
) -> Result<Vec<Posting>, KeyError> {
    let mut postings = Vec::with_capacity(4 + 3 * terms.len() * (1 + patients.len()));
    let tenant = keyring.tenant_tokens();
    let mut keys: Vec<(u16, IndexKey)> = vec![(TYPE_PARAM, type_key())];
    for term in terms {
        index_keys(term, &mut |key| keys.push((term.param.0, key)));
    }
    let own = own_reference_keys(keyring, patients, terms);
    for (param, key) in &keys {
        if !own.contains(&(*param, key)) {
            postings.push(Posting::Population(blind(tenant, kind, *param, key)));
        }
    }
    for scope in patients {
        let data_key = keyring.data_key(scope)?.ok_or(KeyError::Destroyed)?;
        let tokens = data_key.tokens();
        // A Patient is found in its own compartment by type alone.
        let wanted = if kind == ResourceType::PATIENT { keys.get(..1) } else { keys.get(..) };
        for (param, key) in wanted.unwrap_or_default() {
            postings.push(Posting::Patient(scope.prefix(), blind(tokens, kind, *param, key)));
        }
    }
    postings.sort_unstable();
    postings.dedup();
    Ok(postings)
}

/// The population list of one key.
pub(crate) fn population(
    keyring: &Keyring,
    kind: ResourceType,
    param: u16,
    key: &IndexKey,
) -> Posting {
    Posting::Population(blind(keyring.tenant_tokens(), kind, param, key))
}

/// The list of one key within a patient's compartment; `None` when the patient has no key, and so
/// no records.
pub(crate) fn in_patient(
    keyring: &Keyring,
    scope: &Scope,
    kind: ResourceType,
    param: u16,
    key: &IndexKey,
) -> Result<Option<Posting>, KeyError> {
    let Some(data_key) = keyring.data_key(scope)? else { return Ok(None) };
    Ok(Some(Posting::Patient(scope.prefix(), blind(data_key.tokens(), kind, param, key))))
}

/// Stands where a parameter's number stands, for the list of all records of a type.
pub(crate) const TYPE_PARAM: u16 = u16::MAX;

fn blind(tokens: &TokenKey, kind: ResourceType, param: u16, key: &IndexKey) -> [u8; 8] {
    let mut message: smallvec::SmallVec<[u8; 64]> = smallvec::SmallVec::new();
    message.extend_from_slice(&kind.number().to_be_bytes());
    message.extend_from_slice(&param.to_be_bytes());
    message.extend_from_slice(key);
    tokens.token8_raw(&message)
}

/// Keys of references to the record's own patients. They get no population list: the patient
/// lists answer `patient=X`, and a list per patient that says how many records there are need not
/// exist twice.
fn own_reference_keys(keyring: &Keyring, patients: &[Scope], terms: &[Term]) -> OwnKeys {
    let mut own = OwnKeys(Vec::new());
    if patients.is_empty() {
        return own;
    }
    for term in terms {
        if let TermValue::Reference { kind: ResourceType::PATIENT, id, .. } = &term.value
            && let Ok(id) = id.parse()
            && patients.contains(&keyring.scope_of(&id))
        {
            index_keys(term, &mut |key| own.0.push((term.param.0, key)));
        }
    }
    own
}

struct OwnKeys(Vec<(u16, IndexKey)>);

impl OwnKeys {
    fn contains(&self, (param, key): &(u16, &IndexKey)) -> bool {
        self.0.iter().any(|(p, k)| p == param && k == *key)
    }
}
