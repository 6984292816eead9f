//! What the house may know of a record without reading it.

use ward_core::{FhirId, RecordKey};
use ward_policy::Policy;

use crate::{Chart, ReadError};

impl Chart {
    /// The current version's number, and whether it is a deletion; `None` when there never was
    /// one.
    ///
    /// - Audit: none. It shows nothing of a record; the commit that follows asks the policy.
    pub fn current(&self, key: &RecordKey) -> Result<Option<(u32, bool)>, ReadError> {
        let kid = self.inner.keyring.blind_id(key);
        let row = self.inner.truth.current(&kid)?;
        Ok(row.map(|row| (row.head.version, row.head.deleted)))
    }

    /// An id that belongs to `parts` alone: the same whenever it is asked for, and telling nobody
    /// what it was made of.
    pub fn derived_id(&self, parts: &[&str]) -> FhirId {
        FhirId::derived(self.derived(parts))
    }

    /// Sixteen bytes that belong to `parts` alone.
    pub fn derived(&self, parts: &[&str]) -> [u8; 16] {
        let mut bytes = Vec::new();
        for part in parts {
            bytes.extend_from_slice(&u64::try_from(part.len()).unwrap_or(u64::MAX).to_be_bytes());
            bytes.extend_from_slice(part.as_bytes());
        }
        self.inner.keyring.tenant_tokens().token16("derived id", &bytes)
    }

    /// The policy that every call is asked of.
    pub fn policy(&self) -> &Policy {
        &self.inner.policy
    }
}
