//! What the house may know of a record without reading it.

use ward_core::{Ctx, FhirId, RecordKey};
use ward_policy::{Action, Policy};

use crate::{Chart, ReadError, access::Access, feed::ConsumerName, record::Stored};

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

    /// The name of the consumer that `parts` alone are, which tells nobody what it was made of.
    pub fn derived_consumer(&self, parts: &[&str]) -> ConsumerName {
        ConsumerName::derived(&self.derived_id(parts))
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

    /// Whether somebody may read a record version, and the record as it is now. It shows nothing
    /// of either, and so leaves no entry in the audit log: whoever then shows it writes that.
    pub fn may_see(&self, cx: &Ctx, version: &Stored) -> Result<bool, ReadError> {
        let inner = &self.inner;
        let access = Access::new(&inner.policy, cx, &inner.keyring);
        let Some(row) = inner.truth.by_vid(version.place.0)? else { return Ok(false) };
        if !access.permits(Action::Read, &row.head) {
            return Ok(false);
        }
        let now = inner.truth.current(&row.head.kid)?;
        Ok(now.is_some_and(|now| access.permits(Action::Read, &now.head)))
    }

    /// The policy that every call is asked of.
    pub fn policy(&self) -> &Policy {
        &self.inner.policy
    }
}
