//! Rows in and out of their seals.
//!
//! - Shape of a sealed column: codec 1 | sealed bytes. The codec is part of what the seal is bound
//!   to, as are tenant, scope, type, blind id, version and column.

use ward_core::{FhirId, Kind};
use ward_crypto::{Aad, CryptoFailed, OpenError, Random};

use crate::{
    RowHead,
    codec::{self, Codec, CodecError},
    keys::{KeyError, Keyring},
};

/// A sealed column did not open.
#[derive(Debug, thiserror::Error)]
pub enum SealError {
    #[error("the column is empty")]
    Empty,
    #[error("the column does not start with an id")]
    Id,
    #[error("the packed terms are damaged")]
    Terms,
    #[error("reading the key")]
    Key(#[source] KeyError),
    #[error("the seal does not open")]
    Open(#[source] OpenError),
    #[error("the codec failed")]
    Codec(#[source] CodecError),
    #[error("the cryptography library failed")]
    Crypto(#[source] CryptoFailed),
}

impl SealError {
    pub fn kind(&self) -> Kind {
        match self {
            SealError::Key(source) => source.kind(),
            _ => Kind::Bug,
        }
    }
}

macro_rules! from_sources {
    ($($variant:ident($source:ty)),+ $(,)?) => {$(
        impl From<$source> for SealError {
            fn from(source: $source) -> SealError {
                SealError::$variant(source)
            }
        }
    )+};
}

from_sources! { Key(KeyError), Open(OpenError), Codec(CodecError), Crypto(CryptoFailed) }

const TERMS: &str = "terms";
const BODY: &str = "body";

/// Appends the packed terms of a row to `out`. A row without terms has none.
pub(crate) fn open_terms(
    keyring: &Keyring,
    row: &RowHead,
    sealed: &[u8],
    out: &mut Vec<u8>,
) -> Result<(), SealError> {
    open(keyring, row, TERMS, sealed, out)
}

/// The id and the body of a row. A deleted row's body is empty.
pub(crate) fn open_body(
    keyring: &Keyring,
    row: &RowHead,
    sealed: &[u8],
) -> Result<(FhirId, Vec<u8>), SealError> {
    let mut plain = Vec::new();
    open(keyring, row, BODY, sealed, &mut plain)?;
    let len = plain.first().map_or(0, |len| usize::from(*len));
    let id = plain.get(1..=len).and_then(|id| std::str::from_utf8(id).ok());
    let id = id.and_then(|id| id.parse().ok()).ok_or(SealError::Id)?;
    plain.drain(..=len);
    Ok((id, plain))
}

/// The sealed form of packed terms.
pub(crate) fn terms(
    keyring: &Keyring,
    row: &RowHead,
    plain: &[u8],
    random: &dyn Random,
) -> Result<Vec<u8>, SealError> {
    seal(keyring, row, TERMS, Codec::TERMS, plain, random)
}

/// The sealed form of a body, with the id in front: the row itself only has it blinded.
///
/// - Shape: length 1 | id | body. The id costs next to nothing, as the body repeats it.
pub(crate) fn body(
    keyring: &Keyring,
    row: &RowHead,
    id: &FhirId,
    plain: &[u8],
    random: &dyn Random,
) -> Result<Vec<u8>, SealError> {
    let id = id.as_str().as_bytes();
    let mut with_id = Vec::with_capacity(1 + id.len() + plain.len());
    with_id.push(u8::try_from(id.len()).map_err(|_| SealError::Id)?);
    with_id.extend_from_slice(id);
    with_id.extend_from_slice(plain);
    seal(keyring, row, BODY, Codec::BODY, &with_id, random)
}

fn open(
    keyring: &Keyring,
    row: &RowHead,
    label: &'static str,
    sealed: &[u8],
    out: &mut Vec<u8>,
) -> Result<(), SealError> {
    let Some((number, sealed)) = sealed.split_first() else {
        // Only a tombstone has no terms; elsewhere a column was taken away.
        return if row.deleted && label == TERMS { Ok(()) } else { Err(SealError::Empty) };
    };
    let codec = Codec::from_number(*number).ok_or(SealError::Codec(CodecError::Unknown))?;
    let scope = keyring.sealing_scope(row);
    let key = keyring.data_key(&scope)?.ok_or(KeyError::Destroyed)?;
    let aad = Aad {
        tenant: keyring.tenant(),
        scope: &scope.0,
        kind: row.kind.number(),
        id: &row.kid,
        version: row.version,
        codec: codec.number(),
        label,
    };
    let mut packed = Vec::new();
    key.sealing().open_into(&aad, sealed, &mut packed)?;
    Ok(codec::decompress(codec, &packed, out)?)
}

fn seal(
    keyring: &Keyring,
    row: &RowHead,
    label: &'static str,
    codec: Codec,
    plain: &[u8],
    random: &dyn Random,
) -> Result<Vec<u8>, SealError> {
    if row.deleted && label == TERMS {
        return Ok(Vec::new());
    }
    let (codec, packed) = codec::compress(codec, plain)?;
    let scope = keyring.sealing_scope(row);
    let key = keyring.data_key(&scope)?.ok_or(KeyError::Destroyed)?;
    let aad = Aad {
        tenant: keyring.tenant(),
        scope: &scope.0,
        kind: row.kind.number(),
        id: &row.kid,
        version: row.version,
        codec: codec.number(),
        label,
    };
    let mut out = Vec::with_capacity(1 + packed.len() + ward_crypto::seal::OVERHEAD);
    out.push(codec.number());
    key.sealing().seal_into(&aad, &packed, random, &mut out)?;
    Ok(out)
}
