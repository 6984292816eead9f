//! The audit log: one sealed entry for each interaction, in a Merkle log.
//!
//! An entry joins the commit it tells of. The log's leaves hash the sealed bytes, so that the
//! order and number of entries can be proven without opening one, and an entry names a digest of
//! the rows it wrote, so that the proof reaches the rows.

pub(crate) mod anchor;
mod entry;
pub(crate) mod list;
pub mod verify;

pub(crate) use self::entry::{AuditDraft, Wrote};
pub use self::{
    entry::AuditEntry,
    list::{AuditFilter, AuditPage},
};
use ward_crypto::merkle::{Hash, leaf_hash};

/// What the seal of an entry is bound to, besides its number.
pub(crate) const LABEL: &str = "audit";

/// The leaf of entry `n`.
///
/// - Source: RFC 6962, section 2.1, over the entry's number and its sealed bytes.
pub(crate) fn leaf(n: u64, sealed: &[u8]) -> Hash {
    let mut bytes = Vec::with_capacity(8 + sealed.len());
    bytes.extend_from_slice(&n.to_be_bytes());
    bytes.extend_from_slice(sealed);
    leaf_hash(&bytes)
}

/// What a log is called in its checkpoints.
pub(crate) fn origin(tenant: &[u8; 16]) -> String {
    let mut origin = "ward.audit/".to_owned();
    for byte in tenant {
        for nibble in [byte >> 4, byte & 15] {
            origin.push(char::from_digit(u32::from(nibble), 16).unwrap_or('0'));
        }
    }
    origin
}
