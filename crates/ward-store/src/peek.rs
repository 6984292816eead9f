//! What the house may know of a record without reading it.

use ward_core::RecordKey;
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

    /// The policy that every call is asked of.
    pub fn policy(&self) -> &Policy {
        &self.inner.policy
    }
}
