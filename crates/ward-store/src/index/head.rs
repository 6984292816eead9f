//! The entry of one record in the index: where its current version stands, and its sealed terms.

use smallvec::SmallVec;
use ward_core::ResourceType;

use crate::{RowHead, Seq, keys::Scope};

#[derive(Debug, thiserror::Error)]
pub enum HeadError {
    #[error("entry is shorter than its own header says")]
    Short,
    #[error("entry is of a kind this release does not know")]
    Kind,
}

/// A record's head as read back.
pub(crate) struct IndexHead {
    pub(crate) row: RowHead,
    pub(crate) sealed_terms: Vec<u8>,
}

const FLAG_RESTRICTED: u8 = 1;

/// Appends the entry.
///
/// - Shape: vid 8 | kid 16 | version 4 | seq 8 | kind 2 | updated 8 | flags 1 | n 1 | n x 16
///   pseudonyms | sealed terms. Numbers are big-endian.
pub(super) fn write(row: &RowHead, sealed_terms: &[u8], out: &mut Vec<u8>) {
    out.extend_from_slice(&row.vid.to_be_bytes());
    out.extend_from_slice(&row.kid);
    out.extend_from_slice(&row.version.to_be_bytes());
    out.extend_from_slice(&row.seq.0.to_be_bytes());
    out.extend_from_slice(&row.kind.number().to_be_bytes());
    out.extend_from_slice(&row.updated_us.to_be_bytes());
    out.push(if row.restricted { FLAG_RESTRICTED } else { 0 });
    // LIMIT: 255 compartments; the store refuses a record in more.
    let n = u8::try_from(row.patients.len()).unwrap_or(u8::MAX);
    out.push(n);
    for scope in row.patients.iter().take(usize::from(n)) {
        out.extend_from_slice(&scope.0);
    }
    out.extend_from_slice(sealed_terms);
}

impl IndexHead {
    pub(crate) fn read(rid: u64, bytes: &[u8]) -> Result<IndexHead, HeadError> {
        let mut rest = bytes;
        let vid = u64::from_be_bytes(take(&mut rest)?);
        let kid = take(&mut rest)?;
        let version = u32::from_be_bytes(take(&mut rest)?);
        let seq = Seq(u64::from_be_bytes(take(&mut rest)?));
        let kind = ResourceType::from_number(u16::from_be_bytes(take(&mut rest)?))
            .ok_or(HeadError::Kind)?;
        let updated_us = i64::from_be_bytes(take(&mut rest)?);
        let [flags, n] = take(&mut rest)?;
        let mut patients = SmallVec::new();
        for _ in 0..n {
            patients.push(Scope(take(&mut rest)?));
        }
        let row = RowHead {
            vid,
            rid,
            kid,
            version,
            seq,
            kind,
            patients,
            deleted: false,
            restricted: flags & FLAG_RESTRICTED != 0,
            updated_us,
        };
        Ok(IndexHead { row, sealed_terms: rest.to_vec() })
    }
}

fn take<const N: usize>(rest: &mut &[u8]) -> Result<[u8; N], HeadError> {
    let (head, tail) = rest.split_first_chunk::<N>().ok_or(HeadError::Short)?;
    *rest = tail;
    Ok(*head)
}
